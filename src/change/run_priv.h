#ifndef PG2UNE_CHANGE_RUN_PRIV_H
#define PG2UNE_CHANGE_RUN_PRIV_H

#include <stdatomic.h>

#include "pg2une/change/guard.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/rollback.h"
#include "pg2une/change/run.h"
#include "pg2une/pg/identity.h"

struct pgt_change_run {
	struct pgt_change_opts opts;
	struct pgt_connspec *spec;
	struct pgt_changeset *cs;
	enum pgt_stage stage;
	size_t item;
	struct pgt_identity identity;
	struct pgt_direct *link;
	char *dir;
	struct pgt_lock *lock;
	struct pgt_journal *journal;
	struct pgt_guard *guard;
	struct pgt_preflight pre;
	bool has_pre;
	int64_t deadline_boot_ns; /* 0: not armed */
	int64_t tended_ns;
	int64_t since_ns; /* mono: begin of the present stage */
	bool tending;
	bool restarted; /* to bring our values into force */
	size_t journal_seen;
	bool confirmed_elsewhere;
	atomic_int stop;
	atomic_int stops; /* requests to roll back, for the second SIGTERM */
	int stops_seen;
	struct pgt_validation validation;
	char reason[256], text[17408];
};

void pgt_run_say(struct pgt_change_run *r, enum pgt_event_what what, long item,
		 const char *fmt, ...) PGT_PRINTF(4, 5);
void pgt_run_enter(struct pgt_change_run *r, enum pgt_stage st);
/* The stages before the first write: an error ends in NOTHING. */
int pgt_run_preflight(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_lock(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_snapshot(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_journal(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_arm(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_baseline(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_stabilise(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_validate(struct pgt_change_run *r, struct pgt_err *err);
/* Session, lock and fence, taken again when they were lost. */
int pgt_run_keep_link(struct pgt_change_run *r, struct pgt_err *err);
/* An ARMED record of the guard that we have, with the deadline as it is now. */
int pgt_run_note_armed(struct pgt_change_run *r, struct pgt_err *err);
int pgt_run_start_guard(struct pgt_change_run *r, int64_t patience_ns,
			struct pgt_err *err);
bool pgt_run_pulse(void *arg);
struct pgt_acting pgt_run_acting(struct pgt_change_run *r);

#endif
