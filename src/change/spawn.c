#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pg2une/base/str.h"
#include "pg2une/change/spawn.h"

#define CHILD_SOCKET 3 /* above the standard three */

extern char **environ;

/* File actions: only the socket and the lock go over, the rest is close-on-exec. */
static int
run_self(const char *verb, int sock, int lock_fd, pid_t *ret, struct pgt_err *err)
{
	char fd_text[16];
	char *argv[] = {(char *)"pg2une", (char *)(uintptr_t)verb, (char *)"--fd",
			fd_text, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, dflt;
	int rc;

	snprintf(fd_text, sizeof(fd_text), "%d", CHILD_SOCKET);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, sock, CHILD_SOCKET);
	posix_spawn_file_actions_adddup2(&fa, lock_fd, PGT_SPAWN_LOCK);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigfillset(&dflt);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &dflt);
	posix_spawnattr_setflags(
	    &attr,
	    (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
	rc = posix_spawn(ret, "/proc/self/exe", &fa, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return rc == 0 ? 0 : pgt_err_set(err, PGT_E_IO, "cannot be started: %s",
					 pgt_strerror(rc));
}

int
pgt_spawn_self(const char *verb, int lock_fd, int *ret_sock, pid_t *ret_pid,
	       struct pgt_err *err)
{
	int pair[2], child, lock, rc = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return pgt_err_set(err, PGT_E_IO, "socketpair: %s", pgt_strerror(errno));
	/* clear of the numbers that the child's own get */
	child = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
	lock = fcntl(lock_fd, F_DUPFD_CLOEXEC, 10);
	close(pair[1]);
	if (child < 0 || lock < 0)
		pgt_err_set(err, PGT_E_IO, "no descriptor: %s", pgt_strerror(errno));
	else
		rc = run_self(verb, child, lock, ret_pid, err);
	if (child >= 0)
		close(child);
	if (lock >= 0)
		close(lock);
	if (rc < 0)
		close(pair[0]);
	else
		*ret_sock = pair[0];
	return rc;
}
