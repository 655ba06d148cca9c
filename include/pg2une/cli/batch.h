/* --batch N: samples on stdout instead of a screen. */
#ifndef PG2UNE_CLI_BATCH_H
#define PG2UNE_CLI_BATCH_H

#include "pg2une/base/err.h"

struct pgt_engine;
struct pgt_options;

/* Print as many samples as option "batch" says, as text or (option "format"
 * json) one JSON object a line.  Ends with -1 when the connection is refused
 * for good or when none could be made within 30 s.  Main thread. */
int pgt_batch_run(struct pgt_engine *e, const struct pgt_options *o, struct pgt_err *err);

#endif
