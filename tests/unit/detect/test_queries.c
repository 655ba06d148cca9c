/* Regressions of queries, and the ranking of causes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/detect/cause.h"
#include "pg2une/detect/regression.h"
#include "pg2une/num/random.h"

#define MINUTE_NS (INT64_C(60) * 1000000000)
#define QUERIES   40

/* Forty statements; each minute's mean has sampling noise and 8 % of its own. */
struct load {
	struct pgt_regressions *r;
	struct pgt_random rnd;
	double mean[QUERIES], calls[QUERIES];
	int64_t minute;
};

static void
load_init(struct load *l, uint64_t seed)
{
	struct pgt_regression_config cfg = pgt_regression_defaults();

	*l = (struct load){.r = pgt_regressions_new(&cfg)};
	pgt_random_init(&l->rnd, seed);
	for (int i = 0; i < QUERIES; i++) {
		l->mean[i] = exp(0.1 * i);
		l->calls[i] = 20 + 50 * (i % 7);
	}
}

static size_t
load_minute(struct load *l)
{
	struct pgt_query_interval q[QUERIES];
	size_t n;

	for (int i = 0; i < QUERIES; i++) {
		double calls = l->calls[i];
		/* exponential call times: the mean of n has relative deviation 1/sqrt(n)
		 */
		double noise = 0.08 * pgt_random_normal(&l->rnd) +
			       pgt_random_normal(&l->rnd) / sqrt(calls);

		q[i] = (struct pgt_query_interval){.key = (uint64_t)i * 977 + 5,
						   .queryid = i,
						   .calls = calls,
						   .mean_ms = l->mean[i] * exp(noise),
						   .var_ok = true};
		q[i].var_ms2 = q[i].mean_ms * q[i].mean_ms;
	}
	pgt_regressions_feed(l->r, ++l->minute * MINUTE_NS, 60, q, QUERIES);
	pgt_regressions_get(l->r, &n);
	return n;
}

static void
test_finds(void **state)
{
	const struct pgt_query_regression *f;
	struct load l;
	size_t n;

	(void)state;
	load_init(&l, 1);
	for (int i = 0; i < 60; i++)
		load_minute(&l);
	l.mean[30] *= 1.6;
	l.mean[35] *= 3;
	l.calls[35] *= 3;  /* more calls, too */
	l.mean[2] *= 1.05; /* too small */
	l.mean[33] *= 0.4; /* better */
	l.mean[0] *= 4;    /* no share to speak of */
	for (int i = 0; i < 8; i++)
		load_minute(&l);
	f = pgt_regressions_get(l.r, &n);
	assert_int_equal(n, 2);
	assert_int_equal(f[0].queryid, 35); /* weight first */
	assert_false(f[0].same_load || f[0].plan_change);
	assert_true(fabs(log(f[0].ratio / 3)) < 0.35 && f[0].calls_ratio > 2);
	assert_int_equal(f[1].queryid, 30);
	assert_true(f[1].same_load && !f[1].plan_change);
	assert_true(fabs(f[1].before_ms / exp(3.0) - 1) < 0.1);
	assert_true(f[1].q <= 0.05 && f[1].q >= f[1].p);
	assert_true(f[1].since_real_ns >= 57 * MINUTE_NS &&
		    f[1].since_real_ns <= 63 * MINUTE_NS);

	/* Two hours on it is still one: the baseline has not swallowed it. */
	for (int i = 0; i < 120; i++)
		load_minute(&l);
	f = pgt_regressions_get(l.r, &n);
	assert_true(n >= 2);
	assert_true(fabs(log(f[0].ratio / 3)) < 0.35);
	/* It ends when the query is as fast as before, not earlier. */
	l.mean[35] /= 3;
	l.mean[30] /= 1.6;
	for (int i = 0; i < 12; i++)
		n = load_minute(&l);
	assert_int_equal(n, 0);
	pgt_regressions_free(l.r);
}

static void
test_false_regressions(void **state)
{
	struct load l;
	int rounds = 0;

	(void)state;
	load_init(&l, 2);
	for (int i = 0; i < 1440; i++)
		rounds += load_minute(&l) > 0;
	print_message("a day of 40 queries without a change: %d minutes with a finding\n",
		      rounds);
	assert_true(rounds <= 15);
	pgt_regressions_free(l.r);
}

static void
test_slow_query_limits(void **state)
{
	struct pgt_regression_config cfg = pgt_regression_defaults();
	struct pgt_query_interval q = {
	    .queryid = 1, .calls = 100, .mean_ms = 1, .var_ms2 = 1};
	struct pgt_regressions *r;
	size_t n;

	(void)state;
	cfg.max_queries = 3;
	r = pgt_regressions_new(&cfg);
	for (int i = 0; i < 20; i++) { /* many keys, few kept; no variance known */
		q.key = (uint64_t)(i % 5);
		pgt_regressions_feed(r, (i + 1) * MINUTE_NS, 60, &q, 1);
	}
	pgt_regressions_get(r, &n);
	assert_int_equal(n, 0);
	pgt_regressions_free(r);

	/* after a reset of the counters the window starts anew */
	cfg.max_queries = 100;
	r = pgt_regressions_new(&cfg);
	for (int i = 0; i < 30; i++)
		pgt_regressions_feed(r, (i + 1) * MINUTE_NS, 60, &q, 1);
	q.mean_ms = 9;
	pgt_regressions_feed(r, 31 * MINUTE_NS, 60, &q, 1);
	pgt_regressions_disturbed(r);
	pgt_regressions_feed(r, 32 * MINUTE_NS, 60, &q, 1);
	pgt_regressions_feed(r, 33 * MINUTE_NS, 60, &q, 1);
	pgt_regressions_get(r, &n);
	assert_int_equal(n, 0);
	pgt_regressions_feed(r, 34 * MINUTE_NS, 60, &q, 1);
	pgt_regressions_get(r, &n);
	assert_int_equal(n, 1);
	assert_true(pgt_regressions_get(r, &n)->plan_change);
	pgt_regressions_feed(r, 35 * MINUTE_NS, 0, &q, 1); /* no time, no word */
	pgt_regressions_free(r);
}

/* ---- causes ----------------------------------------------------------------------- */

#define S INT64_C(1000000000)

static struct pgt_event
event(enum pgt_event_kind kind, int64_t s)
{
	return (struct pgt_event){.kind = kind, .real_ns = s * S, .weight = 1};
}

static void
test_causes(void **state)
{
	struct pgt_event ev[] = {
	    event(PGT_EVENT_CHECKPOINT, 990),
	    event(PGT_EVENT_SETTING, 985),
	    event(PGT_EVENT_NEW_APPLICATION, 600),
	    event(PGT_EVENT_DDL, 1100), /* after the onset: no cause */
	    event(PGT_EVENT_RELOAD, 985),
	    event(PGT_EVENT_STATS_RESET, 1000),
	    event(PGT_EVENT_AUTOVACUUM, 100),
	};
	struct pgt_cause c[3];
	size_t n;

	(void)state;
	n = pgt_causes_rank(ev, PGT_LEN(ev), PGT_FAMILY_PERFORMANCE, 1000 * S, 30 * S, c,
			    3);
	assert_int_equal(n, 3);
	assert_int_equal(c[0].event.kind, PGT_EVENT_SETTING);
	assert_int_equal(c[1].event.kind, PGT_EVENT_RELOAD);
	assert_int_equal(c[2].event.kind, PGT_EVENT_CHECKPOINT);
	assert_true(c[0].lead_ns == 15 * S && c[0].score > c[1].score);
	/* the family counts */
	ev[0] = event(PGT_EVENT_LOCK_PILEUP, 1005);
	n = pgt_causes_rank(ev, PGT_LEN(ev), PGT_FAMILY_LOCKS, 1000 * S, 30 * S, c, 3);
	assert_true(n == 3);
	assert_int_equal(c[0].event.kind, PGT_EVENT_SETTING);
	assert_int_equal(c[1].event.kind, PGT_EVENT_LOCK_PILEUP);
	/* nearness counts: half after fade_s */
	ev[1] = event(PGT_EVENT_SETTING, 1000 - 30 - 180);
	n = pgt_causes_rank(ev + 1, 1, PGT_FAMILY_LOCKS, 1000 * S, 30 * S, c, 3);
	assert_int_equal(n, 1);
	assert_true(fabs(c[0].score - 0.45) < 1e-9);
	assert_int_equal(pgt_causes_rank(ev, 0, PGT_FAMILY_LOCKS, 0, 0, c, 3), 0);
	assert_int_equal(pgt_causes_rank(ev, 7, PGT_FAMILY_LOCKS, 1000 * S, 30 * S, c, 0),
			 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_finds),
	    cmocka_unit_test(test_false_regressions),
	    cmocka_unit_test(test_slow_query_limits),
	    cmocka_unit_test(test_causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
