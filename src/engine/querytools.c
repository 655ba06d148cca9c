#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/advice.h"
#include "pg2une/engine/querytools.h"
#include "pg2une/engine/session.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/caps.h"

static void
add_note(cJSON *data, const char *text)
{
	cJSON *notes = cJSON_GetObjectItemCaseSensitive(data, "notes");

	if (!notes)
		notes = pgt_json_arr(data, "notes");
	pgt_json_str(notes, NULL, text);
}

/* A list under a name, from one query with an optional limit. */
static int
put_rows(struct pgt_session *s, cJSON *data, const char *name, const char *query,
	 const char *const *params, int n, struct pgt_err *err)
{
	cJSON *rows;

	if (pgt_session_rows(s, query, params, n, &rows, err) < 0)
		return -1;
	pgt_json_item(data, name, rows);
	return 0;
}

static const char *
number(char *buf, size_t size, int64_t n)
{
	snprintf(buf, size, "%lld", (long long)n);
	return buf;
}

int
pgt_query_top(struct pgt_session *s, const char *sort, int64_t limit, cJSON **ret,
	      struct pgt_err *err)
{
	static const char *const sorts[] = {"total_time", "mean_time", "max_time",
					    "calls",      "rows",      "reads",
					    "temp",       "wal"};
	const char *since = NULL, *params[2];
	const struct pgt_caps *caps;
	cJSON *data, *reset = NULL;
	char n[24];
	size_t i;

	for (i = 0; i < PGT_LEN(sorts); i++)
		if (strcmp(sorts[i], sort) == 0)
			break;
	if (i == PGT_LEN(sorts))
		return pgt_err_set(err, PGT_E_USAGE,
				   "--sort: \"%.40s\" is none of total_time, mean_time, "
				   "max_time, calls, rows, reads, temp, wal",
				   sort);
	if (pgt_session_caps(s, &caps, err) < 0)
		return -1;
	params[0] = sort;
	params[1] = number(n, sizeof(n), limit);
	data = cJSON_CreateObject();
	pgt_json_str(data, "sort", sort);
	if (put_rows(s, data, "queries", "query_top", params, 2, err) < 0) {
		cJSON_Delete(data);
		return -1;
	}
	if (pgt_session_rows(s, "statements_reset", NULL, 0, &reset, NULL) == 0)
		pgt_json_get_str(reset->child, "stats_reset", &since);
	pgt_json_str(data, "stats_reset", since);
	cJSON_Delete(reset);
	if (!caps->cap[PGT_CAP_STATEMENTS_ALL].available)
		add_note(data,
			 "the texts of other roles' statements are hidden; fix: GRANT "
			 "pg_read_all_stats");
	*ret = data;
	return 0;
}

int
pgt_query_locks(struct pgt_session *s, cJSON **ret, struct pgt_err *err)
{
	const cJSON *row;
	int64_t depth;
	int blocked = 0, roots = 0;
	cJSON *data = cJSON_CreateObject();

	if (put_rows(s, data, "locks", "query_locks", NULL, 0, err) < 0) {
		cJSON_Delete(data);
		return -1;
	}
	cJSON_ArrayForEach(
	    row, cJSON_GetObjectItemCaseSensitive(
		     data, "locks")) if (pgt_json_get_i64(row, "depth", &depth)) depth > 0
	    ? blocked++
	    : roots++;
	pgt_json_i64(data, "roots", roots);
	pgt_json_i64(data, "blocked", blocked);
	*ret = data;
	return 0;
}

int
pgt_query_bloat(struct pgt_session *s, int64_t limit, cJSON **ret, struct pgt_err *err)
{
	cJSON *data = cJSON_CreateObject();
	const cJSON *row;
	const char *params[1];
	bool known = true, has = true;
	char n[24];

	params[0] = number(n, sizeof(n), limit);
	if (put_rows(s, data, "tables", "query_bloat", params, 1, err) < 0) {
		cJSON_Delete(data);
		return -1;
	}
	pgt_json_str(
	    data, "method",
	    "estimate from pg_class and pg_stats: pages needed at average row widths "
	    "against relpages; TOAST and indexes are not counted");
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(data, "tables"))
	    known &= pgt_json_get_bool(row, "has_stats", &has) && has;
	if (!known)
		add_note(data,
			 "without column statistics there is no estimate: ANALYZE the "
			 "table, or GRANT pg_read_all_data (14+) to see them");
	*ret = data;
	return 0;
}

int
pgt_query_vacuum_health(struct pgt_session *s, int64_t limit, cJSON **ret,
			struct pgt_err *err)
{
	cJSON *data = cJSON_CreateObject(), *rows;
	const char *params[1];
	bool on = true;
	char n[24];

	params[0] = number(n, sizeof(n), limit);
	if (pgt_session_rows(s, "query_vacuum_summary", NULL, 0, &rows, err) < 0)
		goto fail;
	pgt_json_item(data, "autovacuum", cJSON_DetachItemFromArray(rows, 0));
	cJSON_Delete(rows);
	if (put_rows(s, data, "tables", "query_vacuum_health", params, 1, err) < 0)
		goto fail;
	if (pgt_json_get_bool(cJSON_GetObjectItemCaseSensitive(data, "autovacuum"),
			      "autovacuum", &on) &&
	    !on)
		add_note(data, "autovacuum is off: nothing removes dead rows");
	*ret = data;
	return 0;

fail:
	cJSON_Delete(data);
	return -1;
}

/* ---- index suggestions ---- */

/* *ret_name: as the server quotes it, the caller's; NULL when all tables are meant. */
static int
find_table(struct pgt_session *s, const char *table, char **ret_name, struct pgt_err *err)
{
	const char *params[1] = {table}, *name = NULL;
	cJSON *rows;
	char *safe;

	if (!table)
		return 0;
	if (pgt_session_rows(s, "query_table_exists", params, 1, &rows, err) < 0)
		return -1;
	pgt_json_get_str(rows->child, "q_name", &name);
	*ret_name = name ? pgt_xstrdup(name) : NULL;
	cJSON_Delete(rows);
	if (*ret_name)
		return 0;
	safe = pgt_safetext(table, PGT_SAFE_LINE, 100);
	pgt_err_set(err, PGT_E_NOTFOUND, "no table \"%s\" (write schema.table)", safe);
	free(safe);
	return -1;
}

static const struct pgt_sch_table *
table_of(const struct pgt_schema *schema, const char *ns, const char *name)
{
	for (size_t i = 0; i < schema->n_tables; i++)
		if (strcmp(schema->tables[i].name, name) == 0 &&
		    strcmp(schema->tables[i].schema, ns) == 0)
			return &schema->tables[i];
	return NULL;
}

/* The names in an identity: "index:public.items(tag, at)". */
static void
put_columns(cJSON *out, const char *identity)
{
	const char *at = strchr(identity, '(');
	cJSON *list = pgt_json_arr(out, "columns");
	int depth = 0;

	for (const char *from = at ? ++at : NULL; at && *at && depth >= 0; at++) {
		char *word;

		depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
		if (depth >= 0 && (*at != ',' || depth > 0))
			continue;
		word = pgt_xasprintf("%.*s", (int)(at - from), from);
		pgt_json_str(list, NULL, word);
		free(word);
		from = at + 1 + strspn(at + 1, " ");
	}
}

/* What the advisor would have made, by statements and by foreign keys. */
static void
suggest_advice(cJSON *list, const struct pgt_advice_list *advice,
	       const struct pgt_schema *schema, const char *only)
{
	for (size_t i = 0; i < advice->n; i++) {
		const struct pgt_advice *a = &advice->items[i];
		const struct pgt_sch_table *t;
		cJSON *out;

		if (!a->table || (strncmp(a->identity, "index:", 6) != 0 &&
				  strncmp(a->identity, "vector:", 7) != 0))
			continue;
		t = table_of(schema, a->table_schema, a->table);
		if (!t || (only && (!t->q_name || strcmp(t->q_name, only) != 0)))
			continue;
		out = pgt_json_obj(list, NULL);
		pgt_json_str(out, "kind", a->queryid ? "statements" : "foreign key");
		pgt_json_str(out, "schema", t->schema);
		pgt_json_str(out, "table", t->name);
		put_columns(out, a->identity);
		pgt_json_i64(out, "rows", (int64_t)fmax(t->rows, t->live));
		pgt_json_i64(out, "size_bytes", (int64_t)t->bytes);
		pgt_json_str(out, "statement", a->statement);
		pgt_json_str(out, "confidence", pgt_grade_name(a->confidence));
		pgt_json_str(out, "rationale", a->why);
	}
}

static bool
is_named(const cJSON *list, const cJSON *row)
{
	const char *schema = "", *table = "", *s, *t;
	const cJSON *one;

	pgt_json_get_str(row, "schema", &schema);
	pgt_json_get_str(row, "table", &table);
	cJSON_ArrayForEach(one, list) if (pgt_json_get_str(one, "schema", &s) &&
					  pgt_json_get_str(one, "table", &t) &&
					  strcmp(s, schema) == 0 &&
					  strcmp(t, table) == 0) return true;
	return false;
}

static void
suggest_scans(cJSON *list, const cJSON *rows)
{
	const cJSON *row;
	int64_t scans = 0, per = 0;
	cJSON *out;

	cJSON_ArrayForEach(row, rows)
	{
		char *why;

		if (is_named(list, row)) /* there is better to say */
			continue;
		pgt_json_get_i64(row, "seq_scan", &scans);
		pgt_json_get_i64(row, "rows_per_scan", &per);
		why = pgt_xasprintf(
		    "%lld sequential scans read %lld rows each and outnumber "
		    "index scans: look for its statements in query top and "
		    "index what they filter by",
		    (long long)scans, (long long)per);
		out = cJSON_Duplicate(row, true);
		pgt_json_str(out, "kind", "sequential scans");
		pgt_json_null(out, "columns");
		pgt_json_null(out, "statement");
		pgt_json_str(out, "confidence", "low");
		pgt_json_str(out, "rationale", why);
		cJSON_AddItemToArray(list, out);
		free(why);
	}
}

int
pgt_query_index_suggest(struct pgt_session *s, const struct pgt_options *o,
			const char *table, cJSON **ret, struct pgt_err *err)
{
	struct pgt_advice_list *advice = NULL;
	struct pgt_schema *schema = NULL;
	cJSON *scans = NULL, *data, *list;
	const char *params[2];
	char n[24], *only = NULL;
	int rc = -1;

	params[0] = number(n, sizeof(n), PGT_INDEX_MIN_ROWS);
	params[1] = table;
	if (find_table(s, table, &only, err) < 0 ||
	    pgt_session_rows(s, "query_seq_scans", params, 2, &scans, err) < 0 ||
	    pgt_advice_read(s, o, &advice, &schema, err) < 0)
		goto out;
	data = cJSON_CreateObject();
	pgt_json_i64(data, "min_rows", PGT_INDEX_MIN_ROWS);
	list = pgt_json_arr(data, "suggestions");
	suggest_advice(list, advice, schema, only);
	suggest_scans(list, scans);
	*ret = data;
	rc = 0;
out:
	pgt_advice_list_free(advice);
	pgt_schema_free(schema);
	cJSON_Delete(scans);
	free(only);
	return rc;
}
