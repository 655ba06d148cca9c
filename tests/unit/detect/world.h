/* Eight simulated weeks of one server's latency and load, by buckets; shared by the
 * unit test and the long simulations of tests/bench/detect.c. */
#ifndef TESTS_UNIT_DETECT_WORLD_H
#define TESTS_UNIT_DETECT_WORLD_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "pg2une/detect/metric.h"
#include "pg2une/num/random.h"

#define BUCKET_S 15
#define DAY      (86400 / BUCKET_S)
#define WEEKS    8
#define NOISE    0.10 /* deviation of log latency in a bucket */
#define PHI      0.5
#define START_NS (INT64_C(1767571200) * 1000000000) /* a Monday, 00:00 UTC */

struct world {
	struct pgt_random r;
	double ar;
	int cold; /* buckets since a restart */
};

/* Load and latency of bucket i: daily and weekly season, AR(1) lognormal noise, 1 % of
 * outliers at 8 deviations, a restart each week with two minutes down and a cold cache.
 */
static inline bool
world_bucket(struct world *w, int i, double *ret_latency, double *ret_tps,
	     bool *ret_restart)
{
	double day = sin(2 * M_PI * i / DAY), week = i / DAY % 7 >= 5 ? -0.3 : 0;
	int in_week = i % (7 * DAY);
	double x;

	*ret_restart = in_week == 3 * DAY + 1234;
	w->ar = PHI * w->ar + sqrt(1 - PHI * PHI) * pgt_random_normal(&w->r);
	x = log(5) + 0.20 * day + 0.3 * week + NOISE * w->ar;
	if (pgt_random_uniform(&w->r) < 0.01)
		x += 8 * NOISE;
	if (in_week >= 3 * DAY + 1234 && in_week < 3 * DAY + 1242)
		return false;
	if (in_week >= 3 * DAY + 1242 && in_week < 3 * DAY + 1260)
		x += 0.5 * exp(-(in_week - 3 * DAY - 1242) / 3.0);
	*ret_latency = exp(x);
	*ret_tps = exp(log(800) + 0.5 * day + week + 0.05 * pgt_random_normal(&w->r));
	return in_week % 977 != 5; /* a statistics reset: one sample lost */
}

struct world_result {
	int injected, found, in_time, onset_ok; /* onset: within two buckets */
	int false_alarms;
	double delay[WEEKS * 7];
};

static inline int64_t
world_time(int i)
{
	return (int64_t)(i + 1) * BUCKET_S * 1000000000;
}

/* One run.  factor 1: nothing is injected.  Otherwise each day but the first and those
 * with a restart holds a step by factor that lasts an hour, at a varying time. */
static inline void
world_run(uint64_t seed, double arl0, double factor, int within, struct world_result *res)
{
	struct pgt_metric_config cfg = pgt_metric_defaults();
	struct pgt_metric_track *t;
	struct world w = {0};
	int on = -1;

	cfg.bucket_s = BUCKET_S;
	cfg.arl0 = arl0;
	t = pgt_metric_new(pgt_metric_def(PGT_METRIC_LATENCY_MEAN), &cfg);
	*res = (struct world_result){0};
	pgt_random_init(&w.r, seed);
	for (int i = 0; i < WEEKS * 7 * DAY; i++) {
		int64_t now = world_time(i), err;
		double lat = NAN, tps = NAN;
		bool restart, ok = world_bucket(&w, i, &lat, &tps, &restart);
		int day = i / DAY, start = day * DAY + DAY / 4 + (day * 379) % (DAY / 2);
		bool inject = factor != 1 && day >= 1 && day % 7 != 3;

		if (restart)
			pgt_metric_disturbed(t);
		if (inject && i == start) {
			on = i;
			res->injected++;
		}
		if (inject && i >= start && i < start + 240)
			lat *= factor;
		/* what is said as bucket i + 1 begins speaks of bucket i */
		if (pgt_metric_feed(t, now, START_NS + now, lat, ok, tps) != PGT_MV_ALARM)
			continue;
		if (on < 0 || i - on > 240) {
			res->false_alarms++;
			continue;
		}
		err = pgt_metric_alarm(t).onset_real_ns - (START_NS + world_time(on));
		res->delay[res->found++] = i - on;
		res->in_time += i - on <= within;
		res->onset_ok += llabs(err) <= 2 * world_time(0);
		on = -1;
	}
	pgt_metric_free(t);
}

#endif
