/* Graphs of braille dots: a cell is 2 values wide and 4 steps high; columns of
 * "#" and ":" where only ASCII can be shown. */
#include <math.h>
#include <string.h>

#include "canvas_priv.h"
#include "screen_priv.h"

/* Dots of the left and right column, from the bottom up (Unicode 2800 block). */
static const unsigned char dots[2][4] = {{0x40, 0x04, 0x02, 0x01},
					 {0x80, 0x20, 0x10, 0x08}};

static double
scale_top(const struct pgt_graph *g)
{
	double top = g->top, step;

	if (top > 0)
		return top;
	for (size_t i = 0; i < g->n; i++) {
		if (g->values[i] > top)
			top = g->values[i];
		if (g->hi && g->hi[i] > top)
			top = g->hi[i];
	}
	if (!(top > 0))
		return 1;
	/* Round up to 1, 1.5, 2, 3, 5 or 7 of a power of ten: a scale that jumps
	 * with every sample cannot be read. */
	step = pow(10, floor(log10(top)));
	if (top <= step)
		return step;
	if (top <= 1.5 * step)
		return 1.5 * step;
	if (top <= 2 * step)
		return 2 * step;
	if (top <= 3 * step)
		return 3 * step;
	if (top <= 5 * step)
		return 5 * step;
	return top <= 7 * step ? 7 * step : 10 * step;
}

/* Dots that value i reaches in rows of 4: a value above zero shows at least one. */
static int
level(const float *values, size_t n, long i, double top, int steps)
{
	double v;
	int l;

	if (i < 0 || i >= (long)n || isnan(values[i]))
		return -1;
	v = values[i];
	if (v <= 0)
		return 0;
	l = (int)(v / top * steps + 0.5);
	return l < 1 ? 1 : l > steps ? steps : l;
}

static void
put_braille(const struct pgt_canvas *c, int y, int x, unsigned bits, enum pgt_role role)
{
	char s[4] = {(char)0xe2, (char)(0xa0 | bits >> 6), (char)(0x80 | (bits & 63)), 0};

	pgt_put(c, y, x, role, s);
}

static void
graph_cell(const struct pgt_canvas *c, const struct pgt_graph *g, int x, long i,
	   double top)
{
	int steps = c->r.h * 4;
	int lv[2], lo[2] = {-1, -1}, hi[2] = {-1, -1};
	bool mark = false;

	for (int k = 0; k < 2; k++) {
		lv[k] = level(g->values, g->n, i + k, top, steps);
		if (g->lo && g->hi) {
			lo[k] = level(g->lo, g->n, i + k, top, steps);
			hi[k] = level(g->hi, g->n, i + k, top, steps);
		}
		if (g->marks && i + k >= 0 && i + k < (long)g->n && g->marks[i + k])
			mark = true;
	}
	for (int row = 0; row < c->r.h; row++) {
		int base = row * 4, y = c->r.h - 1 - row;
		unsigned bits = 0, band = 0;

		for (int k = 0; k < 2; k++)
			for (int d = 0; d < 4; d++) {
				int at = base + d + 1;

				if (lv[k] >= at || (lv[k] == 0 && at == 1))
					bits |= dots[k][d];
				if (hi[k] >= at && at >= lo[k] && (at & 1) == (k & 1))
					band |= dots[k][d];
			}
		if (mark && !bits)
			pgt_put(c, y, x, PGT_ROLE_WARN, pgt_screen_ascii() ? "|" : "│");
		else if (pgt_screen_ascii())
			pgt_put(c, y, x, bits ? g->role : PGT_ROLE_BAND,
				__builtin_popcount(bits) >= 5   ? "#"
				: __builtin_popcount(bits) >= 3 ? ":"
				: bits                          ? "."
				: band                          ? "-"
								: " ");
		else if (bits)
			put_braille(c, y, x, bits, mark ? PGT_ROLE_WARN : g->role);
		else if (band)
			put_braille(c, y, x, band, PGT_ROLE_BAND);
	}
}

double
pgt_graph(const struct pgt_canvas *c, const struct pgt_graph *g)
{
	double top = scale_top(g);
	long n = (long)g->n;

	/* The newest value sits in the last cell, alone while it is the first of
	 * its pair. */
	for (int x = 0; x < c->r.w; x++) {
		long from_right = c->r.w - 1 - x;
		long last = g->shift ? n - 1 : n - 2;

		graph_cell(c, g, x, last - 2 * from_right, top);
	}
	return top;
}
