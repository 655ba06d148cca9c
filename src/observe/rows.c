#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "rows_priv.h"

void
obs_rows_live(struct obs_rows *r, const struct pgt_result *res)
{
	*r = (struct obs_rows){.live = res, .ok = pgt_result_ok(res)};
	if (!r->ok) {
		r->err = *pgt_result_error(res);
		return;
	}
	r->n_rows = pgt_result_rows(res);
	r->n_cols = pgt_result_cols(res);
}

size_t
obs_rows_n(const struct obs_rows *r)
{
	return r->ok ? r->n_rows : 0;
}

int
obs_col(const struct obs_rows *r, const char *name)
{
	size_t i;

	if (r->live)
		return pgt_result_col(r->live, name);
	for (i = 0; i < r->n_cols; i++)
		if (strcmp(r->names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *
obs_col_name(const struct obs_rows *r, size_t col)
{
	return r->live ? pgt_result_name(r->live, col) : r->names[col];
}

void
obs_cols(const struct obs_rows *r, const char *const *names, int *cols, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		cols[i] = obs_col(r, names[i]);
}

const char *
obs_str(const struct obs_rows *r, size_t row, int col)
{
	if (r->live)
		return pgt_result_str(r->live, row, col);
	if (col < 0 || row >= r->n_rows)
		return NULL;
	return r->cells[row * r->n_cols + (size_t)col];
}

int64_t
obs_i64(const struct obs_rows *r, size_t row, int col, int64_t dflt)
{
	const char *s = obs_str(r, row, col);
	int64_t v;

	return s && pgt_parse_i64(s, &v) ? v : dflt;
}

double
obs_num(const struct obs_rows *r, size_t row, int col)
{
	const char *s = obs_str(r, row, col);
	double v;

	return s && pgt_parse_double(s, &v) ? v : NAN;
}

bool
obs_bool(const struct obs_rows *r, size_t row, int col)
{
	const char *s = obs_str(r, row, col);

	return s && (strcmp(s, "t") == 0 || strcmp(s, "true") == 0);
}

const char *
obs_text(const struct obs_rows *r, size_t row, int col, struct pgt_arena *a,
	 size_t max_bytes)
{
	const char *s = obs_str(r, row, col), *p;
	char *safe, *kept;

	if (!s)
		return NULL;
	/* most names are plain ASCII: no copy through the filter for those */
	for (p = s; *p >= 0x20 && *p < 0x7f; p++)
		if (*p == ' ' && p[1] == ' ')
			break;
	if (!*p && (size_t)(p - s) <= max_bytes)
		return pgt_arena_strdup(a, s);
	safe = pgt_safetext(s, PGT_SAFE_LINE, max_bytes);
	kept = pgt_arena_strdup(a, safe);
	free(safe);
	return kept;
}
