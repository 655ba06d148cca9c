/* Programs that the engine starts and ends itself: a throwaway server, its load, the
 * copying.  Each dies with the thread that began it, even when that is killed.  As
 * root they run as an ordinary user, since PostgreSQL refuses root.  Owner: the
 * thread that starts them. */
#ifndef PG2UNE_ENGINE_CHILD_PRIV_H
#define PG2UNE_ENGINE_CHILD_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pg2une/base/err.h"

struct pgt_child_user {
	bool drop; /* we are root: become uid and gid */
	uid_t uid;
	gid_t gid;
};
/* Who the programs run as; PGT_E_DENIED as root without a user postgres. */
int pgt_child_user(struct pgt_child_user *ret, struct pgt_err *err) PGT_MUST_CHECK;

struct pgt_child {
	pid_t pid; /* 0: none runs */
	int status; /* of waitpid, once it ended */
	char name[64];
};

struct pgt_child_opts {
	const char *const *argv; /* argv[0] is a path */
	const char *log;	 /* takes both outputs; made anew */
	const char *password;	 /* as PGPASSWORD; NULL none */
	bool keep_pg; /* libpq's variables of ours count: it goes to the target */
	int death_signal;	 /* when we die */
};
int pgt_child_start(struct pgt_child *c, const struct pgt_child_user *u,
		    const struct pgt_child_opts *o, struct pgt_err *err) PGT_MUST_CHECK;
/* False once it ended; c->status says how. */
bool pgt_child_runs(struct pgt_child *c);
/* Until it ends by itself: 0 for exit code 0.  A failure brings the last line of log.
 * PGT_E_CANCELLED and PGT_E_TIMEOUT leave it running. */
int pgt_child_await(struct pgt_child *c, int64_t patience_ns, const atomic_bool *cancel,
		    const char *log, struct pgt_err *err) PGT_MUST_CHECK;
/* Ask with sig, after grace_ns kill.  Returns when it is gone. */
void pgt_child_end(struct pgt_child *c, int sig, int64_t grace_ns);
/* The last line of a log that says something, safe text; "" when there is none. */
void pgt_child_last_line(const char *log, char *buf, size_t size);

/* A tree of files, without following links. */
void pgt_child_remove_tree(const char *path);

#endif
