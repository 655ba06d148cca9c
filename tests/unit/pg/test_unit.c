/* Setting values as guc.c reads them: the equalities were taken from a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/pg/unit.h"

static void
test_kind(void **state)
{
	(void)state;
	assert_int_equal(pgt_unit_kind("8kB"), PGT_UNITKIND_BYTES);
	assert_int_equal(pgt_unit_kind("B"), PGT_UNITKIND_BYTES);
	assert_int_equal(pgt_unit_kind("min"), PGT_UNITKIND_TIME);
	assert_int_equal(pgt_unit_kind("ms"), PGT_UNITKIND_TIME);
	assert_int_equal(pgt_unit_kind(NULL), PGT_UNITKIND_NONE);
	assert_int_equal(pgt_unit_kind(""), PGT_UNITKIND_NONE);
	assert_int_equal(pgt_unit_kind("parsecs"), PGT_UNITKIND_NONE);
}

static void
test_equal(void **state)
{
	static const struct {
		const char *a, *b, *vartype, *unit;
		bool equal;
	} cases[] = {
	    {"16384", "128MB", "integer", "8kB", true},
	    {"16384", "2GB", "integer", "8kB", false},
	    {"2GB", "2048MB", "integer", "8kB", true},
	    {"4096", "4MB", "integer", "kB", true},
	    {"5min", "300", "integer", "s", true},
	    {"5min", "300s", "integer", "s", true},
	    {"1.5h", "5400", "integer", "s", true},
	    {"1d", "86400000", "integer", "ms", true},
	    {"-1", "-1", "integer", "kB", true},
	    {"-1", "0", "integer", "kB", false},
	    {"on", "yes", "bool", NULL, true},
	    {"on", "true", "bool", NULL, true},
	    {"tr", "1", "bool", NULL, true},
	    {"off", "no", "bool", NULL, true},
	    {"o", "on", "bool", NULL, false}, /* ambiguous */
	    {"Replica", "replica", "enum", NULL, true},
	    {"4", "4.0", "real", NULL, true},
	    {"1.1", "1.10", "real", NULL, true},
	    {"0x10", "16", "integer", NULL, true},
	    {"2 ms", "2", "real", "ms", true},
	    {"500us", "0.5", "real", "ms", true},
	    {"a, b", "a,b", "string", NULL, false},
	    {"128mb", "128MB", "integer", "8kB", false}, /* units are case-sensitive */
	};
	size_t i;

	(void)state;
	for (i = 0; i < PGT_LEN(cases); i++)
		if (pgt_unit_equal(cases[i].a, cases[i].b, cases[i].vartype, cases[i].unit) !=
		    cases[i].equal)
			fail_msg("%s and %s (%s, %s)", cases[i].a, cases[i].b, cases[i].vartype,
				 cases[i].unit ? cases[i].unit : "-");
}

static void
test_to_base(void **state)
{
	static const struct {
		const char *value, *unit;
		double base;
	} cases[] = {
	    {"128MB", "8kB", 16384},	{"30.1GB", "8kB", 3945216}, /* as 30822MB */
	    {"1kB", "8kB", 0},		{"5kB", "8kB", 1},
	    {"64", "8kB", 64},		{"-1", "8kB", -1},
	    {"1MB", "B", 1048576},	{"90s", "min", 2},
	    {"100", NULL, 100},		{"2.5", NULL, 2},
	    {"  7  ", NULL, 7},		{"1GB", "MB", 1024},
	};
	double v;
	size_t i;

	(void)state;
	for (i = 0; i < PGT_LEN(cases); i++) {
		v = -99;
		assert_int_equal(
		    pgt_unit_to_base(cases[i].value, cases[i].unit, true, &v, NULL), 0);
		if (v != cases[i].base)
			fail_msg("%s in %s: %.15g, not %.15g", cases[i].value,
				 cases[i].unit ? cases[i].unit : "-", v, cases[i].base);
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", "MB", "banana", "12XB", "1 2", "nan", "inf", "--1"};
	struct pgt_err err;
	double v = 7;
	size_t i;

	(void)state;
	for (i = 0; i < PGT_LEN(bad); i++) {
		if (pgt_unit_parse(bad[i], "8kB", &v, &err) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(err.code, PGT_E_PARSE);
	}
	assert_int_equal(pgt_unit_parse("1MB", NULL, &v, &err), -1);
	assert_true(v == 7); /* untouched */
}

static void
test_format(void **state)
{
	static const struct {
		double v;
		const char *unit, *text;
	} cases[] = {
	    {16384, "8kB", "128MB"}, {1, "8kB", "8kB"},   {4096, "kB", "4MB"},
	    {300, "s", "5min"},	     {90, "s", "90s"},	  {-1, "kB", "-1"},
	    {0, "ms", "0"},	     {0.5, "ms", "500us"}, {2, "ms", "2ms"},
	    {100, NULL, "100"},	     {1.1, NULL, "1.1"},  {86400, "s", "1d"},
	    {3945267, "8kB", "31562136kB"},
	};
	char buf[64];
	size_t i;

	(void)state;
	for (i = 0; i < PGT_LEN(cases); i++)
		assert_string_equal(
		    pgt_unit_format(cases[i].v, cases[i].unit, buf, sizeof(buf)), cases[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kind),    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_to_base), cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
