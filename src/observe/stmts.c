/* pg_stat_statements: what each entry counted between two readings.  An entry is
 * (queryid, userid, dbid, toplevel); the server sends only those that changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/safetext.h"
#include "stmts_priv.h"

#define INT8OID	    20 /* pg_type.dat */
#define ENTRIES_MAX 100000 /* pg_stat_statements.max may be set to anything */
#define KNOWN_MIN   300	   /* below that, sending all is cheaper than comparing */

struct obs_stmts *
obs_stmts_new(void)
{
	struct obs_stmts *st = pgt_xcalloc(1, sizeof(*st));

	st->max = st->total = -1;
	st->dealloc = NAN;
	return st;
}

static void
names_free(struct obs_stmts *st)
{
	size_t i;

	for (i = 0; i < st->n_names; i++)
		free(st->names[i].name);
	free(st->names);
	st->names = NULL;
	st->n_names = 0;
}

static void
table_forget(struct obs_stmts *st)
{
	size_t i;

	for (i = 0; i < st->n_used; i++) {
		free(st->entries[i].text);
		free(st->entries[i].base);
		free(st->entries[i].rest);
	}
	free(st->entries);
	free(st->index);
	st->entries = NULL;
	st->index = NULL;
	st->n_index = st->n_used = st->cap = 0;
}

void
obs_stmts_forget(struct obs_stmts *st)
{
	table_forget(st);
	obs_ages_forget(st);
	st->latency_ns = 0;
	st->gen = st->lat = (struct obs_gen){0};
	st->have_base = st->reset = false;
	st->dealloc = NAN;
	st->reset_us = 0;
}

void
obs_stmts_free(struct obs_stmts *st)
{
	if (!st)
		return;
	obs_stmts_forget(st);
	names_free(st);
	free(st);
}

/* ---- the table ---- */

/* As the server computes it in statements_*: tells entries apart that share a
 * query id. */
static int64_t
key_mix(const struct pgt_query_key *k)
{
	uint64_t x = (uint64_t)k->queryid ^ (uint64_t)k->userid << 32 ^ k->dbid;

	return (int64_t)(k->toplevel ? x : x ^ UINT64_C(1) << 62);
}

static bool
key_equal(const struct pgt_query_key *a, const struct pgt_query_key *b)
{
	return a->queryid == b->queryid && a->userid == b->userid && a->dbid == b->dbid &&
	       a->toplevel == b->toplevel;
}

/* Where the index has the key, or has room for it. */
static uint32_t *
index_slot(const struct obs_stmts *st, const struct pgt_query_key *key)
{
	uint64_t h = (uint64_t)key_mix(key) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 20) & (st->n_index - 1);

	while (st->index[i] && !key_equal(&st->entries[st->index[i] - 1].key, key))
		i = (i + 1) & (st->n_index - 1);
	return &st->index[i];
}

static void
index_grow(struct obs_stmts *st)
{
	size_t i;

	free(st->index);
	st->n_index = st->n_index ? 2 * st->n_index : 256;
	st->index = pgt_xcalloc(st->n_index, sizeof(*st->index));
	for (i = 0; i < st->n_used; i++)
		*index_slot(st, &st->entries[i].key) = (uint32_t)i + 1;
}

struct obs_entry *
obs_stmts_entry(struct obs_stmts *st, const struct pgt_query_key *key, bool create)
{
	uint32_t *slot = st->n_index ? index_slot(st, key) : NULL;
	struct obs_entry *e;

	if (slot && *slot)
		return &st->entries[*slot - 1];
	if (!create || st->n_used >= ENTRIES_MAX)
		return NULL;
	if (4 * (st->n_used + 1) > 3 * st->n_index)
		index_grow(st);
	if (st->n_used == st->cap) {
		st->cap += st->cap / 4 + 64;
		st->entries = pgt_xreallocarray(st->entries, st->cap,
						sizeof(*st->entries));
	}
	e = &st->entries[st->n_used++];
	*e = (struct obs_entry){.key = *key};
	*index_slot(st, key) = (uint32_t)st->n_used;
	return e;
}

size_t
obs_stmts_count(const struct obs_stmts *st)
{
	return st->n_used;
}

/* Key and calls in one number, as statements_* computes it: nothing there may
 * overflow, so calls enter in two parts. */
static int64_t
fingerprint(const struct obs_entry *e)
{
	uint64_t calls = (uint64_t)e->calls;

	return key_mix(&e->key) ^ (int64_t)((calls & 0xffffff) * UINT64_C(339767778495) ^
					    calls >> 24 << 1);
}

static void
put_be(struct pgt_buf *out, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		pgt_buf_putc(out, (char)(v >> 8 * bytes));
}

/* array_recv() of PostgreSQL: dimensions, whether there are NULLs, the elements' type;
 * of each dimension its length and first index; of each element its length before it. */
void
obs_stmts_known(const struct obs_stmts *st, struct pgt_buf *out)
{
	size_t n = st->n_used > KNOWN_MIN ? st->n_used : 0, i;

	put_be(out, n > 0, 4);
	put_be(out, 0, 4);
	put_be(out, INT8OID, 4);
	if (n > 0) {
		put_be(out, n, 4);
		put_be(out, 1, 4);
	}
	for (i = 0; i < n; i++) {
		put_be(out, 8, 4);
		put_be(out, (uint64_t)fingerprint(&st->entries[i]), 8);
	}
}

/* ---- a reading ---- */

enum {
	Q_ID,
	Q_USER,
	Q_DB,
	Q_TOP,
	Q_STDDEV,
	Q_MAX,
	Q_SINCE,
	Q_FULL,
	Q_ME,
	Q_FIRST_COUNTER,
	Q_N = Q_FIRST_COUNTER + S_N
};

static const char *const columns[Q_N] = {
    [Q_ID] = "queryid",
    [Q_USER] = "userid",
    [Q_DB] = "dbid",
    [Q_TOP] = "toplevel",
    [Q_STDDEV] = "stddev_ms",
    [Q_MAX] = "max_ms",
    [Q_SINCE] = "since_us",
    [Q_FULL] = "is_full",
    [Q_ME] = "me",
    [Q_FIRST_COUNTER + S_CALLS] = "calls",
    [Q_FIRST_COUNTER + S_TOTAL] = "total_ms",
    [Q_FIRST_COUNTER + S_ROWS] = "rows",
    [Q_FIRST_COUNTER + S_HIT] = "hit",
    [Q_FIRST_COUNTER + S_READ] = "read",
    [Q_FIRST_COUNTER + S_DIRTIED] = "dirtied",
    [Q_FIRST_COUNTER + S_WRITTEN] = "written",
    [Q_FIRST_COUNTER + S_TEMP_READ] = "temp_read",
    [Q_FIRST_COUNTER + S_TEMP_WRITTEN] = "temp_written",
    [Q_FIRST_COUNTER + S_IO] = "io_ms",
    [Q_FIRST_COUNTER + S_WAL] = "wal_bytes",
    [Q_FIRST_COUNTER + S_PLAN] = "plan_ms",
    [Q_FIRST_COUNTER + S_PLANS] = "plans",
    [Q_FIRST_COUNTER + S_JIT] = "jit_ms",
};

static void
gen_mark(const struct obs *o, struct obs_gen *g, int which)
{
	g->at_ns[which] = o->tick.mono_ns;
	g->dealloc[which] = o->stmts->dealloc;
	g->active_ms[which] = o->have_cur ? o->cur.c[OBS_C_active_ms] : NAN;
	g->xacts[which] =
	    o->have_cur ? o->cur.c[OBS_C_commits] + o->cur.c[OBS_C_rollbacks] : NAN;
}

/* The younger generation becomes the base; now, before the new reading is
 * taken over, the current numbers become the younger one. */
static bool
gen_turn(struct obs *o, struct obs_gen *g, int64_t window_ns)
{
	if (g->at_ns[0] == 0)
		return false;
	if (o->stmts->taken_ns - g->at_ns[1] < window_ns / 2)
		return false;
	g->at_ns[0] = g->at_ns[1];
	g->dealloc[0] = g->dealloc[1];
	g->active_ms[0] = g->active_ms[1];
	g->xacts[0] = g->xacts[1];
	g->at_ns[1] = o->stmts->taken_ns;
	g->dealloc[1] = o->stmts->dealloc;
	g->active_ms[1] = o->stmts->last_active_ms;
	g->xacts[1] = o->stmts->last_xacts;
	return true;
}

static struct obs_moment
moment_now(const struct obs_base *b)
{
	return (struct obs_moment){b->cur[S_CALLS], b->cur[S_TOTAL], b->cur[S_STDDEV]};
}

static void
entry_rest(struct obs_entry *e, const double *v)
{
	size_t n = 0, i;

	_Static_assert(S_ALL <= 16, "rest_bits has a bit for each");
	e->rest_bits = 0;
	for (i = 0; i < S_ALL; i++)
		n += v[i] != 0;
	e->rest = pgt_xreallocarray(e->rest, n, sizeof(*e->rest));
	for (i = 0, n = 0; i < S_ALL; i++) {
		if (v[i] == 0)
			continue;
		e->rest_bits |= (uint16_t)(1u << i);
		e->rest[n++] = v[i];
	}
}

/* What it was until now is its base. */
static void
entry_stir(struct obs_entry *e)
{
	struct obs_base *b = pgt_xcalloc(1, sizeof(*b));
	size_t n = 0, i;

	for (i = 0; i < S_ALL; i++)
		if (e->rest_bits & 1u << i)
			b->cur[i] = e->rest[n++];
	memcpy(b->v[0], b->cur, sizeof(b->v[0]));
	memcpy(b->v[1], b->cur, sizeof(b->v[1]));
	b->lat[0] = b->lat[1] = moment_now(b);
	free(e->rest);
	e->rest = NULL;
	e->rest_bits = 0;
	e->base = b;
}

static void
entry_turn(struct obs_entry *e, bool turn, bool lat)
{
	struct obs_base *b = e->base;

	if (turn) {
		memcpy(b->v[0], b->v[1], sizeof(b->v[0]));
		memcpy(b->v[1], b->cur, sizeof(b->v[1]));
	}
	if (lat) {
		b->lat[0] = b->lat[1];
		b->lat[1] = moment_now(b);
	}
	if (b->v[0][S_CALLS] == e->calls && b->lat[0].calls == e->calls &&
	    b->v[1][S_CALLS] == e->calls && b->lat[1].calls == e->calls) {
		entry_rest(e, b->cur);
		free(b);
		e->base = NULL;
	}
}

static void
gens_turn(struct obs *o)
{
	struct obs_stmts *st = o->stmts;
	bool turn = gen_turn(o, &st->gen, o->opts.statements_window_ns);
	bool lat = gen_turn(o, &st->lat, 2 * o->opts.statements_window_ns);
	size_t i;

	for (i = 0; (turn || lat) && i < st->n_used; i++)
		if (st->entries[i].base)
			entry_turn(&st->entries[i], turn, lat);
}

/* It began to count after our last reading: everything in it is new. */
static void
entry_reborn(struct obs_entry *e, int64_t now_ns)
{
	memset(e->base->v, 0, sizeof(e->base->v));
	memset(e->base->lat, 0, sizeof(e->base->lat));
	e->born_ns = now_ns;
}

/* first: nothing is known of the time before.  Otherwise an entry that we did
 * not know was born since the last reading, as that one was complete; so was
 * one whose calls went back (evicted, or reset by itself). */
static void
entry_read(struct obs *o, const struct obs_rows *r, size_t row, const int *c, bool first)
{
	struct pgt_query_key key = {
	    .queryid = obs_i64(r, row, c[Q_ID], 0),
	    .userid = (uint32_t)obs_i64(r, row, c[Q_USER], 0),
	    .dbid = (uint32_t)obs_i64(r, row, c[Q_DB], 0),
	    .toplevel = obs_bool(r, row, c[Q_TOP]),
	};
	size_t before = o->stmts->n_used;
	struct obs_entry *e = obs_stmts_entry(o->stmts, &key, true);
	double old, now[S_ALL];
	int i;

	if (!e)
		return;
	old = e->calls;
	for (i = 0; i < S_N; i++)
		now[i] = obs_num(r, row, c[Q_FIRST_COUNTER + i]);
	now[S_STDDEV] = obs_num(r, row, c[Q_STDDEV]);
	now[S_MAX] = obs_num(r, row, c[Q_MAX]);
	e->calls = now[S_CALLS];
	if (first) {
		entry_rest(e, now);
		return;
	}
	if (!e->base)
		entry_stir(e);
	memcpy(e->base->cur, now, sizeof(now));
	if (o->stmts->n_used > before || e->calls < old)
		entry_reborn(e, o->tick.mono_ns);
}

/* Many entries went back at once: a reset that nobody told (before 1.9). */
static bool
looks_reset(const struct obs *o, const struct obs_rows *r, const int *c)
{
	size_t n = obs_rows_n(r), i, back = 0, known = 0;

	for (i = 0; i < n; i++) {
		struct pgt_query_key key = {
		    .queryid = obs_i64(r, i, c[Q_ID], 0),
		    .userid = (uint32_t)obs_i64(r, i, c[Q_USER], 0),
		    .dbid = (uint32_t)obs_i64(r, i, c[Q_DB], 0),
		    .toplevel = obs_bool(r, i, c[Q_TOP]),
		};
		const struct obs_entry *e = obs_stmts_entry(o->stmts, &key, false);

		known += e != NULL;
		back += e &&
			obs_num(r, i, c[Q_FIRST_COUNTER + S_CALLS]) < e->calls;
	}
	return known > 2 && 2 * back > known;
}

static void
first_reading(struct obs *o)
{
	struct obs_stmts *st = o->stmts;

	gen_mark(o, &st->gen, 0);
	gen_mark(o, &st->gen, 1);
	gen_mark(o, &st->lat, 0);
	gen_mark(o, &st->lat, 1);
}

/* Without pg_read_all_stats only our own entries count: those of others would
 * appear with all of their past the moment that the privilege comes. */
static bool
row_counts(const struct obs *o, const struct obs_rows *r, size_t i, const int *c)
{
	return o->caps.cap[PGT_CAP_MONITOR].available ||
	       obs_i64(r, i, c[Q_USER], -1) == obs_i64(r, i, c[Q_ME], -2);
}

void
obs_feed_statements(struct obs *o, const struct obs_rows *r)
{
	struct obs_stmts *st = o->stmts;
	size_t n = obs_rows_n(r), i;
	bool first;
	int c[Q_N];

	obs_cols(r, columns, c, Q_N);
	/* a reset, or a table full of entries that the server has evicted: anew */
	if (st->have_base && looks_reset(o, r, c)) {
		obs_stmts_forget(st);
		st->reset = true;
	} else if (st->total >= 0 &&
		   (int64_t)st->n_used > 2 * st->total + 2 * KNOWN_MIN) {
		obs_stmts_forget(st);
	}
	first = !st->have_base;
	obs_status_ok(o, PGT_SEC_STATEMENTS);
	if (first && n > 0 && !obs_bool(r, 0, c[Q_FULL]))
		return; /* only the changed ones of those that we just forgot */
	if (!first) {
		st->reset = false;
		gens_turn(o);
		obs_ages_turn(st, o->tick.mono_ns - st->taken_ns);
	}
	for (i = 0; i < n; i++)
		if (row_counts(o, r, i, c))
			entry_read(o, r, i, c, first);
	if (first)
		first_reading(o);
	st->have_base = true;
	st->taken_ns = o->tick.mono_ns;
	st->last_active_ms = o->have_cur ? o->cur.c[OBS_C_active_ms] : NAN;
	st->last_xacts =
	    o->have_cur ? o->cur.c[OBS_C_commits] + o->cur.c[OBS_C_rollbacks] : NAN;
	if (!o->caps.cap[PGT_CAP_MONITOR].available) {
		o->status[PGT_SEC_STATEMENTS].partial = true;
		obs_status_why(o, PGT_SEC_STATEMENTS,
			       "the statements of other roles are hidden",
			       o->caps.cap[PGT_CAP_MONITOR].fix);
	}
}

void
obs_feed_statements_count(struct obs *o, const struct obs_rows *r)
{
	o->stmts->total = obs_i64(r, 0, obs_col(r, "n_total"), -1);
	o->stmts->max = obs_i64(r, 0, obs_col(r, "max"), -1);
}

void
obs_feed_statements_info(struct obs *o, const struct obs_rows *r)
{
	struct obs_stmts *st = o->stmts;
	int64_t reset = obs_i64(r, 0, obs_col(r, "reset_us"), 0);

	if (obs_rows_n(r) != 1)
		return;
	if (st->have_base && reset != st->reset_us) {
		obs_stmts_forget(st);
		st->reset = true;
	}
	st->reset_us = reset;
	st->dealloc = obs_num(r, 0, obs_col(r, "dealloc"));
}

/* ---- texts and names ---- */

void
obs_feed_texts(struct obs *o, const struct obs_rows *r)
{
	int id = obs_col(r, "queryid"), user = obs_col(r, "userid"),
	    db = obs_col(r, "dbid");
	int top = obs_col(r, "toplevel"), query = obs_col(r, "query");
	size_t i;

	for (i = 0; i < obs_rows_n(r); i++) {
		struct pgt_query_key key = {
		    .queryid = obs_i64(r, i, id, 0),
		    .userid = (uint32_t)obs_i64(r, i, user, 0),
		    .dbid = (uint32_t)obs_i64(r, i, db, 0),
		    .toplevel = obs_bool(r, i, top),
		};
		struct obs_entry *e = obs_stmts_entry(o->stmts, &key, false);
		const char *raw = obs_str(r, i, query);

		if (!e || !raw)
			continue;
		free(e->text);
		e->text = pgt_safetext(raw, PGT_SAFE_LINE, OBS_QUERY_MAX);
		e->ours = strstr(raw, "/*pg2une*/") != NULL;
	}
}

void
obs_feed_names(struct obs *o, const struct obs_rows *r)
{
	struct obs_stmts *st = o->stmts;
	int kind = obs_col(r, "kind"), oid = obs_col(r, "oid"), name = obs_col(r, "name");
	size_t n = obs_rows_n(r), i;

	names_free(st);
	st->names = pgt_xcalloc(n, sizeof(*st->names));
	for (i = 0; i < n; i++) {
		const char *k = obs_str(r, i, kind);

		st->names[i].kind = k ? k[0] : '?';
		st->names[i].oid = (uint32_t)obs_i64(r, i, oid, 0);
		st->names[i].name = pgt_safetext(obs_str(r, i, name), PGT_SAFE_LINE,
						 OBS_NAME_MAX);
	}
	st->n_names = n;
	st->names_missing = false;
}

const char *
obs_stmts_name(const struct obs_stmts *st, char kind, uint32_t oid)
{
	size_t i;

	for (i = 0; i < st->n_names; i++)
		if (st->names[i].kind == kind && st->names[i].oid == oid)
			return st->names[i].name;
	return NULL;
}
