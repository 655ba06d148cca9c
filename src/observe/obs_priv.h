/* What lives across samples: the observer.  Fed with the answers of one sample
 * (live or replayed), it builds the snapshot.  Reads no clock and does no I/O. */
#ifndef PG2UNE_OBSERVE_OBS_PRIV_H
#define PG2UNE_OBSERVE_OBS_PRIV_H

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/observe/forest.h"
#include "pg2une/observe/sampler.h"
#include "pg2une/observe/snapshot.h"
#include "pg2une/observe/workload.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/identity.h"
#include "rows_priv.h"
#include "snapshot_priv.h"

#define OBS_US_NS   INT64_C(1000)
#define OBS_NAME_MAX 256   /* bytes of a name shown */
#define OBS_QUERY_MAX 2048 /* bytes of a query shown in a list */
#define OBS_BLOCK_MAX ((size_t)64 << 20)

/* ---- counters of query "basic" ---- */

#define OBS_COUNTERS(X)                                                                  \
	X(commits)                                                                       \
	X(rollbacks) X(blks_read) X(blks_hit) X(temp_bytes) X(temp_files)                \
	    X(tup_returned) X(tup_fetched) X(tup_inserted) X(tup_updated) X(tup_deleted) \
		X(deadlocks) X(conflicts) X(blk_read_ms) X(blk_write_ms) X(sessions)     \
		    X(sessions_abandoned) X(sessions_fatal) X(sessions_killed)           \
			X(active_ms) X(wal_bytes) X(wal_records) X(wal_fpi)              \
			    X(ckpt_timed) X(ckpt_req) X(ckpt_write_ms) X(ckpt_sync_ms)   \
				X(buf_ckpt) X(buf_clean) X(buf_backend) X(buf_alloc)

enum obs_counter {
#define X(name) OBS_C_##name,
	OBS_COUNTERS(X)
#undef X
	    OBS_C_N
};

struct obs_basic {
	int64_t begin_us, stats_us, start_us, conf_us;
	int64_t reset_us, wal_reset_us, bg_reset_us; /* 0: never */
	bool in_recovery, read_only;
	int max_connections, reserved;
	double c[OBS_C_N]; /* NAN: this version or role does not tell */
};

/* ---- sections ---- */

struct obs_part { /* the rows of a section, kept until the next answer */
	struct obs_block *block;
	const void *rows;
	size_t n;
};

enum obs_part_id {
	OBS_P_ACTIVITY,
	OBS_P_LOCKROWS,
	OBS_P_REPLICAS,
	OBS_P_SLOTS,
	OBS_P_IO,
	OBS_P_PROGRESS,
	OBS_P_DATABASES,
	OBS_P_TABLES,
	OBS_P_INDEXES,
	OBS_P_SETTINGS,
	OBS_P_PREPARED,
	OBS_P_RECEIVER,
	OBS_P_N
};

struct obs_status {
	bool available, partial;
	int64_t taken_ns;
	char why[256], fix[256];
};

/* One row of query "locks", as the forest needs it. */
struct obs_lockrow {
	int pid;
	bool granted;
	const char *mode, *type, *object, *tag;
	int64_t wait_ns;
};

/* ---- measures of the sample itself, recorded with it ---- */

struct obs_tick {
	int64_t mono_ns, real_ns;
	int64_t asked_ns; /* the interval that was asked for */
	double tick_ms, client_cpu_pct;
	double server_ms; /* NAN: not measured */
	bool server_is_cpu; /* CPU time of our backend, not the clock's */
	int statements;	      /* of this batch */
	int own_xacts;	      /* transactions of ours since the sample before */
	size_t bytes;
	int64_t effective_interval_ns;
	bool backed_off;
	bool reconnected; /* the first sample of a connection */
	bool is_local;
};

struct obs_waits;
struct obs_stmts;
struct obs_rel;

struct obs {
	struct pgt_sampler_opts opts;
	char *cluster_name, *environment;
	struct pgt_caps caps;
	bool have_caps;
	struct pgt_identity id;
	bool have_id, pooled;
	char user[OBS_NAME_MAX], database[OBS_NAME_MAX];
	char host[OBS_NAME_MAX], port[16];
	int version_num;

	struct obs_tick tick; /* of the sample being fed */
	uint64_t seq;

	struct obs_basic cur, prev;
	bool have_cur, have_prev, basic_fed;
	bool held; /* the rates are those of the sample before */
	unsigned gap, wanted; /* wanted: section bits */
	int64_t interval_ns;
	struct pgt_rates rate;
	bool pending_restart;

	struct obs_status status[PGT_SEC_N];
	struct obs_part part[OBS_P_N];

	struct pgt_sessions sessions;
	struct pgt_edge *edges;
	size_t n_edges, cap_edges;
	int *extra_pids; /* idle blockers to ask for by name */
	size_t n_extra;
	bool lost_sight; /* rows are hidden although the capabilities say otherwise */
	bool had_waiters; /* ask for the locks next time */
	int n_walsenders, n_workers; /* autovacuum and maintenance seen */
	struct obs_waits *waits;
	struct obs_stmts *stmts;
	struct pgt_latency latency;
	struct pgt_workload_state workload;
	struct pgt_receiver receiver;
	struct obs_rel *tables, *indexes, *dbs, *ios;
	int64_t settings_conf_us; /* of the configuration that was read */
	struct pgt_host host_now;
	struct obs_rel *host_prev, *procs;
	int own_pending; /* our transactions not yet taken off a rate */
};

struct obs *obs_new(const struct pgt_sampler_opts *opts);
void obs_free(struct obs *o);

/* ---- a sample: begin, feed each answer, build ---- */

void obs_begin(struct obs *o, const struct obs_tick *tick);
struct pgt_snapshot *obs_build(struct obs *o);
/* Who answers now.  Numbers of another node or before a restart are forgotten. */
void obs_identify(struct obs *o, const struct pgt_identity *id,
		  const struct pgt_caps *caps);
/* The capabilities are there or changed: sections that they rule out say so. */
void obs_caps_changed(struct obs *o);
/* Everything that was counted belongs to another server or epoch: forget. */
void obs_forget(struct obs *o);

void obs_status_ok(struct obs *o, enum pgt_section_id sec);
void obs_status_err(struct obs *o, enum pgt_section_id sec, const struct pgt_err *err);
void obs_status_why(struct obs *o, enum pgt_section_id sec, const char *why,
		    const char *fix);

/* A new arena for a section's rows, and its end: rows replace the old ones. */
struct obs_block *obs_part_begin(void);
void obs_part_set(struct obs *o, enum obs_part_id id, struct obs_block *take_block,
		  const void *rows, size_t n);

/* ---- the parsers: one a query; see collect.c ---- */

void obs_feed_basic(struct obs *o, const struct obs_rows *r);
void obs_feed_activity(struct obs *o, const struct obs_rows *r);
void obs_feed_locks(struct obs *o, const struct obs_rows *r);
void obs_feed_statements(struct obs *o, const struct obs_rows *r);
void obs_feed_statements_info(struct obs *o, const struct obs_rows *r);
void obs_feed_statements_count(struct obs *o, const struct obs_rows *r);
void obs_feed_texts(struct obs *o, const struct obs_rows *r);
void obs_feed_names(struct obs *o, const struct obs_rows *r);
void obs_feed_replicas(struct obs *o, const struct obs_rows *r);
void obs_feed_slots(struct obs *o, const struct obs_rows *r);
void obs_feed_receiver(struct obs *o, const struct obs_rows *r);
void obs_feed_io(struct obs *o, const struct obs_rows *r);
void obs_feed_progress(struct obs *o, const struct obs_rows *r);
void obs_feed_databases(struct obs *o, const struct obs_rows *r);
void obs_feed_prepared(struct obs *o, const struct obs_rows *r);
void obs_feed_settings(struct obs *o, const struct obs_rows *r);
void obs_feed_tables(struct obs *o, const struct obs_rows *r);
void obs_feed_host(struct obs *o, const struct obs_rows *r);
void obs_feed_procs(struct obs *o, const struct obs_rows *r);
void obs_feed_indexes(struct obs *o, const struct obs_rows *r);

/* ---- parts of the build ---- */

void obs_build_locks(struct obs *o, struct pgt_snapshot *s);
void obs_build_horizon(struct obs *o, struct pgt_snapshot *s);
struct obs_waits *obs_waits_new(void);
void obs_waits_free(struct obs_waits *w);
void obs_waits_begin(struct obs_waits *w);
void obs_waits_count(struct obs_waits *w, const char *type, const char *event);
void obs_waits_build(struct obs_waits *w, int64_t mono_ns, struct pgt_snapshot *s);

/* ---- statements: stmts.c, stmts_build.c ---- */

struct obs_stmts *obs_stmts_new(void);
void obs_stmts_free(struct obs_stmts *st);
void obs_stmts_forget(struct obs_stmts *st);
void obs_stmts_build(struct obs *o, struct pgt_snapshot *s);
/* What is known, for the parameter of "statements_*": an int8[] in the server's binary
 * format.  Of 5,000 entries as text the server reads 2.4 ms. */
void obs_stmts_known(const struct obs_stmts *st, struct pgt_buf *out);
/* Query ids without a text among the rows of the last snapshot and those asked
 * for, as an array literal; false when there is none. */
bool obs_stmts_untexted(struct obs *o, struct pgt_buf *ids);
bool obs_stmts_any_wanted(const struct obs_stmts *st);
void obs_stmts_want(struct obs *o, const struct pgt_query_key *keys, size_t n);
size_t obs_stmts_count(const struct obs_stmts *st);
/* A session was seen in this statement, begun age_ns before (ages.c). */
void obs_ages_see(struct obs *o, int64_t queryid, uint32_t dbid, int64_t age_ns);

/* ---- the registry: collect.c ---- */

struct obs_collector {
	const char *name; /* in traces; the query unless query() says more */
	enum pgt_section_id section;
	int64_t every_ns;		/* 0: each tick; INT64_MAX: only when wanted */
	int64_t wanted_ns;		/* while somebody looks at the section */
	enum pgt_cap needs;		/* PGT_CAP_N: nothing */
	/* More conditions, given the last sample; NULL: none. */
	bool (*due)(const struct obs *o);
	/* Due now, whatever the clock says; NULL: never. */
	bool (*urgent)(const struct obs *o);
	/* Which query; NULL: name.  May return NULL: not on this server. */
	const char *(*query)(const struct obs *o);
	void (*feed)(struct obs *o, const struct obs_rows *r);
	/* No query: read on this machine, after the answers came; false: nothing.
	 * Strings live in the arena. */
	bool (*read)(const struct obs *o, struct pgt_arena *a, struct obs_rows *r);
	/* Fill b[0] and b[1]; returns how many parameters there are.  NULL: 0. */
	int (*params)(struct obs *o, struct pgt_buf *b);
	bool binary; /* b[0] is in the server's binary format */
};

extern const struct obs_collector obs_collectors[];
extern const size_t obs_n_collectors;
/* host.c */
bool host_read(const struct obs *o, struct pgt_arena *a, struct obs_rows *r);
bool host_read_procs(const struct obs *o, struct pgt_arena *a, struct obs_rows *r);

int obs_collector_find(const char *name); /* -1 */

/* Feed one answer; an error goes to the section's status. */
void obs_feed(struct obs *o, const struct obs_collector *c, const struct obs_rows *r);

#endif
