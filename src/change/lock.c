#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/lock.h"

#define LABEL_MAX 4096

struct pgt_lock {
	int fd;
};

int
pgt_change_dir(const char *fingerprint, char **ret, struct pgt_err *err)
{
	char *state = pgt_file_state_dir();
	char *clusters = pgt_xasprintf("%s/clusters", state);
	char *dir = pgt_xasprintf("%s/%s", clusters, fingerprint);
	int rc = pgt_file_mkdirs(dir, err);

	/* a journal is of no use under a name that a crash forgets */
	if (rc == 0)
		rc = pgt_file_fsync_parent(dir, err);
	if (rc == 0)
		rc = pgt_file_fsync_parent(clusters, err);
	if (rc == 0)
		rc = pgt_file_fsync_parent(state, err);
	free(state);
	free(clusters);
	if (rc == 0)
		*ret = dir;
	else
		free(dir);
	return rc;
}

void
pgt_change_who(char *buf, size_t size)
{
	struct passwd pw, *found = NULL;
	char space[4096], host[128] = "?";

	gethostname(host, sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	if (getpwuid_r(geteuid(), &pw, space, sizeof(space), &found) == 0 && found)
		snprintf(buf, size, "%s@%s", pw.pw_name, host);
	else
		snprintf(buf, size, "%u@%s", (unsigned int)geteuid(), host);
}

void
pgt_boot_id(char ret[37])
{
	struct pgt_buf b;

	pgt_buf_init(&b, 256);
	ret[0] = '\0';
	if (pgt_file_read("/proc/sys/kernel/random/boot_id", &b, NULL) == 0 &&
	    b.len >= 36) {
		memcpy(ret, b.data, 36);
		ret[36] = '\0';
	}
	pgt_buf_done(&b);
}

bool
pgt_proc_start(int pid, int64_t *ret_ticks)
{
	struct pgt_buf b;
	char path[64], *s, *save = NULL, *word;
	bool ok = false;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	pgt_buf_init(&b, 8192);
	if (pgt_file_read(path, &b, NULL) == 0 && (s = strrchr(pgt_buf_str(&b), ')'))) {
		/* proc(5): state is field 3, starttime field 22 */
		word = strtok_r(s + 1, " ", &save);
		for (field = 3; word && field < 22; field++) {
			if (field == 3 && (*word == 'Z' || *word == 'X'))
				word = NULL;
			else
				word = strtok_r(NULL, " ", &save);
		}
		ok = word && pgt_parse_i64(word, ret_ticks);
	}
	pgt_buf_done(&b);
	return ok;
}

bool
pgt_proc_stopped(int pid)
{
	struct pgt_buf b;
	char path[64];
	const char *s;
	bool stopped = false;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	pgt_buf_init(&b, 8192);
	if (pgt_file_read(path, &b, NULL) == 0 && (s = strrchr(pgt_buf_str(&b), ')')))
		stopped = s[1] == ' ' && (s[2] == 'T' || s[2] == 't');
	pgt_buf_done(&b);
	return stopped;
}

/* ---- the lock ---- */

static char *
lock_path(const char *dir, const char *node)
{
	return pgt_xasprintf("%s/lock-%.16s", dir, node);
}

void
pgt_lock_relabel(struct pgt_lock *l, const char *changeset, const char *operation)
{
	cJSON *obj = cJSON_CreateObject();
	char who[128], when[40], boot[37], *text;
	int64_t ticks = 0;

	pgt_change_who(who, sizeof(who));
	pgt_boot_id(boot);
	pgt_proc_start(getpid(), &ticks);
	pgt_json_str(obj, "changeset_id", changeset);
	pgt_json_i64(obj, "pid", getpid());
	pgt_json_i64(obj, "pid_start_ticks", ticks);
	pgt_json_str(obj, "boot_id", boot);
	pgt_json_str(obj, "started_at",
		     pgt_clock_iso8601(pgt_clock_real_ns(), when, sizeof(when)));
	pgt_json_str(obj, "operation", operation);
	pgt_json_str(obj, "who", who);
	text = pgt_json_print(obj, false);
	/* only a label: what counts is the flock */
	if (ftruncate(l->fd, 0) < 0 || pwrite(l->fd, text, strlen(text), 0) < 0) {
		free(text);
		cJSON_Delete(obj);
		return;
	}
	free(text);
	cJSON_Delete(obj);
}

static bool
read_label(int fd, struct pgt_lock_holder *ret)
{
	char data[LABEL_MAX];
	const char *s;
	ssize_t n = pread(fd, data, sizeof(data), 0);
	cJSON *obj;
	int64_t pid;

	memset(ret, 0, sizeof(*ret));
	obj = n > 0 ? pgt_json_parse(data, (size_t)n, sizeof(data), NULL) : NULL;
	if (!obj)
		return false;
	if (pgt_json_get_str(obj, "changeset_id", &s))
		pgt_safetext_copy(ret->changeset, sizeof(ret->changeset), s);
	if (pgt_json_get_str(obj, "operation", &s))
		pgt_safetext_copy(ret->operation, sizeof(ret->operation), s);
	if (pgt_json_get_str(obj, "who", &s))
		pgt_safetext_copy(ret->who, sizeof(ret->who), s);
	if (pgt_json_get_str(obj, "started_at", &s))
		pgt_clock_parse_iso8601(s, &ret->started_ns);
	if (pgt_json_get_i64(obj, "pid", &pid))
		ret->pid = (int)pid;
	cJSON_Delete(obj);
	return true;
}

static int
refuse_naming_holder(int fd, struct pgt_err *err)
{
	struct pgt_lock_holder h;
	char when[40] = "?";

	if (!read_label(fd, &h))
		return pgt_err_set(
		    err, PGT_E_CONFLICT,
		    "another change is under way on this node; its holder left no name");
	if (h.started_ns)
		pgt_clock_iso8601(h.started_ns, when, sizeof(when));
	return pgt_err_set(
	    err, PGT_E_CONFLICT,
	    "another change is under way on this node: %s of changeset %.8s by %s, "
	    "process %d, since %s",
	    h.operation, h.changeset, h.who, h.pid, when);
}

/* A second look: pgt_lock_check() holds it for an instant. */
static int
try_flock(int fd)
{
	int i;

	for (i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == 3)
			return -1;
		poll(NULL, 0, 10);
	}
	return 0;
}

int
pgt_lock_take(const char *dir, const char *node, const char *changeset,
	      const char *operation, struct pgt_lock **ret, struct pgt_err *err)
{
	char *path = lock_path(dir, node);
	struct pgt_lock *l;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		pgt_err_set(err, PGT_E_IO, "lock %s: %s", path, pgt_strerror(errno));
		free(path);
		return -1;
	}
	free(path);
	if (try_flock(fd) < 0) {
		if (errno == EWOULDBLOCK)
			refuse_naming_holder(fd, err);
		else
			pgt_err_set(err, PGT_E_IO, "lock: %s", pgt_strerror(errno));
		close(fd);
		return -1;
	}
	l = pgt_lock_inherit(fd);
	pgt_lock_relabel(l, changeset, operation);
	*ret = l;
	return 0;
}

struct pgt_lock *
pgt_lock_inherit(int fd)
{
	struct pgt_lock *l = pgt_xcalloc(1, sizeof(*l));

	l->fd = fd;
	return l;
}

int
pgt_lock_fd(const struct pgt_lock *l)
{
	return l->fd;
}

void
pgt_lock_release(struct pgt_lock *l)
{
	if (!l)
		return;
	flock(l->fd, LOCK_UN);
	pgt_lock_drop(l);
}

void
pgt_lock_drop(struct pgt_lock *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l);
}

bool
pgt_lock_check(const char *dir, const char *node, struct pgt_lock_holder *ret)
{
	char *path = lock_path(dir, node);
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool held;

	free(path);
	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) < 0;
	if (held)
		read_label(fd, ret);
	close(fd);
	return held;
}
