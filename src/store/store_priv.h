/* A driver runs SQL; everything else is common.  Statements use $1, $2, ... and
 * pass values as text, which both kinds convert by the column's type. */
#ifndef PG2UNE_STORE_STORE_PRIV_H
#define PG2UNE_STORE_STORE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

/* Not 0 ends the scan. */
typedef int pgt_store_row_fn(void *ctx, const char *const *cells, int n);
/* The same for rows of numbers; NULL is NaN. */
typedef void pgt_store_nums_fn(void *ctx, const double *cells, int n);

struct pgt_store_driver {
	const char *kind;
	const char *schema_prefix; /* sql/store/schema/<prefix>_<version>.sql */
	const char *begin;
	bool remote;
	const char *lock; /* a file: alone in this transaction; NULL: begin is enough */
	int (*open)(const char *where, void **ret, struct pgt_err *err);
	void (*close)(void *db);
	/* Several statements, no parameters. */
	int (*script)(void *db, const char *sql, struct pgt_err *err);
	/* One statement; sql is a constant text that outlives db (it keys a cache). */
	int (*run)(void *db, const char *sql, const char *const *params, int n_params,
		   pgt_store_row_fn *row, void *ctx, struct pgt_err *err);
	/* A query of nothing but numbers: as text they cost either kind ten times as long
	 * as finding them. */
	int (*nums)(void *db, const char *sql, const char *const *params, int n_params,
		    pgt_store_nums_fn *row, void *ctx, struct pgt_err *err);
};

/* means.c: n points, in order, to means over step_ms, in place; how many are left. */
struct pgt_hist_point;
size_t pgt_hist_fold(struct pgt_hist_point *p, size_t n, int64_t step_ms);

extern const struct pgt_store_driver pgt_store_sqlite, pgt_store_postgres;

#endif
