#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart_priv.h"
#include "pg2une/base/mem.h"
#include "screen_priv.h"

#define SCALE_W	   7   /* cells of the scale: "+12.5% " */
#define RATIO_FROM 400 /* percent */

/* Dots of a cell's left and right column, from the top down (Unicode 2800 block). */
static const unsigned char dots[2][4] = {{0x01, 0x02, 0x04, 0x40},
					 {0x08, 0x10, 0x20, 0x80}};

struct plane {
	struct pgt_canvas c; /* without the scale */
	unsigned char *line, *band;
	double lo, hi; /* of the scale */
	bool ratio;
};

static void
reach(double v, double *lo, double *hi)
{
	if (!isfinite(v))
		return;
	*lo = v < *lo ? v : *lo;
	*hi = v > *hi ? v : *hi;
}

/* A ratio among 1, 2 and 5 times powers of ten, outwards. */
static double
round_ratio(double r, bool up)
{
	double e = pow(10, floor(log10(r) + 1e-9)), f = r / e;

	if (up)
		return e * (f > 5 ? 10 : f > 2 ? 5 : f > 1 ? 2 : 1);
	return e * (f >= 5 ? 5 : f >= 2 ? 2 : 1);
}

static double
height(const struct plane *p, double v)
{
	return p->ratio ? log1p(fmax(v, p->lo) / 100) : v;
}

/* From the data, with zero in it; the bounds at steps of 1, 2 or 5 of a power of
 * ten, so that a scale does not jump with every value. */
static void
find_scale(const struct pgt_chart *ch, struct plane *p)
{
	double lo = 0, hi = 0, step, f;

	for (size_t i = 0; i < ch->n; i++) {
		reach(ch->y[i], &lo, &hi);
		if (ch->lo && ch->hi) {
			reach(ch->lo[i], &lo, &hi);
			reach(ch->hi[i], &lo, &hi);
		}
	}
	for (size_t i = 0; i < ch->n_points; i++) {
		reach(ch->points[i].y, &lo, &hi);
		reach(ch->points[i].lo, &lo, &hi);
		reach(ch->points[i].hi, &lo, &hi);
	}
	if (!(hi - lo > 1e-9)) {
		p->lo = -1;
		p->hi = 1;
		return;
	}
	p->ratio = ch->gain && hi > RATIO_FROM;
	if (p->ratio) {
		p->lo = 100 * (round_ratio(fmax(1 + lo / 100, 0.01), false) - 1);
		p->hi = 100 * (round_ratio(1 + hi / 100, true) - 1);
		return;
	}
	step = pow(10, floor(log10((hi - lo) / 2)));
	f = (hi - lo) / 2 / step;
	step *= f > 5 ? 5 : f > 2 ? 2 : 1;
	p->lo = floor(lo / step) * step;
	p->hi = ceil(hi / step) * step;
}

static void
set_dot(const struct plane *p, unsigned char *plane, int dx, int dy)
{
	int x = dx / 2, y = dy / 4;

	if (dx < 0 || dy < 0 || x >= p->c.r.w || y >= p->c.r.h)
		return;
	plane[y * p->c.r.w + x] |= dots[dx & 1][dy & 3];
}

/* In dots; -1 when there is none. */
static int
dot_y(const struct plane *p, double v)
{
	int steps = p->c.r.h * 4 - 1;
	double top = height(p, p->hi);
	double at = (top - height(p, v)) / (top - height(p, p->lo)) * steps;

	return isfinite(at) ? (int)lround(fmin(fmax(at, 0), steps)) : -1;
}

static int
dot_x(const struct plane *p, const struct pgt_chart *ch, double x)
{
	double span = ch->x1 - ch->x0;
	double at = span > 0 ? (x - ch->x0) / span : 0;

	return (int)lround(fmin(fmax(at, 0), 1) * (p->c.r.w * 2 - 1));
}

static void
vertical(const struct plane *p, unsigned char *plane, int x, int y0, int y1, int every)
{
	if (y0 > y1) {
		int t = y0;

		y0 = y1;
		y1 = t;
	}
	for (int y = y0; y <= y1; y++)
		if (every == 1 || (x + y) % every == 0)
			set_dot(p, plane, x, y);
}

static void
draw_segment(const struct plane *p, const struct pgt_chart *ch, size_t i)
{
	int x0 = dot_x(p, ch, ch->x[i]), x1 = dot_x(p, ch, ch->x[i + 1]);
	int y0 = dot_y(p, ch->y[i]), y1 = dot_y(p, ch->y[i + 1]), last = y0;

	if (y0 < 0 || y1 < 0)
		return;
	for (int x = x0; x <= x1; x++) {
		double f = x1 > x0 ? (double)(x - x0) / (x1 - x0) : 1;
		int y = ch->steps ? (x < x1 ? y0 : y1) : (int)lround(y0 + f * (y1 - y0));

		vertical(p, p->line, x, last, y, 1);
		last = y;
		if (ch->lo && ch->hi) {
			double lo = ch->lo[i] + f * (ch->lo[i + 1] - ch->lo[i]);
			double hi = ch->hi[i] + f * (ch->hi[i + 1] - ch->hi[i]);

			vertical(p, p->band, x, dot_y(p, hi), dot_y(p, lo), 2);
		}
	}
}

static void
put_dots(const struct plane *p, enum pgt_role role)
{
	bool ascii = pgt_screen_ascii();

	for (int y = 0; y < p->c.r.h; y++)
		for (int x = 0; x < p->c.r.w; x++) {
			unsigned bits = p->line[y * p->c.r.w + x];
			unsigned band = p->band[y * p->c.r.w + x];
			enum pgt_role r = bits ? role : PGT_ROLE_BAND;
			char s[4];

			if (!bits && !band)
				continue;
			if (!bits)
				bits = band;
			s[0] = (char)0xe2;
			s[1] = (char)(0xa0 | bits >> 6);
			s[2] = (char)(0x80 | (bits & 63));
			s[3] = '\0';
			pgt_put(&p->c, y, x, r,
				!ascii                    ? s
				: p->line[y * p->c.r.w + x] ? "-"
							    : ":");
		}
}

static void
put_scale(const struct pgt_canvas *c, const struct plane *p, const char *unit)
{
	/* A ratio's lower bound is seldom reached: where they share a line, 1x is said.
	 */
	bool low = p->ratio && dot_y(p, 0) / 4 == p->c.r.h - 1;
	const double at[3] = {p->hi, 0, low ? 0 : p->lo};

	for (int i = 0; i < 3; i++) {
		int y = dot_y(p, at[i]) / 4;
		char text[24];

		if ((i == 1 && (y == 0 || y == p->c.r.h - 1)) || (i == 2 && y == 0))
			continue;
		if (p->ratio)
			snprintf(text, sizeof(text), "%.3gx", 1 + at[i] / 100);
		else if (at[i] == 0)
			snprintf(text, sizeof(text), "0%s", unit);
		else
			snprintf(text, sizeof(text),
				 fabs(at[i]) < 1000 ? "%+.3g%s" : "%+.0f%s", at[i], unit);
		pgt_put_fit(c, y, 0, SCALE_W - 1, PGT_RIGHT, PGT_ROLE_DIM, text, 0);
	}
}

int
pgt_chart_column(const struct pgt_canvas *c, const struct pgt_chart *ch, double x)
{
	struct plane p = {.c = *c};

	p.c.r.w -= SCALE_W;
	return SCALE_W + dot_x(&p, ch, x) / 2;
}

void
pgt_chart(const struct pgt_canvas *c, const struct pgt_chart *ch, int *ret_left)
{
	struct plane p = {.c = *c};
	size_t cells;

	if (ret_left)
		*ret_left = SCALE_W;
	p.c.r.x += SCALE_W;
	p.c.r.w -= SCALE_W;
	if (p.c.r.h < 2 || p.c.r.w < 8)
		return;
	find_scale(ch, &p);
	cells = (size_t)p.c.r.w * (size_t)p.c.r.h;
	p.line = pgt_xcalloc(cells, 1);
	p.band = pgt_xcalloc(cells, 1);
	for (int x = 0; x < p.c.r.w * 2; x += 4) /* the zero line */
		set_dot(&p, p.band, x, dot_y(&p, 0));
	for (size_t i = 0; i + 1 < ch->n; i++)
		draw_segment(&p, ch, i);
	for (size_t i = 0; i < ch->n_points; i++)
		if (isfinite(ch->points[i].lo) && isfinite(ch->points[i].hi))
			vertical(&p, p.band, dot_x(&p, ch, ch->points[i].x),
				 dot_y(&p, ch->points[i].hi), dot_y(&p, ch->points[i].lo),
				 1);
	put_dots(&p, ch->role);
	for (size_t i = 0; i < ch->n_points; i++) {
		int y = dot_y(&p, ch->points[i].y);

		if (y >= 0)
			pgt_put(&p.c, y / 4, dot_x(&p, ch, ch->points[i].x) / 2,
				ch->points[i].role, pgt_glyph(ch->points[i].glyph));
	}
	put_scale(c, &p, ch->unit);
	free(p.line);
	free(p.band);
}
