#include <libpq-fe.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "conn_priv.h"

void
pgt_result_fill_err(const PGresult *res, struct pgt_err *err)
{
	const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	/* NULL when libpq made the error itself, as after a lost connection */
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = primary ? primary : PQresultErrorMessage(res);
	char *safe;

	safe = pgt_safetext(text && *text ? text : "the server sent no answer",
			    PGT_SAFE_LINE, 380);
	pgt_err_set(err, PGT_E_SQL, "%s", safe);
	free(safe);
	if (hint && err) {
		size_t n = strlen(err->msg);

		safe = pgt_safetext(hint, PGT_SAFE_LINE, sizeof(err->msg) - n - 4);
		if (n + strlen(safe) + 4 < sizeof(err->msg)) {
			char *both = pgt_xasprintf("%s (%s)", err->msg, safe);

			pgt_str_copy(err->msg, sizeof(err->msg), both);
			free(both);
		}
		free(safe);
	}
	pgt_err_sqlstate(err, state ? state : "");
}

struct pgt_result *
pgt_result_new(PGresult *take_res)
{
	struct pgt_result *r = pgt_xcalloc(1, sizeof(*r));

	r->res = take_res;
	switch (PQresultStatus(take_res)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		r->ok = true;
		break;
	case PGRES_PIPELINE_ABORTED:
		pgt_err_set(&r->err, PGT_E_SQL, "not run: a statement before it failed");
		break;
	case PGRES_EMPTY_QUERY:
		pgt_err_set(&r->err, PGT_E_SQL, "the statement is empty");
		break;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH:
		pgt_err_set(&r->err, PGT_E_UNSUPPORTED, "COPY is not used here");
		break;
	case PGRES_BAD_RESPONSE:
	case PGRES_NONFATAL_ERROR:
	case PGRES_FATAL_ERROR:
	case PGRES_SINGLE_TUPLE:
	case PGRES_PIPELINE_SYNC:
		pgt_result_fill_err(take_res, &r->err);
		break;
	}
	return r;
}

void
pgt_result_free(struct pgt_result *r)
{
	if (!r)
		return;
	PQclear(r->res);
	free(r);
}

bool
pgt_result_ok(const struct pgt_result *r)
{
	return r && r->ok;
}

const struct pgt_err *
pgt_result_error(const struct pgt_result *r)
{
	static const struct pgt_err none = {PGT_E_CONN, "", "no result"};

	return r ? &r->err : &none;
}

size_t
pgt_result_rows(const struct pgt_result *r)
{
	return pgt_result_ok(r) ? (size_t)PQntuples(r->res) : 0;
}

size_t
pgt_result_cols(const struct pgt_result *r)
{
	return pgt_result_ok(r) ? (size_t)PQnfields(r->res) : 0;
}

int
pgt_result_col(const struct pgt_result *r, const char *name)
{
	int i, n = (int)pgt_result_cols(r);

	/* not PQfnumber(): that folds case and reads quotes */
	for (i = 0; i < n; i++)
		if (strcmp(PQfname(r->res, i), name) == 0)
			return i;
	return -1;
}

const char *
pgt_result_name(const struct pgt_result *r, size_t col)
{
	return col < pgt_result_cols(r) ? PQfname(r->res, (int)col) : NULL;
}

enum pgt_coltype
pgt_result_type(const struct pgt_result *r, size_t col)
{
	if (col >= pgt_result_cols(r))
		return PGT_COL_TEXT;
	switch (PQftype(r->res, (int)col)) { /* pg_type.dat: fixed for ever */
	case 16:
		return PGT_COL_BOOL;
	case 20:
	case 21:
	case 23:
	case 26:
		return PGT_COL_INT;
	case 700:
	case 701:
	case 1700:
		return PGT_COL_NUM;
	case 114:
	case 3802:
		return PGT_COL_JSON;
	case 1184:
		return PGT_COL_TIME;
	}
	return PGT_COL_TEXT;
}

const char *
pgt_result_str(const struct pgt_result *r, size_t row, int col)
{
	if (col < 0 || (size_t)col >= pgt_result_cols(r) || row >= pgt_result_rows(r) ||
	    PQgetisnull(r->res, (int)row, col))
		return NULL;
	return PQgetvalue(r->res, (int)row, col);
}

size_t
pgt_result_len(const struct pgt_result *r, size_t row, int col)
{
	return pgt_result_str(r, row, col) ? (size_t)PQgetlength(r->res, (int)row, col)
					   : 0;
}

int64_t
pgt_result_i64(const struct pgt_result *r, size_t row, int col, int64_t dflt)
{
	const char *s = pgt_result_str(r, row, col);
	int64_t v;

	return s && pgt_parse_i64(s, &v) ? v : dflt;
}

/* The wire form of int2, int4, int8, float4 and float8: big-endian. */
static double
binary_num(const PGresult *res, int row, int col)
{
	const unsigned char *p = (const unsigned char *)PQgetvalue(res, row, col);
	int len = PQgetlength(res, row, col);
	uint64_t bits = 0;
	uint32_t bits32;
	double v;
	float f;

	for (int i = 0; i < len && i < 8; i++)
		bits = bits << 8 | p[i];
	switch (PQftype(res, col)) { /* pg_type.dat */
	case 20:
		return (double)(int64_t)bits;
	case 21:
		return (int16_t)bits;
	case 23:
		return (int32_t)bits;
	case 700:
		bits32 = (uint32_t)bits;
		memcpy(&f, &bits32, sizeof(f));
		return f;
	case 701:
		memcpy(&v, &bits, sizeof(v));
		return v;
	}
	return NAN;
}

double
pgt_result_num(const struct pgt_result *r, size_t row, int col)
{
	const char *s = pgt_result_str(r, row, col);
	double v;

	if (s && PQfformat(r->res, col) == 1)
		return binary_num(r->res, (int)row, col);
	return s && pgt_parse_double(s, &v) ? v : NAN;
}

bool
pgt_result_bool(const struct pgt_result *r, size_t row, int col)
{
	const char *s = pgt_result_str(r, row, col);

	return s && (strcmp(s, "t") == 0 || strcmp(s, "true") == 0);
}

uint64_t
pgt_result_affected(const struct pgt_result *r)
{
	uint64_t v;

	return pgt_result_ok(r) && pgt_parse_u64(PQcmdTuples(r->res), &v) ? v : 0;
}

size_t
pgt_result_bytes(const struct pgt_result *r)
{
	size_t i, n = pgt_result_rows(r), sum = 0;
	int j, cols = (int)pgt_result_cols(r);

	for (i = 0; i < n; i++)
		for (j = 0; j < cols; j++)
			sum += (size_t)PQgetlength(r->res, (int)i, j);
	return sum;
}
