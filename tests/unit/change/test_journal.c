/* The journal against every single damaged byte and every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/journal.h"

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pg2une-journal-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
drop_dir(void **state)
{
	char path[128];
	static const char *const ids[] = {"a", "b", "c", "d", "e", "f", "g"};
	size_t i;

	(void)state;
	for (i = 0; i < PGT_LEN(ids); i++) {
		snprintf(path, sizeof(path), "%s/cs-%s.jnl", dir, ids[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static cJSON *
body_i(int64_t i)
{
	cJSON *b = cJSON_CreateObject();

	pgt_json_i64(b, "i", i);
	return b;
}

static int
put(struct pgt_journal *j, enum pgt_jtype type, int64_t i)
{
	struct pgt_err err = {0};
	cJSON *b = body_i(i);
	int rc = pgt_journal_append(j, type, b, NULL, NULL, &err);

	cJSON_Delete(b);
	return rc;
}

static struct pgt_journal *
make(const char *id)
{
	struct pgt_journal *j;
	struct pgt_err err = {0};

	if (pgt_journal_create(dir, id, 100, &j, &err) < 0)
		fail_msg("%s", err.msg);
	return j;
}

static char *
slurp(const char *path, size_t *len)
{
	struct pgt_buf b;
	struct pgt_err err;

	pgt_buf_init(&b, 1u << 20);
	assert_int_equal(pgt_file_read(path, &b, &err), 0);
	*len = b.len;
	return pgt_buf_take(&b);
}

static char *
sample(size_t *len)
{
	struct pgt_journal *j = make("a");
	char *data;

	assert_int_equal(put(j, PGT_J_PLAN, 10), 0);
	assert_int_equal(put(j, PGT_J_INTENT, 0), 0);
	assert_int_equal(put(j, PGT_J_DONE, 0), 0);
	assert_int_equal(put(j, PGT_J_INTENT, 1), 0);
	data = slurp(pgt_journal_path(j), len);
	unlink(pgt_journal_path(j));
	pgt_journal_close(j);
	return data;
}

static void
test_round_trip(void **state)
{
	struct pgt_journal *j = make("b"), *r;
	struct pgt_err err = {0};
	struct stat st;
	int64_t i = -5;

	(void)state;
	assert_int_equal(put(j, PGT_J_PLAN, 1), 0);
	assert_int_equal(put(j, PGT_J_INTENT, -1), 0);
	assert_int_equal(stat(pgt_journal_path(j), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(st.st_blocks * 512 >= 64 * 1024); /* the reserve is there */
	assert_true(st.st_size < 4096);
	assert_int_equal(pgt_journal_read(pgt_journal_path(j), &r, &err), 0);
	assert_int_equal(pgt_journal_health(r), PGT_JH_OK);
	assert_int_equal(pgt_journal_count(r), 2);
	assert_int_equal(pgt_journal_at(r, 1)->type, PGT_J_INTENT);
	assert_true(pgt_json_get_i64(pgt_journal_at(r, 1)->body, "i", &i));
	assert_int_equal(i, -1);
	assert_null(pgt_journal_at(r, 2));
	assert_null(pgt_journal_last(r, PGT_J_CLOSED));
	assert_int_equal(put(r, PGT_J_DONE, 0), -1); /* opened to read */
	pgt_journal_close(r);
	pgt_journal_trim(j);
	assert_int_equal(stat(pgt_journal_path(j), &st), 0);
	assert_true(st.st_blocks * 512 <= 8192);
	pgt_journal_close(j);
}

static void
test_never_twice(void **state)
{
	struct pgt_journal *j = make("c"), *k = NULL;
	struct pgt_err err = {0};

	(void)state;
	assert_int_equal(pgt_journal_create(dir, "c", 0, &k, &err), -1);
	assert_null(k);
	assert_int_equal(err.code, PGT_E_IO);
	pgt_journal_close(j);
	assert_int_equal(pgt_journal_open(dir, &k, &err), -1); /* a folder */
}

static void
test_refuses_foreign_files(void **state)
{
	struct pgt_journal *j = make("d"), *k = NULL;
	struct pgt_err err = {0};
	char link[128];

	(void)state;
	snprintf(link, sizeof(link), "%s/cs-e.jnl", dir);
	assert_int_equal(symlink(pgt_journal_path(j), link), 0);
	assert_int_equal(pgt_journal_open(link, &k, &err), -1);
	assert_int_equal(chmod(pgt_journal_path(j), 0640), 0);
	assert_int_equal(pgt_journal_read(pgt_journal_path(j), &k, &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	pgt_journal_close(j);
}

/* Two writers, as console and guard: sequence numbers and conditions hold. */
static bool
unless_rolling_back(const struct pgt_journal *j, void *arg, struct pgt_err *err)
{
	(void)arg;
	if (!pgt_journal_last(j, PGT_J_RB_BEGIN))
		return true;
	pgt_err_set(err, PGT_E_CONFLICT, "it is being rolled back");
	return false;
}

static void
test_two_writers(void **state)
{
	struct pgt_journal *a = make("f"), *b;
	struct pgt_err err = {0};

	(void)state;
	assert_int_equal(put(a, PGT_J_PLAN, 0), 0);
	assert_int_equal(pgt_journal_open(pgt_journal_path(a), &b, &err), 0);
	assert_int_equal(put(b, PGT_J_RB_BEGIN, 0), 0);
	assert_int_equal(
	    pgt_journal_append(a, PGT_J_CONFIRMED, NULL, unless_rolling_back, NULL, &err), -1);
	assert_int_equal(err.code, PGT_E_CONFLICT);
	assert_int_equal(put(a, PGT_J_RB_DONE, 0), 0);
	assert_int_equal(pgt_journal_refresh(b, &err), 1);
	assert_int_equal(pgt_journal_at(b, 2)->seq, 3);
	assert_int_equal(pgt_journal_health(b), PGT_JH_OK);
	pgt_journal_close(a);
	pgt_journal_close(b);
}

/* A torn end is taken away before the next record. */
static void
test_append_after_torn(void **state)
{
	struct pgt_journal *j = make("g"), *k;
	struct pgt_err err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(put(j, PGT_J_PLAN, 0), 0);
	assert_int_equal(put(j, PGT_J_INTENT, 0), 0);
	assert_int_equal(stat(pgt_journal_path(j), &st), 0);
	assert_int_equal(truncate(pgt_journal_path(j), st.st_size - 3), 0);
	assert_int_equal(pgt_journal_open(pgt_journal_path(j), &k, &err), 0);
	assert_int_equal(pgt_journal_health(k), PGT_JH_TORN);
	assert_int_equal(pgt_journal_count(k), 1);
	assert_int_equal(put(k, PGT_J_RB_BEGIN, 0), 0);
	assert_int_equal(pgt_journal_health(k), PGT_JH_OK);
	pgt_journal_close(k);
	assert_int_equal(pgt_journal_read(pgt_journal_path(j), &k, &err), 0);
	assert_int_equal(pgt_journal_health(k), PGT_JH_OK);
	assert_int_equal(pgt_journal_count(k), 2);
	assert_int_equal(pgt_journal_at(k, 1)->type, PGT_J_RB_BEGIN);
	pgt_journal_close(k);
	pgt_journal_close(j);
}

static void
test_every_cut(void **state)
{
	size_t len, cut;
	char *data = sample(&len);

	(void)state;
	for (cut = 0; cut <= len; cut++) {
		struct pgt_journal *j = pgt_journal_parse(data, cut);

		assert_int_not_equal(pgt_journal_health(j), PGT_JH_CORRUPT);
		assert_true(pgt_journal_count(j) <= 4);
		if (cut < len)
			assert_true(pgt_journal_count(j) < 4);
		else
			assert_int_equal(pgt_journal_count(j), 4);
		pgt_journal_close(j);
	}
	free(data);
}

/* Every byte, several damages: records before it stand, none after is believed,
 * and damage before the last record is told from a torn end. */
static void
test_every_byte(void **state)
{
	static const unsigned char damage[] = {0x01, 0x80, 0xff, 0x20};
	size_t len, at, d, last;
	char *data = sample(&len), *copy = pgt_xmalloc(len);
	struct pgt_journal *whole = pgt_journal_parse(data, len);

	(void)state;
	assert_int_equal(pgt_journal_count(whole), 4);
	pgt_journal_close(whole);
	for (last = 0; last < len; last++) { /* where the last record begins */
		struct pgt_journal *j = pgt_journal_parse(data, len - last);
		size_t n = pgt_journal_count(j);

		if (n == 3 && pgt_journal_health(j) == PGT_JH_OK) {
			last = len - last;
			pgt_journal_close(j);
			break;
		}
		pgt_journal_close(j);
	}
	for (at = 0; at < len; at++)
		for (d = 0; d < sizeof(damage); d++) {
			struct pgt_journal *j;

			memcpy(copy, data, len);
			copy[at] = (char)((unsigned char)copy[at] ^ damage[d]);
			j = pgt_journal_parse(copy, len);
			assert_true(pgt_journal_count(j) < 4);
			if (at >= last)
				assert_int_equal(pgt_journal_health(j), PGT_JH_TORN);
			else
				assert_int_equal(pgt_journal_health(j), PGT_JH_CORRUPT);
			pgt_journal_close(j);
		}
	free(copy);
	free(data);
}

static void
test_garbage(void **state)
{
	unsigned char junk[4096];
	uint32_t x = 12345;
	int round;
	size_t i;

	(void)state;
	for (round = 0; round < 200; round++) {
		struct pgt_journal *j;

		for (i = 0; i < sizeof(junk); i++) {
			x = x * 1664525u + 1013904223u;
			junk[i] = (unsigned char)(x >> 24);
		}
		if (round & 1)
			memcpy(junk, "PG2UJ1\n", 8);
		j = pgt_journal_parse(junk, sizeof(junk));
		assert_int_equal(pgt_journal_count(j), 0);
		assert_int_not_equal(pgt_journal_health(j), PGT_JH_OK);
		pgt_journal_close(j);
	}
}

/* RLIMIT_FSIZE makes write() fail as a full disk does: the forward path ends,
 * the file stays whole, and once there is room a rollback may still be noted. */
static void
in_child_full_disk(void)
{
	struct pgt_journal *j = make("a"), *r;
	struct pgt_err err = {0};
	struct rlimit rl = {200, RLIM_INFINITY};
	int i, rc = 0;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &rl);
	for (i = 0; i < 100 && rc == 0; i++)
		rc = put(j, PGT_J_INTENT, i);
	if (rc == 0 || i < 2)
		_exit(1);
	rl.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &rl);
	if (put(j, PGT_J_INTENT, 7) == 0)
		_exit(2);
	if (put(j, PGT_J_RB_BEGIN, 0) < 0)
		_exit(3);
	if (pgt_journal_read(pgt_journal_path(j), &r, &err) < 0 ||
	    pgt_journal_health(r) != PGT_JH_OK || pgt_journal_count(r) != (size_t)i)
		_exit(4);
	_exit(0);
}

static void
test_full_disk(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		in_child_full_disk();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_never_twice),
	    cmocka_unit_test(test_refuses_foreign_files),
	    cmocka_unit_test(test_two_writers),
	    cmocka_unit_test(test_append_after_torn),
	    cmocka_unit_test(test_every_cut),
	    cmocka_unit_test(test_every_byte),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
