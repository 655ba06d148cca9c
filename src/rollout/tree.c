#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/rollout/tree.h"

#define CHUNK	 (1u << 20)
#define DEPTH_MAX 16
#define OPEN_MAX  32

struct copy {
	struct pgt_tree_job *job; /* NULL: a folder of configuration, only what lacks */
};

/* Emptied by a base backup: the server fills them. */
static const char *const emptied[] = {
    "pg_wal",	   "pg_replslot",  "pg_dynshmem", "pg_notify",
    "pg_serial",   "pg_snapshots", "pg_stat_tmp", "pg_subtrans",
};
static const char *const left_out[] = {
    "postmaster.pid",  "postmaster.opts", "backup_label",
    "tablespace_map",  "standby.signal",  "recovery.signal",
    "backup_label.old", "current_logfiles", "postgresql.auto.conf.tmp",
};

static bool
is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

static bool
is_left_out(const char *name, int depth)
{
	return pgt_str_starts(name, "pgsql_tmp") ||
	       pgt_str_starts(name, "pg_internal.init") ||
	       (depth == 0 && is_one_of(name, left_out, PGT_LEN(left_out))) ||
	       (depth == 1 && strcmp(name, "pg_control") == 0);
}

static int
fail(struct pgt_err *err, const char *path)
{
	return pgt_err_set(err, PGT_E_IO, "%s: %s", path, pgt_strerror(errno));
}

static int
pour(const struct copy *c, int in, int out, const char *path, struct pgt_err *err)
{
	char *chunk = NULL;
	bool in_kernel = true;
	ssize_t n = 1;
	int rc = 0;

	while (n > 0 && rc == 0) {
		if (c->job && atomic_load(&c->job->cancel))
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped");
		n = in_kernel ? copy_file_range(in, NULL, out, NULL, CHUNK, 0) : -1;
		if (n < 0) {
			in_kernel = false;
			if (!chunk)
				chunk = pgt_xmalloc(CHUNK);
			n = read(in, chunk, CHUNK);
			if (n < 0 || (n > 0 && write(out, chunk, (size_t)n) != n))
				rc = fail(err, path);
		}
		if (n > 0 && c->job)
			atomic_fetch_add(&c->job->bytes, (uint64_t)n);
	}
	free(chunk);
	return rc;
}

static int
copy_file(const struct copy *c, const char *src, const char *dst, struct pgt_err *err)
{
	int in = open(src, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out, rc = -1;
	struct stat st;

	if (in < 0) /* dropped meanwhile: its WAL says so too */
		return errno == ENOENT ? 0 : fail(err, src);
	if (fstat(in, &st) < 0) {
		fail(err, src);
		close(in);
		return -1;
	}
	out = open(dst, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
	if (out < 0) {
		rc = !c->job && errno == EEXIST ? 0 : fail(err, dst);
	} else {
		rc = pour(c, in, out, src, err);
		if (rc == 0 && geteuid() == 0 && fchown(out, st.st_uid, st.st_gid) < 0)
			rc = fail(err, dst);
		close(out);
	}
	close(in);
	return rc;
}

static int
copy_link(const char *src, const char *dst, struct pgt_err *err)
{
	char target[4096];
	ssize_t n = readlink(src, target, sizeof(target) - 1);

	if (n < 0)
		return errno == ENOENT ? 0 : fail(err, src);
	target[n] = '\0';
	return symlink(target, dst) < 0 && errno != EEXIST ? fail(err, dst) : 0;
}

static int
make_dir(const char *dst, const struct stat *st, struct pgt_err *err)
{
	if (mkdir(dst, st->st_mode & 0777) < 0 && errno != EEXIST)
		return fail(err, dst);
	if (geteuid() == 0 && chown(dst, st->st_uid, st->st_gid) < 0)
		return fail(err, dst);
	return 0;
}

static int copy_dir(const struct copy *c, const char *src, const char *dst, int depth,
		    struct pgt_err *err);

static int
copy_entry(const struct copy *c, const char *src, const char *dst, const char *name,
	   int depth, struct pgt_err *err)
{
	bool data = c->job != NULL;
	struct stat st;

	if (lstat(src, &st) < 0)
		return errno == ENOENT ? 0 : fail(err, src);
	if (data && depth == 0 && is_one_of(name, emptied, PGT_LEN(emptied))) {
		/* may be a link to another disk */
		if (S_ISLNK(st.st_mode) && stat(src, &st) < 0)
			return fail(err, src);
		return make_dir(dst, &st, err);
	}
	if (data && strcmp(name, "pg_tblspc") == 0 && depth == 0) {
		if (make_dir(dst, &st, err) < 0)
			return -1;
		return rmdir(dst) < 0 || mkdir(dst, 0700) < 0 ||
			       (geteuid() == 0 && chown(dst, st.st_uid, st.st_gid) < 0)
			   ? fail(err, dst)
			   : 0;
	}
	if (S_ISDIR(st.st_mode))
		return make_dir(dst, &st, err) < 0 ||
			       copy_dir(c, src, dst, depth + 1, err) < 0
			   ? -1
			   : 0;
	if (S_ISLNK(st.st_mode))
		return copy_link(src, dst, err);
	return S_ISREG(st.st_mode) ? copy_file(c, src, dst, err) : 0;
}

static int
copy_dir(const struct copy *c, const char *src, const char *dst, int depth,
	 struct pgt_err *err)
{
	DIR *dir = opendir(src);
	struct dirent *e;
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : fail(err, src);
	if (depth > DEPTH_MAX) {
		closedir(dir);
		return pgt_err_set(err, PGT_E_LIMIT, "%s: too deep", src);
	}
	while (rc == 0 && (e = readdir(dir))) {
		char *from, *to;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (c->job && is_left_out(e->d_name, depth)))
			continue;
		from = pgt_xasprintf("%s/%s", src, e->d_name);
		to = pgt_xasprintf("%s/%s", dst, e->d_name);
		rc = copy_entry(c, from, to, e->d_name, depth, err);
		free(from);
		free(to);
	}
	closedir(dir);
	return rc;
}

static bool
has_tablespaces(const char *src)
{
	char *path = pgt_xasprintf("%s/pg_tblspc", src);
	DIR *dir = opendir(path);
	struct dirent *e;
	bool any = false;

	while (dir && (e = readdir(dir)))
		any = any || e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	free(path);
	return any;
}

int
pgt_tree_copy_data(const char *src, const char *dst, struct pgt_tree_job *job,
		   struct pgt_err *err)
{
	struct copy c = {job};
	char *from, *to;
	int rc, fd;

	if (has_tablespaces(src))
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "%s has tablespaces elsewhere: make the canary with a "
				   "command of yours",
				   src);
	if (copy_dir(&c, src, dst, 0, err) < 0)
		return -1;
	/* last, so that it is not older than what it speaks of */
	from = pgt_xasprintf("%s/global/pg_control", src);
	to = pgt_xasprintf("%s/global/pg_control", dst);
	rc = copy_file(&c, from, to, err);
	free(from);
	free(to);
	fd = rc == 0 ? open(dst, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		if (syncfs(fd) < 0)
			rc = fail(err, dst);
		close(fd);
	}
	return rc;
}

int
pgt_tree_copy_missing(const char *src, const char *dst, struct pgt_err *err)
{
	struct copy c = {NULL};

	return copy_dir(&c, src, dst, 0, err);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int
pgt_tree_remove(const char *path, struct pgt_err *err)
{
	if (nftw(path, remove_one, OPEN_MAX, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return fail(err, path);
	return 0;
}
