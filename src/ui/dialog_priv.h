/* Questions, by CDK: the only face of that library.  Driven from our own loop:
 * keys are injected, so the panels behind stay live.  One at a time.
 * Texts are made safe for CDK's markup here; statements never go in.
 * Owner: the main thread. */
#ifndef PG2UNE_UI_DIALOG_PRIV_H
#define PG2UNE_UI_DIALOG_PRIV_H

#include <stdbool.h>

struct pgt_ui;

/* choice: index of the button or row, -1 when left by Esc; text: what was typed,
 * NULL but for an entry.  arg is what was given on opening; freed by the dialog. */
typedef void (*pgt_dialog_done_fn)(struct pgt_ui *ui, int choice, const char *text,
				   void *arg);

/* lines and buttons are copied.  Button 0 must be the harmless one: it is focused. */
void pgt_dialog_confirm(struct pgt_ui *ui, const char *const *lines, int n_lines,
			const char *const *buttons, int n_buttons,
			pgt_dialog_done_fn done, void *take_arg);
/* Choice of one row. */
void pgt_dialog_choose(struct pgt_ui *ui, const char *title, const char *const *rows,
		       int n_rows, int current, pgt_dialog_done_fn done, void *take_arg);
/* Goes on only when wanted has been typed: done gets choice 0, else -1. */
void pgt_dialog_type(struct pgt_ui *ui, const char *const *lines, int n_lines,
		     const char *wanted, pgt_dialog_done_fn done, void *take_arg);

/* Any text, initial first: done gets choice 0 and what was typed, or -1. */
void pgt_dialog_entry(struct pgt_ui *ui, const char *const *lines, int n_lines,
		      const char *initial, pgt_dialog_done_fn done, void *take_arg);

void pgt_dialog_draw(struct pgt_ui *ui); /* after the panels, before the flush */
void pgt_dialog_key(struct pgt_ui *ui, int key);
void pgt_dialog_resize(struct pgt_ui *ui); /* made anew, keeping its state */
void pgt_dialog_close(struct pgt_ui *ui);  /* without an answer */

#endif
