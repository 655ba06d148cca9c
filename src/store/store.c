#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/sql.h"
#include "pg2une/store/store.h"
#include "store_priv.h"

struct pgt_store {
	const struct pgt_store_driver *drv;
	void *db;
	bool in_tx;
};

/* Defaults of the project: 1 s for an hour, 10 s for a day, 1 min for a month;
 * per query 1 min for a day, 10 min for a month; what happened for a year. */
const struct pgt_retention pgt_retention_default = {
    .keep_1s = 3600,
    .keep_10s = 86400,
    .keep_60s = 30 * 86400,
    .keep_query_60s = 86400,
    .keep_query_600s = 30 * 86400,
    .keep_records = 365 * 86400,
};

#define ROLLUP_MS INT64_C(600000)

static const char *
must_sql(const char *path)
{
	const char *sql = pgt_sql_file(path);

	if (!sql)
		abort(); /* the build embeds it */
	return sql;
}

/* ---- opening ---- */

static int
on_version(void *ctx, const char *const *cells, int n)
{
	int64_t v;

	if (n > 0 && cells[0] && pgt_parse_i64(cells[0], &v))
		*(int64_t *)ctx = v;
	return 0;
}

static int
put_version(struct pgt_store *st, int version, struct pgt_err *err)
{
	char num[16];
	const char *params[] = {num};

	snprintf(num, sizeof(num), "%d", version);
	if (st->drv->run(st->db, must_sql("sql/store/dml/version_drop.sql"), NULL, 0,
			 NULL, NULL, err) < 0)
		return -1;
	return st->drv->run(st->db, must_sql("sql/store/dml/version_put.sql"), params, 1,
			    NULL, NULL, err);
}

/* Within a transaction that nobody else migrates in. */
static int
bring_up(struct pgt_store *st, struct pgt_err *err)
{
	int64_t version = 0;
	char path[64];
	const char *sql;
	int newest = 0;

	if ((st->drv->lock &&
	     st->drv->script(st->db, must_sql(st->drv->lock), err) < 0) ||
	    st->drv->script(st->db, must_sql("sql/store/dml/schema_version.sql"),
			    err) < 0 ||
	    st->drv->run(st->db, must_sql("sql/store/dml/version.sql"), NULL, 0,
			 on_version, &version, err) < 0)
		return -1;
	for (;;) {
		snprintf(path, sizeof(path), "sql/store/schema/%s_%d.sql",
			 st->drv->schema_prefix, newest + 1);
		sql = pgt_sql_file(path);
		if (!sql)
			break;
		newest++;
		if (newest > version && (st->drv->script(st->db, sql, err) < 0 ||
					 put_version(st, newest, err) < 0))
			return -1;
	}
	if (version > newest)
		return pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "history has schema version %lld, this program knows %d: "
		    "use the newer program or another --store",
		    (long long)version, newest);
	return 0;
}

static int
migrate(struct pgt_store *st, struct pgt_err *err)
{
	if (pgt_store_begin(st, err) < 0)
		return -1;
	if (bring_up(st, err) < 0) {
		pgt_store_rollback(st);
		return -1;
	}
	return pgt_store_commit(st, err);
}

static bool
is_conninfo(const char *where)
{
	return strstr(where, "://") || (strchr(where, '=') && where[0] != '/');
}

int
pgt_store_open(const char *where, struct pgt_store **ret, struct pgt_err *err)
{
	struct pgt_store *st = pgt_xcalloc(1, sizeof(*st));

	st->drv = is_conninfo(where) ? &pgt_store_postgres : &pgt_store_sqlite;
	if (st->drv->open(where, &st->db, err) < 0) {
		free(st);
		return -1;
	}
	if (migrate(st, err) < 0) {
		pgt_store_close(st);
		return -1;
	}
	*ret = st;
	return 0;
}

void
pgt_store_close(struct pgt_store *st)
{
	if (!st)
		return;
	st->drv->close(st->db);
	free(st);
}

const char *
pgt_store_kind(const struct pgt_store *st)
{
	return st->drv->kind;
}

/* ---- transactions ---- */

int
pgt_store_begin(struct pgt_store *st, struct pgt_err *err)
{
	if (st->drv->script(st->db, st->drv->begin, err) < 0)
		return -1;
	st->in_tx = true;
	return 0;
}

int
pgt_store_commit(struct pgt_store *st, struct pgt_err *err)
{
	if (st->drv->script(st->db, "COMMIT", err) < 0) {
		pgt_store_rollback(st);
		return -1;
	}
	st->in_tx = false;
	return 0;
}

void
pgt_store_rollback(struct pgt_store *st)
{
	/* An error may have ended the transaction already: nothing to tell then. */
	if (st->in_tx)
		(void)st->drv->script(st->db, "ROLLBACK", NULL);
	st->in_tx = false;
}

/* ---- parameters ---- */

#define PARAM_TEXT 32

struct params {
	char text[20][PARAM_TEXT];
	const char *p[20];
	int n;
};

static void
add_i64(struct params *a, int64_t v)
{
	snprintf(a->text[a->n], PARAM_TEXT, "%lld", (long long)v);
	a->p[a->n] = a->text[a->n];
	a->n++;
}

static void
add_num(struct params *a, double v)
{
	snprintf(a->text[a->n], PARAM_TEXT, "%.9g", v);
	a->p[a->n] = isfinite(v) ? a->text[a->n] : NULL;
	a->n++;
}

static void
add_str(struct params *a, const char *s)
{
	a->p[a->n++] = s;
}

static int
run(struct pgt_store *st, const char *path, const struct params *a, pgt_store_row_fn *row,
    void *ctx, struct pgt_err *err)
{
	return st->drv->run(st->db, must_sql(path), a->p, a->n, row, ctx, err);
}

static int64_t
cell_i64(const char *s)
{
	int64_t v;

	return s && pgt_parse_i64(s, &v) ? v : 0;
}

static double
cell_num(const char *s)
{
	double v;

	return s && pgt_parse_double(s, &v) ? v : NAN;
}

/* ---- nodes ---- */

int
pgt_store_node(struct pgt_store *st, const char *fingerprint, const char *node_id,
	       const char *name, int64_t *ret_id, struct pgt_err *err)
{
	struct params put = {.n = 0}, get = {.n = 0};
	int64_t id = 0;

	add_str(&put, fingerprint);
	add_str(&put, node_id);
	add_str(&put, name);
	add_str(&get, node_id);
	if (run(st, "sql/store/dml/node_put.sql", &put, NULL, NULL, err) < 0 ||
	    run(st, "sql/store/dml/node_get.sql", &get, on_version, &id, err) < 0)
		return -1;
	if (id == 0)
		return pgt_err_set(err, PGT_E_IO,
				   "history: the node's row did not appear");
	*ret_id = id;
	return 0;
}

/* ---- system ---- */

int
pgt_store_put_system(struct pgt_store *st, int64_t node, int res_s,
		     const struct pgt_hist_point *p, struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, node);
	add_i64(&a, res_s);
	add_i64(&a, p->t_ms);
	for (int i = 0; i < PGT_H_N; i++)
		add_num(&a, p->v[i]);
	return run(st, "sql/store/dml/system_put.sql", &a, NULL, NULL, err);
}

struct growing {
	void *rows;
	size_t n, cap, size;
};

static void *
grow(struct growing *g)
{
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 256;
		g->rows = pgt_xreallocarray(g->rows, g->cap, g->size);
	}
	return (char *)g->rows + g->n++ * g->size;
}

/* Milliseconds since the epoch are exact as a double for 285,000 years. */
static void
on_system(void *ctx, const double *cells, int n)
{
	struct pgt_hist_point *p = grow(ctx);

	p->t_ms = (int64_t)cells[0];
	for (int i = 0; i < PGT_H_N; i++)
		p->v[i] = i + 1 < n ? cells[i + 1] : NAN;
}

static void
add_range(struct params *a, int64_t node, int res_s, int64_t from_ms, int64_t to_ms)
{
	add_i64(a, node);
	add_i64(a, res_s);
	add_i64(a, from_ms);
	add_i64(a, to_ms);
}

static int
get_points(struct pgt_store *st, const char *path, const struct params *a,
	   struct pgt_hist_point **ret, size_t *ret_n, struct pgt_err *err)
{
	struct growing g = {.size = sizeof(struct pgt_hist_point)};

	if (st->drv->nums(st->db, must_sql(path), a->p, a->n, on_system, &g, err) < 0) {
		free(g.rows);
		return -1;
	}
	*ret = g.rows;
	*ret_n = g.n;
	return 0;
}

int
pgt_store_get_system(struct pgt_store *st, int64_t node, int res_s, int64_t from_ms,
		     int64_t to_ms, struct pgt_hist_point **ret, size_t *ret_n,
		     struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_range(&a, node, res_s, from_ms, to_ms);
	return get_points(st, "sql/store/dml/system_get.sql", &a, ret, ret_n, err);
}

int
pgt_store_get_means(struct pgt_store *st, int64_t node, int res_s, int step_s,
		    int64_t from_ms, int64_t to_ms, struct pgt_hist_point **ret,
		    size_t *ret_n, struct pgt_err *err)
{
	struct params a = {.n = 0};

	/* What has to be sent is what costs with a server; here it is the grouping. */
	if (!st->drv->remote) {
		if (pgt_store_get_system(st, node, res_s, from_ms, to_ms, ret, ret_n,
					 err) < 0)
			return -1;
		*ret_n = pgt_hist_fold(*ret, *ret_n, step_s * INT64_C(1000));
		return 0;
	}
	add_range(&a, node, res_s, from_ms, to_ms);
	add_i64(&a, step_s * INT64_C(1000));
	return get_points(st, "sql/store/dml/system_get_wide.sql", &a, ret, ret_n, err);
}

/* ---- queries ---- */

int
pgt_store_put_query(struct pgt_store *st, int64_t node, int res_s,
		    const struct pgt_hist_query *q, struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, node);
	add_i64(&a, res_s);
	add_i64(&a, q->t_ms);
	add_i64(&a, q->queryid);
	add_i64(&a, q->userid);
	add_i64(&a, q->dbid);
	add_i64(&a, q->calls);
	add_num(&a, q->mean_ms);
	add_num(&a, q->total_ms);
	add_num(&a, q->var_ms2);
	add_i64(&a, q->rows);
	add_i64(&a, q->blks_hit);
	add_i64(&a, q->blks_read);
	add_i64(&a, q->temp_written);
	return run(st, "sql/store/dml/workload_put.sql", &a, NULL, NULL, err);
}

int
pgt_store_put_text(struct pgt_store *st, int64_t queryid, const char *text,
		   struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, queryid);
	add_str(&a, text);
	return run(st, "sql/store/dml/text_put.sql", &a, NULL, NULL, err);
}

static int
on_query(void *ctx, const char *const *cells, int n)
{
	struct pgt_hist_query *q = grow(ctx);

	if (n < 8)
		return -1;
	*q = (struct pgt_hist_query){
	    .t_ms = cell_i64(cells[0]),
	    .queryid = cell_i64(cells[1]),
	    .userid = (uint32_t)cell_i64(cells[2]),
	    .dbid = (uint32_t)cell_i64(cells[3]),
	    .calls = cell_i64(cells[4]),
	    .mean_ms = cell_num(cells[5]),
	    .total_ms = cell_num(cells[6]),
	    .var_ms2 = cell_num(cells[7]),
	};
	return 0;
}

int
pgt_store_get_queries(struct pgt_store *st, int64_t node, int res_s, int64_t from_ms,
		      int64_t to_ms, struct pgt_hist_query **ret, size_t *ret_n,
		      struct pgt_err *err)
{
	struct growing g = {.size = sizeof(struct pgt_hist_query)};
	struct params a = {.n = 0};

	add_range(&a, node, res_s, from_ms, to_ms);
	if (run(st, "sql/store/dml/workload_get.sql", &a, on_query, &g, err) < 0) {
		free(g.rows);
		return -1;
	}
	*ret = g.rows;
	*ret_n = g.n;
	return 0;
}

int
pgt_store_rollup(struct pgt_store *st, int64_t node, int64_t from_ms, int64_t to_ms,
		 struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, node);
	add_i64(&a, (from_ms + ROLLUP_MS - 1) / ROLLUP_MS * ROLLUP_MS);
	add_i64(&a, to_ms / ROLLUP_MS * ROLLUP_MS);
	if (run(st, "sql/store/dml/rollup_system.sql", &a, NULL, NULL, err) < 0)
		return -1;
	return run(st, "sql/store/dml/rollup_workload.sql", &a, NULL, NULL, err);
}

/* ---- records ---- */

static const struct {
	const char *put, *get;
	int cols;     /* without the node */
	int node_at;  /* where the node stands among the parameters */
	bool has_since;
} records[PGT_REC_N] = {
    [PGT_REC_ALERT] = {"sql/store/dml/alert_put.sql", "sql/store/dml/alert_get.sql", 11,
		       1, true},
    [PGT_REC_CHANGE] = {"sql/store/dml/change_put.sql", "sql/store/dml/change_get.sql", 9,
			1, true},
    [PGT_REC_RUN] = {"sql/store/dml/run_put.sql", "sql/store/dml/run_get.sql", 12, 1,
		     false},
    [PGT_REC_OBSERVATION] = {"sql/store/dml/observation_put.sql",
			     "sql/store/dml/observation_get.sql", 9, 0, false},
    [PGT_REC_SETTING] = {"sql/store/dml/setting_put.sql", "sql/store/dml/setting_get.sql",
			 6, 0, false},
    [PGT_REC_DISMISSAL] = {"sql/store/dml/dismissal_put.sql",
			   "sql/store/dml/dismissal_get.sql", 4, 0, false},
};

int
pgt_store_put_record(struct pgt_store *st, int64_t node, enum pgt_record rec,
		     const char *const *cols, int n, struct pgt_err *err)
{
	struct params a = {.n = 0};

	if (n != records[rec].cols)
		return pgt_err_set(err, PGT_E_STATE, "history: %d columns, %d expected",
				   n, records[rec].cols);
	for (int i = 0; i <= n; i++) {
		if (i == records[rec].node_at)
			add_i64(&a, node);
		if (i < n)
			add_str(&a, cols[i]);
	}
	return run(st, records[rec].put, &a, NULL, NULL, err);
}

int
pgt_store_get_records(struct pgt_store *st, int64_t node, enum pgt_record rec,
		      int64_t since_ms, int (*row)(void *, const char *const *, int),
		      void *ctx, struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, node);
	if (records[rec].has_since)
		add_i64(&a, since_ms);
	return run(st, records[rec].get, &a, row, ctx, err);
}

int
pgt_store_leave_alerts(struct pgt_store *st, int64_t node, struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, node);
	return run(st, "sql/store/dml/alert_leave.sql", &a, NULL, NULL, err);
}

/* ---- retention ---- */

static int
forget(struct pgt_store *st, const char *path, int64_t node, int res_s, int64_t before_ms,
       struct pgt_err *err)
{
	struct params a = {.n = 0};

	add_i64(&a, node);
	if (res_s)
		add_i64(&a, res_s);
	add_i64(&a, before_ms);
	return run(st, path, &a, NULL, NULL, err);
}

int
pgt_store_retain(struct pgt_store *st, int64_t node, int64_t now_ms,
		 const struct pgt_retention *keep, struct pgt_err *err)
{
	const struct {
		const char *path;
		int res_s; /* 0: no such column */
		int64_t keep_s;
	} steps[] = {
	    {"sql/store/dml/retain_system.sql", 1, keep->keep_1s},
	    {"sql/store/dml/retain_system.sql", 10, keep->keep_10s},
	    {"sql/store/dml/retain_system.sql", 60, keep->keep_60s},
	    {"sql/store/dml/retain_system.sql", 600, keep->keep_60s},
	    {"sql/store/dml/retain_workload.sql", 60, keep->keep_query_60s},
	    {"sql/store/dml/retain_workload.sql", 600, keep->keep_query_600s},
	    {"sql/store/dml/retain_alerts.sql", 0, keep->keep_records},
	    {"sql/store/dml/retain_changes.sql", 0, keep->keep_records},
	    {"sql/store/dml/retain_runs.sql", 0, keep->keep_records},
	    {"sql/store/dml/retain_observations.sql", 0, keep->keep_records},
	    {"sql/store/dml/retain_settings.sql", 0, keep->keep_records},
	};
	struct params none = {.n = 0};

	if (pgt_store_begin(st, err) < 0)
		return -1;
	for (size_t i = 0; i < PGT_LEN(steps); i++)
		if (forget(st, steps[i].path, node, steps[i].res_s,
			   now_ms - steps[i].keep_s * 1000, err) < 0)
			goto fail;
	if (run(st, "sql/store/dml/retain_text.sql", &none, NULL, NULL, err) < 0)
		goto fail;
	return pgt_store_commit(st, err);

fail:
	pgt_store_rollback(st);
	return -1;
}
