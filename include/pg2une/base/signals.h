/* Signals for the main thread only.  Libraries start threads of their own that block
 * nothing (OpenBLAS does, before main), and a signal to the process may end up there:
 * with its default action that would end the program without its clean-up. */
#ifndef PG2UNE_BASE_SIGNALS_H
#define PG2UNE_BASE_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

/* On: each of these, wherever it arrives, is passed on to the calling thread, which
 * has them blocked and reads a signalfd.  Off: the default action again. */
void pgt_signals_forward(const int *signals, size_t n, bool on);

#endif
