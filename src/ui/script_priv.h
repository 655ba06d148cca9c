/* Keys from a file, for tests and the demonstration (--script).  A line is keys,
 * named ones as <Enter> <F1> <C-l>, or one of
 *
 *   # comment            wait TEXT    until the screen shows TEXT (30 s at most)
 *   resize 80x24         gone TEXT    until it no longer does
 *   dump FILE            pause 2s     for people to read
 *
 * The next key is given only when no message and no answer is awaited, so that
 * no script needs to guess at times.  Owner: the main thread. */
#ifndef PG2UNE_UI_SCRIPT_PRIV_H
#define PG2UNE_UI_SCRIPT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_ui;
struct pgt_script;

int pgt_script_open(const char *path, struct pgt_script **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
void pgt_script_free(struct pgt_script *s);
/* Does the next step.  0: done something, call again after a draw; 1: waiting, call
 * again at *ret_wakeup_ns or after an event; 2: at the end; -1: a wait ran out. */
int pgt_script_step(struct pgt_script *s, struct pgt_ui *ui, int64_t *ret_wakeup_ns,
		    struct pgt_err *err);

#endif
