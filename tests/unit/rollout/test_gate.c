/* The gate on simulated rollouts: statements with lognormal times, shocks that both
 * nodes share, steps of 30 s at 5, 25, 50 and 50 %, buckets of 5 s. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/num/random.h"
#include "pg2une/rollout/gate.h"

#define STATEMENTS 3
#define BUCKET_S   5
#define RUNS	   200

struct harm {
	double factor;	    /* all calls of the canary */
	double tail_share;  /* this part of its calls ... */
	double tail_factor; /* ... takes this many times as long */
	double error_rate;
	double hiccups; /* chance that a tenth of a node's calls of a bucket stall */
};

struct sim {
	struct pgt_random r;
	double shock; /* AR(1) of the log time, shared */
	double cut[STATEMENTS]; /* p99 of each statement on the primary */
};

struct tally {
	double n, sum, sum2;
};

static const double median[STATEMENTS] = {1, 4, 0.4};

static double
call_ms(struct sim *s, int statement, const struct harm *h, bool hiccup)
{
	double ms = median[statement] * exp(s->shock + pgt_random_normal(&s->r));

	if (hiccup && pgt_random_uniform(&s->r) < 0.1)
		ms *= 10;
	if (!h)
		return ms;
	if (pgt_random_uniform(&s->r) < h->tail_share)
		ms *= h->tail_factor;
	return ms * h->factor;
}

static void
calibrate(struct sim *s)
{
	/* The p99 of a lognormal: median * exp(2.326 sigma). */
	for (int q = 0; q < STATEMENTS; q++)
		s->cut[q] = median[q] * exp(2.3263478740408408);
	s->shock = 0;
}

static void
add_call(struct tally *t, double ms)
{
	t->n++;
	t->sum += ms;
	t->sum2 += ms * ms;
}

static void
finish(const struct tally *t, double *n, double *mean, double *var)
{
	*n = t->n;
	*mean = t->n > 0 ? t->sum / t->n : 0;
	*var = t->n > 0 ? t->sum2 / t->n - *mean * *mean : 0;
}

static void
one_bucket(struct sim *s, struct pgt_gate *g, double rate, double share, const struct harm *h)
{
	struct tally can[STATEMENTS] = {{0}}, pri[STATEMENTS] = {{0}};
	struct pgt_gate_stratum st[STATEMENTS];
	struct pgt_gate_bucket b = {
	    .strata = st,
	    .n_strata = STATEMENTS,
	    .share = share,
	    .canary_conn_share = NAN,
	    .lag_bytes = NAN,
	};

	bool hiccup[2];

	for (int k = 0; k < 2; k++)
		hiccup[k] = h->hiccups > 0 && pgt_random_uniform(&s->r) < h->hiccups;
	s->shock = 0.7 * s->shock + 0.1 * pgt_random_normal(&s->r);
	for (int i = 0; i < rate * BUCKET_S; i++) {
		bool canary = pgt_random_uniform(&s->r) < share;
		int q = (int)pgt_random_below(&s->r, STATEMENTS);
		double ms = call_ms(s, q, canary ? h : NULL, hiccup[canary]);

		add_call(canary ? &can[q] : &pri[q], ms);
		if (canary) {
			b.canary_slow += ms > 1.1 * s->cut[q];
			b.canary_errors += pgt_random_uniform(&s->r) < h->error_rate;
		} else {
			b.primary_slow += ms > s->cut[q];
			b.primary_errors += pgt_random_uniform(&s->r) < 0.001;
		}
	}
	for (int q = 0; q < STATEMENTS; q++) {
		finish(&can[q], &st[q].canary_n, &st[q].canary_mean, &st[q].canary_var);
		finish(&pri[q], &st[q].primary_n, &st[q].primary_mean, &st[q].primary_var);
	}
	pgt_gate_add(g, &b);
}

struct outcome {
	int rolled_back, promoted;
	int within_60;
};

static struct outcome
simulate(double rate, const struct harm *h, uint64_t seed)
{
	static const double shares[] = {0.05, 0.25, 0.5, 0.5};
	struct outcome o = {0};

	for (int run = 0; run < RUNS; run++) {
		struct pgt_gate_config cfg;
		struct pgt_gate_evidence e;
		struct pgt_gate *g;
		struct sim s;
		bool go = true, dead = false;

		pgt_random_init_stream(&s.r, seed, (uint64_t)run);
		calibrate(&s);
		pgt_gate_defaults(&cfg);
		g = pgt_gate_new(&cfg);
		for (int k = 0; k < 4 && !dead; k++) {
			pgt_gate_step(g, shares[k]);
			for (int t = 0; t < 30 / BUCKET_S && !dead; t++) {
				one_bucket(&s, g, rate, shares[k], h);
				e = pgt_gate_look(g);
				go = e.verdict == PGT_GATE_GO;
				dead = e.verdict == PGT_GATE_NO_GO;
				if (dead && k < 2)
					o.within_60++;
			}
		}
		o.rolled_back += dead;
		o.promoted += go && !dead;
		pgt_gate_free(g);
	}
	return o;
}

static const struct harm same = {.factor = 1, .error_rate = 0.001};

static void
test_identical_canary_is_let_through(void **state)
{
	struct outcome o = simulate(500, &same, 1);

	(void)state;
	printf("identical, 500/s: %d of %d rolled back, %d go\n", o.rolled_back, RUNS, o.promoted);
	assert_true(o.rolled_back <= RUNS * 5 / 100);
	assert_true(o.promoted >= RUNS * 80 / 100);
}

static void
test_hiccups_of_either_node_are_no_harm(void **state)
{
	struct harm h = same;
	struct outcome o;

	(void)state;
	h.hiccups = 0.1;
	o = simulate(500, &h, 6);
	printf("identical, each node stalls in a tenth of the buckets: %d of %d rolled "
	       "back, %d go\n", o.rolled_back, RUNS, o.promoted);
	assert_true(o.rolled_back <= RUNS * 5 / 100);
}

static void
test_harm_is_stopped_within_a_minute(void **state)
{
	struct harm h = same;
	struct outcome o;

	(void)state;
	h.factor = 1.5;
	o = simulate(500, &h, 2);
	printf("1.5 times, 500/s: %d of %d within 60 s\n", o.within_60, RUNS);
	assert_true(o.within_60 >= RUNS * 95 / 100);
	assert_int_equal(o.promoted, 0);
}

static void
test_harm_in_the_tail_only_is_found(void **state)
{
	struct harm h = same;
	struct outcome o;

	(void)state;
	h.tail_share = 0.03;
	h.tail_factor = 5;
	o = simulate(500, &h, 3);
	printf("3%% of calls 5 times, 500/s: %d of %d rolled back\n", o.rolled_back, RUNS);
	assert_true(o.rolled_back >= RUNS * 70 / 100);
}

static void
test_errors_stop_it(void **state)
{
	struct harm h = same;
	struct outcome o;

	(void)state;
	h.error_rate = 0.02;
	o = simulate(500, &h, 4);
	assert_true(o.rolled_back >= RUNS * 95 / 100);
}

static void
test_at_the_margin_it_rarely_passes(void **state)
{
	struct harm h = same;
	struct outcome o;

	(void)state;
	h.factor = 1.10;
	o = simulate(500, &h, 5);
	printf("1.10 times, 500/s: %d of %d go\n", o.promoted, RUNS);
	assert_true(o.promoted <= RUNS * 8 / 100);
}

/* ---- all traffic on the canary: held against the primary's past ---- */

static struct pgt_gate_bucket
past_bucket(struct sim *s, const struct tally *past, const struct harm *h,
	    struct pgt_gate_stratum *st)
{
	struct pgt_gate_bucket b = {.strata = st,
				    .n_strata = STATEMENTS,
				    .share = 1,
				    .canary_conn_share = NAN,
				    .lag_bytes = NAN,
				    .canary_slow = NAN,
				    .primary_slow = NAN,
				    .historical = true};
	struct tally now[STATEMENTS] = {{0}};

	s->shock = 0.7 * s->shock + 0.1 * pgt_random_normal(&s->r);
	for (int i = 0; i < 500 * BUCKET_S; i++) {
		int q = (int)pgt_random_below(&s->r, STATEMENTS);

		add_call(&now[q], call_ms(s, q, h, false));
	}
	for (int q = 0; q < STATEMENTS; q++) {
		finish(&now[q], &st[q].canary_n, &st[q].canary_mean, &st[q].canary_var);
		finish(&past[q], &st[q].primary_n, &st[q].primary_mean,
		       &st[q].primary_var);
		b.calls_canary += now[q].n;
	}
	return b;
}

/* Thirty seconds of the primary before; the sd of its log mean from bucket to bucket. */
static double
live_past(struct sim *s, struct tally *past)
{
	double x[6], mean = 0, sum2 = 0;

	memset(past, 0, STATEMENTS * sizeof(*past));
	for (int k = 0; k < 6; k++) {
		double all = 0;

		s->shock = 0.7 * s->shock + 0.1 * pgt_random_normal(&s->r);
		for (int i = 0; i < 500 * BUCKET_S; i++) {
			int q = (int)pgt_random_below(&s->r, STATEMENTS);
			double ms = call_ms(s, q, NULL, false);

			add_call(&past[q], ms);
			all += ms;
		}
		x[k] = log(all);
		mean += x[k] / 6;
	}
	for (int k = 0; k < 6; k++)
		sum2 += (x[k] - mean) * (x[k] - mean);
	return sqrt(sum2 / 5);
}

static int
passes_whole_load(double factor, uint64_t seed)
{
	struct harm h = same;
	int passed = 0;

	h.factor = factor;
	for (int run = 0; run < RUNS; run++) {
		enum pgt_gate_verdict v = PGT_GATE_UNKNOWN;
		struct tally past[STATEMENTS];
		struct pgt_gate_config cfg;
		struct pgt_gate *g;
		struct sim s;
		double sd;

		pgt_random_init_stream(&s.r, seed, (uint64_t)run);
		calibrate(&s);
		sd = live_past(&s, past);
		for (int t = 0; t < 20; t++) /* the steps before */
			s.shock = 0.7 * s.shock + 0.1 * pgt_random_normal(&s.r);
		pgt_gate_defaults(&cfg);
		g = pgt_gate_new(&cfg);
		pgt_gate_step(g, 1);
		/* at least 30 s, 300 at most */
		for (int t = 0; t < 60; t++) {
			struct pgt_gate_stratum st[STATEMENTS];
			struct pgt_gate_bucket b = past_bucket(&s, past, &h, st);

			b.control_sd = sd;
			pgt_gate_add(g, &b);
			v = pgt_gate_look(g).verdict;
			if (v == PGT_GATE_NO_GO || (t >= 5 && v == PGT_GATE_GO))
				break;
		}
		passed += v == PGT_GATE_GO;
		pgt_gate_free(g);
	}
	return passed;
}

static void
test_all_traffic_is_held_against_the_past(void **state)
{
	int good = passes_whole_load(1, 7), bad = passes_whole_load(1.5, 8),
	    collapsed = passes_whole_load(2.5, 9);

	(void)state;
	printf("whole load: %d of %d identical, %d 1.5 times, %d 2.5 times slower go\n",
	       good, RUNS, bad, collapsed);
	assert_true(good >= RUNS * 95 / 100);
	assert_true(bad <= RUNS * 15 / 100);
	assert_int_equal(collapsed, 0);
}

/* ---- rules that need no simulation ---- */

static struct pgt_gate_evidence
feed(struct pgt_gate_bucket *b, int times, double share)
{
	struct pgt_gate_stratum st = {.canary_n = 500 * share,
				      .canary_mean = 1,
				      .canary_var = 1,
				      .primary_n = 500 * (1 - share),
				      .primary_mean = 1,
				      .primary_var = 1};
	struct pgt_gate_evidence e;
	struct pgt_gate_config cfg;
	struct pgt_gate *g;

	if (!b->strata) {
		b->strata = &st;
		b->n_strata = 1;
	}
	pgt_gate_defaults(&cfg);
	g = pgt_gate_new(&cfg);
	pgt_gate_step(g, share);
	for (int i = 0; i < times; i++)
		pgt_gate_add(g, b);
	e = pgt_gate_look(g);
	pgt_gate_free(g);
	return e;
}

static void
test_nothing_known_never_passes(void **state)
{
	struct pgt_gate_bucket none = {.n_strata = 0, .stale = true, .lag_bytes = NAN};
	struct pgt_gate_bucket empty = {.strata = (struct pgt_gate_stratum[1]){{0}},
					.n_strata = 1,
					.share = 0.5,
					.lag_bytes = NAN};

	(void)state;
	assert_int_equal(feed(&none, 0, 0.5).verdict, PGT_GATE_UNKNOWN);
	assert_int_equal(feed(&none, 50, 0.5).verdict, PGT_GATE_UNKNOWN);
	assert_int_equal(feed(&empty, 50, 0.5).verdict, PGT_GATE_UNKNOWN);
}

static void
test_hard_stops(void **state)
{
	struct pgt_gate_bucket b = {.share = 0.25,
				    .canary_conn_share = NAN,
				    .lag_bytes = NAN,
				    .write_refused = true};
	struct pgt_gate_stratum starving = {.canary_n = 10,
					    .canary_mean = 1,
					    .canary_var = 1,
					    .primary_n = 990,
					    .primary_mean = 1,
					    .primary_var = 1};

	(void)state;
	assert_int_equal(feed(&b, 1, 0.25).verdict, PGT_GATE_NO_GO);
	b.write_refused = false;
	b.lag_bytes = 1e9;
	assert_int_equal(feed(&b, 1, 0.25).verdict, PGT_GATE_NO_GO);
	b.lag_bytes = NAN;
	b.strata = &starving;
	b.n_strata = 1;
	assert_int_equal(feed(&b, 2, 0.25).verdict, PGT_GATE_UNKNOWN);
	assert_int_equal(feed(&b, 3, 0.25).verdict, PGT_GATE_NO_GO);
}

static void
test_less_than_its_due(void **state)
{
	struct pgt_gate_stratum st = {.canary_n = 350,
				      .canary_mean = 1,
				      .canary_var = 1,
				      .primary_n = 650,
				      .primary_mean = 1,
				      .primary_var = 1};
	struct pgt_gate_bucket b = {.strata = &st,
				    .n_strata = 1,
				    .share = 0.5,
				    .canary_conn_share = NAN,
				    .lag_bytes = NAN};

	(void)state;
	/* 35% at 50%: a third less than its due, for certain */
	assert_int_equal(feed(&b, 10, 0.5).verdict, PGT_GATE_NO_GO);
	st.canary_n = 470;
	st.primary_n = 530;
	assert_int_equal(feed(&b, 10, 0.5).verdict, PGT_GATE_GO);
	/* 3.5% at 5% may be how 20 connections were dealt out */
	b.share = 0.05;
	st.canary_n = 35;
	st.primary_n = 965;
	assert_int_not_equal(feed(&b, 10, 0.05).verdict, PGT_GATE_NO_GO);
}

static void
test_margin_scales_with_exposure(void **state)
{
	struct pgt_gate_config c;

	(void)state;
	pgt_gate_defaults(&c);
	assert_true(fabs(pgt_gate_margin(&c, 0.05) - 1) < 1e-12);
	assert_true(fabs(pgt_gate_margin(&c, 0.25) - 0.2) < 1e-12);
	assert_true(fabs(pgt_gate_margin(&c, 0.5) - 0.1) < 1e-12);
	assert_true(fabs(pgt_gate_margin(&c, 1) - 0.1) < 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_identical_canary_is_let_through),
	    cmocka_unit_test(test_hiccups_of_either_node_are_no_harm),
	    cmocka_unit_test(test_harm_is_stopped_within_a_minute),
	    cmocka_unit_test(test_harm_in_the_tail_only_is_found),
	    cmocka_unit_test(test_errors_stop_it),
	    cmocka_unit_test(test_at_the_margin_it_rarely_passes),
	    cmocka_unit_test(test_nothing_known_never_passes),
	    cmocka_unit_test(test_hard_stops),
	    cmocka_unit_test(test_all_traffic_is_held_against_the_past),
	    cmocka_unit_test(test_less_than_its_due),
	    cmocka_unit_test(test_margin_scales_with_exposure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
