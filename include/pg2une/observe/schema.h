/* What is built, as the advisors read it: tables, columns with statistics,
 * indexes, foreign keys, statements with their texts, counters and facts of the
 * server.  Plain structs in one arena, immutable once collected; reading them is
 * any thread's.  Collecting is I/O, by pgt_schema_collect(), on demand.
 *
 * All text is safe text.  q_* are quoted for SQL by the server itself; where the
 * safe form differs from the name, q_name is NULL and nothing is proposed for it.
 * Unknown is NAN, -1 or NULL.  Counters are since the statistics reset, or over
 * `window_s` where an earlier schema was given (suffix _w). */
#ifndef PG2UNE_OBSERVE_SCHEMA_H
#define PG2UNE_OBSERVE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_arena;
struct pgt_caps;
struct pgt_conn;

#define PGT_SCHEMA_KEYS 16 /* more columns of one key are not judged */

struct pgt_sch_table {
	uint32_t oid, parent; /* parent: of a partition, 0 */
	const char *schema, *name, *q_name; /* q_name: schema.table */
	char kind;	      /* r m p */
	char persistence;     /* p u */
	bool is_partition;
	int children;	      /* of a partitioned table, direct */
	double rows; /* planner's estimate; -1 never analyzed; p: sum of leaves */
	double live, dead, mod; /* mod: since the last ANALYZE */
	double ins, upd, del, hot;
	double seq_scan, seq_read, idx_scan;
	double bytes, toast_bytes; /* main fork, from relpages */
	double vacuum_s, analyze_s; /* ages of the latest; -1 never */
	double autovacuums;
	double xid_age, mxid_age;
	double bloat_bytes, bloat_ratio; /* estimate; NAN */
	const char *options;  /* reloptions as text; "" */
	double ins_w, upd_w, del_w, seq_scan_w, seq_read_w; /* per second; NAN */
};

struct pgt_sch_column {
	uint32_t table;
	int attnum;
	const char *name, *q_name, *type;
	char category;	      /* pg_type.typcategory */
	bool not_null, has_stats;
	double n_distinct;    /* rows: negative is a share, as pg_stats */
	double null_frac, correlation, avg_width, top_freq;
};

struct pgt_sch_index {
	uint32_t oid, table, parent; /* parent: partitioned index, 0 */
	const char *schema, *name, *q_name, *am;
	int n_keys, n_atts;
	int att[PGT_SCHEMA_KEYS];     /* 0: an expression */
	const char *opclass[PGT_SCHEMA_KEYS];
	int option[PGT_SCHEMA_KEYS];  /* indoption: 1 DESC, 2 NULLS FIRST */
	const char *predicate, *expressions; /* NULL none */
	const char *definition;
	bool unique, primary, exclusion, constraint, fk_target, valid, ready;
	bool replica_identity, building, clustered;
	double bytes, tuples, scans;
	double last_scan_s;	      /* 16+; -1 never or unknown */
};

struct pgt_sch_fk {
	uint32_t table, ref;
	const char *name, *ref_name;
	int n;
	int att[PGT_SCHEMA_KEYS], ref_att[PGT_SCHEMA_KEYS];
	char on_delete; /* a r c n d */
	bool validated;
};

struct pgt_sch_statistics { /* CREATE STATISTICS that exist */
	uint32_t table;
	const char *name, *kinds; /* "f,d,m" */
	int n;
	int att[PGT_SCHEMA_KEYS];
};

struct pgt_sch_statement {
	int64_t queryid;
	uint32_t userid;
	const char *text;
	double calls, total_ms, mean_ms, max_ms, stddev_ms, rows, hit, read, temp_written;
	double wal_bytes, plans, plan_ms, jit_ms, jit_functions;
	double calls_w, ms_w, rows_w, temp_w, read_w; /* in the window; NAN none */
};

struct pgt_sch_qual { /* pg_qualstats: a predicate evaluated as a filter, sampled */
	uint32_t table;
	int attnum;
	const char *op;
	double occurrences, executions, filtered; /* executions: rows looked at */
};

struct pgt_sch_pool { /* sessions of clients, without ours */
	const char *database, *user;
	double n, idle;
};

struct pgt_sch_sequence {
	const char *q_name, *type;
	double used; /* 0..1 */
	const char *owner; /* "public.t.id" when owned by a column; NULL */
};

struct pgt_sch_extension {
	const char *name, *version, *available; /* available: default version */
	const char *q_schema;
};

struct pgt_sch_counters {
	double at_s;	 /* epoch of the server when read; NAN not read */
	double reset_s;	 /* age of the background writer's statistics */
	double db_s;	 /* of those by database: the longest they can be of */
	double checkpoints_timed, checkpoints_req, checkpoint_write_ms,
	    checkpoint_sync_ms;
	double buffers_checkpoint, buffers_clean, buffers_backend, buffers_alloc;
	double maxwritten_clean;
	double temp_files, temp_bytes, blks_hit, blks_read, xacts, rollbacks, deadlocks;
	double sessions, sessions_abandoned, session_ms; /* 14+ */
	double wal_bytes, wal_fpi, wal_records, wal_full; /* 14+ */
};

struct pgt_sch_facts {
	int invalid_constraints;   /* NOT VALID; -1 unknown */
	int hba_trust, hba_trust_net, hba_md5, hba_password,
	    hba_scram;                          /* lines; -1 unknown */
	int md5_roles, superusers, login_roles; /* -1 unknown */
	double archive_failed, archive_done, archive_fail_age_s, archive_done_age_s;
	int collation_mismatch;	   /* -1 unknown */
	double prepared_oldest_s;  /* -1 none */
	double db_xid_age, db_mxid_age; /* the oldest database */
	bool public_create;	   /* anybody may create in schema public */
	double wal_dir_bytes;	   /* -1 unknown */
};

struct pgt_schema {
	struct pgt_arena *arena;
	int64_t real_ns;
	int version_num;
	const char *database;
	bool in_recovery;
	double window_s; /* of the _w values; 0 none */
	bool has_hypopg, has_trgm, has_vector, has_hint_plan, has_qualstats, has_pgss;
	bool preload_pgss; /* in shared_preload_libraries */
	bool cut;	 /* a LIMIT was reached */

	struct pgt_sch_table *tables;		size_t n_tables;     /* by oid */
	struct pgt_sch_column *columns;
	size_t n_columns; /* by table, attnum */
	struct pgt_sch_index *indexes;		size_t n_indexes;    /* by table */
	struct pgt_sch_fk *fks;			size_t n_fks;
	struct pgt_sch_statistics *statistics;	size_t n_statistics;
	struct pgt_sch_statement *statements;	size_t n_statements; /* by time */
	struct pgt_sch_qual *quals;		size_t n_quals;
	struct pgt_sch_pool *pools;		size_t n_pools;	     /* largest first */
	struct pgt_sch_sequence *sequences;	size_t n_sequences;  /* fullest first */
	struct pgt_sch_extension *extensions;	size_t n_extensions;
	struct pgt_sch_counters now, before; /* before.at_s NAN: no earlier reading */
	struct pgt_sch_facts facts;
	const char *notes[32]; /* what could not be read, and why */
	size_t n_notes;
};

/* The counters of a reading, for the window of the next one: what stays in memory
 * between them. */
struct pgt_schema_base;
struct pgt_schema_base *pgt_schema_base_of(const struct pgt_schema *s);
void pgt_schema_base_free(struct pgt_schema_base *b); /* NULL is legal */

/* Read everything over c (role QUERY), each part under the statement_timeout;
 * a part that fails is a note, PGT_E_CONN only when the connection is lost.
 * prev gives the window and may be NULL.  The caller owns *ret. */
int pgt_schema_collect(struct pgt_conn *c, const struct pgt_caps *caps,
		       const struct pgt_schema_base *prev, int64_t real_ns,
		       struct pgt_schema **ret, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_schema_free(struct pgt_schema *s); /* NULL is legal */
/* An empty one, for tests. */
struct pgt_schema *pgt_schema_new(void);

#endif
