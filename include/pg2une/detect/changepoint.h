/* Deterministic E-divisive: Matteson & James 2014 for the statistic (energy distance,
 * alpha 1); a Welch test instead of permutations, weak candidates first and pruned after
 * (as in Hunter, Fleming et al. 2023); here on effective sample sizes so that
 * autocorrelation is not taken for change, and corrected for the choice of the place. */
#ifndef PG2UNE_DETECT_CHANGEPOINT_H
#define PG2UNE_DETECT_CHANGEPOINT_H

#include "pg2une/detect/result.h"

#define PGT_CHANGEPOINT_MIN_POINTS 20
#define PGT_CHANGEPOINT_MAX_POINTS 1024
#define PGT_CHANGEPOINT_MAGNITUDE  0.10

/* Change points of x[0..n-1] in ascending order, at most max; t_ns may be NULL.  Keeps
 * those with p <= alpha and magnitude >= min_magnitude.  0 below the minimum of points
 * or above the maximum (average first).  O(n^2) time. */
size_t pgt_changepoints(const double *x, const int64_t *t_ns, size_t n, double alpha,
			double min_magnitude, struct pgt_change_point *ret, size_t max);
/* The statistic Q of splitting x before tau, 0 < tau < n; for tests. */
double pgt_energy_stat(const double *x, size_t n, size_t tau);

#endif
