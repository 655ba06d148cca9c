#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/change/changeset.h"

static struct pgt_changeset *
parsed(const char *json)
{
	struct pgt_changeset *cs = NULL;
	struct pgt_err err = {0};

	if (pgt_changeset_parse(json, strlen(json), &cs, &err) < 0)
		fail_msg("%s", err.msg);
	return cs;
}

static void
sql_is(const char *item_json, const char *want)
{
	char *json = pgt_xasprintf("{\"items\": [%s]}", item_json), *sql;
	struct pgt_changeset *cs = parsed(json);
	struct pgt_err err = {0};

	sql = pgt_item_sql(&cs->items[0], &err);
	if (!sql)
		fail_msg("%s", err.msg);
	assert_string_equal(sql, want);
	free(sql);
	pgt_changeset_free(cs);
	free(json);
}

static void
test_sql(void **state)
{
	(void)state;
	sql_is("{\"name\": \"work_mem\", \"value\": \"24MB\"}", "ALTER SYSTEM SET work_mem = '24MB'");
	sql_is("{\"name\": \"work_mem\", \"value\": null}", "ALTER SYSTEM RESET work_mem");
	sql_is("{\"name\": \"jit\", \"value\": false}", "ALTER SYSTEM SET jit = 'off'");
	sql_is("{\"name\": \"random_page_cost\", \"value\": 1.1}",
	       "ALTER SYSTEM SET random_page_cost = '1.1'");
	sql_is("{\"name\": \"pg_stat_statements.track\", \"value\": \"all\"}",
	       "ALTER SYSTEM SET pg_stat_statements.track = 'all'");
	sql_is("{\"name\": \"log_line_prefix\", \"value\": \"it's %m \"}",
	       "ALTER SYSTEM SET log_line_prefix = 'it''s %m '");
	sql_is("{\"kind\": \"database_setting\", \"database\": \"Shop 1\", \"name\": \"jit\","
	       "\"value\": \"off\"}",
	       "ALTER DATABASE \"Shop 1\" SET jit = 'off'");
	sql_is("{\"kind\": \"role_setting\", \"role\": \"web\\\"x\", \"name\": \"jit\"}",
	       "ALTER ROLE \"web\"\"x\" RESET jit");
	sql_is("{\"kind\": \"role_database_setting\", \"role\": \"web\", \"database\": \"shop\","
	       "\"name\": \"jit\", \"value\": \"off\"}",
	       "ALTER ROLE web IN DATABASE shop SET jit = 'off'");
	sql_is("{\"kind\": \"table_option\", \"database\": \"d\", \"schema\": \"s\", \"table\": \"t\","
	       "\"name\": \"toast.autovacuum_enabled\", \"value\": \"off\"}",
	       "ALTER TABLE s.t SET (toast.autovacuum_enabled = 'off')");
	sql_is("{\"kind\": \"index_create\", \"database\": \"d\", \"schema\": \"s\","
	       "\"table\": \"order\", \"name\": \"i\", \"unique\": true,"
	       "\"definition\": \"USING btree (a, b) WHERE a > 0\"}",
	       "CREATE UNIQUE INDEX CONCURRENTLY i ON s.\"order\" USING btree (a, b) WHERE a > 0");
	sql_is("{\"kind\": \"index_drop\", \"database\": \"d\", \"schema\": \"s\", \"name\": \"i\"}",
	       "DROP INDEX CONCURRENTLY s.i");
	sql_is("{\"kind\": \"index_reindex\", \"database\": \"d\", \"schema\": \"s\", \"name\": \"i\"}",
	       "REINDEX INDEX CONCURRENTLY s.i");
	sql_is("{\"kind\": \"statistics_create\", \"database\": \"d\", \"schema\": \"s\","
	       "\"table\": \"t\", \"name\": \"st\", \"definition\": \"(ndistinct) ON a, b\"}",
	       "CREATE STATISTICS s.st (ndistinct) ON a, b FROM s.t");
}

static void
test_lists_are_quoted_by_element(void **state)
{
	(void)state;
	sql_is("{\"name\": \"shared_preload_libraries\", \"value\": \"a, b\"}",
	       "ALTER SYSTEM SET shared_preload_libraries = 'a', 'b'");
	sql_is("{\"name\": \"search_path\", \"value\": \"\\\"$user\\\", Public\"}",
	       "ALTER SYSTEM SET search_path = '$user', 'public'");
	sql_is("{\"name\": \"session_preload_libraries\", \"value\": [\"it's\", \"b,c\"]}",
	       "ALTER SYSTEM SET session_preload_libraries = 'it''s', 'b,c'");
	/* not such a list: one string that the server splits itself */
	sql_is("{\"name\": \"log_destination\", \"value\": \"csvlog, stderr\"}",
	       "ALTER SYSTEM SET log_destination = 'csvlog, stderr'");
}

static void
test_list_split(void **state)
{
	static const char *const bad[] = {"a,", ",a", "a b", "\"a", "a,,b", "\"a\"b"};
	struct pgt_err err;
	char **list;
	size_t n, i;

	(void)state;
	assert_int_equal(pgt_listval_split(" a , \"b \"\"c\" ,D", false, &list, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[1], "b \"c");
	assert_string_equal(list[2], "D");
	pgt_sql_list_free(list, n);
	assert_int_equal(pgt_listval_split("  ", false, &list, &n, &err), 0);
	assert_int_equal(n, 0);
	for (i = 0; i < PGT_LEN(bad); i++)
		assert_int_equal(pgt_listval_split(bad[i], false, &list, &n, &err), -1);
}

static void
refused(const char *json, const char *because)
{
	struct pgt_changeset *cs = NULL;
	struct pgt_err err = {0};

	assert_int_equal(pgt_changeset_parse(json, strlen(json), &cs, &err), -1);
	assert_null(cs);
	if (!strstr(err.msg, because))
		fail_msg("%s: said \"%s\", wanted \"%s\"", json, err.msg, because);
}

static void
test_refusals(void **state)
{
	(void)state;
	refused("{}", "items");
	refused("[1]", "items");
	refused("{\"items\": []}", "empty");
	refused("{\"items\": [{\"name\": \"a\", \"vale\": 1}]}", "vale");
	refused("{\"items\": [{\"value\": \"1\"}]}", "name");
	refused("{\"items\": [{\"name\": \"a b\", \"value\": 1}]}", "parameter");
	refused("{\"items\": [{\"name\": \"a\", \"value\": \"x\\ny\"}]}", "control");
	refused("{\"items\": [{\"name\": \"a\", \"value\": \"\\u202e\"}]}", "control");
	refused("{\"items\": [{\"name\": \"a\", \"value\": {}}]}", "value");
	refused("{\"items\": [{\"name\": \"a\", \"role\": \"x\", \"value\": 1}]}", "role");
	refused("{\"items\": [{\"name\": \"a\", \"value\": 1}, {\"name\": \"A\", \"value\": 2}]}",
		"twice");
	refused("{\"items\": [{\"kind\": \"nothing\", \"name\": \"a\"}]}", "kind");
	refused("{\"items\": [{\"kind\": \"index_drop\", \"name\": \"a\", \"schema\": \"s\"}]}",
		"database");
	refused("{\"id\": \"../../etc\", \"items\": [{\"name\": \"a\", \"value\": 1}]}", "UUID");
	refused("{\"fingerprint\": \"ab\", \"items\": [{\"name\": \"a\", \"value\": 1}]}", "SHA");
	refused("{\"parameters\": [{\"name\": \"a\"}]}", "new_value");
}

/* T4: what we print reads back as the same plan. */
static void
test_json_round_trip(void **state)
{
	struct pgt_changeset *a, *b;
	struct pgt_prev prev[2] = {
	    {.known = true, .present = true, .text = "5MB", .effective = "5MB", .context = "user"},
	    {.known = true}};
	struct pgt_err err;
	cJSON *json;
	const cJSON *p;
	char *text;

	(void)state;
	a = parsed("{\"id\": \"7f3c0000-0000-4000-8000-000000000001\", \"parameters\": ["
		   "{\"name\": \"work_mem\", \"new_value\": \"24MB\"},"
		   "{\"name\": \"jit\", \"new_value\": null}]}");
	json = pgt_changeset_json(a, prev);
	text = pgt_json_print(json, true);
	p = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "parameters"), 0);
	assert_string_equal(cJSON_GetObjectItem(p, "old_value")->valuestring, "5MB");
	assert_string_equal(cJSON_GetObjectItem(p, "new_value")->valuestring, "24MB");
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(p, "needs_restart")));
	p = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "items"), 0);
	assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(p, "inverse"), 0)->valuestring,
			    "ALTER SYSTEM SET work_mem = '5MB'");
	assert_int_equal(pgt_changeset_parse(text, strlen(text), &b, &err), 0);
	assert_string_equal(b->id, a->id);
	assert_int_equal(b->n_items, 2);
	assert_string_equal(b->items[0].value, "24MB");
	assert_null(b->items[1].value);
	free(text);
	cJSON_Delete(json);
	pgt_changeset_free(a);
	pgt_changeset_free(b);
}

static void
inverse_is(const struct pgt_item *item, const struct pgt_prev *prev, const struct pgt_prev *now,
	   size_t want_n, const char *want_last)
{
	struct pgt_err err = {0};
	char **list = NULL;
	size_t n = 0;

	if (pgt_item_inverse(item, prev, now, &list, &n, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(n, want_n);
	if (n)
		assert_string_equal(list[n - 1], want_last);
	pgt_sql_list_free(list, n);
}

static void
test_inverse(void **state)
{
	struct pgt_item lib = {.kind = PGT_ITEM_SETTING,
			       .name = (char *)"shared_preload_libraries", .value = (char *)"a, b"};
	struct pgt_item drop = {.kind = PGT_ITEM_INDEX_DROP, .name = (char *)"i",
				.schema = (char *)"s", .database = (char *)"d"};
	struct pgt_item re = {.kind = PGT_ITEM_INDEX_REINDEX, .name = (char *)"i",
			      .schema = (char *)"s", .database = (char *)"d"};
	struct pgt_prev absent = {.known = true};
	struct pgt_prev libs = {.known = true, .present = true, .text = (char *)"x, \"y z\""};
	struct pgt_prev empty = {.known = true, .present = true, .text = (char *)""};
	struct pgt_prev idx = {.known = true, .present = true, .valid = true,
			       .text = (char *)"CREATE UNIQUE INDEX i ON s.t USING btree (a)",
			       .leftovers = (char *)"s.old"};
	struct pgt_prev broken = idx;
	struct pgt_err err;
	char **list;
	size_t n;

	(void)state;
	broken.valid = false;
	broken.leftovers = (char *)"s.old\ns.i_ccnew";
	inverse_is(&lib, &absent, NULL, 1, "ALTER SYSTEM RESET shared_preload_libraries");
	inverse_is(&lib, &libs, NULL, 1, "ALTER SYSTEM SET shared_preload_libraries = 'x', 'y z'");
	assert_int_equal(pgt_item_inverse(&lib, &empty, NULL, &list, &n, &err), -1);
	inverse_is(&drop, &idx, &absent, 1,
		   "CREATE UNIQUE INDEX CONCURRENTLY i ON s.t USING btree (a)");
	inverse_is(&drop, &idx, &broken, 2,
		   "CREATE UNIQUE INDEX CONCURRENTLY i ON s.t USING btree (a)");
	inverse_is(&re, &idx, &idx, 0, NULL);
	inverse_is(&re, &idx, &broken, 1, "DROP INDEX CONCURRENTLY IF EXISTS s.i_ccnew");
}

/* The comparison that keeps us from overwriting other people's changes. */
static void
test_compare(void **state)
{
	struct pgt_item mem = {.kind = PGT_ITEM_SETTING, .name = (char *)"work_mem",
			       .value = (char *)"24MB"};
	struct pgt_item path = {.kind = PGT_ITEM_SETTING, .name = (char *)"search_path",
				.value = (char *)"a, b"};
	struct pgt_prev unknown = {0}, absent = {.known = true};
	struct pgt_prev ours = {.known = true, .present = true, .text = (char *)"24MB"};
	struct pgt_prev same_size = {.known = true, .present = true, .text = (char *)"24576kB"};
	struct pgt_prev list = {.known = true, .present = true, .text = (char *)"\"a\",  b"};

	(void)state;
	assert_true(pgt_item_is_before(&mem, &absent, &absent));
	assert_true(pgt_item_is_ours(&mem, &absent, &ours));
	assert_false(pgt_item_is_before(&mem, &absent, &ours));
	/* equal in size, yet somebody else wrote it */
	assert_false(pgt_item_is_ours(&mem, &absent, &same_size));
	assert_false(pgt_item_is_ours(&mem, &absent, &unknown));
	assert_false(pgt_item_is_before(&mem, &unknown, &absent));
	assert_true(pgt_item_is_ours(&path, &absent, &list));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sql),
	    cmocka_unit_test(test_lists_are_quoted_by_element),
	    cmocka_unit_test(test_list_split),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_json_round_trip),
	    cmocka_unit_test(test_inverse),
	    cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
