#include <string.h>

#include <pg_query.h>

#include "pg2une/advise/sqltree.h"
#include "pg2une/base/dynlib.h"

#define PG_QUERY(F) F(pg_query_, parse) F(pg_query_, free_parse_result)
static struct {
	PG_QUERY(PGT_DYNLIB_MEMBER)
} query;
static const char *const query_names[] = {PG_QUERY(PGT_DYNLIB_NAME)};
static struct pgt_dynlib query_lib =
    PGT_DYNLIB("libpg_query.so.1504.0", "libpg-query1504.0", query_names, query);

cJSON *
pgt_sqltree_parse(const char *text, size_t max_bytes, struct pgt_err *err)
{
	PgQueryParseResult r;
	cJSON *tree = NULL;

	if (pgt_dynlib_open(&query_lib, err) < 0)
		return NULL;
	r = query.parse(text);
	if (!r.error && r.parse_tree)
		tree = pgt_json_parse(r.parse_tree, strlen(r.parse_tree), max_bytes, err);
	else
		pgt_err_set(err, PGT_E_PARSE, "the statement is not understood");
	query.free_parse_result(r);
	return tree;
}
