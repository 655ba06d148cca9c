#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/observe/snapshot.h"

#define SECONDS 3600

struct pgt_plot {
	float v[PGT_SERIES_N][SECONDS]; /* ring by second */
	unsigned char mark[SECONDS];
	int64_t newest; /* second of the newest value, -1 none */
	float sum[PGT_SERIES_N];
	int count[PGT_SERIES_N]; /* samples that share the newest second */
};

struct pgt_plot *
pgt_plot_new(void)
{
	struct pgt_plot *h = pgt_xcalloc(1, sizeof(*h));

	h->newest = -1;
	return h;
}

void
pgt_plot_free(struct pgt_plot *h)
{
	free(h);
}

static void
values_of(const struct pgt_snapshot *s, float *v)
{
	double lag = NAN;

	for (size_t i = 0; i < s->n_replicas; i++)
		if (!(s->replicas[i].replay_lag_bytes <= lag))
			lag = s->replicas[i].replay_lag_bytes;
	v[PGT_SERIES_TPS] = (float)s->rate.tps;
	v[PGT_SERIES_P50] = (float)s->latency.p50_ms;
	v[PGT_SERIES_P95] = (float)s->latency.p95_ms;
	v[PGT_SERIES_P99] = (float)s->latency.p99_ms;
	v[PGT_SERIES_HIT] = (float)s->rate.hit_ratio;
	v[PGT_SERIES_ACTIVE] = (float)s->sessions.active;
	v[PGT_SERIES_WAITING] = (float)s->sessions.waiting;
	v[PGT_SERIES_BLOCKED] = (float)s->sessions.blocked;
	v[PGT_SERIES_WAL] = (float)s->rate.wal_bytes;
	v[PGT_SERIES_READ] = (float)(s->rate.blks_read * 8192);
	v[PGT_SERIES_WRITE] =
	    (float)((s->rate.buffers_checkpoint + s->rate.buffers_clean +
		     (isnan(s->rate.buffers_backend) ? 0 : s->rate.buffers_backend)) *
		    8192);
	v[PGT_SERIES_CPU] = (float)(100 - s->host.cpu_idle_pct);
	v[PGT_SERIES_LAG] = (float)lag;
	for (int i = 0; i < PGT_SERIES_N; i++)
		if (s->gap && i != PGT_SERIES_ACTIVE && i != PGT_SERIES_WAITING &&
		    i != PGT_SERIES_BLOCKED)
			v[i] = NAN;
}

static void
bands_of(const struct pgt_ev_alerts *alerts, float *v)
{
	static const struct {
		enum pgt_metric metric;
		enum pgt_series lo, hi;
	} bands[] = {{PGT_METRIC_TPS, PGT_SERIES_TPS_LO, PGT_SERIES_TPS_HI},
		     {PGT_METRIC_LATENCY_P99, PGT_SERIES_P99_LO, PGT_SERIES_P99_HI}};

	for (size_t i = 0; i < PGT_LEN(bands); i++) {
		const struct pgt_chart_state *c = alerts
						      ? &alerts->charts[bands[i].metric]
						      : NULL;
		bool known = c && (c->phase == PGT_CHART_WATCHING ||
				   c->phase == PGT_CHART_ALARMED);

		v[bands[i].lo] = known ? (float)c->lo : NAN;
		v[bands[i].hi] = known ? (float)c->hi : NAN;
	}
}

/* Seconds between the newest value and sec hold the interval's own mean: a rate
 * covers its whole interval.  Anything longer was a gap. */
static void
fill_between(struct pgt_plot *h, int64_t sec, int64_t covered, const float *v)
{
	int64_t from = h->newest + 1;

	if (h->newest < 0)
		return;
	if (sec - from > SECONDS)
		from = sec - SECONDS;
	for (int64_t t = from; t < sec; t++) {
		h->mark[t % SECONDS] = 0;
		for (int i = 0; i < PGT_SERIES_N; i++)
			h->v[i][t % SECONDS] = sec - t <= covered ? v[i] : NAN;
	}
}

void
pgt_plot_add(struct pgt_plot *h, const struct pgt_snapshot *s,
	     const struct pgt_ev_alerts *alerts)
{
	int64_t sec = s->mono_ns / PGT_NS_PER_S;
	int64_t covered = s->interval_ns / PGT_NS_PER_S + 1;
	float v[PGT_SERIES_N];

	if (sec < h->newest)
		return;
	values_of(s, v);
	bands_of(alerts, v);
	if (sec > h->newest) {
		fill_between(h, sec, covered, v);
		if (h->newest < 0)
			for (int i = 0; i < PGT_SERIES_N; i++)
				for (int t = 0; t < SECONDS; t++)
					h->v[i][t] = NAN;
		memset(h->sum, 0, sizeof(h->sum));
		memset(h->count, 0, sizeof(h->count));
		h->mark[sec % SECONDS] = 0;
		h->newest = sec;
	}
	for (int i = 0; i < PGT_SERIES_N; i++) {
		if (!isnan(v[i])) {
			h->sum[i] += v[i];
			h->count[i]++;
		}
		h->v[i][sec % SECONDS] = h->count[i] ? h->sum[i] / (float)h->count[i]
						     : NAN;
	}
}

static int
width_of(int span_s, size_t n)
{
	int w = (int)((span_s + (int)n - 1) / (n ? (int)n : 1));

	return w < 1 ? 1 : w;
}

int
pgt_plot_points(const struct pgt_plot *h, enum pgt_series series, int span_s, float *out,
		size_t n, int *ret_odd)
{
	int width = width_of(span_s, n);
	int64_t last = h->newest / width;

	for (size_t i = 0; i < n; i++) {
		int64_t point = last - (int64_t)(n - 1 - i);
		float sum = 0;
		int count = 0;

		for (int64_t t = point * width; t < (point + 1) * width; t++) {
			if (t < 0 || t > h->newest || t <= h->newest - SECONDS ||
			    isnan(h->v[series][t % SECONDS]))
				continue;
			sum += h->v[series][t % SECONDS];
			count++;
		}
		out[i] = h->newest >= 0 && count ? sum / (float)count : NAN;
	}
	*ret_odd = last % 2 == 0;
	return width;
}

void
pgt_plot_mark(struct pgt_plot *h, int64_t mono_ns)
{
	int64_t sec = mono_ns / PGT_NS_PER_S;

	if (sec >= 0 && sec <= h->newest && sec > h->newest - SECONDS)
		h->mark[sec % SECONDS] = 1;
}

void
pgt_plot_marks(const struct pgt_plot *h, int span_s, unsigned char *out, size_t n)
{
	int width = width_of(span_s, n);
	int64_t last = h->newest / width;

	for (size_t i = 0; i < n; i++) {
		int64_t point = last - (int64_t)(n - 1 - i);

		out[i] = 0;
		for (int64_t t = point * width; t < (point + 1) * width; t++)
			if (t >= 0 && t <= h->newest && t > h->newest - SECONDS)
				out[i] |= h->mark[t % SECONDS];
	}
}
