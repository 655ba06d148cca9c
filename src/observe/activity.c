#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"
#include "obs_priv.h"

enum {
	A_BACKENDS,
	A_PID,
	A_START,
	A_DATID,
	A_USER,
	A_DB,
	A_APP,
	A_CLIENT,
	A_TYPE,
	A_STATE,
	A_WTYPE,
	A_WEVENT,
	A_QUERY,
	A_QUERYID,
	A_QUERY_US,
	A_XACT_US,
	A_STATE_US,
	A_XMIN,
	A_LEADER,
	A_BLOCKERS,
	A_NOW,
	A_N
};

static const char *const columns[A_N] = {
    "n_backends", "pid",      "backend_start_us", "datid",   "usename",   "datname",
    "app",        "client",   "backend_type",     "state",   "wait_type", "wait_event",
    "query",      "query_id", "query_us",         "xact_us", "state_us",  "xmin_age",
    "leader_pid", "blockers", "now_us",
};

#define EDGES_MAX 20000
#define EXTRA_MAX 64
static const char hidden_text[] = "<insufficient privilege>";

static bool
is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static void
edge_add(struct obs *o, int waiter, int blocker)
{
	if (o->n_edges == EDGES_MAX)
		return;
	if (o->n_edges == o->cap_edges) {
		o->cap_edges = o->cap_edges ? 2 * o->cap_edges : 32;
		o->edges = pgt_xreallocarray(o->edges, o->cap_edges, sizeof(*o->edges));
	}
	o->edges[o->n_edges++] = (struct pgt_edge){waiter, blocker, false};
}

/* "{12,34}": returns how many, each once (parallel groups are repeated). */
static int
edges_parse(struct obs *o, int waiter, const char *list)
{
	size_t from = o->n_edges, i;
	int n = 0;
	char *end;

	while (list && *list) {
		long pid = strtol(list + strcspn(list, "0123456789"), &end, 10);

		if (end == list || (*end != ',' && *end != '}'))
			break;
		list = end;
		if (*end == '}' && pid == 0 && n == 0 && end[-1] == '{')
			break;
		for (i = from; i < o->n_edges && o->edges[i].blocker != (int)pid; i++)
			;
		if (i == o->n_edges) {
			edge_add(o, waiter, (int)pid);
			n++;
		}
	}
	return n;
}

static int64_t
age_ns(const struct obs_rows *r, size_t row, int col, int64_t now_us)
{
	int64_t at = obs_i64(r, row, col, 0);

	if (at <= 0 || now_us <= 0)
		return -1;
	return at > now_us ? 0 : (now_us - at) * OBS_US_NS;
}

static void
activity_row(struct obs *o, const struct obs_rows *r, size_t row, const int *c,
	     struct pgt_arena *a, struct pgt_activity *out)
{
	int64_t now_us = obs_i64(r, row, c[A_NOW], 0);
	const char *query = obs_str(r, row, c[A_QUERY]);

	out->pid = (int)obs_i64(r, row, c[A_PID], 0);
	out->backend_start_us = obs_i64(r, row, c[A_START], 0);
	out->user = obs_text(r, row, c[A_USER], a, OBS_NAME_MAX);
	out->database = obs_text(r, row, c[A_DB], a, OBS_NAME_MAX);
	out->app = obs_text(r, row, c[A_APP], a, OBS_NAME_MAX);
	out->client = obs_text(r, row, c[A_CLIENT], a, OBS_NAME_MAX);
	out->backend_type = obs_text(r, row, c[A_TYPE], a, OBS_NAME_MAX);
	out->state = obs_text(r, row, c[A_STATE], a, OBS_NAME_MAX);
	out->wait_type = obs_text(r, row, c[A_WTYPE], a, OBS_NAME_MAX);
	out->wait_event = obs_text(r, row, c[A_WEVENT], a, OBS_NAME_MAX);
	if (!is(query, hidden_text))
		out->query = obs_text(r, row, c[A_QUERY], a, OBS_QUERY_MAX);
	out->query_id = obs_i64(r, row, c[A_QUERYID], 0);
	out->query_age_ns = age_ns(r, row, c[A_QUERY_US], now_us);
	out->xact_age_ns = age_ns(r, row, c[A_XACT_US], now_us);
	out->state_age_ns = age_ns(r, row, c[A_STATE_US], now_us);
	out->xmin_age = obs_i64(r, row, c[A_XMIN], -1);
	out->leader_pid = (int)obs_i64(r, row, c[A_LEADER], 0);
	if (out->leader_pid == out->pid)
		out->leader_pid = 0; /* 13 names the leader of itself too */
	out->blocked_by = edges_parse(o, out->pid, obs_str(r, row, c[A_BLOCKERS]));
	/* of a session that we may not look into, only user and database are told */
	out->is_client = out->backend_type ? is(out->backend_type, "client backend")
					   : obs_i64(r, row, c[A_DATID], 0) != 0;
	out->is_ours = out->app && pgt_str_starts(out->app, "pg2une/");
	out->cpu_pct = out->read_bps = out->write_bps = NAN;
}

static void
oldest(int64_t age, int pid, int64_t *best, int *best_pid)
{
	if (age > *best) {
		*best = age;
		*best_pid = pid;
	}
}

static void
count_client(struct pgt_sessions *s, const struct pgt_activity *a, bool hidden)
{
	s->total++;
	if (hidden)
		s->hidden++;
	else if (is(a->state, "active"))
		s->active++;
	else if (is(a->state, "idle"))
		s->idle++;
	else if (is(a->state, "idle in transaction"))
		s->idle_in_tx++;
	else if (is(a->state, "idle in transaction (aborted)"))
		s->idle_in_tx_aborted++;
	else if (is(a->state, "fastpath function call"))
		s->fastpath++;
	else if (is(a->state, "disabled"))
		s->disabled++;
	if (a->is_ours)
		return; /* our own transaction is never the news */
	oldest(a->xact_age_ns, a->pid, &s->oldest_tx_ns, &s->oldest_tx_pid);
	if (is(a->state, "active"))
		oldest(a->query_age_ns, a->pid, &s->oldest_query_ns,
		       &s->oldest_query_pid);
	if (a->state && pgt_str_starts(a->state, "idle in transaction"))
		oldest(a->state_age_ns, a->pid, &s->oldest_idle_in_tx_ns,
		       &s->oldest_idle_in_tx_pid);
}

/* A background process counts as active while it is not in its idle loop. */
static bool
is_active(const struct pgt_activity *a)
{
	/* ClientRead while active lasts from one message to the next of the
	 * protocol: the server waits for nothing then */
	if (a->is_ours || is(a->wait_type, "Activity") || is(a->wait_event, "ClientRead"))
		return false;
	return is(a->state, "active") ||
	       (!a->is_client && a->backend_type && a->wait_type);
}

static void
count_row(struct obs *o, const struct pgt_activity *a)
{
	struct pgt_sessions *s = &o->sessions;
	bool hidden = !a->backend_type;

	o->lost_sight |= hidden;
	if (a->is_client)
		count_client(s, a, hidden);
	else
		s->background++;
	o->n_walsenders += is(a->backend_type, "walsender");
	o->n_workers += is(a->backend_type, "autovacuum worker");
	s->blocked += a->blocked_by > 0;
	if (!is_active(a))
		return;
	if (a->is_client && a->wait_type)
		s->waiting++;
	if (a->wait_type)
		obs_waits_count(o->waits, a->wait_type,
				a->wait_event ? a->wait_event : "");
	else if (is(a->state, "active"))
		obs_waits_count(o->waits, "CPU", "");
}

/* Blockers that hold a lock without a transaction (session-level advisory
 * locks) are idle: the next sample asks for them by name. */
static void
find_extra(struct obs *o, const struct pgt_activity *rows, size_t n)
{
	size_t i, k;

	o->n_extra = 0;
	for (i = 0; i < o->n_edges && o->n_extra < EXTRA_MAX; i++) {
		int pid = o->edges[i].blocker;

		for (k = 0; k < n && (rows[k].pid != pid || is(rows[k].state, "idle"));
		     k++)
			;
		if (k < n)
			continue; /* is among the rows anyway */
		for (k = 0; k < o->n_extra && o->extra_pids[k] != pid; k++)
			;
		if (k < o->n_extra || pid == 0)
			continue;
		if (!o->extra_pids)
			o->extra_pids = pgt_xcalloc(EXTRA_MAX, sizeof(*o->extra_pids));
		o->extra_pids[o->n_extra++] = pid;
	}
}

static void
sessions_begin(struct obs *o)
{
	o->sessions = (struct pgt_sessions){.oldest_tx_ns = -1,
					    .oldest_query_ns = -1,
					    .oldest_idle_in_tx_ns = -1};
	o->sessions.max_connections = o->have_cur ? o->cur.max_connections : -1;
	o->sessions.reserved = o->have_cur ? o->cur.reserved : -1;
	o->n_walsenders = o->n_workers = 0;
	o->n_edges = 0;
	o->lost_sight = false;
	obs_waits_begin(o->waits);
}

void
obs_feed_activity(struct obs *o, const struct obs_rows *r)
{
	size_t n = obs_rows_n(r),
	       kept = n < o->opts.max_activity ? n : o->opts.max_activity, i;
	struct obs_block *block = obs_part_begin();
	struct pgt_arena *arena = obs_block_arena(block);
	struct pgt_activity *rows = pgt_arena_array(arena, kept ? kept : 1,
						    sizeof(*rows));
	struct pgt_activity spare;
	int64_t backends;
	int c[A_N];

	if (n == 0 || !rows) { /* we ourselves are always one */
		obs_block_unref(block);
		return;
	}
	obs_cols(r, columns, c, A_N);
	sessions_begin(o);
	for (i = 0; i < n; i++) {
		struct pgt_activity *a = i < kept ? &rows[i] : &spare;

		memset(a, 0, sizeof(*a));
		activity_row(o, r, i, c, arena, a);
		count_row(o, a);
		if (a->is_client && is_active(a) && a->query_id && a->query_age_ns >= 0 &&
		    !a->leader_pid)
			obs_ages_see(o, a->query_id,
				     (uint32_t)obs_i64(r, i, c[A_DATID], 0),
				     a->query_age_ns);
	}
	/* sessions that were not sent are idle: see the query */
	backends = obs_i64(r, 0, c[A_BACKENDS], (int64_t)n);
	if (backends > (int64_t)n) {
		o->sessions.idle += (int)(backends - (int64_t)n);
		o->sessions.total += (int)(backends - (int64_t)n);
	}
	/* the cheap query cannot tell who is idle once states are hidden */
	if (o->lost_sight && backends > (int64_t)n)
		o->sessions.idle = o->sessions.active = o->sessions.hidden = -1;
	find_extra(o, rows, kept);
	o->had_waiters = o->sessions.blocked > 0;
	obs_part_set(o, OBS_P_ACTIVITY, block, rows, kept);
	obs_status_ok(o, PGT_SEC_ACTIVITY);
	obs_status_ok(o, PGT_SEC_LOCKS);
	if (o->lost_sight) {
		o->status[PGT_SEC_ACTIVITY].partial = o->status[PGT_SEC_LOCKS]
							  .partial = true;
		obs_status_why(o, PGT_SEC_ACTIVITY,
			       "the sessions of other roles are hidden",
			       o->caps.cap[PGT_CAP_MONITOR].fix);
		obs_status_why(o, PGT_SEC_LOCKS, "waits of other roles are hidden",
			       o->caps.cap[PGT_CAP_MONITOR].fix);
	}
}
