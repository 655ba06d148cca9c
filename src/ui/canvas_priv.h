/* Drawing: a rectangle of the screen that clips, text in roles, boxes, bars and
 * graphs.  What does not fit ends in a sign that it was cut.  Main thread.
 *
 * All text must be safe text already; what is not printable all the same is
 * drawn as "?", so that a mistake elsewhere cannot move the cursor. */
#ifndef PG2UNE_UI_CANVAS_PRIV_H
#define PG2UNE_UI_CANVAS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "pg2une/base/err.h"
#include "theme_priv.h"

struct pgt_rect {
	int y, x, h, w;
};

struct pgt_canvas {
	struct pgt_rect r;
	bool selected; /* draw on the background of a selected row */
};

enum pgt_align { PGT_LEFT, PGT_RIGHT };

/* Glyphs with an ASCII stand-in. */
enum pgt_glyph {
	PGT_G_ELLIPSIS,
	PGT_G_UP,
	PGT_G_DOWN,
	PGT_G_LEFT,
	PGT_G_RIGHT,
	PGT_G_WARN,
	PGT_G_DOT,
	PGT_G_RING,
	PGT_G_HALF,
	PGT_G_CHECK,
	PGT_G_CROSS,
	PGT_G_CURSOR,
	PGT_G_BRANCH,
	PGT_G_LAST,
	PGT_G_TRUNK,
	PGT_G_BULLET,
	PGT_G_ASCENDING,
	PGT_G_DESCENDING,
	PGT_G_PLUSMINUS,
	PGT_G_TAG,
	PGT_G_N
};
const char *pgt_glyph(enum pgt_glyph g);

/* Marks of direction, joiners and tags: they have no width and change what others
 * look like.  Safe text has none; this is the second lock on that door. */
bool pgt_char_hides(wchar_t wc);

/* Cells of a string as the terminal will show it. */
int pgt_cells(const char *s);

/* Text at y, x (relative), clipped at the edge with an ellipsis; next x. */
int pgt_put(const struct pgt_canvas *c, int y, int x, enum pgt_role role, const char *s);
int pgt_putf(const struct pgt_canvas *c, int y, int x, enum pgt_role role,
	     const char *fmt, ...) PGT_PRINTF(5, 6);
/* In exactly width cells: padded, or cut with an ellipsis.  skip cells of s are
 * left out at its start (scrolled), with a sign. */
int pgt_put_fit(const struct pgt_canvas *c, int y, int x, int width, enum pgt_align align,
		enum pgt_role role, const char *s, int skip);
void pgt_fill(const struct pgt_canvas *c, int y, int x, int width, enum pgt_role role);
void pgt_clear(const struct pgt_canvas *c, enum pgt_role role);

/* A frame around c with a title and, at the right, a remark; the inside. */
struct pgt_canvas pgt_box(const struct pgt_canvas *c, const char *title,
			  const char *remark, enum pgt_role remark_role, bool focused);

/* A bar of value/max in width cells. */
void pgt_bar(const struct pgt_canvas *c, int y, int x, int width, enum pgt_role role,
	     double value, double max);

/* A graph of n values, the newest last and at the right edge: two values a cell.
 * NAN leaves a gap.  lo and hi (may be NULL) draw the band that was expected;
 * marks[i] != 0 draws a line at value i.  shift aligns the pairs of values to the
 * cells, so that a graph moves by whole cells.  Returns the top of the scale. */
struct pgt_graph {
	const float *values, *lo, *hi;
	const unsigned char *marks;
	size_t n;
	bool shift;
	double top; /* of the scale; 0: from the data */
	enum pgt_role role;
};
double pgt_graph(const struct pgt_canvas *c, const struct pgt_graph *g);

#endif
