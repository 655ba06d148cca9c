#include "pg2une/detect/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/num/quantile.h"

#define HOUR_NS     (INT64_C(3600) * PGT_NS_PER_S)
#define HOUR_VALUES 720 /* one each 5 s; finer ones are thinned */
#define HOUR_MIN    10  /* fewer make no median */
#define PAST_MIN    3   /* of ten minutes each */
#define TREND_FROM  60  /* buckets before a slope means anything */

struct pgt_baseline {
	double lambda;
	struct pgt_level now;
	int64_t now_ns;

	/* the hour under way */
	int64_t hour; /* hours since the epoch; 0 none yet */
	double values[HOUR_VALUES];
	size_t n, seen;

	/* medians of the last weeks, a ring per slot; season: their median */
	double median[PGT_HOURS_PER_WEEK][PGT_BASELINE_WEEKS];
	unsigned count[PGT_HOURS_PER_WEEK];
	double season[PGT_HOURS_PER_WEEK];
	bool seasonal;
};

struct pgt_baseline *
pgt_baseline_new(double lambda)
{
	struct pgt_baseline *b = pgt_xcalloc(1, sizeof(*b));

	b->lambda = lambda;
	return b;
}

void
pgt_baseline_free(struct pgt_baseline *b)
{
	free(b);
}

/* Medians stand for the middle of their hour; straight lines join them, since a step
 * at each full hour would itself look like a change. */
double
pgt_baseline_season(const struct pgt_baseline *b, int64_t real_ns)
{
	double at = (double)((real_ns - HOUR_NS / 2) % HOUR_NS) / (double)HOUR_NS;
	int slot = pgt_clock_hour_of_week(real_ns - HOUR_NS / 2);

	if (!b->seasonal)
		return NAN;
	return b->season[slot] * (1 - at) +
	       b->season[(slot + 1) % PGT_HOURS_PER_WEEK] * at;
}

static double
season_or_zero(const struct pgt_baseline *b, int64_t real_ns)
{
	return b->seasonal ? pgt_baseline_season(b, real_ns) : 0;
}

double
pgt_baseline_at(const struct pgt_baseline *b, int64_t real_ns)
{
	if (b->now.n < 1)
		return NAN;
	return b->now.level + season_or_zero(b, real_ns);
}

/* A slot without two weeks of its own borrows from the nearest that has them. */
static void
fill_season(struct pgt_baseline *b)
{
	for (int s = 0; s < PGT_HOURS_PER_WEEK; s++) {
		double v[PGT_BASELINE_WEEKS];
		int from = s;
		unsigned n;

		for (int d = 0; b->count[from] < 2 && d < PGT_HOURS_PER_WEEK; d++)
			from = (s + (d % 2 ? -(d / 2 + 1) : d / 2 + 1) +
				PGT_HOURS_PER_WEEK) %
			       PGT_HOURS_PER_WEEK;
		n = b->count[from] < PGT_BASELINE_WEEKS ? b->count[from]
							: PGT_BASELINE_WEEKS;
		memcpy(v, b->median[from], n * sizeof(*v));
		b->season[s] = pgt_quantile_of(v, n, 0.5);
	}
}

static void
end_hour(struct pgt_baseline *b, size_t least)
{
	int slot = pgt_clock_hour_of_week(b->hour * HOUR_NS), known = 0;
	double before;

	if (b->n < least)
		return;
	b->median[slot][b->count[slot]++ % PGT_BASELINE_WEEKS] = pgt_quantile_of(
	    b->values, b->n, 0.5);
	for (int s = 0; s < PGT_HOURS_PER_WEEK; s++)
		known += b->count[s] >= 2;
	if (known < PGT_HOURS_PER_WEEK * 9 / 10)
		return;
	/* The level stands on the season: when that moves, the sum must not. */
	before = season_or_zero(b, b->now_ns);
	fill_season(b);
	b->seasonal = true;
	b->now.level += before - season_or_zero(b, b->now_ns);
}

static void
learn_season(struct pgt_baseline *b, int64_t real_ns, double x, size_t least)
{
	int64_t hour = real_ns / HOUR_NS;

	if (hour != b->hour) {
		if (b->hour)
			end_hour(b, least);
		b->hour = hour;
		b->n = b->seen = 0;
	}
	b->seen++;
	if (b->n < HOUR_VALUES)
		b->values[b->n++] = x;
	else /* keep a spread over the hour */
		b->values[b->seen * 7919 % HOUR_VALUES] = x;
}

/* Brown's double exponential smoothing: gains 1 - q^2 and (1 - q)^2 with q = 1 - lambda
 * follow a slope without lag, and a daily wave with little. */
void
pgt_baseline_learn(struct pgt_baseline *b, int64_t real_ns, double x)
{
	double q = 1 - b->lambda, g = 1 - q * q, e;

	b->now_ns = real_ns;
	learn_season(b, real_ns, x, HOUR_MIN);
	e = x - season_or_zero(b, real_ns) - b->now.level;
	b->now.n += 1;
	b->now.level += fmax(g, 1 / b->now.n) * e + b->now.trend;
	if (b->now.n > TREND_FROM)
		b->now.trend += (1 - q) * (1 - q) * e;
}

void
pgt_baseline_past(struct pgt_baseline *b, int64_t real_ns, double x)
{
	if (b->now.n < 1)
		learn_season(b, real_ns, x, PAST_MIN);
}

struct pgt_level
pgt_baseline_level(const struct pgt_baseline *b)
{
	return b->now;
}

void
pgt_baseline_set_level(struct pgt_baseline *b, struct pgt_level l)
{
	b->now = l;
}
