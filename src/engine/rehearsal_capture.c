/* The captured load: which statements can be run again honestly, and with what values.
 * pg_stat_statements keeps texts without their constants, so a value is only ever drawn
 * from what the column that it is compared with holds. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/advise/sqltree.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "rehearsal_priv.h"

#define PARAMS_MAX 24
#define RELS_MAX   12
#define TREE_MAX   (4u << 20)
#define SAMPLE	   20000.0 /* rows that a sample of a table should hold */
#define ASK_NS	   (20 * PGT_NS_PER_S)
#define WEIGHT_MAX 1000
#define DEPTH_MAX  60

struct param {
	const struct pgt_sch_column *column; /* its values */
	bool limit;			     /* or: how many rows */
};

struct reading {
	const struct pgt_schema *s;
	const struct pgt_sch_table *rel[RELS_MAX];
	const char *alias[RELS_MAX];
	int n_rels;
	struct param param[PARAMS_MAX + 1];
	int n_params; /* highest number seen */
	bool refused; /* something that must not be run again */
};

void
pgt_captured_done(struct pgt_captured *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->file[i]);
		free(c->text[i]);
	}
	for (size_t i = 0; i < c->statements; i++)
		free(c->statement[i].text);
	free(c->file);
	free(c->text);
	free(c->weight);
	memset(c, 0, sizeof(*c));
}

/* ---- reading one statement ---- */

static const cJSON *
member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *
text_of(const cJSON *o, const char *name)
{
	const cJSON *m = member(o, name);

	return cJSON_IsString(m) ? m->valuestring : NULL;
}

static void
add_relation(struct reading *r, const cJSON *rv)
{
	const char *name = text_of(rv, "relname"), *schema = text_of(rv, "schemaname");
	const cJSON *alias = member(rv, "alias");
	const struct pgt_sch_table *found = NULL;

	for (size_t i = 0; name && i < r->s->n_tables; i++) {
		const struct pgt_sch_table *t = &r->s->tables[i];

		if (strcmp(t->name, name) == 0 &&
		    (!schema || strcmp(t->schema, schema) == 0))
			found = !found || strcmp(t->schema, "public") == 0 ? t : found;
	}
	/* A view, a foreign table, a name of WITH, a catalogue: not ours to judge. */
	if (!found || !found->q_name || r->n_rels == RELS_MAX) {
		r->refused = true;
		return;
	}
	r->rel[r->n_rels] = found;
	r->alias[r->n_rels++] = text_of(alias, "aliasname") ? text_of(alias, "aliasname")
							    : found->name;
}

/* Relations first: conditions name them before or after. */
static void
find_relations(struct reading *r, const cJSON *node, int depth)
{
	static const char *const never[] = {"InsertStmt", "UpdateStmt", "DeleteStmt",
					    "MergeStmt", "IntoClause", "CommonTableExpr",
					    "LockingClause", "RangeFunction"};

	if (depth > DEPTH_MAX) {
		r->refused = true;
		return;
	}
	for (const cJSON *c = node ? node->child : NULL; c; c = c->next) {
		for (size_t i = 0; c->string && i < PGT_LEN(never); i++)
			r->refused |= strcmp(c->string, never[i]) == 0;
		if (c->string && strcmp(c->string, "intoClause") == 0)
			r->refused = true;
		if (c->string && strcmp(c->string, "RangeVar") == 0)
			add_relation(r, c);
		else
			find_relations(r, c, depth + 1);
	}
}

static const struct pgt_sch_column *
column_of(const struct pgt_schema *s, const struct pgt_sch_table *t, const char *name)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (s->columns[i].table == t->oid && s->columns[i].q_name &&
		    strcmp(s->columns[i].name, name) == 0)
			return &s->columns[i];
	return NULL;
}

static const struct pgt_sch_column *
resolve(const struct reading *r, const cJSON *ref)
{
	const cJSON *fields = member(ref, "fields");
	int n = cJSON_GetArraySize(fields);
	const char *name =
	    text_of(member(cJSON_GetArrayItem(fields, n - 1), "String"), "sval");
	const char *of =
	    n > 1 ? text_of(member(cJSON_GetArrayItem(fields, n - 2), "String"), "sval")
		  : NULL;
	const struct pgt_sch_column *found = NULL;

	for (int i = 0; name && i < r->n_rels; i++) {
		const struct pgt_sch_column *c;

		if (of && strcmp(r->alias[i], of) != 0)
			continue;
		c = column_of(r->s, r->rel[i], name);
		if (c && found && c != found)
			return NULL; /* of which one, only the server knows */
		found = c ? c : found;
	}
	return found;
}

static int
param_number(const cJSON *node)
{
	const cJSON *cast = member(node, "TypeCast"), *p, *n;

	if (cast)
		return param_number(member(cast, "arg"));
	p = member(node, "ParamRef");
	n = member(p, "number");
	return cJSON_IsNumber(n) && n->valueint > 0 && n->valueint <= PARAMS_MAX
		   ? n->valueint
		   : 0;
}

static void
pair(struct reading *r, const cJSON *column, const cJSON *value)
{
	const cJSON *ref = member(column, "ColumnRef"), *list, *item;
	int n = param_number(value);

	if (!ref)
		return;
	if (n)
		r->param[n].column = resolve(r, ref);
	list = member(member(value, "List"), "items");
	cJSON_ArrayForEach(item, list)
	{
		n = param_number(item);
		if (n)
			r->param[n].column = resolve(r, ref);
	}
}

static void
condition(struct reading *r, const cJSON *e)
{
	const char *kind = text_of(e, "kind");
	const char *op = text_of(
	    member(cJSON_GetArrayItem(member(e, "name"), 0), "String"), "sval");

	if (!kind || !op || strcmp(op, "=") != 0 ||
	    (strcmp(kind, "AEXPR_OP") != 0 && strcmp(kind, "AEXPR_IN") != 0))
		return;
	pair(r, member(e, "lexpr"), member(e, "rexpr"));
	pair(r, member(e, "rexpr"), member(e, "lexpr"));
}

/* Functions that reach out, change something or wait. */
static void
check_function(struct reading *r, const cJSON *f)
{
	static const char *const never[] = {"pg_",	"dblink", "lo_",     "set_config",
					    "nextval",	"setval", "txid_",   "currval",
					    "query_to", "table_to", "database_to"};
	const cJSON *names = member(f, "funcname");
	const char *name = text_of(
	    member(cJSON_GetArrayItem(names, cJSON_GetArraySize(names) - 1), "String"),
	    "sval");

	for (size_t i = 0; i < PGT_LEN(never); i++)
		if (!name || pgt_str_starts(name, never[i]))
			r->refused = true;
}

static void
find_params(struct reading *r, const cJSON *node)
{
	for (const cJSON *c = node ? node->child : NULL; c; c = c->next) {
		int n = cJSON_IsObject(c) ? param_number(c) : 0;

		if (c->string && strcmp(c->string, "A_Expr") == 0)
			condition(r, c);
		if (c->string && strcmp(c->string, "FuncCall") == 0)
			check_function(r, c);
		if (n && c->string && strcmp(c->string, "limitCount") == 0)
			r->param[n].limit = true;
		if (c->string && strcmp(c->string, "ParamRef") == 0) {
			const cJSON *number = member(c, "number");
			int k = cJSON_IsNumber(number) ? number->valueint : 0;

			if (k < 1 || k > PARAMS_MAX)
				r->refused = true;
			else if (k > r->n_params)
				r->n_params = k;
		}
		find_params(r, c);
	}
}

/* One SELECT whose every parameter is understood. */
static bool
read_statement(const struct pgt_schema *s, const char *text, struct reading *r)
{
	struct pgt_err err;
	cJSON *tree = pgt_sqltree_parse(text, TREE_MAX, &err);
	const cJSON *stmts, *select;
	bool ok = false;

	memset(r, 0, sizeof(*r));
	r->s = s;
	stmts = member(tree, "stmts");
	select = member(member(cJSON_GetArrayItem(stmts, 0), "stmt"), "SelectStmt");
	if (select && cJSON_GetArraySize(stmts) == 1) {
		find_relations(r, select, 0);
		find_params(r, select);
		ok = !r->refused && r->n_rels > 0;
		for (int i = 1; i <= r->n_params; i++)
			ok = ok && (r->param[i].column || r->param[i].limit);
	}
	cJSON_Delete(tree);
	return ok;
}

int
pgt_capture_params(const struct pgt_schema *s, const char *text)
{
	struct reading r;

	return read_statement(s, text, &r) ? r.n_params : -1;
}

/* ---- values ---- */

static const struct pgt_sch_table *
table_of(const struct pgt_schema *s, uint32_t oid)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (s->tables[i].oid == oid)
			return &s->tables[i];
	return NULL;
}

#define FILL_MAX 4

char *
pgt_rehearsal_fill(const char *template, ...)
{
	const char *word[FILL_MAX], *by[FILL_MAX];
	struct pgt_buf b;
	size_t n = 0;
	va_list ap;

	va_start(ap, template);
	while (n < FILL_MAX && (word[n] = va_arg(ap, const char *)))
		by[n++] = va_arg(ap, const char *);
	va_end(ap);
	pgt_buf_init(&b, 2 << 20);
	while (*template) {
		size_t i = 0;

		while (i < n && !pgt_str_starts(template, word[i]))
			i++;
		if (i < n) {
			pgt_buf_puts(&b, by[i]);
			template += strlen(word[i]);
		} else {
			pgt_buf_putc(&b, *template++);
		}
	}
	return pgt_buf_take(&b);
}

/* Quoted literals of the column, as many as there are. */
static struct pgt_result *
draw(struct pgt_conn *c, const struct pgt_schema *s, const struct pgt_sch_column *col)
{
	const struct pgt_sch_table *t = table_of(s, col->table);
	struct pgt_result *res = NULL;
	char percent[32], *sql;
	double rows = t ? fmax(t->rows, 1) : 1;

	if (!t)
		return NULL;
	snprintf(percent, sizeof(percent), "%.6f", fmin(100, 100 * SAMPLE / rows));
	sql = pgt_rehearsal_fill(pgt_sql_must("sql/act/capture_values.sql"), "{column}",
				 col->q_name, "{table}", t->q_name, "{percent}", percent,
				 NULL);
	if (pgt_conn_run(c, sql, NULL, 0, ASK_NS, &res, NULL) < 0 ||
	    pgt_result_rows(res) == 0) {
		pgt_result_free(res);
		res = NULL;
	}
	free(sql);
	return res;
}

static const char *
value_of(const struct reading *r, struct pgt_result *const *values, int k, int variant,
	 const struct pgt_sch_statement *q, char *buf, size_t size)
{
	size_t rows;

	if (r->param[k].limit) {
		snprintf(buf, size, "%.0f", fmax(1, ceil(q->rows / fmax(q->calls, 1))));
		return buf;
	}
	/* Parameters of one column (IN, OR) take different ones. */
	rows = pgt_result_rows(values[k]);
	return pgt_result_str(values[k], (size_t)(variant * 7 + k) % rows, 0);
}

/* The statement with values put in: "$n" outside of quotes. */
static char *
with_values(const struct reading *r, struct pgt_result *const *values, int variant,
	    const struct pgt_sch_statement *q)
{
	char limit[32];
	struct pgt_buf b;

	pgt_buf_init(&b, 1 << 20);
	for (const char *s = q->text; *s;) {
		const char *end = *s == '\'' || *s == '"' ? strchr(s + 1, *s) : NULL;
		char *after;

		if (end) {
			pgt_buf_put(&b, s, (size_t)(end + 1 - s));
			s = end + 1;
			continue;
		}
		if (*s == '$' && s[1] >= '1' && s[1] <= '9') {
			long k = strtol(s + 1, &after, 10);

			if (k <= r->n_params) {
				pgt_buf_puts(&b, value_of(r, values, (int)k, variant, q,
							  limit, sizeof(limit)));
				s = after;
				continue;
			}
		}
		pgt_buf_putc(&b, *s++);
	}
	return pgt_buf_take(&b);
}

/* ---- the scripts ---- */

int
pgt_captured_write(const struct pgt_captured *c, size_t i, const char *before,
		   struct pgt_err *err)
{
	char *script = before ? pgt_rehearsal_fill(pgt_sql_must("sql/act/hint_frame.sql"),
						   "{before}", before, "{statement}",
						   c->text[i], NULL)
			      : pgt_xasprintf("%s;\n", c->text[i]);
	int rc = pgt_file_replace(c->file[i], script, strlen(script), 0644, err);

	free(script);
	return rc;
}

static int
write_variants(const struct reading *r, struct pgt_result *const *values,
	       const struct pgt_sch_statement *q, double total_calls, const char *dir,
	       struct pgt_captured *c, struct pgt_err *err)
{
	int variants = r->n_params ? PGT_CAPTURE_DRAW : 1;
	double share = q->calls / total_calls * WEIGHT_MAX / variants;
	struct pgt_captured_statement *st = &c->statement[c->statements];

	*st = (struct pgt_captured_statement){
	    .queryid = q->queryid, .mean_ms = q->mean_ms, .first = c->n};
	for (int v = 0; v < variants; v++) {
		char *path = pgt_xasprintf("%s/q%zu.sql", dir, c->n);

		c->text[c->n] = with_values(r, values, v, q);
		c->file[c->n] = path;
		c->weight[c->n] = share < 1 ? 1 : (int)share;
		if (pgt_captured_write(c, c->n++, NULL, err) < 0)
			return -1;
	}
	st->n = c->n - st->first;
	st->text = pgt_xstrdup(q->text);
	c->statements++;
	return 0;
}

static int
take_statement(struct pgt_conn *conn, const struct pgt_schema *s,
	       const struct pgt_sch_statement *q, double total_calls, const char *dir,
	       struct pgt_captured *c, bool *ret_taken, struct pgt_err *err)
{
	struct pgt_result *values[PARAMS_MAX + 1] = {NULL};
	struct reading r;
	bool ok = read_statement(s, q->text, &r);
	int rc = 0;

	for (int k = 1; ok && k <= r.n_params; k++)
		if (!r.param[k].limit) {
			values[k] = draw(conn, s, r.param[k].column);
			ok = values[k] != NULL;
		}
	if (ok)
		rc = write_variants(&r, values, q, total_calls, dir, c, err);
	for (int k = 1; k <= PARAMS_MAX; k++)
		pgt_result_free(values[k]);
	*ret_taken = ok;
	return rc;
}

int
pgt_capture(const struct pgt_schema *s, const struct pgt_connspec *copy, const char *dir,
	    struct pgt_captured *ret, struct pgt_err *err)
{
	struct pgt_conn *conn = pgt_conn_new(copy, PGT_CONN_QUERY);
	struct pgt_captured c = {0};
	double calls = 0, ms = 0, got_calls = 0, got_ms = 0;
	int rc = pgt_conn_run_connect(conn, ASK_NS, err);

	c.file = pgt_xcalloc(PGT_CAPTURE_MAX * PGT_CAPTURE_DRAW, sizeof(*c.file));
	c.text = pgt_xcalloc(PGT_CAPTURE_MAX * PGT_CAPTURE_DRAW, sizeof(*c.text));
	c.weight = pgt_xcalloc(PGT_CAPTURE_MAX * PGT_CAPTURE_DRAW, sizeof(*c.weight));
	for (size_t i = 0; i < s->n_statements; i++)
		if (s->statements[i].text &&
		    strncasecmp(s->statements[i].text, "select", 6) == 0) {
			calls += s->statements[i].calls;
			ms += s->statements[i].total_ms;
		}
	for (size_t i = 0; rc == 0 && i < s->n_statements &&
			   c.statements < PGT_CAPTURE_MAX; i++) {
		const struct pgt_sch_statement *q = &s->statements[i];
		bool taken = false;

		if (q->text && q->calls > 0 && !strstr(q->text, "/*pg2une"))
			rc = take_statement(conn, s, q, fmax(calls, 1), dir, &c, &taken,
					    err);
		got_calls += taken ? q->calls : 0;
		got_ms += taken ? q->total_ms : 0;
	}
	pgt_conn_free(conn);
	c.calls_share = calls > 0 ? fmin(1, got_calls / calls) : 0;
	c.ms_share = ms > 0 ? fmin(1, got_ms / ms) : 0;
	if (rc == 0 && c.n == 0)
		rc = pgt_err_set(err, PGT_E_NOTFOUND,
				 "no SELECT statement was captured whose parameters can "
				 "be given values: name a load with --script");
	if (rc == 0)
		*ret = c;
	else
		pgt_captured_done(&c);
	return rc;
}
