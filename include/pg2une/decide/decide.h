/* From findings to proposals: facts, the rules, what should be done and why.  One
 * owner; no I/O, no clock. */
#ifndef PG2UNE_DECIDE_DECIDE_H
#define PG2UNE_DECIDE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"
#include "pg2une/detect/detect.h"
#include "pg2une/detect/result.h"

struct pgt_decide_input {
	int64_t now_real_ns;
	const struct pgt_alert *alerts; /* open ones count */
	size_t n_alerts;
	const struct pgt_query_regression *regressions;
	size_t n_regressions;
	struct pgt_confidence confidence;
	const struct pgt_usl *usl;                /* or NULL */
	double change_magnitude[PGT_METRIC__N];   /* largest, 0 if none */
	double seasonal_deviation[PGT_METRIC__N]; /* NaN unknown */
	double value[PGT_METRIC__N];              /* NaN unknown */
	const char *workload, *workload_before;   /* oltp, olap, mixed; NULL unknown */
	int64_t last_run_end_real_ns;             /* of any run, manual too; 0: none */
	bool run_active;                          /* a run is going on */
	double cooldown_s;                        /* 300 */
};

/* Fill all that detection knows; now, workload, runs and cooldown are the caller's and
 * set to unknown, no run, 300 s.  Borrows from d until its next feed. */
void pgt_decide_gather(const struct pgt_detect *d, struct pgt_decide_input *ret);

#define PGT_DECIDE_ACTIONS 4

struct pgt_action {
	char name[32]; /* queries, knobs, holistic, or what the user's rules derive */
	bool act;      /* should_act; otherwise only proposed (should_optimize) */
	bool ready;    /* confidence is high */
	char *why;     /* the proof, several lines; owned by the result */
};

struct pgt_decision {
	struct pgt_action action[PGT_DECIDE_ACTIONS];
	size_t n;
	bool suppressed;
	char *facts; /* all base and derived facts, one a line; owned */
	size_t n_facts;
};

struct pgt_decide;

/* rules: the text of pg2une.dl or of the user's file; see datalog.h for errors. */
int pgt_decide_new(const char *name, const char *rules, size_t len,
		   struct pgt_decide **ret, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_decide_free(struct pgt_decide *d);
/* Put other rules in place; on failure the present ones stay. */
int pgt_decide_load(struct pgt_decide *d, const char *name, const char *rules, size_t len,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* One round, from base facts anew.  End *ret with pgt_decision_done(). */
int pgt_decide_run(struct pgt_decide *d, const struct pgt_decide_input *in,
		   struct pgt_decision *ret, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_decision_done(struct pgt_decision *r);

#endif
