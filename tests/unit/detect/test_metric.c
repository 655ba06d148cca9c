#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "detect/world.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/baseline.h"

/* Eight weeks with season, AR(1), outliers, restarts and resets: at most twice the
 * budget.  Ten runs of one alarm a week expect 80; the long simulation has the figure
 * for the default budget. */
static void
test_false_alarms(void **state)
{
	struct world_result res;
	int total = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		world_run(77 + (uint64_t)i, 7.0 * DAY, 1, 0, &res);
		total += res.false_alarms;
	}
	print_message("false alarms: %d in 80 weeks budgeted at one each\n", total);
	assert_true(total <= 160);
}

static void
test_steps(void **state)
{
	static const struct {
		double factor;
		int within;
	} rows[] = {{1.3, 20}, {2, 6}};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		struct world_result sum = {0}, res;

		for (int j = 0; j < 3; j++) {
			world_run(99 + (uint64_t)j, 7.0 * DAY * 12, rows[i].factor,
				  rows[i].within, &res);
			sum.injected += res.injected;
			sum.in_time += res.in_time;
			sum.found += res.found;
			sum.onset_ok += res.onset_ok;
		}
		print_message("x%.1f: %d of %d within %d buckets\n", rows[i].factor,
			      sum.in_time, sum.injected, rows[i].within);
		assert_true(sum.in_time >= 0.9 * sum.injected);
		assert_true(sum.onset_ok >= 0.75 * sum.found);
	}
}

/* ---- one short series, seconds by seconds --------------------------------------- */

struct series {
	struct pgt_metric_track *t;
	struct pgt_random r;
	int64_t s;
};

static void
series_init(struct series *x, enum pgt_metric m)
{
	struct pgt_metric_config cfg = pgt_metric_defaults();

	cfg.bucket_s = 10;
	x->t = pgt_metric_new(pgt_metric_def(m), &cfg);
	x->s = 0;
	pgt_random_init(&x->r, 3);
}

/* seconds of a level with 10 % noise; the first verdict beyond a bucket, its second in
 * *ret_at. */
static enum pgt_metric_verdict
series_run(struct series *x, int seconds, double level, bool valid, int *ret_at)
{
	for (int i = 0; i < seconds; i++, x->s++) {
		double v = level * exp(0.1 * pgt_random_normal(&x->r));
		enum pgt_metric_verdict got = pgt_metric_feed(
		    x->t, x->s * INT64_C(1000000000),
		    START_NS + x->s * INT64_C(1000000000), v, valid, NAN);

		if (got > PGT_MV_BUCKET && got != PGT_MV_NEAR) {
			*ret_at = i;
			x->s++;
			return got;
		}
	}
	*ret_at = -1;
	return PGT_MV_NONE;
}

static void
test_life_of_an_alarm(void **state)
{
	struct series x;
	struct pgt_metric_alarm a;
	int at;

	(void)state;
	series_init(&x, PGT_METRIC_LATENCY_MEAN);
	assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_UNKNOWN);
	assert_int_equal(series_run(&x, 60, 5, true, &at), PGT_MV_NONE);
	assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_LEARNING);
	assert_int_equal(series_run(&x, 1740, 5, true, &at), PGT_MV_NONE);
	assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_WATCHING);

	assert_int_equal(series_run(&x, 300, 10, true, &at), PGT_MV_ALARM);
	assert_true(at <= 70);
	a = pgt_metric_alarm(x.t);
	assert_int_equal(a.direction, 1);
	assert_true(fabs(a.baseline - 5) < 0.2);
	assert_true(fabs(a.magnitude - 1) < 0.15);
	assert_true(llabs(a.onset_real_ns - START_NS - 1800 * INT64_C(1000000000)) <=
		    20 * INT64_C(1000000000));

	/* Half an hour more of it: one alarm is enough, and the baseline stays. */
	assert_int_equal(series_run(&x, 1800, 10, true, &at), PGT_MV_NONE);
	assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_ALARMED);
	assert_true(fabs(pgt_metric_state(x.t).expected - 5) < 0.2);
	/* It ends by itself, rests, and may alarm again. */
	assert_int_equal(series_run(&x, 600, 5, true, &at), PGT_MV_CLEARED);
	assert_true(at < 300);
	assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_REFRACTORY);
	assert_int_equal(series_run(&x, 900, 5, true, &at), PGT_MV_NONE);
	assert_int_equal(series_run(&x, 300, 10, true, &at), PGT_MV_ALARM);
	/* After six hours it is the new normal. */
	assert_int_equal(series_run(&x, 7 * 3600, 10, true, &at), PGT_MV_ACCEPTED);
	assert_true(fabs(pgt_metric_state(x.t).expected - 10) < 0.4);
	assert_int_equal(series_run(&x, 3600, 10, true, &at), PGT_MV_NONE);
	pgt_metric_free(x.t);
}

/* One start with AR(1) noise: the bucket of the first alarm before the chart is grown up,
 * -1 for none.  factor sets in with bucket 12, after three minutes. */
static int
young_alarm(enum pgt_metric m, uint64_t seed, double h, double sd, double factor)
{
	struct pgt_metric_config cfg = pgt_metric_defaults();
	struct pgt_metric_track *t;
	struct pgt_random r;
	int alarm = -1;
	double ar;

	cfg.arl0 = 0;
	cfg.h = h;
	t = pgt_metric_new(pgt_metric_def(m), &cfg);
	pgt_random_init(&r, seed);
	ar = pgt_random_normal(&r);
	for (int i = 0; i < cfg.warmup && alarm < 0; i++) {
		int64_t now = world_time(i);
		double x;

		ar = PHI * ar + sqrt(1 - PHI * PHI) * pgt_random_normal(&r);
		x = 50 * exp(sd * ar) * (i >= 12 ? factor : 1);
		if (pgt_random_uniform(&r) < 0.01)
			x *= exp(8 * sd);
		if (pgt_metric_feed(t, now, START_NS + now, x, true, NAN) == PGT_MV_ALARM)
			alarm = i;
	}
	pgt_metric_free(t);
	return alarm;
}

/* A young chart speaks of gross changes only: hardly ever falsely, even where the noise
 * is so autocorrelated that a grown-up one would whiten it, and within two minutes. */
static void
test_young(void **state)
{
	const double h = pgt_cusum_threshold(0.5, 7.0 * DAY * 16);
	int wrong = 0, found = 0, mild = 0, at;
	double delay = 0;

	(void)state;
	for (uint64_t i = 0; i < 4000; i++)
		wrong += young_alarm(PGT_METRIC_LATENCY_MEAN, i, h, 2 * NOISE, 1) >= 0;
	for (uint64_t i = 0; i < 400; i++) {
		at = young_alarm(i % 2 ? PGT_METRIC_LATENCY_MEAN : PGT_METRIC_TPS, i, h, NOISE,
				 i % 2 ? 10 : 0.1);
		if (at > 12 && at <= 12 + 8) {
			found++;
			delay += at - 12;
		}
		mild += young_alarm(PGT_METRIC_LATENCY_MEAN, i, h, NOISE, 1.4) >= 0;
	}
	print_message("young: %d false in 4000 starts, tenfold found %d of 400, after %.1f "
		      "buckets; 1.4 told %d times\n",
		      wrong, found, delay / found, mild);
	assert_true(wrong <= 8);
	assert_true(found >= 380 && delay / found <= 6);
	assert_true(mild <= 4); /* that waits until the chart has grown up */
}

/* WAL leaps after each checkpoint, the first of which a console may see at any time; a
 * cache that misses nothing may miss ten times as much. */
static void
test_no_news(void **state)
{
	struct pgt_metric_config cfg = pgt_metric_defaults();
	struct series x;
	int at;

	(void)state;
	for (int first = 2; first <= 20; first++) {
		struct pgt_metric_track *t = pgt_metric_new(
		    pgt_metric_def(PGT_METRIC_WAL_BYTES), &cfg);
		struct pgt_random r;

		pgt_random_init(&r, (uint64_t)first);
		for (int i = 0; i < 240; i++) {
			double since = (i - first + 20) % 20;
			double v = 3e4 * (1 + 10 * exp(-since / 5)) *
				   exp(0.1 * pgt_random_normal(&r));

			assert_int_not_equal(pgt_metric_feed(t, world_time(i),
							     START_NS + world_time(i), v,
							     true, NAN),
					     PGT_MV_ALARM);
		}
		pgt_metric_free(t);
	}
	series_init(&x, PGT_METRIC_HIT_RATIO);
	for (int i = 0; i < 3600; i++, x.s++)
		pgt_metric_feed(x.t, x.s * INT64_C(1000000000),
				START_NS + x.s * INT64_C(1000000000),
				1 - (i < 1800 ? 1e-4 : 1e-3) *
					exp(0.1 * pgt_random_normal(&x.r)),
				true, NAN);
	assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_WATCHING);
	assert_int_equal(series_run(&x, 300, 0.8, true, &at), PGT_MV_ALARM);
	pgt_metric_free(x.t);
}

static void
test_gaps_and_restarts(void **state)
{
	struct series x;
	int at;

	(void)state;
	series_init(&x, PGT_METRIC_LATENCY_MEAN);
	series_run(&x, 1800, 5, true, &at);
	assert_int_equal(series_run(&x, 600, 50, false, &at), PGT_MV_NONE);
	assert_int_equal(series_run(&x, 600, 5, true, &at), PGT_MV_NONE);
	/* A cold cache right after a restart is no news. */
	pgt_metric_disturbed(x.t);
	assert_int_equal(series_run(&x, 60, 15, true, &at), PGT_MV_NONE);
	assert_int_equal(series_run(&x, 600, 5, true, &at), PGT_MV_NONE);
	assert_int_equal(series_run(&x, 300, 15, true, &at), PGT_MV_ALARM);
	pgt_metric_free(x.t);
}

/* Constant and idle series have no deviation of their own: floors must hold. */
static void
test_floors(void **state)
{
	static const enum pgt_metric idle[] = {
	    PGT_METRIC_LOCK_WAITS, PGT_METRIC_ERROR_RATE, PGT_METRIC_TEMP_BYTES,
	    PGT_METRIC_REPLICATION_LAG};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(idle); i++) {
		struct series x;
		int at;

		series_init(&x, idle[i]);
		assert_int_equal(series_run(&x, 3 * 3600, 0, true, &at), PGT_MV_NONE);
		/* what stands still is not taken for sluggish */
		assert_int_equal(pgt_metric_state(x.t).bucket_s, 10);
		assert_int_equal(pgt_metric_state(x.t).phase, PGT_CHART_WATCHING);
		/* one blip */
		series_run(&x, 10, 1, true, &at);
		assert_int_equal(series_run(&x, 600, 0, true, &at), PGT_MV_NONE);
		/* a lasting one */
		assert_int_equal(series_run(&x, 600,
					    idle[i] == PGT_METRIC_TEMP_BYTES ? 50e6 : 8,
					    true, &at),
				 PGT_MV_ALARM);
		pgt_metric_free(x.t);
	}
}

/* Too small to matter: 4 % more is seen by the chart but is no alarm. */
static void
test_min_effect(void **state)
{
	struct series x;
	int at;

	(void)state;
	series_init(&x, PGT_METRIC_LATENCY_MEAN);
	series_run(&x, 7200, 5, true, &at);
	assert_int_equal(series_run(&x, 7200, 5.2, true, &at), PGT_MV_NONE);
	pgt_metric_free(x.t);
}

/* Latency that follows the load is explained; the same rise without load is not. */
static void
test_given_load(void **state)
{
	struct pgt_metric_config cfg = pgt_metric_defaults();
	int alarms[2] = {0};

	(void)state;
	for (int withheld = 0; withheld < 2; withheld++) {
		struct pgt_metric_track *t = pgt_metric_new(
		    pgt_metric_def(PGT_METRIC_LATENCY_MEAN), &cfg);
		struct pgt_random r;

		pgt_random_init(&r, 8);
		for (int i = 0; i < 3000; i++) {
			/* load wanders; at the end it jumps, and latency with it */
			double log_load = 6 + 0.3 * sin(i / 40.0) + (i > 2500 ? 0.8 : 0);
			double lat = exp(0.8 * (log_load - 6) +
					 0.05 * pgt_random_normal(&r));
			int64_t now = (int64_t)(i + 1) * 15000000000;

			alarms[withheld] += pgt_metric_feed(
						t, now, START_NS + now, lat, true,
						withheld ? NAN : exp(log_load)) ==
						PGT_MV_ALARM &&
					    i > 2500;
		}
		pgt_metric_free(t);
	}
	assert_int_equal(alarms[0], 0);
	assert_true(alarms[1] >= 1);
}

/* A sluggish series is looked at in wider buckets. */
static void
test_widens(void **state)
{
	struct pgt_metric_config cfg = pgt_metric_defaults();
	struct pgt_metric_track *t = pgt_metric_new(
	    pgt_metric_def(PGT_METRIC_LATENCY_MEAN), &cfg);
	struct pgt_random r;
	double ar = 0;
	int alarms = 0;

	(void)state;
	pgt_random_init(&r, 5);
	for (int i = 0; i < 20000; i++) {
		int64_t now = (int64_t)(i + 1) * 15000000000;

		ar = 0.85 * ar + sqrt(1 - 0.85 * 0.85) * pgt_random_normal(&r);
		alarms += pgt_metric_feed(t, now, START_NS + now, 5 * exp(0.1 * ar), true,
					  NAN) == PGT_MV_ALARM;
	}
	assert_true(pgt_metric_state(t).bucket_s >= 30);
	assert_true(pgt_metric_state(t).phi <= 0.6);
	assert_true(alarms <= 2);
	pgt_metric_free(t);
}

/* ---- baseline -------------------------------------------------------------------- */

static double
wave(int64_t s)
{
	return 3 + sin(2 * M_PI * (double)s / 86400) + (s / 86400 % 7 >= 5 ? -1 : 0);
}

static void
test_season(void **state)
{
	struct pgt_baseline *b = pgt_baseline_new(0.005);
	const int64_t ns = 1000000000;
	double worst = 0;

	(void)state;
	assert_true(isnan(pgt_baseline_at(b, START_NS)));
	for (int64_t s = 0; s < 13 * 86400; s += 60)
		pgt_baseline_learn(b, START_NS + s * ns, wave(s));
	assert_true(isnan(pgt_baseline_season(b, START_NS)));
	for (int64_t s = 13 * 86400; s < 15 * 86400; s += 60)
		pgt_baseline_learn(b, START_NS + s * ns, wave(s));
	for (int64_t s = 15 * 86400 + 3600; s < 18 * 86400; s += 60) {
		double off = fabs(pgt_baseline_at(b, START_NS + s * ns) - wave(s));

		worst = off > worst ? off : worst;
		pgt_baseline_learn(b, START_NS + s * ns, wave(s));
	}
	/* straight lines between hours, of a wave of amplitude 1: h^2 / 8 = 0.009 */
	assert_true(worst < 0.03);
	pgt_baseline_free(b);
}

/* A constant slope is followed without lag. */
static void
test_trend(void **state)
{
	struct pgt_baseline *b = pgt_baseline_new(0.02);
	const int64_t ns = 1000000000;

	(void)state;
	for (int64_t i = 0; i < 3000; i++)
		pgt_baseline_learn(b, START_NS + i * ns, 0.01 * (double)i);
	assert_true(fabs(pgt_baseline_at(b, START_NS + 3000 * ns) - 30) < 1e-3);
	pgt_baseline_free(b);
}

/* Chance or a drift too small to act on has filled the sum: one bucket far off is no alarm
 * then, but a true step is, within six buckets. */
static void
test_one_bucket_is_no_alarm(void **state)
{
	int alarms = 0, found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct pgt_metric_config cfg = pgt_metric_defaults();
		struct pgt_metric_track *t;
		struct pgt_random r;
		int n = 2000, stepped = 0;

		cfg.bucket_s = BUCKET_S;
		cfg.arl0 = 200; /* so that sums are often nearly full by chance */
		t = pgt_metric_new(pgt_metric_def(PGT_METRIC_HIT_RATIO), &cfg);
		pgt_random_init(&r, seed);
		for (int i = 0; i < n + 12; i++) {
			int64_t now = world_time(i);
			double x = 4.3 + 0.1 * pgt_random_normal(&r);

			x -= i % 31 == 7 ? 0.6 : 0; /* the lone bucket */
			x -= i >= n ? 1.2 : 0;
			x = 1 / (1 + exp(-x));
			if (pgt_metric_feed(t, now, START_NS + now, x, true, NAN) !=
			    PGT_MV_ALARM)
				continue;
			alarms += i < n;
			stepped |= i >= n && i - n <= 7;
		}
		found += stepped;
		pgt_metric_free(t);
	}
	print_message("lone buckets: %d alarms; steps: %d of 10\n", alarms, found);
	assert_true(alarms <= 20); /* 43 when one bucket was enough */
	assert_true(found >= 8);
}

/* Alarms of throughput in the two weeks after weeks weeks: by one that was there all the
 * time, by one that was begun anew, by one that was begun anew and told of the past. */
enum begun { ALL_THE_TIME, ANEW, WITH_PAST };

static int
false_alarms(enum begun how, uint64_t seed)
{
	const int weeks = 4, per_point = 600 / BUCKET_S;
	struct pgt_metric_config cfg = pgt_metric_defaults();
	const struct pgt_metric_def *def = pgt_metric_def(PGT_METRIC_TPS);
	struct pgt_metric_track *t;
	struct world w = {0};
	double sum = 0;
	int n = 0, alarms = 0;

	cfg.bucket_s = BUCKET_S;
	cfg.arl0 = 7.0 * DAY * 12;
	t = pgt_metric_new(def, &cfg);
	pgt_random_init(&w.r, seed);
	for (int i = 0; i < (weeks + 2) * 7 * DAY; i++) {
		int64_t now = world_time(i);
		double lat = NAN, tps = NAN;
		double hour = fmod(i, DAY) / DAY * 24;
		bool restart, ok = world_bucket(&w, i, &lat, &tps, &restart);

		/* each night at three an hour of something else, rising and falling */
		tps = 800 * exp(0.3 * sin(2 * M_PI * i / DAY) -
				0.5 * exp(-pow((hour - 3) / 0.8, 2)) +
				0.1 * pgt_random_normal(&w.r));
		if (how != ALL_THE_TIME && i < weeks * 7 * DAY) {
			sum += ok ? tps : 0;
			n += ok;
			if (i % per_point == per_point - 1) {
				if (how == WITH_PAST && n)
					pgt_metric_past(
					    t, START_NS + world_time(i - per_point + 1),
					    sum / n);
				sum = n = 0;
			}
			continue;
		}
		if (restart)
			pgt_metric_disturbed(t);
		if (pgt_metric_feed(t, now, START_NS + now, tps, ok, NAN) ==
			PGT_MV_ALARM &&
		    i >= weeks * 7 * DAY)
			alarms++;
	}
	pgt_metric_free(t);
	return alarms;
}

static void
test_past_teaches_the_hours_of_the_week(void **state)
{
	int always = 0, anew = 0, past = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		always += false_alarms(ALL_THE_TIME, seed);
		anew += false_alarms(ANEW, seed);
		past += false_alarms(WITH_PAST, seed);
	}
	print_message("alarms in 3 x 2 weeks: always there %d, anew %d, with past %d\n",
		      always, anew, past);
	/* What an hour's median cannot follow alarms either way; to be told of the past is
	 * as good as to have been there. */
	assert_true(past < anew);
	assert_true(abs(past - always) <= 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_false_alarms),
	    cmocka_unit_test(test_steps),
	    cmocka_unit_test(test_life_of_an_alarm),
	    cmocka_unit_test(test_young),
	    cmocka_unit_test(test_no_news),
	    cmocka_unit_test(test_gaps_and_restarts),
	    cmocka_unit_test(test_floors),
	    cmocka_unit_test(test_min_effect),
	    cmocka_unit_test(test_given_load),
	    cmocka_unit_test(test_widens),
	    cmocka_unit_test(test_season),
	    cmocka_unit_test(test_trend),
	    cmocka_unit_test(test_one_bucket_is_no_alarm),
	    cmocka_unit_test(test_past_teaches_the_hours_of_the_week),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
