#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"
#include "grid_priv.h"

void
pgt_grid_init(struct pgt_grid *t, const struct pgt_grid_ops *ops)
{
	memset(t, 0, sizeof(*t));
	t->ops = ops;
	t->sort = ops->sort;
	if (t->sort >= 0)
		t->descending = !ops->columns[t->sort].ascending;
	for (size_t i = 0; i < PGT_LEN(t->column_x); i++)
		t->column_x[i] = -1;
}

void
pgt_grid_done(struct pgt_grid *t)
{
	free(t->order);
	free(t->tags);
	free(t->filter_text);
	free(t->search_text);
	pgt_regex_free(t->filter);
	pgt_regex_free(t->search);
	memset(t, 0, sizeof(*t));
}

/* ---- filter and sort ---- */

void
pgt_grid_row_text(const struct pgt_grid *t, const void *row, const void *ctx,
		  struct pgt_buf *out)
{
	for (int i = 0; i < t->ops->n_columns; i++) {
		struct pgt_cell cell = {.text = "", .role = PGT_ROLE_TEXT};

		t->ops->columns[i].format(row, ctx, &cell);
		if (i)
			pgt_buf_putc(out, '\t');
		pgt_buf_puts(out, cell.text ? cell.text : "");
	}
}

static bool
row_matches(const struct pgt_grid *t, const struct pgt_regex *re, const void *row,
	    const void *ctx)
{
	/* Cell by cell, so that ^ and $ are the ends of what one column says; an
	 * inverted one must not be in any. */
	bool inverted = re == t->filter && t->filter_text[0] == '!';

	for (int i = 0; i < t->ops->n_columns; i++) {
		struct pgt_cell cell = {.text = "", .role = PGT_ROLE_TEXT};

		t->ops->columns[i].format(row, ctx, &cell);
		if (!cell.text)
			cell.text = "";
		if (pgt_regex_match(re, cell.text, strlen(cell.text)) != inverted)
			return !inverted;
	}
	return inverted;
}

struct sort_arg {
	const struct pgt_grid *t;
	const void *ctx;
};

static int
compare_numbers(double a, double b, bool descending)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b); /* unknown goes last in both directions */
	if (a == b)
		return 0;
	return (a < b) == !descending ? -1 : 1;
}

static int
compare_strings(const char *a, const char *b, bool descending)
{
	int d;

	if (!a || !b)
		return !a - !b;
	d = strcasecmp(a, b);
	return descending ? -d : d;
}

static int
compare_rows(const void *pa, const void *pb, void *parg)
{
	const struct sort_arg *arg = parg;
	const struct pgt_grid *t = arg->t;
	const struct pgt_column *col = &t->ops->columns[t->sort];
	uint32_t ia = *(const uint32_t *)pa, ib = *(const uint32_t *)pb;
	const void *a = t->ops->row(arg->ctx, ia), *b = t->ops->row(arg->ctx, ib);
	int d;

	d = col->number ? compare_numbers(col->number(a, arg->ctx),
					  col->number(b, arg->ctx), t->descending)
			: compare_strings(col->string(a, arg->ctx),
					  col->string(b, arg->ctx), t->descending);
	if (d)
		return d;
	return ia < ib ? -1 : ia > ib; /* stable */
}

static bool
sortable(const struct pgt_column *col)
{
	return col->number || col->string;
}

void
pgt_grid_update(struct pgt_grid *t, const void *ctx)
{
	struct sort_arg arg = {t, ctx};
	size_t total = t->ops->count(ctx), n = 0;

	if (total > t->cap) {
		t->order = pgt_xreallocarray(t->order, total, sizeof(*t->order));
		t->cap = total;
	}
	for (size_t i = 0; i < total; i++)
		if (!t->filter || row_matches(t, t->filter, t->ops->row(ctx, i), ctx))
			t->order[n++] = (uint32_t)i;
	t->n = n;
	t->total = total;
	if (t->sort >= 0 && n > 1)
		qsort_r(t->order, n, sizeof(*t->order), compare_rows, &arg);
	if (t->moved && t->have_cur)
		for (size_t i = 0; i < n; i++)
			if (t->ops->id(t->ops->row(ctx, t->order[i]), ctx) == t->cur_id) {
				t->cur = i;
				break;
			}
	if (t->cur >= n)
		t->cur = n ? n - 1 : 0;
	if (n) {
		t->cur_id = t->ops->id(t->ops->row(ctx, t->order[t->cur]), ctx);
		t->have_cur = true;
	}
}

int
pgt_grid_filter(struct pgt_grid *t, const char *expr, struct pgt_err *err)
{
	struct pgt_regex *re = NULL;

	if (expr && *expr && strcmp(expr, "!") != 0 &&
	    pgt_regex_new(expr, PGT_RE_SMARTCASE | PGT_RE_INVERT, &re, err) < 0)
		return -1;
	pgt_regex_free(t->filter);
	free(t->filter_text);
	t->filter = re;
	t->filter_text = re ? pgt_xstrdup(expr) : NULL;
	return 0;
}

int
pgt_grid_search(struct pgt_grid *t, const char *expr, struct pgt_err *err)
{
	struct pgt_regex *re = NULL;

	if (expr && *expr && pgt_regex_new(expr, PGT_RE_SMARTCASE, &re, err) < 0)
		return -1;
	pgt_regex_free(t->search);
	free(t->search_text);
	t->search = re;
	t->search_text = re ? pgt_xstrdup(expr) : NULL;
	return 0;
}

bool
pgt_grid_find(struct pgt_grid *t, const void *ctx, bool backwards, bool from_here)
{
	if (!t->search)
		return false;
	for (size_t k = from_here ? 0 : 1; k <= t->n; k++) {
		size_t i = backwards ? (t->cur + t->n - k % t->n) % t->n
				     : (t->cur + k) % t->n;

		if (row_matches(t, t->search, pgt_grid_at(t, ctx, i), ctx)) {
			pgt_grid_select(t, ctx, i);
			return true;
		}
	}
	return false;
}

void
pgt_grid_sort_by(struct pgt_grid *t, int column, bool descending)
{
	t->sort = column;
	t->descending = descending;
	if (!t->moved)
		t->top = t->cur = 0;
}

void
pgt_grid_sort_step(struct pgt_grid *t, int delta)
{
	int n = t->ops->n_columns, col = t->sort;

	for (int tries = 0; tries < n; tries++) {
		col += delta;
		if (col < 0)
			col = n - 1;
		if (col >= n)
			col = 0;
		if (sortable(&t->ops->columns[col])) {
			pgt_grid_sort_by(t, col, !t->ops->columns[col].ascending);
			return;
		}
	}
}

/* ---- selection ---- */

const void *
pgt_grid_at(const struct pgt_grid *t, const void *ctx, size_t i)
{
	/* Between new data and the next update the order may be longer than the data. */
	if (i >= t->n || t->order[i] >= t->ops->count(ctx))
		return NULL;
	return t->ops->row(ctx, t->order[i]);
}

const void *
pgt_grid_current(const struct pgt_grid *t, const void *ctx)
{
	return pgt_grid_at(t, ctx, t->cur);
}

void
pgt_grid_select(struct pgt_grid *t, const void *ctx, size_t i)
{
	const void *row;

	if (t->n == 0)
		return;
	t->cur = i < t->n ? i : t->n - 1;
	t->moved = t->cur != 0;
	row = pgt_grid_current(t, ctx);
	if (row) {
		t->cur_id = t->ops->id(row, ctx);
		t->have_cur = true;
	}
}

void
pgt_grid_move(struct pgt_grid *t, const void *ctx, long delta)
{
	long to = (long)t->cur + delta;

	pgt_grid_select(t, ctx, to < 0 ? 0 : (size_t)to);
}

void
pgt_grid_pan(struct pgt_grid *t, int delta)
{
	if (delta > 0 && t->can_right) {
		if (t->hscroll < t->ops->n_columns - t->ops->frozen - 1)
			t->hscroll++;
		else
			t->pan += 16;
	} else if (delta < 0 && t->pan > 0) {
		t->pan -= 16;
	} else if (delta < 0 && t->hscroll > 0) {
		t->hscroll--;
	}
}

void
pgt_grid_tag(struct pgt_grid *t, const void *ctx)
{
	const void *row = pgt_grid_current(t, ctx);
	uint64_t id;

	if (!row)
		return;
	id = t->ops->id(row, ctx);
	for (size_t i = 0; i < t->n_tags; i++)
		if (t->tags[i] == id) {
			t->tags[i] = t->tags[--t->n_tags];
			return;
		}
	if (t->n_tags >= 1000)
		return;
	t->tags = pgt_xreallocarray(t->tags, t->n_tags + 1, sizeof(*t->tags));
	t->tags[t->n_tags++] = id;
}

bool
pgt_grid_tagged(const struct pgt_grid *t, uint64_t id)
{
	for (size_t i = 0; i < t->n_tags; i++)
		if (t->tags[i] == id)
			return true;
	return false;
}

bool
pgt_grid_click(struct pgt_grid *t, const void *ctx, int y, int x)
{
	int best = -1;

	if (x < t->body.x || x >= t->body.x + t->body.w)
		return false;
	if (y == t->body.y - 1) {
		for (int i = 0; i < t->ops->n_columns; i++)
			if (t->column_x[i] >= 0 && t->column_x[i] <= x &&
			    (best < 0 || t->column_x[i] > t->column_x[best]))
				best = i;
		if (best < 0 || !sortable(&t->ops->columns[best]))
			return false;
		pgt_grid_sort_by(t, best,
				 t->sort == best ? !t->descending
						 : !t->ops->columns[best].ascending);
		return true;
	}
	if (y < t->body.y || y >= t->body.y + t->body.h)
		return false;
	if (t->top + (size_t)(y - t->body.y) < t->n)
		pgt_grid_select(t, ctx, t->top + (size_t)(y - t->body.y));
	return true;
}

char *
pgt_grid_remark(const struct pgt_grid *t, char *buf, size_t size)
{
	size_t n = 0;

	*buf = '\0';
	if (t->filter_text)
		n = (size_t)snprintf(buf, size, "filter %.40s  ", t->filter_text);
	if (t->n_tags && n < size)
		n += (size_t)snprintf(buf + n, size - n, "%zu tagged  ", t->n_tags);
	if (n < size && (t->filter || t->n > (size_t)t->body.h))
		snprintf(buf + n, size - n, "%zu/%zu", t->n ? t->cur + 1 : 0, t->n);
	return buf;
}
