#ifndef PG2UNE_OPTIMIZE_ACQUIRE_PRIV_H
#define PG2UNE_OPTIMIZE_ACQUIRE_PRIV_H

#include "pg2une/num/random.h"
#include "pg2une/optimize/acquire.h"

/* Sharpen cand by L-BFGS over the dimensions that are continuous, inside the box;
 * cand->unit becomes the optimum, not snapped and not scored. */
void pgt_acquire_polish(const struct pgt_acquire *a, struct pgt_acquired *cand);

#endif
