/* The full-screen console.  Owner: the main thread, which also takes the
 * signals for as long as the console is open. */
#ifndef PG2UNE_UI_CONSOLE_H
#define PG2UNE_UI_CONSOLE_H

#include "pg2une/base/err.h"

struct pgt_engine;
struct pgt_options;

/* Shows the screens until the user leaves, the terminal goes away or a signal
 * asks for the end.  Returns the program's exit code (0; 128 + signal); on an
 * error 1, or 2 for an option that the screen does not understand, with err set.
 * The terminal is as before in every case. */
int pgt_console_run(struct pgt_engine *e, const struct pgt_options *o,
		    struct pgt_err *err);

#endif
