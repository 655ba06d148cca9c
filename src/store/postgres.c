#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "store_priv.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)
#define RUN_NS	   (30 * PGT_NS_PER_S)
#define CELLS_MAX  32

struct db {
	struct pgt_connspec *spec;
	struct pgt_conn *c;
};

static void
db_close(void *p)
{
	struct db *db = p;

	pgt_conn_free(db->c);
	pgt_connspec_free(db->spec);
	free(db);
}

static int
db_script(void *p, const char *sql, struct pgt_err *err)
{
	struct db *db = p;
	struct pgt_result *r = NULL;
	int rc = pgt_conn_run_simple(db->c, sql, RUN_NS, &r, err);

	pgt_result_free(r);
	return rc;
}

/* A store connection that was lost is made anew with the next batch. */
static int
connect_db(struct db *db, struct pgt_err *err)
{
	pgt_conn_free(db->c);
	db->c = pgt_conn_new(db->spec, PGT_CONN_APPLY);
	if (pgt_conn_run_connect(db->c, CONNECT_NS, err) < 0 ||
	    db_script(db, pgt_sql_file("sql/store/schema/postgres_setup.sql"), err) < 0)
		return -1;
	return 0;
}

static int
db_open(const char *where, void **ret, struct pgt_err *err)
{
	struct pgt_connargs args = {.dbname = where};
	struct db *db = pgt_xcalloc(1, sizeof(*db));

	if (pgt_connspec_new(&args, &db->spec, err) < 0 || connect_db(db, err) < 0) {
		if (strcmp(err->sqlstate, "42501") == 0)
			pgt_err_prefix(err,
				       "its role may not make or use the schema pg2une");
		pgt_err_prefix(err, "history");
		db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

static int
db_run(void *p, const char *sql, const char *const *params, int n_params,
       pgt_store_row_fn *row, void *ctx, struct pgt_err *err)
{
	struct db *db = p;
	struct pgt_result *r = NULL;
	const char *cells[CELLS_MAX];
	size_t cols;

	if (pgt_conn_state(db->c) == PGT_CONN_CLOSED && connect_db(db, err) < 0)
		return -1;
	if (pgt_conn_run(db->c, sql, params, n_params, RUN_NS, &r, err) < 0) {
		pgt_err_prefix(err, "history");
		return -1;
	}
	cols = pgt_result_cols(r) < CELLS_MAX ? pgt_result_cols(r) : CELLS_MAX;
	for (size_t i = 0; row && i < pgt_result_rows(r); i++) {
		for (size_t k = 0; k < cols; k++)
			cells[k] = pgt_result_str(r, i, (int)k);
		if (row(ctx, cells, (int)cols) != 0)
			break;
	}
	pgt_result_free(r);
	return 0;
}

static int
db_nums(void *p, const char *sql, const char *const *params, int n_params,
	pgt_store_nums_fn *row, void *ctx, struct pgt_err *err)
{
	struct db *db = p;
	struct pgt_result *r = NULL;
	double cells[CELLS_MAX];
	size_t cols;

	if (pgt_conn_state(db->c) == PGT_CONN_CLOSED && connect_db(db, err) < 0)
		return -1;
	if (pgt_conn_run_nums(db->c, sql, params, n_params, RUN_NS, &r, err) < 0) {
		pgt_err_prefix(err, "history");
		return -1;
	}
	cols = pgt_result_cols(r) < CELLS_MAX ? pgt_result_cols(r) : CELLS_MAX;
	for (size_t i = 0; i < pgt_result_rows(r); i++) {
		for (size_t k = 0; k < cols; k++)
			cells[k] = pgt_result_num(r, i, (int)k);
		row(ctx, cells, (int)cols);
	}
	pgt_result_free(r);
	return 0;
}

const struct pgt_store_driver pgt_store_postgres = {
    .kind = "postgresql",
    .schema_prefix = "postgres",
    .begin = "BEGIN",
    .remote = true,
    .lock = "sql/store/schema/postgres_lock.sql",
    .open = db_open,
    .close = db_close,
    .script = db_script,
    .run = db_run,
    .nums = db_nums,
};
