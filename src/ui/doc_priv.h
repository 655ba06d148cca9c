/* A document: lines in roles that are wrapped to the width, scrolled and
 * searched.  Help, query and session details, plans.  Main thread. */
#ifndef PG2UNE_UI_DOC_PRIV_H
#define PG2UNE_UI_DOC_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "canvas_priv.h"

struct pgt_regex;

struct pgt_doc_line {
	char *text; /* one line, safe text */
	enum pgt_role role;
	char *label; /* shown before it in its own column; NULL */
	int indent;  /* of continuation lines */
};

struct pgt_doc {
	struct pgt_doc_line *lines;
	size_t n, cap;
	int labels;      /* cells of the longest label, up to a limit */
	size_t top;      /* first wrapped row on screen */
	size_t rows;     /* wrapped rows at the last draw */
	int page, width; /* rows and cells on screen at the last draw */
	bool terse;	 /* a row each: what does not fit is cut, with a sign */
	struct pgt_regex *search;
};

void pgt_doc_done(struct pgt_doc *d);
void pgt_doc_reset(struct pgt_doc *d); /* keeps the scroll position */
void pgt_doc_line(struct pgt_doc *d, enum pgt_role role, const char *text);
void pgt_doc_printf(struct pgt_doc *d, enum pgt_role role, const char *fmt, ...)
    PGT_PRINTF(3, 4);
/* "label   text": labels align. */
void pgt_doc_field(struct pgt_doc *d, const char *label, enum pgt_role role,
		   const char *fmt, ...) PGT_PRINTF(4, 5);
void pgt_doc_heading(struct pgt_doc *d, const char *text);
/* Text with line ends, each line as one. */
void pgt_doc_block(struct pgt_doc *d, enum pgt_role role, const char *text);

/* Rows that it takes in so many cells. */
size_t pgt_doc_height(const struct pgt_doc *d, int width);
void pgt_doc_draw(struct pgt_doc *d, const struct pgt_canvas *c);
void pgt_doc_scroll(struct pgt_doc *d, long rows);
int pgt_doc_search(struct pgt_doc *d, const char *expr, struct pgt_err *err);
/* Scroll to the next line that matches; false when there is none. */
bool pgt_doc_find(struct pgt_doc *d, bool backwards);

#endif
