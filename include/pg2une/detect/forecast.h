/* Additive Holt-Winters with a prediction interval (Hyndman, Koehler, Ord, Snyder 2008,
 * class 1: ETS(A,A,A)).  For rates and latencies pass logarithms. */
#ifndef PG2UNE_DETECT_FORECAST_H
#define PG2UNE_DETECT_FORECAST_H

#include <stddef.h>

#include "pg2une/base/err.h"

#define PGT_FORECAST_MAX_PERIOD 336

struct pgt_holt_winters {
	size_t period;             /* 0 or 1: no season */
	double alpha, beta, gamma; /* smoothing, each per the component form */
	double level, trend;
	double
	    season[PGT_FORECAST_MAX_PERIOD]; /* season[h % period]: the next h-th step */
	double sigma;                        /* deviation of one-step errors */
	double sse;
	size_t n;
};

/* Run the recursion with given smoothing and start, for tests and for refits:
 * level/trend/season of *hw are the start; they end as the state after y. */
void pgt_holt_winters_run(struct pgt_holt_winters *hw, const double *y, size_t n);
/* Start values from the first two periods, smoothing by least squared one-step error.
 * Needs two periods and 10 points, otherwise PGT_E_NUMERIC. */
int pgt_holt_winters_fit(const double *y, size_t n, size_t period,
			 struct pgt_holt_winters *ret,
			 struct pgt_err *err) PGT_MUST_CHECK;
/* Forecast of step h >= 1 with a (1 - alpha) interval at z deviations (1.96: 95 %). */
void pgt_holt_winters_at(const struct pgt_holt_winters *hw, size_t h, double z,
			 double *mid, double *lo, double *hi);

#endif
