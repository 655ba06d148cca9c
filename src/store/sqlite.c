#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/pg/sql.h"
#include "store_priv.h"

#define STMT_CACHE 48
#define BUSY_MS	   500

struct db {
	sqlite3 *h;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} cache[STMT_CACHE];
	size_t n_cached;
};

static int
fail(struct db *db, int rc, const char *what, struct pgt_err *err)
{
	enum pgt_errcode code = PGT_E_IO;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = PGT_E_CONFLICT;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = PGT_E_PARSE;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		code = PGT_E_DENIED;
		break;
	default:
		break;
	}
	return pgt_err_set(err, code, "%s: %s", what,
			   db->h ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc));
}

static int
db_script(void *p, const char *sql, struct pgt_err *err)
{
	struct db *db = p;
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

	/* a batch a minute: until the next one its pages are in the kernel's cache */
	if (sqlite3_get_autocommit(db->h))
		sqlite3_db_release_memory(db->h);
	return rc == SQLITE_OK ? 0 : fail(db, rc, "history", err);
}

static void
db_close(void *p)
{
	struct db *db = p;

	for (size_t i = 0; i < db->n_cached; i++)
		sqlite3_finalize(db->cache[i].stmt);
	sqlite3_close(db->h);
	free(db);
}

static int
make_folder(const char *path, struct pgt_err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc;

	if (!slash || slash == path)
		return 0;
	dir = pgt_xstrndup(path, (size_t)(slash - path));
	/* A folder that is there was chosen by the operator: its mode is theirs. */
	rc = access(dir, F_OK) == 0 ? 0 : pgt_file_mkdirs(dir, err);
	free(dir);
	return rc;
}

static int
db_open(const char *where, void **ret, struct pgt_err *err)
{
	struct db *db;
	int rc;

	if (strcmp(where, ":memory:") != 0 && make_folder(where, err) < 0)
		return -1;
	db = pgt_xcalloc(1, sizeof(*db));
	rc = sqlite3_open_v2(
	    where, &db->h,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		fail(db, rc, where, err);
		goto fail;
	}
	/* 120 kB of slots of 1,200 bytes, mostly empty */
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	sqlite3_busy_timeout(db->h, BUSY_MS);
	if (db_script(db, pgt_sql_file("sql/store/schema/sqlite_setup.sql"), err) < 0) {
		pgt_err_prefix(err, "%s", where);
		goto fail;
	}
	*ret = db;
	return 0;

fail:
	db_close(db);
	return -1;
}

static int
prepare(struct db *db, const char *sql, sqlite3_stmt **ret, struct pgt_err *err)
{
	int rc;

	for (size_t i = 0; i < db->n_cached; i++)
		if (db->cache[i].sql == sql) {
			*ret = db->cache[i].stmt;
			return 0;
		}
	rc = sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	if (rc != SQLITE_OK)
		return fail(db, rc, "history", err);
	if (db->n_cached == STMT_CACHE) /* cannot happen with the files there are */
		sqlite3_finalize(db->cache[--db->n_cached].stmt);
	db->cache[db->n_cached].sql = sql;
	db->cache[db->n_cached++].stmt = *ret;
	return 0;
}

#define CELLS_MAX 32

static int
step_all(struct db *db, sqlite3_stmt *st, pgt_store_row_fn *row, void *ctx,
	 struct pgt_err *err)
{
	const char *cells[CELLS_MAX];
	int rc, n = sqlite3_column_count(st);

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < n && i < CELLS_MAX; i++)
			cells[i] = (const char *)sqlite3_column_text(st, i);
		if (row && row(ctx, cells, n) != 0)
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : fail(db, rc, "history", err);
}

static int
prepare_bound(struct db *db, const char *sql, const char *const *params, int n_params,
	      sqlite3_stmt **ret, struct pgt_err *err)
{
	sqlite3_stmt *st;
	char name[8];

	if (prepare(db, sql, &st, err) < 0)
		return -1;
	for (int i = 0; i < n_params; i++) {
		int at;

		sqlite3_snprintf(sizeof(name), name, "$%d", i + 1);
		at = sqlite3_bind_parameter_index(st, name);
		if (params[i])
			sqlite3_bind_text(st, at, params[i], -1, SQLITE_STATIC);
		else
			sqlite3_bind_null(st, at);
	}
	*ret = st;
	return 0;
}

static void
let_go(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

static int
db_run(void *p, const char *sql, const char *const *params, int n_params,
       pgt_store_row_fn *row, void *ctx, struct pgt_err *err)
{
	struct db *db = p;
	sqlite3_stmt *st;
	int rc;

	if (prepare_bound(db, sql, params, n_params, &st, err) < 0)
		return -1;
	rc = step_all(db, st, row, ctx, err);
	let_go(st);
	return rc;
}

static int
db_nums(void *p, const char *sql, const char *const *params, int n_params,
	pgt_store_nums_fn *row, void *ctx, struct pgt_err *err)
{
	struct db *db = p;
	double cells[CELLS_MAX];
	sqlite3_stmt *st;
	int rc, n;

	if (prepare_bound(db, sql, params, n_params, &st, err) < 0)
		return -1;
	n = sqlite3_column_count(st) < CELLS_MAX ? sqlite3_column_count(st) : CELLS_MAX;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < n; i++)
			cells[i] = sqlite3_column_type(st, i) == SQLITE_NULL
				       ? NAN
				       : sqlite3_column_double(st, i);
		row(ctx, cells, n);
	}
	rc = rc == SQLITE_DONE ? 0 : fail(db, rc, "history", err);
	let_go(st);
	return rc;
}

const struct pgt_store_driver pgt_store_sqlite = {
    .kind = "sqlite",
    .schema_prefix = "sqlite",
    /* A writer from the start: one that begins as a reader is refused at once, and
     * not after the wait, when another console wrote meanwhile. */
    .begin = "BEGIN IMMEDIATE",
    .open = db_open,
    .close = db_close,
    .script = db_script,
    .run = db_run,
    .nums = db_nums,
};
