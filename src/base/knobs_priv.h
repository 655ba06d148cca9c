/* The rows of the table of settings; only knobs.c reads them. */
#ifndef PG2UNE_BASE_KNOBS_PRIV_H
#define PG2UNE_BASE_KNOBS_PRIV_H

#include "pg2une/base/knobs.h"

extern const struct pgt_knob pgt_knob_rows[];
extern const size_t pgt_knob_rows_n;

#endif
