/* A snapshot: what the server was doing in one interval.  Built by the sampler
 * in one arena, immutable afterwards, reference-counted atomically: any thread
 * may hold one and read it without locks.
 *
 * Conventions.  A rate is per second over interval_ns.  A value that could not
 * be measured is NAN (double), -1 (integer) or NULL (text), never a guess.
 * Counters of the server are never shown as such: only differences between two
 * samples with the same statistics epoch.  All text is safe text, one line,
 * unless it says otherwise. */
#ifndef PG2UNE_OBSERVE_SNAPSHOT_H
#define PG2UNE_OBSERVE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_arena;

/* ---- sections: each is collected at its own cadence and degrades by itself ---- */

enum pgt_section_id {
	PGT_SEC_BASIC,	    /* rates of pg_stat_database, connections */
	PGT_SEC_ACTIVITY,   /* pg_stat_activity */
	PGT_SEC_LOCKS,	    /* who blocks whom */
	PGT_SEC_STATEMENTS, /* pg_stat_statements */
	PGT_SEC_WAL,	    /* WAL rate, checkpoints, background writer */
	PGT_SEC_REPLICATION,/* senders, receiver, slots, conflicts */
	PGT_SEC_IO,	    /* pg_stat_io, 16+; else pg_stat_database's block times */
	PGT_SEC_PROGRESS,   /* pg_stat_progress_* */
	PGT_SEC_DATABASES,
	PGT_SEC_TABLES,	    /* slow clock, top by activity */
	PGT_SEC_INDEXES,    /* slow clock */
	PGT_SEC_SETTINGS,   /* slow clock and after each reload */
	PGT_SEC_HORIZON,    /* what holds back the xmin horizon; wraparound age */
	PGT_SEC_HOST,	    /* /proc, when the server is local */
	PGT_SEC_N
};

/* Beside the sections' bits in what a screen wants: idle sessions too, and what each
 * process does on this machine.  Only the activity screen does: of 1,000 sessions that
 * costs the server more than all the rest of a tick. */
#define PGT_WANT_IDLE (1u << 31)

struct pgt_section {
	bool available;
	bool partial;	   /* e.g. other users' query texts are hidden */
	int64_t taken_ns;  /* mono, of its newest data; 0 never */
	const char *why;   /* why not, or what is missing; NULL */
	const char *fix;   /* the exact statement or package; NULL */
};

extern const char *const pgt_section_names[PGT_SEC_N];

/* Why the interval of this snapshot has no rates (bits). */
enum pgt_gap {
	PGT_GAP_FIRST = 1,       /* nothing to compare with yet */
	PGT_GAP_STATS_RESET = 2, /* pg_stat_reset() or a crash */
	PGT_GAP_RESTART = 4,     /* postmaster start time changed */
	PGT_GAP_FAILOVER = 8,    /* another node, timeline or role */
	PGT_GAP_NEGATIVE = 16,   /* a counter ran backwards */
	PGT_GAP_PAUSE = 32,      /* interval much longer than asked: reconnect, pause */
	PGT_GAP_PGSS_RESET = 64, /* pg_stat_statements only */
};

/* ---- the node ---- */

enum pgt_workload {
	PGT_WORKLOAD_UNKNOWN,
	PGT_WORKLOAD_OLTP,
	PGT_WORKLOAD_OLAP,
	PGT_WORKLOAD_MIXED
};
extern const char *const pgt_workload_names[4];

struct pgt_node {
	const char *name; /* cluster name for people: config, cluster_name or host */
	const char *environment;  /* "production", "staging", ... by config; "" */
	const char *host, *port, *user, *database;
	const char *version;	  /* "17.10" */
	int version_num;
	const char *fingerprint;  /* of the cluster, hex */
	const char *node_id;	  /* of the node, hex */
	bool in_recovery;
	bool read_only;		  /* our session */
	int timeline;
	int64_t start_real_ns;	  /* of the postmaster */
	int64_t conf_load_real_ns;
	bool pending_restart;	  /* some setting waits for one */
	bool is_local;		  /* same host as we: /proc may be read */
};

/* ---- the interval's rates ---- */

struct pgt_rates {
	double tps;		  /* commits + rollbacks per second, all databases */
	double commits, rollbacks;
	double hit_ratio;	  /* 0..1, of this interval; NAN when nothing was read */
	double blks_read, blks_hit; /* blocks/s */
	double temp_bytes, temp_files;
	double tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted;
	double deadlocks, conflicts; /* events in the interval, not per second */
	double wal_bytes, wal_records, wal_fpi; /* NAN on a standby or without the view */
	double checkpoints_timed, checkpoints_req; /* in the interval */
	double checkpoint_write_ms, checkpoint_sync_ms; /* in the interval */
	double buffers_checkpoint, buffers_clean, buffers_backend,
	    buffers_alloc;                  /* per s */
	double sessions_new, sessions_lost; /* 14+; in the interval */
	double active_time_ms;	  /* ms of active session time per second, 14+ */
	double errors;		  /* sessions fatal + rollbacks, per second */
	double blk_read_ms, blk_write_ms; /* ms per second, with track_io_timing */
};

/* How the percentiles were estimated: reference/numerics.md section F. */
enum pgt_lat_method { PGT_LAT_NONE, PGT_LAT_MIXTURE, PGT_LAT_AGES, PGT_LAT_SLOWLOG };

struct pgt_latency {		  /* of statements on the server, ms: see note */
	double mean_ms, p50_ms, p95_ms, p99_ms;
	double p50_err, p95_err, p99_err; /* +- relative half-width of the band */
	double calls;		  /* statements in the window */
	int64_t window_ns;	  /* percentiles use a longer window than a tick */
	enum pgt_lat_method method;
	const char *note;	  /* why there is none, or a caution; NULL */
};

/* ---- sessions ---- */

struct pgt_sessions {
	int total, active, idle, idle_in_tx, idle_in_tx_aborted, fastpath, disabled;
	int waiting; /* active and in a wait that is not ClientRead or idle */
	int blocked;		  /* waiting for a lock that somebody holds */
	int max_connections, reserved;
	int background;		  /* not client backends */
	int hidden;		  /* state not visible to our role */
	int64_t oldest_tx_ns;	  /* age; -1 none */
	int oldest_tx_pid;
	int64_t oldest_query_ns;
	int oldest_query_pid;
	int64_t oldest_idle_in_tx_ns;
	int oldest_idle_in_tx_pid;
};

struct pgt_activity {
	int pid;
	int64_t backend_start_us; /* with pid: the session's identity before signalling */
	const char *user, *database, *app, *client, *backend_type;
	const char *state;	  /* "active", "idle in transaction", ... NULL hidden */
	const char *wait_type, *wait_event; /* NULL: on CPU */
	const char *query;	  /* LINE mode; NULL hidden by privilege */
	int64_t query_id;	  /* 0 unknown (14+) */
	int64_t query_age_ns, xact_age_ns, state_age_ns; /* -1 none */
	int64_t xmin_age;	  /* transactions; -1 none */
	int blocked_by;		  /* number of blockers */
	int leader_pid;		  /* of a parallel worker, 0 */
	bool is_client, is_ours;  /* ours: application_name pg2une/... */
	double cpu_pct, read_bps, write_bps; /* local only, else NAN */
};

/* Sessions by wait, averaged over the samples of the window (10 s). */
struct pgt_wait {
	const char *type, *event; /* "CPU", "" for running on CPU */
	double sessions;	  /* average number of active sessions in it */
	int now;
};

/* The blocking forest in display order: a root, then its victims, depth first. */
struct pgt_lock {
	int pid, depth;		  /* depth 0 is a root blocker */
	int parent;		  /* index of the row that blocks it, -1 for a root */
	int victims;		  /* sessions blocked below it, transitively */
	bool soft;		  /* ahead in the queue only, holds nothing yet */
	const char *lock_type, *mode, *object; /* what is waited for; NULL for a root */
	int64_t wait_ns;	  /* how long; -1 for a root */
	int activity;		  /* index into activity[], -1 when not visible */
};

/* ---- statements ---- */

struct pgt_query_key {
	int64_t queryid;
	uint32_t userid, dbid;
	bool toplevel;
};

struct pgt_query {
	struct pgt_query_key key;
	double calls;		  /* in the window */
	double total_ms;	  /* execution time in the window */
	double time_pct;	  /* share of all execution time, 0..100 */
	double calls_ps;
	double mean_ms, var_ms2;  /* of this interval, exact; NAN when n is too small */
	double p99_ms;		  /* estimate, NAN when unknown */
	double rows, hit_ratio;	  /* rows per call; 0..1 */
	double shared_read, shared_hit, shared_dirtied, shared_written; /* blocks */
	double temp_written, temp_read; /* blocks */
	double wal_bytes;
	double io_ms;		  /* NAN without track_io_timing */
	double plan_ms;		  /* NAN without track_planning */
	double jit_ms;		  /* 15+, else NAN */
	double plans;
	const char *text;	  /* NULL until asked for */
	const char *user, *database;
	bool ours, is_new;	  /* entry appeared in this window */
};

/* ---- replication ---- */

struct pgt_replica {
	int pid;
	const char *name, *client, *state, *sync_state, *slot;
	double sent_lag_bytes, write_lag_bytes, flush_lag_bytes, replay_lag_bytes;
	double replay_lag_ms;	  /* NAN when idle or unknown */
};

struct pgt_slot {
	const char *name, *type, *database, *wal_status, *plugin;
	bool active;
	int pid;
	double retained_bytes;
	int64_t xmin_age, catalog_xmin_age;
};

struct pgt_receiver { /* on a standby */
	bool present;
	const char *status, *sender_host, *slot;
	int sender_port;
	double receive_lag_bytes,
	    replay_lag_bytes;     /* replay: received but not replayed */
	double replay_delay_ms;	  /* NAN when everything received is replayed */
	bool replay_paused;
	double conflicts;	  /* in the interval */
};

/* ---- slow-clock sections ---- */

struct pgt_table {
	uint32_t oid;
	const char *schema, *name, *database;
	double seq_scan, idx_scan, seq_read; /* per second over its own interval */
	double ins, upd, del, hot_upd;
	double hit_ratio;
	int64_t live, dead, mod_since_analyze, ins_since_vacuum;
	double size_bytes;	  /* relpages estimate with TOAST; -1 */
	int64_t last_vacuum_s,
	    last_analyze_s; /* age in s of the latest, auto or not; -1 never */
	int64_t xid_age;
	int n_indexes;
	double vacuum_threshold;  /* dead tuples at which autovacuum comes */
};

struct pgt_index {
	uint32_t oid, table_oid;
	const char *schema, *name, *table;
	double scans;		  /* per second over its own interval */
	int64_t scans_total;	  /* since the statistics reset, with its age below */
	int64_t stats_age_s;
	double size_bytes;
	bool unique, primary, valid, constraint;
	const char *definition;
};

struct pgt_setting {
	const char *name, *value, *unit; /* value in base units, as pg_settings.setting */
	const char *vartype, *context, *source, *sourcefile, *boot_value, *reset_value;
	const char *min, *max;
	int sourceline;
	bool pending_restart;
};

struct pgt_io {
	const char *backend, *object, *context;
	double reads, writes, extends, fsyncs, evictions, hits; /* per second */
	double read_bytes, write_bytes;				 /* per second */
	double read_ms, write_ms, fsync_ms; /* per second, NAN without timing */
};

struct pgt_progress {
	int pid;
	const char *command, *phase, *relation, *database;
	double done, total;	  /* in unit */
	const char *unit;
	int64_t age_ns;
};

struct pgt_database {
	uint32_t oid;
	const char *name;
	int backends;
	double tps, rollback_pct, hit_ratio, temp_bytes;
	double size_bytes;	  /* on demand, else -1 */
	int64_t xid_age, mxid_age;
};

/* What holds back vacuum, oldest first. */
struct pgt_horizon {
	const char *kind;	  /* "backend" "slot" "prepared" "standby" */
	const char *who;
	int pid;
	int64_t xmin_age;
	int64_t age_ns;
};

struct pgt_host {
	int n_cpus;
	double load1, load5, load15, cpu_user_pct, cpu_sys_pct, cpu_iowait_pct,
	    cpu_idle_pct;
	double mem_total, mem_available, swap_used; /* bytes */
	double disk_read_bps, disk_write_bps, disk_util_pct;
	double net_rx_bps, net_tx_bps;
	double data_total, data_free; /* bytes of the data directory's file system */
	double wal_free; /* of pg_wal's, where we may look; NAN or 0: not */
	const char *storage;	  /* "ssd" "hdd" "unknown" */
};

/* What the monitor itself costs. */
struct pgt_cost {
	double server_ms; /* execution time of this tick's statements, as measured */
	double tick_ms;		  /* send to last result */
	double client_cpu_pct;	  /* of one core, over the last 10 s */
	double server_cpu_pct;	  /* server_ms per interval, of one core */
	int statements;
	size_t bytes;
	int64_t effective_interval_ns; /* after back-off */
	bool backed_off;
	const char *method;	  /* how server_ms was measured */
};

struct pgt_snapshot {
	uint64_t seq;
	int64_t mono_ns, real_ns;  /* when its results had arrived */
	int64_t interval_ns;	   /* between the two samples; 0 without rates */
	unsigned gap;		   /* enum pgt_gap bits; rates are NAN when not 0 */
	/* No newer counters yet: the rates are those of the snapshot before, and
	 * the counts of events are 0.  Servers publish once a second (15 and later)
	 * or twice (13, 14), so a shorter interval would show waves that are not. */
	bool rates_held;
	struct pgt_section section[PGT_SEC_N];
	struct pgt_node node;
	struct pgt_rates rate;
	struct pgt_latency latency;
	struct pgt_sessions sessions;
	enum pgt_workload workload;
	int64_t statements_window_ns; /* what the query rows cover (about 10 s) */
	int64_t statements_total;     /* entries in pg_stat_statements */
	int64_t statements_max;	      /* its limit */
	double statements_dealloc;    /* evictions in the window, NAN */
	double statements_exec_ms;    /* all execution time in the window */

	const struct pgt_activity *activity;   size_t n_activity;
	const struct pgt_wait *waits;	       size_t n_waits;	  /* most first */
	const struct pgt_lock *locks;	       size_t n_locks;
	const struct pgt_query *queries;       size_t n_queries;  /* by total_ms */
	const struct pgt_replica *replicas;    size_t n_replicas;
	const struct pgt_slot *slots;	       size_t n_slots;
	struct pgt_receiver receiver;
	const struct pgt_io *io;	       size_t n_io;
	const struct pgt_progress *progress;   size_t n_progress;
	const struct pgt_database *databases;  size_t n_databases;
	const struct pgt_table *tables;	       size_t n_tables;
	const struct pgt_index *indexes;       size_t n_indexes;
	const struct pgt_setting *settings;    size_t n_settings; /* by name */
	const struct pgt_horizon *horizon;     size_t n_horizon;
	struct pgt_host host;
	struct pgt_cost cost;
};

/* A new snapshot with one reference, all numbers unknown; it owns the arena. */
struct pgt_snapshot *pgt_snapshot_new(struct pgt_arena *take_arena);
struct pgt_arena *pgt_snapshot_arena(struct pgt_snapshot *s); /* while building only */
const struct pgt_snapshot *pgt_snapshot_ref(const struct pgt_snapshot *s);
void pgt_snapshot_unref(const struct pgt_snapshot *s); /* NULL is legal */

/* NULL when absent. */
const struct pgt_setting *pgt_snapshot_setting(const struct pgt_snapshot *s,
					       const char *name);
/* Its number in base units; NAN when absent or not numeric. */
double pgt_snapshot_setting_num(const struct pgt_snapshot *s, const char *name);

#endif
