#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/err.h"
#include "pg2une/base/safetext.h"

static void
set_clear_prefix(void **state)
{
	struct pgt_err err = {0};

	(void)state;
	assert_int_equal(pgt_err_set(&err, PGT_E_IO, "open %s: %d", "x", 3), -1);
	assert_int_equal(err.code, PGT_E_IO);
	assert_string_equal(err.msg, "open x: 3");
	pgt_err_sqlstate(&err, "42501");
	assert_string_equal(err.sqlstate, "42501");
	pgt_err_prefix(&err, "journal %d", 7);
	assert_string_equal(err.msg, "journal 7: open x: 3");
	assert_int_equal(err.code, PGT_E_IO);
	pgt_err_sqlstate(&err, NULL); /* libpq gives NULL after pg_terminate_backend */
	assert_string_equal(err.sqlstate, "");
	pgt_err_sqlstate(&err, "1234567");
	assert_string_equal(err.sqlstate, "12345");
	/* A new error does not keep the state of the old one. */
	pgt_err_set(&err, PGT_E_USAGE, "x");
	assert_string_equal(err.sqlstate, "");
	pgt_err_clear(&err);
	assert_int_equal(err.code, PGT_E_NONE);
	assert_string_equal(err.msg, "");

	assert_int_equal(pgt_err_set(NULL, PGT_E_IO, "x"), -1);
	pgt_err_prefix(NULL, "x");
	pgt_err_sqlstate(NULL, "x");
	pgt_err_clear(NULL);
}

static void
messages_are_safe_and_bounded(void **state)
{
	struct pgt_err err = {0};
	char big[2000];

	(void)state;
	pgt_err_set(&err, PGT_E_IO, "%s", "a\033[2J\nb\xff");
	assert_string_equal(err.msg, "a\\x1b[2J b\\xff");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	/* A cut within a character leaves no broken one. */
	memcpy(big + sizeof(err.msg) - 2, "\346\227\245", 3);
	pgt_err_set(&err, PGT_E_IO, "%s", big);
	assert_true(strlen(err.msg) < sizeof(err.msg));
	assert_true(pgt_safetext_is_safe(err.msg, strlen(err.msg)));
	for (int i = 0; i < 3; i++) {
		pgt_err_prefix(&err, "%s\n", big);
		assert_true(strlen(err.msg) < sizeof(err.msg));
		assert_true(pgt_safetext_is_safe(err.msg, strlen(err.msg)));
	}
}

static void
names(void **state)
{
	(void)state;
	for (int c = PGT_E_NONE; c <= PGT_E_CANCELLED; c++) {
		const char *name = pgt_err_name((enum pgt_errcode)c);

		assert_non_null(name);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz"),
				 strlen(name));
		for (int d = PGT_E_NONE; d < c; d++)
			assert_string_not_equal(name, pgt_err_name((enum pgt_errcode)d));
	}
	assert_string_equal(pgt_err_name((enum pgt_errcode)999), "unknown");
	assert_string_equal(pgt_strerror(ENOENT), "No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set_clear_prefix),
	    cmocka_unit_test(messages_are_safe_and_bounded),
	    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
