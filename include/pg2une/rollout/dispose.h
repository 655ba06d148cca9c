/* End the canary that a lost rollout made: what its journal says was begun.  For the
 * traffic's guard and for whoever rolls back later; the console itself has ways that do
 * not wait.  Waits up to a minute or two. */
#ifndef PG2UNE_ROLLOUT_DISPOSE_H
#define PG2UNE_ROLLOUT_DISPOSE_H

#include "pg2une/base/err.h"
#include "pg2une/change/journal.h"
#include "pg2une/rollout/plan.h"

/* OK too when nothing was made, or when it is to be kept: the rollout was confirmed and
 * the plan says so. */
int pgt_rollout_dispose(const struct pgt_journal *j, const struct pgt_rollout_plan *p,
			struct pgt_err *err) PGT_MUST_CHECK;

#endif
