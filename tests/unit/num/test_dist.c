/* Expected values: scipy 1.10 (norm, t, betainc, ttest_ind, mannwhitneyu). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"
#include "pg2une/num/ranktest.h"

static void
near(double got, double want, double rel)
{
	if (!(fabs(got - want) <= rel * fabs(want)))
		fail_msg("got %.17g, want %.17g", got, want);
}

static void
test_normal(void **state)
{
	static const double q[][2] = {
	    {1e-300, -37.0470962993612}, {1e-20, -9.262340089798409},
	    {1e-5, -4.264890793922825},  {0.025, -1.9599639845400545},
	    {0.3, -0.5244005127080409},  {0.975, 1.959963984540054}};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(q); i++) {
		near(pgt_norm_quantile(q[i][0]), q[i][1], 1e-14);
		near(pgt_norm_cdf(q[i][1]), q[i][0], 1e-11);
	}
	assert_true(pgt_norm_quantile(0.5) == 0);
	assert_true(isinf(pgt_norm_quantile(0)) && isinf(pgt_norm_quantile(1)));
	assert_true(isnan(pgt_norm_quantile(1.5)) && isnan(pgt_norm_quantile(NAN)));
}

static void
test_student(void **state)
{
	static const double sf[][3] = {
	    {0.5, 1, 0.3524163823495668},      {2, 3, 0.06966298427942155},
	    {2.5, 10.5, 0.015213136320544267}, {8, 30, 3.132911237850386e-09},
	    {40, 5, 9.205981085886476e-08},    {5, 1e6, 2.8669989354453655e-07},
	    {1e-3, 7, 0.4996150086224994},     {1.96, 1e10, 0.024997895162084827}};
	static const double q[][3] = {
	    {0.975, 1, 12.706204736432095}, {0.975, 2, 4.302652729911275},
	    {0.95, 4.7, 2.043811091845066}, {0.999, 30, 3.385184866818216},
	    {0.2, 12, -0.8726092915881369}, {1e-10, 3, -2225.769284683086}};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(sf); i++) {
		near(pgt_t_sf(sf[i][0], sf[i][1]), sf[i][2], 1e-9);
		near(pgt_t_cdf(-sf[i][0], sf[i][1]), sf[i][2], 1e-9);
		near(pgt_t_cdf(sf[i][0], sf[i][1]), 1 - sf[i][2], 1e-9);
	}
	for (size_t i = 0; i < PGT_LEN(q); i++)
		near(pgt_t_quantile(q[i][0], q[i][1]), q[i][2], 1e-9);
	near(pgt_beta_inc(2, 3, 0.4), 0.5248, 1e-13);
	near(pgt_beta_inc(0.5, 0.5, 0.3), 0.3690101195655454, 1e-13);
	near(pgt_beta_inc(50, 80, 0.4), 0.6450659221505501, 1e-12);
}

static void
test_welch(void **state)
{
	struct pgt_test t;

	(void)state;
	assert_true(pgt_welch(6, 29.92, 0.01164, 6, 30.015, 0.00247, &t));
	near(t.stat, 1.9590058081081434, 1e-9);
	near(t.p, 0.09077332428566114, 1e-7);
	assert_false(pgt_welch(1, 0, 1, 6, 1, 1, &t));
	assert_false(pgt_welch(5, 1, 0, 6, 1, 0, &t));
	assert_true(pgt_welch(5, 1, 0, 6, 2, 0, &t));
	assert_true(t.p == 0 && isinf(t.stat) && t.stat > 0);
	assert_false(pgt_welch(5, 1, NAN, 6, 2, 0, &t));
}

static void
test_rank(void **state)
{
	static const double x[] = {1.1, 2, 2, 3.5, 4, 5, 6.2, 7};
	static const double y[] = {2, 3.5, 5.5, 6.2, 8, 9, 9, 10, 11};
	static const double same[] = {3, 3, 3};
	struct pgt_test t;

	(void)state;
	assert_true(pgt_mann_whitney(x, PGT_LEN(x), y, PGT_LEN(y), &t));
	near(t.p, 0.03773057935105756, 1e-9);
	assert_true(t.stat > 0);
	assert_true(pgt_mann_whitney(y, PGT_LEN(y), x, PGT_LEN(x), &t));
	assert_true(t.stat < 0);
	assert_false(pgt_mann_whitney(same, 3, same, 3, &t));
	assert_false(pgt_mann_whitney(x, 0, y, 3, &t));
}

static void
test_fdr(void **state)
{
	/* Benjamini & Hochberg 1995, section 4: 15 p values, four rejected at 5 %. */
	static const double p[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201,
				   0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
				   0.4262, 0.5719, 0.6528, 0.7590, 1.0};
	double q[15], few[4];
	int n = 0;

	(void)state;
	pgt_fdr_bh(p, 15, q);
	for (int i = 0; i < 15; i++)
		n += q[i] <= 0.05;
	assert_int_equal(n, 4);
	near(q[0], 0.0015, 1e-12);
	near(q[4], 0.0298 * 15 / 7 < 0.0201 * 3 ? 0.0298 * 15 / 7 : 0.0201 * 3, 1e-12);
	pgt_fdr_bh((const double[]){NAN, 0.04, 0.01, NAN}, 4, few);
	assert_true(isnan(few[0]) && isnan(few[3]));
	near(few[1], 0.04, 1e-12);
	near(few[2], 0.02, 1e-12);
	pgt_fdr_bh(p, 0, q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_normal), cmocka_unit_test(test_student),
	    cmocka_unit_test(test_welch),  cmocka_unit_test(test_rank),
	    cmocka_unit_test(test_fdr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
