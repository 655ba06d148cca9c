/* A server of this host, handled by its data directory as pg_ctl does: started,
 * stopped, restarted, and ended for good when a rollout made it.  As root, everything
 * runs as the directory's owner, since a server refuses to run as root.
 * Owner: one thread; what waits asks tick, at least every 100 ms. */
#ifndef PG2UNE_ROLLOUT_LOCAL_H
#define PG2UNE_ROLLOUT_LOCAL_H

#include <stdint.h>
#include <sys/types.h>

#include "pg2une/base/err.h"

struct pgt_rollout_plan;

/* A folder that a rollout made: DIR/data, DIR/log, DIR/sock and this file with the
 * rollout's id, without which nothing is removed. */
#define PGT_LOCAL_MARK "pg2une-canary"

struct pgt_tick { /* both may be NULL */
	void (*fn)(void *arg);
	void *arg;
};

/* The postmaster that works in this directory; 0 none. */
pid_t pgt_local_pid(const char *data);
/* Run argv to its end as the owner of path (NULL: as we are), output appended to log
 * (NULL: nowhere); *ret_status as of waitpid().  PGT_E_TIMEOUT: it was killed. */
int pgt_local_run(char *const *argv, const char *owner_of, const char *log,
		  int64_t patience_ns, struct pgt_tick tick, int *ret_status,
		  struct pgt_err *err) PGT_MUST_CHECK;
/* The same without waiting: *ret_pid is the caller's to collect. */
int pgt_local_spawn(char *const *argv, const char *owner_of, const char *log,
		    pid_t *ret_pid, struct pgt_err *err) PGT_MUST_CHECK;
/* BIN/postgres -D data with further arguments (-c ...), in a session of its own; does
 * not wait until it answers. */
int pgt_local_start(const char *bin, const char *data, const char *const *more,
		    size_t n_more, const char *log, struct pgt_err *err) PGT_MUST_CHECK;
/* Fast, then immediate, then killed; frozen or not.  OK too when none runs. */
int pgt_local_stop(const char *data, int64_t patience_ns, struct pgt_tick tick,
		   struct pgt_err *err) PGT_MUST_CHECK;
/* BIN/pg_ctl restart -m fast, with the options that it was started with. */
int pgt_local_restart(const char *bin, const char *data, const char *log,
		      int64_t patience_ns, struct pgt_tick tick,
		      struct pgt_err *err) PGT_MUST_CHECK;
/* The last line of a log that says FATAL, PANIC or ERROR, safe; "" none. */
void pgt_local_log_tail(const char *log, char *buf, size_t size);

/* ---- of a canary that was made here ---- */

/* Make DIR (it must be absent or empty) for the rollout of this id, for the owner of
 * owner_of when we may. */
int pgt_local_claim(const char *dir, const char *id, const char *owner_of,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* Stop the server in DIR/data and remove DIR, if it bears this id; OK too when it is
 * gone or never was ours. */
int pgt_local_dispose(const char *dir, const char *id, struct pgt_tick tick,
		      struct pgt_err *err) PGT_MUST_CHECK;

#endif
