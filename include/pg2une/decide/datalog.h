/* Datalog with stratified negation, comparison and arithmetic, compiled to SQL over an
 * in-memory SQLite database.  All is derived anew from the base facts on each run.
 *
 *   % a comment
 *   workload_known().                                 a fact (also: workload_known.)
 *   should_act(A) :- action_ready(A), not suppressed().
 *   suppressed() :- last_run_end(T), now(N), N - T < 300.
 *   slow(Q, R) :- mean(Q, Now), before(Q, Was), R = Now / Was, R > 1.2.
 *
 * Variables start upper-case; _ is any value.  A lower-case word and the same word in
 * double quotes are one constant; 1 and 1.0 are one number.  Division is real; dividing
 * by zero or calculating with text makes the rule not match.  Every variable of the
 * head, of a negated atom and of a comparison must be bound by a positive atom or an
 * equation.  One owner. */
#ifndef PG2UNE_DECIDE_DATALOG_H
#define PG2UNE_DECIDE_DATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"

#define PGT_DL_ARGS   8      /* most arguments of a predicate */
#define PGT_DL_RULES  512    /* most rules of a program */
#define PGT_DL_TUPLES 200000 /* most derived tuples: beyond is PGT_E_LIMIT */

struct pgt_dl_value {
	const char *text; /* NULL: a number */
	double num;
};

#define PGT_DL_TEXT(s) ((struct pgt_dl_value){.text = (s)})
#define PGT_DL_NUM(x)  ((struct pgt_dl_value){.num = (x)})

struct pgt_datalog;

/* Parse, check and compile a program of len bytes.  name stands in messages as
 * "name:line:column: what is wrong" (PGT_E_PARSE). */
int pgt_datalog_new(const char *name, const char *text, size_t len,
		    struct pgt_datalog **ret, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_datalog_free(struct pgt_datalog *dl);

/* Refuse a program that uses pred with another number of arguments than the facts will
 * have: PGT_E_PARSE with the place.  A program that does not mention it passes. */
int pgt_datalog_expect(const struct pgt_datalog *dl, const char *pred, size_t arity,
    struct pgt_err *err) PGT_MUST_CHECK;

/* Refuse a program that asks for a predicate which no rule of it derives and which is not
 * among the names of the facts that it will be given (ends with NULL), or that derives
 * nothing of asked: a misspelt name would never hold.  PGT_E_PARSE with the place. */
int pgt_datalog_closed(const struct pgt_datalog *dl, const char *const *given,
		       const char *asked, struct pgt_err *err) PGT_MUST_CHECK;

/* Forget all base facts given by pgt_datalog_fact() and all that was derived. */
int pgt_datalog_reset(struct pgt_datalog *dl, struct pgt_err *err) PGT_MUST_CHECK;
/* Add a base fact.  A predicate that the rules never mention is accepted and ignored;
 * a wrong number of arguments, or a number that is not finite, is PGT_E_USAGE. */
int pgt_datalog_fact(struct pgt_datalog *dl, const char *pred,
		     const struct pgt_dl_value *args, size_t n,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* Derive all. */
int pgt_datalog_run(struct pgt_datalog *dl, struct pgt_err *err) PGT_MUST_CHECK;

/* Call each(arg, ...) for every tuple of pred, in ascending order; a pred that is not
 * known has none.  The values live during the call.  each returns false to stop.
 * Returns 0, or -1 with err. */
typedef bool pgt_dl_each(void *arg, const struct pgt_dl_value *v, size_t n);
int pgt_datalog_each(struct pgt_datalog *dl, const char *pred, pgt_dl_each *each,
		     void *arg, struct pgt_err *err) PGT_MUST_CHECK;
bool pgt_datalog_holds(struct pgt_datalog *dl, const char *pred,
		       const struct pgt_dl_value *args, size_t n);
/* Every predicate's name and arity, i from 0; false past the last. */
bool pgt_datalog_pred(const struct pgt_datalog *dl, size_t i, const char **ret_name,
		      size_t *ret_arity, bool *ret_derived);

/* "pred(a, 1, \"B\")", as the rules would write it. */
void pgt_datalog_print(struct pgt_buf *out, const char *pred,
    const struct pgt_dl_value *v, size_t n);

/* Why a tuple holds: an indented tree of rules and facts into out, such as
 *   should_act(knobs)   by rule line 31
 *     action_ready(knobs)   by rule line 20
 *       metric_degraded(latency_p99)   fact
 *     not suppressed()
 * PGT_E_NOTFOUND if it does not hold. */
int pgt_datalog_explain(struct pgt_datalog *dl, const char *pred,
			const struct pgt_dl_value *args, size_t n, struct pgt_buf *out,
			struct pgt_err *err) PGT_MUST_CHECK;

#endif
