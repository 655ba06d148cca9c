/* What is asked in one tick: one pipelined batch of the collectors that are due,
 * with marks of the server's time between those that may be dear, so that each
 * one's price is known and its cadence can follow. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"
#include "pg2une/num/quantile.h"
#include "pg2une/pg/sql.h"
#include "sampler_priv.h"

#define BATCH_TIMEOUT_NS (5 * PGT_NS_PER_S)
#define PARAM_KEPT	 ((size_t)16 << 10) /* bytes; all known statements take more */
#define SERVER_SHARE_MAX 0.05 /* of one core, then the interval grows */
/* A collector that is not needed each tick may take this share of a core: statements,
 * of which 5,000 cost 14 ms, are then read as seldom as they may be, each 20 s. */
#define DEAR_SHARE    0.0005
#define SLOW_PER_TICK 3
#define TRIM_BYTES    ((size_t)128 << 10)

void
batch_forget(struct pgt_sampler *s)
{
	size_t i;

	for (i = 0; i < obs_n_collectors; i++) {
		free(s->slots[i].sql);
		s->slots[i].sql = NULL;
		s->slots[i].src = NULL;
		s->slots[i].due_ns = 0;
		s->slots[i].failed = false;
		s->slots[i].n_costs = 0;
	}
	s->n_asked = 0;
}

/* The text for this server and this extension's schema; NULL: not to be had. */
static const char *
slot_sql(struct pgt_sampler *s, size_t i)
{
	const struct obs_collector *c = &obs_collectors[i];
	const char *query = c->query ? c->query(s->obs) : c->name;
	const struct pgt_sql *sql;
	struct slot *slot = &s->slots[i];

	sql = query ? pgt_sql_find(query, s->obs->version_num) : NULL;
	if (!sql)
		return NULL;
	if (slot->src != sql->text) {
		free(slot->sql);
		slot->src = sql->text;
		slot->sql = c->needs < PGT_CAP_N
				? pgt_sql_expand(sql->text,
						 s->obs->caps.cap[c->needs].schema)
				: pgt_xstrdup(sql->text);
	}
	return slot->sql;
}

static int64_t
slot_every(const struct pgt_sampler *s, size_t i)
{
	const struct obs_collector *c = &obs_collectors[i];
	const struct slot *slot = &s->slots[i];
	int64_t every = s->wanted & 1u << c->section ? c->wanted_ns : c->every_ns, price,
		cap;

	if (slot->failed && c->section != PGT_SEC_BASIC &&
	    every < s->obs->opts.slow_interval_ns)
		return s->obs->opts.slow_interval_ns;
	if (c->every_ns == 0 || !isfinite(slot->cost_ms))
		return every;
	price = (int64_t)(slot->cost_ms / DEAR_SHARE * (double)PGT_NS_PER_MS);
	/* two readings make the first rates: do not wait for the second one */
	if (slot->n_costs < 2 && c->section == PGT_SEC_STATEMENTS)
		return every;
	/* numbers make the window's rates; texts of statements new to the screen, and all
	 * else, can wait for what they cost */
	cap = c->section == PGT_SEC_STATEMENTS && !c->due
		  ? 2 * s->obs->opts.statements_window_ns
		  : s->obs->opts.slow_interval_ns;
	if (price > cap)
		price = cap;
	return price > every ? price : every;
}

static bool
slot_due(struct pgt_sampler *s, size_t i, int64_t now)
{
	const struct obs_collector *c = &obs_collectors[i];

	if (c->needs < PGT_CAP_N && !s->obs->caps.cap[c->needs].available)
		return false;
	if (c->due && !c->due(s->obs))
		return false;
	if (c->urgent && c->urgent(s->obs))
		return true;
	/* half an interval early is better than a whole one late */
	return now + s->asked_interval_ns / 2 >= s->slots[i].due_ns;
}

static void
ask(struct pgt_sampler *s, struct pgt_stmt *st, const char **vals, int collector,
    const char *sql)
{
	struct pgt_buf *b = &s->params[2 * s->n_asked];
	int n = 0;

	pgt_buf_reset(&b[0]);
	pgt_buf_reset(&b[1]);
	if (collector >= 0 && obs_collectors[collector].params)
		n = obs_collectors[collector].params(s->obs, b);
	vals[0] = pgt_buf_str(&b[0]);
	vals[1] = pgt_buf_str(&b[1]);
	*st = (struct pgt_stmt){.sql = sql, .params = vals, .n_params = n};
	if (collector >= 0 && obs_collectors[collector].binary)
		st->binary_len = (int)b[0].len;
	s->asked[s->n_asked++].collector = collector;
}

int
batch_send(struct pgt_sampler *s)
{
	const char *mark = pgt_sql_get("mark", s->obs->version_num), *sql;
	const char *vals[BATCH_MAX][2];
	struct pgt_stmt stmts[BATCH_MAX];
	int64_t now = pgt_clock_mono_ns();
	bool marked = true;
	struct pgt_err err;
	int n_slow = 0, rc;
	size_t i;

	s->n_asked = 0;
	/* the first answer shall be quick, and dear ones not all in one tick */
	for (i = 0; i < obs_n_collectors && s->n_asked + 4 < BATCH_MAX; i++) {
		bool dear = obs_collectors[i].every_ns != 0;
		bool slow = obs_collectors[i].every_ns > 5 * PGT_NS_PER_S;

		if ((dear && s->first_of_link) ||
		    (slow && n_slow == SLOW_PER_TICK &&
		     !(s->wanted & 1u << obs_collectors[i].section)))
			continue;

		if (obs_collectors[i].read || !slot_due(s, i, now) ||
		    !(sql = slot_sql(s, i)))
			continue;
		n_slow += slow;
		if (dear && !marked)
			ask(s, &stmts[s->n_asked], vals[s->n_asked], -1, mark);
		ask(s, &stmts[s->n_asked], vals[s->n_asked], (int)i, sql);
		marked = false;
		if (dear) {
			ask(s, &stmts[s->n_asked], vals[s->n_asked], -1, mark);
			marked = true;
		}
	}
	/* on the server's machine the kernel tells the cost of the whole */
	if (!marked && !(s->is_local && s->backend_cpu_ns >= 0))
		ask(s, &stmts[s->n_asked], vals[s->n_asked], -1, mark);
	s->sent_ns = now;
	rc = pgt_conn_send(s->conn, stmts, s->n_asked, BATCH_TIMEOUT_NS, &err);
	for (i = 0; i < PGT_LEN(s->params); i++)
		if (s->params[i].cap > PARAM_KEPT) /* libpq has its own copy */
			pgt_buf_done(&s->params[i]);
	if (rc < 0)
		return -1;
	s->phase = PH_BATCH;
	return 0;
}

/* ---- results ---- */

static void
slot_done(struct pgt_sampler *s, size_t i, bool ok)
{
	int64_t every;

	s->slots[i].failed = !ok;
	every = slot_every(s, i);
	s->slots[i].due_ns = every == INT64_MAX ? INT64_MAX : s->sent_ns + every;
}

static void
cost_add(struct slot *slot, double ms)
{
	if (ms < 0)
		return;
	slot->n_costs++;
	/* wall clock: a busy host makes it too long at times, never too short */
	if (!(slot->cost_ms < ms))
		slot->cost_ms = ms;
	else
		slot->cost_ms += (ms - slot->cost_ms) / 8;
}

/* From the first statement's start to the last mark; each dear statement's share
 * lies between the marks around it. */
static double
read_marks(struct pgt_sampler *s, struct pgt_result *const *res)
{
	int64_t begin = 0, last = 0, mark;
	size_t i, k;

	for (i = 0; i < s->n_asked; i++) {
		if (s->asked[i].collector == 0)
			begin = pgt_result_i64(res[i], 0,
					       pgt_result_col(res[i], "begin_us"), 0);
		if (s->asked[i].collector >= 0)
			continue;
		mark = pgt_result_i64(res[i], 0, pgt_result_col(res[i], "mark_us"), 0);
		k = i > 0 ? i - 1 : 0;
		if (last && mark && s->asked[k].collector >= 0 &&
		    (k == 0 || s->asked[k - 1].collector < 0) &&
		    obs_collectors[s->asked[k].collector].every_ns != 0)
			cost_add(&s->slots[s->asked[k].collector],
				 (double)(mark - last) / 1e3);
		last = mark ? mark : last;
	}
	return begin && last >= begin ? (double)(last - begin) / 1e3 : NAN;
}

static double
own_cpu_pct(struct pgt_sampler *s)
{
	int64_t now = pgt_clock_mono_ns(), cpu = pgt_clock_cpu_ns();

	if (s->cpu_at_ns == 0) {
		s->cpu_at_ns = now;
		s->cpu_ns = cpu;
	} else if (now - s->cpu_at_ns >= 10 * PGT_NS_PER_S || !isfinite(s->cpu_pct)) {
		if (now - s->cpu_at_ns >= PGT_NS_PER_S)
			s->cpu_pct = 100.0 * (double)(cpu - s->cpu_ns) /
				     (double)(now - s->cpu_at_ns);
		if (now - s->cpu_at_ns >= 10 * PGT_NS_PER_S) {
			s->cpu_at_ns = now;
			s->cpu_ns = cpu;
		}
	}
	return s->cpu_pct;
}

static double
mean_of(const double *v, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += v[i];
	return n ? sum / (double)n : 0;
}

/* The interval that was asked for; at least four times what a tick takes at
 * the 95th percentile; and no more than 5% of a core of the server's. */
void
batch_schedule(struct pgt_sampler *s)
{
	size_t n = s->n_ticks < HISTORY ? s->n_ticks : HISTORY;
	int64_t want = s->asked_interval_ns, slow, dear;
	double copy[HISTORY];

	memcpy(copy, s->tick_ms, n * sizeof(*copy));
	slow = n < 5 ? 0
		     : (int64_t)(4 * pgt_quantile_of(copy, n, 0.95) *
				 (double)PGT_NS_PER_MS);
	dear = n >= 5 ? (int64_t)(mean_of(s->server_ms, n) / SERVER_SHARE_MAX *
				  (double)PGT_NS_PER_MS)
		      : 0;
	s->effective_ns = want;
	if (slow > s->effective_ns)
		s->effective_ns = slow;
	if (dear > s->effective_ns)
		s->effective_ns = dear;
	if (s->effective_ns > 60 * PGT_NS_PER_S)
		s->effective_ns = 60 * PGT_NS_PER_S;
	/* on a grid: a late tick does not shift those after it */
	s->next_tick_ns += s->n_ticks == 1 ? PGT_NS_PER_S / 5 : s->effective_ns;
	if (s->next_tick_ns <= pgt_clock_mono_ns())
		s->next_tick_ns = s->sent_ns + s->effective_ns;
	if (s->next_tick_ns <= pgt_clock_mono_ns())
		s->next_tick_ns = pgt_clock_mono_ns() + s->effective_ns / 4;
}

/* A server that cannot convert some text fails the whole statement: from then
 * on bytes come as they are, and the text filter escapes them. */
static bool
is_conversion(const struct pgt_err *e)
{
	return strcmp(e->sqlstate, "22021") == 0 || strcmp(e->sqlstate, "22P05") == 0;
}

/* On the server's own machine the kernel tells what our process there used. */
static void
server_cpu(struct pgt_sampler *s, struct obs_tick *t)
{
	int64_t cpu = s->is_local ? host_process_cpu_ns(s->backend_pid) : -1;

	t->is_local = s->is_local;
	if (cpu >= 0 && s->backend_cpu_ns >= 0) {
		t->server_ms = (double)(cpu - s->backend_cpu_ns) / 1e6;
		t->server_is_cpu = true;
	}
	s->backend_cpu_ns = cpu;
}

static void
tick_fill(struct pgt_sampler *s, struct pgt_result *const *res, struct obs_tick *t)
{
	size_t i;

	*t = (struct obs_tick){
	    .mono_ns = pgt_clock_mono_ns(),
	    .real_ns = pgt_clock_real_ns(),
	    .asked_ns = s->effective_ns > s->asked_interval_ns ? s->effective_ns
							       : s->asked_interval_ns,
	    .client_cpu_pct = own_cpu_pct(s),
	    .server_ms = read_marks(s, res),
	    .statements = (int)s->n_asked,
	    .own_xacts = (int)(s->statements_sent - s->statements_before),
	    .effective_interval_ns = s->effective_ns,
	    .backed_off = s->effective_ns > s->asked_interval_ns,
	    .reconnected = s->first_of_link,
	};
	t->tick_ms = (double)(t->mono_ns - s->sent_ns) / 1e6;
	server_cpu(s, t);
	for (i = 0; i < s->n_asked; i++)
		t->bytes += pgt_result_bytes(res[i]);
	s->statements_before = s->statements_sent;
	s->statements_sent = pgt_conn_statements(s->conn);
	s->tick_ms[s->n_ticks % HISTORY] = t->tick_ms;
	s->server_ms[s->n_ticks % HISTORY] = isfinite(t->server_ms) ? t->server_ms
								    : t->tick_ms;
	s->n_ticks++;
	s->first_of_link = false;
}

/* Collectors that read this machine: after the answers, which name processes. */
static size_t
read_local(struct pgt_sampler *s, struct pgt_arena *a, struct obs_rows *rows, int *which,
	   size_t n)
{
	size_t i;

	for (i = 0; s->is_local && i < obs_n_collectors && n < BATCH_MAX; i++) {
		const struct obs_collector *c = &obs_collectors[i];

		if (!c->read || !slot_due(s, i, s->sent_ns) ||
		    !c->read(s->obs, a, &rows[n]))
			continue;
		slot_done(s, i, true);
		obs_feed(s->obs, c, &rows[n]);
		which[n++] = (int)i;
	}
	return n;
}

const struct pgt_snapshot *
batch_finish(struct pgt_sampler *s)
{
	struct pgt_result *res[BATCH_MAX];
	struct obs_rows rows[BATCH_MAX];
	int which[BATCH_MAX];
	struct pgt_arena *a = pgt_arena_new(OBS_BLOCK_MAX);
	struct obs_tick tick;
	bool convert = false;
	size_t i, n = 0;

	for (i = 0; i < s->n_asked; i++)
		res[i] = pgt_conn_take(s->conn, i);
	pgt_conn_discard(s->conn);
	tick_fill(s, res, &tick);
	for (i = 0; i < s->n_asked; i++) {
		if (s->asked[i].collector < 0)
			continue;
		obs_rows_live(&rows[n], res[i]);
		convert |= !rows[n].ok && is_conversion(&rows[n].err);
		which[n++] = s->asked[i].collector;
		slot_done(s, (size_t)s->asked[i].collector, rows[n - 1].ok);
	}
	obs_begin(s->obs, &tick);
	for (i = 0; i < n; i++)
		obs_feed(s->obs, &obs_collectors[which[i]], &rows[i]);
	n = read_local(s, a, rows, which, n);
	trace_sample(s->trace, &tick, rows, which, n);
	pgt_arena_free(a);
	for (i = 0; i < s->n_asked; i++)
		pgt_result_free(res[i]);
	if (tick.bytes > TRIM_BYTES) /* the first reading of all statements */
		pgt_mem_trim();
	if (convert && !s->raw_encoding) {
		s->raw_encoding = true;
		s->phase = PH_ENCODING;
		batch_forget(s);
	}
	return obs_build(s->obs);
}
