#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/buf.h"

static void
grows_and_terminates(void **state)
{
	struct pgt_buf b;
	char *s;

	(void)state;
	pgt_buf_init(&b, 10000);
	assert_string_equal(pgt_buf_str(&b), "");
	for (int i = 0; i < 1000; i++) {
		pgt_buf_printf(&b, "%d,", i % 10);
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(b.len, 2000);
	assert_false(b.overflow);
	pgt_buf_reset(&b);
	assert_string_equal(pgt_buf_str(&b), "");
	pgt_buf_put(&b, "a\0b", 3);
	pgt_buf_putc(&b, 'c');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0bc", 5);
	s = pgt_buf_take(&b);
	assert_memory_equal(s, "a\0bc", 5);
	free(s);
	assert_int_equal(b.len, 0);
	assert_string_equal(pgt_buf_str(&b), "");
	pgt_buf_puts(&b, "again");
	assert_string_equal(pgt_buf_str(&b), "again");
	pgt_buf_done(&b);
	s = pgt_buf_take(&b); /* of an empty one: an empty text, still to be freed */
	assert_string_equal(s, "");
	free(s);
}

static void
the_maximum_holds(void **state)
{
	struct pgt_buf b;

	(void)state;
	pgt_buf_init(&b, 5);
	pgt_buf_puts(&b, "12345");
	assert_false(b.overflow);
	pgt_buf_puts(&b, "");
	assert_false(b.overflow);
	pgt_buf_puts(&b, "6");
	assert_true(b.overflow);
	assert_string_equal(pgt_buf_str(&b), "12345");
	pgt_buf_reset(&b);
	assert_false(b.overflow);
	pgt_buf_puts(&b, "123");
	pgt_buf_puts(&b, "456789");
	assert_true(b.overflow);
	assert_string_equal(pgt_buf_str(&b), "12345");
	pgt_buf_done(&b);

	pgt_buf_init(&b, 0);
	pgt_buf_puts(&b, "x");
	assert_true(b.overflow);
	assert_string_equal(pgt_buf_str(&b), "");
	pgt_buf_done(&b);
}

static void
long_formats(void **state)
{
	struct pgt_buf b;
	char big[1000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	pgt_buf_init(&b, 5000);
	/* Around the size of the inner buffer, where an off-by-one would cut. */
	for (int n = 250; n < 260; n++) {
		pgt_buf_reset(&b);
		pgt_buf_printf(&b, "%.*s", n, big);
		assert_int_equal(b.len, n);
		assert_int_equal(strlen(b.data), n);
	}
	pgt_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(grows_and_terminates),
	    cmocka_unit_test(the_maximum_holds),
	    cmocka_unit_test(long_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
