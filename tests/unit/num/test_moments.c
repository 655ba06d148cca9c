#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/moments.h"

/* pg_stat_statements' own arithmetic: Welford's mean and sum of squares, a total. */
struct stmt {
	struct pgt_moments m;
	double total;
};

static void
call(struct stmt *s, double ms)
{
	pgt_moments_add(&s->m, ms);
	s->total += ms;
}

static struct pgt_stmt_reading
reading(const struct stmt *s)
{
	return (struct pgt_stmt_reading){(int64_t)s->m.n, s->total, s->m.mean,
					 s->m.n > 0 ? sqrt(s->m.m2 / s->m.n) : 0};
}

static void
test_welford(void **state)
{
	struct pgt_moments a = {0}, b = {0}, all = {0};

	(void)state;
	for (int i = 0; i < 10; i++) {
		pgt_moments_add(i < 3 ? &a : &b, 1e9 + i);
		pgt_moments_add(&all, 1e9 + i);
	}
	pgt_moments_merge(&a, &b);
	pgt_moments_merge(&a, &(struct pgt_moments){0});
	assert_true(a.n == 10 && fabs(a.mean - (1e9 + 4.5)) < 1e-6);
	assert_true(fabs(pgt_moments_var(&a) - 55.0 / 6) < 1e-6);
	assert_true(fabs(all.m2 - a.m2) < 1e-5);
	assert_true(pgt_moments_var(&(struct pgt_moments){.n = 1}) == 0);
}

static void
test_interval_exact(void **state)
{
	struct stmt s = {0};
	struct pgt_stmt_reading before, after;
	struct pgt_interval iv;

	(void)state;
	before = reading(&s);
	for (int i = 0; i < 100000; i++)
		call(&s, 10 + i % 7);
	after = reading(&s);
	assert_true(pgt_moments_interval(&before, &after, &iv));
	assert_true(iv.var_ok && fabs(iv.mean_ms - s.total / 1e5) < 1e-9);
	before = after;
	for (int i = 0; i < 4; i++)
		call(&s, 1 + i);
	after = reading(&s);
	assert_true(pgt_moments_interval(&before, &after, &iv));
	assert_true(iv.n == 4 && iv.var_ok);
	assert_true(fabs(iv.mean_ms - 2.5) < 1e-9);
	assert_true(fabs(iv.var_ms2 - 1.25) < 1e-4 * 1.25);

	before = after;
	call(&s, 77);
	after = reading(&s);
	assert_true(pgt_moments_interval(&before, &after, &iv));
	assert_true(iv.var_ok && iv.var_ms2 == 0 && fabs(iv.mean_ms - 77) < 1e-8);
}

static void
test_interval_refuses(void **state)
{
	struct pgt_stmt_reading a = {10, 100, 10, 1}, b = {9, 90, 10, 1};
	struct pgt_interval iv = {.n = -1};

	(void)state;
	assert_false(pgt_moments_interval(&a, &a, &iv));
	assert_false(pgt_moments_interval(&a, &b, &iv));
	b = (struct pgt_stmt_reading){20, 50, 2.5,
				      1}; /* more calls in less time: a reset */
	assert_false(pgt_moments_interval(&a, &b, &iv));
	b = (struct pgt_stmt_reading){20, NAN, 2.5, 1};
	assert_false(pgt_moments_interval(&a, &b, &iv));
	assert_true(iv.n == -1);
}

/* Whatever the history, a variance that passes the guard must be right; and the
 * guard must not refuse where the digits are there.  Histories of 3e8 calls are
 * made by formula: looping would take seconds. */
static void
test_guard(void **state)
{
	static const struct {
		double calls;
		int nd;
		bool ok;
	} rows[] = {{1e4, 30, true}, {1e7, 30, true}, {3e8, 2, false}};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		/* slow history: mean 100 ms, sd 80; fast interval around 1 ms */
		struct stmt s = {{rows[i].calls, 100, rows[i].calls * 6400},
				 rows[i].calls * 100};
		struct pgt_stmt_reading before = reading(&s), after;
		struct pgt_moments truth = {0};
		struct pgt_interval iv;
		double var;

		for (int j = 0; j < rows[i].nd; j++) {
			double ms = 1 + 0.3 * (j % 5);

			call(&s, ms);
			pgt_moments_add(&truth, ms);
		}
		after = reading(&s);
		var = truth.m2 / truth.n;
		assert_true(pgt_moments_interval(&before, &after, &iv));
		assert_int_equal(iv.var_ok, rows[i].ok);
		if (iv.var_ok && fabs(iv.var_ms2 / var - 1) > 0.2)
			fail_msg("row %zu: var %g, truth %g", i, iv.var_ms2, var);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_welford),
	    cmocka_unit_test(test_interval_exact),
	    cmocka_unit_test(test_interval_refuses),
	    cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
