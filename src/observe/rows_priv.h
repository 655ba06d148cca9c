/* The answer to one query as rows of text cells: live from the connection, or
 * from a trace.  Parsers read only this, so that replay runs the same code. */
#ifndef PG2UNE_OBSERVE_ROWS_PRIV_H
#define PG2UNE_OBSERVE_ROWS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

struct pgt_result;
struct pgt_arena;

struct obs_rows {
	const struct pgt_result *live; /* borrowed; or NULL and then: */
	size_t n_rows, n_cols;
	const char *const *names; /* n_cols */
	const char *const *cells; /* row by row; NULL is SQL NULL */
	bool ok;
	struct pgt_err err; /* when not ok */
};

void obs_rows_live(struct obs_rows *r, const struct pgt_result *res);

size_t obs_rows_n(const struct obs_rows *r);
int obs_col(const struct obs_rows *r, const char *name); /* -1 when absent */
const char *obs_col_name(const struct obs_rows *r, size_t col);
/* Fill cols[i] for each name; a lookup once a result and not once a cell. */
void obs_cols(const struct obs_rows *r, const char *const *names, int *cols, size_t n);
const char *obs_str(const struct obs_rows *r, size_t row, int col); /* raw */
int64_t obs_i64(const struct obs_rows *r, size_t row, int col, int64_t dflt);
double obs_num(const struct obs_rows *r, size_t row, int col);
bool obs_bool(const struct obs_rows *r, size_t row, int col);
/* Safe text in the arena; NULL stays NULL. */
const char *obs_text(const struct obs_rows *r, size_t row, int col, struct pgt_arena *a,
		     size_t max_bytes);

#endif
