#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/engine/measure.h"
#include "pg2une/num/random.h"

static struct pgt_window
window(uint64_t seed, double tps, double p99, double noise)
{
	struct pgt_window w = {.n = 12, .tps = tps, .p99_ms = p99, .n_keys = 2};
	struct pgt_random r;

	pgt_random_init(&r, seed);
	for (size_t i = 0; i < w.n; i++) {
		double e = noise * pgt_random_normal(&r), f = noise * pgt_random_normal(&r);

		w.bucket[i] = (struct pgt_bucket){tps * exp(e), tps, p99 / 5, p99 * exp(f)};
	}
	w.key[0] = 1;
	w.key[1] = 2;
	w.share[0] = 0.7;
	w.share[1] = 0.3;
	return w;
}

static enum pgt_verdict
verdict(const struct pgt_window *a, const struct pgt_window *b)
{
	struct pgt_comparison c;

	pgt_measure_compare(a, b, &c);
	return c.verdict;
}

static void
test_the_same_passes(void **state)
{
	struct pgt_window a = window(1, 1000, 20, 0.03), b = window(2, 1000, 20, 0.03);

	(void)state;
	assert_int_equal(verdict(&a, &b), PGT_VERDICT_PASS);
}

static void
test_worse_fails_either_way(void **state)
{
	struct pgt_window a = window(1, 1000, 20, 0.03), slow = window(2, 1000, 30, 0.03);
	struct pgt_window few = window(3, 700, 20, 0.03);

	(void)state;
	assert_int_equal(verdict(&a, &slow), PGT_VERDICT_FAIL);
	assert_int_equal(verdict(&a, &few), PGT_VERDICT_FAIL);
}

static void
test_noise_is_inconclusive_not_a_pass(void **state)
{
	struct pgt_window a = window(1, 1000, 20, 0.6), b = window(2, 1000, 20, 0.6);

	(void)state;
	assert_int_equal(verdict(&a, &b), PGT_VERDICT_INCONCLUSIVE);
}

static void
test_nothing_gaps_and_another_load_are_unknown(void **state)
{
	struct pgt_window a = window(1, 1000, 20, 0.03), b = window(2, 1000, 20, 0.03);
	struct pgt_window none = {.n = 0}, mix = b, gaps = b;

	(void)state;
	assert_int_equal(verdict(&a, &none), PGT_VERDICT_UNKNOWN);
	assert_int_equal(verdict(&none, &a), PGT_VERDICT_UNKNOWN);
	gaps.gaps = 5;
	assert_int_equal(verdict(&a, &gaps), PGT_VERDICT_UNKNOWN);
	mix.key[0] = 9;
	assert_int_equal(verdict(&a, &mix), PGT_VERDICT_UNKNOWN);
	b.n = 3;
	assert_int_equal(verdict(&a, &b), PGT_VERDICT_UNKNOWN);
}

static void
test_improvement_weighs_both(void **state)
{
	struct pgt_window a = window(1, 1000, 20, 0), b = window(1, 1100, 10, 0);
	struct pgt_comparison c;

	(void)state;
	pgt_measure_compare(&a, &b, &c);
	assert_true(fabs(c.improvement_pct - (0.6 * 10 + 0.4 * 50)) < 0.01);
}

/* Ten calls of 100 ms among 100 of 1 ms are 10 ms each on the mean, by chance or not. */
static struct pgt_window
few_long(double long_calls, double short_ms, double long_ms)
{
	struct pgt_window w = {.n = 4, .n_keys = 2, .calls = 100};

	w.key[0] = 1;
	w.key[1] = 2;
	w.share[1] = long_calls / w.calls;
	w.share[0] = 1 - w.share[1];
	w.key_ms[0] = short_ms;
	w.key_ms[1] = long_ms;
	w.mean_ms = w.share[0] * short_ms + w.share[1] * long_ms;
	return w;
}

static void
test_chance_in_the_mix_is_taken_out(void **state)
{
	struct pgt_window ref = few_long(10, 1, 100), more = few_long(16, 1, 100);
	struct pgt_window faster = few_long(16, 1, 80), none = few_long(0, 1, 100);

	(void)state;
	assert_true(more.mean_ms > 1.5 * ref.mean_ms);
	assert_true(fabs(pgt_window_standard_ms(&ref, &more) - ref.mean_ms) < 1e-9);
	assert_true(fabs(pgt_window_standard_ms(&ref, &faster) - (0.9 + 8)) < 1e-9);
	/* A slow statement that never came up must not look like a gain. */
	none.n_keys = 1;
	assert_true(isnan(pgt_window_standard_ms(&ref, &none)));
	/* Two classes: half of 2 sqrt(2/pi 0.09 (1/100 + 1/100)) */
	assert_true(fabs(pgt_window_mix_noise(&ref, &more) - 0.03385) < 1e-4);
	/* But what came up once, somebody's own query, need not come again. */
	ref = few_long(1, 1, 900);
	assert_true(fabs(pgt_window_standard_ms(&ref, &none) - ref.mean_ms) < 1e-9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_same_passes),
	    cmocka_unit_test(test_worse_fails_either_way),
	    cmocka_unit_test(test_noise_is_inconclusive_not_a_pass),
	    cmocka_unit_test(test_nothing_gaps_and_another_load_are_unknown),
	    cmocka_unit_test(test_improvement_weighs_both),
	    cmocka_unit_test(test_chance_in_the_mix_is_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
