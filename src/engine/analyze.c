/* query analyze: a statement's plan as it ran, without its effects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/querytools.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define PLAN_MAX  (16u << 20)
#define DEPTH_MAX 60
#define ACT_NS    (10 * PGT_NS_PER_S)

static int
run(struct pgt_conn *c, const char *sql, const char *const *params, int n,
    int64_t timeout_ns, struct pgt_err *err)
{
	struct pgt_result *r;

	if (pgt_conn_run(c, sql, params, n, timeout_ns, &r, err) < 0)
		return -1;
	pgt_result_free(r);
	return 0;
}

/* Every string of a plan goes to screens: make it safe where it enters. */
static void
make_safe(cJSON *json)
{
	cJSON *it;

	if (cJSON_IsString(json)) {
		char *safe = pgt_safetext(json->valuestring, PGT_SAFE_LINE, 4000);

		cJSON_SetValuestring(json, safe);
		free(safe);
	}
	cJSON_ArrayForEach(it, json) make_safe(it);
}

static double
num(const cJSON *node, const char *name, double dflt)
{
	pgt_json_get_num(node, name, &dflt);
	return dflt;
}

/* Time in the node and below, over all its loops. */
static double
total_ms(const cJSON *node)
{
	return num(node, "Actual Total Time", 0) * num(node, "Actual Loops", 1);
}

/* One line a node, in the order of the plan; self_ms is what its children do
 * not account for.  Under Gather, loops run side by side, so it is a share of
 * work, not of the clock. */
static void
flatten(const cJSON *node, int depth, cJSON *list)
{
	const cJSON *kids = cJSON_GetObjectItemCaseSensitive(node, "Plans"), *kid;
	const char *type = "?", *rel = NULL, *index = NULL;
	double below = 0, self;
	cJSON *row;
	char *text;

	if (depth > DEPTH_MAX)
		return;
	pgt_json_get_str(node, "Node Type", &type);
	pgt_json_get_str(node, "Relation Name", &rel);
	pgt_json_get_str(node, "Index Name", &index);
	row = pgt_json_obj(list, NULL);
	text = pgt_xasprintf("%*s%s%s%s%s%s", depth * 2, "", type, index ? " using " : "",
			     index ? index : "", rel ? " on " : "", rel ? rel : "");
	pgt_json_str(row, "node", text);
	free(text);
	pgt_json_i64(row, "depth", depth);
	cJSON_ArrayForEach(kid, kids) below += total_ms(kid);
	self = total_ms(node) - below;
	if (cJSON_HasObjectItem(node, "Actual Total Time")) {
		pgt_json_num(row, "total_ms", total_ms(node));
		pgt_json_num(row, "self_ms", self > 0 ? self : 0);
		pgt_json_num(row, "rows",
			     num(node, "Actual Rows", 0) * num(node, "Actual Loops", 1));
		pgt_json_num(row, "loops", num(node, "Actual Loops", 1));
	}
	pgt_json_num(row, "plan_rows", num(node, "Plan Rows", 0));
	pgt_json_num(row, "cost", num(node, "Total Cost", 0));
	pgt_json_num(row, "shared_hit", num(node, "Shared Hit Blocks", 0));
	pgt_json_num(row, "shared_read", num(node, "Shared Read Blocks", 0));
	pgt_json_num(row, "temp_written", num(node, "Temp Written Blocks", 0));
	cJSON_ArrayForEach(kid, kids) flatten(kid, depth + 1, list);
}

static cJSON *
answer(cJSON *take_plan, const char *sql, bool execute)
{
	const cJSON *top = take_plan->child;
	const cJSON *root = cJSON_GetObjectItemCaseSensitive(top, "Plan");
	cJSON *data = cJSON_CreateObject(), *summary;
	char *safe = pgt_safetext(sql, PGT_SAFE_LINE, 16384);

	make_safe(take_plan);
	pgt_json_str(data, "statement", safe);
	free(safe);
	pgt_json_bool(data, "executed", execute);
	summary = pgt_json_obj(data, "summary");
	if (execute) {
		pgt_json_num(summary, "planning_ms", num(top, "Planning Time", 0));
		pgt_json_num(summary, "execution_ms", num(top, "Execution Time", 0));
	}
	pgt_json_num(summary, "cost", num(root, "Total Cost", 0));
	pgt_json_num(summary, "shared_hit", num(root, "Shared Hit Blocks", 0));
	pgt_json_num(summary, "shared_read", num(root, "Shared Read Blocks", 0));
	pgt_json_num(summary, "temp_written", num(root, "Temp Written Blocks", 0));
	flatten(root, 0, pgt_json_arr(data, "nodes"));
	pgt_json_item(data, "plan", take_plan);
	return data;
}

static int
explain(struct pgt_conn *c, const char *sql, bool execute, int64_t timeout_ns,
	cJSON **ret, struct pgt_err *err)
{
	const char *file = execute ? "sql/act/analyze_run.sql"
				   : "sql/act/analyze_plan.sql";
	struct pgt_result *r;
	const char *text;
	char *both;
	cJSON *plan;
	int rc;

	/* one statement by protocol: "COMMIT; DROP ..." is refused whole */
	both = pgt_xasprintf("%s%s", pgt_sql_must(file), sql);
	rc = pgt_conn_run(c, both, NULL, 0, timeout_ns + ACT_NS, &r, err);
	free(both);
	if (rc < 0)
		return -1;
	text = pgt_result_str(r, 0, 0);
	plan = text ? pgt_json_parse(text, strlen(text), PLAN_MAX, err) : NULL;
	pgt_result_free(r);
	if (!text)
		return pgt_err_set(err, PGT_E_PARSE, "the server gave no plan");
	if (!plan)
		return -1;
	if (!cJSON_IsArray(plan) || !plan->child) {
		cJSON_Delete(plan);
		return pgt_err_set(err, PGT_E_PARSE,
				   "the plan is not what EXPLAIN prints");
	}
	*ret = answer(plan, sql, execute);
	return 0;
}

int
pgt_query_analyze(struct pgt_session *s, const char *sql, bool execute,
		  int64_t timeout_ns, cJSON **ret, struct pgt_err *err)
{
	struct pgt_conn *c = pgt_session_conn(s);
	const char *params[1];
	char ms[24];
	int rc;

	snprintf(ms, sizeof(ms), "%lld", (long long)(timeout_ns / PGT_NS_PER_MS));
	params[0] = ms;
	if (run(c, pgt_sql_must("sql/act/analyze_begin.sql"), NULL, 0, ACT_NS, err) < 0)
		return -1;
	rc = run(c, pgt_sql_must("sql/act/analyze_setup.sql"), params, 1, ACT_NS, err);
	if (rc == 0)
		rc = explain(c, sql, execute, timeout_ns, ret, err);
	if (pgt_conn_state(c) == PGT_CONN_READY &&
	    run(c, pgt_sql_must("sql/act/analyze_end.sql"), NULL, 0, ACT_NS, NULL) < 0)
		pgt_conn_close(c); /* the server then rolls back by itself */
	return rc;
}
