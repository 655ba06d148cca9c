#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg2une/num/ring.h"

static void
test_wraps(void **state)
{
	struct pgt_ring r;
	double v[8];

	(void)state;
	pgt_ring_init(&r, 4);
	assert_int_equal(pgt_ring_since(&r, 0), 0);
	for (int i = 1; i <= 11; i++) {
		pgt_ring_put(&r, i * 10, i);
		assert_int_equal(r.len, i < 4 ? i : 4);
		for (size_t j = 0; j < r.len; j++)
			assert_int_equal(pgt_ring_at(&r, j).t_ns,
					 (i - (int)r.len + 1 + (int)j) * 10);
	}
	assert_int_equal(pgt_ring_since(&r, 0), 0);
	assert_int_equal(pgt_ring_since(&r, 80), 0);
	assert_int_equal(pgt_ring_since(&r, 81), 1);
	assert_int_equal(pgt_ring_since(&r, 110), 3);
	assert_int_equal(pgt_ring_since(&r, 111), 4);
	assert_int_equal(pgt_ring_values(&r, 1, v, 8), 3);
	assert_true(v[0] == 9 && v[2] == 11);
	assert_int_equal(pgt_ring_values(&r, 0, v, 2), 2);
	assert_true(v[1] == 9);
	pgt_ring_clear(&r);
	assert_int_equal(pgt_ring_values(&r, 0, v, 8), 0);
	pgt_ring_put(&r, 5, NAN);
	assert_true(isnan(pgt_ring_at(&r, 0).v));
	pgt_ring_done(&r);
}

static void
test_capacity_one(void **state)
{
	struct pgt_ring r;

	(void)state;
	pgt_ring_init(&r, 0);
	pgt_ring_put(&r, 1, 1);
	pgt_ring_put(&r, 2, 2);
	assert_int_equal(r.len, 1);
	assert_int_equal(pgt_ring_at(&r, 0).t_ns, 2);
	pgt_ring_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wraps),
	    cmocka_unit_test(test_capacity_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
