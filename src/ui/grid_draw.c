/* The table's picture: which columns fit, headings, rows. */
#include <stdio.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"
#include "grid_priv.h"

#define MIN_REST 12 /* cells that the last, elastic column needs to be of use */
#define NARROW   60 /* cells: below the 80 columns that layouts are made for */
#define AMPLE    80 /* cells that are enough for the elastic column */
#define WIDENED  12 /* cells: shorter texts are words of a fixed length */
#define GUTTER   1  /* at the left: cursor and tag */

static int
column_width(const struct pgt_column *col, int room)
{
	int heading = pgt_cells(col->name) + 1; /* room for the sort sign */
	int rest = -col->width;

	if (col->width <= 0) {
		/* a third of a narrow table is better than to leave the text out */
		if (room < NARROW && rest > room / 3)
			rest = room / 3;
		return rest > MIN_REST ? rest : MIN_REST;
	}
	return col->width > heading ? col->width : heading;
}

/* Not scrolled: as many as fit, the least important left out, and one at least.  The
 * sorted column stays, or its sign would be lost. */
static int
choose_by_priority(const struct pgt_grid *t, int room, bool *shown)
{
	const struct pgt_grid_ops *ops = t->ops;
	int need = 0, hidden = 0;

	for (int i = 0; i < ops->n_columns; i++) {
		shown[i] = true;
		need += column_width(&ops->columns[i], room) + 1;
	}
	while (need - 1 > room && hidden < ops->n_columns - 1) {
		int worst = -1;

		for (int i = ops->frozen; i < ops->n_columns; i++)
			if (shown[i] && i != t->sort &&
			    (worst < 0 ||
			     ops->columns[i].prio <= ops->columns[worst].prio))
				worst = i;
		if (worst < 0)
			break;
		shown[worst] = false;
		need -= column_width(&ops->columns[worst], room) + 1;
		hidden++;
	}
	return hidden;
}

static int
choose_scrolled(const struct pgt_grid *t, int room, bool *shown)
{
	const struct pgt_grid_ops *ops = t->ops;
	int hidden = 0, need = 0;

	for (int i = 0; i < ops->n_columns; i++) {
		bool skipped = i >= ops->frozen && i < ops->frozen + t->hscroll;

		shown[i] = !skipped;
		if (!skipped)
			need += column_width(&ops->columns[i], room) + 1;
		shown[i] = shown[i] && (need - 1 <= room || hidden == i);
		hidden += !shown[i];
	}
	return hidden;
}

/* What must be shown is too wide all the same: texts give way, widest first. */
static void
shrink(const struct pgt_grid_ops *ops, int *width, int excess)
{
	while (excess > 0) {
		int widest = -1;

		for (int i = 0; i < ops->n_columns; i++)
			if (ops->columns[i].align == PGT_LEFT && width[i] > 8 &&
			    (widest < 0 || width[i] > width[widest]))
				widest = i;
		if (widest < 0)
			return;
		width[widest]--;
		excess--;
	}
}

/* On a wide screen names need not be cut while the last column has room to waste:
 * each fixed text takes up to half of its width more.  Returns how much went. */
static int
widen(const struct pgt_grid_ops *ops, int *width, int spare)
{
	int given = 0;

	for (int i = 0; i < ops->n_columns && spare > 0; i++) {
		int more = ops->columns[i].align == PGT_LEFT &&
				   ops->columns[i].width > 0 && width[i] >= WIDENED
			       ? width[i] / 2
			       : 0;

		if (more > spare)
			more = spare;
		width[i] += more;
		spare -= more;
		given += more;
	}
	return given;
}

static void
lay_out(struct pgt_grid *t, int room, int *width)
{
	const struct pgt_grid_ops *ops = t->ops;
	bool shown[PGT_LEN(t->column_x)];
	int used = 0, last = -1, elastic = -1;

	t->hidden = t->hscroll ? choose_scrolled(t, room, shown)
			       : choose_by_priority(t, room, shown);
	for (int i = 0; i < ops->n_columns; i++) {
		width[i] = shown[i] ? column_width(&ops->columns[i], room) : 0;
		if (shown[i]) {
			used += width[i] + 1;
			last = i;
		}
	}
	shrink(ops, width, used - 1 - room);
	for (int i = 0; i < ops->n_columns; i++)
		if (shown[i] && ops->columns[i].width <= 0)
			elastic = i;
	/* The elastic column takes what is left. */
	if (elastic >= 0 && used - 1 < room) {
		used += widen(ops, width, width[elastic] + room - used + 1 - AMPLE);
		width[elastic] += room - used + 1;
	}
	t->can_right = t->hidden > 0 || (last >= 0 && ops->columns[last].width <= 0);
}

static void
draw_heading(struct pgt_grid *t, const struct pgt_canvas *c, const int *width)
{
	int x = GUTTER;
	char text[64];

	pgt_fill(c, 0, 0, c->r.w, PGT_ROLE_COLUMN);
	for (int i = 0; i < t->ops->n_columns; i++) {
		const struct pgt_column *col = &t->ops->columns[i];
		bool sorted = i == t->sort;

		t->column_x[i] = -1;
		if (width[i] == 0)
			continue;
		t->column_x[i] = c->r.x + x;
		snprintf(text, sizeof(text), "%s%s", col->name,
			 !sorted         ? ""
			 : t->descending ? pgt_glyph(PGT_G_DESCENDING)
					 : pgt_glyph(PGT_G_ASCENDING));
		pgt_put_fit(c, 0, x, width[i], col->align,
			    sorted ? PGT_ROLE_SORTED : PGT_ROLE_COLUMN, text, 0);
		x += width[i] + 1;
	}
}

static void
draw_row(struct pgt_grid *t, const void *ctx, const struct pgt_canvas *c, int y, size_t i,
	 const int *width, bool focused)
{
	const void *row = pgt_grid_at(t, ctx, i);
	struct pgt_canvas line = *c;
	enum pgt_role row_role;
	int x = GUTTER;

	if (!row)
		return;
	line.selected = focused && i == t->cur;
	row_role = t->ops->row_role ? t->ops->row_role(row, ctx) : PGT_ROLE_TEXT;
	pgt_fill(&line, y, 0, line.r.w, PGT_ROLE_TEXT);
	if (pgt_grid_tagged(t, t->ops->id(row, ctx)))
		pgt_put(&line, y, 0, PGT_ROLE_WARN, pgt_glyph(PGT_G_TAG));
	else if (i == t->cur && focused)
		pgt_put(&line, y, 0, PGT_ROLE_ACCENT, pgt_glyph(PGT_G_CURSOR));
	for (int col = 0; col < t->ops->n_columns; col++) {
		struct pgt_cell cell = {
			.text = "", .role = PGT_ROLE_TEXT, .width = width[col]};

		if (width[col] == 0)
			continue;
		t->ops->columns[col].format(row, ctx, &cell);
		if (cell.role == PGT_ROLE_TEXT)
			cell.role = row_role;
		if (t->search && cell.text &&
		    pgt_regex_match(t->search, cell.text, strlen(cell.text)))
			cell.role = PGT_ROLE_MATCH;
		if (cell.bar > 0)
			pgt_bar(&line, y, x, width[col], cell.role, cell.bar, 1);
		else
			pgt_put_fit(&line, y, x, width[col], t->ops->columns[col].align,
				    cell.role, cell.text ? cell.text : "",
				    t->ops->columns[col].width <= 0 ? t->pan : 0);
		x += width[col] + 1;
	}
}

void
pgt_grid_draw(struct pgt_grid *t, const void *ctx, const struct pgt_canvas *c,
	      bool focused)
{
	int width[PGT_LEN(t->column_x)] = {0}, rows = c->r.h - 1;

	t->body = (struct pgt_rect){c->r.y + 1, c->r.x, rows > 0 ? rows : 0, c->r.w};
	if (c->r.h < 1 || c->r.w < 4)
		return;
	lay_out(t, c->r.w - GUTTER, width);
	draw_heading(t, c, width);
	if (rows < 1)
		return;
	if (t->cur < t->top)
		t->top = t->cur;
	if (t->cur >= t->top + (size_t)rows)
		t->top = t->cur - (size_t)rows + 1;
	if (t->top + (size_t)rows > t->n)
		t->top = t->n > (size_t)rows ? t->n - (size_t)rows : 0;
	for (int y = 0; y < rows && t->top + (size_t)y < t->n; y++)
		draw_row(t, ctx, c, y + 1, t->top + (size_t)y, width, focused);
	if (t->n == 0)
		pgt_put(c, 1, 1, PGT_ROLE_DIM,
			t->total ? "no row passes the filter" : t->ops->empty);
}
