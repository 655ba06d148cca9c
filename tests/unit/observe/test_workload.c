#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg2une/observe/workload.h"

#define S INT64_C(1000000000)

static int64_t now;

static enum pgt_workload
run(struct pgt_workload_state *w, int seconds, double tps, double active, double p99,
    double temp)
{
	enum pgt_workload v = w->now;
	int i;

	for (i = 0; i < seconds; i++) {
		struct pgt_workload_input in = {now += S, tps, active, p99, temp};

		v = pgt_workload_step(w, &in);
	}
	return v;
}

static void
begins_at_once(void **state)
{
	struct pgt_workload_state w = {0};

	(void)state;
	assert_int_equal(run(&w, 1, NAN, 0, NAN, NAN), PGT_WORKLOAD_UNKNOWN);
	assert_int_equal(run(&w, 1, 500, 5, 2, 0), PGT_WORKLOAD_OLTP);
}

static void
classes(void **state)
{
	struct pgt_workload_state a = {0}, b = {0}, c = {0};

	(void)state;
	assert_int_equal(run(&a, 1, 5, 5, 3000, 5e7), PGT_WORKLOAD_OLAP);
	assert_int_equal(run(&b, 1, 500, 60, 3000, 5e7), PGT_WORKLOAD_MIXED);
	assert_int_equal(run(&c, 1, 5, 5, 2, 0), PGT_WORKLOAD_MIXED);
}

/* A burst of half the holding time changes nothing; one that stays does. */
static void
hysteresis(void **state)
{
	struct pgt_workload_state w = {0};

	(void)state;
	assert_int_equal(run(&w, 60, 500, 5, 2, 0), PGT_WORKLOAD_OLTP);
	assert_int_equal(run(&w, 20, 5, 5, 3000, 5e7), PGT_WORKLOAD_OLTP);
	assert_int_equal(run(&w, 60, 500, 5, 2, 0), PGT_WORKLOAD_OLTP);
	assert_int_equal(run(&w, 90, 5, 5, 3000, 5e7), PGT_WORKLOAD_OLAP);
	/* no data is no change */
	assert_int_equal(run(&w, 100, NAN, NAN, NAN, NAN), PGT_WORKLOAD_OLAP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(begins_at_once),
	    cmocka_unit_test(classes),
	    cmocka_unit_test(hysteresis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
