/* The journal when the disk refuses: every system call of its life fails in turn, with each
 * error it may give.  What an append promised is there afterwards; what it refused is not
 * taken for done; a failed fdatasync ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../../src/change/journal_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/journal.h"

enum call { WRITE, FDATASYNC, FSYNC, FTRUNCATE, FALLOCATE, FSTATVFS, PREAD, FSTAT, FCNTL, CALLS };

/* The k-th call (from 1) of one kind fails, and `more` after it. */
static struct {
	enum call call;
	int at, more, seen, error;
	size_t shorten; /* WRITE: that many bytes are written instead */
	bool armed;
	char dir[64];
} f;

static bool no_room, no_answer, no_truncate, of_others;

static bool
fails(enum call call)
{
	if (!f.armed || call != f.call)
		return false;
	f.seen++;
	if (f.seen < f.at || f.seen > f.at + f.more)
		return false;
	errno = f.error;
	return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t
write(int fd, const void *buf, size_t n)
{
	if (fails(WRITE))
		return f.shorten ? REAL(write)(fd, buf, n < f.shorten ? n : f.shorten) : -1;
	return REAL(write)(fd, buf, n);
}

int
fdatasync(int fd)
{
	return fails(FDATASYNC) ? -1 : REAL(fdatasync)(fd);
}

int
fsync(int fd)
{
	return fails(FSYNC) ? -1 : REAL(fsync)(fd);
}

int
ftruncate(int fd, off_t len)
{
	if (no_truncate) {
		errno = EIO;
		return -1;
	}
	return fails(FTRUNCATE) ? -1 : REAL(ftruncate)(fd, len);
}

int
fallocate(int fd, int mode, off_t at, off_t len)
{
	return fails(FALLOCATE) ? -1 : REAL(fallocate)(fd, mode, at, len);
}


int
fstatvfs(int fd, struct statvfs *ret)
{
	if (fails(FSTATVFS) || no_answer)
		return -1;
	if (REAL(fstatvfs)(fd, ret) < 0)
		return -1;
	if (no_room)
		ret->f_bavail = 1;
	return 0;
}

uid_t
geteuid(void)
{
	return REAL(geteuid)() + of_others;
}

/* Time goes by where somebody waits. */
static int64_t virtual_ns;

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	(void)fds;
	(void)n;
	virtual_ns += timeout * PGT_NS_PER_MS;
	pgt_clock_virtual(virtual_ns, virtual_ns);
	return 0;
}

ssize_t
pread(int fd, void *buf, size_t n, off_t at)
{
	return fails(PREAD) ? -1 : REAL(pread)(fd, buf, n, at);
}

int
fstat(int fd, struct stat *ret)
{
	return fails(FSTAT) ? -1 : REAL(fstat)(fd, ret);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd == F_OFD_SETLK && ((struct flock *)arg)->l_type == F_WRLCK && fails(FCNTL))
		return -1;
	return REAL(fcntl)(fd, cmd, arg);
}

/* ---- one life of a journal ---- */

static const enum pgt_jtype life[] = {PGT_J_PLAN,	PGT_J_FENCE,	 PGT_J_INTENT,
				      PGT_J_DONE,	PGT_J_RB_BEGIN, PGT_J_RB_INTENT,
				      PGT_J_RB_DONE,	PGT_J_CLOSED};

static char *
path_of(void)
{
	return pgt_xasprintf("%s/cs-a.jnl", f.dir);
}

struct told {
	bool created, kept[PGT_LEN(life)];
	bool dead_after, refused_forward;
};

static struct told
live(void)
{
	struct pgt_journal *j = NULL;
	struct told t = {0};
	struct pgt_err err;
	size_t i;

	pgt_err_clear(&err);
	if (pgt_journal_create(f.dir, "a", 100, &j, &err) < 0) {
		assert_int_not_equal(err.code, PGT_E_NONE);
		return t;
	}
	t.created = true;
	for (i = 0; i < PGT_LEN(life); i++) {
		t.kept[i] = pgt_journal_append(j, life[i], NULL, NULL, NULL, &err) == 0;
		if (t.kept[i])
			continue;
		assert_int_not_equal(err.code, PGT_E_NONE);
		if (pgt_journal_dead(j))
			t.dead_after = true;
	}
	pgt_journal_trim(j);
	pgt_journal_close(j);
	return t;
}

/* What a reader with a sound disk finds afterwards. */
static void
check(const struct told *t)
{
	struct pgt_journal *j = NULL;
	char *path = path_of();
	struct pgt_err err;
	size_t i, k = 0, kept = 0;

	if (!t->created) {
		assert_int_equal(access(path, F_OK), -1); /* nothing is left behind */
		free(path);
		return;
	}
	assert_int_equal(pgt_journal_read(path, &j, &err), 0);
	assert_int_not_equal(pgt_journal_health(j), PGT_JH_CORRUPT);
	for (i = 0; i < PGT_LEN(life); i++) {
		const struct pgt_jrec *r = pgt_journal_at(j, k);

		kept += t->kept[i];
		if (t->kept[i]) {
			assert_non_null(r);
			assert_int_equal(r->type, life[i]);
		}
		k += r && r->type == life[i];
	}
	/* one that was refused may stand there only when it could not be taken back */
	assert_true(pgt_journal_count(j) <= kept + 1);
	pgt_journal_close(j);
	free(path);
}

static void
clean(void)
{
	char *path = path_of();

	unlink(path);
	free(path);
}

static void
sweep(enum call call, int error, int more, size_t shorten)
{
	struct told t;
	size_t i;
	bool hit = true;

	for (int at = 1; hit && at < 200; at++) {
		memset(&t, 0, sizeof(t));
		f.call = call;
		f.at = at;
		f.more = more;
		f.seen = 0;
		f.error = error;
		f.shorten = shorten;
		f.armed = true;
		t = live();
		f.armed = false;
		hit = f.seen >= at;
		check(&t);
		if (call == FDATASYNC && hit && t.created && error != EINTR) {
			assert_true(t.dead_after);
			for (i = 0; i < PGT_LEN(life) && t.kept[i]; i++)
				;
			for (; i < PGT_LEN(life); i++)
				assert_false(t.kept[i]); /* never tried again */
		}
		if (call == WRITE && hit && t.created && error == ENOSPC && !more &&
		    at <= (int)PGT_LEN(life)) /* the last write is CLOSED itself */
			assert_true(t.kept[PGT_LEN(life) - 1]); /* by the reserve */
		clean();
	}
}

static void
test_every_call_fails(void **state)
{
	(void)state;
	sweep(WRITE, ENOSPC, 0, 0);
	sweep(WRITE, EIO, 1000, 0);
	sweep(WRITE, EINTR, 0, 0);
	sweep(WRITE, ENOSPC, 0, 3);
	sweep(WRITE, ENOSPC, 2, 30);
	sweep(FDATASYNC, EIO, 0, 0);
	sweep(FDATASYNC, ENOSPC, 1000, 0);
	sweep(FSYNC, EIO, 0, 0);
	sweep(FTRUNCATE, EIO, 0, 0);
	sweep(FALLOCATE, ENOSPC, 0, 0);
	sweep(FALLOCATE, EOPNOTSUPP, 0, 0);
	sweep(PREAD, EIO, 0, 0);
	sweep(PREAD, EINTR, 3, 0);
	sweep(FCNTL, EIO, 0, 0);
	sweep(FCNTL, EINTR, 2, 0);
	sweep(FCNTL, EAGAIN, 3, 0);
	sweep(FCNTL, EACCES, 3, 0);
}

static void
test_torn_and_not_taken_back(void **state)
{
	struct pgt_journal *j = NULL;
	struct pgt_err err;

	(void)state;
	/* a short write, and the piece cannot be cut off: the journal is dead */
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	f.call = WRITE;
	f.at = 1;
	f.more = f.seen = 0;
	f.shorten = 5;
	f.armed = true;
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, NULL, NULL, NULL, &err), -1);
	f.armed = false;
	assert_false(pgt_journal_dead(j));
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, NULL, NULL, NULL, &err), -1);
	assert_int_equal(pgt_journal_append(j, PGT_J_NOTE, NULL, NULL, NULL, &err), 0);
	f.seen = 0;
	f.armed = no_truncate = true;
	assert_int_equal(pgt_journal_append(j, PGT_J_NOTE, NULL, NULL, NULL, &err), -1);
	f.armed = no_truncate = false;
	assert_true(pgt_journal_dead(j));
	assert_int_equal(pgt_journal_append(j, PGT_J_NOTE, NULL, NULL, NULL, &err), -1);
	pgt_journal_close(j);
	clean();
	/* nor can one be that was written and is not durable: it is said */
	j = NULL;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	f.call = FDATASYNC;
	f.seen = 0;
	f.error = EIO;
	f.armed = no_truncate = true;
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, NULL, NULL, NULL, &err), -1);
	f.armed = no_truncate = false;
	assert_non_null(strstr(err.msg, "cannot be taken back"));
	assert_true(pgt_journal_dead(j));
	pgt_journal_trim(j); /* nothing more is done to it */
	pgt_journal_close(j);
	clean();
}

/* Somebody holds it for long: the record is not written, and the wait has an end. */
static void
test_held_by_another(void **state)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct pgt_journal *j = NULL;
	char *path = path_of();
	struct pgt_err err;
	int fd;

	(void)state;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(REAL(fcntl)(fd, F_OFD_SETLK, &fl), 0);
	virtual_ns = PGT_NS_PER_S;
	pgt_clock_virtual(virtual_ns, virtual_ns);
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err.code, PGT_E_CONFLICT);
	assert_true(virtual_ns > 3 * PGT_NS_PER_S && virtual_ns < 6 * PGT_NS_PER_S);
	pgt_clock_virtual_off();
	close(fd);
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, NULL, NULL, NULL, &err), 0);
	pgt_journal_close(j);
	clean();
	free(path);
}

/* Is its file still there, by its name? */
static void
test_removed(void **state)
{
	struct pgt_journal *j = NULL, *other = NULL;
	char *path = path_of();
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	assert_false(pgt_journal_removed(j));
	unlink(path);
	assert_true(pgt_journal_removed(j));
	assert_int_equal(pgt_journal_append(j, PGT_J_PLAN, NULL, NULL, NULL, &err), 0);
	/* another one has its name */
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &other, &err), 0);
	assert_true(pgt_journal_removed(j));
	assert_false(pgt_journal_removed(other));
	pgt_journal_close(other);
	f.call = FSTAT;
	f.at = 1;
	f.more = f.seen = 0;
	f.error = EIO;
	f.armed = true;
	assert_false(pgt_journal_removed(j)); /* not known is not removed */
	f.armed = false;
	unlink(path);
	assert_int_equal(symlink(path, path), 0); /* ELOOP */
	assert_false(pgt_journal_removed(j));
	pgt_journal_close(j);
	clean();
	/* its folder has become a file */
	j = NULL;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	clean();
	assert_int_equal(rmdir(f.dir), 0);
	close(open(f.dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_true(pgt_journal_removed(j));
	unlink(f.dir);
	assert_int_equal(mkdir(f.dir, 0700), 0);
	pgt_journal_close(j);
	free(path);
}

static void
test_file_systems_without_fallocate(void **state)
{
	struct pgt_journal *j = NULL;
	struct pgt_err err;

	(void)state;
	f.call = FALLOCATE;
	f.at = 1;
	f.more = f.seen = 0;
	f.error = ENOSYS;
	f.armed = no_room = true;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), -1);
	assert_non_null(strstr(err.msg, "too little room"));
	no_room = false;
	f.seen = 0;
	no_answer = true;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), -1);
	assert_non_null(strstr(err.msg, "cannot reserve room"));
	no_answer = false;
	f.seen = 0;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	f.armed = false;
	pgt_journal_close(j);
	clean();
}

/* Only a file that is ours alone is believed. */
static void
test_files_of_others(void **state)
{
	struct pgt_journal *j = NULL;
	char *path = path_of();
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_journal_open(path, &j, &err), -1);
	assert_int_equal(err.code, PGT_E_NOTFOUND);
	assert_int_equal(pgt_journal_open(path, &j, NULL), -1);
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	pgt_journal_close(j);
	j = NULL;
	of_others = true;
	assert_int_equal(pgt_journal_open(path, &j, &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	of_others = false;
	f.call = PREAD;
	f.at = 1;
	f.more = f.seen = 0;
	f.error = EIO;
	f.armed = true;
	assert_int_equal(pgt_journal_open(path, &j, &err), -1);
	f.armed = false;
	assert_int_equal(err.code, PGT_E_IO);
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), -1); /* O_EXCL */
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(pgt_journal_open(path, &j, &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	chmod(path, 0600);
	f.call = FSTAT;
	f.at = 1;
	f.more = f.seen = 0;
	f.error = EIO;
	f.armed = true;
	assert_int_equal(pgt_journal_open(path, &j, &err), -1);
	f.armed = false;
	assert_int_equal(REAL(truncate)(path, 9 << 20), 0);
	assert_int_equal(pgt_journal_read(path, &j, &err), -1);
	assert_int_equal(err.code, PGT_E_LIMIT);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pgt_journal_open(path, &j, &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(pgt_journal_read(path, &j, &err), -1);
	clean();
	free(path);
	pgt_journal_close(NULL);
}

static void
test_limits(void **state)
{
	struct pgt_journal *j = NULL;
	cJSON *body = cJSON_CreateObject();
	struct pgt_err err;
	char *big = pgt_xcalloc(1, 300 * 1024);
	int n;

	(void)state;
	memset(big, 'x', 300 * 1024 - 1);
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &j, &err), 0);
	pgt_json_str(body, "text", big);
	assert_int_equal(pgt_journal_append(j, PGT_J_NOTE, body, NULL, NULL, &err), -1);
	assert_int_equal(err.code, PGT_E_LIMIT);
	cJSON_Delete(body);
	body = cJSON_CreateObject();
	big[4000] = '\0';
	pgt_json_str(body, "text", big);
	/* forward records stop at the rollback's reserve, the rollback's do not */
	for (n = 0; n < 100; n++)
		if (pgt_journal_append(j, PGT_J_PREV, body, NULL, NULL, &err) < 0)
			break;
	assert_true(n > 5 && n < 100);
	assert_int_equal(err.code, PGT_E_LIMIT);
	assert_int_equal(pgt_journal_append(j, PGT_J_RB_BEGIN, body, NULL, NULL, &err), 0);
	assert_int_equal(pgt_journal_append(j, PGT_J_CLOSED, NULL, NULL, NULL, &err), 0);
	assert_string_equal(pgt_jtype_name((enum pgt_jtype)99), "?");
	assert_string_equal(pgt_jtype_name((enum pgt_jtype)0), "?");
	pgt_journal_close(j);
	cJSON_Delete(body);
	free(big);
	clean();
}

/* Somebody else appends meanwhile, or left a torn end, or damaged what was read. */
static void
test_other_writers(void **state)
{
	struct pgt_journal *a = NULL, *b = NULL;
	char *path = path_of();
	struct pgt_err err;
	int fd;

	(void)state;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &a, &err), 0);
	assert_int_equal(pgt_journal_append(a, PGT_J_PLAN, NULL, NULL, NULL, &err), 0);
	assert_int_equal(pgt_journal_open(path, &b, &err), 0);
	assert_int_equal(pgt_journal_append(b, PGT_J_NOTE, NULL, NULL, NULL, &err), 0);
	assert_int_equal(pgt_journal_refresh(a, &err), 1);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(REAL(write)(fd, "PGJR\x40", 5), 5);
	assert_int_equal(pgt_journal_refresh(a, &err), 0);
	assert_int_equal(pgt_journal_health(a), PGT_JH_TORN);
	f.call = FTRUNCATE;
	f.at = 1;
	f.more = f.seen = 0;
	f.error = EIO;
	f.armed = true;
	assert_int_equal(pgt_journal_append(a, PGT_J_NOTE, NULL, NULL, NULL, &err), -1);
	f.armed = false;
	assert_int_equal(pgt_journal_append(a, PGT_J_NOTE, NULL, NULL, NULL, &err), 0);
	/* damage before the end: nothing is appended any more */
	assert_int_equal(pwrite(fd, "X", 1, 12), 1);
	close(fd);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, 12), 1);
	close(fd);
	pgt_journal_close(b);
	b = NULL;
	assert_int_equal(pgt_journal_open(path, &b, &err), 0);
	assert_int_equal(pgt_journal_health(b), PGT_JH_CORRUPT);
	assert_int_equal(pgt_journal_append(b, PGT_J_NOTE, NULL, NULL, NULL, &err), -1);
	assert_int_equal(pgt_journal_refresh(b, &err), 0);
	pgt_journal_close(b);
	/* and one without even its header */
	assert_int_equal(REAL(truncate)(path, 3), 0);
	b = NULL;
	assert_int_equal(pgt_journal_open(path, &b, &err), 0);
	assert_int_equal(pgt_journal_append(b, PGT_J_NOTE, NULL, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "no header"));
	pgt_journal_close(b);
	b = NULL;
	assert_int_equal(pgt_journal_read(path, &b, &err), 0);
	assert_int_equal(pgt_journal_append(b, PGT_J_NOTE, NULL, NULL, NULL, &err), -1);
	pgt_journal_trim(b); /* a reader's is left alone */
	pgt_journal_close(b);
	pgt_journal_close(a);
	clean();
	/* it grows beyond all reason while it is read */
	a = NULL;
	assert_int_equal(pgt_journal_create(f.dir, "a", 100, &a, &err), 0);
	assert_int_equal(REAL(truncate)(path, 9 << 20), 0);
	assert_int_equal(pgt_journal_refresh(a, &err), 0);
	assert_int_equal(pgt_journal_health(a), PGT_JH_TORN);
	pgt_journal_close(a);
	clean();
	free(path);
}

/* ---- bytes that are whole and yet not ours, and damage with something behind it ---- */

struct bytes {
	unsigned char *p;
	size_t len;
};

static void
add(struct bytes *b, const void *data, size_t n)
{
	b->p = pgt_xreallocarray(b->p, b->len + n, 1);
	memcpy(b->p + b->len, data, n);
	b->len += n;
}

/* One record behind what is there, as another program may have written it. */
static void
add_record(struct bytes *b, unsigned int type, uint32_t seq, const char *body)
{
	struct pgt_journal *j = pgt_journal_parse(b->p, b->len);
	unsigned char *rec;
	size_t n;

	j->seq = seq - 1;
	rec = pgt_journal_encode(j, (enum pgt_jtype)type, 0, body, &n);
	add(b, rec, n);
	free(rec);
	pgt_journal_close(j);
}

static enum pgt_jhealth
health_of(const struct bytes *b, size_t records)
{
	struct pgt_journal *j = pgt_journal_parse(b->p, b->len);
	enum pgt_jhealth h = pgt_journal_health(j);
	struct pgt_err err;

	assert_int_equal(pgt_journal_count(j), records);
	assert_int_equal(pgt_journal_refresh(j, &err), 0); /* it has no file */
	pgt_journal_close(j);
	return h;
}

static void
test_whole_and_not_ours(void **state)
{
	static const struct {
		unsigned int type;
		uint32_t seq;
		const char *body;
	} wrong[] = {{0, 2, "{}"},  {PGT_J_LAST + 1, 2, "{}"}, {PGT_J_NOTE, 3, "{}"},
		     {PGT_J_NOTE, 1, "{}"}, {PGT_J_NOTE, 2, "[]"}, {PGT_J_NOTE, 2, "no JSON"}};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(wrong); i++) {
		struct bytes b = {0};

		add(&b, PGT_J_HEAD, PGT_J_HEAD_LEN);
		add_record(&b, PGT_J_PLAN, 1, "{}");
		assert_int_equal(health_of(&b, 1), PGT_JH_OK);
		add_record(&b, wrong[i].type, wrong[i].seq, wrong[i].body);
		assert_int_equal(health_of(&b, 1), PGT_JH_CORRUPT);
		free(b.p);
	}
	assert_int_equal(health_of(&(struct bytes){(unsigned char *)(uintptr_t) "PG", 2}, 0),
			 PGT_JH_TORN);
	assert_int_equal(health_of(&(struct bytes){(unsigned char *)(uintptr_t) "XY", 2}, 0),
			 PGT_JH_CORRUPT);
	for (int i = PGT_J_PLAN; i <= PGT_J_LAST; i++)
		assert_string_not_equal(pgt_jtype_name((enum pgt_jtype)i), "?");
}

/* What looks like the beginning of records is looked at, but not without end. */
static void
test_damage_full_of_beginnings(void **state)
{
	static const unsigned char magic[12] = {0x50, 0x47, 0x4a, 0x52, 1, 0, 0, 0, 9};
	struct bytes b = {0}, older = {0};
	size_t plain;

	(void)state;
	add(&b, PGT_J_HEAD, PGT_J_HEAD_LEN);
	add_record(&b, PGT_J_PLAN, 1, "{}");
	plain = b.len;
	add(&b, "torn", 4);
	for (int i = 0; i < 300; i++)
		add(&b, magic, sizeof(magic));
	assert_int_equal(health_of(&b, 1), PGT_JH_TORN);
	/* older ones behind the damage, of a file that was overwritten, do not count */
	b.len = plain;
	add(&b, "torn", 4);
	add(&older, b.p + PGT_J_HEAD_LEN, plain - PGT_J_HEAD_LEN);
	add(&b, older.p, older.len);
	free(older.p);
	add(&b, "0123456789012345678901234567890123456789", 40);
	assert_int_equal(health_of(&b, 1), PGT_JH_TORN);
	free(b.p);
}

static int
begin(void **state)
{
	(void)state;
	snprintf(f.dir, sizeof(f.dir), "/tmp/pg2une-journal-XXXXXX");
	return mkdtemp(f.dir) ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	clean();
	return rmdir(f.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_call_fails),
	    cmocka_unit_test(test_torn_and_not_taken_back),
	    cmocka_unit_test(test_held_by_another),
	    cmocka_unit_test(test_removed),
	    cmocka_unit_test(test_file_systems_without_fallocate),
	    cmocka_unit_test(test_files_of_others),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_other_writers),
	    cmocka_unit_test(test_whole_and_not_ours),
	    cmocka_unit_test(test_damage_full_of_beginnings),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
