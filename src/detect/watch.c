#include "pg2une/detect/watch.h"

#include <math.h>
#include <stdlib.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/num/moments.h"
#include "watch_priv.h"

#define MINUTE_NS   (60 * PGT_NS_PER_S)
#define QUERIES_MAX 2000

/* One statement's minute so far. */
struct tally {
	uint64_t key;
	struct pgt_watch_row row;
};

struct pgt_watch {
	struct watch_events events;
	struct tally *tally; /* sorted by key */
	size_t n, cap;
	struct pgt_watch_row *minute; /* that the last feed completed */
	size_t n_minute;
	int64_t covered_ns,
	    taken_ns; /* of statements, since the last minute; newest used */
};

struct pgt_watch *
pgt_watch_new(void)
{
	return pgt_xcalloc(1, sizeof(struct pgt_watch));
}

void
pgt_watch_free(struct pgt_watch *w)
{
	if (!w)
		return;
	watch_events_done(&w->events);
	free(w->tally);
	free(w->minute);
	free(w);
}

/* FNV-1a, 64 bits. */
uint64_t
watch_hash(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	if (h == 0)
		h = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h ? h : 1;
}

uint64_t
pgt_watch_query_key(const struct pgt_query_key *k)
{
	uint64_t h = watch_hash(0, &k->queryid, sizeof(k->queryid));

	h = watch_hash(h, &k->userid, sizeof(k->userid));
	h = watch_hash(h, &k->dbid, sizeof(k->dbid));
	return watch_hash(h, &(unsigned char){k->toplevel}, 1);
}

/* ---- numbers --------------------------------------------------------------------- */

static double
count_or_nan(int v)
{
	return v >= 0 ? v : NAN;
}

/* The farthest standby, in seconds; idle ones, which say nothing, lag by 0.  NaN when
 * there is nothing to replicate. */
static double
replication_lag(const struct pgt_snapshot *s)
{
	double most = NAN;

	if (!s->section[PGT_SEC_REPLICATION].available)
		return NAN;
	for (size_t i = 0; i < s->n_replicas; i++) {
		double ms = s->replicas[i].replay_lag_ms;

		most = fmax(isnan(most) ? 0 : most, isnan(ms) ? 0 : ms / 1000);
	}
	if (s->receiver.present)
		most = isnan(s->receiver.replay_delay_ms)
			   ? 0
			   : s->receiver.replay_delay_ms / 1000;
	return most;
}

void
pgt_watch_sample(const struct pgt_snapshot *s, struct pgt_detect_sample *ret)
{
	bool sessions = s->section[PGT_SEC_ACTIVITY].available;
	double *v = ret->value;

	ret->now_ns = s->mono_ns;
	ret->real_ns = s->real_ns;
	for (int m = 0; m < PGT_METRIC__N; m++)
		v[m] = NAN;
	ret->load = NAN;
	v[PGT_METRIC_LOCK_WAITS] = sessions ? count_or_nan(s->sessions.blocked) : NAN;
	v[PGT_METRIC_ACTIVE_SESSIONS] = sessions ? count_or_nan(s->sessions.active) : NAN;
	v[PGT_METRIC_REPLICATION_LAG] = replication_lag(s);
	if (s->gap)
		return;
	v[PGT_METRIC_TPS] = ret->load = s->rate.tps;
	v[PGT_METRIC_HIT_RATIO] = s->rate.hit_ratio;
	v[PGT_METRIC_TEMP_BYTES] = s->rate.temp_bytes;
	v[PGT_METRIC_WAL_BYTES] = s->rate.wal_bytes;
	v[PGT_METRIC_ERROR_RATE] = s->rate.errors;
	v[PGT_METRIC_LATENCY_MEAN] = s->latency.mean_ms;
	if (s->latency.method != PGT_LAT_NONE)
		v[PGT_METRIC_LATENCY_P99] = s->latency.p99_ms;
}

/* ---- statements -------------------------------------------------------------------- */

static struct tally *
find_tally(struct pgt_watch *w, uint64_t key)
{
	size_t lo = 0, hi = w->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->tally[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < w->n && w->tally[lo].key == key)
		return &w->tally[lo];
	if (w->n == QUERIES_MAX)
		return NULL;
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->tally = pgt_xreallocarray(w->tally, w->cap, sizeof(*w->tally));
	}
	for (size_t i = w->n++; i > lo; i--)
		w->tally[i] = w->tally[i - 1];
	w->tally[lo] = (struct tally){.key = key, .row.var_ok = true};
	return &w->tally[lo];
}

static double
known(double v)
{
	return isfinite(v) ? v : 0;
}

static void
add_statements(struct pgt_watch *w, const struct pgt_snapshot *s)
{
	for (size_t i = 0; i < s->n_queries; i++) {
		const struct pgt_query *q = &s->queries[i];
		struct pgt_moments m = {.n = q->calls};
		struct tally *t;

		if (q->ours || !(q->calls > 0) || !(q->total_ms > 0))
			continue;
		t = find_tally(w, pgt_watch_query_key(&q->key));
		if (!t)
			continue;
		t->row.key = q->key;
		m.mean = q->total_ms / q->calls;
		t->row.var_ok &= isfinite(q->var_ms2);
		m.m2 = isfinite(q->var_ms2) ? q->var_ms2 * q->calls : 0;
		pgt_moments_merge(&t->row.m, &m);
		t->row.rows += known(q->rows) * q->calls;
		t->row.blks_hit += known(q->shared_hit);
		t->row.blks_read += known(q->shared_read);
		t->row.temp_written += known(q->temp_written);
	}
}

static int
hand_over(struct pgt_watch *w, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	struct pgt_query_interval *q = pgt_xcalloc(w->n + 1, sizeof(*q));
	int changed;

	w->minute = pgt_xreallocarray(w->minute, w->n + 1, sizeof(*w->minute));
	for (size_t i = 0; i < w->n; i++) {
		const struct pgt_watch_row *r = &w->tally[i].row;

		q[i] = (struct pgt_query_interval){.key = w->tally[i].key,
						   .queryid = r->key.queryid,
						   .calls = r->m.n,
						   .mean_ms = r->m.mean,
						   .var_ms2 = r->m.m2 / r->m.n,
						   .var_ok = r->var_ok};
		w->minute[i] = *r;
	}
	w->n_minute = w->n;
	changed = pgt_detect_feed_queries(d, s->real_ns, (double)w->covered_ns / 1e9, q,
					  w->n);
	free(q);
	w->n = 0;
	w->covered_ns = 0;
	return changed;
}

/* Statement rows stay in each snapshot until the next ones are taken, and their windows
 * may overlap: each stretch of time is taken once. */
static int
feed_statements(struct pgt_watch *w, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	const struct pgt_section *sec = &s->section[PGT_SEC_STATEMENTS];
	int64_t window = s->statements_window_ns;

	if (s->gap & (PGT_GAP_PGSS_RESET | PGT_GAP_RESTART | PGT_GAP_FAILOVER)) {
		w->n = 0;
		w->covered_ns = 0;
		w->taken_ns = sec->taken_ns;
		return 0;
	}
	if (!sec->available || window <= 0 ||
	    sec->taken_ns - w->taken_ns < window * 99 / 100)
		return 0;
	w->taken_ns = sec->taken_ns;
	w->covered_ns += window;
	add_statements(w, s);
	return w->covered_ns >= MINUTE_NS ? hand_over(w, s, d) : 0;
}

int
pgt_watch_feed(struct pgt_watch *w, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	struct pgt_detect_sample sample;

	w->n_minute = 0;
	watch_events_feed(&w->events, s, d);
	pgt_watch_sample(s, &sample);
	return pgt_detect_feed(d, &sample) + feed_statements(w, s, d);
}

const struct pgt_watch_row *
pgt_watch_minute(const struct pgt_watch *w, size_t *ret_n)
{
	*ret_n = w->n_minute;
	return w->minute;
}
