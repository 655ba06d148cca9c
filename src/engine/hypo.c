/* What the planner thinks of a proposed index: HypoPG on a session of its own, plans
 * only, nothing executed. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define ASK_NS	  (5 * PGT_NS_PER_S)
#define ASK_MAX	  20 /* indexes a round: each costs two plans */
#define PARAM_MAX 200
#define PLAN_MAX  (4u << 20)

struct hypo {
	struct pgt_conn *c;
	const char *ext; /* quoted schema of hypopg */
	const struct pgt_schema *s;
};

static int
run(struct hypo *h, const char *sql, const char *param, struct pgt_result **ret)
{
	struct pgt_result *r = NULL;
	const char *params[] = {param};
	int rc = pgt_conn_run(h->c, sql, params, param ? 1 : 0, ASK_NS, &r, NULL);

	if (rc == 0 && ret)
		*ret = r;
	else
		pgt_result_free(r);
	return rc;
}

static int
run_file(struct hypo *h, const char *path, const char *param)
{
	return run(h, pgt_sql_must(path), param, NULL);
}

/* The highest $n outside of quotes. */
static int
parameters(const char *sql)
{
	int most = 0;

	for (const char *s = sql; *s; s++) {
		if (*s == '\'' || *s == '"') {
			const char *end = strchr(s + 1, *s);

			if (!end)
				return most;
			s = end;
		} else if (*s == '$' && isdigit((unsigned char)s[1])) {
			long n = strtol(s + 1, NULL, 10);

			if (n > most && n <= PARAM_MAX)
				most = (int)n;
		}
	}
	return most;
}

static char *
explain_text(const char *sql)
{
	int n = parameters(sql);
	struct pgt_buf b;

	pgt_buf_init(&b, 4096);
	pgt_buf_puts(&b, pgt_sql_must("sql/act/plan_explain.sql"));
	for (int i = 0; i < n; i++)
		pgt_buf_puts(&b, i ? ", NULL" : " (NULL");
	if (n)
		pgt_buf_putc(&b, ')');
	return pgt_buf_take(&b);
}

/* Total cost of the plan; *ret_hypo: it scans a hypothetical index. */
static double
plan_cost(struct hypo *h, const char *sql, bool *ret_hypo)
{
	char *prepare = pgt_xasprintf("%s%s", pgt_sql_must("sql/act/plan_prepare.sql"),
				      sql);
	char *explain = explain_text(sql);
	struct pgt_result *r = NULL;
	const char *text = NULL;
	double cost = NAN;
	cJSON *json;

	if (run(h, prepare, NULL, NULL) == 0) {
		if (run(h, explain, NULL, &r) == 0 && pgt_result_rows(r) > 0)
			text = pgt_result_str(r, 0, 0);
		json = text ? pgt_json_parse(text, strlen(text), PLAN_MAX, NULL) : NULL;
		pgt_json_get_num(cJSON_GetObjectItemCaseSensitive(
				     cJSON_GetArrayItem(json, 0), "Plan"),
				 "Total Cost", &cost);
		/* HypoPG names them "<oid>btree_table_column" */
		*ret_hypo = text && strstr(text, "\"Index Name\": \"<");
		cJSON_Delete(json);
		pgt_result_free(r);
		run_file(h, "sql/act/plan_forget.sql", NULL);
	}
	free(prepare);
	free(explain);
	return cost;
}

/* The definition without CONCURRENTLY and a name, which HypoPG does not take. */
static char *
hypo_definition(const struct pgt_advice *a)
{
	const char *on = a->statement ? strstr(a->statement, " ON ") : NULL;

	return on ? pgt_xasprintf("CREATE %sINDEX%s", a->act.unique ? "UNIQUE " : "", on)
		  : NULL;
}

static int
create(struct hypo *h, const char *definition, double *ret_bytes)
{
	struct pgt_result *r = NULL;
	char *sql;
	int rc;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	sql = pgt_xasprintf(pgt_sql_must("sql/act/hypo_create.sql"), h->ext, h->ext);
#pragma GCC diagnostic pop
	rc = run(h, sql, definition, &r);
	if (rc == 0 && pgt_result_rows(r) > 0)
		*ret_bytes = pgt_result_num(r, 0, 1);
	else
		rc = -1;
	pgt_result_free(r);
	free(sql);
	return rc;
}

static void
reset(struct hypo *h)
{
	char *sql;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	sql = pgt_xasprintf(pgt_sql_must("sql/act/hypo_reset.sql"), h->ext);
#pragma GCC diagnostic pop
	run(h, sql, NULL, NULL);
	free(sql);
}

static const struct pgt_sch_statement *
statement_of(const struct pgt_schema *s, int64_t queryid)
{
	for (size_t i = 0; i < s->n_statements; i++)
		if (s->statements[i].queryid == queryid)
			return &s->statements[i];
	return NULL;
}

static bool
ask(struct hypo *h, const struct pgt_advice *a, struct pgt_advice_plan *ret)
{
	const struct pgt_sch_statement *q = statement_of(h->s, a->queryid);
	char *definition = hypo_definition(a);
	bool hypo = false;

	*ret = (struct pgt_advice_plan){.identity = a->identity, .index_bytes = NAN};
	if (q && q->text && definition) {
		ret->cost_before = plan_cost(h, q->text, &hypo);
		if (isfinite(ret->cost_before) &&
		    create(h, definition, &ret->index_bytes) == 0)
			ret->cost_after = plan_cost(h, q->text, &ret->used);
		else
			ret->cost_before = NAN;
		reset(h);
	} else {
		ret->cost_before = NAN;
	}
	free(definition);
	return isfinite(ret->cost_before) && isfinite(ret->cost_after);
}

size_t
pgt_hypo_ask(struct pgt_conn *c, const struct pgt_caps *caps, const struct pgt_schema *s,
	     const struct pgt_advice_list *list, struct pgt_advice_plan **ret)
{
	struct hypo h = {.c = c, .ext = caps->cap[PGT_CAP_HYPOPG].schema, .s = s};
	struct pgt_advice_plan *plans;
	size_t n = 0, asked = 0;

	*ret = NULL;
	if (!caps->cap[PGT_CAP_HYPOPG].available)
		return 0;
	plans = pgt_xcalloc(ASK_MAX, sizeof(*plans));
	/* names without a schema are looked up as an application would */
	run_file(&h, "sql/act/plan_path.sql", "public");
	run_file(&h, "sql/act/plan_generic.sql", NULL);
	for (size_t i = 0; i < list->n && asked < ASK_MAX; i++) {
		const struct pgt_advice *a = &list->items[i];

		if (!a->act.kind || strcmp(a->act.kind, "index_create") != 0 ||
		    !a->queryid)
			continue;
		asked++;
		if (ask(&h, a, &plans[n]))
			n++;
		if (pgt_conn_state(c) == PGT_CONN_CLOSED)
			break;
	}
	run_file(&h, "sql/act/plan_path.sql", "");
	*ret = plans;
	return n;
}
