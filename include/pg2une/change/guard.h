/* Commit-confirmed: a detached process with its own session, armed before the
 * first write, that brings the changeset back at the deadline or when the console
 * dies half way, and exits when the journal says CONFIRMED or CLOSED.  It is our
 * own binary with a hidden subcommand; password and all come through a socket,
 * never through argv.  Confirmation is a record in the journal, never a signal. */
#ifndef PG2UNE_CHANGE_GUARD_H
#define PG2UNE_CHANGE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/change/managed.h"
#include "pg2une/change/replay.h"

struct pgt_connspec;
struct pgt_lock;
struct pgt_guard;

struct pgt_guard_args {
	const struct pgt_connspec *spec;
	const char *journal_path;
	const struct pgt_lock *lock; /* shared with it */
	const char *probe_spec;	     /* for pgt_guard_env.open_probe; may be NULL */
	int64_t deadline_boot_ns;
	bool trial; /* back as soon as the console is gone */
	int64_t patience_ns; /* how long it may take to answer */
};

/* Start one and wait until it is connected to the very node of the journal's
 * FENCE.  The caller owns *ret. */
int pgt_guard_start(const struct pgt_guard_args *args, struct pgt_guard **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
bool pgt_guard_alive(struct pgt_guard *g); /* never waits */
void pgt_guard_describe(const struct pgt_guard *g,
			struct pgt_armed *ret); /* pid, start, boot */
/* Let go: it goes by the journal alone from here.  ended: the journal is closed,
 * so wait (half a second at most) for its end and leave no zombie. */
void pgt_guard_free(struct pgt_guard *g, bool ended);

/* ---- in the child ---- */

struct pgt_guard_env {
	/* makes a probe of probe_spec */
	int (*open_probe)(const char *spec, struct pgt_managed_probe *ret,
			  struct pgt_err *err);
	void (*close_probe)(struct pgt_managed_probe *probe);
};
/* The hidden subcommand: pg2une guard --fd N.  Returns the exit code. */
int pgt_guard_main(int fd, const struct pgt_guard_env *env);

#endif
