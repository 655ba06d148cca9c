/* Themes: what each role looks like in 256 colours, 16 colours and none.
 *
 * A theme file has lines "role = LOOK256 | LOOK16 | MONO", "#" begins a comment.
 * A look is "[FG] [on BG] [bold] [dim] [reverse] [underline]"; a colour is 0-255,
 * #rrggbb, or black red green yellow blue magenta cyan white, "bright" before
 * them, or default.  What LOOK16 or MONO leaves out is derived from LOOK256.
 * Owner: the main thread.  Parsing is pure. */
#ifndef PG2UNE_UI_THEME_PRIV_H
#define PG2UNE_UI_THEME_PRIV_H

#include <stdbool.h>

#include "pg2une/base/err.h"

/* role, name in files, look without colours */
#define PGT_ROLES(X)                                                                     \
	X(TEXT, "text", 0)                                                               \
	X(DIM, "dim", 0)                                                                 \
	X(GOOD, "good", 0)                                                               \
	X(WARN, "warn", PGT_LOOK_BOLD)                                                   \
	X(BAD, "bad", PGT_LOOK_BOLD | PGT_LOOK_UNDERLINE)                                \
	X(ACCENT, "accent", PGT_LOOK_BOLD)                                               \
	X(TITLE, "title", 0)                                                             \
	X(BORDER, "border", 0)                                                           \
	X(FOCUS, "focus", PGT_LOOK_BOLD)                                                 \
	X(HEADER, "header", PGT_LOOK_REVERSE)                                            \
	X(HEADER_DIM, "header-dim", PGT_LOOK_REVERSE)                                    \
	X(PRODUCTION, "production", PGT_LOOK_REVERSE | PGT_LOOK_BOLD)                    \
	X(STAGING, "staging", PGT_LOOK_REVERSE)                                          \
	X(CLUSTER, "cluster", PGT_LOOK_REVERSE)                                          \
	X(STALE, "stale", PGT_LOOK_REVERSE | PGT_LOOK_BOLD)                              \
	X(COLUMN, "column", PGT_LOOK_UNDERLINE)                                          \
	X(SORTED, "sorted", PGT_LOOK_UNDERLINE | PGT_LOOK_BOLD)                          \
	X(MATCH, "match", PGT_LOOK_REVERSE)                                              \
	X(GRAPH, "graph", 0)                                                             \
	X(GRAPH2, "graph2", 0)                                                           \
	X(BAND, "band", 0)                                                               \
	X(KEY, "key", PGT_LOOK_BOLD)                                                     \
	X(HINT, "hint", 0)                                                               \
	X(DIALOG, "dialog", 0)                                                           \
	X(BUTTON, "button", PGT_LOOK_REVERSE)

enum pgt_role {
#define PGT_ROLE_ENUM(id, name, mono) PGT_ROLE_##id,
	PGT_ROLES(PGT_ROLE_ENUM)
#undef PGT_ROLE_ENUM
	    PGT_ROLE_N
};

enum pgt_look_attr {
	PGT_LOOK_BOLD = 1,
	PGT_LOOK_DIM = 2,
	PGT_LOOK_REVERSE = 4,
	PGT_LOOK_UNDERLINE = 8,
};

struct pgt_look {
	int fg, bg; /* -1: the terminal's own */
	unsigned attr;
};

enum pgt_depth { PGT_DEPTH_MONO, PGT_DEPTH_16, PGT_DEPTH_256 };

struct pgt_theme {
	char name[32];
	struct pgt_look look[PGT_ROLE_N][3]; /* by enum pgt_depth */
	int selected_bg[3];                  /* background of the selected row; -1 none */
	int selected_fg[3];                  /* -1: the role's own */
};

extern const char *const pgt_role_names[PGT_ROLE_N];

/* *ret is untouched on failure; the message names the line.  what: for messages. */
int pgt_theme_parse(const char *text, const char *what, struct pgt_theme *ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* From the user's folder (themes/NAME.theme), else the embedded one.
 * PGT_E_NOTFOUND lists the names that exist. */
int pgt_theme_load(const char *name, struct pgt_theme *ret,
		   struct pgt_err *err) PGT_MUST_CHECK;
/* Names of the embedded themes; NULL past the end. */
const char *pgt_theme_name_at(int i, char *buf, int size);

/* The nearest of the 16 standard colours to colour 0-255 of xterm's palette. */
int pgt_theme_to16(int color256);

#endif
