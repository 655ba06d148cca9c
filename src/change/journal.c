#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"

#define LOCK_WAIT_NS (3 * PGT_NS_PER_S)

static int
io_err(const struct pgt_journal *j, const char *what, struct pgt_err *err)
{
	return pgt_err_set(err, PGT_E_IO, "journal %s: %s: %s", j->path, what,
			   pgt_strerror(errno));
}

/* Blocks for the whole changeset and its rollback, beyond the end of the file so
 * that O_APPEND goes on at the end.  Where the file system cannot, the room must
 * at least be there now. */
static int
reserve(struct pgt_journal *j, size_t plan_bytes, struct pgt_err *err)
{
	struct statvfs fs;

	j->room = PGT_J_ROOM + plan_bytes * 4;
	if (fallocate(j->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)j->room) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return io_err(j, "cannot reserve room", err);
	if (fstatvfs(j->fd, &fs) < 0)
		return io_err(j, "cannot reserve room", err);
	if ((uint64_t)fs.f_bavail * fs.f_frsize < 16 * (uint64_t)j->room)
		return pgt_err_set(err, PGT_E_IO,
				   "journal %s: too little room on the disk", j->path);
	return 0;
}

int
pgt_journal_create(const char *dir, const char *id, size_t plan_bytes,
		   struct pgt_journal **ret, struct pgt_err *err)
{
	struct pgt_journal *j = pgt_xcalloc(1, sizeof(*j));
	bool made = false;

	j->writable = true;
	j->path = pgt_xasprintf("%s/cs-%s.jnl", dir, id);
	j->fd = open(j->path,
		     O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0) {
		io_err(j, "cannot be made", err);
		goto fail;
	}
	made = true;
	if (reserve(j, plan_bytes, err) < 0)
		goto fail;
	if (write(j->fd, PGT_J_HEAD, PGT_J_HEAD_LEN) != PGT_J_HEAD_LEN ||
	    fdatasync(j->fd) < 0) {
		io_err(j, "write", err);
		goto fail;
	}
	if (pgt_file_fsync_parent(j->path, err) < 0) /* the name must survive too */
		goto fail;
	if (pgt_journal_refresh(j, err) < 0)
		goto fail;
	*ret = j;
	return 0;

fail:
	if (made)
		unlink(j->path); /* nothing was written to a server yet */
	pgt_journal_close(j);
	return -1;
}

/* Like ssh with its keys: only a file that is ours alone is believed. */
static int
check_ours(const struct pgt_journal *j, struct pgt_err *err)
{
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return io_err(j, "fstat", err);
	if (!S_ISREG(st.st_mode))
		return pgt_err_set(err, PGT_E_DENIED, "journal %s: not a regular file",
				   j->path);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return pgt_err_set(err, PGT_E_DENIED,
				   "journal %s: others own it or may read or write it",
				   j->path);
	if (st.st_size > PGT_J_FILE_MAX)
		return pgt_err_set(err, PGT_E_LIMIT, "journal %s: too large", j->path);
	return 0;
}

static int
open_existing(const char *path, bool writable, struct pgt_journal **ret,
	      struct pgt_err *err)
{
	struct pgt_journal *j = pgt_xcalloc(1, sizeof(*j));

	j->writable = writable;
	j->path = pgt_xstrdup(path);
	j->fd = open(path, (writable ? O_RDWR | O_APPEND : O_RDONLY) | O_CLOEXEC |
			       O_NOFOLLOW | O_NONBLOCK);
	if (j->fd < 0) {
		io_err(j, "cannot be opened", err);
		if (errno == ENOENT && err)
			err->code = PGT_E_NOTFOUND;
		goto fail;
	}
	if (check_ours(j, err) < 0 || pgt_journal_refresh(j, err) < 0)
		goto fail;
	*ret = j;
	return 0;

fail:
	pgt_journal_close(j);
	return -1;
}

int
pgt_journal_open(const char *path, struct pgt_journal **ret, struct pgt_err *err)
{
	return open_existing(path, true, ret, err);
}

int
pgt_journal_read(const char *path, struct pgt_journal **ret, struct pgt_err *err)
{
	return open_existing(path, false, ret, err);
}

void
pgt_journal_close(struct pgt_journal *j)
{
	size_t i;

	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	for (i = 0; i < j->n; i++)
		cJSON_Delete(j->recs[i].body);
	free(j->recs);
	free(j->path);
	free(j);
}

int
pgt_journal_refresh(struct pgt_journal *j, struct pgt_err *err)
{
	struct pgt_buf b;
	char chunk[16384];
	size_t before = j->n;
	off_t at = (off_t)j->good;
	ssize_t n;

	if (j->fd < 0 || j->health == PGT_JH_CORRUPT)
		return 0;
	pgt_buf_init(&b, PGT_J_FILE_MAX);
	for (;;) {
		n = pread(j->fd, chunk, sizeof(chunk), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || b.overflow)
			break;
		pgt_buf_put(&b, chunk, (size_t)n);
		at += n;
	}
	if (n < 0) {
		pgt_buf_done(&b);
		return io_err(j, "read", err);
	}
	if (b.len)
		pgt_journal_scan(j, (const unsigned char *)b.data, b.len);
	else
		j->health = j->good ? PGT_JH_OK : PGT_JH_TORN;
	pgt_buf_done(&b);
	return (int)(j->n - before);
}

/* An open-file-description lock: dies with its holder, and unlike a plain fcntl
 * lock it is not lost when some other descriptor of the file is closed. */
static int
lock_file(struct pgt_journal *j, struct pgt_err *err)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int64_t deadline = pgt_clock_mono_ns() + LOCK_WAIT_NS;

	while (fcntl(j->fd, F_OFD_SETLK, &fl) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return io_err(j, "lock", err);
		if (pgt_clock_mono_ns() > deadline)
			return pgt_err_set(err, PGT_E_CONFLICT,
					   "journal %s: held by another process",
					   j->path);
		poll(NULL, 0, 5);
	}
	return 0;
}

static void
unlock_file(struct pgt_journal *j)
{
	struct flock fl = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	fcntl(j->fd, F_OFD_SETLK, &fl);
}

static bool
is_rollback(enum pgt_jtype type)
{
	return type == PGT_J_RB_REQUEST || type == PGT_J_RB_BEGIN ||
	       type == PGT_J_RB_INTENT || type == PGT_J_RB_DONE || type == PGT_J_CLOSED ||
	       type == PGT_J_NOTE;
}

static int
write_record(struct pgt_journal *j, const unsigned char *p, size_t len,
	     struct pgt_err *err)
{
	ssize_t n;

	do
		n = write(j->fd, p, len);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)len) {
		if (n >= 0)
			errno = ENOSPC; /* a short write to a file */
		io_err(j, "write", err);
		j->no_forward = true;
		/* Take the torn piece back, for a rollback's records to follow. */
		if (n > 0 && ftruncate(j->fd, (off_t)j->good) < 0)
			j->dead = true;
		return -1;
	}
	if (fdatasync(j->fd) < 0) {
		io_err(j, "fdatasync", err);
		j->no_forward = j->dead = true;
		/* Not durable, so nobody may believe it (the guard a confirmation,
		 * say): readers that matter read under the lock that we hold. */
		if (ftruncate(j->fd, (off_t)j->good) < 0)
			pgt_err_prefix(err, "and it cannot be taken back");
		return -1;
	}
	return 0;
}

/* Under the lock: what the file holds now, without a dead writer's torn end. */
static int
settle(struct pgt_journal *j, struct pgt_err *err)
{
	if (pgt_journal_refresh(j, err) < 0)
		return -1;
	if (j->health == PGT_JH_CORRUPT)
		return pgt_err_set(err, PGT_E_IO, "journal %s is damaged after record %u",
				   j->path, j->seq);
	if (j->health == PGT_JH_OK)
		return 0;
	if (j->good == 0)
		return pgt_err_set(err, PGT_E_IO, "journal %s has no header", j->path);
	if (ftruncate(j->fd, (off_t)j->good) < 0)
		return io_err(j, "truncate", err);
	j->health = PGT_JH_OK;
	return 0;
}

int
pgt_journal_append(struct pgt_journal *j, enum pgt_jtype type, const cJSON *body,
		   pgt_journal_cond *cond, void *arg, struct pgt_err *err)
{
	char *text = NULL;
	unsigned char *rec = NULL;
	size_t len = 0;
	int rc = -1;

	if (!j->writable || j->dead || (j->no_forward && !is_rollback(type)))
		return pgt_err_set(err, PGT_E_IO, "journal %s can no longer be written",
				   j->path);
	if (lock_file(j, err) < 0)
		return -1;
	if (settle(j, err) < 0)
		goto out;
	if (cond && !cond(j, arg, err))
		goto out;
	text = body ? pgt_json_print(body, false) : pgt_xstrdup("{}");
	if (strlen(text) > PGT_J_BODY_MAX) {
		pgt_err_set(err, PGT_E_LIMIT, "journal %s: record too large", j->path);
		goto out;
	}
	rec = pgt_journal_encode(j, type, pgt_clock_real_ns(), text, &len);
	if (j->room && !is_rollback(type) && j->good + len > j->room - PGT_J_RESERVE) {
		pgt_err_set(err, PGT_E_LIMIT, "journal %s: the room reserved is used up",
			    j->path);
		goto out;
	}
	if (write_record(j, rec, len, err) < 0)
		goto out;
	pgt_journal_scan(j, rec, len);
	rc = 0;

out:
	unlock_file(j);
	free(rec);
	free(text);
	return rc;
}

bool
pgt_journal_removed(const struct pgt_journal *j)
{
	struct stat named, ours;

	return stat(j->path, &named) < 0
		   ? errno == ENOENT || errno == ENOTDIR
		   : fstat(j->fd, &ours) == 0 &&
			 named.st_ino != ours.st_ino;
}

void
pgt_journal_trim(struct pgt_journal *j)
{
	if (j->writable && !j->dead && ftruncate(j->fd, (off_t)j->good) < 0)
		j->no_forward = true; /* costs disk space, nothing else */
}
