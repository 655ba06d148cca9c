/* Percentiles of all calls when more is known of a class than its moments: the
 * greatest call ever, and the ages of calls seen running.  Each
 * class is judged by a dictionary of laws that all have its exact mean and variance:
 * one lognormal, and two modes of many weights and widths (a cache that hits and
 * misses, two plans, a turn on the CPU that is lost now and then).  What is known
 * weighs them (Bayes), the percentile is that of the weighted mixture, and how far
 * the laws that are left differ is its band.  Pure; any thread. */
#ifndef PG2UNE_NUM_SHAPE_H
#define PG2UNE_NUM_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/num/quantile.h"

#define PGT_AGE_BINS 28
/* So many calls seen running are worth a word on the screen. */
#define PGT_AGES_MIN	 5
/* Of a class with a lower mean ages are mostly the way of the sample to the server:
 * they count less, and below half of it not at all. */
#define PGT_AGES_MEAN_MS 1.0

/* Ages of calls seen running, by size: from 1 ms on, each bin half as wide again. */
struct pgt_ages {
	double n, bin[PGT_AGE_BINS];
	double n_calls; /* of how many calls: a long one is seen more than once */
};

/* again: the sample before saw this call already. */
void pgt_ages_add(struct pgt_ages *a, double age_ms, bool again);
/* What is old counts less: all by this factor. */
void pgt_ages_fade(struct pgt_ages *a, double factor);

struct pgt_shape {
	double n, mean, var; /* calls of the interval, ms, ms^2 (population) */
	bool var_ok;	     /* false: CV 1 is assumed */
	double ceil;	     /* no call was above; 0: not known */
	/* Mean time that the moments leave out (parsing, planning, commit).  It is spread
	 * as the moments' time is: a longer call is interrupted as hard, but oftener. */
	double over;
	const struct pgt_ages
	    *ages; /* of calls with what the moments leave out; or NULL */
	bool plain;		     /* one lognormal is good enough (a rare class) */
};

/* As pgt_quantile_mixture().  ret_by_ages: whether PGT_AGES_MIN ages of a class
 * weighed in. */
bool pgt_shape_quantiles(const struct pgt_shape *c, size_t n, const double *p, size_t np,
			 struct pgt_quantile *ret, bool *ret_by_ages);

#endif
