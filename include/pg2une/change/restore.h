/* Compare-and-restore: bring back what was before, but only where the server
 * still holds what we wrote; what others wrote since is reported and left.  And
 * its counterpart, verify.  Both need a link that is open and locked.
 * Owner: exec thread, guard or command line. */
#ifndef PG2UNE_CHANGE_RESTORE_H
#define PG2UNE_CHANGE_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/change/changeset.h"
#include "pg2une/change/fence.h"
#include "pg2une/change/journal.h"
#include "pg2une/change/managed.h"
#include "pg2une/change/session.h"

/* What acts on a server need in common; all borrowed. */
struct pgt_acting {
	struct pgt_direct *link;
	struct pgt_journal *journal; /* NULL: unjournalled */
	const struct pgt_changeset *cs;
	const struct pgt_prev *prev;
	const struct pgt_fence *fence;
	const struct pgt_managed_probe *probe;
	bool deferred; /* what waits for a restart counts as in force: its file does */
	/* told before and after each act; may be NULL */
	void (*say)(void *arg, long item, const char *text);
	void *say_arg;
};

enum pgt_restore_state {
	PGT_RS_UNKNOWN = 0,
	PGT_RS_UNTOUCHED, /* it is as before without our doing */
	PGT_RS_RESTORED,
	PGT_RS_FOREIGN,	  /* somebody else changed it since: left */
	PGT_RS_DENIED,	  /* we may not: see sql */
	PGT_RS_FAILED,
};
const char *pgt_restore_state_name(enum pgt_restore_state s);

struct pgt_restored {
	enum pgt_restore_state state;
	char *now; /* text on the server now, NULL absent */
	char *sql; /* what a person would run; NULL when nothing is to be done */
	char note[256];
};

enum pgt_restore_result {
	PGT_RR_RETRY = 0, /* err says why; try again later */
	PGT_RR_DONE,      /* every item is UNTOUCHED, RESTORED or FOREIGN */
	PGT_RR_FENCED,    /* another node answers: nothing was written */
	PGT_RR_FROZEN, /* not allowed, or the files are broken: instructions in items */
};

struct pgt_restore_report {
	struct pgt_restored *items; /* cs->n_items of them */
	size_t n;
	size_t restored, untouched, foreign, failed;
	bool reloaded;
	char why[512];
};

/* intent: which items may be in force (NULL: all); reload_intent: our values may
 * have been activated. */
enum pgt_restore_result pgt_restore(const struct pgt_acting *a, const bool *intent,
				    bool reload_intent, struct pgt_restore_report *ret,
				    struct pgt_err *err);
/* For a node that cannot be reached: only what goes through the cluster manager, whose
 * configuration is not the node's.  DONE when that was all, else RETRY. */
enum pgt_restore_result pgt_restore_unreached(const struct pgt_acting *a,
					      const bool *intent,
					      struct pgt_restore_report *ret,
					      const struct pgt_err *why);
void pgt_restore_report_done(struct pgt_restore_report *r);
/* What a person has to run by hand, one statement a line; the caller frees. */
char *pgt_restore_instructions(const struct pgt_restore_report *r);

/* Do the statements of item i: INTENT, fence, compare with the state before,
 * write, DONE.  PGT_E_CONFLICT: somebody changed it since the snapshot. */
int pgt_act_item(const struct pgt_acting *a, size_t i,
		 struct pgt_err *err) PGT_MUST_CHECK;
/* pg_reload_conf() with its INTENT; refused (PGT_E_CONFLICT) when it would also
 * activate what others wrote since pending_before was read (may be NULL), and
 * (PGT_E_STATE) when the files have errors. */
int pgt_act_reload(const struct pgt_acting *a, const char *pending_before,
		   struct pgt_err *err) PGT_MUST_CHECK;
/* The fence, read now; PGT_E_STATE when it is not the same node, restarted or
 * not as may_restart allows.  *ret_verdict is set whenever it could be read. */
int pgt_act_fence(const struct pgt_acting *a, bool may_restart,
		  enum pgt_fence_verdict *ret_verdict,
		  struct pgt_err *err) PGT_MUST_CHECK;

/* Everything in force, seen by fresh sessions within wait_ns; PGT_E_STATE says
 * what is not. */
int pgt_verify(const struct pgt_acting *a, int64_t wait_ns,
	       struct pgt_err *err) PGT_MUST_CHECK;

#endif
