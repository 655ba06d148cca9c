/* Which point to measure next: log expected improvement (for minimisation) over
 * snapped candidates inside a box, under a predicate and a safety constraint.
 * logEI: Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian
 * Optimization" (NeurIPS 2023), eq. 9-10.  One thread at a time. */
#ifndef PG2UNE_OPTIMIZE_ACQUIRE_H
#define PG2UNE_OPTIMIZE_ACQUIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/gp.h"
#include "pg2une/optimize/space.h"

/* log(phi(z) + z Phi(z)), accurate from z = -1e8 up. */
double pgt_acquire_log_h(double z);
/* Derivative of pgt_acquire_log_h. */
double pgt_acquire_log_h_grad(double z);
/* log E[max(0, best - f)], f ~ N(mean, sd). */
double pgt_acquire_log_ei(double mean, double sd, double best);

/* True when the configuration is admissible whatever its speed (memory). */
typedef bool (*pgt_acquire_allowed_fn)(void *arg, const double *value);
/* Change an inadmissible configuration into a near one that may be admissible: along
 * the edge of the memory limit most moves leave it, and rejecting them all would leave
 * the search stuck there. */
typedef void (*pgt_acquire_repair_fn)(void *arg, struct pgt_random *r, double *value);

struct pgt_acquire {
	const struct pgt_space *space;
	const struct pgt_gp *gp;    /* over kernel coordinates; cost, lower is better */
	double best;		    /* incumbent cost: lowest posterior mean observed */
	const double *incumbent;    /* unit coordinates */
	const double *box_lo, *box_hi; /* unit; NULL: the whole cube */
	const double *seen;	    /* n_seen rows of n_dims values: not again */
	size_t n_seen;
	pgt_acquire_allowed_fn allowed; /* NULL: all */
	pgt_acquire_repair_fn repair;	/* NULL: reject */
	void *allowed_arg;
	bool constrained;     /* demand (threshold - mean)/sd >= confidence */
	double threshold;     /* cost */
	double confidence;    /* standard deviations */
	/* Added to the gp's mean: a transferred prior mean, or NULL. */
	double (*prior_mean)(void *arg, const double *kernel);
	void *prior_arg;
	int candidates;	      /* default 2000 */
	uint64_t seed;
	const atomic_bool *cancel;
};

struct pgt_acquired {
	double unit[PGT_SPACE_DIMS], value[PGT_SPACE_DIMS]; /* snapped */
	double mean, sd;	     /* predicted cost */
	double log_ei;
	bool safe; /* the constraint holds; false: nothing safe, the least unsafe */
};

/* PGT_E_NOTFOUND when no admissible unseen candidate exists. */
PGT_MUST_CHECK int pgt_acquire_next(const struct pgt_acquire *a, struct pgt_acquired *ret,
				    struct pgt_err *err);

#endif
