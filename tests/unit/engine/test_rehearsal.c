/* What a copy is configured with, and which captured statements may run on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../../src/engine/rehearsal_priv.h"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_understood),
	    cmocka_unit_test(test_left_out),
	    cmocka_unit_test(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
