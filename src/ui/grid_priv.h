/* A table widget: rows of anything, columns with their own format, sort key and
 * role; sorting by any column, filter, search, scrolling both ways, a selection
 * that follows its row.  Knows nothing of snapshots: rows come through ops. */
#ifndef PG2UNE_UI_GRID_PRIV_H
#define PG2UNE_UI_GRID_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "canvas_priv.h"

struct pgt_regex;
struct pgt_buf;

/* What a column shows of one row.  text may point into buf or outlive the frame. */
struct pgt_cell {
	const char *text;
	enum pgt_role role;
	double bar; /* > 0: draw a bar of this share behind nothing else */
	int width;  /* given: cells that it has; 0 when its text is wanted in full */
	char buf[96];
};

struct pgt_column {
	const char *name;
	int width; /* cells; <= 0: what is left, at least -width (the last) */
	int prio;  /* columns of the lowest go first when there is no room */
	enum pgt_align align;
	bool ascending; /* first direction when sorted by it */
	void (*format)(const void *row, const void *ctx, struct pgt_cell *cell);
	/* One of them: NAN and NULL sort last. */
	double (*number)(const void *row, const void *ctx);
	const char *(*string)(const void *row, const void *ctx);
	const char *help; /* what it is and where it comes from */
};

struct pgt_grid_ops {
	const struct pgt_column *columns;
	int n_columns;
	int frozen; /* first columns that never scroll away */
	int sort;   /* first sort column, -1: the order rows come in */
	size_t (*count)(const void *ctx);
	const void *(*row)(const void *ctx, size_t i);
	uint64_t (*id)(const void *row, const void *ctx);            /* stable identity */
	enum pgt_role (*row_role)(const void *row, const void *ctx); /* may be NULL */
	const char *empty; /* what to say when there are no rows */
};

struct pgt_grid {
	const struct pgt_grid_ops *ops;
	int sort; /* -1: natural order */
	bool descending;
	int hscroll, pan; /* columns left out, cells left out of the last one */
	size_t top, cur;
	uint64_t cur_id;
	bool have_cur, moved; /* moved: the user chose a row, so follow it */
	uint32_t *order;
	size_t n, total, cap;
	char *filter_text, *search_text;
	struct pgt_regex *filter, *search;
	uint64_t *tags;
	size_t n_tags;
	struct pgt_rect body; /* where rows were drawn last: for the mouse */
	int column_x[32];     /* left edge of each column, -1 not shown */
	int hidden;           /* columns that do not fit */
	bool can_right;
};

void pgt_grid_init(struct pgt_grid *t, const struct pgt_grid_ops *ops);
void pgt_grid_done(struct pgt_grid *t);
/* Filter and sort the rows of ctx anew: after new data or a change of t. */
void pgt_grid_update(struct pgt_grid *t, const void *ctx);
void pgt_grid_draw(struct pgt_grid *t, const void *ctx, const struct pgt_canvas *c,
		   bool focused);
/* The selected row, NULL when there is none. */
const void *pgt_grid_current(const struct pgt_grid *t, const void *ctx);
/* Row i as shown (0 = first after sorting), NULL past the end. */
const void *pgt_grid_at(const struct pgt_grid *t, const void *ctx, size_t i);

void pgt_grid_move(struct pgt_grid *t, const void *ctx, long delta);
void pgt_grid_select(struct pgt_grid *t, const void *ctx, size_t i);
void pgt_grid_pan(struct pgt_grid *t, int delta);
void pgt_grid_sort_by(struct pgt_grid *t, int column, bool descending);
void pgt_grid_sort_step(struct pgt_grid *t, int delta);
/* "" or NULL takes the filter away.  -1: the expression is wrong, t unchanged. */
int pgt_grid_filter(struct pgt_grid *t, const char *expr, struct pgt_err *err);
int pgt_grid_search(struct pgt_grid *t, const char *expr, struct pgt_err *err);
/* To the next match; false when there is none. */
bool pgt_grid_find(struct pgt_grid *t, const void *ctx, bool backwards, bool from_here);
void pgt_grid_tag(struct pgt_grid *t, const void *ctx);
bool pgt_grid_tagged(const struct pgt_grid *t, uint64_t id);
/* A click: on a heading sorts, on a row selects.  True when it was ours. */
bool pgt_grid_click(struct pgt_grid *t, const void *ctx, int y, int x);
/* All cells of the row as one line, tabs between, for filter, search and copy. */
void pgt_grid_row_text(const struct pgt_grid *t, const void *row, const void *ctx,
		       struct pgt_buf *out);
/* "12 of 200, filter idle, sorted ..." for the frame's remark. */
char *pgt_grid_remark(const struct pgt_grid *t, char *buf, size_t size);

#endif
