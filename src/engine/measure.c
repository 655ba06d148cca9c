#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "measure_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/measure.h"
#include "pg2une/num/quantile.h"
#include "pg2une/observe/sampler.h"
#include "pg2une/pg/conn.h"

#define BUCKET_NS   (5 * PGT_NS_PER_S)
#define FIRST_NS    (20 * PGT_NS_PER_S) /* the longest wait for a first sample */
#define CLASSES_MAX 200
#define WORK_NS	    (24 * 3600 * PGT_NS_PER_S) /* longer than any work is measured */
#define LAST_NS	    (15 * PGT_NS_PER_S) /* the longest wait for its last statements */
#define FIRST_MAX   3 /* samples until statements are among them, or never */
#define LAST_MAX    4 /* samples until the text of each is known, or never */

struct pgt_meter {
	struct pgt_sampler *sampler;
	struct pgt_validate_ops ops;
	struct pgt_window before;
	bool have_before;
	struct pgt_measure_least least;
	bool whole; /* statements since the first reading, not of the last stretch */
};

struct mix {
	int64_t key;
	double calls, ms;
};

/* What one window gathers. */
struct gather {
	struct pgt_window w;
	double tps_sum, hit_sum, temp_sum, active_sum; /* of the open bucket and of all */
	size_t ticks, hits;
	double bucket_tps;
	size_t bucket_ticks;
	int64_t bucket_began_ns, taken_ns;
	double calls, total_ms, rows;
	double ours, statements_s; /* our calls; the time that statements cover */
	double rows_read, rows_written;
	struct mix mix[4 * PGT_MEASURE_KEYS];
	size_t n_mix;
	double p99_sum;
	size_t n_p99;
	int n_firsts, n_lasts; /* samples before a work, and after it */
};

static int
open_meter(const struct pgt_connspec *spec, bool whole, struct pgt_meter **ret,
	   struct pgt_err *err)
{
	const struct pgt_sampler_opts so = {
	    .interval_ns = PGT_NS_PER_S,
	    .slow_interval_ns = 3600 * PGT_NS_PER_S,
	    .statements_window_ns = whole ? WORK_NS : BUCKET_NS,
	    .max_queries = CLASSES_MAX,
	    .max_activity = 1000,
	};
	struct pgt_meter *m;

	if (!spec)
		return pgt_err_set(err, PGT_E_USAGE, "nothing to measure");
	m = pgt_xcalloc(1, sizeof(*m));
	m->sampler = pgt_sampler_new(spec, &so);
	m->whole = whole;
	*ret = m;
	return 0;
}

int
pgt_measure_open(const struct pgt_connspec *spec, struct pgt_meter **ret,
		 struct pgt_err *err)
{
	return open_meter(spec, false, ret, err);
}

int
pgt_measure_open_work(const struct pgt_connspec *spec, struct pgt_meter **ret,
		      struct pgt_err *err)
{
	return open_meter(spec, true, ret, err);
}

void
pgt_measure_close(struct pgt_meter *m)
{
	if (!m)
		return;
	pgt_sampler_free(m->sampler);
	free(m);
}

/* ---- one window ---- */

static void
add_mix(struct gather *g, int64_t key, double calls, double ms)
{
	size_t i = 0;

	while (i < g->n_mix && g->mix[i].key != key)
		i++;
	if (i == PGT_LEN(g->mix))
		return;
	if (i == g->n_mix)
		g->mix[g->n_mix++] = (struct mix){.key = key};
	g->mix[i].calls += calls;
	g->mix[i].ms += ms;
}

/* The statements of one stretch: its mean and its p99. */
static void
read_statements(struct gather *g, const struct pgt_snapshot *s, struct pgt_bucket *b)
{
	struct pgt_qclass c[CLASSES_MAX];
	const double p = 0.99;
	struct pgt_quantile q;
	double calls = 0, total = 0, ours = 0,
	       s_s = (double)s->statements_window_ns / 1e9;
	size_t n = 0;

	for (size_t i = 0; i < s->n_queries && n < CLASSES_MAX; i++) {
		const struct pgt_query *x = &s->queries[i];

		if (x->ours && x->calls > 0)
			ours += x->calls;
		if (x->ours || !(x->calls > 0))
			continue;
		calls += x->calls;
		g->rows += isnan(x->rows) ? 0 : x->rows * x->calls;
		total += x->total_ms;
		add_mix(g, x->key.queryid, x->calls, x->total_ms);
		c[n++] = (struct pgt_qclass){
		    .n = x->calls,
		    .mean = x->total_ms / x->calls,
		    .var = isnan(x->var_ms2) ? 0 : x->var_ms2,
		    .var_ok = !isnan(x->var_ms2),
		};
	}
	g->ours += ours;
	g->statements_s += s_s;
	b->calls_ps = calls / s_s;
	if (calls <= 0)
		return;
	g->calls += calls;
	g->total_ms += total;
	b->mean_ms = total / calls;
	if (pgt_quantile_mixture(c, n, &p, 1, &q)) {
		b->p99_ms = q.value;
		g->p99_sum += log(q.value);
		g->n_p99++;
	}
}

static bool
close_bucket(struct gather *g, const struct pgt_snapshot *s)
{
	const struct pgt_section *sec = &s->section[PGT_SEC_STATEMENTS];
	struct pgt_bucket b = {g->bucket_tps / (double)g->bucket_ticks, NAN, NAN, NAN};

	if (s->mono_ns - g->bucket_began_ns < BUCKET_NS || g->bucket_ticks == 0)
		return false;
	/* Each stretch of statements is taken once; the clock may be a little off. */
	if (sec->available &&
	    sec->taken_ns >= g->taken_ns + s->statements_window_ns / 10 * 9) {
		read_statements(g, s, &b);
		g->taken_ns = sec->taken_ns;
	}
	if (g->w.n < PGT_MEASURE_BUCKETS)
		g->w.bucket[g->w.n++] = b;
	g->bucket_tps = 0;
	g->bucket_ticks = 0;
	g->bucket_began_ns = s->mono_ns;
	return true;
}

/* False: no rates can be had of it. */
static bool
add_sample(struct gather *g, const struct pgt_snapshot *s)
{
	if (s->gap || isnan(s->rate.tps)) {
		g->w.gaps++;
		g->bucket_tps = 0;
		g->bucket_ticks = 0;
		g->bucket_began_ns = s->mono_ns;
		g->taken_ns = s->section[PGT_SEC_STATEMENTS].taken_ns;
		return false;
	}
	g->ticks++;
	g->bucket_ticks++;
	g->tps_sum += s->rate.tps;
	g->bucket_tps += s->rate.tps;
	g->active_sum += s->sessions.active;
	g->w.active_peak = fmax(g->w.active_peak, s->sessions.active);
	g->temp_sum += isnan(s->rate.temp_bytes) ? 0 : s->rate.temp_bytes;
	if (!isnan(s->rate.tup_fetched)) {
		g->rows_read += s->rate.tup_fetched;
		g->rows_written += s->rate.tup_inserted + s->rate.tup_updated +
				   s->rate.tup_deleted;
	}
	if (!isnan(s->rate.hit_ratio)) {
		g->hit_sum += s->rate.hit_ratio;
		g->hits++;
	}
	return true;
}

static int
by_calls(const void *a, const void *b)
{
	const struct mix *x = a, *y = b;

	return x->calls < y->calls ? 1 : x->calls > y->calls ? -1 : 0;
}

static void
finish(struct gather *g)
{
	struct pgt_window *w = &g->w;

	w->tps = g->ticks ? g->tps_sum / (double)g->ticks : NAN;
	w->calls_ps = g->statements_s > 0 ? g->calls / g->statements_s : NAN;
	w->ours_share =
	    g->statements_s > 0 ? g->ours / fmax(1, w->tps * g->statements_s) : 0;
	w->mean_ms = g->calls > 0 ? g->total_ms / g->calls : NAN;
	w->p99_ms = g->n_p99 ? exp(g->p99_sum / (double)g->n_p99) : NAN;
	w->hit_ratio = g->hits ? g->hit_sum / (double)g->hits : NAN;
	w->temp_bytes = g->ticks ? g->temp_sum / (double)g->ticks : NAN;
	w->rows_per_call = g->calls > 0 ? g->rows / g->calls : NAN;
	w->read_share = g->rows_read + g->rows_written > 0
			    ? g->rows_read / (g->rows_read + g->rows_written)
			    : 1;
	w->active = g->ticks ? g->active_sum / (double)g->ticks : NAN;
	w->calls = g->calls;
	qsort(g->mix, g->n_mix, sizeof(g->mix[0]), by_calls);
	for (size_t i = 0; i < g->n_mix && i < PGT_MEASURE_KEYS; i++) {
		w->key[i] = g->mix[i].key;
		w->share[i] = g->calls > 0 ? g->mix[i].calls / g->calls : 0;
		w->key_ms[i] = g->mix[i].ms / g->mix[i].calls;
		w->n_keys = i + 1;
	}
}

static int
wait_ms(const struct pgt_meter *m)
{
	int64_t left = (pgt_sampler_wakeup_ns(m->sampler) - pgt_clock_mono_ns()) /
		       PGT_NS_PER_MS;

	return left < 0 ? 0 : left > 100 ? 100 : (int)left + 1;
}

void
pgt_measure_extend(struct pgt_meter *m, double calls, size_t buckets, int64_t most_ns)
{
	m->least = (struct pgt_measure_least){calls, buckets, most_ns};
}

bool
pgt_measure_enough(const struct pgt_measure_least *least, double calls, size_t buckets,
		   int64_t window_ns, int64_t so_far_ns)
{
	return so_far_ns >= window_ns &&
	       ((calls >= least->calls && buckets >= least->buckets) ||
		so_far_ns >= least->most_ns);
}

/* waits_since: for the first sample; 0: it came. */
static int
may_go_on(const struct pgt_meter *m, int64_t waits_since, struct pgt_pulse pulse,
	  struct pgt_err *err)
{
	if (waits_since && pgt_clock_mono_ns() - waits_since > FIRST_NS)
		return pgt_err_set(err, PGT_E_TIMEOUT, "no sample came: %s",
				   pgt_sampler_link(m->sampler)->error.msg);
	if (pulse.fn && !pulse.fn(pulse.arg))
		return pgt_err_set(err, PGT_E_CANCELLED, "measuring was cancelled");
	return 0;
}

int
pgt_measure_window(struct pgt_meter *m, int64_t window_ns, struct pgt_pulse pulse,
		   bool (*stop)(void *ctx, const struct pgt_window *so_far), void *ctx,
		   struct pgt_window *ret, struct pgt_err *err)
{
	struct gather *g = pgt_xcalloc(1, sizeof(*g));
	int64_t began = pgt_clock_mono_ns(), first = 0;
	bool stopped = false;
	int rc = 0;

	pgt_sampler_kick(m->sampler);
	while (!stopped) {
		struct pollfd p = {.fd = pgt_sampler_fd(m->sampler),
				   .events = pgt_sampler_events(m->sampler)};
		const struct pgt_snapshot *s = pgt_sampler_step(m->sampler);
		int64_t now = pgt_clock_mono_ns();

		if (s && first == 0) {
			first = now;
			g->bucket_began_ns = s->mono_ns;
			g->taken_ns = s->section[PGT_SEC_STATEMENTS].taken_ns;
		} else if (s && add_sample(g, s) && close_bucket(g, s) && stop) {
			finish(g);
			stopped = stop(ctx, &g->w);
		}
		pgt_snapshot_unref(s);
		if (first && pgt_measure_enough(&m->least, g->calls, g->w.n, window_ns,
						now - first))
			break;
		rc = may_go_on(m, first ? 0 : began, pulse, err);
		if (rc < 0)
			break;
		poll(&p, 1, wait_ms(m));
	}
	finish(g);
	if (rc == 0)
		*ret = g->w;
	free(g);
	return rc;
}

/* ---- a work of a known amount ---- */

/* Every statement between the first reading and s, as one stretch. */
static void
take_whole(struct gather *g, const struct pgt_snapshot *s)
{
	struct pgt_bucket *b = &g->w.bucket[0];
	int64_t since = s->section[PGT_SEC_STATEMENTS].taken_ns - s->statements_window_ns;

	/* After a reset they are those since then only: nothing is known of the rest. */
	if (s->section[PGT_SEC_STATEMENTS].available && s->statements_window_ns > 0 &&
	    since <= g->taken_ns)
		read_statements(g, s, b);
}

/* Read after it was over, and not already on the way. */
static bool
is_after(const struct pgt_snapshot *s, int64_t over)
{
	int64_t sent = s->mono_ns - (int64_t)(s->cost.tick_ms * 1e6);
	const struct pgt_section *sec = &s->section[PGT_SEC_STATEMENTS];

	return sent > over && (!sec->available || sec->taken_ns == s->mono_ns);
}

/* Which statements are ours, their texts say: without, our own looking would count. */
static bool
knows_texts(struct pgt_meter *m, const struct pgt_snapshot *s)
{
	bool all = true;

	for (size_t i = 0; i < s->n_queries; i++) {
		if (s->queries[i].text)
			continue;
		pgt_sampler_want_texts(m->sampler, &s->queries[i].key, 1);
		all = false;
	}
	return all;
}

static bool
is_last(struct pgt_meter *m, struct gather *g, const struct pgt_snapshot *s, int64_t over)
{
	return is_after(s, over) && (knows_texts(m, s) || ++g->n_lasts == LAST_MAX);
}

static bool
is_ready(struct gather *g, const struct pgt_snapshot *s)
{
	const struct pgt_section *sec = &s->section[PGT_SEC_STATEMENTS];

	g->taken_ns = sec->taken_ns;
	g->n_firsts++;
	return sec->available || g->n_firsts == FIRST_MAX;
}

int
pgt_measure_work(struct pgt_meter *m, const struct pgt_work *work, struct pgt_pulse pulse,
		 struct pgt_window *ret, struct pgt_err *err)
{
	struct gather *g = pgt_xcalloc(1, sizeof(*g));
	int64_t opened = pgt_clock_mono_ns(), over = 0;
	bool begun = false, done = false;
	int rc = 0;

	pgt_sampler_kick(m->sampler);
	while (rc == 0 && !done) {
		struct pollfd p = {.fd = pgt_sampler_fd(m->sampler),
				   .events = pgt_sampler_events(m->sampler)};
		const struct pgt_snapshot *s = pgt_sampler_step(m->sampler);

		if (s && over && is_last(m, g, s, over)) {
			take_whole(g, s);
			done = true;
		} else if (s && begun && !over) {
			(void)add_sample(g, s);
			(void)knows_texts(m, s);
		} else if (s && !begun && is_ready(g, s)) {
			begun = true;
			rc = work->begin(work->ctx, err);
		}
		pgt_snapshot_unref(s);
		if (rc < 0 || done)
			break;
		if (begun && !over && !work->goes_on(work->ctx)) {
			over = pgt_clock_mono_ns();
			g->w.bucket[0] = (struct pgt_bucket){
			    g->tps_sum / (double)g->ticks, NAN, NAN, NAN};
			g->w.n = 1;
			/* its last statements at once */
			pgt_sampler_want(m->sampler, 1u << PGT_SEC_STATEMENTS);
			pgt_sampler_kick(m->sampler);
		}
		/* The work is done all the same. */
		done = over && pgt_clock_mono_ns() - over > LAST_NS;
		rc = may_go_on(m, begun ? 0 : opened, pulse, err);
		if (rc == 0)
			poll(&p, 1, wait_ms(m));
	}
	finish(g);
	if (rc == 0)
		*ret = g->w;
	free(g);
	return rc;
}

/* ---- as the change pipeline wants it ---- */

static int
take_baseline(void *ctx, int64_t window_ns, struct pgt_pulse pulse, struct pgt_err *err)
{
	struct pgt_meter *m = ctx;

	m->have_before = false;
	if (pgt_measure_window(m, window_ns, pulse, NULL, NULL, &m->before, err) < 0)
		return -1;
	m->have_before = true;
	return 0;
}

static int
take_judgement(void *ctx, int64_t window_ns, struct pgt_pulse pulse,
	       struct pgt_validation *ret, struct pgt_err *err)
{
	struct pgt_meter *m = ctx;
	struct pgt_comparison c;
	struct pgt_window after;

	if (!m->have_before)
		return pgt_err_set(err, PGT_E_STATE,
				   "there is no baseline to compare with");
	if (pgt_measure_window(m, window_ns, pulse, NULL, NULL, &after, err) < 0)
		return -1;
	pgt_measure_compare(&m->before, &after, &c);
	ret->verdict = c.verdict;
	memcpy(ret->text, c.text, sizeof(ret->text));
	ret->figures = pgt_comparison_json(&c);
	pgt_json_item(ret->figures, "before", pgt_window_json(&m->before));
	pgt_json_item(ret->figures, "after", pgt_window_json(&after));
	return 0;
}

const struct pgt_validate_ops *
pgt_measure_validate_ops(struct pgt_meter *m)
{
	m->ops.ctx = m;
	m->ops.baseline = take_baseline;
	m->ops.judge = take_judgement;
	return &m->ops;
}
