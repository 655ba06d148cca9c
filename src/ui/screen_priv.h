/* The terminal.  The only module with mutable globals of the faces, and the only
 * one that writes to the terminal past curses.  Owner: the main thread.
 *
 * One terminal a process.  It is given back on close, and by an
 * async-signal-safe hook when the program crashes or memory ends. */
#ifndef PG2UNE_UI_SCREEN_PRIV_H
#define PG2UNE_UI_SCREEN_PRIV_H

#include <stdbool.h>
#include <stdio.h>

#include "pg2une/base/err.h"
#include "theme_priv.h"

struct pgt_screen_opts {
	FILE *in, *out;   /* NULL: the standard ones */
	const char *term; /* NULL: $TERM */
	bool own;         /* a real terminal: take its signals, restore it on a crash */
	bool mouse, ascii, no_color;
};

/* Keys: a Unicode code point, or one of these. */
enum pgt_keycode {
	PGT_KEY_NONE = 0,
	PGT_KEY_TAB = '\t',
	PGT_KEY_ENTER = '\n',
	PGT_KEY_ESC = 27,
	PGT_KEY_BASE = 0x200000,
	PGT_KEY_UP,
	PGT_KEY_DOWN,
	PGT_KEY_LEFT,
	PGT_KEY_RIGHT,
	PGT_KEY_HOME,
	PGT_KEY_END,
	PGT_KEY_PGUP,
	PGT_KEY_PGDN,
	PGT_KEY_BACKTAB,
	PGT_KEY_BACKSPACE,
	PGT_KEY_DELETE,
	PGT_KEY_F1,
	PGT_KEY_F10 = PGT_KEY_F1 + 9,
	PGT_KEY_MOUSE,
};

enum pgt_mouse_action { PGT_MOUSE_PRESS, PGT_MOUSE_DOUBLE, PGT_MOUSE_UP, PGT_MOUSE_DOWN };
struct pgt_mouse {
	int y, x;
	enum pgt_mouse_action action;
};

int pgt_screen_open(const struct pgt_screen_opts *opts,
		    struct pgt_err *err) PGT_MUST_CHECK;
void pgt_screen_close(void); /* legal when not open */

void pgt_screen_set_theme(const struct pgt_theme *t);
bool pgt_screen_ascii(void);
enum pgt_depth pgt_screen_depth(void);
int pgt_screen_rows(void);
int pgt_screen_cols(void);
/* The terminal's present size; true when it changed. */
bool pgt_screen_follow_size(void);
void pgt_screen_set_size(int rows, int cols);

/* The next key, PGT_KEY_NONE when there is none; never waits (but for the 25 ms
 * that tell Esc from a sequence).  m is filled for PGT_KEY_MOUSE. */
int pgt_screen_key(struct pgt_mouse *m);
int pgt_screen_in_fd(void);
/* Readable when a signal came; the signal's number or 0. */
int pgt_screen_signal_fd(void);
int pgt_screen_signal(void);

/* A frame: begin, draw, end (to curses' model), flush (the difference, out). */
void pgt_screen_begin(void);
void pgt_screen_end(void);
void pgt_screen_flush(void);
void pgt_screen_cursor(int y, int x); /* shown there after flush; y < 0 hides it */
void pgt_screen_repaint(void);        /* the next flush repaints everything */

void pgt_screen_style(enum pgt_role role, bool selected);
/* Put the style's attributes and pair where another library wants them. */
unsigned long pgt_screen_chtype(enum pgt_role role);

void pgt_screen_leave(void); /* the terminal as it was: for another program */
void pgt_screen_return(void);
void pgt_screen_suspend(void); /* ^Z: returns when continued */
void pgt_screen_bell(void);
/* To the clipboard by OSC 52.  text is safe text; false when too long for that. */
bool pgt_screen_copy(const char *text);
/* What the screen shows, as UTF-8 lines; the caller frees. */
char *pgt_screen_text(void);

#endif
