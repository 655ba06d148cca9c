/* The connections that carry writes.  A link has one direct session in database
 * "postgres", which holds the server-side advisory lock and writes all that is
 * cluster-wide, and one session for each other database that an item lives in,
 * each with the same lock: who loses the session loses the means to write.
 * A pooler in between is refused: a lock taken through one means nothing
 * (reference/safety.md fact 6).  Owner: exec thread, guard or command line. */
#ifndef PG2UNE_CHANGE_SESSION_H
#define PG2UNE_CHANGE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_connspec;
struct pgt_result;
struct pgt_direct;
struct pgt_writer;

/* The key of pg_advisory_lock: "pg2une" in ASCII. */
#define PGT_CHANGE_LOCK_KEY "123588530499173"

/* Called at least every 100 ms while something is waited for; false: give up
 * (a statement is then cancelled).  fn may be NULL. */
struct pgt_pulse {
	bool (*fn)(void *arg);
	void *arg;
};

/* label is the application_name; see pgt_direct_label(). */
struct pgt_direct *pgt_direct_new(const struct pgt_connspec *spec, const char *label,
			      struct pgt_pulse pulse);
void pgt_direct_free(struct pgt_direct *l);
/* "pg2une/apply/7f3c0001 ana@bastion": names the holder of the lock to others. */
void pgt_direct_label(const char *what, const char *changeset_id, char *buf, size_t size);
void pgt_direct_set_pulse(struct pgt_direct *l, struct pgt_pulse pulse);
void pgt_direct_set_label(struct pgt_direct *l, const char *label);
/* Connect the main session; no lock yet.  PGT_E_UNSUPPORTED: a pooler. */
int pgt_direct_open(struct pgt_direct *l, int64_t timeout_ns,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* Drop all sessions, and with them the locks. */
void pgt_direct_close(struct pgt_direct *l);
/* Take the lock on the main session, trying for wait_ns; PGT_E_CONFLICT names
 * the holder. */
int pgt_direct_lock(struct pgt_direct *l, int64_t wait_ns,
		    struct pgt_err *err) PGT_MUST_CHECK;
void pgt_direct_unlock(struct pgt_direct *l);
/* The same against a holder that does not let go: a console of ours that was
 * stopped, or whose link is half open.  Its backend is ended when its
 * application_name says that it serves the same changeset (its first 8 digits)
 * and its role is ours. */
int pgt_direct_lock_from(struct pgt_direct *l, const char *changeset_id,
			 int64_t patience_ns, struct pgt_err *err) PGT_MUST_CHECK;
bool pgt_direct_is_open(const struct pgt_direct *l);
struct pgt_identity;
int pgt_direct_identity(struct pgt_direct *l, struct pgt_identity *ret,
			struct pgt_err *err) PGT_MUST_CHECK;
/* The main session (database NULL or "postgres"), or the one of a database,
 * opened on demand and locked when the main one is. */
int pgt_direct_writer(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* One more, unlocked, for a look with fresh eyes; the caller closes it. */
int pgt_direct_fresh(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		   struct pgt_err *err) PGT_MUST_CHECK;
void pgt_writer_close(struct pgt_writer *s);

/* pid and start of the main session's backend, as the server says. */
int pgt_direct_backend_pid(const struct pgt_direct *l);
int64_t pgt_direct_backend_start_us(const struct pgt_direct *l);
int pgt_direct_version(const struct pgt_direct *l);
/* TLS, a Unix socket, or a loopback address: nobody in between. */
bool pgt_direct_is_private(const struct pgt_direct *l);
/* The server runs on this machine. */
bool pgt_direct_is_here(const struct pgt_direct *l);
const char *pgt_direct_user(const struct pgt_direct *l);

/* Terminate a backend, only if pid and start still belong together, and wait
 * until it is gone.  For a stopped holder. */
int pgt_direct_end_backend(struct pgt_direct *l, int pid, int64_t start_us,
			   struct pgt_err *err);

/* One statement; timeout_ns bounds the wait on our side, 0 means none (and lifts
 * statement_timeout for it).  ret may be NULL. */
int pgt_writer_run(struct pgt_writer *s, const char *sql, const char *const *params,
		    int n_params, int64_t timeout_ns, struct pgt_result **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
int pgt_writer_version(const struct pgt_writer *s);
bool pgt_writer_alive(const struct pgt_writer *s);

/* After a write failed with err: may it have taken effect all the same?  True for
 * lost links, timeouts, cancels and shutdowns; a server that says no is false. */
bool pgt_write_unknown(const struct pgt_err *err);

#endif
