#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"

enum { SMART = PGT_RE_SMARTCASE, INV = PGT_RE_INVERT, MULTI = PGT_RE_MULTILINE };

static void
matches(void **state)
{
	static const struct {
		const char *pattern;
		int flags;
		const char *text;
		bool want;
	} rows[] = {
	    {"foo", 0, "a foo b", true},
	    {"foo", 0, "FOO", false},
	    {"foo", SMART, "FOO", true},
	    {"Foo", SMART, "FOO", false},
	    {"Foo", SMART, "Foo", true},
	    {"été", SMART, "ÉTÉ", true},
	    {"Été", SMART, "ÉTÉ", false},
	    {"\\Sx\\S", SMART, "aXb", true}, /* an escape's case is no case */
	    {"\\\\A", SMART, "\\a", false},
	    {"\\p{Lu}", SMART, "A", true},
	    {"!foo", INV, "foo", false},
	    {"!foo", INV, "bar", true},
	    {"!foo", 0, "!foo", true},
	    {"!foo", 0, "foo", false},
	    {"\\!foo", INV, "!foo", true},
	    {"", 0, "anything", true},
	    {"!", INV, "anything", true}, /* while it is being typed */
	    {"^b$", 0, "a\nb\nc", false},
	    {"^b$", MULTI, "a\nb\nc", true},
	    {"a.c", 0, "a日c", true},
	    {"b", 0, "a\xff\xfe b", true}, /* invalid UTF-8 is no error */
	    {"^\\w+$", 0, "", false},
	    {"$", 0, "", true},
	};
	struct pgt_regex *re;
	struct pgt_err err;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		assert_int_equal(pgt_regex_new(rows[i].pattern, rows[i].flags, &re, &err),
				 0);
		if (pgt_regex_match(re, rows[i].text, strlen(rows[i].text)) !=
		    rows[i].want)
			fail_msg("/%s/ on \"%s\"", rows[i].pattern, rows[i].text);
		pgt_regex_free(re);
	}
	pgt_regex_free(NULL);
}

static void
bad_patterns(void **state)
{
	static const struct {
		const char *pattern, *where;
	} rows[] = {
	    {"a(", "offset 2"},
	    {"[a", "offset 2"},
	    {"*", "offset 0"},
	    {"a\\", "offset 2"},
	    {"(?<n>a)(?<n>b)", "offset"},
	    {"a{3,2}", "offset"},
	    {"\xff", "offset 0"},
	    {"\\C", "offset"},
	};
	struct pgt_regex *re = (struct pgt_regex *)&re;
	struct pgt_err err;
	char big[2000];

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		pgt_err_clear(&err);
		assert_int_equal(pgt_regex_new(rows[i].pattern, SMART, &re, &err), -1);
		assert_int_equal(err.code, PGT_E_PARSE);
		assert_non_null(strstr(err.msg, rows[i].where));
	}
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(pgt_regex_new(big, 0, &re, &err), -1);
	memset(big, '(', 100);
	memset(big + 100, ')', 100);
	big[200] = '\0';
	assert_int_equal(pgt_regex_new(big, 0, &re, &err), -1);
	assert_ptr_equal(re, &re); /* untouched */
	assert_int_equal(pgt_regex_new("a(", 0, &re, NULL), -1);
}

static void
groups(void **state)
{
	static const char text[] = "k=1 key=22";
	struct pgt_regex *re;
	struct pgt_err err;
	int o[8];

	(void)state;
	assert_int_equal(pgt_regex_new("(\\w+)=(\\d+)(x)?", 0, &re, &err), 0);
	memset(o, 0x55, sizeof(o));
	assert_int_equal(pgt_regex_groups(re, text, strlen(text), 0, o, 4), 3);
	assert_true(o[0] == 0 && o[1] == 3 && o[2] == 0 && o[3] == 1 && o[4] == 2 &&
		    o[5] == 3);
	assert_int_equal(pgt_regex_groups(re, text, strlen(text), 3, o, 4), 3);
	assert_true(o[0] == 4 && o[1] == 10 && o[2] == 4 && o[3] == 7 && o[4] == 8);
	o[2] = 77;
	assert_int_equal(pgt_regex_groups(re, text, strlen(text), 3, o, 1), 1);
	assert_true(o[0] == 4 && o[1] == 10 && o[2] == 77);
	assert_int_equal(pgt_regex_groups(re, text, strlen(text), strlen(text), o, 4), 0);
	assert_int_equal(pgt_regex_groups(re, text, strlen(text), 99, o, 4), 0);
	pgt_regex_free(re);

	assert_int_equal(pgt_regex_new("(a)|(b)", 0, &re, &err), 0);
	assert_int_equal(pgt_regex_groups(re, "b", 1, 0, o, 4), 3);
	assert_true(o[2] == -1 && o[3] == -1 && o[4] == 0 && o[5] == 1);
	pgt_regex_free(re);

	assert_int_equal(pgt_regex_new("!a", INV, &re, &err), 0);
	assert_int_equal(pgt_regex_groups(re, "b", 1, 0, o, 4), 0);
	pgt_regex_free(re);
}

/* CPU time, so that a busy machine does not decide the test. */
static void
no_pattern_hangs(void **state)
{
	static const char *const patterns[] = {
	    "(a+)+$",          "(a|aa)+$",     "(a*)*b",          "(.*a){20}",
	    "^(a?){40}a{40}$", "(\\w+\\s?)*=", "(?:a|a|a|a)+\\d", "(x+x+)+y|a+a+a+a+b",
	};
	size_t n = 20000;
	char *text = pgt_xmalloc(n);
	struct pgt_regex *re;
	struct pgt_err err;

	(void)state;
	memset(text, 'a', n);
	text[n - 1] = '!';
	for (size_t i = 0; i < PGT_LEN(patterns); i++) {
		int64_t t;

		assert_int_equal(pgt_regex_new(patterns[i], SMART, &re, &err), 0);
		t = pgt_clock_thread_cpu_ns();
		pgt_regex_match(re, text, n);
		t = pgt_clock_thread_cpu_ns() - t;
		if (t > PGT_NS_PER_S)
			fail_msg("/%s/ took %lld ms", patterns[i],
				 (long long)(t / PGT_NS_PER_MS));
		pgt_regex_free(re);
	}
	free(text);
}

/* What needs many steps, but not absurdly many, is found all the same. */
static void
long_subjects_match(void **state)
{
	static const char *const patterns[] = {"(.|\\n)*x", ".*x$", "(a|b|c)+x",
					       "[ab]+\\s?x"};
	size_t n = 20000;
	char *text = pgt_xmalloc(n);
	struct pgt_regex *re;
	struct pgt_err err;

	(void)state;
	memset(text, 'a', n);
	text[n - 1] = 'x';
	for (size_t i = 0; i < PGT_LEN(patterns); i++) {
		assert_int_equal(pgt_regex_new(patterns[i], SMART, &re, &err), 0);
		if (!pgt_regex_match(re, text, n))
			fail_msg("/%s/", patterns[i]);
		pgt_regex_free(re);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches),
	    cmocka_unit_test(bad_patterns),
	    cmocka_unit_test(groups),
	    cmocka_unit_test(no_pattern_hangs),
	    cmocka_unit_test(long_subjects_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
