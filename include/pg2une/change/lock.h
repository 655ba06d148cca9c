/* One changeset at a time on a node: a file lock (flock) which dies with its
 * last holder, console or guard, and whose content is only a label; and the
 * folder that it lives in.  The server-side half is in session.h. */
#ifndef PG2UNE_CHANGE_LOCK_H
#define PG2UNE_CHANGE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_lock;

struct pgt_lock_holder {
	char changeset[37], operation[24], who[128]; /* who: user@host */
	int pid;
	int64_t started_ns; /* real */
};

/* $XDG_STATE_HOME/pg2une/clusters/<fingerprint>, made and durable; the caller
 * frees *ret. */
int pgt_change_dir(const char *fingerprint, char **ret,
		   struct pgt_err *err) PGT_MUST_CHECK;

/* node: pgt_identity.node.  PGT_E_CONFLICT names the holder. */
int pgt_lock_take(const char *dir, const char *node, const char *changeset,
		  const char *operation, struct pgt_lock **ret,
		  struct pgt_err *err) PGT_MUST_CHECK;
/* The same open file in a child: shares the lock. */
struct pgt_lock *pgt_lock_inherit(int fd);
int pgt_lock_fd(const struct pgt_lock *l);
void pgt_lock_relabel(struct pgt_lock *l, const char *changeset, const char *operation);
/* Unlocks for every process that shares it. */
void pgt_lock_release(struct pgt_lock *l);
/* Closes our descriptor only: the guard keeps what we leave. */
void pgt_lock_drop(struct pgt_lock *l);
/* True and *ret filled when somebody holds it; nothing is created. */
bool pgt_lock_check(const char *dir, const char *node, struct pgt_lock_holder *ret);

/* "ana@bastion" */
void pgt_change_who(char *buf, size_t size);
/* This process in a way that survives pid reuse: clock ticks since boot at its
 * start, and the boot's id; of another process by pid, false when it is gone. */
bool pgt_proc_start(int pid, int64_t *ret_ticks);
/* Stopped by a signal: alive, yet it will not answer. */
bool pgt_proc_stopped(int pid);
void pgt_boot_id(char ret[37]);

#endif
