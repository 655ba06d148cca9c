/* A program of the operator's as a router: called as "PROGRAM check", "PROGRAM set
 * PCT" and "PROGRAM get" (prints the percentage).  Exit status 0 is consent; the
 * first line of its output is shown when it is not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/infra/router.h"

#define TIMEOUT_NS (30 * PGT_NS_PER_S)
#define OUTPUT_MAX 65536

extern char **environ;

struct hook {
	char *command;
};

static void
hook_close(void *p)
{
	struct hook *h = p;

	free(h->command);
	free(h);
}

static int
hook_open(const struct pgt_router_opts *o, void **ret, struct pgt_err *err)
{
	struct hook *h;

	if (!o->command)
		return pgt_err_set(err, PGT_E_USAGE, "the hook router needs a command");
	h = pgt_xcalloc(1, sizeof(*h));
	h->command = pgt_xstrdup(o->command);
	*ret = h;
	return 0;
}

static int
start(const char *program, const char *verb, const char *arg, pid_t *ret_pid, int *ret_fd,
      struct pgt_err *err)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)verb,
			(char *)(uintptr_t)arg, NULL};
	posix_spawn_file_actions_t fa;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return pgt_err_set(err, PGT_E_IO, "pipe: %s", pgt_strerror(errno));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, fds[1], 1);
	posix_spawn_file_actions_adddup2(&fa, fds[1], 2);
	rc = posix_spawn(ret_pid, program, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(fds[1]);
	if (rc != 0) {
		close(fds[0]);
		return pgt_err_set(err, PGT_E_IO, "%s: %s", program, pgt_strerror(rc));
	}
	*ret_fd = fds[0];
	return 0;
}

/* Its output up to the end or the deadline; false when time ran out. */
static bool
collect(int fd, struct pgt_buf *out)
{
	int64_t until = pgt_clock_mono_ns() + TIMEOUT_NS;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char part[4096];
	ssize_t n;

	for (;;) {
		int64_t left = (until - pgt_clock_mono_ns()) / PGT_NS_PER_MS;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return false;
		n = read(fd, part, sizeof(part));
		if (n <= 0)
			return true;
		pgt_buf_put(out, part, (size_t)n);
	}
}

static int
run(struct hook *h, const char *verb, const char *arg, struct pgt_buf *out,
    struct pgt_err *err)
{
	int fd = -1, status = 0;
	bool in_time;
	pid_t pid;
	char *safe;

	if (start(h->command, verb, arg, &pid, &fd, err) < 0)
		return -1;
	in_time = collect(fd, out);
	close(fd);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return pgt_err_set(err, PGT_E_TIMEOUT, "%s %s: no answer within 30 s",
				   h->command, verb);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	safe = pgt_safetext(pgt_buf_str(out), PGT_SAFE_LINE, 200);
	pgt_err_set(err, PGT_E_STATE, "%s %s failed: %s", h->command, verb, safe);
	free(safe);
	return -1;
}

static int
hook_check(void *p, struct pgt_err *err)
{
	struct pgt_buf out;
	int rc;

	pgt_buf_init(&out, OUTPUT_MAX);
	rc = run(p, "check", NULL, &out, err);
	pgt_buf_done(&out);
	return rc;
}

static int
hook_get(void *p, struct pgt_router_state *ret, struct pgt_err *err)
{
	struct pgt_buf out;
	double pct = -1;
	int rc;

	pgt_buf_init(&out, OUTPUT_MAX);
	rc = run(p, "get", NULL, &out, err);
	while (rc == 0 && out.len > 0 && strchr("% \r\n", out.data[out.len - 1]))
		out.data[--out.len] = '\0';
	if (rc == 0 && !pgt_parse_double(pgt_buf_str(&out), &pct))
		rc = pgt_err_set(err, PGT_E_PARSE,
				 "the hook's \"get\" printed no percentage");
	pgt_buf_done(&out);
	if (rc == 0)
		*ret = (struct pgt_router_state){.configured_pct = pct,
						 .primary_conns = -1,
						 .canary_conns = -1,
						 .clients_waiting = -1};
	return rc;
}

static int
hook_set(void *p, double pct, struct pgt_err *err)
{
	struct pgt_router_state st;
	struct pgt_buf out;
	char arg[32];
	int rc;

	snprintf(arg, sizeof(arg), "%g", pct);
	pgt_buf_init(&out, OUTPUT_MAX);
	rc = run(p, "set", arg, &out, err);
	pgt_buf_done(&out);
	if (rc < 0 || hook_get(p, &st, err) < 0)
		return -1;
	if (st.configured_pct < pct - 0.5 || st.configured_pct > pct + 0.5)
		return pgt_err_set(err, PGT_E_STATE,
				   "the hook says %g%% after it set %g%%",
				   st.configured_pct, pct);
	return 0;
}

const struct pgt_router_ops pgt_router_hook = {
    .name = "hook",
    .caps = 0,
    .step_pct = 1,
    .open = hook_open,
    .close = hook_close,
    .check = hook_check,
    .set = hook_set,
    .get = hook_get,
};
