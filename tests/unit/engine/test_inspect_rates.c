/* Rates of a section: only between samples of the same life of the counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/engine/inspect.h"
#include "pg2une/engine/slowlog.h"

static const struct pgt_inspect_section sec = {
    .name = "q", .keys = {"id"}, .counters = {"calls", "total_exec_ms"}, .limit = 3};

static cJSON *
parse(const char *text)
{
	cJSON *json = pgt_json_parse(text, strlen(text), 1 << 20, NULL);

	assert_non_null(json);
	return json;
}

/* Rates of two texts, 2 s apart. */
static cJSON *
rates(const char *before, const char *after, const char *reset1, const char *reset2,
      bool restarted)
{
	cJSON *a = parse(before), *b = parse(after), *r;

	r = pgt_inspect_rates(&sec, a, b, reset1, reset2, restarted, 2);
	cJSON_Delete(a);
	cJSON_Delete(b);
	return r;
}

static const cJSON *
row(const cJSON *r, int i)
{
	return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(r, "rows"), i);
}

static bool
valid(const cJSON *j)
{
	bool v = false;

	assert_true(pgt_json_get_bool(j, "valid", &v));
	return v;
}

static double
per_s(const cJSON *row, const char *name)
{
	double v = -1;

	pgt_json_get_num(cJSON_GetObjectItemCaseSensitive(row, "per_s"), name, &v);
	return v;
}

static void
test_plain(void **state)
{
	cJSON *r = rates("[{\"id\":1,\"calls\":10,\"total_exec_ms\":5},"
			 "{\"id\":2,\"calls\":7,\"total_exec_ms\":1}]",
			 "[{\"id\":2,\"calls\":7,\"total_exec_ms\":1},"
			 "{\"id\":1,\"calls\":14,\"total_exec_ms\":15}]",
			 "t", "t", false);
	double mean = 0;

	(void)state;
	assert_true(valid(r));
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r, "rows")),
			 1); /* 2 is idle */
	assert_true(per_s(row(r, 0), "calls") == 2 &&
		    per_s(row(r, 0), "total_exec_ms") == 5);
	assert_true(pgt_json_get_num(row(r, 0), "mean_exec_ms", &mean) && mean == 2.5);
	cJSON_Delete(r);
}

static void
test_invalid(void **state)
{
	static const char *const one = "[{\"id\":1,\"calls\":10,\"total_exec_ms\":5}]";
	static const char *const two = "[{\"id\":1,\"calls\":20,\"total_exec_ms\":9}]";
	static const struct {
		const char *reset1, *reset2;
		bool restarted;
	} cases[] = {
	    {"t", "u", false}, {NULL, "t", false}, {"t", NULL, false}, {"t", "t", true}};
	cJSON *r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r = rates(one, two, cases[i].reset1, cases[i].reset2, cases[i].restarted);
		assert_false(valid(r));
		assert_null(row(r, 0)); /* no number at all */
		cJSON_Delete(r);
	}
	/* a counter that ran backwards: that row only, and without numbers */
	r = rates(two, one, NULL, NULL, false);
	assert_true(valid(r));
	assert_false(valid(row(r, 0)));
	assert_true(per_s(row(r, 0), "calls") == -1);
	cJSON_Delete(r);
	/* the entry was born anew, and has already passed the old value */
	r = rates("[{\"id\":1,\"calls\":10,\"stats_since\":\"a\"}]",
		  "[{\"id\":1,\"calls\":90,\"stats_since\":\"b\"}]", NULL, NULL, false);
	assert_false(valid(row(r, 0)));
	cJSON_Delete(r);
}

static void
test_new_rows(void **state)
{
	/* a whole list: absent before means born since, from zero */
	cJSON *r = rates("[]", "[{\"id\":1,\"calls\":6,\"total_exec_ms\":3}]", "t", "t",
			 false);

	(void)state;
	assert_true(per_s(row(r, 0), "calls") == 3);
	cJSON_Delete(r);
	/* a list that was cut: absent before says nothing */
	r = rates(
	    "[{\"id\":1,\"calls\":1},{\"id\":2,\"calls\":1},{\"id\":3,\"calls\":1}]",
	    "[{\"id\":9,\"calls\":600}]", "t", "t", false);
	assert_null(row(r, 0));
	cJSON_Delete(r);
}

static void
test_choose(void **state)
{
	struct pgt_err err;
	uint32_t set = 0;

	(void)state;
	assert_int_equal(pgt_inspect_choose("settings", false, &set, &err), 0);
	assert_int_equal(set, 1);
	assert_int_equal(pgt_inspect_choose("config,config", false, &set, &err), 0);
	assert_int_equal(set, 1);
	assert_int_equal(pgt_inspect_choose("config,,wal", false, &set, &err), -1);
	assert_int_equal(err.code, PGT_E_USAGE);
	assert_int_equal(pgt_inspect_choose("", false, &set, &err), -1);
	assert_int_equal(set, 1);
}

/* Any bytes are taken: cut each sample at each length, and flip bytes in it. */
static void
test_slowlog_any_bytes(void **state)
{
	static const char *const samples[] = {
	    "2026-01-31 12:00:00.000 UTC [42] bob@shop LOG:  duration: 1500.5 ms  "
	    "statement: "
	    "SELECT\n\t1\n2026-01-31 12:00:00.000 UTC [42] LOG:  duration: 3.5 ms  "
	    "plan:\n"
	    "\tQuery Text: SELECT 2\n\tResult  (cost=0.00..0.01 rows=1 width=4)\n",
	    "2026-01-31 12:00:00.000 "
	    "UTC,\"app\",\"bench\",1,\"l\",6.6,2,\"SELECT\",t,3/0,0,LOG,"
	    "00000,\"duration: 304.2 ms  statement: SELECT \"\"a\"\"\nFROM "
	    "b\",,,,,,,,,\"psql\","
	    "\"client backend\",,-42\n",
	    "{\"timestamp\":\"2026-01-31 12:00:00.000 "
	    "UTC\",\"pid\":7,\"message\":\"duration: 9.5 "
	    "ms  execute <unnamed>: SELECT $1\",\"query_id\":12}\n",
	};
	static const int found[] = {2, 1, 1};
	const struct pgt_slowlog_filter f = {.threshold_ms = 1, .limit = 10};
	char work[700];
	size_t i, n, at;
	cJSON *list;
	int fmt;

	(void)state;
	for (i = 0; i < 3; i++) {
		n = strlen(samples[i]);
		list = pgt_slowlog_parse(samples[i], n, PGT_LOGFMT_AUTO, &f, 0);
		assert_int_equal(cJSON_GetArraySize(list), found[i]);
		cJSON_Delete(list);
		for (fmt = PGT_LOGFMT_AUTO; fmt <= PGT_LOGFMT_STDERR; fmt++)
			for (at = 0; at < n; at++) {
				cJSON_Delete(pgt_slowlog_parse(
				    samples[i], at, (enum pgt_log_format)fmt, &f, 0));
				memcpy(work, samples[i], n);
				work[at] = (char)(work[at] ^ 0x80);
				cJSON_Delete(pgt_slowlog_parse(
				    work, n, (enum pgt_log_format)fmt, &f, 0));
				work[at] = '"';
				cJSON_Delete(pgt_slowlog_parse(
				    work, n, (enum pgt_log_format)fmt, &f, 0));
			}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_new_rows),
	    cmocka_unit_test(test_choose),
	    cmocka_unit_test(test_slowlog_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
