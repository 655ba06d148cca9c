/* When a trial has seen enough, and what its throughput is counted by. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/engine/measure_priv.h"
#include "../../../src/engine/tuning_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

#define S PGT_NS_PER_S

/* Statements alone do not make a trial: of less than two stretches nobody knows how they
 * scatter, and on a busy machine one comes late. */
static void
test_goes_on_until_two_stretches_are_closed(void **state)
{
	const struct pgt_measure_least least = {.calls = 40, .buckets = 2,
						.most_ns = 48 * S};

	(void)state;
	assert_false(pgt_measure_enough(&least, 1000, 2, 12 * S, 11 * S));
	assert_true(pgt_measure_enough(&least, 1000, 2, 12 * S, 12 * S));
	assert_false(pgt_measure_enough(&least, 1000, 1, 12 * S, 12 * S));
	assert_false(pgt_measure_enough(&least, 1000, 1, 12 * S, 47 * S));
	assert_false(pgt_measure_enough(&least, 39, 4, 12 * S, 47 * S));
	assert_true(pgt_measure_enough(&least, 39, 1, 12 * S, 48 * S));
}

static void
test_a_plain_window_is_its_length(void **state)
{
	const struct pgt_measure_least least = {0};

	(void)state;
	assert_false(pgt_measure_enough(&least, 9, 9, 12 * S, 11 * S));
	assert_true(pgt_measure_enough(&least, 0, 0, 12 * S, 12 * S));
}

static void
test_throughput_of_a_load_of_our_own_is_of_calls(void **state)
{
	struct pgt_tuning *t = pgt_xcalloc(1, sizeof(*t));
	struct pgt_window w = {.tps = 100, .calls_ps = 300, .ours_share = 0.1};
	int ours;

	(void)state;
	assert_true(pgt_tuning_rate(t, &w) == 100);
	t->rehearsal = (struct pgt_rehearsal *)&ours;
	assert_true(pgt_tuning_rate(t, &w) == 300);
	w.calls_ps = NAN; /* without pg_stat_statements */
	assert_true(pgt_tuning_rate(t, &w) == 100);
	t->rehearsal = NULL;
	free(t);
}

/* Where our own looking is most of what is committed, too; by the first baseline. */
static void
test_throughput_is_of_calls_where_we_are_most_of_it(void **state)
{
	struct pgt_tuning *t = pgt_xcalloc(1, sizeof(*t));
	struct pgt_window w = {.tps = 4, .calls_ps = 1.5, .ours_share = 0.6};

	(void)state;
	assert_true(pgt_tuning_rate(t, &w) == 1.5);
	t->base_window = w;
	t->have_base = true;
	w.ours_share = 0.2;
	assert_true(pgt_tuning_rate(t, &w) == 1.5);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goes_on_until_two_stretches_are_closed),
	    cmocka_unit_test(test_a_plain_window_is_its_length),
	    cmocka_unit_test(test_throughput_of_a_load_of_our_own_is_of_calls),
	    cmocka_unit_test(test_throughput_is_of_calls_where_we_are_most_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
