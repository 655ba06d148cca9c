/* Hints for one statement, from its plan as it ran: which planner method to switch off
 * for it.  A hint here is what pg_hint_plan's comment "Set(enable_nestloop off)" does,
 * and what SET LOCAL of the same setting in the statement's transaction does without it.
 * Pure; any thread.
 *
 * A candidate needs a reason in the plan itself: a count of rows that the planner got
 * wrong by PGT_HINT_FACTOR or more, at a node that takes PGT_HINT_SHARE of the execution
 * or more; or a compilation that takes PGT_HINT_JIT_SHARE of it.  The factor of ten is
 * above what plans survive and below what they do not: most estimates of one to three
 * joins are within it, and plans get bad beyond (Leis et al., "How Good Are Query
 * Optimizers, Really?", VLDB 2015, figures 3 and 7).  A plan whose estimates are right
 * gives none, however slow it is.
 *
 * What the planner reckons is no reason to drop a hint: it takes the plan that it thinks
 * cheapest, so by its own costs no hint is ever cheaper.  Only a measurement can tell;
 * the planner can tell but that the plan stays the same, whereupon the hint is inert.
 *
 * Plans: EXPLAIN (ANALYZE, FORMAT JSON), majors 13 to 18, with TIMING on: without it the
 * server prints neither the time of a node nor that of the compilation
 * (src/backend/commands/explain.c, ExplainNode() and ExplainPrintJIT()). */
#ifndef PG2UNE_ADVISE_HINTS_H
#define PG2UNE_ADVISE_HINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/json.h"

#define PGT_HINT_FACTOR	   10.0
#define PGT_HINT_SHARE	   0.3
#define PGT_HINT_JIT_SHARE (1 / 3.0)
/* Fewer rows than that at a node are no load, however wrong the estimate was. */
#define PGT_HINT_ROWS	   100.0
#define PGT_HINTS	   4 /* of one plan at most */

/* A planner method and the settings that switch it off: PostgreSQL's documentation,
 * "Query Planning", Planner Method Configuration; "Just-in-Time Compilation". */
struct pgt_hint_method {
	const char *name;	/* "nestloop" */
	const char *setting[4]; /* "enable_nestloop"; NULL ends it */
};

struct pgt_hint {
	const struct pgt_hint_method *method; /* what to switch off; static */
	double share;	/* of the execution time, 0..1 */
	char why[240];	/* "the nested loop expected 2 rows ... and got 300" */
};

/* The candidates of one plan (the whole array that EXPLAIN prints), the greatest share of
 * the time first, each method once: how many of ret[max]. */
size_t pgt_hints_of_plan(const cJSON *explain, struct pgt_hint *ret, size_t max);
/* NULL when there is none of that name. */
const struct pgt_hint_method *pgt_hint_method(const char *name);
/* "Set(enable_nestloop off)" in a comment of pg_hint_plan's; returns buf. */
char *pgt_hint_comment(const struct pgt_hint_method *m, char *buf, size_t size);

/* Whether two plans, executed or not, do the same: methods, relations, indexes, order of
 * joins; with compiled also whether anything is compiled.  Below major 18 what is off and
 * cannot be done without costs so much that the server compiles for that alone: it is no
 * other plan. */
bool pgt_hints_same_plan(const cJSON *a, const cJSON *b, bool compiled);
/* The planner's total cost; NAN. */
double pgt_hints_plan_cost(const cJSON *explain);

#endif
