#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"
#include "pg2une/base/str.h"

#define LABEL_WIDTH 14 /* at most, while there is room */
#define MAX_LINES   100000

void
pgt_doc_reset(struct pgt_doc *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->lines[i].text);
		free(d->lines[i].label);
	}
	d->n = 0;
	d->labels = 0;
}

void
pgt_doc_done(struct pgt_doc *d)
{
	pgt_doc_reset(d);
	free(d->lines);
	pgt_regex_free(d->search);
	memset(d, 0, sizeof(*d));
}

static struct pgt_doc_line *
add(struct pgt_doc *d, enum pgt_role role, char *take_text)
{
	struct pgt_doc_line *l;

	if (d->n >= MAX_LINES) {
		free(take_text);
		return NULL;
	}
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 32;
		d->lines = pgt_xreallocarray(d->lines, d->cap, sizeof(*d->lines));
	}
	l = &d->lines[d->n++];
	*l = (struct pgt_doc_line){.text = take_text, .role = role};
	return l;
}

void
pgt_doc_line(struct pgt_doc *d, enum pgt_role role, const char *text)
{
	add(d, role, pgt_xstrdup(text));
}

static char *
vprint(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		pgt_mem_abort();
	return s;
}

void
pgt_doc_printf(struct pgt_doc *d, enum pgt_role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, role, vprint(fmt, ap));
	va_end(ap);
}

void
pgt_doc_field(struct pgt_doc *d, const char *label, enum pgt_role role, const char *fmt,
	      ...)
{
	struct pgt_doc_line *l;
	va_list ap;

	va_start(ap, fmt);
	l = add(d, role, vprint(fmt, ap));
	va_end(ap);
	if (!l)
		return;
	l->label = pgt_xstrdup(label);
	if (pgt_cells(label) > d->labels)
		d->labels = pgt_cells(label) < LABEL_WIDTH ? pgt_cells(label)
							   : LABEL_WIDTH;
}

void
pgt_doc_heading(struct pgt_doc *d, const char *text)
{
	if (d->n)
		pgt_doc_line(d, PGT_ROLE_TEXT, "");
	pgt_doc_line(d, PGT_ROLE_ACCENT, text);
}

void
pgt_doc_block(struct pgt_doc *d, enum pgt_role role, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		struct pgt_doc_line *l = add(d, role, pgt_xstrndup(text, n));

		if (l)
			l->indent = (int)strspn(l->text, " ") + 2;
		text += n + (text[n] == '\n');
	}
}

/* ---- wrapping ---- */

/* Bytes of s that go on a row of width cells: up to a blank when there is one in
 * its second half. */
static size_t
wrap_at(const char *s, int width)
{
	int cells;
	size_t n = pgt_str_fit(s, width, &cells), cut;

	if (!s[n])
		return n;
	if (n == 0)
		return s[0] ? 1
			    : 0; /* a wide character in one cell: go on all the same */
	for (cut = n; cut > n / 2; cut--)
		if (s[cut] == ' ' || s[cut - 1] == ',')
			return cut;
	return n;
}

static bool
line_matches(const struct pgt_doc *d, const struct pgt_doc_line *l)
{
	return d->search && pgt_regex_match(d->search, l->text, strlen(l->text));
}

/* Draw (or with c NULL only count) the rows of one line; returns how many. */
static size_t
each_row(const struct pgt_doc *d, const struct pgt_doc_line *l, int width,
	 const struct pgt_canvas *c, long y)
{
	const char *s = l->text;
	size_t rows = 0;
	int further = l->label ? d->labels + 2 : l->indent;
	int indent = l->label ? further : 0;
	enum pgt_role role = line_matches(d, l) ? PGT_ROLE_MATCH : l->role;
	char part[2048];

	if (width < indent + 8)
		indent = 0;
	if (d->terse) {
		if (c && y >= 0 && y < c->r.h && l->label)
			pgt_put(c, (int)y, 0, PGT_ROLE_DIM, l->label);
		if (c && y >= 0 && y < c->r.h)
			pgt_put(c, (int)y, indent, role, s);
		return 1;
	}
	do {
		size_t n = wrap_at(s, width - indent);

		if (c && y + (long)rows >= 0 && y + (long)rows < c->r.h) {
			snprintf(part, sizeof(part), "%.*s", (int)n, s);
			if (rows == 0 && l->label)
				pgt_put(c, (int)y, 0, PGT_ROLE_DIM, l->label);
			pgt_put(c, (int)(y + (long)rows), indent, role, part);
		}
		s += n;
		while (*s == ' ' && rows + 1 > 0 && n)
			s++;
		rows++;
		if (rows == 1) {
			indent = further;
			if (width < indent + 8)
				indent = 0;
		}
	} while (*s);
	return rows;
}

size_t
pgt_doc_height(const struct pgt_doc *d, int width)
{
	size_t total = 0;

	for (size_t i = 0; i < d->n; i++)
		total += each_row(d, &d->lines[i], width, NULL, 0);
	return total;
}

void
pgt_doc_draw(struct pgt_doc *d, const struct pgt_canvas *c)
{
	struct pgt_canvas in = *c;
	size_t total;
	long y;

	if (in.r.h < 1 || in.r.w < 4)
		return;
	total = pgt_doc_height(d, in.r.w);
	d->rows = total;
	d->page = in.r.h;
	d->width = in.r.w;
	if (d->top + (size_t)d->page > total)
		d->top = total > (size_t)d->page ? total - (size_t)d->page : 0;
	y = -(long)d->top;
	for (size_t i = 0; i < d->n && y < in.r.h; i++)
		y += (long)each_row(d, &d->lines[i], in.r.w, &in, y);
}

void
pgt_doc_scroll(struct pgt_doc *d, long rows)
{
	long to = (long)d->top + rows;
	long max = (long)d->rows - d->page;

	if (to > max)
		to = max;
	d->top = to < 0 ? 0 : (size_t)to;
}

int
pgt_doc_search(struct pgt_doc *d, const char *expr, struct pgt_err *err)
{
	struct pgt_regex *re = NULL;

	if (expr && *expr && pgt_regex_new(expr, PGT_RE_SMARTCASE, &re, err) < 0)
		return -1;
	pgt_regex_free(d->search);
	d->search = re;
	return 0;
}

bool
pgt_doc_find(struct pgt_doc *d, bool backwards)
{
	size_t row = 0, best = 0;
	bool found = false;
	int width = d->width ? d->width : 80;

	if (!d->search)
		return false;
	for (size_t i = 0; i < d->n; i++) {
		if (line_matches(d, &d->lines[i])) {
			if (backwards ? row < d->top : row > d->top && !found) {
				best = row;
				found = true;
			}
		}
		row += each_row(d, &d->lines[i], width, NULL, 0);
	}
	if (found)
		d->top = best;
	return found;
}
