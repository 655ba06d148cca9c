/* The dictionary of laws against samples of known shape. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pg2une/num/quantile.h"
#include "pg2une/num/random.h"
#include "pg2une/num/shape.h"

enum { CALLS = 4000 };
static const double PS[] = {0.5, 0.95, 0.99};
static struct pgt_random rng;

/* Calls of two modes (slow ones slow_ms), as samples at 1 Hz over them see their ages
 * when so many run that each call is seen with a chance of ms / every_ms. */
static void
sample(double share, double slow_ms, double every_ms, double *v, struct pgt_shape *c,
       struct pgt_ages *ages)
{
	double sum = 0, square = 0;

	*c = (struct pgt_shape){.n = CALLS, .var_ok = true, .ages = ages};
	*ages = (struct pgt_ages){0};
	for (int i = 0; i < CALLS; i++) {
		double mode = pgt_random_uniform(&rng) < share ? slow_ms : 2;

		v[i] = mode * exp(0.1 * pgt_random_normal(&rng));
		sum += v[i];
		square += v[i] * v[i];
		c->ceil = fmax(c->ceil, v[i]);
		if (pgt_random_uniform(&rng) < v[i] / every_ms)
			pgt_ages_add(ages, v[i] * pgt_random_uniform(&rng), false);
	}
	c->mean = sum / CALLS;
	c->var = square / CALLS - c->mean * c->mean;
}

static void
test_two_modes(void **state)
{
	static double v[CALLS];
	double moments = 0, aged = 0, covered = 0;
	struct pgt_quantile q[3];
	struct pgt_qclass plain;
	struct pgt_ages ages;
	struct pgt_shape c;
	bool by_ages;

	(void)state;
	for (int rep = 0; rep < 20; rep++) {
		sample(0.06 + 0.01 * rep, 40, 200, v, &c, &ages);
		for (int i = 0; i < 3; i++) {
			double truth = pgt_quantile_of(v, CALLS, PS[i]);

			plain = (struct pgt_qclass){.n = c.n, .mean = c.mean,
						    .var = c.var, .var_ok = true};
			assert_true(pgt_quantile_mixture(&plain, 1, PS, 3, q));
			moments += fabs(q[i].value / truth - 1) / 60;
			assert_true(pgt_shape_quantiles(&c, 1, PS, 3, q, &by_ages));
			assert_true(by_ages);
			aged += fabs(q[i].value / truth - 1) / 60;
			covered += (truth >= q[i].lo && truth <= q[i].hi) / 60.0;
		}
	}
	/* measured: 0.54, 0.05 and 0.93 */
	if (aged > 0.2 || moments < 2 * aged || covered < 0.8)
		fail_msg("error %.2f by moments, %.2f with ages; %.2f within the band",
			 moments, aged, covered);
}

/* Nothing known but the moments: the lognormal's answer, and its wider band. */
static void
test_nothing_known(void **state)
{
	struct pgt_shape c = {.n = 1e5, .mean = 3, .var = 9, .var_ok = true};
	double s = sqrt(log(2));
	struct pgt_quantile q[3];
	bool by_ages = true;

	(void)state;
	c.plain = true;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, q, &by_ages));
	assert_false(by_ages);
	assert_true(fabs(q[0].value - 3 * exp(-s * s / 2)) < 1e-6);
	assert_true(q[0].hi / q[0].value > 1.25);
	c.plain = false;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, q, &by_ages));
	assert_true(fabs(q[0].value / (3 * exp(-s * s / 2)) - 1) < 0.15);
	c.n = 0;
	assert_false(pgt_shape_quantiles(&c, 1, PS, 3, q, &by_ages));
}

/* No call above 41 ms: a lognormal of these moments has 1 in 80 there. */
static void
test_greatest_call(void **state)
{
	struct pgt_shape c = {.n = 2000, .mean = 5, .var = 110, .var_ok = true};
	struct pgt_quantile free[3], held[3];
	bool by_ages;

	(void)state;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, free, &by_ages));
	c.ceil = 41;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, held, &by_ages));
	assert_true(held[2].value < free[2].value && held[2].value < 41);
	assert_true(held[1].value > free[1].value);
}

/* What the moments leave out lengthens the usual call and makes interruptions
 * oftener, not longer; the mean of a lognormal stays what it is in sum. */
static void
test_over(void **state)
{
	struct pgt_shape c = {.n = 2000, .mean = 0.1, .var = 0.25, .var_ok = true};
	struct pgt_quantile without[3], with[3];
	bool by_ages;

	(void)state;
	c.plain = true;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, without, &by_ages));
	c.over = 0.3;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, with, &by_ages));
	/* mean 0.4 and variance 1: s^2 = ln(1 + 1 / 0.16) */
	assert_true(fabs(with[0].value - 0.4 / sqrt(1 + 1 / 0.16)) < 1e-6);
	assert_true(with[2].value / without[2].value <
		    0.7 * with[0].value / without[0].value);
}

/* Waiting for a lock without an end is no news of those that come to one; nor are
 * fifty sightings of one call those of fifty. */
static void
test_ages_that_mislead(void **state)
{
	struct pgt_shape c = {.n = 2000, .mean = 5, .var = 25, .var_ok = true, .ceil = 60};
	struct pgt_quantile before[3], after[3];
	struct pgt_ages ages = {0};
	bool by_ages;

	(void)state;
	c.ages = &ages;
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, before, &by_ages));
	for (int i = 0; i < 50; i++)
		pgt_ages_add(&ages, 600e3, i >= PGT_AGES_MIN);
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, after, &by_ages));
	assert_true(fabs(after[2].value / before[2].value - 1) < 0.05);
	pgt_ages_fade(&ages, 0.5);
	assert_true(ages.n == 25 && ages.n_calls == PGT_AGES_MIN / 2.0);
	assert_true(pgt_shape_quantiles(&c, 1, PS, 3, after, &by_ages));
	assert_false(by_ages);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_modes),	  cmocka_unit_test(test_nothing_known),
	    cmocka_unit_test(test_greatest_call), cmocka_unit_test(test_over),
	    cmocka_unit_test(test_ages_that_mislead),
	};

	pgt_random_init(&rng, 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
