/* Expected values: the table of average run lengths in the numerics notes, computed
 * there with R's spc package. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/detect/cusum.h"
#include "pg2une/detect/selfstart.h"
#include "pg2une/num/random.h"

static void
near(double got, double want, double rel)
{
	if (!(fabs(got - want) <= rel * fabs(want)))
		fail_msg("got %.9g, want %.9g", got, want);
}

static void
test_arl_table(void **state)
{
	static const struct {
		double h, shift, arl, tol; /* tol: the digits that the table gives */
	} one[] = {
	    {4, 0, 335.37, 2e-5}, {4, 1, 8.383, 1e-4},   {4, 2, 3.343, 2e-4},
	    {4, 3, 2.194, 3e-4},  {5, 0, 930.89, 1e-5},  {5, 1, 10.376, 1e-4},
	    {5, 2, 4.009, 2e-4},  {5, 3, 2.573, 3e-4},   {8, 0, 18966, 3e-5},
	    {8, 1, 16.37, 4e-4},  {10, 0, 140260, 5e-5}, {10, 1, 20.37, 4e-4},
	};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(one); i++)
		near(pgt_cusum_arl(0.5, one[i].h, one[i].shift), one[i].arl, one[i].tol);
	near(pgt_cusum_arl_two_sided(0.5, 4, 0), 167.68, 3e-5);
	near(pgt_cusum_arl_two_sided(0.5, 5, 0), 465.44, 3e-5);
	near(pgt_cusum_arl_two_sided(0.5, 8, 0), 9483, 1e-4);
	/* at half a sigma the other side still shows: the table holds both sides */
	near(pgt_cusum_arl_two_sided(0.5, 4, 0.5), 26.6, 2e-3);
	near(pgt_cusum_arl_two_sided(0.5, 5, 0.5), 38.0, 2e-3);
	near(pgt_cusum_arl_two_sided(0.3, 3, 0), 48.0 / 2, 0.03);
	near(pgt_cusum_arl_siegmund(0.5, 4, 0), 338.1, 1e-3);
	near(pgt_cusum_arl_siegmund(0.5, 5, 0), 938.2, 1e-3);
	near(pgt_cusum_arl_siegmund(0.5, 5, 0.5), 6.166 * 6.166, 1e-12);
}

/* One false alarm a week over M one-sided charts: the budgets of the notes. */
static void
test_thresholds(void **state)
{
	static const struct {
		double charts, bucket_s, h;
	} rows[] = {{3, 60, 8.47},  {3, 15, 9.85},   {3, 1, 12.56},
		    {10, 60, 9.67}, {10, 15, 11.06}, {10, 1, 13.76}};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		double arl0 = pgt_cusum_budget(1, rows[i].bucket_s, rows[i].charts);
		double h = pgt_cusum_threshold(0.5, arl0);

		near(h, rows[i].h, 6e-4);
		near(pgt_cusum_arl(0.5, h, 0), arl0, 1e-6);
	}
	near(pgt_cusum_threshold(0.5, 930.89), 5, 1e-5);
	assert_true(pgt_cusum_threshold(0.5, 1) == 0);
}

static double
simulate(struct pgt_random *r, double h, double shift, enum pgt_cusum_sides sides,
	 int reps)
{
	double total = 0;

	for (int i = 0; i < reps; i++) {
		struct pgt_cusum c;

		pgt_cusum_init(&c, 0.5, h, sides);
		do
			total++;
		while (pgt_cusum_step(&c, pgt_random_normal(r) + shift) == 0);
	}
	return total / reps;
}

/* The chart itself, run: within 3 % of the exact values.  The standard error is below
 * 1 % of the run length at these repetitions. */
static void
test_arl_simulated(void **state)
{
	static const double hs[] = {4, 5}, shifts[] = {0, 0.5, 1, 2, 3};
	struct pgt_random r;

	(void)state;
	pgt_random_init(&r, 42);
	for (size_t i = 0; i < PGT_LEN(hs); i++) {
		for (size_t j = 0; j < PGT_LEN(shifts); j++) {
			near(simulate(&r, hs[i], shifts[j], PGT_CUSUM_UP, 15000),
			     pgt_cusum_arl(0.5, hs[i], shifts[j]), 0.03);
			near(simulate(&r, hs[i], shifts[j], PGT_CUSUM_BOTH, 15000),
			     pgt_cusum_arl_two_sided(0.5, hs[i], shifts[j]), 0.03);
		}
	}
}

static void
test_sides_and_onset(void **state)
{
	struct pgt_cusum c;

	(void)state;
	pgt_cusum_init(&c, 0.5, 4, PGT_CUSUM_DOWN);
	for (int i = 0; i < 10; i++)
		assert_int_equal(pgt_cusum_step(&c, 3), 0);
	pgt_cusum_reset(&c);
	assert_int_equal(pgt_cusum_step(&c, 0.4), 0);
	assert_int_equal(pgt_cusum_step(&c, -2.5), 0);
	assert_int_equal(pgt_cusum_step(&c, -2.5), -1); /* 2 + 2 reaches h */
	assert_int_equal(c.down_len, 2);
	assert_true(c.down == 4);
}

/* Hawkins' chart keeps the run length of known parameters from the third value on. */
static void
test_selfstart_arl(void **state)
{
	struct pgt_random r;
	double total = 0;
	int reps = 2500;

	(void)state;
	pgt_random_init(&r, 7);
	for (int i = 0; i < reps; i++) {
		struct pgt_selfstart s;
		struct pgt_cusum c;
		int n = 0;

		pgt_selfstart_init(&s, 0);
		pgt_cusum_init(&c, 0.5, 4, PGT_CUSUM_UP);
		for (int j = 0; j < 30; j++)
			pgt_selfstart_step(&s, 100 + 7 * pgt_random_normal(&r), 0, 0);
		do
			n++;
		while (pgt_cusum_step(
			   &c, pgt_selfstart_step(&s, 100 + 7 * pgt_random_normal(&r), 0,
						  0)) == 0);
		total += n;
	}
	near(total / reps, 335.37, 0.07);
}

/* The statistics are exactly standard normal, whatever mean and deviation. */
static void
test_selfstart_normal(void **state)
{
	struct pgt_random r;
	double sum = 0, sq = 0, out = 0;
	int n = 0;

	(void)state;
	pgt_random_init(&r, 9);
	for (int i = 0; i < 6000; i++) {
		struct pgt_selfstart s;

		pgt_selfstart_init(&s, 0);
		for (int j = 0; j < 12; j++) {
			double z = pgt_selfstart_step(
			    &s, 5 + 0.01 * pgt_random_normal(&r), 0, 0);

			if (j < 2) {
				assert_true(z == 0);
				continue;
			}
			sum += z;
			sq += z * z;
			out += fabs(z) > 1.959964;
			n++;
		}
	}
	assert_true(fabs(sum / n) < 0.015);
	near(sq / n, 1, 0.02);
	near(out / n, 0.05, 0.06);
}

static void
test_selfstart_winsor(void **state)
{
	struct pgt_random r;
	struct pgt_selfstart s;
	double z;

	(void)state;
	pgt_random_init(&r, 11);
	pgt_selfstart_init(&s, 2000);
	for (int i = 0; i < 20000; i++) {
		double x = pgt_random_normal(&r) * (i % 100 == 50 ? 30 : 1);

		pgt_selfstart_step(&s, x, 3, 0);
	}
	assert_true(s.m.n == 2000);
	near(sqrt(pgt_moments_var(&s.m)), 1, 0.08);
	z = pgt_selfstart_peek(&s, 1e12, 0);
	assert_true(isfinite(z) && z > 30);
	pgt_selfstart_init(&s, 0);
	for (int i = 0; i < 50; i++)
		assert_true(fabs(pgt_selfstart_step(&s, 3, 3, 0.1)) < 1e-12);
	assert_true(pgt_selfstart_peek(&s, 3.05, 0.1) < 0.6); /* min_sd speaks */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arl_table),
	    cmocka_unit_test(test_thresholds),
	    cmocka_unit_test(test_arl_simulated),
	    cmocka_unit_test(test_sides_and_onset),
	    cmocka_unit_test(test_selfstart_arl),
	    cmocka_unit_test(test_selfstart_normal),
	    cmocka_unit_test(test_selfstart_winsor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
