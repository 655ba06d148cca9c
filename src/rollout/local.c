#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/rollout/local.h"
#include "pg2une/rollout/tree.h"

#define LOOK_MS	   50
#define STOP_NS	   (30 * PGT_NS_PER_S)
#define TAIL_BYTES 8192

static void
rest(struct pgt_tick tick)
{
	if (tick.fn)
		tick.fn(tick.arg);
	poll(NULL, 0, LOOK_MS);
}

pid_t
pgt_local_pid(const char *data)
{
	char *path = pgt_xasprintf("%s/postmaster.pid", data), *real;
	char text[64], cwd[4096], link[64];
	int64_t pid = 0;
	ssize_t n = -1;

	if (pgt_file_small(path, text, sizeof(text))) {
		text[strcspn(text, "\n")] = '\0';
		if (!pgt_parse_i64(text, &pid) || pid <= 1)
			pid = 0;
	}
	free(path);
	/* The number may be another's by now: a server works in its data directory. */
	snprintf(link, sizeof(link), "/proc/%lld/cwd", (long long)pid);
	real = realpath(data, NULL);
	if (pid > 0)
		n = readlink(link, cwd, sizeof(cwd) - 1);
	if (n >= 0)
		cwd[n] = '\0';
	if (n < 0 || !real || strcmp(cwd, real) != 0)
		pid = 0;
	free(real);
	return (pid_t)pid;
}

/* ---- processes ---- */

struct who {
	bool change;
	uid_t uid;
	gid_t gid;
};

static struct who
owner(const char *path)
{
	struct who w = {0};
	const struct passwd *pw;
	struct stat st;

	if (!path || geteuid() != 0 || stat(path, &st) < 0)
		return w;
	w = (struct who){st.st_uid != 0, st.st_uid, st.st_gid};
	if (!w.change && (pw = getpwnam("postgres")))
		w = (struct who){true, pw->pw_uid, pw->pw_gid};
	return w;
}

/* Between fork and exec: nothing but system calls. */
static void
become(char *const *argv, struct who w, int null_fd, int log_fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (w.change &&
	    (setgroups(0, NULL) < 0 || setgid(w.gid) < 0 || setuid(w.uid) < 0))
		_exit(126);
	if (chdir("/") < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 ||
	    dup2(log_fd, 2) < 0)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

static int
launch(char *const *argv, const char *owner_of, const char *log, bool detach,
       pid_t *ret_pid, struct pgt_err *err)
{
	struct who w = owner(owner_of);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), log_fd = null_fd;
	pid_t pid = -1;

	if (log) {
		log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			      0600);
		if (log_fd >= 0 && w.change && fchown(log_fd, w.uid, w.gid) < 0) {
			close(log_fd);
			log_fd = -1;
		}
	}
	if (null_fd >= 0 && log_fd >= 0)
		pid = fork();
	if (pid == 0) {
		/* twice, so that its end is not ours to collect */
		if (detach && (setsid(), fork()) != 0)
			_exit(0);
		become(argv, w, null_fd, log_fd);
	}
	if (pid < 0)
		pgt_err_set(err, PGT_E_IO, "%s: %s", argv[0], pgt_strerror(errno));
	else if (detach)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (log_fd >= 0 && log_fd != null_fd)
		close(log_fd);
	if (null_fd >= 0)
		close(null_fd);
	if (pid < 0)
		return -1;
	*ret_pid = pid;
	return 0;
}

int
pgt_local_spawn(char *const *argv, const char *owner_of, const char *log, pid_t *ret_pid,
		struct pgt_err *err)
{
	return launch(argv, owner_of, log, false, ret_pid, err);
}

int
pgt_local_run(char *const *argv, const char *owner_of, const char *log,
	      int64_t patience_ns, struct pgt_tick tick, int *ret_status,
	      struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + patience_ns;
	int status = 0;
	pid_t pid, got;

	if (launch(argv, owner_of, log, false, &pid, err) < 0)
		return -1;
	while ((got = waitpid(pid, &status, WNOHANG)) == 0 &&
	       pgt_clock_mono_ns() < until)
		rest(tick);
	if (got == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return pgt_err_set(err, PGT_E_TIMEOUT, "%s takes too long", argv[0]);
	}
	*ret_status = status;
	return 0;
}

int
pgt_local_start(const char *bin, const char *data, const char *const *more, size_t n_more,
		const char *log, struct pgt_err *err)
{
	char *program = pgt_xasprintf("%s/postgres", bin);
	char **argv = pgt_xcalloc(2 * n_more + 4, sizeof(*argv));
	size_t n = 0;
	pid_t ignored;
	int rc;

	argv[n++] = program;
	argv[n++] = (char *)(uintptr_t)"-D";
	argv[n++] = (char *)(uintptr_t)data;
	for (size_t i = 0; i < n_more; i++) {
		argv[n++] = (char *)(uintptr_t)"-c";
		argv[n++] = (char *)(uintptr_t)more[i];
	}
	rc = launch(argv, data, log, true, &ignored, err);
	free(argv);
	free(program);
	return rc;
}

int
pgt_local_stop(const char *data, int64_t patience_ns, struct pgt_tick tick,
	       struct pgt_err *err)
{
	static const int how[] = {SIGINT, SIGQUIT, SIGKILL};
	pid_t pid = pgt_local_pid(data);

	for (size_t i = 0; i < PGT_LEN(how) && pid > 0; i++) {
		int64_t until = pgt_clock_mono_ns() + patience_ns / (int64_t)PGT_LEN(how);

		kill(pid, how[i]);
		kill(pid, SIGCONT); /* a frozen one hears nothing else */
		while (pgt_local_pid(data) == pid && pgt_clock_mono_ns() < until)
			rest(tick);
		if (pgt_local_pid(data) != pid)
			return 0;
	}
	if (pid > 0)
		return pgt_err_set(err, PGT_E_TIMEOUT, "the server in %s does not stop",
				   data);
	return 0;
}

int
pgt_local_restart(const char *bin, const char *data, const char *log, int64_t patience_ns,
		  struct pgt_tick tick, struct pgt_err *err)
{
	char *program = pgt_xasprintf("%s/pg_ctl", bin), wait[24], tail[200];
	char *argv[] = {program,
			(char *)(uintptr_t)"restart",
			(char *)(uintptr_t)"-D",
			(char *)(uintptr_t)data,
			(char *)(uintptr_t)"-m",
			(char *)(uintptr_t)"fast",
			(char *)(uintptr_t)"-w",
			(char *)(uintptr_t)"-t",
			wait,
			(char *)(uintptr_t)"-l",
			(char *)(uintptr_t)(log ? log : "/dev/null"),
			NULL};
	int status = 0, rc;

	snprintf(wait, sizeof(wait), "%lld", (long long)(patience_ns / PGT_NS_PER_S));
	rc = pgt_local_run(argv, data, NULL, patience_ns + STOP_NS, tick, &status, err);
	free(program);
	if (rc < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	pgt_local_log_tail(log, tail, sizeof(tail));
	return pgt_err_set(err, PGT_E_STATE, "the server in %s was not restarted: %s",
			   data, tail[0] ? tail : "see its log");
}

void
pgt_local_log_tail(const char *log, char *buf, size_t size)
{
	static const char *const marks[] = {"FATAL:", "PANIC:", "ERROR:"};
	char text[TAIL_BYTES + 1];
	const char *at = NULL;
	int fd = log ? open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	ssize_t n = 0;
	off_t end;

	*buf = '\0';
	if (fd < 0)
		return;
	end = lseek(fd, 0, SEEK_END);
	n = pread(fd, text, TAIL_BYTES, end > TAIL_BYTES ? end - TAIL_BYTES : 0);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < PGT_LEN(marks); i++)
		for (const char *s = text; (s = strstr(s, marks[i])); s++)
			if (!at || s > at)
				at = s;
	if (!at)
		return;
	text[(size_t)(at - text) + strcspn(at, "\n")] = '\0';
	pgt_safetext_copy(buf, size, at);
}

/* ---- what a rollout made ---- */

static bool
is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool empty = true;

	while (d && (e = readdir(d)))
		empty = empty && (strcmp(e->d_name, ".") == 0 ||
				  strcmp(e->d_name, "..") == 0);
	if (d)
		closedir(d);
	return empty;
}

static int
claim_sub(const char *dir, const char *name, struct who w, struct pgt_err *err)
{
	char *path = name ? pgt_xasprintf("%s/%s", dir, name) : pgt_xstrdup(dir);
	int rc = 0;

	if ((mkdir(path, 0700) < 0 && errno != EEXIST) ||
	    (w.change && chown(path, w.uid, w.gid) < 0))
		rc = pgt_err_set(err, PGT_E_IO, "%s: %s", path, pgt_strerror(errno));
	free(path);
	return rc;
}

int
pgt_local_claim(const char *dir, const char *id, const char *owner_of,
		struct pgt_err *err)
{
	struct who w = owner(owner_of);
	char *mark;
	int rc;

	if (dir[0] != '/')
		return pgt_err_set(err, PGT_E_USAGE, "%s: not an absolute path", dir);
	if (!is_empty(dir))
		return pgt_err_set(err, PGT_E_STATE, "%s is not empty", dir);
	if (claim_sub(dir, NULL, w, err) < 0)
		return -1;
	mark = pgt_xasprintf("%s/%s", dir, PGT_LOCAL_MARK);
	rc = pgt_file_replace(mark, id, strlen(id), 0600, err);
	free(mark);
	if (rc < 0 || claim_sub(dir, "data", w, err) < 0)
		return -1;
	return claim_sub(dir, "sock", w, err);
}

int
pgt_local_dispose(const char *dir, const char *id, struct pgt_tick tick,
		  struct pgt_err *err)
{
	char *mark = pgt_xasprintf("%s/%s", dir, PGT_LOCAL_MARK),
	     *data = pgt_xasprintf("%s/data", dir), text[64];
	int rc = 0;

	if (pgt_file_small(mark, text, sizeof(text)) && strcmp(text, id) == 0)
		rc = pgt_local_stop(data, STOP_NS, tick, err) < 0 ||
			     pgt_tree_remove(dir, err) < 0
			 ? -1
			 : 0;
	free(mark);
	free(data);
	return rc;
}
