#define _XOPEN_SOURCE_EXTENDED 1
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"

#define ENV_MAX	 512
#define TAIL_MAX 4096

extern char **environ;

int
pgt_child_user(struct pgt_child_user *ret, struct pgt_err *err)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (geteuid() != 0) {
		*ret = (struct pgt_child_user){0};
		return 0;
	}
	if (getpwnam_r("postgres", &pw, buf, sizeof(buf), &found) != 0 || !found)
		return pgt_err_set(err, PGT_E_DENIED,
				   "PostgreSQL does not run as root, and there is no "
				   "user postgres to run the copy: start pg2une as an "
				   "ordinary user");
	*ret = (struct pgt_child_user){true, pw.pw_uid, pw.pw_gid};
	return 0;
}

/* Without PG* where what the user set for the console is not meant. */
static char **
make_env(const char *password, bool keep_pg)
{
	char **env = pgt_xcalloc(ENV_MAX + 2, sizeof(*env));
	size_t n = 0;

	for (char **e = environ; *e && n < ENV_MAX; e++)
		if (keep_pg || strncmp(*e, "PG", 2) != 0)
			env[n++] = pgt_xstrdup(*e);
	if (password)
		env[n] = pgt_xasprintf("PGPASSWORD=%s", password);
	return env;
}

static void
free_env(char **env)
{
	for (size_t i = 0; env[i]; i++) {
		explicit_bzero(env[i], strlen(env[i]));
		free(env[i]);
	}
	free(env);
}

/* In the child of a process with threads: async-signal-safe calls only. */
static void
become(const struct pgt_child_user *u, const struct pgt_child_opts *o, int log_fd,
       pid_t parent, char *const *env)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The terminal's Ctrl-C is for the console, which takes back in order. */
	setpgid(0, 0);
	if (u->drop &&
	    (setgroups(0, NULL) < 0 || setgid(u->gid) < 0 || setuid(u->uid) < 0))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, o->death_signal);
	if (getppid() != parent)
		_exit(126);
	if (dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
		_exit(126);
	execve(o->argv[0], (char *const *)(uintptr_t)o->argv, env);
	_exit(127);
}

int
pgt_child_start(struct pgt_child *c, const struct pgt_child_user *u,
		const struct pgt_child_opts *o, struct pgt_err *err)
{
	const char *base = strrchr(o->argv[0], '/');
	int fd = open(o->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	pid_t parent = getpid();
	char **env;

	if (fd < 0)
		return pgt_err_set(err, PGT_E_IO, "%s: %s", o->log, pgt_strerror(errno));
	pgt_str_copy(c->name, sizeof(c->name), base ? base + 1 : o->argv[0]);
	env = make_env(o->password, o->keep_pg);
	c->pid = fork();
	if (c->pid == 0)
		become(u, o, fd, parent, env);
	free_env(env);
	close(fd);
	if (c->pid < 0) {
		c->pid = 0;
		return pgt_err_set(err, PGT_E_IO, "%s: %s", c->name, pgt_strerror(errno));
	}
	return 0;
}

bool
pgt_child_runs(struct pgt_child *c)
{
	if (c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->pid = 0;
	return c->pid > 0;
}

int
pgt_child_await(struct pgt_child *c, int64_t patience_ns, const atomic_bool *cancel,
		const char *log, struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + patience_ns;
	char line[160];

	while (pgt_child_runs(c)) {
		if (cancel && atomic_load(cancel))
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		if (pgt_clock_mono_ns() > until)
			return pgt_err_set(err, PGT_E_TIMEOUT, "%s takes too long",
					   c->name);
		poll(NULL, 0, 50);
	}
	if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0)
		return 0;
	pgt_child_last_line(log, line, sizeof(line));
	return pgt_err_set(err, PGT_E_STATE, "%s failed: %s", c->name,
			   *line ? line
			   : WIFEXITED(c->status) && WEXITSTATUS(c->status) == 127
			       ? "it cannot be started"
			       : "it says nothing");
}

void
pgt_child_end(struct pgt_child *c, int sig, int64_t grace_ns)
{
	int64_t until = pgt_clock_mono_ns() + grace_ns;

	if (!pgt_child_runs(c))
		return;
	kill(c->pid, sig);
	while (pgt_child_runs(c) && pgt_clock_mono_ns() < until)
		poll(NULL, 0, 20);
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, &c->status, 0);
		c->pid = 0;
	}
}

void
pgt_child_last_line(const char *log, char *buf, size_t size)
{
	char tail[TAIL_MAX + 1], *line;
	FILE *f = fopen(log, "re");
	size_t n;

	buf[0] = '\0';
	if (!f)
		return;
	if (fseek(f, -TAIL_MAX, SEEK_END) != 0)
		rewind(f);
	n = fread(tail, 1, TAIL_MAX, f);
	fclose(f);
	while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\0'))
		n--;
	tail[n] = '\0';
	line = strrchr(tail, '\n');
	pgt_safetext_copy(buf, size, line ? line + 1 : tail);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)!remove(path);
	return 0;
}

void
pgt_child_remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
