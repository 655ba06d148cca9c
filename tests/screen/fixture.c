/* Snapshots built by hand: a rich one that never changes, an empty one, one whose
 * texts are hostile and went through the filter, and one where they did not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "vt.h"

#define S        PGT_NS_PER_S
#define MS       PGT_NS_PER_MS
#define N(array) PGT_LEN(array)

const char *const fixture_hostile[] = {
    "\033]0;pwned\007 title",
    "\033[2J\033[H cleared",
    "a\rb\bc\x7f",
    "line\none\ttab",
    "\xc2\x9b"
    "31m C1 CSI",
    "\xff\xfe\xc0\xaf not UTF-8",
    "abc \xe2\x80\xae fdp.exe",
    "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81 marks",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb joiner",
    "\xf3\xa0\x81\xa7 tag",
    "\xe6\xbc\xa2\xe5\xad\x97 wide",
    "</B><C>markup</24>",
    "%s%n%1000000d",
    "\033P1;2q sixel \033\\",
    "\xef\xbb\xbf bom",
    "\xed\xa0\x80 surrogate",
};

static const struct pgt_activity sessions[] = {
    {.pid = 48211,
     .backend_start_us = 11,
     .user = "web",
     .database = "shop",
     .app = "web",
     .client = "10.0.0.31",
     .backend_type = "client backend",
     .state = "idle in transaction",
     .wait_type = "Client",
     .wait_event = "ClientRead",
     .query = "UPDATE orders SET state = 'paid' WHERE id = 81",
     .query_age_ns = 181 * S,
     .xact_age_ns = 182 * S,
     .state_age_ns = 180 * S,
     .xmin_age = 48102,
     .is_client = true,
     .cpu_pct = 0,
     .read_bps = NAN,
     .write_bps = NAN},
    {.pid = 48377,
     .backend_start_us = 12,
     .user = "web",
     .database = "shop",
     .app = "web",
     .client = "10.0.0.31",
     .backend_type = "client backend",
     .state = "active",
     .wait_type = "Lock",
     .wait_event = "transactionid",
     .query = "UPDATE orders SET state = 'shipped' WHERE id = 81",
     .query_age_ns = 41 * S,
     .xact_age_ns = 42 * S,
     .state_age_ns = 41 * S,
     .xmin_age = 20,
     .blocked_by = 1,
     .is_client = true,
     .cpu_pct = 0,
     .read_bps = NAN,
     .write_bps = NAN},
    {.pid = 48390,
     .backend_start_us = 13,
     .user = "web",
     .database = "shop",
     .app = "web",
     .client = "10.0.0.32",
     .backend_type = "client backend",
     .state = "active",
     .wait_type = "Lock",
     .wait_event = "tuple",
     .query = "UPDATE orders SET state = 'shipped' WHERE id = 81",
     .query_age_ns = 29 * S,
     .xact_age_ns = 29 * S,
     .state_age_ns = 29 * S,
     .xmin_age = 19,
     .blocked_by = 1,
     .is_client = true,
     .cpu_pct = 0,
     .read_bps = NAN,
     .write_bps = NAN},
    {.pid = 48400,
     .backend_start_us = 14,
     .user = "report",
     .database = "shop",
     .app = "metabase",
     .client = "10.0.0.50",
     .backend_type = "client backend",
     .state = "active",
     .wait_type = "IO",
     .wait_event = "DataFileRead",
     .query = "SELECT tag, count(*) FROM items GROUP BY tag ORDER BY 2 DESC",
     .query_age_ns = 3 * S,
     .xact_age_ns = 3 * S,
     .state_age_ns = 3 * S,
     .xmin_age = 400,
     .is_client = true,
     .cpu_pct = 38.4,
     .read_bps = 12.5e6,
     .write_bps = 0},
    {.pid = 48412,
     .backend_start_us = 15,
     .user = "web",
     .database = "shop",
     .app = "web",
     .client = "",
     .backend_type = "client backend",
     .state = "active",
     .query = "SELECT * FROM users WHERE id = 4711",
     .query_age_ns = 300000,
     .xact_age_ns = 300000,
     .state_age_ns = 300000,
     .xmin_age = 1,
     .is_client = true,
     .cpu_pct = 4,
     .read_bps = NAN,
     .write_bps = NAN},
    {.pid = 48500,
     .backend_start_us = 16,
     .user = "web",
     .database = "shop",
     .app = "web",
     .client = "10.0.0.33",
     .backend_type = "client backend",
     .state = "idle",
     .wait_type = "Client",
     .wait_event = "ClientRead",
     .query = "COMMIT",
     .query_age_ns = 9 * S,
     .xact_age_ns = -1,
     .state_age_ns = 9 * S,
     .xmin_age = -1,
     .is_client = true,
     .cpu_pct = NAN,
     .read_bps = NAN,
     .write_bps = NAN},
    {.pid = 48600,
     .backend_start_us = 17,
     .user = "monitor",
     .database = "postgres",
     .app = "pg2une/monitor",
     .client = "",
     .backend_type = "client backend",
     .state = "active",
     .query = "SELECT own",
     .query_age_ns = MS,
     .xact_age_ns = MS,
     .state_age_ns = MS,
     .xmin_age = 1,
     .is_client = true,
     .is_ours = true,
     .cpu_pct = NAN,
     .read_bps = NAN,
     .write_bps = NAN},
    {.pid = 812,
     .backend_start_us = 2,
     .backend_type = "checkpointer",
     .wait_type = "Activity",
     .wait_event = "CheckpointerMain",
     .query_age_ns = -1,
     .xact_age_ns = -1,
     .state_age_ns = -1,
     .xmin_age = -1,
     .cpu_pct = NAN,
     .read_bps = NAN,
     .write_bps = NAN},
};

static const struct pgt_lock locks[] = {
    {.pid = 48211, .depth = 0, .parent = -1, .victims = 14, .wait_ns = -1, .activity = 0},
    {.pid = 48377,
     .depth = 1,
     .parent = 0,
     .victims = 1,
     .lock_type = "transactionid",
     .mode = "ShareLock",
     .object = "transaction 901223",
     .wait_ns = 41 * S,
     .activity = 1},
    {.pid = 48390,
     .depth = 2,
     .parent = 1,
     .victims = 0,
     .soft = true,
     .lock_type = "tuple",
     .mode = "ExclusiveLock",
     .object = "orders (12,4)",
     .wait_ns = 29 * S,
     .activity = 2},
    {.pid = 48391,
     .depth = 1,
     .parent = 0,
     .victims = 0,
     .lock_type = "transactionid",
     .mode = "ShareLock",
     .object = "transaction 901223",
     .wait_ns = 12 * S,
     .activity = -1},
};

static const struct pgt_wait waits[] = {
    {"Lock", "transactionid", 14.0, 14}, {"CPU", "", 7.1, 8},
    {"IO", "DataFileRead", 3.2, 2},      {"LWLock", "WALWrite", 1.1, 0},
    {"IO", "WALSync", 0.6, 1},
};

#define QUERY(n, pct, cps, mean, p99v, rowsv, hit, sql)                                  \
	{                                                                                \
		.key = {.queryid = n, .userid = 10, .dbid = 5, .toplevel = true},        \
		.calls = cps * 10, .total_ms = cps * 10 * mean, .time_pct = pct,         \
		.calls_ps = cps, .mean_ms = mean, .var_ms2 = mean * mean,                \
		.p99_ms = p99v, .rows = rowsv, .hit_ratio = hit, .shared_read = 120,     \
		.shared_hit = 9000, .shared_dirtied = 40, .shared_written = 0,           \
		.temp_written = n == 22 ? 4096 : 0, .temp_read = 0,                      \
		.wal_bytes = n == 21 ? 5e6 : 0, .io_ms = NAN, .plan_ms = NAN,            \
		.jit_ms = 0, .text = sql, .user = "web", .database = "shop"              \
	}

static const struct pgt_query queries[] = {
    QUERY(21, 41.2, 312.0, 13.10, 61.0, 1.0, 0.999,
	  "UPDATE orders SET state = $1 WHERE id = $2"),
    QUERY(22, 22.8, 11.5, 198.40, 410.0, 20.0, 0.713,
	  "SELECT * FROM items WHERE tag = $1 ORDER BY created_at DESC LIMIT $2"),
    QUERY(23, 9.1, 1920.0, 0.47, 2.1, 1.0, 0.999, "SELECT * FROM users WHERE id = $1"),
    QUERY(24, 4.0, 220.4, 1.80, NAN, 0.0, 0.981,
	  "INSERT INTO events (kind, payload, at) VALUES ($1, $2, now())"),
    QUERY(25, 1.1, 0.1, 1100.0, NAN, 400000.0, NAN, NULL),
};

static const struct pgt_replica replicas[] = {
    {.pid = 900,
     .name = "shop-b",
     .client = "10.0.0.6",
     .state = "streaming",
     .sync_state = "async",
     .slot = "shop_b",
     .sent_lag_bytes = 0,
     .write_lag_bytes = 8192,
     .flush_lag_bytes = 8192,
     .replay_lag_bytes = 40960,
     .replay_lag_ms = 0.9},
    {.pid = 901,
     .name = "shop-c",
     .client = "10.0.0.7",
     .state = "catchup",
     .sync_state = "async",
     .slot = NULL,
     .sent_lag_bytes = 6e7,
     .write_lag_bytes = 6e7,
     .flush_lag_bytes = 6e7,
     .replay_lag_bytes = 3e8,
     .replay_lag_ms = 41000},
};

static const struct pgt_slot slots[] = {
    {.name = "shop_b",
     .type = "physical",
     .wal_status = "reserved",
     .active = true,
     .pid = 900,
     .retained_bytes = 1048576,
     .xmin_age = -1,
     .catalog_xmin_age = -1},
    {.name = "old_export",
     .type = "logical",
     .database = "shop",
     .plugin = "pgoutput",
     .wal_status = "extended",
     .active = false,
     .retained_bytes = 19.4e9,
     .xmin_age = -1,
     .catalog_xmin_age = 1203441},
};

static const struct pgt_horizon horizon[] = {
    {"slot", "old_export", 0, 1203441, -1},
    {"backend", "web @ shop", 48211, 48102, 182 * S},
};

static const struct pgt_table tables[] = {
    {.oid = 16401,
     .schema = "public",
     .name = "items",
     .database = "shop",
     .seq_scan = 11.5,
     .idx_scan = 0,
     .seq_read = 21.8e6,
     .ins = 112,
     .upd = 0,
     .del = 0,
     .hot_upd = 0,
     .hit_ratio = 0.713,
     .live = 1900000,
     .dead = 12000,
     .mod_since_analyze = 400,
     .size_bytes = 1.9e9,
     .last_vacuum_s = 86000,
     .last_analyze_s = 4000,
     .xid_age = 2000000,
     .n_indexes = 1,
     .vacuum_threshold = 380050},
    {.oid = 16402,
     .schema = "public",
     .name = "orders",
     .database = "shop",
     .seq_scan = 0,
     .idx_scan = 340,
     .seq_read = 0,
     .ins = 14,
     .upd = 312,
     .del = 0,
     .hot_upd = 190,
     .hit_ratio = 0.999,
     .live = 210000,
     .dead = 98000,
     .mod_since_analyze = 98000,
     .size_bytes = 2.1e8,
     .last_vacuum_s = -1,
     .last_analyze_s = -1,
     .xid_age = 61000000,
     .n_indexes = 3,
     .vacuum_threshold = 42050},
};

static const struct pgt_index indexes[] = {
    {.oid = 17001,
     .table_oid = 16401,
     .schema = "public",
     .name = "items_pkey",
     .table = "items",
     .scans = 0,
     .scans_total = 12,
     .stats_age_s = 3500000,
     .size_bytes = 4.2e7,
     .unique = true,
     .primary = true,
     .valid = true,
     .constraint = true,
     .definition = "CREATE UNIQUE INDEX items_pkey ON public.items USING btree (id)"},
    {.oid = 17002,
     .table_oid = 16402,
     .schema = "public",
     .name = "orders_note_idx",
     .table = "orders",
     .scans = 0,
     .scans_total = 0,
     .stats_age_s = 3500000,
     .size_bytes = 9.1e7,
     .valid = true,
     .definition = "CREATE INDEX orders_note_idx ON public.orders USING btree (note)"},
    {.oid = 17003,
     .table_oid = 16402,
     .schema = "public",
     .name = "orders_state_ccnew",
     .table = "orders",
     .scans = NAN,
     .scans_total = 0,
     .stats_age_s = 400,
     .size_bytes = 8192,
     .valid = false,
     .definition =
	 "CREATE INDEX orders_state_ccnew ON public.orders USING btree (state)"},
};

static const struct pgt_io io[] = {
    {"client backend", "relation", "normal", 310, 12, 4, 0, 280, 91000, 2.5e6, 98304, NAN,
     NAN, NAN},
    {"checkpointer", "relation", "normal", 0, 220, 0, 1, 0, 0, 0, 1.8e6, NAN, NAN, NAN},
    {"autovacuum worker", "relation", "vacuum", 40, 3, 0, 0, 41, 900, 327680, 24576, NAN,
     NAN, NAN},
};

static const struct pgt_progress progress[] = {
    {.pid = 49001,
     .command = "CREATE INDEX",
     .phase = "building index: scanning table",
     .relation = "items",
     .database = "shop",
     .done = 61,
     .total = 100,
     .unit = "%",
     .age_ns = 24 * S},
};

static const struct pgt_database databases[] = {
    {5, "shop", 110, 4800, 0.3, 0.991, 0, -1, 61000000, 12},
    {6, "postgres", 8, 12, 0, 1, 0, -1, 60000000, 12},
};

static void
fill_rates(struct pgt_snapshot *s, int tick)
{
	double wave = 1 + 0.12 * sin(tick / 9.0) + (tick > 100 ? -0.35 : 0);

	s->rate = (struct pgt_rates){.tps = 4812 * wave,
				     .commits = 4798 * wave,
				     .rollbacks = 14,
				     .hit_ratio = 0.991,
				     .blks_read = 310,
				     .blks_hit = 91000,
				     .temp_bytes = 0,
				     .temp_files = 0,
				     .deadlocks = 0,
				     .conflicts = 0,
				     .wal_bytes = 12.4e6,
				     .wal_records = 41000,
				     .wal_fpi = 210,
				     .checkpoints_timed = 1,
				     .checkpoints_req = 0,
				     .checkpoint_write_ms = 812,
				     .checkpoint_sync_ms = 12,
				     .buffers_checkpoint = 220,
				     .buffers_clean = 4,
				     .buffers_backend = 12,
				     .buffers_alloc = 310};
	s->latency = (struct pgt_latency){.mean_ms = 1.9,
					  .p50_ms = 0.9,
					  .p95_ms = 4.1,
					  .p99_ms = tick > 100 ? 18.7 : 11.4,
					  .p50_err = 0.06,
					  .p95_err = 0.09,
					  .p99_err = 0.12,
					  .calls = 48120,
					  .window_ns = 10 * S,
					  .method = PGT_LAT_AGES};
	s->sessions = (struct pgt_sessions){.total = 118,
					    .active = 31 + tick % 3,
					    .idle = 79,
					    .idle_in_tx = 8,
					    .waiting = 19,
					    .blocked = 14,
					    .max_connections = 200,
					    .reserved = 3,
					    .background = 6,
					    .oldest_tx_ns = 182 * S,
					    .oldest_tx_pid = 48211,
					    .oldest_query_ns = 41 * S,
					    .oldest_query_pid = 48377,
					    .oldest_idle_in_tx_ns = 182 * S,
					    .oldest_idle_in_tx_pid = 48211};
	s->host = (struct pgt_host){.n_cpus = 8,
				    .load1 = 6.2,
				    .load5 = 4.1,
				    .cpu_user_pct = 41,
				    .cpu_sys_pct = 12,
				    .cpu_iowait_pct = 3,
				    .cpu_idle_pct = 44,
				    .mem_total = 33.5e9,
				    .mem_available = 20.1e9,
				    .swap_used = 0,
				    .disk_read_bps = 2.5e6,
				    .disk_write_bps = 14.2e6,
				    .disk_util_pct = 31,
				    .net_rx_bps = 4e6,
				    .net_tx_bps = 21e6,
				    .data_total = 5e11,
				    .data_free = 4.1e10,
				    .storage = "ssd"};
}

#define PUT(field) (s->field = field, s->n_##field = N(field))

static void
fill_arrays(struct pgt_snapshot *s)
{
	s->activity = sessions;
	s->n_activity = N(sessions);
	PUT(locks);
	PUT(waits);
	PUT(queries);
	PUT(replicas);
	PUT(slots);
	PUT(horizon);
	PUT(tables);
	PUT(indexes);
	PUT(io);
	PUT(progress);
	PUT(databases);
}

/* Every text of the snapshot becomes a hostile one. */
static void
make_hostile(struct pgt_snapshot *s, bool filtered)
{
	struct pgt_arena *a = pgt_snapshot_arena(s);
	struct pgt_activity *act = pgt_arena_array(a, s->n_activity, sizeof(*act));
	struct pgt_query *q = pgt_arena_array(a, s->n_queries, sizeof(*q));
	struct pgt_lock *l = pgt_arena_array(a, s->n_locks, sizeof(*l));
	const char *text[16];
	size_t n = N(text);

	for (size_t i = 0; i < n; i++) {
		char *safe = pgt_safetext(fixture_hostile[i], PGT_SAFE_LINE, 1 << 20);

		text[i] = filtered ? pgt_arena_strdup(a, safe) : fixture_hostile[i];
		free(safe);
	}
	memcpy(act, s->activity, s->n_activity * sizeof(*act));
	memcpy(q, s->queries, s->n_queries * sizeof(*q));
	memcpy(l, s->locks, s->n_locks * sizeof(*l));
	for (size_t i = 0; i < s->n_activity; i++) {
		act[i].query = text[i % n];
		act[i].app = text[(i + 3) % n];
		act[i].user = text[(i + 6) % n];
		act[i].database = text[(i + 9) % n];
	}
	for (size_t i = 0; i < s->n_queries; i++) {
		q[i].text = text[(i + 8) % n];
		q[i].database = text[(i + 1) % n];
	}
	for (size_t i = 0; i < s->n_locks; i++)
		l[i].object = text[(i + 11) % n];
	s->activity = act;
	s->queries = q;
	s->locks = l;
	s->node.name = text[0];
	s->node.version = text[1];
}

const struct pgt_snapshot *
fixture_snapshot(enum fixture kind, int64_t mono_ns, int tick)
{
	struct pgt_snapshot *s = pgt_snapshot_new(pgt_arena_new(0));

	s->seq = (uint64_t)tick + 1;
	s->mono_ns = mono_ns;
	s->real_ns = VT_REAL - (VT_NOW - mono_ns);
	s->node = (struct pgt_node){.name = "shop-prod",
				    .environment = "production",
				    .host = "10.0.0.5",
				    .port = "5432",
				    .user = "monitor",
				    .database = "shop",
				    .version = "17.10",
				    .version_num = 170010,
				    .timeline = 1,
				    .start_real_ns = VT_REAL - 41 * 86400 * S,
				    .is_local = true};
	for (int i = 0; i < PGT_SEC_N; i++)
		s->section[i] = (struct pgt_section){.available = kind != FIXTURE_EMPTY,
						     .taken_ns = mono_ns};
	s->cost = (struct pgt_cost){.server_ms = 2.1,
				    .tick_ms = 5.2,
				    .client_cpu_pct = 0.2,
				    .server_cpu_pct = 0.21,
				    .statements = 6,
				    .bytes = 4300,
				    .effective_interval_ns = S};
	if (kind == FIXTURE_EMPTY) {
		s->gap = PGT_GAP_FIRST;
		s->node.environment = "";
		s->section[PGT_SEC_STATEMENTS]
		    .why = "pg_stat_statements is not installed";
		s->section[PGT_SEC_STATEMENTS]
		    .fix = "CREATE EXTENSION pg_stat_statements";
		s->section[PGT_SEC_ACTIVITY].available = true;
		s->section[PGT_SEC_LOCKS].available = true;
		s->section[PGT_SEC_BASIC].available = true;
		return s;
	}
	s->interval_ns = S;
	s->workload = PGT_WORKLOAD_OLTP;
	s->statements_window_ns = 10 * S;
	s->statements_total = 812;
	s->statements_max = 5000;
	s->statements_dealloc = 0;
	fill_rates(s, tick);
	fill_arrays(s);
	if (kind == FIXTURE_HOSTILE || kind == FIXTURE_RAW)
		make_hostile(s, kind == FIXTURE_HOSTILE);
	return s;
}

struct pgt_ev_alerts *
fixture_alerts(void)
{
	struct pgt_ev_alerts *ev = pgt_xcalloc(1, sizeof(*ev));
	struct pgt_alert *a = pgt_xcalloc(2, sizeof(*a));

	ev->real_ns = VT_REAL;
	a[0] = (struct pgt_alert){.id = 1,
				  .state = PGT_ALERT_CLEARED,
				  .metric = PGT_METRIC_HIT_RATIO,
				  .family = PGT_FAMILY_CACHE,
				  .direction = -1,
				  .degrade = true,
				  .severity = PGT_SEV_WARNING,
				  .onset_real_ns = VT_REAL - 900 * S,
				  .detected_real_ns = VT_REAL - 880 * S,
				  .baseline = 0.991,
				  .current = 0.94,
				  .magnitude = -0.051,
				  .confidence = 0.41};
	a[1] = (struct pgt_alert){.id = 2,
				  .state = PGT_ALERT_OPEN,
				  .metric = PGT_METRIC_LATENCY_P99,
				  .family = PGT_FAMILY_PERFORMANCE,
				  .direction = 1,
				  .metrics = 1u << PGT_METRIC_LATENCY_P99 |
					     1u << PGT_METRIC_TPS,
				  .degrade = true,
				  .severity = PGT_SEV_CRITICAL,
				  .onset_real_ns = VT_REAL - 20 * S,
				  .detected_real_ns = VT_REAL - 8 * S,
				  .baseline = 11.4,
				  .current = 18.6,
				  .magnitude = 0.63,
				  .confidence = 0.88,
				  .n_causes = 1};
	a[1].causes[0] = (struct pgt_cause){.score = 0.9, .lead_ns = 2 * S};
	a[1].causes[0].event = (struct pgt_event){
	    .kind = PGT_EVENT_LOCK_PILEUP,
	    .real_ns = VT_REAL - 22 * S,
	    .weight = 1,
	    .text = "14 sessions wait behind 48211 (web)"};
	ev->alerts = a;
	ev->n_alerts = 2;
	for (int m = 0; m < PGT_METRIC__N; m++)
		ev->charts[m] = (struct pgt_chart_state){
		    .metric = (enum pgt_metric)m,
		    .phase = m == PGT_METRIC_LATENCY_P99 ? PGT_CHART_ALARMED
			     : m < 6                     ? PGT_CHART_WATCHING
							 : PGT_CHART_LEARNING,
		    .value = 10 + m,
		    .expected = 9 + m,
		    .lo = 7 + m,
		    .hi = 12 + m,
		    .z = 0.4,
		    .cusum_up = m == PGT_METRIC_LATENCY_P99 ? 9.1 : 1,
		    .cusum_down = 0,
		    .h = 5.1,
		    .n = 400};
	ev->charts[PGT_METRIC_TPS].lo = 4200;
	ev->charts[PGT_METRIC_TPS].hi = 5600;
	ev->events = pgt_xcalloc(2, sizeof(*ev->events));
	ev->n_events = 2;
	ev->events[0] = (struct pgt_event){.kind = PGT_EVENT_SETTING,
					   .real_ns = VT_REAL - 300 * S,
					   .weight = 1,
					   .text = "jit_above_cost 100000 -> 0"};
	ev->events[1] = (struct pgt_event){
	    .kind = PGT_EVENT_LOCK_PILEUP,
	    .real_ns = VT_REAL - 60 * S,
	    .weight = 1,
	    .text = "pid 4711 web blocks 14 on row of public.items"};
	ev->n_actions = 1;
	snprintf(ev->actions[0].name, sizeof(ev->actions[0].name), "investigate_locks");
	ev->actions[0].ready = true;
	ev->actions[0].why = pgt_xstrdup("lock_waits is high\n  because blocked(14)");
	return ev;
}

/* An hour: a dip and a change in the middle of it, an alert that still stands. */
struct pgt_ev_history *
fixture_history(void)
{
	const int64_t to = VT_REAL / 1000000, minute = 60000;
	struct pgt_ev_history *ev = pgt_xcalloc(1, sizeof(*ev));

	ev->from_ms = to - 60 * minute;
	ev->to_ms = to;
	ev->res_s = 10;
	ev->points = pgt_xcalloc(360, sizeof(*ev->points));
	for (int i = 0; i < 360; i++) {
		struct pgt_hist_point *p = &ev->points[ev->n];
		bool dip = i >= 150 && i < 180;

		if (i >= 60 && i < 75)
			continue; /* nothing was kept */
		ev->n++;
		p->t_ms = ev->from_ms + i * 10000;
		for (int k = 0; k < PGT_H_N; k++)
			p->v[k] = 1 + k + i % 7;
		p->v[PGT_H_TPS] = (dip ? 1200 : 4800) + 40 * (i % 9);
		p->v[PGT_H_P99] = (dip ? 90 : 9) + 0.3 * (i % 5);
		p->v[PGT_H_HIT] = 0.99 - 0.001 * (i % 3);
		p->v[PGT_H_WAL] = 3e6 + 1e5 * (i % 11);
	}
	ev->alerts = pgt_xcalloc(1, sizeof(*ev->alerts));
	ev->alerts[ev->n_alerts++] = (struct pgt_kept_alert){
	    .onset_ms = to - 35 * minute,
	    .detected_ms = to - 34 * minute,
	    .metric = "latency_p99",
	    .direction = "up",
	    .severity = "critical",
	    .state = "open",
	    .cause = "pid 4711 web blocks 14 on row of public.items"};
	ev->changes = pgt_xcalloc(1, sizeof(*ev->changes));
	ev->changes[ev->n_changes++] = (struct pgt_kept_change){
	    .id = "7f3c0000-0000-4000-8000-000000000000",
	    .begun_ms = to - 20 * minute,
	    .ended_ms = to - 18 * minute,
	    .who = "ops@db1",
	    .what = "max_wal_size 1GB -> 8GB; work_mem unset -> 24MB",
	    .outcome = "confirmed",
	    .before = "tps 4.79k, p99 10.1 ms",
	    .after = "tps 4.98k, p99 9.6 ms",
	    .result = "pass: tps +4.0% (+3.1 to +4.9)"};
	return ev;
}

struct pgt_ev_change *
fixture_change(enum pgt_flow_stage stage)
{
	struct pgt_ev_change *ev = pgt_xcalloc(1, sizeof(*ev));

	ev->stage = stage;
	ev->can_go = stage == PGT_FLOW_DRAFT || stage == PGT_FLOW_DRY_RUN;
	snprintf(ev->id, sizeof(ev->id), "7f3c0000-0000-4000-8000-000000000000");
	snprintf(ev->short_id, sizeof(ev->short_id), "7f3c");
	ev->items = pgt_xcalloc(2, sizeof(*ev->items));
	ev->n_items = 2;
	ev->items[0] = (struct pgt_flow_item){
	    .label = pgt_xstrdup("max_wal_size"),
	    .was = pgt_xstrdup("1GB"),
	    .sql = pgt_xstrdup("ALTER SYSTEM SET max_wal_size = '8GB'"),
	    .inverse = pgt_xstrdup("ALTER SYSTEM SET max_wal_size = '1GB'"),
	    .why = pgt_xstrdup("61% of checkpoints are requested"),
	    .state = PGT_FLOW_ITEM_DONE};
	ev->items[1] = (struct pgt_flow_item){
	    .label = pgt_xstrdup("work_mem"),
	    .was = pgt_xstrdup("unset"),
	    .sql = pgt_xstrdup("ALTER SYSTEM SET work_mem = '24MB'"),
	    .inverse = pgt_xstrdup("ALTER SYSTEM RESET work_mem"),
	    .why = pgt_xstrdup("temporary files"),
	    .state = PGT_FLOW_ITEM_DOING};
	ev->log = pgt_xcalloc(1, sizeof(*ev->log));
	ev->log[0] = pgt_xstrdup("guard armed");
	ev->n_log = 1;
	if (stage >= PGT_FLOW_APPLY)
		ev->guard_deadline_mono_ns = VT_NOW + 581 * S;
	return ev;
}

void
fixture_fill(struct vt *vt, enum fixture kind)
{
	if (kind == FIXTURE_RICH)
		pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_ALERTS, 0, fixture_alerts(),
						  pgt_ev_alerts_free));
	if (kind == FIXTURE_RICH)
		pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_HISTORY, 0, fixture_history(),
						  pgt_ev_history_free));
	for (int tick = 0; tick < 121; tick++)
		pgt_ui_snapshot(&vt->ui,
				fixture_snapshot(kind, VT_NOW - (120 - tick) * S, tick));
}
