/* The parsers of numbers, durations, sizes and times, and the measuring of cells. */
#include <inttypes.h>
#include <math.h>

#include "fuzz.h"

#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"

static void
check_numbers(const char *s)
{
	char text[64];
	uint64_t u, bytes;
	int64_t i, ns;
	double d;

	if (pgt_parse_i64(s, &i)) {
		int64_t back;

		snprintf(text, sizeof(text), "%" PRId64, i);
		CHECK(pgt_parse_i64(text, &back) && back == i);
		CHECK(pgt_parse_double(s, &d));
		pgt_fmt_group(i, text, sizeof(text));
		pgt_fmt_duration(i, text, sizeof(text));
		CHECK(strlen(text) < 20);
	}
	/* Sizes take no sign, and no number of 64 digits or more. */
	if (pgt_parse_u64(s, &u) && s[0] != '+' && strlen(s) < 64)
		CHECK(pgt_parse_bytes(s, &bytes, NULL) == 0 && bytes == u);
	if (pgt_parse_double(s, &d)) {
		CHECK(isfinite(d));
		CHECK(strlen(pgt_fmt_short(d, text, sizeof(text))) <= 6);
		CHECK(strlen(pgt_fmt_bytes(d, text, sizeof(text))) <= 11);
		CHECK(strlen(pgt_fmt_ms(d, text, sizeof(text))) <= 17);
	}
	if (pgt_parse_duration(s, &ns, NULL) == 0)
		CHECK(ns >= 0);
	if (pgt_parse_bytes(s, &bytes, NULL) == 0)
		CHECK(s[0] >= '.' && s[0] <= '9');
}

static void
check_times(const char *s)
{
	char text[40];
	int64_t ns, back;

	if (!pgt_clock_parse_iso8601(s, &ns))
		return;
	pgt_clock_iso8601(ns, text, sizeof(text));
	CHECK(strncmp(text, s, 19) == 0);
	/* The last millisecond of what an int64_t holds may not come back. */
	if (pgt_clock_parse_iso8601(text, &back))
		CHECK(back <= ns && ns - back < PGT_NS_PER_MS);
	CHECK(pgt_clock_hour_of_week(ns) >= 0 && pgt_clock_hour_of_week(ns) < 168);
}

static void
check_cells(const char *s)
{
	int all = pgt_str_cells(s), used, cells;
	char copy[9];
	size_t n;

	CHECK(pgt_str_fit(s, all, &used) == strlen(s) && used == all);
	for (cells = 0; cells < 12; cells++) {
		n = pgt_str_fit(s, cells, &used);
		CHECK(used <= cells && n <= strlen(s));
		/* A character that did not fit is wide, or there was no room at all. */
		CHECK(s[n] == '\0' || used >= cells - 1);
	}
	CHECK(pgt_str_copy(copy, sizeof(copy), s) == (strlen(s) < sizeof(copy)));
	CHECK(strncmp(copy, s, strlen(copy)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_numbers(text);
	check_times(text);
	check_cells(text);
	free(text);
	return 0;
}
