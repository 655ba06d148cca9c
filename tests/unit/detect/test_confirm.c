/* Change points, scalability, forecast and confidence against closed forms and
 * published examples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/changepoint.h"
#include "pg2une/detect/confidence.h"
#include "pg2une/detect/forecast.h"
#include "pg2une/detect/usl.h"
#include "pg2une/num/random.h"

static void
near(double got, double want, double rel)
{
	if (!(fabs(got - want) <= rel * fabs(want)))
		fail_msg("got %.12g, want %.12g", got, want);
}

/* ---- E-divisive ------------------------------------------------------------------ */

/* Two constant halves a apart: Q = mn/(m+n) 2a. */
static void
test_energy_closed_form(void **state)
{
	double x[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		x[i] = i < 4 ? 1 : 4;
	near(pgt_energy_stat(x, 10, 4), 4.0 * 6 / 10 * 2 * 3, 1e-12);
	/* 1 2 | 4 7: across 3+6+2+5 = 16, within 1 and 3; Q = 1 (2*16/4 - 2/2 - 6/2) */
	near(pgt_energy_stat((const double[]){1, 2, 4, 7}, 4, 2), 8 - 1 - 3, 1e-12);
	assert_true(pgt_energy_stat(x, 10, 4) > pgt_energy_stat(x, 10, 5));
}

static size_t
find(struct pgt_random *r, size_t n, const double *level, double noise, double phi,
     struct pgt_change_point *cp)
{
	double x[240], ar = 0;
	int64_t t[240];

	for (size_t i = 0; i < n; i++) {
		ar = phi * ar + sqrt(1 - phi * phi) * pgt_random_normal(r);
		x[i] = level[i * 3 / n] * (1 + noise * ar);
		t[i] = (int64_t)i * 1000;
	}
	return pgt_changepoints(x, t, n, 0.01, PGT_CHANGEPOINT_MAGNITUDE, cp, 8);
}

static void
test_changepoints(void **state)
{
	struct pgt_change_point cp[8];
	struct pgt_random r;
	int exact = 0;

	(void)state;
	pgt_random_init(&r, 4);
	for (int i = 0; i < 50; i++) {
		size_t n = find(&r, 120, (const double[]){100, 130, 60}, 0.05, 0, cp);

		assert_int_equal(n, 2);
		exact += llabs((long long)cp[0].index - 40) <= 1 &&
			 llabs((long long)cp[1].index - 80) <= 1;
		near(cp[0].magnitude, 0.3, 0.2);
		near(cp[1].mean_after, 60, 0.05);
		assert_true(cp[1].t_ns == (int64_t)cp[1].index * 1000);
		assert_true(cp[0].p <= 0.01 && cp[1].p <= 0.01);
	}
	assert_true(exact >= 48);
}

/* No change: white noise and autocorrelated noise alike must stay quiet. */
static void
test_changepoints_false(void **state)
{
	struct pgt_change_point cp[8];
	struct pgt_random r;
	int white = 0, ar = 0;

	(void)state;
	pgt_random_init(&r, 6);
	for (int i = 0; i < 300; i++) {
		white += find(&r, 120, (const double[]){100, 100, 100}, 0.2, 0, cp) > 0;
		ar += find(&r, 120, (const double[]){100, 100, 100}, 0.2, 0.5, cp) > 0;
	}
	print_message("false change points in 300 series: white %d, AR(0.5) %d\n", white,
		      ar);
	assert_true(white <= 3);
	assert_true(ar <= 9);
}

static void
test_changepoints_bounds(void **state)
{
	struct pgt_change_point cp[1];
	double x[40];

	(void)state;
	for (int i = 0; i < 40; i++)
		x[i] = i < 20 ? 10 : 20;
	assert_int_equal(pgt_changepoints(x, NULL, 19, 0.01, 0.1, cp, 1), 0);
	assert_int_equal(pgt_changepoints(x, NULL, 2000, 0.01, 0.1, cp, 1), 0);
	assert_int_equal(pgt_changepoints(x, NULL, 40, 0.01, 0.1, cp, 0), 0);
	assert_int_equal(pgt_changepoints(x, NULL, 40, 0.01, 0.1, cp, 1), 1);
	assert_int_equal(cp[0].index, 20);
	assert_true(cp[0].magnitude == 1 && cp[0].p == 0);
	assert_int_equal(pgt_changepoints(x, NULL, 40, 0.01, 1.5, cp, 1), 0);
	for (int i = 0; i < 40; i++)
		x[i] = 7;
	assert_int_equal(pgt_changepoints(x, NULL, 40, 0.01, 0.1, cp, 1), 0);
}

/* ---- scalability ------------------------------------------------------------------ */

static void
test_usl_exact(void **state)
{
	static const struct pgt_usl truth[] = {
	    {.lambda = 995, .sigma = 0.02671, .kappa = 7.69e-4},
	    {.lambda = 10, .sigma = 0, .kappa = 0},
	    {.lambda = 50, .sigma = 0.3, .kappa = 0},
	    {.lambda = 50, .sigma = 0, .kappa = 0.001}};
	double n[8], x[8];

	(void)state;
	for (size_t t = 0; t < PGT_LEN(truth); t++) {
		struct pgt_usl u;

		for (int i = 0; i < 8; i++) {
			n[i] = 1 + 5 * i;
			x[i] = pgt_usl_at(&truth[t], n[i]);
		}
		x[7] *= 0.8;
		pgt_usl_fit(n, x, 7, &u);
		assert_true(u.valid && u.points == 7);
		near(u.lambda, truth[t].lambda, 1e-9);
		assert_true(fabs(u.sigma - truth[t].sigma) < 1e-9);
		assert_true(fabs(u.kappa - truth[t].kappa) < 1e-11);
		assert_true(u.r2 > 1 - 1e-9 && fabs(u.deviation) < 1e-9);
	}
}

/* The ray tracer benchmark of the USL package for R; expected: scipy's nnls on the same
 * relative objective. */
static void
test_usl_raytracer(void **state)
{
	static const double n[] = {1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64};
	static const double x[] = {20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310};
	struct pgt_usl u;

	(void)state;
	pgt_usl_fit(n, x, PGT_LEN(n), &u);
	assert_true(u.valid);
	near(u.lambda, 21.74623509957568, 1e-9);
	near(u.sigma, 0.05685652841832311, 1e-8);
	near(u.kappa, 3.4547584052926814e-06, 1e-5);
	near(u.n_peak, sqrt((1 - u.sigma) / u.kappa), 1e-12);
	assert_true(u.r2 > 0.97);
}

static void
test_usl_refuses(void **state)
{
	static const double n[] = {10, 10, 10.1, 10.2, 20, 20, 20},
			    x[] = {1, 1, 1, 1, 2, 2, 2};
	static const double n5[] = {1, 2, 4, 8, 16, 0, 8},
			    x5[] = {10, 20, 39, 75, 140, 5, 40};
	struct pgt_usl u;

	(void)state;
	pgt_usl_fit(n, x, 7, &u); /* two different loads */
	assert_false(u.valid);
	pgt_usl_fit(n5, x5, 4, &u);
	assert_false(u.valid);
	pgt_usl_fit(n5, x5, 0, &u);
	assert_false(u.valid);
	pgt_usl_fit(n5, x5, 7, &u); /* the load of 0 is skipped, the last is far off */
	assert_true(u.valid && u.points == 6 && u.deviation < PGT_USL_WARN);
}

/* ---- forecast --------------------------------------------------------------------- */

/* Hyndman & Athanasopoulos, Forecasting: Principles and Practice (2nd ed.), 7.3:
 * visitor nights in Australia 2005-2015 with the published weights and start; the text
 * gives RMSE 1.763 and 76.10, 51.60, 63.97, 68.37 for 2016. */
static void
test_published(void **state)
{
	static const double y[] = {
	    42.20566, 24.64917, 32.66734, 37.25735, 45.24246, 29.35048, 36.34421,
	    41.78208, 49.27660, 31.27540, 37.85063, 38.83704, 51.23690, 31.83855,
	    41.32342, 42.79900, 55.70836, 33.40714, 42.31664, 45.15712, 59.57608,
	    34.83733, 44.84168, 46.97125, 60.01903, 38.37118, 46.97586, 50.73380,
	    61.64687, 39.29957, 52.67121, 54.33232, 66.83436, 40.87119, 51.82854,
	    57.49191, 65.25147, 43.06121, 54.76076, 59.83447, 73.25703, 47.69662,
	    61.09777, 66.05576};
	static const double want[] = {76.10, 51.60, 63.97, 68.37};
	struct pgt_holt_winters hw = {.period = 4,
				      .alpha = 0.306,
				      .beta = 0.0003,
				      .gamma = 0.426,
				      .level = 32.4875,
				      .trend = 0.7014,
				      .season = {9.6962, -9.3132, -1.6935, 1.3106}};
	struct pgt_holt_winters fit;
	double mid, lo, hi;

	(void)state;
	pgt_holt_winters_run(&hw, y, PGT_LEN(y));
	near(sqrt(hw.sse / (double)PGT_LEN(y)), 1.763, 1e-3);
	for (size_t h = 1; h <= 4; h++) {
		pgt_holt_winters_at(&hw, h, 1.96, &mid, &lo, &hi);
		near(mid, want[h - 1], 1e-4);
	}
	/* our own fit starts more simply, and must still do about as well */
	assert_int_equal(pgt_holt_winters_fit(y, PGT_LEN(y), 4, &fit, NULL), 0);
	assert_true(sqrt(fit.sse / (double)PGT_LEN(y)) < 1.1 * 1.763);
	for (size_t h = 1; h <= 4; h++) {
		pgt_holt_winters_at(&fit, h, 1.96, &mid, &lo, &hi);
		near(mid, want[h - 1], 0.02);
		assert_true(lo < want[h - 1] && want[h - 1] < hi);
	}
}

/* A line plus a season without noise is continued exactly, whatever the phase. */
static void
test_forecast_exact(void **state)
{
	static const double season[] = {3, -1, 0, 2, -4};
	struct pgt_holt_winters hw;
	double y[43], mid, lo, hi;

	(void)state;
	for (int i = 0; i < 43; i++)
		y[i] = 7 + 0.25 * i + season[i % 5];
	assert_int_equal(pgt_holt_winters_fit(y, 43, 5, &hw, NULL), 0);
	for (int h = 1; h <= 12; h++) {
		pgt_holt_winters_at(&hw, (size_t)h, 1.96, &mid, &lo, &hi);
		near(mid, 7 + 0.25 * (42 + h) + season[(42 + h) % 5], 1e-9);
		assert_true(hi - lo < 1e-6);
	}
	for (int i = 0; i < 43; i++)
		y[i] = 2 - 0.5 * i;
	assert_int_equal(pgt_holt_winters_fit(y, 43, 0, &hw, NULL), 0);
	pgt_holt_winters_at(&hw, 3, 1.96, &mid, &lo, &hi);
	near(mid, 2 - 0.5 * 45, 1e-9);
}

/* alpha 1 alone is a random walk: the variance of step h is h sigma^2. */
static void
test_forecast_interval(void **state)
{
	struct pgt_holt_winters hw = {.period = 1, .alpha = 1, .sigma = 2, .level = 10};
	struct pgt_random r;
	double mid, lo, hi;
	int in = 0;

	(void)state;
	pgt_holt_winters_at(&hw, 9, 1, &mid, &lo, &hi);
	assert_true(mid == 10);
	near(hi - mid, 6, 1e-12);
	/* the season's weight comes back each period: 1 + 4 c^2, c_3 and c_6 with gamma
	 */
	hw = (struct pgt_holt_winters){.period = 3, .gamma = 0.5, .sigma = 1};
	pgt_holt_winters_at(&hw, 7, 1, &mid, &lo, &hi);
	near(hi - mid, sqrt(1.5), 1e-12);

	/* coverage: a daily wave with noise, twelve steps ahead */
	pgt_random_init(&r, 12);
	for (int rep = 0; rep < 200; rep++) {
		double y[24 * 8 + 12];
		struct pgt_holt_winters f;

		for (int i = 0; i < 24 * 8 + 12; i++)
			y[i] = 5 + sin(2 * M_PI * i / 24) + 0.2 * pgt_random_normal(&r);
		assert_int_equal(pgt_holt_winters_fit(y, 24 * 8, 24, &f, NULL), 0);
		pgt_holt_winters_at(&f, 12, 1.96, &mid, &lo, &hi);
		in += y[24 * 8 + 11] >= lo && y[24 * 8 + 11] <= hi;
	}
	print_message("coverage of the 95 %% interval: %.1f %%\n", in / 2.0);
	assert_true(in >= 178 && in <= 200);
}

static void
test_forecast_refuses(void **state)
{
	struct pgt_holt_winters hw = {.n = 77};
	double y[400] = {0};
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_holt_winters_fit(y, 9, 0, &hw, &err), -1);
	assert_int_equal(err.code, PGT_E_NUMERIC);
	assert_int_equal(pgt_holt_winters_fit(y, 47, 24, &hw, &err), -1);
	assert_int_equal(pgt_holt_winters_fit(y, 400, 400, &hw, &err), -1);
	assert_int_equal(err.code, PGT_E_LIMIT);
	y[5] = NAN;
	assert_int_equal(pgt_holt_winters_fit(y, 50, 24, &hw, &err), -1);
	assert_int_equal(hw.n, 77);
}

/* Three weeks of hours with a weekly season must not hold up the engine's thread. */
static void
test_forecast_speed(void **state)
{
	static double y[504];
	struct pgt_holt_winters hw;
	int64_t t;

	(void)state;
	for (int i = 0; i < 504; i++)
		y[i] = sin(2 * M_PI * i / 24) + (i / 24 % 7 >= 5) +
		       0.1 * ((i * 7919) % 13);
	t = pgt_clock_thread_cpu_ns();
	assert_int_equal(pgt_holt_winters_fit(y, 504, 168, &hw, NULL), 0);
	t = pgt_clock_thread_cpu_ns() - t;
	print_message("fit of 504 hours: %.1f ms\n", (double)t / 1e6);
#ifndef __SANITIZE_ADDRESS__
	assert_true(t < 50000000);
#endif
}

/* ---- confidence ------------------------------------------------------------------- */

static void
test_confidence(void **state)
{
	struct pgt_usl bad = {.valid = true, .deviation = -0.2};
	struct pgt_usl unknown = {.valid = false, .deviation = -0.9};
	struct pgt_evidence e = {0};

	(void)state;
	assert_true(pgt_confidence(&e).value == 0 && !pgt_confidence(&e).high);
	e.cusum_families = 1;
	near(pgt_confidence(&e).value, 0.15, 1e-12);
	e.cusum_families = 7;
	near(pgt_confidence(&e).value, 0.30, 1e-12);
	assert_true(pgt_confidence(&e).high);
	e.usl = &unknown;
	near(pgt_confidence(&e).value, 0.30, 1e-12);
	e.usl = &bad;
	e.change_magnitude = 0.11;
	e.seasonal_deviation = 0.31;
	near(pgt_confidence(&e).value, 0.70, 1e-12);
	e.cusum_families = 1;
	e.usl = NULL;
	e.seasonal_deviation = NAN;
	near(pgt_confidence(&e).value, 0.30, 1e-12);
	assert_true(pgt_confidence(&e).high);
	e.change_magnitude = 0.10;
	assert_false(pgt_confidence(&e).high);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_energy_closed_form),
	    cmocka_unit_test(test_changepoints),
	    cmocka_unit_test(test_changepoints_false),
	    cmocka_unit_test(test_changepoints_bounds),
	    cmocka_unit_test(test_usl_exact),
	    cmocka_unit_test(test_usl_raytracer),
	    cmocka_unit_test(test_usl_refuses),
	    cmocka_unit_test(test_published),
	    cmocka_unit_test(test_forecast_exact),
	    cmocka_unit_test(test_forecast_interval),
	    cmocka_unit_test(test_forecast_refuses),
	    cmocka_unit_test(test_forecast_speed),
	    cmocka_unit_test(test_confidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
