/* Universal Scalability Law (Gunther 1993) of throughput against active sessions. */
#ifndef PG2UNE_DETECT_USL_H
#define PG2UNE_DETECT_USL_H

#include "pg2une/detect/result.h"

#define PGT_USL_MIN_POINTS 5
#define PGT_USL_WARN       (-0.15)

/* Least relative squares with sigma, kappa >= 0: N/X is linear in (1, N-1, N(N-1)).
 * Points with n < 1 or x <= 0 are skipped.  ret->valid is false below five points or
 * three different loads; deviation is that of the last usable point. */
void pgt_usl_fit(const double *n, const double *x, size_t len, struct pgt_usl *ret);
double pgt_usl_at(const struct pgt_usl *u, double n);

#endif
