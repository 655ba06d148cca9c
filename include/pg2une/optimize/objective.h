/* From what was measured in a trial to one cost, lower is better, on a logarithmic
 * scale: a difference of 0.05 is 5% either way.  And whether two trials saw the same
 * load, without which no cost is comparable.  Pure; any thread. */
#ifndef PG2UNE_OPTIMIZE_OBJECTIVE_H
#define PG2UNE_OPTIMIZE_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"

struct pgt_objective {
	/* Weights, not negative; normalised by their sum.  {1,0,0} is TPS. */
	double w_tps, w_mean, w_p99;
};

struct pgt_measure {
	double tps;		/* transactions a second; 0 or less: unknown */
	double mean_ms, p99_ms; /* latency; 0 or less: unknown */
	double errors_pct;
	double duration_s;
	/* The load, for comparability. */
	double offered_per_s;	/* arrivals when the load is open, else 0 */
	double active;		/* mean active sessions */
	double read_share;	/* 0..1, of statements; both 0 when unknown */
	double mix[16];		/* share of calls of the top statements, same order */
	size_t n_mix;
};

/* "tps", "mean", "p99" or "tps=0.6,p99=0.4".  PGT_E_PARSE. */
PGT_MUST_CHECK int pgt_objective_parse(const char *text, struct pgt_objective *ret,
				       struct pgt_err *err);
/* -w_tps log(tps) + w_mean log(mean) + w_p99 log(p99).  PGT_E_NUMERIC when a weighted
 * part was not measured. */
PGT_MUST_CHECK int pgt_objective_cost(const struct pgt_objective *o,
				      const struct pgt_measure *m, double *ret,
				      struct pgt_err *err);
/* Percent gained when the cost falls from baseline to cost: exp(baseline-cost)-1. */
double pgt_objective_gain_pct(double baseline_cost, double cost);

/* False, with the reason in why, when trial saw another load than baseline: offered
 * rate or active sessions off by more than 30%, read share by more than 0.10, or call
 * mix by a total variation above 0.25.  Unknown parts are not compared. */
bool pgt_measure_comparable(const struct pgt_measure *baseline,
			    const struct pgt_measure *trial, char *why, size_t why_size);

#endif
