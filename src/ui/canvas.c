#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define NCURSES_NOMACROS
#include <curses.h>

#include "canvas_priv.h"
#include "screen_priv.h"

#define CHAR_MAX_BYTES 8 /* more than UTF-8 has: of a text that ends with a NUL */

static const char *const glyphs[PGT_G_N][2] = {
    [PGT_G_ELLIPSIS] = {"…", "~"},   [PGT_G_UP] = {"▲", "^"},
    [PGT_G_DOWN] = {"▼", "v"},       [PGT_G_LEFT] = {"◂", "<"},
    [PGT_G_RIGHT] = {"▸", ">"},      [PGT_G_WARN] = {"⚠", "!"},
    [PGT_G_DOT] = {"●", "*"},        [PGT_G_RING] = {"○", "o"},
    [PGT_G_HALF] = {"◐", "%"},       [PGT_G_CHECK] = {"✓", "+"},
    [PGT_G_CROSS] = {"✗", "x"},      [PGT_G_CURSOR] = {"▌", ">"},
    [PGT_G_BRANCH] = {"├ ", "|-"},   [PGT_G_LAST] = {"└ ", "`-"},
    [PGT_G_TRUNK] = {"│ ", "| "},    [PGT_G_BULLET] = {"·", "."},
    /* not ^ and v: a letter at the end of a name is part of it */
    [PGT_G_ASCENDING] = {"▲", "+"},  [PGT_G_DESCENDING] = {"▼", "-"},
    [PGT_G_PLUSMINUS] = {"±", "+-"}, [PGT_G_TAG] = {"◆", "#"},
};

const char *
pgt_glyph(enum pgt_glyph g)
{
	return glyphs[g][pgt_screen_ascii()];
}

bool
pgt_char_hides(wchar_t wc)
{
	return (wc >= 0x200b && wc <= 0x200f) || (wc >= 0x2028 && wc <= 0x202e) ||
	       (wc >= 0x2060 && wc <= 0x206f) || wc == 0xfeff ||
	       (wc >= 0xe0000 && wc <= 0xe0fff);
}

/* The next character of at most max bytes of s as the terminal will show it: one wide
 * character, its cells, and how many bytes it took.  Never fails: bad bytes become "?".
 */
static size_t
next_char(const char *s, size_t max, wchar_t *wc, int *cells)
{
	mbstate_t st;
	size_t n;
	unsigned char first = (unsigned char)*s;

	if (first >= 0x20 && first < 0x7f) {
		*wc = first;
		*cells = 1;
		return 1;
	}
	memset(&st, 0, sizeof(st));
	n = mbrtowc(wc, s, strnlen(s, max), &st);
	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		n = 1, *wc = '?';
	*cells = wcwidth(*wc);
	if (*cells < 0 || *wc < 0x20 || (*wc >= 0x7f && *wc < 0xa0) ||
	    pgt_char_hides(*wc)) {
		*wc = '?';
		*cells = 1;
	}
	return n;
}

int
pgt_cells(const char *s)
{
	int total = 0, cells;
	wchar_t wc;

	while (*s) {
		s += next_char(s, CHAR_MAX_BYTES, &wc, &cells);
		total += cells;
	}
	return total;
}

/* Bytes of the longest prefix in at most width cells. */
static size_t
prefix(const char *s, int width, int *ret_cells)
{
	size_t at = 0, n;
	int total = 0, cells;
	wchar_t wc;

	while (s[at]) {
		n = next_char(s + at, CHAR_MAX_BYTES, &wc, &cells);
		if (total + cells > width)
			break;
		at += n;
		total += cells;
	}
	*ret_cells = total;
	return at;
}

/* len bytes of s at an absolute place that is known to be on the screen. */
static void
emit(int y, int x, const char *s, size_t len)
{
	const char *end = s + len;
	wchar_t out[256];
	int n = 0, cells, at = x, width = 0;

	while (s < end) {
		s += next_char(s, (size_t)(end - s), &out[n], &cells);
		width += cells;
		if (++n == 250 || s >= end) {
			mvwaddnwstr(stdscr, y, at, out, n);
			at += width;
			width = n = 0;
		}
	}
}

static bool
visible(const struct pgt_canvas *c, int y)
{
	return y >= 0 && y < c->r.h && c->r.y + y >= 0 && c->r.y + y < LINES;
}

int
pgt_put(const struct pgt_canvas *c, int y, int x, enum pgt_role role, const char *s)
{
	int room = c->r.w - x, cells;
	size_t n;

	if (!visible(c, y) || room <= 0 || !s || !*s)
		return x;
	pgt_screen_style(role, c->selected);
	n = prefix(s, room, &cells);
	if (s[n]) {
		n = prefix(s, room - 1, &cells);
		emit(c->r.y + y, c->r.x + x, s, n);
		emit(c->r.y + y, c->r.x + x + cells, pgt_glyph(PGT_G_ELLIPSIS),
		     strlen(pgt_glyph(PGT_G_ELLIPSIS)));
		return c->r.w;
	}
	emit(c->r.y + y, c->r.x + x, s, n);
	return x + cells;
}

int
pgt_putf(const struct pgt_canvas *c, int y, int x, enum pgt_role role, const char *fmt,
	 ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return pgt_put(c, y, x, role, text);
}

void
pgt_fill(const struct pgt_canvas *c, int y, int x, int width, enum pgt_role role)
{
	if (x + width > c->r.w)
		width = c->r.w - x;
	if (!visible(c, y) || width <= 0)
		return;
	pgt_screen_style(role, c->selected);
	mvwprintw(stdscr, c->r.y + y, c->r.x + x, "%*s", width, "");
}

void
pgt_clear(const struct pgt_canvas *c, enum pgt_role role)
{
	for (int y = 0; y < c->r.h; y++)
		pgt_fill(c, y, 0, c->r.w, role);
}

int
pgt_put_fit(const struct pgt_canvas *c, int y, int x, int width, enum pgt_align align,
	    enum pgt_role role, const char *s, int skip)
{
	struct pgt_canvas cell = *c;
	int cells, pad;

	if (x >= c->r.w || width <= 0)
		return x + width;
	if (x + width > c->r.w)
		width = c->r.w - x;
	cell.r = (struct pgt_rect){c->r.y + y, c->r.x + x, 1, width};
	if (!visible(c, y))
		return x + width;
	pgt_fill(&cell, 0, 0, width, role);
	if (skip > 0 && *s) {
		s += prefix(s, skip, &cells);
		pgt_put(&cell, 0,
			pgt_put(&cell, 0, 0, PGT_ROLE_DIM, pgt_glyph(PGT_G_LEFT)), role,
			s);
		return x + width;
	}
	cells = pgt_cells(s);
	pad = align == PGT_RIGHT && cells < width ? width - cells : 0;
	pgt_put(&cell, 0, pad, role, s);
	return x + width;
}

/* ---- frames ---- */

static void
draw_line(int y, int x, int w, const char *glyph)
{
	char buf[600];
	size_t n = 0, len = strlen(glyph);

	for (int i = 0; i < w; i++) {
		memcpy(buf + n, glyph, len);
		n += len;
		if (n + len >= sizeof(buf) || i + 1 == w) {
			emit(y, x, buf, n);
			x += (int)(n / len);
			n = 0;
		}
	}
}

struct pgt_canvas
pgt_box(const struct pgt_canvas *c, const char *title, const char *remark,
	enum pgt_role remark_role, bool focused)
{
	static const char *const fancy[] = {"┌", "┐", "└", "┘", "─", "│"};
	static const char *const plain[] = {"+", "+", "+", "+", "-", "|"};
	const char *const *g = pgt_screen_ascii() ? plain : fancy;
	struct pgt_rect r = c->r;
	struct pgt_canvas top = {.r = {r.y, r.x + 1, 1, r.w - 2}};
	struct pgt_canvas in = {.r = {r.y + 1, r.x + 1, r.h - 2, r.w - 2}};
	int x, need;

	if (r.h < 2 || r.w < 4)
		return (struct pgt_canvas){.r = {r.y, r.x, 0, 0}};
	pgt_screen_style(focused ? PGT_ROLE_FOCUS : PGT_ROLE_BORDER, false);
	emit(r.y, r.x, g[0], strlen(g[0]));
	draw_line(r.y, r.x + 1, r.w - 2, g[4]);
	emit(r.y, r.x + r.w - 1, g[1], strlen(g[1]));
	for (int y = 1; y < r.h - 1; y++) {
		emit(r.y + y, r.x, g[5], strlen(g[5]));
		emit(r.y + y, r.x + r.w - 1, g[5], strlen(g[5]));
	}
	emit(r.y + r.h - 1, r.x, g[2], strlen(g[2]));
	draw_line(r.y + r.h - 1, r.x + 1, r.w - 2, g[4]);
	emit(r.y + r.h - 1, r.x + r.w - 1, g[3], strlen(g[3]));
	x = pgt_put(&top, 0, 0, PGT_ROLE_TEXT, " ");
	x = pgt_put(&top, 0, x, focused ? PGT_ROLE_FOCUS : PGT_ROLE_TITLE, title);
	x = pgt_put(&top, 0, x, PGT_ROLE_TEXT, " ");
	if (remark && *remark) {
		need = pgt_cells(remark) + 2;
		if (top.r.w - need < x + 1 && top.r.w - x > 5) {
			top.r.x += x + 1;
			top.r.w -= x + 1;
			need = top.r.w;
			x = 0;
		}
		if (top.r.w - need >= 0 && (x == 0 || top.r.w - need >= x)) {
			x = pgt_put(&top, 0, top.r.w - need, PGT_ROLE_TEXT, " ");
			top.r.w -= 1;
			x = pgt_put(&top, 0, x, remark_role, remark);
			top.r.w += 1;
			pgt_put(&top, 0, x, PGT_ROLE_TEXT, " ");
		}
	}
	return in;
}

void
pgt_bar(const struct pgt_canvas *c, int y, int x, int width, enum pgt_role role,
	double value, double max)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	char buf[1024];
	size_t n = 0;
	int units, full, rest;

	if (!(value > 0) || !(max > 0) || width <= 0)
		return;
	if (value > max)
		value = max;
	if (width > 300)
		width = 300;
	units = (int)(value / max * width * 8 + 0.5);
	full = units / 8;
	rest = units % 8;
	if (pgt_screen_ascii()) {
		memset(buf, '#', (size_t)full);
		n = (size_t)full;
		if (rest >= 4)
			buf[n++] = '=';
		buf[n] = '\0';
	} else {
		for (int i = 0; i < full; i++, n += 3)
			memcpy(buf + n, "█", 3);
		snprintf(buf + n, sizeof(buf) - n, "%s", eighths[rest]);
	}
	pgt_put(c, y, x, role, buf);
}
