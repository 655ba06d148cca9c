/* Warm start: what an earlier search under a similar workload knows.  Workloads are
 * matched by standardised features; the nearest one's surrogate becomes a prior mean,
 * scaled by a slope that the new observations must earn:
 *
 *   y(x) = beta m(x) + g(x),   beta >= 0, shrunken, 0 when the two disagree
 *
 * with m the past posterior mean (standardised) and g the Gaussian process of the
 * residuals.  This is the simple member of the family of RGPE (Feurer, Letham, Bakshy
 * 2018): one source, a regression weight in place of a ranking weight; raw past costs
 * are never pooled.  Its best configurations are measured first besides. */
#ifndef PG2UNE_OPTIMIZE_WARM_H
#define PG2UNE_OPTIMIZE_WARM_H

#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/optimize/space.h"

/* Features of a workload, all on scales where 1 is "clearly different":
 * fill with pgt_workload_features(). */
#define PGT_WARM_FEATURES 6

struct pgt_warm_workload {
	double read_share;	/* 0..1 of statements */
	double hit_ratio;	/* 0..1 of block reads */
	double temp_bytes_per_tx;
	double rows_per_call;
	double tx_per_s;
	double active;		/* mean active sessions */
};

void pgt_warm_features(const struct pgt_warm_workload *w, double *features);

/* Root mean square difference; below PGT_WARM_NEAR two workloads are similar. */
#define PGT_WARM_NEAR 1.0
double pgt_warm_distance(size_t n, const double *a, const double *b);

struct pgt_warm; /* a fitted past surrogate */
PGT_MUST_CHECK int pgt_warm_new(const struct pgt_space *s, size_t n, const double *value,
				const double *cost, uint64_t seed, struct pgt_warm **ret,
				struct pgt_err *err);
void pgt_warm_free(struct pgt_warm *w);
/* Standardised past posterior mean at a point in kernel coordinates. */
double pgt_warm_mean(const struct pgt_warm *w, const double *kernel);
/* beta for n observations of the present search. */
double pgt_warm_slope(const struct pgt_warm *w, size_t n, size_t width,
		      const double *kernel, const double *cost);

#endif
