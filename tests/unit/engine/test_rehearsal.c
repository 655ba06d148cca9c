/* What a copy is configured with, which captured statements may run on it, and how much
 * work a trial is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../../src/engine/rehearsal_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/observe/schema.h"

static struct pgt_sch_table tables[] = {
    {.oid = 1, .schema = "public", .name = "items", .q_name = "public.items", .kind = 'r'},
    {.oid = 2, .schema = "public", .name = "tags", .q_name = "public.tags", .kind = 'r'},
};
static struct pgt_sch_column columns[] = {
    {.table = 1, .attnum = 1, .name = "id", .q_name = "id"},
    {.table = 1, .attnum = 2, .name = "tag", .q_name = "tag"},
    {.table = 2, .attnum = 1, .name = "tag", .q_name = "tag"},
    {.table = 2, .attnum = 2, .name = "title", .q_name = "title"},
};

static int
params(const char *text)
{
	struct pgt_schema s = {.tables = tables, .n_tables = 2, .columns = columns,
			       .n_columns = 4};

	return pgt_capture_params(&s, text);
}

static void
test_understood(void **state)
{
	(void)state;
	assert_int_equal(params("SELECT * FROM items WHERE id = $1"), 1);
	assert_int_equal(params("select count(*) from public.items"), 0);
	assert_int_equal(params("SELECT * FROM items i JOIN tags t ON t.tag = i.tag "
				"WHERE t.title = $1 AND i.id IN ($2, $3) LIMIT $4"),
			 4);
	assert_int_equal(params("SELECT * FROM items WHERE $1 = id"), 1);
	assert_int_equal(params("SELECT * FROM items WHERE id = $1::bigint"), 1);
}

/* No value can honestly be given, or it must not run a second time. */
static void
test_left_out(void **state)
{
	(void)state;
	assert_int_equal(params("SELECT * FROM items WHERE id > $1"), -1);
	assert_int_equal(params("SELECT * FROM items WHERE id BETWEEN $1 AND $2"), -1);
	assert_int_equal(params("SELECT id + $1 FROM items"), -1);
	assert_int_equal(params("SELECT * FROM items, tags WHERE tag = $1"), -1);
	assert_int_equal(params("SELECT * FROM elsewhere WHERE id = $1"), -1);
	assert_int_equal(params("UPDATE items SET tag = $1 WHERE id = $2"), -1);
	assert_int_equal(params("WITH d AS (DELETE FROM items RETURNING id) "
				"SELECT * FROM d"),
			 -1);
	assert_int_equal(params("SELECT pg_terminate_backend(id) FROM items"), -1);
	assert_int_equal(params("SELECT nextval('s') FROM items"), -1);
	assert_int_equal(params("SELECT * INTO copied FROM items"), -1);
	assert_int_equal(params("SELECT * FROM items FOR UPDATE"), -1);
	assert_int_equal(params("SELECT 1; SELECT 2"), -1);
	assert_int_equal(params("not sql"), -1);
}

static void
test_conf(void **state)
{
	static struct pgt_setting settings[] = {
	    {.name = "archive_command", .value = "cp %p /a", .context = "sighup",
	     .source = "configuration file"},
	    {.name = "listen_addresses", .value = "*", .context = "postmaster",
	     .source = "configuration file"},
	    {.name = "log_statement", .value = "all", .context = "superuser",
	     .source = "configuration file"},
	    {.name = "primary_conninfo", .value = "host=x", .context = "sighup",
	     .source = "configuration file"},
	    {.name = "search_path", .value = "", .context = "user", .source = "session"},
	    {.name = "shared_buffers", .value = "16384", .context = "postmaster",
	     .source = "configuration file"},
	    {.name = "shared_preload_libraries", .value = "a'b\\c",
	     .context = "postmaster", .source = "command line"},
	    {.name = "work_mem", .value = "4096", .context = "user", .source = "default"},
	};
	struct pgt_snapshot s = {.settings = settings, .n_settings = PGT_LEN(settings)};
	char *conf = pgt_rehearsal_conf(&s, "/d/s", "/d/trial.conf");

	(void)state;
	assert_non_null(strstr(conf, "shared_buffers = '16384'\n"));
	assert_non_null(strstr(conf, "shared_preload_libraries = 'a''b\\\\c'\n"));
	assert_non_null(strstr(conf, "listen_addresses = ''\n"));
	assert_non_null(strstr(conf, "unix_socket_directories = '/d/s'\n"));
	assert_non_null(strstr(conf, "include '/d/trial.conf'\n"));
	assert_null(strstr(conf, "archive_command"));
	assert_null(strstr(conf, "primary_conninfo"));
	assert_null(strstr(conf, "log_statement"));
	assert_null(strstr(conf, "search_path"));
	assert_null(strstr(conf, "work_mem"));
	assert_null(strstr(conf, "'*'"));
	free(conf);
}

#define S PGT_NS_PER_S

static void
test_work_share(void **state)
{
	(void)state;
	/* 100 a second of 4 clients for 12 s */
	assert_int_equal(pgt_work_share(100, 4, 12 * S, 4), 300);
	assert_int_equal(pgt_work_share(1.66, 2, 12 * S, 4), 10);
	/* A handful, though it takes twice as long ... */
	assert_int_equal(pgt_work_share(0.4, 2, 12 * S, 4), 5);
	/* ... but not longer than four times. */
	assert_int_equal(pgt_work_share(0.1, 2, 12 * S, 4), 2);
	assert_int_equal(pgt_work_share(0.001, 2, 12 * S, 4), 1);
}

static void
test_work_report(void **state)
{
	/* as 13 tells it */
	static const char old[] = "transaction type: multiple scripts\n"
				  "number of transactions per client: 5\n"
				  "number of transactions actually processed: 10/10\n"
				  "latency average = 11.013 ms\n"
				  "tps = 85.184871 (including connections establishing)\n"
				  "tps = 86.296346 (excluding connections establishing)\n"
				  "SQL script 1: a.sql\n - weight: 1\n"
				  " - 4 transactions (40.0% of total, tps = 34.1)\n";
	/* as 15 and later do */
	static const char now[] =
	    "pgbench (15.14)\ntransaction type: <builtin: TPC-B (sort of)>\n"
	    "maximum number of tries: 1\n"
	    "number of transactions per client: 5\n"
	    "number of transactions actually processed: 9/10\n"
	    "number of failed transactions: 1 (10.000%)\n"
	    "latency average = 18.9 ms (including failures)\n"
	    "initial connection time = 2.1 ms\n"
	    "tps = 95.000000 (without initial connection time)\n";
	struct pgt_work_report r = {.done = -1};

	(void)state;
	assert_false(pgt_work_report("pgbench (15.14)\n", &r));
	assert_false(pgt_work_report("number of transactions actually processed: 9", &r));
	assert_true(r.done == -1);
	assert_true(pgt_work_report(old, &r));
	assert_true(r.done == 10 && r.failed == 0 && r.tps == 86.296346);
	assert_true(pgt_work_report(now, &r));
	assert_true(r.done == 9 && r.failed == 1 && r.tps == 95);
}

/* What takes less than half of its usual time is done again, a limited number of times. */
static void
test_work_again(void **state)
{
	struct pgt_work_report fast = {.done = 800, .tps = 1600}, slow = {.done = 800,
									  .tps = 100};
	struct pgt_work_report late = {.done = 700, .failed = 100, .tps = 140};
	struct pgt_work_sum sum = {0};
	int n = 1;

	(void)state;
	assert_false(pgt_work_again(&sum, &slow, 12 * PGT_NS_PER_S));
	assert_true(sum.rounds == 1 && sum.done == 800 && sum.s == 8);
	memset(&sum, 0, sizeof(sum));
	while (pgt_work_again(&sum, &fast, 12 * PGT_NS_PER_S))
		n++;
	assert_true(n == 12 && sum.rounds == 12 && sum.done == 9600 && sum.s == 6);
	memset(&sum, 0, sizeof(sum));
	assert_true(pgt_work_again(&sum, &late, 12 * PGT_NS_PER_S));
	assert_false(pgt_work_again(&sum, &fast, 11 * PGT_NS_PER_S));
	assert_true(sum.done == 1500 && sum.failed == 100 && sum.s == 5.5);
	memset(&sum, 0, sizeof(sum));
	fast.tps = 1e9;
	for (n = 1; pgt_work_again(&sum, &fast, 12 * PGT_NS_PER_S); n++)
		;
	assert_int_equal(n, 20);
	memset(&sum, 0, sizeof(sum));
	fast.done = fast.tps = 0; /* all failed */
	assert_false(pgt_work_again(&sum, &fast, 12 * PGT_NS_PER_S));
}

static void
test_work_error(void **state)
{
	char buf[80];

	(void)state;
	pgt_work_error("pgbench (15.14)\npgbench: error: client 0 script 0 aborted: ERROR:"
		       " no\nLINE 1\nnumber of clients: 2\n"
		       "pgbench: error: Run was aborted; the above results are "
		       "incomplete.\n",
		       buf, sizeof(buf));
	assert_string_equal(buf, "pgbench: error: client 0 script 0 aborted: ERROR: no");
	pgt_work_error("one\nlast\n\n", buf, sizeof(buf));
	assert_string_equal(buf, "last");
	pgt_work_error("", buf, sizeof(buf));
	assert_string_equal(buf, "");
}

static void
expect_script(const char *path, const char *want)
{
	struct pgt_buf b;
	struct pgt_err err = {0};

	pgt_buf_init(&b, 4096);
	assert_int_equal(pgt_file_read(path, &b, &err), 0);
	assert_string_equal(pgt_buf_str(&b), want);
	pgt_buf_done(&b);
}

/* With a hint and without one a script is the same frame, in one message; it must end
 * what may be a comment of the statement. */
static void
test_frame(void **state)
{
	char dir[] = "/tmp/pg2une-frame-XXXXXX", *text = "SELECT 1 -- one", *path;
	struct pgt_captured c = {.text = &text, .n = 1};
	struct pgt_err err = {0};
	FILE *f;
	char last[200] = "";

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = pgt_xasprintf("%s/q0.sql", dir);
	c.file = &path;
	assert_int_equal(pgt_captured_write(&c, 0, NULL, &err), 0);
	expect_script(path, "SELECT 1 -- one;\n");
	assert_int_equal(pgt_captured_write(&c, 0, "SET LOCAL jit = off", &err), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(last, sizeof(last), f) && strncmp(last, "--", 2) == 0)
		;
	assert_string_equal(last, "BEGIN \\;\n");
	assert_non_null(fgets(last, sizeof(last), f));
	assert_string_equal(last, "SET LOCAL jit = off \\;\n");
	assert_non_null(fgets(last, sizeof(last), f));
	assert_string_equal(last, "SELECT 1 -- one\n");
	assert_non_null(fgets(last, sizeof(last), f));
	assert_string_equal(last, "\\;\n");
	assert_non_null(fgets(last, sizeof(last), f));
	assert_string_equal(last, "COMMIT;\n");
	fclose(f);
	unlink(path);
	rmdir(dir);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_understood),
	    cmocka_unit_test(test_left_out),
	    cmocka_unit_test(test_conf),
	    cmocka_unit_test(test_work_share),
	    cmocka_unit_test(test_work_report),
	    cmocka_unit_test(test_work_again),
	    cmocka_unit_test(test_work_error),
	    cmocka_unit_test(test_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
