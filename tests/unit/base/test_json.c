#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"

static cJSON *
parse(const char *text, struct pgt_err *err)
{
	return pgt_json_parse(text, strlen(text), 1 << 20, err);
}

static void
good_text(void **state)
{
	static const char *const good[] = {"{}",
					   "[]",
					   " [1, 2]\n",
					   "null",
					   "\"a\"",
					   "-1.5e3",
					   "{\"a\":{\"b\":[true,false,null]}}",
					   "\t{}\r\n "};
	struct pgt_err err;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(good); i++) {
		cJSON *j = parse(good[i], &err);

		assert_non_null(j);
		cJSON_Delete(j);
	}
}

static void
malformed_text_tells_where(void **state)
{
	static const struct {
		const char *text, *where;
	} bad[] = {
	    {"", "byte 0"},
	    {"{", "byte"},
	    {"[1,]", "byte"},
	    {"{\"a\":}", "byte"},
	    {"{} x", "byte 3"},
	    {"[1 2]", "byte 3"},
	    {"\"a", "byte"},
	    {"{\"a\" 1}", "byte 5"},
	    {"nul", "byte 0"},
	    {"[\"\\q\"]", "byte"},
	    {"1 1", "byte 2"},
	    {"'a'", "byte 0"},
	    {"[\"\\ud800\"]", "byte"},
	};
	struct pgt_err err;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(bad); i++) {
		pgt_err_clear(&err);
		assert_null(parse(bad[i].text, &err));
		assert_int_equal(err.code, PGT_E_PARSE);
		assert_non_null(strstr(err.msg, bad[i].where));
	}
	assert_null(pgt_json_parse("[]\0x", 4, 100, &err)); /* no NUL ends it early */
	assert_null(pgt_json_parse("[1]", 2, 100, &err));   /* the length counts */
	assert_null(parse("{", NULL));
}

static void
limits(void **state)
{
	struct pgt_err err;
	char deep[200];
	cJSON *j;

	(void)state;
	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	j = pgt_json_parse(deep, 128, 1000, &err);
	assert_non_null(j);
	cJSON_Delete(j);
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	assert_null(pgt_json_parse(deep, 130, 1000, &err));
	assert_int_equal(err.code, PGT_E_LIMIT);
	assert_non_null(strstr(err.msg, "byte 64"));
	/* Brackets within strings are no nesting. */
	deep[0] = '"';
	memset(deep + 1, '[', 100);
	memcpy(deep + 101, "\\\"[\"", 5);
	j = parse(deep, &err);
	assert_non_null(j);
	cJSON_Delete(j);
	assert_null(pgt_json_parse("[1,2,3]", 7, 6, &err));
	assert_int_equal(err.code, PGT_E_LIMIT);
}

static void
check_print(cJSON *take_j, const char *want)
{
	char *s = pgt_json_print(take_j, false);

	assert_string_equal(s, want);
	free(s);
	cJSON_Delete(take_j);
}

static void
integers_stay_exact(void **state)
{
	static const int64_t values[] = {
	    0,
	    1,
	    -1,
	    INT32_MAX,
	    INT64_C(2147483648),
	    INT64_C(999999999999999),
	    INT64_C(1000000000000000),
	    INT64_C(9007199254740991),
	    INT64_C(9007199254740993),
	    INT64_MAX,
	    INT64_MIN,
	};
	cJSON *o = cJSON_CreateObject();
	int64_t back;
	double num;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(values); i++) {
		char want[64], *s;
		cJSON *j = cJSON_CreateObject();

		pgt_json_i64(j, "v", values[i]);
		s = pgt_json_print(j, false);
		snprintf(want, sizeof(want), "{\"v\":%lld}", (long long)values[i]);
		assert_string_equal(s, want);
		assert_true(pgt_json_get_i64(j, "v", &back) && back == values[i]);
		assert_true(pgt_json_get_num(j, "v", &num) && num == (double)values[i]);
		free(s);
		cJSON_Delete(j);
	}
	pgt_json_u64(o, "v", UINT64_MAX);
	pgt_json_u64(o, "w", 5);
	check_print(o, "{\"v\":18446744073709551615,\"w\":5}");
}

static void
every_kind(void **state)
{
	cJSON *o = cJSON_CreateObject(), *a;

	(void)state;
	pgt_json_str(o, "s", "a\"\\\n\x01é");
	pgt_json_str(o, "n", NULL);
	pgt_json_str(o, "x",
		     "a\xff"
		     "b");
	pgt_json_num(o, "d", 0.1);
	pgt_json_num(o, "nan", NAN);
	pgt_json_num(o, "inf", -INFINITY);
	pgt_json_bool(o, "t", true);
	pgt_json_bool(o, "f", false);
	pgt_json_null(o, "z");
	a = pgt_json_arr(o, "a");
	pgt_json_i64(a, NULL, 1);
	pgt_json_str(a, NULL, "x");
	pgt_json_i64(pgt_json_obj(a, NULL), "k", 2);
	pgt_json_item(o, "i", cJSON_CreateArray());
	check_print(o, "{\"s\":\"a\\\"\\\\\\n\\u0001é\",\"n\":null,\"x\":\"a\\\\xffb\","
		       "\"d\":0.1,\"nan\":null,\"inf\":null,\"t\":true,\"f\":false,"
		       "\"z\":null,\"a\":[1,\"x\",{\"k\":2}],\"i\":[]}");
}

static void
members(void **state)
{
	struct pgt_err err;
	cJSON *j = parse("{\"s\":\"x\",\"i\":42,\"d\":1.5,\"b\":true,\"z\":null,"
			 "\"big\":1e300,\"o\":{}}",
			 &err);
	const char *s = "untouched";
	int64_t i = 77;
	double d = 77;
	bool b = false;

	(void)state;
	assert_false(pgt_json_get_str(j, "i", &s));
	assert_false(pgt_json_get_str(j, "none", &s));
	assert_false(pgt_json_get_str(j, "z", &s));
	assert_false(pgt_json_get_str(j, "S", &s)); /* case matters */
	assert_false(pgt_json_get_str(NULL, "s", &s));
	assert_string_equal(s, "untouched");
	assert_false(pgt_json_get_i64(j, "d", &i));
	assert_false(pgt_json_get_i64(j, "s", &i));
	assert_false(pgt_json_get_i64(j, "big", &i));
	assert_true(i == 77);
	assert_false(pgt_json_get_num(j, "s", &d));
	assert_true(d == 77);
	assert_false(pgt_json_get_bool(j, "i", &b));
	assert_true(pgt_json_get_str(j, "s", &s));
	assert_string_equal(s, "x");
	assert_true(pgt_json_get_i64(j, "i", &i) && i == 42);
	assert_true(pgt_json_get_num(j, "d", &d) && d == 1.5);
	assert_true(pgt_json_get_num(j, "i", &d) && d == 42);
	assert_true(pgt_json_get_bool(j, "b", &b) && b);
	cJSON_Delete(j);
	/* An overlong number is infinite in a double: no number. */
	j = parse("{\"v\":1e999}", &err);
	assert_false(pgt_json_get_num(j, "v", &d));
	cJSON_Delete(j);
}

static void
indented(void **state)
{
	cJSON *o = cJSON_CreateObject();
	char *s;

	(void)state;
	pgt_json_i64(o, "a", 1);
	s = pgt_json_print(o, true);
	assert_non_null(strchr(s, '\n'));
	free(s);
	cJSON_Delete(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_text),  cmocka_unit_test(malformed_text_tells_where),
	    cmocka_unit_test(limits),     cmocka_unit_test(integers_stay_exact),
	    cmocka_unit_test(every_kind), cmocka_unit_test(members),
	    cmocka_unit_test(indented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
