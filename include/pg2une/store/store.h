/* History: what was measured, noticed, tried and changed, in SQLite (a file) or
 * in PostgreSQL (shared).  One owner thread; every call may wait for a disk or
 * a server, so never the main or the engine thread.
 *
 * Writes go between pgt_store_begin() and pgt_store_commit().  After an error
 * the batch is rolled back and the store stays usable or says at open why not:
 * losing history never stops the console.  NAN is stored as NULL. */
#ifndef PG2UNE_STORE_STORE_H
#define PG2UNE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_store;

/* where: a path, ":memory:", or a conninfo string or URI (has "=" or "://").
 * Makes the folder and the tables; brings an older schema up to date, refuses a
 * newer one (PGT_E_UNSUPPORTED).  PGT_E_CONFLICT: locked by another program;
 * PGT_E_PARSE: not a database or corrupt, left untouched. */
int pgt_store_open(const char *where, struct pgt_store **ret, struct pgt_err *err)
    PGT_MUST_CHECK;
void pgt_store_close(struct pgt_store *st);
const char *pgt_store_kind(const struct pgt_store *st); /* "sqlite" or "postgresql" */

int pgt_store_begin(struct pgt_store *st, struct pgt_err *err) PGT_MUST_CHECK;
int pgt_store_commit(struct pgt_store *st, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_store_rollback(struct pgt_store *st);

/* The row of a node, made when it is new. */
int pgt_store_node(struct pgt_store *st, const char *fingerprint, const char *node_id,
		   const char *name, int64_t *ret_id, struct pgt_err *err) PGT_MUST_CHECK;

/* ---- system snapshots; res_s is the resolution: 1, 10, 60, or 600 by rollup ---- */

enum pgt_hist_col { /* order of the columns in system_get.sql, after t_ms */
		    PGT_H_TPS,
		    PGT_H_ROLLBACKS,
		    PGT_H_MEAN,
		    PGT_H_P50,
		    PGT_H_P95,
		    PGT_H_P99,
		    PGT_H_HIT,
		    PGT_H_ACTIVE,
		    PGT_H_IDLE,
		    PGT_H_WAITING,
		    PGT_H_BLOCKED,
		    PGT_H_TEMP,
		    PGT_H_WAL,
		    PGT_H_LAG,
		    PGT_H_ERRORS,
		    PGT_H_N
};

struct pgt_hist_point {
	int64_t t_ms; /* since the epoch, UTC */
	double v[PGT_H_N];
};

int pgt_store_put_system(struct pgt_store *st, int64_t node, int res_s,
			 const struct pgt_hist_point *p,
			 struct pgt_err *err) PGT_MUST_CHECK;
/* Points in [from, to) in order; *ret is the caller's (free). */
int pgt_store_get_system(struct pgt_store *st, int64_t node, int res_s, int64_t from_ms,
			 int64_t to_ms, struct pgt_hist_point **ret, size_t *ret_n,
			 struct pgt_err *err) PGT_MUST_CHECK;
/* The same as means over step_s, a multiple of res_s: for a range of many points. */
int pgt_store_get_means(struct pgt_store *st, int64_t node, int res_s, int step_s,
			int64_t from_ms, int64_t to_ms, struct pgt_hist_point **ret,
			size_t *ret_n, struct pgt_err *err) PGT_MUST_CHECK;

/* ---- per query ---- */

struct pgt_hist_query {
	int64_t t_ms, queryid, calls;
	uint32_t userid, dbid;
	double mean_ms, total_ms, var_ms2;
	int64_t rows, blks_hit, blks_read, temp_written;
};

int pgt_store_put_query(struct pgt_store *st, int64_t node, int res_s,
			const struct pgt_hist_query *q,
			struct pgt_err *err) PGT_MUST_CHECK;
int pgt_store_put_text(struct pgt_store *st, int64_t queryid, const char *text,
		       struct pgt_err *err) PGT_MUST_CHECK;
int pgt_store_get_queries(struct pgt_store *st, int64_t node, int res_s, int64_t from_ms,
			  int64_t to_ms, struct pgt_hist_query **ret, size_t *ret_n,
			  struct pgt_err *err) PGT_MUST_CHECK;

/* Make the ten-minute rows (res_s 600), of the system and of the queries, of the buckets
 * that lie wholly in [from, to); those that are there already stay. */
int pgt_store_rollup(struct pgt_store *st, int64_t node, int64_t from_ms, int64_t to_ms,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* ---- records: alerts, changes, runs, observations, settings, dismissals ---- */

enum pgt_record {
	PGT_REC_ALERT, PGT_REC_CHANGE, PGT_REC_RUN, PGT_REC_OBSERVATION, PGT_REC_SETTING,
	PGT_REC_DISMISSAL,
	PGT_REC_N
};

#define PGT_RECORD_COLS 13 /* the most columns that a record has */

/* Columns as text in the order of sql/store/dml/<record>_put.sql without the
 * node; NULL is SQL NULL.  Records with an id replace the earlier row. */
int pgt_store_put_record(struct pgt_store *st, int64_t node, enum pgt_record rec,
			 const char *const *cols, int n,
			 struct pgt_err *err) PGT_MUST_CHECK;
/* Calls row for each, in the order of <record>_get.sql; a non-zero return ends
 * the scan.  since_ms is used by alerts and changes only. */
int pgt_store_get_records(struct pgt_store *st, int64_t node, enum pgt_record rec,
			  int64_t since_ms,
			  int (*row)(void *ctx, const char *const *cols, int n),
			  void *ctx, struct pgt_err *err) PGT_MUST_CHECK;

/* Open alerts of a console that ended, or crashed, become "left open". */
int pgt_store_leave_alerts(struct pgt_store *st, int64_t node,
			   struct pgt_err *err) PGT_MUST_CHECK;

/* ---- retention ---- */

struct pgt_retention { /* seconds; defaults in pgt_retention_default */
	int64_t keep_1s, keep_10s, keep_60s; /* keep_60s: of 600 s as well */
	int64_t keep_query_60s, keep_query_600s;
	int64_t keep_records; /* alerts, changes, runs, observations, settings */
};
extern const struct pgt_retention pgt_retention_default;

/* Delete what is older; in one transaction of its own. */
int pgt_store_retain(struct pgt_store *st, int64_t node, int64_t now_ms,
		     const struct pgt_retention *keep,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* ---- down-sampling: pure ---- */

/* Means of points over fixed buckets of res_s; feed in order of time.  Returns
 * true when a bucket was completed into *ret. */
struct pgt_downsample {
	int res_s;
	int64_t bucket; /* number of the open bucket; 0 none */
	int n[PGT_H_N];
	double sum[PGT_H_N];
};
bool pgt_downsample_add(struct pgt_downsample *d, const struct pgt_hist_point *p,
			struct pgt_hist_point *ret);

#endif
