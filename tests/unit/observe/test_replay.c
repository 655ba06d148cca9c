/* Synthetic samples as lines of a trace: what the deltas, gaps, sessions, locks
 * and statements make of them. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/buf.h"
#include "pg2une/observe/sampler.h"
#include "pg2une/observe/trace.h"

static const char header[] =
    "{\"pg2une_trace\":1,\"server_version_num\":170010,\"start\":\"1000\",\"version\":\"17.10\","
    "\"node\":\"n1\",\"fingerprint\":\"f\",\"cluster_name\":\"shop\",\"user\":\"u\","
    "\"database\":\"d\",\"host\":\"h\",\"port\":\"5432\",\"caps\":["
    "{\"name\":\"pg_read_all_stats\",\"available\":true},"
    "{\"name\":\"pg_stat_statements\",\"available\":true,\"version\":\"1.11\"}]}";

struct basic {
	int64_t s; /* time, seconds */
	int64_t start, reset;
	double commits, hit, read, wal, wal_reset, own;
	int in_recovery, reconnected;
};

struct fx {
	struct pgt_replay *r;
	struct pgt_buf line;
	const struct pgt_snapshot *snap;
	bool first_q;
};

static int
setup(void **state)
{
	static const struct pgt_sampler_opts opts = {.interval_ns = INT64_C(1000000000)};
	struct fx *f = calloc(1, sizeof(*f));
	const struct pgt_snapshot *s;
	struct pgt_err err;

	f->r = pgt_replay_new(&opts);
	pgt_buf_init(&f->line, 1 << 24);
	assert_int_equal(pgt_replay_line(f->r, header, strlen(header), &s, &err), 0);
	assert_null(s);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *f = *state;

	pgt_snapshot_unref(f->snap);
	pgt_buf_done(&f->line);
	pgt_replay_free(f->r);
	free(f);
	return 0;
}

static void
begin(struct fx *f, const struct basic *b)
{
	pgt_buf_reset(&f->line);
	pgt_buf_printf(&f->line,
		       "{\"mono\":\"%" PRId64 "\",\"real\":\"%" PRId64 "\",\"asked\":1000000000,"
		       "\"effective\":1000000000,\"own\":%.0f,\"reconnected\":%d,\"r\":[",
		       b->s * 1000000000, b->s * 1000000000 + 7, b->own, b->reconnected);
	f->first_q = true;
}

static void
add(struct fx *f, const char *json)
{
	pgt_buf_puts(&f->line, f->first_q ? "" : ",");
	pgt_buf_puts(&f->line, json);
	f->first_q = false;
}

static void
add_basic(struct fx *f, const struct basic *b)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"q\":\"basic\",\"c\":[\"begin_us\",\"stats_us\",\"start_us\",\"reset_us\","
		 "\"in_recovery\",\"max_connections\",\"commits\",\"rollbacks\",\"blks_hit\","
		 "\"blks_read\",\"wal_bytes\",\"wal_reset_us\"],\"d\":[[\"%" PRId64
		 "\",\"%" PRId64 "\",\"%" PRId64 "\",\"%" PRId64
		 "\",\"%s\",\"100\",\"%.0f\",\"0\",\"%.0f\",\"%.0f\",\"%.0f\",\"%.0f\"]]}",
		 b->s * 1000000, b->s * 1000000, b->start, b->reset, b->in_recovery ? "t" : "f",
		 b->commits, b->hit, b->read, b->wal, b->wal_reset);
	add(f, text);
}

static const struct pgt_snapshot *
end(struct fx *f)
{
	const struct pgt_snapshot *s;
	struct pgt_err err;

	pgt_buf_puts(&f->line, "]}");
	if (pgt_replay_line(f->r, pgt_buf_str(&f->line), f->line.len, &s, &err) < 0)
		fail_msg("%s", err.msg);
	pgt_snapshot_unref(f->snap);
	return f->snap = s;
}

static const struct pgt_snapshot *
basic_only(struct fx *f, struct basic b)
{
	begin(f, &b);
	add_basic(f, &b);
	return end(f);
}

static void
near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-9 * fmax(1, fabs(b))))
		fail_msg("%.17g is not %.17g", a, b);
}

static void
rates_are_differences(void **state)
{
	struct fx *f = *state;
	const struct pgt_snapshot *s;

	s = basic_only(f, (struct basic){.s = 100, .commits = 5e9, .hit = 10, .read = 0});
	assert_int_equal(s->gap, PGT_GAP_FIRST);
	assert_true(isnan(s->rate.tps) && isnan(s->rate.hit_ratio));
	assert_int_equal(s->interval_ns, 0);
	s = basic_only(f, (struct basic){.s = 102, .commits = 5e9 + 410, .hit = 40, .read = 10,
					 .wal = 2048, .own = 10});
	assert_int_equal(s->gap, 0);
	near(s->rate.tps, 200); /* 410 less our own 10, in 2 s */
	near(s->rate.hit_ratio, 0.75);
	near(s->rate.wal_bytes, 1024);
	assert_int_equal(s->interval_ns, 2 * INT64_C(1000000000));
	assert_string_equal(s->node.name, "shop");
	/* nothing was read: no ratio, not 1 and not 0 */
	s = basic_only(f, (struct basic){.s = 103, .commits = 5e9 + 411, .hit = 40, .read = 10,
					 .wal = 2048});
	assert_true(isnan(s->rate.hit_ratio));
}

static void
gap_of(struct fx *f, struct basic a, struct basic b, unsigned gap)
{
	const struct pgt_snapshot *s;

	basic_only(f, a);
	s = basic_only(f, b);
	assert_int_equal(s->gap & gap, gap);
	assert_true(isnan(s->rate.tps) && isnan(s->rate.wal_bytes) && isnan(s->rate.deadlocks));
	assert_int_equal(s->interval_ns, 0);
	/* the next interval is good again */
	b.s++;
	b.commits += 5;
	b.reconnected = 0;
	s = basic_only(f, b);
	assert_int_equal(s->gap, 0);
	near(s->rate.tps, 5);
}

static void
gaps(void **state)
{
	struct fx *f = *state;
	struct basic a = {.s = 100, .start = 1, .reset = 1, .commits = 1000}, b = a;

	b.s = 101;
	b.commits = 1100;
	b.reset = 2; /* a reset that the counters have already outgrown */
	gap_of(f, a, b, PGT_GAP_STATS_RESET);
	b = a;
	b.s = 201;
	b.commits = 900;
	a.s = 200;
	gap_of(f, a, b, PGT_GAP_NEGATIVE);
	a.s = 300;
	b = a;
	b.s = 301;
	b.start = 2;
	b.commits = 2000;
	gap_of(f, a, b, PGT_GAP_RESTART);
	a.s = 400;
	b = a;
	b.s = 401;
	b.in_recovery = 1;
	gap_of(f, a, b, PGT_GAP_FAILOVER);
	a.s = 500;
	b = a;
	b.s = 560;
	b.commits = 9000;
	gap_of(f, a, b, PGT_GAP_PAUSE);
	a.s = 600;
	b = a;
	b.s = 601;
	b.commits = 9000;
	b.reconnected = 1;
	gap_of(f, a, b, PGT_GAP_PAUSE);
}

/* The WAL view has a reset of its own: only its rates are unknown then. */
static void
reset_of_a_group(void **state)
{
	struct fx *f = *state;
	const struct pgt_snapshot *s;

	basic_only(f, (struct basic){.s = 100, .commits = 10, .wal = 500});
	s = basic_only(f, (struct basic){.s = 101, .commits = 20, .wal = 900, .wal_reset = 5});
	assert_int_equal(s->gap, 0);
	near(s->rate.tps, 10);
	assert_true(isnan(s->rate.wal_bytes));
}

/* 13 and 14: the same copy of the statistics again is no interval of nothing. */
static void
same_copy_keeps_rates(void **state)
{
	struct fx *f = *state;
	struct basic b = {.s = 101, .commits = 110, .own = 2};
	const struct pgt_snapshot *s;

	basic_only(f, (struct basic){.s = 100, .commits = 10});
	basic_only(f, b);
	s = basic_only(f, b);
	near(s->rate.tps, 98);
	assert_true(s->rates_held);
	b = (struct basic){.s = 102, .commits = 112, .own = 0};
	s = basic_only(f, b);
	near(s->rate.tps, 0); /* both were ours, of the sample between */
}

static const char sessions[] =
    "{\"q\":\"activity\",\"c\":[\"n_backends\",\"pid\",\"backend_start_us\",\"datid\","
    "\"usename\",\"datname\",\"app\",\"client\",\"backend_type\",\"state\",\"wait_type\","
    "\"wait_event\",\"query\",\"query_id\",\"query_us\",\"xact_us\",\"state_us\",\"xmin_age\","
    "\"leader_pid\",\"blockers\",\"now_us\"],\"d\":["
    "[\"9\",\"10\",\"1\",\"5\",\"app\",\"shop\",\"web\\u001b[31m\",null,\"client backend\","
    "\"idle in transaction\",\"Client\",\"ClientRead\",\"UPDATE  t\\n SET x\",null,"
    "\"1000000\",\"1000000\",\"9000000\",\"7\",null,null,\"11000000\"],"
    "[\"9\",\"11\",\"1\",\"5\",\"app\",\"shop\",\"\",null,\"client backend\",\"active\","
    "\"Lock\",\"transactionid\",\"x\",null,\"6000000\",\"5000000\",\"6000000\",\"3\",null,"
    "\"{10}\",\"11000000\"],"
    "[\"9\",\"12\",\"1\",\"5\",\"app\",\"shop\",\"\",null,\"client backend\",\"active\","
    "\"Lock\",\"tuple\",\"x\",null,\"7000000\",\"7000000\",\"7000000\",\"2\",null,"
    "\"{11,11}\",\"11000000\"],"
    "[\"9\",\"13\",\"1\",\"5\",\"app\",\"shop\",\"\",null,\"client backend\",\"active\",null,"
    "null,\"x\",null,\"10000000\",\"10000000\",\"10000000\",null,null,null,\"11000000\"],"
    "[\"9\",\"14\",\"1\",\"0\",null,null,\"\",null,\"checkpointer\",null,\"Activity\","
    "\"CheckpointerMain\",\"\",null,null,null,null,null,null,null,\"11000000\"]]}";

static void
sessions_and_locks(void **state)
{
	struct fx *f = *state;
	struct basic b = {.s = 11, .commits = 1};
	const struct pgt_snapshot *s;
	size_t i;

	begin(f, &b);
	add_basic(f, &b);
	add(f, sessions);
	add(f, "{\"q\":\"locks\",\"c\":[\"pid\",\"granted\",\"mode\",\"locktype\",\"object\","
	       "\"tag\",\"wait_us\",\"now_us\"],\"d\":["
	       "[\"11\",\"f\",\"ShareLock\",\"transactionid\",\"758\",\"x/758\",\"6500000\","
	       "\"11000000\"],"
	       "[\"10\",\"t\",\"ExclusiveLock\",\"transactionid\",\"758\",\"x/758\",null,"
	       "\"11000000\"],"
	       "[\"11\",\"f\",\"ExclusiveLock\",\"tuple\",\"public.t\",\"t/1\",null,\"11000000\"],"
	       "[\"12\",\"f\",\"ExclusiveLock\",\"tuple\",\"public.t\",\"t/1\",null,"
	       "\"11000000\"]]}");
	s = end(f);
	assert_int_equal(s->sessions.total, 8); /* 9 less the checkpointer */
	assert_int_equal(s->sessions.active, 3);
	assert_int_equal(s->sessions.idle, 4); /* counted, not sent */
	assert_int_equal(s->sessions.idle_in_tx, 1);
	assert_int_equal(s->sessions.waiting, 2);
	assert_int_equal(s->sessions.blocked, 2);
	assert_int_equal(s->sessions.background, 1);
	assert_int_equal(s->sessions.max_connections, 100);
	assert_int_equal(s->sessions.oldest_tx_pid, 10);
	assert_true(s->sessions.oldest_tx_ns == INT64_C(10000000000));
	assert_int_equal(s->sessions.oldest_query_pid, 11);
	assert_true(s->sessions.oldest_idle_in_tx_ns == INT64_C(2000000000));
	assert_string_equal(s->activity[0].query, "UPDATE t SET x");
	assert_string_equal(s->activity[0].app, "web\\x1b[31m");
	assert_int_equal(s->activity[2].blocked_by, 1); /* a parallel group counts once */

	assert_int_equal(s->n_waits, 3);
	for (i = 0; i < s->n_waits; i++)
		near(s->waits[i].sessions, 1);

	assert_int_equal(s->n_locks, 3);
	assert_int_equal(s->locks[0].pid, 10);
	assert_int_equal(s->locks[0].victims, 2);
	assert_null(s->locks[0].lock_type);
	assert_int_equal(s->locks[1].pid, 11);
	assert_false(s->locks[1].soft);
	assert_true(s->locks[1].wait_ns == INT64_C(4500000000));
	assert_int_equal(s->locks[2].pid, 12);
	assert_true(s->locks[2].soft); /* 11 holds nothing of t/1: it queues as well */
	assert_string_equal(s->locks[2].object, "public.t");
	assert_int_equal(s->n_horizon, 3);
	assert_int_equal(s->horizon[0].pid, 10);
}

/* ---- statements ---- */

struct st {
	int64_t id, user;
	double calls, total, stddev;
};

static const struct pgt_snapshot *
statements(struct fx *f, int64_t t, const char *reset, bool full, const struct st *v, size_t n)
{
	struct basic b = {.s = t, .commits = 1000.0 * (double)t};
	char text[512];
	size_t i;

	begin(f, &b);
	add_basic(f, &b);
	snprintf(text, sizeof(text),
		 "{\"q\":\"statements_info\",\"c\":[\"dealloc\",\"reset_us\"],"
		 "\"d\":[[\"0\",\"%s\"]]}", reset);
	add(f, text);
	add(f, "{\"q\":\"statements\",\"c\":[\"queryid\",\"userid\",\"dbid\",\"toplevel\","
	       "\"calls\",\"total_ms\",\"stddev_ms\",\"rows\",\"is_full\",\"me\"],\"d\":[");
	for (i = 0; i < n; i++)
		pgt_buf_printf(&f->line,
			       "%s[\"%" PRId64 "\",\"%" PRId64
			       "\",\"5\",\"t\",\"%.0f\",\"%.17g\",\"%.17g\",\"%.0f\",\"%s\",\"9\"]",
			       i ? "," : "", v[i].id, v[i].user, v[i].calls, v[i].total,
			       v[i].stddev, v[i].calls, full ? "t" : "f");
	pgt_buf_puts(&f->line, "]}");
	return end(f);
}

static const struct pgt_query *
find(const struct pgt_snapshot *s, int64_t id, uint32_t user)
{
	size_t i;

	for (i = 0; i < s->n_queries; i++)
		if (s->queries[i].key.queryid == id && s->queries[i].key.userid == user)
			return &s->queries[i];
	return NULL;
}

static void
statement_deltas(void **state)
{
	struct fx *f = *state;
	const struct st a[] = {{1, 10, 1e6, 5e6, 1}, {1, 11, 70, 700, 0}, {2, 10, 4, 400, 0}};
	/* the same query id of another user; one that is new; one unchanged, not sent */
	const struct st b[] = {{1, 10, 1e6 + 50, 5e6 + 500, 1}, {3, 10, 8, 800, 0}};
	const struct pgt_snapshot *s;
	const struct pgt_query *q;

	s = statements(f, 100, "1", true, a, 3);
	assert_int_equal(s->n_queries, 0); /* the past is nobody's interval */
	assert_true(isnan(s->latency.p99_ms));
	s = statements(f, 102, "1", false, b, 2);
	assert_int_equal(s->gap, 0);
	assert_int_equal(s->n_queries, 2);
	near(s->statements_exec_ms, 1300);
	q = find(s, 1, 10);
	near(q->calls, 50);
	near(q->mean_ms, 10);
	near(q->calls_ps, 25);
	near(q->time_pct, 500.0 / 13);
	assert_false(q->is_new);
	q = find(s, 3, 10);
	near(q->calls, 8); /* born in the window: all of it counts */
	assert_true(q->is_new);
	assert_null(find(s, 1, 11));
	assert_int_equal(s->latency.method, PGT_LAT_MIXTURE);
	assert_true(s->latency.p50_ms > 0 && s->latency.p99_ms >= s->latency.p95_ms);
}

static void
statement_reset(void **state)
{
	struct fx *f = *state;
	const struct st a[] = {{1, 10, 1000, 5000, 1}, {2, 10, 1000, 100, 0}};
	const struct st b[] = {{1, 10, 1010, 5100, 1}};
	const struct st c[] = {{1, 10, 3, 30, 1}};
	const struct st d[] = {{1, 10, 5, 50, 1}};
	const struct pgt_snapshot *s;

	statements(f, 100, "1", true, a, 2);
	statements(f, 101, "1", false, b, 1);
	s = statements(f, 102, "2", false, c, 1); /* reset: told */
	assert_true(s->gap & PGT_GAP_PGSS_RESET);
	assert_int_equal(s->n_queries, 0);
	s = statements(f, 103, "2", true, c, 1);
	assert_int_equal(s->n_queries, 0);
	s = statements(f, 104, "2", true, d, 1);
	assert_false(s->gap & PGT_GAP_PGSS_RESET);
	near(find(s, 1, 10)->calls, 2);
}

/* One entry was evicted and came back: it counts from zero, never below. */
static void
statement_evicted(void **state)
{
	struct fx *f = *state;
	const struct st a[] = {{1, 10, 1000, 5000, 1}, {2, 10, 10, 10, 0}, {3, 10, 10, 10, 0}};
	const struct st b[] = {{1, 10, 4, 20, 1}, {2, 10, 11, 11, 0}, {3, 10, 12, 12, 0}};
	const struct pgt_snapshot *s;

	statements(f, 100, "1", true, a, 3);
	s = statements(f, 101, "1", false, b, 3);
	near(find(s, 1, 10)->calls, 4);
	near(find(s, 1, 10)->total_ms, 20);
	near(find(s, 2, 10)->calls, 1);
}

/* The window slides: what is older than it is in no row any more. */
static void
statement_window(void **state)
{
	struct fx *f = *state;
	struct st v = {1, 10, 0, 0, 0};
	const struct pgt_snapshot *s = NULL;
	int t;

	for (t = 0; t < 60; t++) {
		if (t <= 20) {
			v.calls += 10;
			v.total += 10;
		}
		s = statements(f, 100 + t, "1", t == 0, &v, t == 0 || t <= 20);
		if (t >= 1) {
			assert_true(s->statements_window_ns <= 10 * INT64_C(1000000000));
			assert_true(s->statements_window_ns >= INT64_C(1000000000));
		}
		if (t > 10 && t <= 20)
			near(find(s, 1, 10)->calls_ps, 10);
	}
	assert_int_equal(s->n_queries, 0);
	assert_string_equal(s->latency.note, "no statements in the window");
}

static void
errors_are_sections(void **state)
{
	struct fx *f = *state;
	struct basic b = {.s = 100, .commits = 1};
	const struct pgt_snapshot *s;

	begin(f, &b);
	add_basic(f, &b);
	add(f, "{\"q\":\"slots\",\"e\":[\"42501\",\"permission denied\"]}");
	add(f, "{\"q\":\"of another version\",\"c\":[],\"d\":[]}");
	s = end(f);
	assert_false(s->section[PGT_SEC_REPLICATION].available);
	assert_string_equal(s->section[PGT_SEC_REPLICATION].why, "permission denied");
	assert_non_null(s->section[PGT_SEC_REPLICATION].fix);
	assert_true(s->section[PGT_SEC_BASIC].available);
	/* without its counters a sample has no rates */
	b.s = 101;
	begin(f, &b);
	add(f, "{\"q\":\"basic\",\"e\":[\"57014\",\"canceling statement\"]}");
	s = end(f);
	assert_true(isnan(s->rate.tps));
	assert_int_equal(s->gap & PGT_GAP_PAUSE, PGT_GAP_PAUSE);
}

static void
another_node(void **state)
{
	struct fx *f = *state;
	char *other = strdup(header);
	const struct pgt_snapshot *s;
	struct pgt_err err;

	basic_only(f, (struct basic){.s = 100, .commits = 1});
	memcpy(strstr(other, "n1"), "n2", 2);
	assert_int_equal(pgt_replay_line(f->r, other, strlen(other), &s, &err), 0);
	free(other);
	s = basic_only(f, (struct basic){.s = 101, .commits = 1000000});
	assert_true(s->gap & PGT_GAP_FAILOVER);
	assert_true(isnan(s->rate.tps));
}

static void
malformed(void **state)
{
	static const char *const bad[] = {
	    "", "{", "[]", "{}", "{\"mono\":\"1\",\"r\":[{\"q\":\"basic\",\"c\":[1],\"d\":[]}]}",
	    "{\"mono\":\"1\",\"r\":[{\"q\":\"basic\",\"c\":[\"a\"],\"d\":[[\"1\",\"2\"]]}]}",
	};
	struct fx *f = *state;
	const struct pgt_snapshot *s;
	struct pgt_err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(pgt_replay_line(f->r, bad[i], strlen(bad[i]), &s, &err), -1);
}

/* A data directory on no device of its own (tmpfs, an overlay): its use is unknown,
 * not all of it. */
static void
disk_unknown(void **state)
{
	struct fx *f = *state;
	const struct pgt_snapshot *s = NULL;
	char text[256];

	for (int i = 0; i < 2; i++) {
		struct basic b = {.s = 100 + i, .commits = 10};

		begin(f, &b);
		add_basic(f, &b);
		snprintf(text, sizeof(text),
			 "{\"q\":\"host\",\"c\":[\"cpus\",\"user\",\"idle\",\"io_ms\"],"
			 "\"d\":[[\"2\",\"%d\",\"%d\",null]]}",
			 100 * i, 100 * i);
		add(f, text);
		s = end(f);
	}
	assert_int_equal(s->host.n_cpus, 2);
	assert_true(isnan(s->host.disk_util_pct));
}

/* Ten calls of 50 ms hidden among hundreds of 1 ms: seen running, they tell. */
static void
ages_tell(void **state)
{
	struct fx *f = *state;
	const struct pgt_snapshot *s = NULL;
	char text[1024];

	for (int i = 0; i <= 40; i++) {
		struct basic b = {.s = 100 + i, .commits = 100 * i};
		double n = 100.0 * i, mean = 0.92 + 0.08 * 50;

		begin(f, &b);
		add_basic(f, &b);
		if (i % 3 != 0) /* two of three samples see one */
			snprintf(text, sizeof(text),
				 "{\"q\":\"activity\",\"c\":[\"n_backends\",\"pid\",\"datid\","
				 "\"backend_type\",\"state\",\"query_id\",\"query_us\",\"now_us\"],"
				 "\"d\":[[\"1\",\"7\",\"5\",\"client backend\",\"active\",\"42\","
				 "\"%d\",\"1000000\"]]}",
				 1000000 - 1237 * (i % 37));
		else
			snprintf(text, sizeof(text),
				 "{\"q\":\"activity\",\"c\":[\"n_backends\",\"pid\"],\"d\":[["
				 "\"1\",\"7\"]]}");
		add(f, text);
		snprintf(text, sizeof(text),
			 "{\"q\":\"statements\",\"c\":[\"queryid\",\"userid\",\"dbid\","
			 "\"toplevel\",\"calls\",\"total_ms\",\"stddev_ms\",\"max_ms\",\"is_full\"],"
			 "\"d\":[[\"42\",\"10\",\"5\",\"t\",\"%.0f\",\"%.3f\",\"%.9f\",\"55\","
			 "\"%s\"]]}",
			 n + 1, n * mean + 1, sqrt(0.92 + 0.08 * 2500 - mean * mean),
			 i ? "f" : "t");
		add(f, text);
		s = end(f);
	}
	assert_int_equal(s->latency.method, PGT_LAT_AGES);
	if (!(s->latency.p95_ms > 25 && s->latency.p95_ms < 60))
		fail_msg("p95 %.2f of %.0f calls", s->latency.p95_ms, s->latency.calls);
	assert_true(s->latency.p50_ms < 3);
	assert_true(s->n_queries == 1 && s->queries[0].p99_ms > 40);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(rates_are_differences), T(gaps), T(reset_of_a_group), T(same_copy_keeps_rates),
	    T(sessions_and_locks),    T(statement_deltas), T(statement_reset),
	    T(statement_evicted),     T(statement_window), T(errors_are_sections),
	    T(another_node),	      T(malformed),	   T(disk_unknown),
	    T(ages_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
