/* Quoting, the SQL catalogue and connection strings, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/quote.h"
#include "pg2une/pg/sql.h"

static void
check(char *take_got, const char *want)
{
	assert_non_null(take_got);
	assert_string_equal(take_got, want);
	free(take_got);
}

static void
test_quote(void **state)
{
	struct pgt_err err;

	(void)state;
	check(pgt_quote_ident("a\"b", NULL), "\"a\"\"b\"");
	check(pgt_quote_ident("x; DROP TABLE y", NULL), "\"x; DROP TABLE y\"");
	check(pgt_quote_literal("it's", NULL), "'it''s'");
	check(pgt_quote_literal("a\\'b", NULL), "E'a\\\\''b'");
	check(pgt_quote_literal("", NULL), "''");
	check(pgt_quote_ident_min("orders_2", NULL), "orders_2");
	check(pgt_quote_ident_min("2orders", NULL), "\"2orders\"");
	check(pgt_quote_ident_min("Orders", NULL), "\"Orders\"");
	check(pgt_quote_ident_min("user", NULL), "\"user\"");
	check(pgt_quote_ident_min("naïve", NULL), "\"naïve\"");
	assert_null(pgt_quote_ident("", &err));
	assert_null(pgt_quote_ident("\xc0\x27", &err));
	assert_int_equal(err.code, PGT_E_PARSE);
	assert_null(pgt_quote_literal("a\xe2\x82", &err)); /* cut short before the quote */
	assert_null(pgt_quote_literal("\xed\xa0\x80", &err)); /* a surrogate */
}

static void
test_list_settings(void **state)
{
	(void)state;
	assert_true(pgt_quote_is_list_setting("shared_preload_libraries"));
	assert_true(pgt_quote_is_list_setting("search_path"));
	assert_false(pgt_quote_is_list_setting("log_destination"));
	assert_false(pgt_quote_is_list_setting("work_mem"));
}

static void
test_catalogue(void **state)
{
	const struct pgt_sql *q, *rows;
	const char *path;
	size_t i, n;

	(void)state;
	rows = pgt_sql_all(&n);
	assert_true(n > 10);
	for (i = 0; i < n; i++) {
		assert_true(rows[i].min_major >= 13 && rows[i].min_major < 30);
		assert_true(rows[i].columns[0]); /* every query names what it returns */
		assert_true(rows[i].text[0] && strncmp(rows[i].text, "--", 2) != 0);
		assert_null(strchr(rows[i].text, ';'));
	}
	assert_int_equal(pgt_sql_find("caps", 130004)->min_major, 13);
	assert_int_equal(pgt_sql_find("caps", 149999)->min_major, 13);
	assert_int_equal(pgt_sql_find("caps", 150000)->min_major, 15);
	assert_int_equal(pgt_sql_find("caps", 180004)->min_major, 17);
	assert_null(pgt_sql_find("caps", 120000));
	assert_null(pgt_sql_find("nosuch", 150000));
	assert_null(pgt_sql_get("caps", 120000));
	q = pgt_sql_find("identity", 170000);
	assert_string_equal(pgt_sql_get("identity", 170000), q->text);
	assert_non_null(strstr(q->columns, "datid,database,user_name"));
	assert_string_equal(pgt_sql_find("probe_hypopg", 150000)->extension, "hypopg");
	assert_null(pgt_sql_file("no/such.file"));
	assert_null(pgt_sql_file_at(100000, &path));
	for (i = 0; pgt_sql_file_at(i, &path); i++)
		assert_ptr_equal(pgt_sql_file(path), pgt_sql_file_at(i, &path));
}

static void
test_expand(void **state)
{
	(void)state;
	check(pgt_sql_expand("a @ext@.b @ext@.c", "\"My S\""), "a \"My S\".b \"My S\".c");
	check(pgt_sql_expand("@ext@.b", ""), "public.b");
	check(pgt_sql_expand("plain", "s"), "plain");
}

static struct pgt_connspec *
spec(const char *dbname, const char *host)
{
	struct pgt_connargs args = {.dbname = dbname, .host = host, .port = "7000",
				    .user = "dba", .password = "hunter3"};
	struct pgt_connspec *s = NULL;
	struct pgt_err err;

	if (pgt_connspec_new(&args, &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static void
test_connspec(void **state)
{
	struct pgt_connspec *a = spec("shop", "db1"), *b = NULL;
	struct pgt_err err;
	char *text;

	(void)state;
	check(pgt_connspec_label(a), "dba@db1:7000/shop");
	text = pgt_connspec_conninfo(a);
	assert_non_null(strstr(text, "host='db1'"));
	assert_null(strstr(text, "hunter3"));
	free(text);
	assert_int_equal(pgt_connspec_with(a, "other", "db2", "7001", NULL, &b, &err), 0);
	check(pgt_connspec_label(b), "dba@db2:7001/other");
	check(pgt_connspec_label(a), "dba@db1:7000/shop"); /* unchanged */
	pgt_connspec_free(b);
	assert_int_equal(pgt_connspec_with(a, "host=evil", NULL, NULL, NULL, &b, &err), -1);
	pgt_connspec_free(a);

	a = spec("postgresql://carl:pw@h1:1,h2:2/app?target_session_attrs=read-write", NULL);
	check(pgt_connspec_label(a), "carl@h1,h2:1,2/app");
	pgt_connspec_free(a);
	a = spec("host='a b' dbname=x options='-c geqo=off'", NULL);
	text = pgt_connspec_conninfo(a);
	assert_non_null(strstr(text, "host='a b'"));
	assert_non_null(strstr(text, "options='-c geqo=off'"));
	free(text);
	pgt_connspec_free(a);
}

static void
test_connspec_refused(void **state)
{
	static const char *const bad[] = {"host=", "nosuchkey=1", "postgresql://[::1",
					  "host='open", "password=hunter3 bad"};
	struct pgt_connargs args = {0};
	struct pgt_connspec *s = NULL;
	struct pgt_err err;
	size_t i;

	(void)state;
	for (i = 1; i < PGT_LEN(bad); i++) {
		args.dbname = bad[i];
		if (pgt_connspec_new(&args, &s, &err) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(err.code, PGT_E_USAGE);
		assert_null(strstr(err.msg, "hunter3"));
		assert_null(strchr(err.msg, '\n'));
	}
	assert_null(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quote),	  cmocka_unit_test(test_list_settings),
	    cmocka_unit_test(test_catalogue), cmocka_unit_test(test_expand),
	    cmocka_unit_test(test_connspec),  cmocka_unit_test(test_connspec_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
