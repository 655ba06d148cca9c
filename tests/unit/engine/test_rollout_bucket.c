/* A bucket of a rollout from two readings: what is compared, and what counts as slow. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/engine/rollouts_priv.h"

/* One statement of 1 ms with a p99 of 3 ms, the same on both nodes but for the factor. */
static struct pgt_gate_bucket
bucket(double latency_margin, double factor, bool swapped)
{
	struct pgt_ro_key key = {1, 10, 5};
	double p99 = 3;
	struct pgt_ro_limits limits = {&key, &p99, 1, 1 + latency_margin};
	struct pgt_ro_class pri[2] = {{key, 1000, 1, 0.8, true},
				      {{2, 10, 5}, 500, 9, 1, true}},
			    can = {key, 200, factor, 0.8 * factor * factor, true};
	struct pgt_ro_meter primary = {.classes = pri, .n_classes = 2, .lsn = 700},
			    canary = {.classes = &can, .n_classes = 1, .lsn = 600};
	struct pgt_gate_stratum *strata = NULL;
	struct pgt_gate_bucket b = {0};

	pgt_ro_bucket(&primary, &canary, &limits, swapped, &b, &strata);
	assert_int_equal(b.n_strata, 1); /* the other is not of the pool */
	assert_true(strata[0].canary_n == (swapped ? 1000 : 200));
	assert_true(strata[0].primary_n == (swapped ? 200 : 1000));
	assert_true(b.lag_bytes == 100);
	free(strata);
	b.strata = NULL;
	return b;
}

static void
test_slow_begins_at_the_margin(void **state)
{
	struct pgt_gate_bucket usual = bucket(0.1, 1, false), wide = bucket(0.5, 1, false),
			       slower = bucket(0.5, 1.5, false);

	(void)state;
	/* of the primary what it is, whatever the margin */
	assert_true(usual.primary_slow > 0 && usual.primary_slow == wide.primary_slow);
	/* alike nodes: fewer count on the canary, and fewest with a wide margin */
	assert_true(usual.canary_slow / 200 < usual.primary_slow / 1000);
	assert_true(wide.canary_slow < 0.6 * usual.canary_slow);
	/* as much slower as the margin allows is no harm, at its very limit */
	assert_true(fabs(slower.canary_slow / 200 - slower.primary_slow / 1000) < 1e-9);
}

static void
test_on_the_way_back_the_primary_is_judged(void **state)
{
	struct pgt_gate_bucket b = bucket(0.1, 4, true);

	(void)state;
	assert_true(b.primary_slow / 200 > 3 * b.canary_slow / 1000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slow_begins_at_the_margin),
	    cmocka_unit_test(test_on_the_way_back_the_primary_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
