#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

static void
integers(void **state)
{
	static const char *const bad[] = {
	    "",    " 1",  "1 ",  "-",  "+",  "--1", "+-1", "0x10",
	    "1.0", "1e3", "abc", "1a", "\n", "1\n", "- 1", "٣",
	};
	int64_t i = 77;
	uint64_t u = 77;

	(void)state;
	for (size_t k = 0; k < PGT_LEN(bad); k++) {
		assert_false(pgt_parse_i64(bad[k], &i));
		assert_false(pgt_parse_u64(bad[k], &u));
	}
	assert_false(pgt_parse_u64("-1", &u));
	assert_false(pgt_parse_u64("18446744073709551616", &u));
	assert_false(pgt_parse_u64("99999999999999999999999", &u));
	assert_false(pgt_parse_i64("9223372036854775808", &i));
	assert_false(pgt_parse_i64("-9223372036854775809", &i));
	assert_true(i == 77 && u == 77); /* untouched */

	assert_true(pgt_parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
	assert_true(pgt_parse_i64("9223372036854775807", &i) && i == INT64_MAX);
	assert_true(pgt_parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
	assert_true(pgt_parse_i64("-0", &i) && i == 0);
	assert_true(pgt_parse_i64("+12", &i) && i == 12);
	assert_true(pgt_parse_i64("007", &i) && i == 7);
}

static void
doubles(void **state)
{
	static const char *const bad[] = {"",      ".",    "e5",    "1,5",  "nan",
					  "inf",   "-inf", "0x1p3", " 1",   "1 ",
					  "1e999", "1e",   "--1",   "1.2.3"};
	double v = 77;

	(void)state;
	for (size_t k = 0; k < PGT_LEN(bad); k++)
		assert_false(pgt_parse_double(bad[k], &v));
	assert_true(v == 77);
	assert_true(pgt_parse_double("1.5", &v) && v == 1.5);
	assert_true(pgt_parse_double("-2.5e-3", &v) && v == -2.5e-3);
	assert_true(pgt_parse_double(".5", &v) && v == .5);
	assert_true(pgt_parse_double("5.", &v) && v == 5);
	assert_true(pgt_parse_double("1e-400", &v) && v == 0);
}

static void
durations(void **state)
{
	static const struct {
		const char *s;
		int64_t ns;
	} good[] = {
	    {"250ms", 250 * PGT_NS_PER_MS},
	    {"30s", 30 * PGT_NS_PER_S},
	    {"5min", 300 * PGT_NS_PER_S},
	    {"2h", 7200 * PGT_NS_PER_S},
	    {"1d", 86400 * PGT_NS_PER_S},
	    {"15", 15 * PGT_NS_PER_S},
	    {"0", 0},
	    {"1.5s", 1500 * PGT_NS_PER_MS},
	    {"10 us", 10 * PGT_NS_PER_US},
	    {"0.5", 500 * PGT_NS_PER_MS},
	    {"106751d", INT64_C(106751) * 86400 * PGT_NS_PER_S},
	};
	static const char *const bad[] = {"",        "s",   "5m",  "5 ",  " 5",
					  "-5s",     "5S",  "5ss", "1h5", "1.2.3s",
					  "106752d", "1e3", "."};
	struct pgt_err err;
	int64_t ns = 77;

	(void)state;
	for (size_t k = 0; k < PGT_LEN(bad); k++) {
		pgt_err_clear(&err);
		assert_int_equal(pgt_parse_duration(bad[k], &ns, &err), -1);
		assert_int_equal(err.code, PGT_E_PARSE);
	}
	assert_true(ns == 77);
	for (size_t k = 0; k < PGT_LEN(good); k++) {
		assert_int_equal(pgt_parse_duration(good[k].s, &ns, &err), 0);
		assert_true(ns == good[k].ns);
	}
}

static void
sizes(void **state)
{
	static const struct {
		const char *s;
		uint64_t bytes;
	} good[] = {
	    {"64kB", 65536},
	    {"2GB", UINT64_C(2) << 30},
	    {"1TB", UINT64_C(1) << 40},
	    {"8192", 8192},
	    {"0", 0},
	    {"1.5kB", 1536},
	    {"3 MB", 3145728},
	    {"17B", 17},
	    {"16383PB", UINT64_C(16383) << 50},
	    {"18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"",   "kB", "5kb",     "5KB",
					  "5K", "-1", "16384PB", "20000000TB",
					  "1 ", " 1", "1kBx"};
	struct pgt_err err;
	uint64_t v = 77;

	(void)state;
	for (size_t k = 0; k < PGT_LEN(bad); k++) {
		pgt_err_clear(&err);
		assert_int_equal(pgt_parse_bytes(bad[k], &v, &err), -1);
		assert_int_equal(err.code, PGT_E_PARSE);
		assert_non_null(strstr(err.msg, "kB"));
	}
	assert_true(v == 77);
	for (size_t k = 0; k < PGT_LEN(good); k++) {
		assert_int_equal(pgt_parse_bytes(good[k].s, &v, &err), 0);
		assert_true(v == good[k].bytes);
	}
}

struct shown {
	double v;
	const char *want;
};

static void
check(char *(*fmt)(double, char *, size_t), const struct shown *rows, size_t n)
{
	char buf[32];

	for (size_t i = 0; i < n; i++) {
		assert_string_equal(fmt(rows[i].v, buf, sizeof(buf)), rows[i].want);
		/* Too small a buffer cuts, and never writes beyond. */
		memset(buf, '#', sizeof(buf));
		fmt(rows[i].v, buf, 3);
		assert_true(memchr(buf, 0, 3) != NULL);
		assert_int_equal(buf[3], '#');
	}
}

static void
short_numbers(void **state)
{
	static const struct shown rows[] = {
	    {0, "0"},
	    {7, "7"},
	    {812, "812"},
	    {999, "999"},
	    {0.47, "0.47"},
	    {9.996, "10.0"},
	    {12.34, "12.3"},
	    {99.96, "100"},
	    {999.6, "1.0k"},
	    {1000, "1.0k"},
	    {12400, "12.4k"},
	    {99949, "99.9k"},
	    {99960, "100k"},
	    {999499, "999k"},
	    {999950, "1.0M"},
	    {3.1e6, "3.1M"},
	    {2e9, "2.0G"},
	    {7.5e12, "7.5T"},
	    {1e15, "1.0P"},
	    {1e18, "1.0E"},
	    {-12400, "-12.4k"},
	    {1e300, ">999E"},
	    {NAN, "-"},
	    {INFINITY, "inf"},
	    {-INFINITY, "-inf"},
	    {-0.0, "0"},
	};

	(void)state;
	check(pgt_fmt_short, rows, PGT_LEN(rows));
}

static void
byte_sizes(void **state)
{
	static const struct shown rows[] = {
	    {0, "0 B"},
	    {1023, "1023 B"},
	    {1024, "1.0 kB"},
	    {1024 * 12.4, "12.4 kB"},
	    {1024 * 99.96, "100 kB"},
	    {1024 * 1023.4, "1023 kB"},
	    {1024 * 1023.6, "1.0 MB"},
	    {12.4 * (1 << 20), "12.4 MB"},
	    {3.0 * (1 << 30), "3.0 GB"},
	    {0x1p40, "1.0 TB"},
	    {0x1p50, "1.0 PB"},
	    {0x1p60, "1024 PB"},
	    {1e300, ">7999 PB"},
	    {-2048, "-2.0 kB"},
	    {NAN, "-"},
	};

	(void)state;
	check(pgt_fmt_bytes, rows, PGT_LEN(rows));
}

static void
milliseconds(void **state)
{
	static const struct shown rows[] = {
	    {0, "0"},        {0.001, "0.001"}, {0.047, "0.047"},   {0.0996, "0.10"},
	    {0.47, "0.47"},  {9.994, "9.99"},  {9.996, "10.0"},    {13.1, "13.1"},
	    {99.96, "100"},  {198, "198"},     {12345.6, "12346"}, {NAN, "-"},
	    {-1.5, "-1.50"}, {1e20, ">1e15"},
	};

	(void)state;
	check(pgt_fmt_ms, rows, PGT_LEN(rows));
}

static void
groups_and_durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *want;
	} rows[] = {
	    {0, "0s"},
	    {5, "5ns"},
	    {999999, "999us"},
	    {850 * PGT_NS_PER_MS, "850ms"},
	    {41 * PGT_NS_PER_S, "41s"},
	    {182 * PGT_NS_PER_S, "3m02"},
	    {3599 * PGT_NS_PER_S, "59m59"},
	    {18300 * PGT_NS_PER_S, "5h05"},
	    {(41 * 86400 + 3 * 3600 + 59) * PGT_NS_PER_S, "41d 3h"},
	    {-41 * PGT_NS_PER_S, "-41s"},
	    {INT64_MIN, "-106751d 23h"},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++)
		assert_string_equal(pgt_fmt_duration(rows[i].ns, buf, sizeof(buf)),
				    rows[i].want);
	assert_string_equal(pgt_fmt_group(0, buf, sizeof(buf)), "0");
	assert_string_equal(pgt_fmt_group(999, buf, sizeof(buf)), "999");
	assert_string_equal(pgt_fmt_group(1000, buf, sizeof(buf)), "1,000");
	assert_string_equal(pgt_fmt_group(1234567, buf, sizeof(buf)), "1,234,567");
	assert_string_equal(pgt_fmt_group(-123456, buf, sizeof(buf)), "-123,456");
	assert_string_equal(pgt_fmt_group(INT64_MIN, buf, sizeof(buf)),
			    "-9,223,372,036,854,775,808");
}

static void
copies_and_prefixes(void **state)
{
	char buf[8], hex[9];

	(void)state;
	assert_true(pgt_str_starts("abc", "ab"));
	assert_true(pgt_str_starts("abc", ""));
	assert_false(pgt_str_starts("a", "ab"));
	assert_true(pgt_str_copy(buf, sizeof(buf), "1234567"));
	assert_string_equal(buf, "1234567");
	assert_false(pgt_str_copy(buf, sizeof(buf), "12345678"));
	assert_string_equal(buf, "1234567");
	assert_false(pgt_str_copy(buf, 6, "日本語")); /* not within a character */
	assert_string_equal(buf, "日");
	assert_false(pgt_str_copy(buf, 1, "x"));
	assert_string_equal(buf, "");
	assert_true(pgt_str_copy(buf, 1, ""));
	assert_false(pgt_str_copy(buf, 0, ""));
	pgt_str_hex("\x00\xff\x1a\x80", 4, hex);
	assert_string_equal(hex, "00ff1a80");
}

static void
strict_utf8(void **state)
{
	static const char *const good[] = {"",
					   "a",
					   "\u00e9",
					   "\u65e5",
					   "\xf4\x8f\xbf\xbf",
					   "\xee\x80\x80",
					   "\xed\x9f\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xe6\x97",
					  "a\xff",
					  "\xe6\x97"
					  "a"};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(good); i++)
		assert_true(pgt_str_is_utf8(good[i]));
	for (size_t i = 0; i < PGT_LEN(bad); i++)
		assert_false(pgt_str_is_utf8(bad[i]));
}

static void
cells(void **state)
{
	int used = -1;

	(void)state;
	assert_int_equal(pgt_str_cells(""), 0);
	assert_int_equal(pgt_str_cells("abc"), 3);
	assert_int_equal(pgt_str_cells("日本語"), 6);
	assert_int_equal(pgt_str_cells("e\xcc\x81x"), 2);
	assert_int_equal(pgt_str_cells("├─▁█"), 4);
	assert_int_equal(pgt_str_cells("한글"), 4);
	assert_int_equal(pgt_str_cells("😀"), 2);
	assert_int_equal(pgt_str_cells("\xff\xfe"), 2); /* invalid: a cell each */
	assert_int_equal(pgt_str_fit("abc", 5, &used), 3);
	assert_int_equal(used, 3);
	assert_int_equal(pgt_str_fit("日本語", 5, &used), 6);
	assert_int_equal(used, 4);
	assert_int_equal(pgt_str_fit("日本語", 1, &used), 0);
	assert_int_equal(used, 0);
	/* What joins the last character comes along with it. */
	assert_int_equal(pgt_str_fit("ae\xcc\x81x", 2, &used), 4);
	assert_int_equal(used, 2);
	assert_int_equal(pgt_str_fit("abc", 0, &used), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strict_utf8),
	    cmocka_unit_test(integers),
	    cmocka_unit_test(doubles),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(short_numbers),
	    cmocka_unit_test(byte_sizes),
	    cmocka_unit_test(milliseconds),
	    cmocka_unit_test(groups_and_durations),
	    cmocka_unit_test(cells),
	    cmocka_unit_test(copies_and_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
