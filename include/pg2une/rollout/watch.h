/* The guard of a rollout's traffic: a detached process that takes all traffic off
 * the canary when the console that drives the rollout dies or falls silent, reads
 * that back, and then asks for the changesets to be rolled back.  It knows the plan
 * from the rollout's journal and goes by that: it ends when the journal is closed.
 * It holds the rollout's lock together with the console. */
#ifndef PG2UNE_ROLLOUT_WATCH_H
#define PG2UNE_ROLLOUT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/change/journal.h"
#include "pg2une/rollout/plan.h"

struct pgt_guard_env;
struct pgt_lock;
struct pgt_rollout_watch;

/* Start one and wait until it has reached the router. */
int pgt_rollout_watch_start(const char *journal_path, const struct pgt_lock *lock,
			    struct pgt_rollout_watch **ret,
			    struct pgt_err *err) PGT_MUST_CHECK;
bool pgt_rollout_watch_alive(struct pgt_rollout_watch *w); /* never waits */
/* To be called at least every 10 s: silence for 60 s counts as death. */
void pgt_rollout_watch_beat(struct pgt_rollout_watch *w);
/* ended: the journal is closed. */
void pgt_rollout_watch_free(struct pgt_rollout_watch *w, bool ended);

/* Body of the hidden subcommand. */
int pgt_rollout_watch_main(int fd, const struct pgt_guard_env *env);

/* ---- shared with whoever rolls back what a lost console left ---- */

/* The plan that a rollout's journal holds; the caller frees. */
int pgt_rollout_journal_plan(const struct pgt_journal *j, struct pgt_rollout_plan **ret,
			     struct pgt_err *err) PGT_MUST_CHECK;
/* Was a share other than 0 ever asked for, and is it not known to be off? */
bool pgt_rollout_journal_touched(const struct pgt_journal *j);
/* Is it closed? */
bool pgt_rollout_journal_closed(const struct pgt_journal *j);
/* One attempt: weight 0, read back. */
int pgt_rollout_zero(const struct pgt_rollout_plan *p,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* Roll back the changesets that this journal began and that are not closed.  One
 * that is confirmed stays.  What a cluster manager holds is undone through the one that
 * the changeset names, opened by env. */
int pgt_rollout_revert_changes(const struct pgt_journal *j,
			       const struct pgt_guard_env *env, const char *reason,
			       struct pgt_err *err) PGT_MUST_CHECK;

#endif
