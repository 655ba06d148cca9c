/* Hints from plans as servers printed them (tests/unit/advise/plans, majors 13 to 18). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/advise/hints.h"

static cJSON *
plan(const char *name)
{
	char path[120], *text = calloc(1, 65536);
	struct pgt_err err = {0};
	cJSON *json;
	FILE *f;

	snprintf(path, sizeof(path), "tests/unit/advise/plans/%s.json", name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	json = pgt_json_parse(text, strlen(text), 65536, &err);
	assert_non_null(json);
	free(text);
	return json;
}

static size_t
hints(const char *name, struct pgt_hint *ret)
{
	cJSON *json = plan(name);
	size_t n = pgt_hints_of_plan(json, ret, PGT_HINTS);

	cJSON_Delete(json);
	return n;
}

static void
expect(const char *name, const char *method, double least, const char *why)
{
	struct pgt_hint h[PGT_HINTS];

	assert_int_equal(hints(name, h), 1);
	assert_string_equal(h[0].method->name, method);
	assert_true(h[0].share >= least && h[0].share <= 1);
	if (!strstr(h[0].why, why))
		fail_msg("%s: %s", name, h[0].why);
}

/* Two rows were expected of the outer side and 300 came: majors print rows with and
 * without decimals. */
static void
test_nested_loop(void **state)
{
	(void)state;
	expect("nestloop-13", "nestloop", 0.9,
	       "a nested loop expected 2 rows of its outer side (Seq Scan on orders) and "
	       "300 came");
	expect("nestloop-15", "nestloop", 0.9, "expected 2 rows");
	expect("nestloop-18", "nestloop", 0.9, "and 300 came; 100% of 178.5 ms");
}

/* Three processes side by side: their times are added up in the plan, not in the share. */
static void
test_side_by_side(void **state)
{
	struct pgt_hint h[PGT_HINTS];
	cJSON *json = plan("parallel-17");

	(void)state;
	expect("parallel-17", "nestloop", 0.5, "a nested loop expected 1 rows of its outer");
	/* Of a run three times as long it would be a quarter: three quarters added up. */
	cJSON_SetNumberValue(cJSON_GetObjectItem(json->child, "Execution Time"),
			     3 * pgt_json_path(json->child, "Execution Time")->valuedouble);
	assert_int_equal(pgt_hints_of_plan(json, h, PGT_HINTS), 0);
	cJSON_Delete(json);
}

static void
test_bulk_joins(void **state)
{
	(void)state;
	expect("hash-13", "hashjoin", 0.9, "expected 6667 rows of one side (Seq Scan on lines) and 9");
	expect("hash-18", "hashjoin", 0.8, "expected 6667 rows of one side (Seq Scan on lines) and 9");
	/* The merge itself took nothing: the scan below its sort did. */
	expect("merge-15", "seqscan", 0.9, "Seq Scan on lines expected 6667 rows and 9");
}

static void
test_scans(void **state)
{
	(void)state;
	expect("seq-17", "seqscan", 0.9,
	       "the Seq Scan on ev expected 20000 rows and 1 came of the 60000");
	expect("index-17", "indexscan", 0.6,
	       "the Index Scan on ev expected 19 rows and 54000 came");
}

static void
test_compilation(void **state)
{
	(void)state;
	expect("jit-15", "jit", 0.6, "compiling 8 functions took 366.6 ms");
}

/* Compiling is added up over the workers, who did it side by side. */
static void
test_compilation_of_workers(void **state)
{
	struct pgt_hint h[PGT_HINTS];
	cJSON *json = plan("jit-15");
	cJSON *node = cJSON_GetObjectItemCaseSensitive(json->child, "Plan");

	(void)state;
	cJSON_AddNumberToObject(node, "Workers Launched", 2);
	assert_int_equal(pgt_hints_of_plan(json, h, PGT_HINTS), 0);
	cJSON_Delete(json);
}

/* Right estimates give no hint; nor do rows that LIMIT did not ask for, nor a plan that
 * was not executed or is none. */
static void
test_none(void **state)
{
	static const char *const names[] = {"right-13", "right-18", "limit-17"};
	struct pgt_hint h[PGT_HINTS];
	cJSON *json = plan("nestloop-15"), *none = cJSON_CreateObject();

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(hints(names[i], h), 0);
	cJSON_DeleteItemFromObject(json->child, "Execution Time");
	assert_int_equal(pgt_hints_of_plan(json, h, PGT_HINTS), 0);
	assert_int_equal(pgt_hints_of_plan(none, h, PGT_HINTS), 0);
	assert_int_equal(pgt_hints_of_plan(NULL, h, PGT_HINTS), 0);
	cJSON_Delete(json);
	cJSON_Delete(none);
}

static void
test_same_plan(void **state)
{
	cJSON *a = plan("nestloop-15"), *b = plan("nestloop-13"), *c = plan("hash-13");
	cJSON *j = plan("jit-15"), *k = cJSON_Duplicate(j, true);

	(void)state;
	assert_true(pgt_hints_same_plan(a, b, true));
	assert_false(pgt_hints_same_plan(a, c, false));
	assert_true(pgt_hints_same_plan(j, k, true));
	cJSON_DeleteItemFromObject(k->child, "JIT");
	assert_false(pgt_hints_same_plan(j, k, true));
	assert_true(pgt_hints_same_plan(j, k, false));
	assert_true(pgt_hints_plan_cost(a) > 100);
	cJSON_Delete(a);
	cJSON_Delete(b);
	cJSON_Delete(c);
	cJSON_Delete(j);
	cJSON_Delete(k);
}

static void
test_words(void **state)
{
	char buf[160];

	(void)state;
	assert_string_equal(pgt_hint_comment(pgt_hint_method("nestloop"), buf, sizeof(buf)),
			    "/*+ Set(enable_nestloop off) */");
	assert_string_equal(
	    pgt_hint_comment(pgt_hint_method("indexscan"), buf, sizeof(buf)),
	    "/*+ Set(enable_indexscan off) Set(enable_indexonlyscan off) "
	    "Set(enable_bitmapscan off) */");
	assert_null(pgt_hint_method("tidscan"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nested_loop),	    cmocka_unit_test(test_bulk_joins),
	    cmocka_unit_test(test_side_by_side),
	    cmocka_unit_test(test_scans),	    cmocka_unit_test(test_compilation),
	    cmocka_unit_test(test_compilation_of_workers),
	    cmocka_unit_test(test_none),	    cmocka_unit_test(test_same_plan),
	    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
