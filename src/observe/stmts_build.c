/* From the table of entries to the rows that are shown, and to the percentiles
 * of all calls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/num/moments.h"
#include "pg2une/num/quantile.h"
#include "stmts_priv.h"

#define TEXTS_MAX     64 /* fetched at once */
#define TEXTS_ALWAYS  20 /* the first rows get their text without being asked */
#define UNSURE_MAX    1.0 /* relative half-width of a band that says something */
#define CALLS_MIN     20 /* below that a p99 is the maximum of a few */

/* Which generation the window reaches back to: the younger once it is old
 * enough by itself, as it is when readings are far apart. */
static int
gen_base(const struct obs_gen *g, int64_t now_ns, int64_t window_ns)
{
	return now_ns - g->at_ns[1] >= window_ns / 10 * 8 ? 1 : 0;
}

struct ranked {
	const struct obs_entry *e;
	double total;
};

static int
ranked_cmp(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->total != y->total)
		return (x->total < y->total) - (x->total > y->total);
	return (x->e->key.queryid > y->e->key.queryid) -
	       (x->e->key.queryid < y->e->key.queryid);
}

static double
grown(const struct obs_entry *e, int base, int counter)
{
	double d = e->base ? e->base->cur[counter] - e->base->v[base][counter] : 0;

	return d >= 0 ? d : NAN; /* NAN stays */
}

static void
query_moments(const struct obs_entry *e, int base, struct pgt_query *q)
{
	/* the deviation that belongs to the base reading is kept for the
	 * percentiles only; their window is the longer one */
	const struct obs_moment *b = &e->base->lat[base];
	struct pgt_stmt_reading before = {(int64_t)b->calls, b->total, 0, b->stddev};
	struct pgt_stmt_reading after = {(int64_t)e->calls, e->base->cur[S_TOTAL], 0,
					 e->base->cur[S_STDDEV]};
	struct pgt_quantile p99;
	struct pgt_interval iv;
	double p = 0.99;

	before.mean_ms = before.calls ? before.total_ms / (double)before.calls : 0;
	after.mean_ms = after.calls ? after.total_ms / (double)after.calls : 0;
	if (!pgt_moments_interval(&before, &after, &iv))
		return;
	q->var_ms2 = iv.var_ok ? iv.var_ms2 : NAN;
	if (iv.n >= CALLS_MIN && iv.var_ok) {
		struct pgt_qclass c = {
		    .n = iv.n, .mean = iv.mean_ms, .var = iv.var_ms2, .var_ok = true};

		if (pgt_quantile_mixture(&c, 1, &p, 1, &p99))
			q->p99_ms = p99.value;
	}
}

static void
fill_query(const struct obs *o, const struct obs_entry *e, int base, int lat_base,
	   double all_ms, double window_s, struct pgt_arena *a, struct pgt_query *q)
{
	const struct obs_stmts *st = o->stmts;
	double blocks;

	q->key = e->key;
	q->calls = grown(e, base, S_CALLS);
	q->total_ms = grown(e, base, S_TOTAL);
	q->time_pct = all_ms > 0 ? 100 * q->total_ms / all_ms : NAN;
	q->calls_ps = window_s > 0 ? q->calls / window_s : NAN;
	q->mean_ms = q->calls > 0 ? q->total_ms / q->calls : NAN;
	q->var_ms2 = q->p99_ms = NAN;
	query_moments(e, lat_base, q);
	q->rows = q->calls > 0 ? grown(e, base, S_ROWS) / q->calls : NAN;
	q->shared_read = grown(e, base, S_READ);
	q->shared_hit = grown(e, base, S_HIT);
	q->shared_dirtied = grown(e, base, S_DIRTIED);
	q->shared_written = grown(e, base, S_WRITTEN);
	blocks = q->shared_read + q->shared_hit;
	q->hit_ratio = blocks > 0 ? q->shared_hit / blocks : NAN;
	q->temp_written = grown(e, base, S_TEMP_WRITTEN);
	q->temp_read = grown(e, base, S_TEMP_READ);
	q->wal_bytes = grown(e, base, S_WAL);
	q->io_ms = o->caps.cap[PGT_CAP_TRACK_IO].available ? grown(e, base, S_IO) : NAN;
	q->plans = grown(e, base, S_PLANS);
	q->plan_ms = q->plans > 0 ? grown(e, base, S_PLAN) : NAN;
	q->jit_ms = grown(e, base, S_JIT);
	q->text = e->text ? pgt_arena_strdup(a, e->text) : NULL;
	q->user = pgt_arena_strdup(a, obs_stmts_name(st, 'r', e->key.userid));
	q->database = pgt_arena_strdup(a, obs_stmts_name(st, 'd', e->key.dbid));
	q->ours = e->ours;
	q->is_new = e->born_ns > st->gen.at_ns[base];
}

static void
build_rows(struct obs *o, struct pgt_snapshot *s)
{
	struct obs_stmts *st = o->stmts;
	struct pgt_arena *a = pgt_snapshot_arena(s);
	int base = gen_base(&st->gen, st->taken_ns, o->opts.statements_window_ns);
	int lat_base = gen_base(&st->lat, st->taken_ns, 2 * o->opts.statements_window_ns);
	struct ranked *rank = pgt_xcalloc(st->n_used, sizeof(*rank));
	struct pgt_query *rows;
	double all_ms = 0, window_s;
	size_t i, n = 0;

	for (i = 0; i < st->n_used; i++) {
		const struct obs_entry *e = &st->entries[i];

		if (!(grown(e, base, S_CALLS) > 0))
			continue;
		rank[n++] = (struct ranked){e, grown(e, base, S_TOTAL)};
		all_ms += grown(e, base, S_TOTAL);
	}
	qsort(rank, n, sizeof(*rank), ranked_cmp);
	s->statements_window_ns = st->taken_ns - st->gen.at_ns[base];
	s->statements_exec_ms = all_ms;
	s->statements_dealloc = st->dealloc - st->gen.dealloc[base];
	window_s = (double)s->statements_window_ns / (double)PGT_NS_PER_S;
	if (n > o->opts.max_queries)
		n = o->opts.max_queries;
	rows = pgt_arena_array(a, n, sizeof(*rows));
	for (i = 0; rows && i < n; i++)
		fill_query(o, rank[i].e, base, lat_base, all_ms, window_s, a, &rows[i]);
	if (rows) {
		s->queries = rows;
		s->n_queries = n;
	}
	free(rank);
}

/* ---- percentiles ---- */

static size_t
latency_classes(const struct obs_stmts *st, int base, struct pgt_qclass *c,
		double *ret_calls, double *ret_total)
{
	struct pgt_interval iv;
	size_t i, n = 0;

	*ret_calls = *ret_total = 0;
	for (i = 0; i < st->n_used; i++) {
		const struct obs_entry *e = &st->entries[i];
		struct pgt_stmt_reading x, y;
		const struct obs_moment *b;

		if (e->ours || !e->base)
			continue;
		b = &e->base->lat[base];
		x = (struct pgt_stmt_reading){(int64_t)b->calls, b->total, 0, b->stddev};
		y = (struct pgt_stmt_reading){(int64_t)e->calls, e->base->cur[S_TOTAL],
					      0, e->base->cur[S_STDDEV]};
		if (y.calls <= x.calls)
			continue;
		x.mean_ms = x.calls ? x.total_ms / (double)x.calls : 0;
		y.mean_ms = y.total_ms / (double)y.calls;
		if (!pgt_moments_interval(&x, &y, &iv))
			continue;
		c[n++] = (struct pgt_qclass){.n = iv.n,
					     .mean = iv.mean_ms,
					     .var = iv.var_ms2,
					     .var_ok = iv.var_ok};
		*ret_calls += iv.n;
		*ret_total += iv.n * iv.mean_ms;
	}
	return n;
}

/* pg_stat_statements counts execution alone.  What sessions were active beyond it
 * (parsing, planning, commit, waiting for a CPU) is known in sum, since 14, from
 * pg_stat_database.active_time: its mean goes to every call, as an independent
 * exponential part, since nothing tells how it is spread. */
static double
add_overhead(const struct obs_stmts *st, int base, struct pgt_qclass *c, size_t n)
{
	double active = st->last_active_ms - st->lat.active_ms[base], exec = 0, calls = 0,
	       o;
	size_t i;

	for (i = 0; i < st->n_used; i++) {
		const struct obs_entry *e = &st->entries[i];

		if (!e->base || e->calls <= e->base->lat[base].calls)
			continue;
		exec += e->base->cur[S_TOTAL] - e->base->lat[base].total;
		calls += e->calls - e->base->lat[base].calls;
	}
	if (!(active > exec) || !(calls >= CALLS_MIN))
		return 0; /* NAN too: before 14, or the first reading */
	o = (active - exec) / calls;
	for (i = 0; i < n; i++) {
		c[i].var = (c[i].var_ok ? c[i].var : c[i].mean * c[i].mean) + o * o;
		c[i].var_ok = true;
		c[i].mean += o;
	}
	return o;
}

/* Half the band, relative.  over_ms is known in sum only: how it is spread over the
 * calls is a guess, so all of it counts as unsure. */
static double
band(const struct pgt_quantile *q, double over_ms)
{
	double model;

	if (!(q->value > 0))
		return NAN;
	model = fmax(q->hi - q->value, q->value - q->lo) / q->value;
	return hypot(model, over_ms / q->value);
}

/* Past a factor of two either way it is no measurement: better nothing. */
static void
say(const struct pgt_quantile *q, double over_ms, double *ret_ms, double *ret_err)
{
	*ret_err = band(q, over_ms);
	*ret_ms = *ret_err <= UNSURE_MAX ? q->value : NAN;
}

static void
build_latency(struct obs *o, struct pgt_latency *l)
{
	static const double p[3] = {0.50, 0.95, 0.99};
	const struct obs_stmts *st = o->stmts;
	int64_t window = 2 * o->opts.statements_window_ns;
	int base = gen_base(&st->lat, st->taken_ns, window);
	struct pgt_qclass *c = pgt_xcalloc(st->n_used, sizeof(*c));
	struct pgt_quantile q[3];
	double calls, total, over;
	size_t n = latency_classes(st, base, c, &calls, &total);

	over = add_overhead(st, base, c, n);

	l->calls = calls;
	l->window_ns = st->taken_ns - st->lat.at_ns[base];
	if (calls < 1) {
		l->note = "no statements in the window";
	} else if (!pgt_quantile_mixture(c, n, p, 3, q)) {
		l->note = "too little to tell";
	} else {
		l->mean_ms = total / calls + over;
		say(&q[0], over, &l->p50_ms, &l->p50_err);
		say(&q[1], over, &l->p95_ms, &l->p95_err);
		say(&q[2], over, &l->p99_ms, &l->p99_err);
		l->method = PGT_LAT_MIXTURE;
		l->note = over > 0
			      ? "execution, and the mean of parsing, planning and commit"
			      : "execution alone: without parsing, planning and commit";
		if (isnan(l->p50_ms) || isnan(l->p95_ms) || isnan(l->p99_ms))
			l->note =
			    "some percentiles cannot be told within a factor of two";
		if (calls < CALLS_MIN)
			l->note = "few statements: the upper percentiles say little";
	}
	free(c);
}

void
obs_stmts_build(struct obs *o, struct pgt_snapshot *s)
{
	struct obs_stmts *st = o->stmts;

	s->statements_total = st->total;
	s->statements_max = st->max;
	if (st->reset)
		s->gap |= PGT_GAP_PGSS_RESET;
	if (!o->status[PGT_SEC_STATEMENTS].available) {
		s->latency.note = "needs pg_stat_statements";
		return;
	}
	if (!st->have_base || st->taken_ns == st->gen.at_ns[0]) {
		s->latency.note = "measuring: two readings are needed";
		return;
	}
	build_rows(o, s);
	build_latency(o, &s->latency);
	obs_stmts_ask(o, s);
}

/* ---- which texts to fetch ---- */

void
obs_stmts_want(struct obs *o, const struct pgt_query_key *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct obs_entry *e = obs_stmts_entry(o->stmts, &keys[i], false);

		if (e && !e->text && !e->tried)
			e->wanted = true;
	}
}

void
obs_stmts_ask(struct obs *o, const struct pgt_snapshot *s)
{
	size_t i;

	for (i = 0; i < s->n_queries && i < TEXTS_ALWAYS; i++)
		obs_stmts_want(o, &s->queries[i].key, 1);
}

bool
obs_stmts_untexted(struct obs *o, struct pgt_buf *ids)
{
	const struct obs_stmts *st = o->stmts;
	size_t i, n = 0;

	pgt_buf_putc(ids, '{');
	for (i = 0; i < st->n_used && n < TEXTS_MAX; i++) {
		struct obs_entry *e = &st->entries[i];

		if (!e->wanted)
			continue;
		pgt_buf_printf(ids, "%s%lld", n++ ? "," : "", (long long)e->key.queryid);
		e->wanted = false; /* once: an entry that is gone has no text any more */
		e->tried = true;
	}
	pgt_buf_putc(ids, '}');
	return n > 0;
}

bool
obs_stmts_any_wanted(const struct obs_stmts *st)
{
	size_t i;

	for (i = 0; i < st->n_used; i++)
		if (st->entries[i].wanted)
			return true;
	return false;
}
