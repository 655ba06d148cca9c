#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

#define S PGT_NS_PER_S

static void
iso8601_both_ways(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {INT64_C(1769861071250) * PGT_NS_PER_MS, "2026-01-31T12:04:31.250Z"},
	    {INT64_C(951782399999) * PGT_NS_PER_MS, "2000-02-28T23:59:59.999Z"},
	    {INT64_C(951782400000) * PGT_NS_PER_MS, "2000-02-29T00:00:00.000Z"},
	    {-PGT_NS_PER_MS, "1969-12-31T23:59:59.999Z"},
	    {-S, "1969-12-31T23:59:59.000Z"},
	};
	char buf[32];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		assert_string_equal(pgt_clock_iso8601(rows[i].ns, buf, sizeof(buf)),
				    rows[i].text);
		assert_true(pgt_clock_parse_iso8601(rows[i].text, &ns));
		assert_true(ns == rows[i].ns);
	}
	/* What an int64_t can hold at most must not overrun the buffer. */
	pgt_clock_iso8601(INT64_MAX, buf, sizeof(buf));
	assert_string_equal(buf, "2262-04-11T23:47:16.854Z");
	pgt_clock_iso8601(INT64_MIN, buf, sizeof(buf));
	assert_string_equal(buf, "1677-09-21T00:12:43.145Z");
	pgt_clock_iso8601(0, buf, 5);
	assert_string_equal(buf, "1970");
}

static void
iso8601_refuses(void **state)
{
	static const char *const bad[] = {
	    "",
	    "2026-01-31",
	    "2026-01-31T12:04:31",
	    "2026-01-31T12:04:31+01:00",
	    "2026-13-31T12:04:31Z",
	    "2026-01-31T12:04:31Z ",
	    "2026-01-31T12:04:31.Z",
	    "x2026-01-31T12:04:31Z",
	    " 2026-01-31T12:04:31Z",
	    "2026-02-30T12:04:31Z",
	    "9999-01-01T00:00:00Z",
	    "1500-01-01T00:00:00Z",
	    "2026-1-1T1:1:1Z",
	};
	int64_t ns = 77;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(bad); i++)
		if (pgt_clock_parse_iso8601(bad[i], &ns))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(ns == 77);
	assert_true(pgt_clock_parse_iso8601("1970-01-01T00:00:01Z", &ns) && ns == S);
	assert_true(pgt_clock_parse_iso8601("1970-01-01T00:00:00.000000001Z", &ns) &&
		    ns == 1);
	assert_true(pgt_clock_parse_iso8601("1970-01-01T00:00:00.00000000099Z", &ns) &&
		    ns == 0);
}

static void
local_time_and_hour_of_week(void **state)
{
	char buf[32];

	(void)state;
	setenv("TZ", "UTC-2", 1); /* two hours east */
	tzset();
	assert_string_equal(pgt_clock_hms(0, buf, sizeof(buf)), "02:00:00");
	assert_string_equal(pgt_clock_hms(-S, buf, sizeof(buf)), "01:59:59");
	/* 1970-01-01 was a Thursday; 1970-01-05 a Monday. */
	assert_int_equal(pgt_clock_hour_of_week(0), 72);
	assert_int_equal(pgt_clock_hour_of_week(4 * 86400 * S), 0);
	assert_int_equal(pgt_clock_hour_of_week(4 * 86400 * S - 1), 167);
	assert_int_equal(pgt_clock_hour_of_week(4 * 86400 * S + 3600 * S), 1);
	assert_int_equal(pgt_clock_hour_of_week(-3600 * S), 71);
	assert_int_equal(pgt_clock_hour_of_week(-1), 71);
	assert_int_equal(pgt_clock_hour_of_week(-3 * 86400 * S - 1), 167);
	for (int64_t h = -400; h < 400; h++)
		assert_int_equal(pgt_clock_hour_of_week(h * 3600 * S),
				 ((h + 72) % 168 + 168) % 168);
}

static void
virtual_clock(void **state)
{
	int64_t a, b;

	(void)state;
	pgt_clock_virtual(5, 7);
	assert_true(pgt_clock_mono_ns() == 5);
	assert_true(pgt_clock_boot_ns() == 5);
	assert_true(pgt_clock_real_ns() == 7);
	pgt_clock_virtual(6, 8);
	assert_true(pgt_clock_mono_ns() == 6);
	pgt_clock_virtual_off();
	a = pgt_clock_mono_ns();
	b = pgt_clock_mono_ns();
	assert_true(a > 6 && b >= a);
	assert_true(pgt_clock_boot_ns() > 6);
	assert_true(pgt_clock_real_ns() > INT64_C(1700000000) * S);
	assert_true(pgt_clock_cpu_ns() > 0);
	assert_true(pgt_clock_thread_cpu_ns() > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(iso8601_both_ways),
	    cmocka_unit_test(iso8601_refuses),
	    cmocka_unit_test(local_time_and_hour_of_week),
	    cmocka_unit_test(virtual_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
