/* Bring a journalled changeset back, through lost links and restarts, and close
 * its journal.  Console, guard and recovery all do it here, so there is one way.
 * Idempotent: it may be begun again by anybody at any time. */
#ifndef PG2UNE_CHANGE_ROLLBACK_H
#define PG2UNE_CHANGE_ROLLBACK_H

#include "pg2une/change/replay.h"
#include "pg2une/change/restore.h"

struct pgt_rollback_args {
	struct pgt_direct *link;	     /* opened, reopened and locked here */
	struct pgt_journal *journal; /* may be dead: the server is put right anyway */
	const struct pgt_managed_probe *probe;
	const char *reason;   /* "deadline", "the operator", "p99 rose" ... */
	bool confirmed_too;   /* take back even what was confirmed */
	bool take_over;	      /* end the backend of a console that does not answer */
	int64_t give_up_ns;   /* mono; stop trying then: the outcome stays OPEN */
	int64_t freeze_ns;    /* how long to hope for a lost privilege or a broken file */
	struct pgt_pulse pulse; /* asked between attempts; may be empty */
	void (*say)(void *arg, long item, const char *text);
	void *say_arg;
};

/* OPEN: not finished, err says why, try later.  CONFIRMED: somebody confirmed it
 * before it was begun, nothing was done.  ret may be NULL. */
enum pgt_ending pgt_rollback(const struct pgt_rollback_args *args,
			      struct pgt_restore_report *ret, struct pgt_err *err);

/* CLOSED with its text; only once. */
int pgt_change_close(struct pgt_journal *j, enum pgt_ending outcome, const char *text,
		     struct pgt_err *err);

#endif
