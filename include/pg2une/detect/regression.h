/* Queries that became slower, by exact interval moments: Welch on the log mean with an
 * over-dispersion floor, false discovery control over queries, a least effect and a
 * least share, and a second window of its own unless it is obvious (control is for one
 * look, and there is one each interval).  Intervals reach a query's baseline only late,
 * and not at all while it is under suspicion, so that a regression never becomes its own
 * baseline.  One owner. */
#ifndef PG2UNE_DETECT_REGRESSION_H
#define PG2UNE_DETECT_REGRESSION_H

#include "pg2une/detect/result.h"

struct pgt_regression_config {
	double fdr;         /* 0.05 */
	double min_ratio;   /* 1.20 */
	double min_share;   /* 0.01 of all execution time */
	double min_calls;   /* 5 in the window */
	int window;         /* intervals judged together: 3 */
	int min_baseline;   /* intervals behind a judgement: 5 */
	double baseline_s;  /* memory of the baseline: 6 h */
	size_t max_queries; /* beyond, the longest unseen go: 2000 */
};

/* One statement over one interval. */
struct pgt_query_interval {
	uint64_t key; /* of (user, database, queryid, toplevel) */
	int64_t queryid;
	double calls, mean_ms, var_ms2;
	bool var_ok;
};

struct pgt_regressions;

struct pgt_regression_config pgt_regression_defaults(void);
struct pgt_regressions *pgt_regressions_new(const struct pgt_regression_config *cfg);
void pgt_regressions_free(struct pgt_regressions *r);
/* All statements that ran within an interval of seconds (60 suits) ending at real_ns. */
void pgt_regressions_feed(struct pgt_regressions *r, int64_t real_ns, double seconds,
			  const struct pgt_query_interval *q, size_t n);
/* Present regressions, worst share * (ratio - 1) first.  Borrowed until the next feed. */
const struct pgt_query_regression *pgt_regressions_get(const struct pgt_regressions *r,
						       size_t *ret_n);
/* The counters started anew (statistics reset, failover): drop the judged window. */
void pgt_regressions_disturbed(struct pgt_regressions *r);

#endif
