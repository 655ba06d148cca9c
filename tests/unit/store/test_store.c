#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "pg2une/base/mem.h"
#include "pg2une/pg/sql.h"
#include "pg2une/store/store.h"

static struct pgt_hist_point
point(int64_t t_ms, double tps)
{
	struct pgt_hist_point p = {.t_ms = t_ms};

	for (int i = 0; i < PGT_H_N; i++)
		p.v[i] = NAN;
	p.v[PGT_H_TPS] = tps;
	return p;
}

static struct pgt_store *
open_mem(int64_t *node)
{
	struct pgt_store *st;
	struct pgt_err err = {0};

	if (pgt_store_open(":memory:", &st, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(pgt_store_node(st, "fp", "node-a", "shop", node, &err), 0);
	return st;
}

static void
test_system_round_trip(void **state)
{
	struct pgt_hist_point *got, p = point(5000, 12.5);
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node, again;
	size_t n;

	(void)state;
	st = open_mem(&node);
	assert_int_equal(pgt_store_node(st, "fp", "node-a", "shop2", &again, &err), 0);
	assert_int_equal(node, again);
	assert_int_equal(pgt_store_begin(st, &err), 0);
	assert_int_equal(pgt_store_put_system(st, node, 1, &p, &err), 0);
	p = point(6000, 13);
	assert_int_equal(pgt_store_put_system(st, node, 1, &p, &err), 0);
	assert_int_equal(pgt_store_commit(st, &err), 0);
	assert_int_equal(pgt_store_get_system(st, node, 1, 5000, 6000, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got[0].t_ms, 5000);
	assert_true(got[0].v[PGT_H_TPS] == 12.5);
	assert_true(isnan(got[0].v[PGT_H_P99]));
	free(got);
	assert_int_equal(
	    pgt_store_get_means(st, node, 1, 10, 0, 9000, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got[0].t_ms, 0);
	assert_true(got[0].v[PGT_H_TPS] == 12.75 && isnan(got[0].v[PGT_H_P99]));
	free(got);
	assert_int_equal(pgt_store_get_system(st, node + 1, 1, 0, 9000, &got, &n, &err), 0);
	assert_int_equal(n, 0);
	free(got);
	pgt_store_close(st);
}

static void
test_queries_keep_64_bits(void **state)
{
	struct pgt_hist_query q = {.t_ms = 60000,
				   .queryid = INT64_MIN + 7,
				   .calls = INT64_C(9007199254740993),
				   .userid = 4294967290u,
				   .mean_ms = 1.5,
				   .var_ms2 = NAN};
	struct pgt_hist_query *got;
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;
	size_t n;

	(void)state;
	st = open_mem(&node);
	assert_int_equal(pgt_store_put_query(st, node, 60, &q, &err), 0);
	assert_int_equal(pgt_store_get_queries(st, node, 60, 0, 90000, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_true(got[0].queryid == q.queryid && got[0].calls == q.calls);
	assert_true(got[0].userid == q.userid && isnan(got[0].var_ms2));
	free(got);
	pgt_store_close(st);
}

static void
test_rollup_joins_the_moments(void **state)
{
	struct pgt_hist_query q = {.queryid = 7, .t_ms = 600000, .calls = 2, .mean_ms = 1,
				   .total_ms = 2, .var_ms2 = 0};
	struct pgt_hist_query *got;
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;
	size_t n;

	(void)state;
	st = open_mem(&node);
	assert_int_equal(pgt_store_put_query(st, node, 60, &q, &err), 0);
	q.t_ms = 660000;
	q.mean_ms = 3;
	q.total_ms = 6;
	assert_int_equal(pgt_store_put_query(st, node, 60, &q, &err), 0);
	if (pgt_store_rollup(st, node, 600000, 1200000, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(
	    pgt_store_get_queries(st, node, 600, 0, 10000000, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got[0].calls, 4);
	assert_true(fabs(got[0].mean_ms - 2) < 1e-9 && fabs(got[0].var_ms2 - 1) < 1e-9);
	free(got);
	pgt_store_close(st);
}

static int
take_alert(void *ctx, const char *const *cells, int n)
{
	assert_int_equal(n, 11);
	snprintf(ctx, 64, "%s|%s", cells[0], cells[9]);
	return 0;
}

static void
test_alert_is_replaced_by_id(void **state)
{
	const char *cols[] = {"a1",  "1000", "2000", NULL,  "tps", "down",
			      "bad", "0.45", "0.63", "new", "{}"};
	struct pgt_err err = {0};
	struct pgt_store *st;
	char got[64] = "";
	int64_t node;

	(void)state;
	st = open_mem(&node);
	assert_int_equal(pgt_store_put_record(st, node, PGT_REC_ALERT, cols, 11, &err), 0);
	cols[9] = "acknowledged";
	assert_int_equal(pgt_store_put_record(st, node, PGT_REC_ALERT, cols, 11, &err), 0);
	assert_int_equal(
	    pgt_store_get_records(st, node, PGT_REC_ALERT, 0, take_alert, got, &err), 0);
	assert_string_equal(got, "a1|acknowledged");
	assert_int_equal(pgt_store_put_record(st, node, PGT_REC_ALERT, cols, 3, &err), -1);
	pgt_store_close(st);
}

static int
take_change(void *ctx, const char *const *cells, int n)
{
	assert_int_equal(n, 9);
	snprintf(ctx, 64, "%s|%s|%s", cells[5], cells[6], cells[7]);
	return 0;
}

/* The journal read again knows nothing of what a rollout measured; a new outcome counts. */
static void
test_measured_change_keeps_its_figures(void **state)
{
	const char *cols[] = {"c1", "1000", "2000", "ann", "x", "confirmed", "B", "R", "{}"};
	struct pgt_err err = {0};
	struct pgt_store *st;
	char got[64] = "";
	int64_t node;

	(void)state;
	st = open_mem(&node);
	assert_int_equal(pgt_store_put_record(st, node, PGT_REC_CHANGE, cols, 9, &err), 0);
	cols[6] = NULL;
	cols[7] = "nothing measured";
	assert_int_equal(pgt_store_put_record(st, node, PGT_REC_CHANGE, cols, 9, &err), 0);
	assert_int_equal(
	    pgt_store_get_records(st, node, PGT_REC_CHANGE, 0, take_change, got, &err), 0);
	assert_string_equal(got, "confirmed|B|R");
	cols[5] = "rolled_back";
	assert_int_equal(pgt_store_put_record(st, node, PGT_REC_CHANGE, cols, 9, &err), 0);
	assert_int_equal(
	    pgt_store_get_records(st, node, PGT_REC_CHANGE, 0, take_change, got, &err), 0);
	assert_string_equal(got, "rolled_back|B|nothing measured");
	pgt_store_close(st);
}

static void
test_retention_keeps_the_young(void **state)
{
	const int64_t now = INT64_C(100) * 86400 * 1000;
	struct pgt_hist_point old = point(now - 3601 * 1000, 1), young = point(now - 10, 2);
	struct pgt_hist_point *got;
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;
	size_t n;

	(void)state;
	st = open_mem(&node);
	for (int res = 1; res <= 60; res = res == 1 ? 10 : res * 6) {
		assert_int_equal(pgt_store_put_system(st, node, res, &old, &err), 0);
		assert_int_equal(pgt_store_put_system(st, node, res, &young, &err), 0);
	}
	assert_int_equal(pgt_store_retain(st, node, now, &pgt_retention_default, &err), 0);
	assert_int_equal(pgt_store_get_system(st, node, 1, 0, now, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	free(got);
	assert_int_equal(pgt_store_get_system(st, node, 60, 0, now, &got, &n, &err), 0);
	assert_int_equal(n, 2);
	free(got);
	pgt_store_close(st);
}

static int
count_row(void *ctx, const char *const *cells, int n)
{
	(void)cells;
	(void)n;
	++*(int *)ctx;
	return 0;
}

/* What happened goes after its own time; a setting's last value stays for ever. */
static void
test_retention_of_records(void **state)
{
	const int64_t now = INT64_C(1000) * 86400 * 1000, day = 86400 * 1000;
	static const struct {
		enum pgt_record rec;
		int n, at; /* columns; which of them is the time */
		int left;  /* of one of 400 days, one of 366 days, one of yesterday */
	} rows[] = {{PGT_REC_ALERT, 11, 2, 1},
		    {PGT_REC_CHANGE, 9, 2, 1},
		    {PGT_REC_RUN, 12, 2, 1},
		    {PGT_REC_OBSERVATION, 9, 0, 1},
		    {PGT_REC_SETTING, 6, 0, 2}};
	static const int days[] = {400, 366, 1};
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;

	(void)state;
	st = open_mem(&node);
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		for (int k = 0; k < 3; k++) {
			const char *cols[PGT_RECORD_COLS];
			char id[24], t[24];

			snprintf(id, sizeof(id), "%d", k);
			snprintf(t, sizeof(t), "%lld", (long long)(now - days[k] * day));
			for (int c = 0; c < PGT_RECORD_COLS; c++)
				cols[c] = "1";
			if (rows[i].rec == PGT_REC_SETTING)
				cols[2] = id; /* another value each time */
			else
				cols[0] = id;
			cols[rows[i].at] = t;
			if (pgt_store_put_record(st, node, rows[i].rec, cols, rows[i].n,
						 &err) < 0)
				fail_msg("%s", err.msg);
		}
	}
	assert_int_equal(pgt_store_retain(st, node, now, &pgt_retention_default, &err), 0);
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		int n = 0;

		assert_int_equal(pgt_store_get_records(st, node, rows[i].rec, 0, count_row,
						       &n, &err),
				 0);
		assert_int_equal(n, rows[i].left);
	}
	pgt_store_close(st);
}

/* Each start of the console reports every setting: only changes are worth a row. */
static void
test_settings_are_kept_once(void **state)
{
	static const char *const values[] = {"4MB", "4MB", "8MB", NULL, NULL, "4MB"};
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;
	int n = 0;

	(void)state;
	st = open_mem(&node);
	for (size_t i = 0; i < PGT_LEN(values); i++) {
		char t[24];
		const char *cols[] = {t, "work_mem", values[i], NULL, "file", NULL};

		snprintf(t, sizeof(t), "%zu", 1000 + i);
		if (pgt_store_put_record(st, node, PGT_REC_SETTING, cols, 6, &err) < 0)
			fail_msg("%s", err.msg);
	}
	assert_int_equal(
	    pgt_store_get_records(st, node, PGT_REC_SETTING, 0, count_row, &n, &err), 0);
	assert_int_equal(n, 4);
	pgt_store_close(st);
}

/* All full buckets of a range at once, however long nobody rolled up; twice is once. */
static void
test_rollup_catches_up(void **state)
{
	struct pgt_hist_point *got, p;
	struct pgt_hist_query *gotq, q = {.queryid = 7, .calls = 1, .mean_ms = 1};
	struct pgt_err err = {0};
	struct pgt_store *st;
	int64_t node;
	size_t n;

	(void)state;
	st = open_mem(&node);
	for (int64_t t = 0; t < 3700; t += 60) {
		p = point(6000000 + t * 1000, (double)(t / 60));
		assert_int_equal(pgt_store_put_system(st, node, 60, &p, &err), 0);
		q.t_ms = p.t_ms;
		q.total_ms = 1;
		assert_int_equal(pgt_store_put_query(st, node, 60, &q, &err), 0);
	}
	for (int i = 0; i < 2; i++)
		if (pgt_store_rollup(st, node, 1, 6000000 + 3700 * 1000, &err) < 0)
			fail_msg("%s", err.msg);
	assert_int_equal(pgt_store_get_system(st, node, 600, 0, INT64_MAX, &got, &n, &err), 0);
	assert_int_equal(n, 6); /* the seventh is not full */
	assert_int_equal(got[1].t_ms, 6600000);
	assert_true(got[1].v[PGT_H_TPS] == 14.5 && isnan(got[1].v[PGT_H_P99]));
	free(got);
	assert_int_equal(pgt_store_get_queries(st, node, 600, 0, INT64_MAX, &gotq, &n, &err),
			 0);
	assert_int_equal(n, 6);
	assert_int_equal(gotq[5].calls, 10);
	free(gotq);
	pgt_store_close(st);
}

/* Two consoles on one file: neither loses a batch to the other. */
static void
test_two_writers(void **state)
{
	char dir[] = "/tmp/pg2une-two-XXXXXX", path[64], cmd[80];
	struct pgt_store *st[2];
	struct pgt_err err = {0};
	struct pgt_hist_point *got;
	int64_t node[2];
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/history.db", dir);
	for (int i = 0; i < 2; i++)
		if (pgt_store_open(path, &st[i], &err) < 0 ||
		    pgt_store_node(st[i], "fp", "n", "x", &node[i], &err) < 0)
			fail_msg("%s", err.msg);
	assert_int_equal(node[0], node[1]);
	for (int round = 0; round < 50; round++)
		for (int i = 0; i < 2; i++) {
			struct pgt_hist_point p = point(round * 1000 + i, i);

			if (pgt_store_begin(st[i], &err) < 0 ||
			    pgt_store_put_system(st[i], node[i], 1, &p, &err) < 0)
				fail_msg("%s", err.msg);
			/* meanwhile the other one may read, and is told to wait to write */
			assert_int_equal(pgt_store_get_system(st[!i], node[!i], 1, 0, 1, &got,
							      &n, &err),
					 0);
			free(got);
			if (round == 0) {
				assert_int_equal(pgt_store_begin(st[!i], &err), -1);
				assert_int_equal(err.code, PGT_E_CONFLICT);
			}
			assert_int_equal(pgt_store_commit(st[i], &err), 0);
		}
	assert_int_equal(pgt_store_get_system(st[0], node[0], 1, 0, INT64_MAX, &got, &n, &err),
			 0);
	assert_int_equal(n, 100);
	free(got);
	for (int i = 0; i < 2; i++)
		pgt_store_close(st[i]);
	for (int i = 0; i < 3; i++) {
		snprintf(cmd, sizeof(cmd), "%s%s", path, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
		unlink(cmd);
	}
	rmdir(dir);
}

static void
test_downsample_means_and_gaps(void **state)
{
	struct pgt_downsample d = {.res_s = 10};
	struct pgt_hist_point out, p;
	int buckets = 0;

	(void)state;
	for (int t = 0; t < 30; t++) {
		p = point(1000000 + t * 1000, t == 3 ? NAN : t);
		if (!pgt_downsample_add(&d, &p, &out))
			continue;
		if (buckets++ == 0) {
			assert_int_equal(out.t_ms, 1000000);
			assert_true(fabs(out.v[PGT_H_TPS] - 42.0 / 9) < 1e-12);
			assert_true(isnan(out.v[PGT_H_P99]));
		}
	}
	assert_int_equal(buckets, 2);
}

static void
test_a_corrupt_file_is_refused_untouched(void **state)
{
	char path[] = "/tmp/pg2une-store-XXXXXX", back[64];
	const char junk[] = "this is not a database, and it is longer than a header of "
			    "one hundred bytes so that nobody takes it for an empty file...";
	struct pgt_store *st;
	struct pgt_err err = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && write(fd, junk, sizeof(junk)) == sizeof(junk));
	assert_int_equal(pgt_store_open(path, &st, &err), -1);
	assert_int_equal(err.code, PGT_E_PARSE);
	assert_true(pread(fd, back, sizeof(back), 0) == sizeof(back));
	assert_memory_equal(back, junk, sizeof(back));
	close(fd);
	unlink(path);
}

/* A writer that never stops by itself; the parent kills it. */
static void
write_forever(const char *path, int64_t t0)
{
	struct pgt_store *st;
	struct pgt_err err;
	int64_t node;

	if (pgt_store_open(path, &st, &err) < 0 ||
	    pgt_store_node(st, "fp", "n", "x", &node, &err) < 0)
		_exit(3);
	for (int64_t t = t0;; t += 5) {
		if (pgt_store_begin(st, &err) < 0)
			_exit(4);
		for (int i = 0; i < 5; i++) {
			struct pgt_hist_point p = point(t + i, (double)i);

			if (pgt_store_put_system(st, node, 1, &p, &err) < 0)
				_exit(5);
		}
		if (pgt_store_commit(st, &err) < 0)
			_exit(6);
	}
}

static void
test_killed_writers_never_corrupt(void **state)
{
	char dir[] = "/tmp/pg2une-kill-XXXXXX", path[64], cmd[160];
	struct pgt_hist_point *got;
	struct pgt_store *st;
	struct pgt_err err = {0};
	int64_t node;
	size_t n, last = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/history.db", dir);
	for (int round = 0; round < 100; round++) {
		pid_t pid = fork();

		if (pid == 0)
			write_forever(path, round * INT64_C(1000000));
		usleep(3000 + (round * 7919) % 9000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (pgt_store_open(path, &st, &err) < 0)
			fail_msg("round %d: %s", round, err.msg);
		assert_int_equal(pgt_store_node(st, "fp", "n", "x", &node, &err), 0);
		assert_int_equal(
		    pgt_store_get_system(st, node, 1, 0, INT64_MAX, &got, &n, &err), 0);
		assert_true(n >= last);	      /* nothing that was committed is lost */
		assert_int_equal(n % 5, 0); /* and no half of a batch is there */
		last = n;
		free(got);
		pgt_store_close(st);
	}
	assert_true(last > 0);
	snprintf(cmd, sizeof(cmd), "%s-wal", path);
	unlink(cmd);
	snprintf(cmd, sizeof(cmd), "%s-shm", path);
	unlink(cmd);
	unlink(path);
	rmdir(dir);
}

/* A file of version 1, as the first release made it, comes up to date with its rows. */
static void
test_an_older_schema_is_brought_up(void **state)
{
	static const char *const cols[] = {"c1", "1000", "2000", "ops", "work_mem 4MB -> 8MB",
					   "confirmed", NULL, "{}", "{}"};
	char path[] = "/tmp/pg2une-old-XXXXXX", name[64];
	struct pgt_hist_point *got;
	struct pgt_err err = {0};
	struct pgt_store *st;
	sqlite3 *db;
	int64_t node;
	size_t n;
	int rows = 0;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, pgt_sql_file("sql/store/dml/schema_version.sql"), 0, 0, 0), 0);
	assert_int_equal(
	    sqlite3_exec(db, pgt_sql_file("sql/store/schema/sqlite_1.sql"), 0, 0, 0), 0);
	assert_int_equal(sqlite3_exec(db,
				      "INSERT INTO pg2une_schema VALUES (1);"
				      "INSERT INTO node VALUES (1, 'fp', 'n', 'x');"
				      "INSERT INTO system_snapshots (node, res_s, t_ms, tps) "
				      "VALUES (1, 60, 60000, 7)",
				      0, 0, 0),
			 0);
	sqlite3_close(db);
	for (int again = 0; again < 2; again++) { /* and only once */
		if (pgt_store_open(path, &st, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(pgt_store_node(st, "fp", "n", "x", &node, &err), 0);
		assert_int_equal(node, 1);
		assert_int_equal(
		    pgt_store_get_system(st, node, 60, 0, 90000, &got, &n, &err), 0);
		assert_int_equal(n, 1);
		assert_true(got[0].v[PGT_H_TPS] == 7);
		free(got);
		assert_int_equal(
		    pgt_store_put_record(st, node, PGT_REC_CHANGE, cols, 9, &err), 0);
		pgt_store_close(st);
	}
	assert_int_equal(pgt_store_open(path, &st, &err), 0);
	assert_int_equal(
	    pgt_store_get_records(st, 1, PGT_REC_CHANGE, 1001, count_row, &rows, &err), 0);
	assert_int_equal(rows, 0); /* begun before that */
	assert_int_equal(
	    pgt_store_get_records(st, 1, PGT_REC_CHANGE, 1000, count_row, &rows, &err), 0);
	assert_int_equal(rows, 1);
	pgt_store_close(st);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_system_round_trip),
	    cmocka_unit_test(test_queries_keep_64_bits),
	    cmocka_unit_test(test_rollup_joins_the_moments),
	    cmocka_unit_test(test_alert_is_replaced_by_id),
	    cmocka_unit_test(test_measured_change_keeps_its_figures),
	    cmocka_unit_test(test_retention_keeps_the_young),
	    cmocka_unit_test(test_retention_of_records),
	    cmocka_unit_test(test_settings_are_kept_once),
	    cmocka_unit_test(test_rollup_catches_up),
	    cmocka_unit_test(test_two_writers),
	    cmocka_unit_test(test_downsample_means_and_gaps),
	    cmocka_unit_test(test_a_corrupt_file_is_refused_untouched),
	    cmocka_unit_test(test_an_older_schema_is_brought_up),
	    cmocka_unit_test(test_killed_writers_never_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
