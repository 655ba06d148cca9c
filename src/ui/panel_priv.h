/* Small helpers that several panels share. */
#ifndef PG2UNE_UI_PANEL_PRIV_H
#define PG2UNE_UI_PANEL_PRIV_H

#include "cell_priv.h"
#include "ui_priv.h"

#define PGT_SEC(id) (1u << PGT_SEC_##id)
#define PGT_SPAN_S  300 /* what the graphs cover at least */

static inline const struct pgt_snapshot *
pgt_snap_of(const void *ctx)
{
	return ((const struct pgt_ui *)ctx)->snap;
}

/* The usual count and row functions over an array of the snapshot. */
#define PGT_ROWS(prefix, array)                                                          \
	static size_t prefix##_count(const void *ctx)                                    \
	{                                                                                \
		return pgt_snap_of(ctx) ? pgt_snap_of(ctx)->n_##array : 0;               \
	}                                                                                \
	static const void *prefix##_row(const void *ctx, size_t i)                       \
	{                                                                                \
		return &pgt_snap_of(ctx)->array[i];                                      \
	}

/* A column that is one member: its formatter and its sort key. */
#define PGT_NUMBER(name, type, expr, show)                                               \
	static double name##_key(const void *row, const void *ctx)                       \
	{                                                                                \
		const type *r = row;                                                     \
		(void)ctx;                                                               \
		return (double)(expr);                                                   \
	}                                                                                \
	static void name##_fmt(const void *row, const void *ctx, struct pgt_cell *cell)  \
	{                                                                                \
		const type *r = row;                                                     \
		(void)ctx;                                                               \
		show;                                                                    \
	}
#define PGT_STRING(name, type, expr, cell_role)                                          \
	static const char *name##_key(const void *row, const void *ctx)                  \
	{                                                                                \
		const type *r = row;                                                     \
		(void)ctx;                                                               \
		return expr;                                                             \
	}                                                                                \
	static void name##_fmt(const void *row, const void *ctx, struct pgt_cell *cell)  \
	{                                                                                \
		const type *r = row;                                                     \
		(void)ctx;                                                               \
		pgt_cell_text(cell, cell_role, expr);                                    \
	}
#define PGT_COL_N(nm, label, w, p, ...)                                                  \
	{                                                                                \
		.name = label, .width = w, .prio = p, .align = PGT_RIGHT,                \
		.format = nm##_fmt, .number = nm##_key, __VA_ARGS__                      \
	}
#define PGT_COL_S(nm, label, w, p, ...)                                                  \
	{                                                                                \
		.name = label, .width = w, .prio = p, .align = PGT_LEFT,                 \
		.ascending = true, .format = nm##_fmt, .string = nm##_key, __VA_ARGS__   \
	}

/* A graph of a series over c, with its scale at the top left.  unit is put after it. */
void pgt_panel_graph(const struct pgt_ui *ui, const struct pgt_canvas *c,
		     enum pgt_series series, enum pgt_role role, double top);
/* The top of its scale, over its oldest part. */
void pgt_panel_scale(const struct pgt_canvas *c, enum pgt_series series, double top);
/* "label value" pairs along a row; the next x. */
int pgt_panel_pair(const struct pgt_canvas *c, int y, int x, const char *label,
		   enum pgt_role role, const char *fmt, ...) PGT_PRINTF(6, 7);

#endif
