/* What was left behind, and acts on a changeset from another process: confirm,
 * roll back, recover at boot.  Owner: exec thread or command line. */
#ifndef PG2UNE_CHANGE_RECOVER_H
#define PG2UNE_CHANGE_RECOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"
#include "pg2une/change/managed.h"
#include "pg2une/change/replay.h"
#include "pg2une/change/rollback.h"

enum pgt_found_state {
	PGT_FOUND_CLOSED = 0,
	PGT_FOUND_HELD,	     /* a console or guard that lives has it */
	PGT_FOUND_UNTOUCHED, /* nothing had been written: may be closed */
	PGT_FOUND_CONFIRMED, /* confirmed, only not closed */
	PGT_FOUND_HALF,	     /* must be rolled back, or looked at */
	PGT_FOUND_DAMAGED,   /* the journal cannot be believed: inspect only */
};
const char *pgt_found_state_name(enum pgt_found_state s);

struct pgt_found {
	char *path;
	char fingerprint[65];
	enum pgt_found_state state;
	bool has_rec;
	struct pgt_replay rec;
	char why[256];
};

/* All journals below the state folder, newest first; of one cluster when
 * fingerprint is given.  open_only leaves out what is closed.  *ret is freed
 * with pgt_found_free().  A missing folder is an empty list. */
int pgt_recover_scan(const char *fingerprint, bool open_only, struct pgt_found **ret,
		     size_t *ret_n, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_found_free(struct pgt_found *list, size_t n);
/* By full id or by its first digits; PGT_E_NOTFOUND, or PGT_E_USAGE when several. */
int pgt_recover_find(const char *id, struct pgt_found *ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_found_done(struct pgt_found *f);

/* CONFIRMED, durable, while nobody has begun to roll back; closes it too when
 * nobody holds it. */
int pgt_recover_confirm(const struct pgt_found *f, struct pgt_err *err) PGT_MUST_CHECK;

/* Confirmed, but its holder died before it was closed. */
int pgt_recover_close(const struct pgt_found *f, struct pgt_err *err) PGT_MUST_CHECK;

struct pgt_recover_args {
	const struct pgt_connspec *spec; /* NULL: as the journal says, password from
					  * the environment or the password file */
	const struct pgt_managed_probe *probe;
	const char *reason;
	int64_t give_up_ns, freeze_ns; /* durations */
	struct pgt_pulse pulse;
	void (*say)(void *arg, long item, const char *text);
	void *say_arg;
};
/* Ask its holder to roll back and wait, or do it here.  Also takes back what was
 * confirmed and closed.  The outcome; OPEN with err when it could not be done. */
enum pgt_ending pgt_recover_rollback(const struct pgt_found *f,
				     const struct pgt_recover_args *a,
				     struct pgt_restore_report *ret, struct pgt_err *err);
/* Items of an open changeset as they are now: "in force", "as before", "changed
 * by somebody else"; one line each.  The caller frees. */
char *pgt_recover_inspect(const struct pgt_found *f, const struct pgt_recover_args *a,
			  struct pgt_err *err);

#endif
