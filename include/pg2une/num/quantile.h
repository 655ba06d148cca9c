/* Percentiles of all calls from per-class moments: each class (a statement's
 * interval) is a lognormal with its exact mean and variance, weighted by its calls.
 * Known bounds: a class with two modes (cache hit and miss, two plans) defeats any
 * estimate from moments; show the band.  Pure; any thread. */
#ifndef PG2UNE_NUM_QUANTILE_H
#define PG2UNE_NUM_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>

struct pgt_qclass {
	double n, mean, var; /* calls, ms, ms^2 (population) */
	double min, max;     /* of the same interval, when minmax */
	bool minmax;         /* min and max are exact for this interval */
	bool var_ok;         /* false: only the mean is known; CV 1 is assumed */
};

struct pgt_quantile {
	double value;
	double lo, hi; /* 90 % band: sampling error plus the model's measured error */
};

/* The quantiles p[0..np-1] (0 < p < 1) of the mixture.  Classes with n <= 0 or
 * mean <= 0 are skipped.  False if nothing is left; ret is then untouched.
 * Cost: about 12 passes over the classes per quantile. */
bool pgt_quantile_mixture(const struct pgt_qclass *c, size_t n, const double *p,
			  size_t np, struct pgt_quantile *ret);

/* Quantile of n plain values by linear interpolation (Hyndman & Fan type 7);
 * v is reordered.  NaN when n is 0. */
double pgt_quantile_of(double *v, size_t n, double p);

#endif
