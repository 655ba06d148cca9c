#include <math.h>
#include <stdlib.h>

#include "confirm_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/changepoint.h"
#include "pg2une/detect/usl.h"

#define EVERY_NS    (300 * PGT_NS_PER_S)
#define WINDOW_NS   (1800 * PGT_NS_PER_S)
#define FORECAST_NS (1800 * PGT_NS_PER_S)
#define USL_NS      (3600 * PGT_NS_PER_S)
#define HOUR_NS     (3600 * PGT_NS_PER_S)
#define ALPHA       0.01 /* of p corrected for the choice of the place */
#define MAX_POINTS  512

/* Those whose mean is a plain statement of how the server does. */
static const enum pgt_metric confirmed[] = {PGT_METRIC_TPS, PGT_METRIC_LATENCY_MEAN,
					    PGT_METRIC_LATENCY_P99, PGT_METRIC_HIT_RATIO};

void
confirm_init(struct confirm *c)
{
	*c = (struct confirm){.usl = {.deviation = NAN}};
	for (int m = 0; m < PGT_METRIC__N; m++)
		pgt_ring_init(&c->hourly[m].hours, HOURS_KEPT);
}

void
confirm_done(struct confirm *c)
{
	for (int m = 0; m < PGT_METRIC__N; m++)
		pgt_ring_done(&c->hourly[m].hours);
}

static void
run_changepoints(struct confirm *c, enum pgt_metric m, const struct pgt_ring *r,
		 int64_t real_ns)
{
	double x[MAX_POINTS];
	int64_t t[MAX_POINTS];
	size_t n = 0;

	for (size_t i = pgt_ring_since(r, real_ns - WINDOW_NS);
	     i < r->len && n < MAX_POINTS; i++) {
		x[n] = pgt_ring_at(r, i).v;
		t[n++] = pgt_ring_at(r, i).t_ns;
	}
	c->n_points[m] = pgt_changepoints(x, t, n, ALPHA, PGT_CHANGEPOINT_MAGNITUDE,
					  c->point[m], CONFIRM_POINTS);
}

static void
run_usl(struct confirm *c, const struct pgt_ring *tps, const struct pgt_ring *active,
	int64_t real_ns)
{
	double n[MAX_POINTS], x[MAX_POINTS];
	size_t len = 0;

	for (size_t i = pgt_ring_since(tps, real_ns - USL_NS); i < tps->len; i++) {
		struct pgt_point p = pgt_ring_at(tps, i);
		size_t j = pgt_ring_since(active, p.t_ns);

		if (len == MAX_POINTS || j == active->len ||
		    pgt_ring_at(active, j).t_ns != p.t_ns)
			continue;
		n[len] = pgt_ring_at(active, j).v;
		x[len++] = p.v;
	}
	pgt_usl_fit(n, x, len, &c->usl);
}

/* ---- hours -------------------------------------------------------------------- */

static void
feed_hour(struct hourly *h, int64_t real_ns, double value)
{
	int64_t hour = real_ns / HOUR_NS;

	if (hour != h->hour) {
		double last = h->hours.len ? pgt_ring_at(&h->hours, h->hours.len - 1).v
					   : NAN;
		double v = h->n > 0 ? log(h->sum / h->n + 1e-3) : last;

		/* A missed hour repeats the last one: the recursion needs each step.
		 * After more than a day nothing is worth carrying over. */
		if (h->hour && hour - h->hour > 24)
			pgt_ring_clear(&h->hours);
		for (int64_t at = h->hour; h->hour && at < hour && hour - h->hour <= 24;
		     at++)
			if (!isnan(v))
				pgt_ring_put(&h->hours, at * HOUR_NS, v);
		h->hour = hour;
		h->sum = 0;
		h->n = 0;
	}
	if (isfinite(value) && value >= 0) {
		h->sum += value;
		h->n++;
	}
}

static void
run_forecast(struct hourly *h)
{
	double y[HOURS_KEPT];
	size_t n = pgt_ring_values(&h->hours, 0, y, HOURS_KEPT);
	size_t period = n >= 2 * 168 ? 168 : n >= 48 ? 24 : 0;

	if (period && pgt_holt_winters_fit(y, n, period, &h->hw, NULL) == 0)
		h->hw_after = pgt_ring_at(&h->hours, n - 1).t_ns;
}

bool
confirm_forecast(const struct confirm *c, enum pgt_metric m, size_t h, double *mid,
		 double *lo, double *hi)
{
	const struct hourly *hr = &c->hourly[m];
	double a, b, d;

	if (hr->hw.n == 0 || h == 0)
		return false;
	pgt_holt_winters_at(&hr->hw, h, 1.96, &a, &b, &d);
	*mid = fmax(0, exp(a) - 1e-3);
	*lo = fmax(0, exp(b) - 1e-3);
	*hi = fmax(0, exp(d) - 1e-3);
	return true;
}

bool
confirm_feed(struct confirm *c, struct pgt_metric_track *const *track, int64_t now_ns,
	     int64_t real_ns, const double *value)
{
	for (int m = 0; m < PGT_METRIC__N; m++)
		feed_hour(&c->hourly[m], real_ns, value[m]);
	if (c->next_ns == 0) {
		c->next_ns = now_ns + EVERY_NS;
		c->next_forecast_ns = now_ns + FORECAST_NS;
	}
	if (now_ns < c->next_ns)
		return false;
	c->next_ns = now_ns + EVERY_NS;
	for (size_t i = 0; i < PGT_LEN(confirmed); i++)
		run_changepoints(c, confirmed[i], pgt_metric_buckets(track[confirmed[i]]),
				 real_ns);
	run_usl(c, pgt_metric_buckets(track[PGT_METRIC_TPS]),
		pgt_metric_buckets(track[PGT_METRIC_ACTIVE_SESSIONS]), real_ns);
	if (now_ns >= c->next_forecast_ns) {
		c->next_forecast_ns = now_ns + FORECAST_NS;
		for (int m = 0; m < PGT_METRIC__N; m++)
			run_forecast(&c->hourly[m]);
	}
	return true;
}

void
confirm_past_begin(struct confirm *c, struct hourly *ret_now)
{
	for (int m = 0; m < PGT_METRIC__N; m++) {
		struct hourly *h = &c->hourly[m];

		ret_now[m] = *h;
		pgt_ring_clear(&h->hours);
		h->hour = 0;
		h->n = 0;
		h->sum = 0;
	}
}

void
confirm_past(struct confirm *c, int64_t real_ns, const double *value)
{
	for (int m = 0; m < PGT_METRIC__N; m++)
		feed_hour(&c->hourly[m], real_ns, value[m]);
}

void
confirm_past_end(struct confirm *c, const struct hourly *now)
{
	for (int m = 0; m < PGT_METRIC__N; m++) {
		struct hourly *h = &c->hourly[m];

		if (now[m].hour > h->hour)
			feed_hour(h, now[m].hour * HOUR_NS, NAN);
		if (now[m].hour) {
			h->sum += now[m].sum;
			h->n += now[m].n;
		}
		run_forecast(h);
	}
}

double
confirm_change_magnitude(const struct confirm *c)
{
	double most = 0;

	for (int m = 0; m < PGT_METRIC__N; m++)
		for (size_t i = 0; i < c->n_points[m]; i++)
			most = fmax(most, c->point[m][i].magnitude);
	return most;
}
