#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"
#include "pg2une/num/quantile.h"

static const double PS[] = {0.5, 0.95, 0.99};

static void
near(double got, double want, double rel)
{
	if (!(fabs(got - want) <= rel * fabs(want)))
		fail_msg("got %.17g, want %.17g", got, want);
}

/* One lognormal: closed form exp(mu + s z). */
static void
test_single(void **state)
{
	struct pgt_qclass c = {.n = 1e6, .mean = 3, .var = 9, .var_ok = true};
	double s = sqrt(log(2));
	struct pgt_quantile q[3];

	(void)state;
	assert_true(pgt_quantile_mixture(&c, 1, PS, 3, q));
	for (int i = 0; i < 3; i++) {
		near(q[i].value, 3 * exp(-s * s / 2 + s * pgt_norm_quantile(PS[i])),
		     1e-8);
		assert_true(q[i].lo < q[i].value && q[i].value < q[i].hi);
	}
	c.var_ok = false; /* CV 1 is assumed: the same answer here */
	assert_true(pgt_quantile_mixture(&c, 1, PS, 3, q));
	near(q[2].value, 3 * exp(-s * s / 2 + s * pgt_norm_quantile(0.99)), 1e-8);
}

/* Against scipy's brentq on the mixture's cdf. */
static void
test_mixture(void **state)
{
	static const struct pgt_qclass c[] = {
	    {.n = 1000, .mean = 1, .var = 0.25, .var_ok = true},
	    {.n = 200, .mean = 20, .var = 100, .var_ok = true},
	    {.n = 5, .mean = 900, .var = 40000, .var_ok = true},
	    {.n = 0, .mean = 900, .var = 1},
	    {.n = 10, .mean = 0, .var = 1},
	};
	static const double p[] = {0.5, 0.95, 0.99, 0.999};
	static const double want[] = {1.0112263385086036, 23.683135317128933,
				      42.03692065792209, 1025.2141967892721};
	struct pgt_quantile q[4];

	(void)state;
	assert_true(pgt_quantile_mixture(c, PGT_LEN(c), p, 4, q));
	for (int i = 0; i < 4; i++)
		near(q[i].value, want[i], 1e-8);
	assert_false(pgt_quantile_mixture(c + 3, 2, p, 4, q));
	assert_false(pgt_quantile_mixture(NULL, 0, p, 4, q));
}

/* Classes of one and two calls, and three with min and max, are known exactly. */
static void
test_atoms(void **state)
{
	static const struct pgt_qclass c[] = {
	    {.n = 1, .mean = 5, .var_ok = true},
	    {.n = 2, .mean = 15, .var = 25, .var_ok = true}, /* 10 and 20 */
	    {.n = 3,
	     .mean = 20,
	     .var = 1382.0 / 3,
	     .min = 1,
	     .max = 50,
	     .minmax = true,
	     .var_ok = true}, /* 1, 9, 50 */
	};
	static const double p[] = {1.0 / 12, 3.0 / 12, 5.0 / 12,
				   7.0 / 12, 9.0 / 12, 11.0 / 12};
	static const double want[] = {1, 5, 9, 10, 20, 50};
	struct pgt_quantile q[6];

	(void)state;
	assert_true(pgt_quantile_mixture(c, PGT_LEN(c), p, 6, q));
	for (int i = 0; i < 6; i++) {
		near(q[i].value, want[i], 1e-8);
		assert_true(q[i].lo == q[i].value && q[i].hi == q[i].value);
	}
}

/* The top call of 200 is the peeled maximum. */
static void
test_peel(void **state)
{
	struct pgt_qclass c = {.n = 200,
			       .mean = 6,
			       .var = 1000,
			       .var_ok = true,
			       .min = 0.5,
			       .max = 400,
			       .minmax = true};
	static const double p[] = {0.998, 0.5};
	struct pgt_quantile q[2];

	(void)state;
	assert_true(pgt_quantile_mixture(&c, 1, p, 2, q));
	near(q[0].value, 400, 1e-8);
	assert_true(q[1].value > 0.5 && q[1].value < 6);
}

static void
test_band_between_modes(void **state)
{
	/* p95 falls into the gap: the band must say that nothing is known. */
	static const struct pgt_qclass c[] = {
	    {.n = 9500, .mean = 0.1, .var = 1e-5, .var_ok = true},
	    {.n = 500, .mean = 1000, .var = 100, .var_ok = true},
	};
	struct pgt_quantile q[3];

	(void)state;
	assert_true(pgt_quantile_mixture(c, 2, PS, 3, q));
	assert_true(q[1].hi / q[1].lo > 100);
	assert_true(q[0].hi / q[0].lo < 3);
}

static void
test_speed(void **state)
{
	enum { N = 5000 };
	static struct pgt_qclass c[N];
	struct pgt_quantile q[3];
	int64_t t0, best200 = INT64_MAX, best5k = INT64_MAX;
	unsigned long long seed = 1;

	(void)state;
	for (int i = 0; i < N; i++) {
		double u;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		u = (double)(seed >> 11) / 9007199254740992.0;
		c[i] = (struct pgt_qclass){
		    .n = 1 + (i * 37) % 900, .mean = exp(12 * u - 5), .var_ok = true};
		c[i].var = c[i].mean * c[i].mean * (0.1 + (i % 5));
	}
	for (int r = 0; r < 20; r++) {
		t0 = pgt_clock_thread_cpu_ns();
		assert_true(pgt_quantile_mixture(c, 200, PS, 3, q));
		t0 = pgt_clock_thread_cpu_ns() - t0;
		best200 = t0 < best200 ? t0 : best200;
		if (r % 5)
			continue;
		t0 = pgt_clock_thread_cpu_ns();
		assert_true(pgt_quantile_mixture(c, N, PS, 3, q));
		t0 = pgt_clock_thread_cpu_ns() - t0;
		best5k = t0 < best5k ? t0 : best5k;
	}
	print_message("p50/p95/p99 of 200 classes: %.3f ms, of %d: %.2f ms\n",
		      (double)best200 / 1e6, N, (double)best5k / 1e6);
#ifndef __SANITIZE_ADDRESS__
	assert_true(best200 < 1000000);
#endif
}

static void
test_sample_quantile(void **state)
{
	double v[] = {4, 1, 3, 2};

	(void)state;
	near(pgt_quantile_of(v, 4, 0.5), 2.5, 1e-15);
	near(pgt_quantile_of(v, 4, 1), 4, 1e-15);
	near(pgt_quantile_of(v, 4, 0.25), 1.75, 1e-15);
	assert_true(isnan(pgt_quantile_of(v, 0, 0.5)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_single),
	    cmocka_unit_test(test_mixture),
	    cmocka_unit_test(test_atoms),
	    cmocka_unit_test(test_peel),
	    cmocka_unit_test(test_band_between_modes),
	    cmocka_unit_test(test_speed),
	    cmocka_unit_test(test_sample_quantile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
