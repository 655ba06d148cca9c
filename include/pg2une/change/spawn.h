/* Our own binary again, in a session of its own, for what must outlive the console: the
 * guards.  Told and heard through a socket, holding the console's lock with it. */
#ifndef PG2UNE_CHANGE_SPAWN_H
#define PG2UNE_CHANGE_SPAWN_H

#include <sys/types.h>

#include "pg2une/base/err.h"

#define PGT_SPAWN_LOCK 4 /* the lock's descriptor in the child */

/* verb: the hidden subcommand, run as "pg2une VERB --fd N".  *ret_sock, the caller's, is
 * our end of a SOCK_SEQPACKET pair whose other end is N.  PGT_E_IO. */
int pgt_spawn_self(const char *verb, int lock_fd, int *ret_sock, pid_t *ret_pid,
		   struct pgt_err *err) PGT_MUST_CHECK;

#endif
