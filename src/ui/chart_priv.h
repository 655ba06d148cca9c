/* A chart whose scale may go below zero: a line with its band, and points that stand
 * for themselves (a trial, the value that is in force).  Lines and bands are braille
 * dots, two to the right and four down a cell.  Main thread. */
#ifndef PG2UNE_UI_CHART_PRIV_H
#define PG2UNE_UI_CHART_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "canvas_priv.h"

struct pgt_chart_point {
	double x, y;
	double lo, hi; /* a dotted bar through it; NAN: none */
	enum pgt_glyph glyph;
	enum pgt_role role;
};

struct pgt_chart {
	double x0, x1; /* what the left and right edges stand for */
	/* The line: NAN breaks it.  lo, hi: its band, may be NULL. */
	const double *x, *y, *lo, *hi;
	size_t n;
	bool steps; /* level until the next value, then up or down */
	enum pgt_role role;
	const struct pgt_chart_point *points;
	size_t n_points;
	const char *unit; /* after the figures of the scale: "%" */
	/* y is a gain in percent: where it goes into many hundreds the scale is of its
	 * ratio, "50x", by equal factors, or all else would lie on the zero line. */
	bool gain;
};

/* The scale takes the left columns; zero is a dotted line when it is in range.
 * *ret_left (may be NULL): the first column of the drawing. */
void pgt_chart(const struct pgt_canvas *c, const struct pgt_chart *ch, int *ret_left);
/* The column, in c, where x is drawn. */
int pgt_chart_column(const struct pgt_canvas *c, const struct pgt_chart *ch, double x);

#endif
