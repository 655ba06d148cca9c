/* From the table of entries to the rows that are shown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "stmts_priv.h"

#define TEXTS_MAX     64 /* fetched at once */
#define TEXTS_ALWAYS  20 /* the first rows get their text without being asked */

/* The younger generation once it is old enough by itself, as it is when readings
 * are far apart. */
int
obs_gen_base(const struct obs_gen *g, int64_t now_ns, int64_t window_ns)
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
	q->p99_ms = obs_stmts_p99(o, e, lat_base, &q->var_ms2);
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
	int base = obs_gen_base(&st->gen, st->taken_ns, o->opts.statements_window_ns);
	int lat_base = obs_gen_base(&st->lat, st->taken_ns,
				    2 * o->opts.statements_window_ns);
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
	obs_stmts_latency(o, &s->latency);
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
