#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/inspect.h"
#include "pg2une/engine/session.h"

#define DEFAULT_INTERVAL_NS (30 * PGT_NS_PER_S)

static const struct pgt_column identity_columns[] = {
    {"version", "version", PGT_CELL_TEXT},
    {"role", "role", PGT_CELL_TEXT},
    {"cluster_name", "cluster name", PGT_CELL_TEXT},
    {"fingerprint", "cluster fingerprint", PGT_CELL_TEXT},
    {"node", "node", PGT_CELL_TEXT},
    {"tier", "identity tier", PGT_CELL_INT},
    {"timeline", "timeline", PGT_CELL_INT},
    {"resolved_addr", "address", PGT_CELL_TEXT},
    {"resolved_port", "port", PGT_CELL_TEXT},
    {"data_directory", "data directory", PGT_CELL_TEXT},
    {"start_time", "started", PGT_CELL_TEXT},
    {"warning", "warning", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column section_columns[] = {
    {"name", "section", PGT_CELL_TEXT},
    {"available", "available", PGT_CELL_BOOL},
    {"mode", "mode", PGT_CELL_TEXT},
    {"rows", "rows", PGT_CELL_INT},
    {"stats_reset", "since", PGT_CELL_TEXT},
    {"error", "error", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column missing_columns[] = {
    {"name", "prerequisite", PGT_CELL_TEXT},
    {"error", "missing because", PGT_CELL_TEXT},
    {"fix", "fix", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column query_columns[] = {
    {"calls", "calls", PGT_CELL_INT},
    {"total_exec_ms", "total ms", PGT_CELL_MS},
    {"mean_exec_ms", "mean ms", PGT_CELL_MS},
    {"rows", "rows", PGT_CELL_INT},
    {"username", "user", PGT_CELL_TEXT},
    {"query", "query", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column activity_columns[] = {
    {"pid", "pid", PGT_CELL_TEXT},
    {"username", "user", PGT_CELL_TEXT},
    {"application_name", "application", PGT_CELL_TEXT},
    {"state", "state", PGT_CELL_TEXT},
    {"wait_event_type", "waits for", PGT_CELL_TEXT},
    {"transaction_s", "transaction", PGT_CELL_SECONDS},
    {"query", "query", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column system_columns[] = {
    {"uptime_s", "up", PGT_CELL_SECONDS},
    {"connections", "connections", PGT_CELL_INT},
    {"max_connections", "of", PGT_CELL_INT},
    {"databases", "databases", PGT_CELL_INT},
    {"xact_commit", "commits", PGT_CELL_INT},
    {"xact_rollback", "rollbacks", PGT_CELL_INT},
    {"temp_bytes", "temporary", PGT_CELL_BYTES},
    {"deadlocks", "deadlocks", PGT_CELL_INT},
    {0},
};
static const struct pgt_column rate_columns[] = {
    {"section", "section", PGT_CELL_TEXT}, {"counter", "counter", PGT_CELL_TEXT},
    {"per_s", "per second", PGT_CELL_NUM}, {"delta", "in the interval", PGT_CELL_NUM},
    {"reason", "why not", PGT_CELL_TEXT},  {0},
};

static const struct pgt_view views[] = {
    {"identity", "Server", identity_columns, NULL, 0},
    {"sections.system.data", "System", system_columns, NULL, 0},
    {"shown.rates", "Rates", rate_columns, NULL, 0},
    {"sections.queries.data", "Statements, by time", query_columns, NULL, 10},
    {"sections.activity.data", "Sessions", activity_columns, NULL, 10},
    {"shown.sections", "Sections", section_columns, NULL, 0},
    {"shown.missing", "Missing prerequisites", missing_columns, NULL, 0},
    {0},
};

static const struct pgt_option options[] = {
    {.name = "delta",
     .type = PGT_OPT_BOOL,
     .help = "two samples, --interval apart (30s), and rates"},
    {.name = "sections",
     .type = PGT_OPT_STR,
     .arg = "LIST",
     .help = "only these, separated by commas (see docs/cli.md)"},
    {0},
};

/* One line for each counter of the sections that are a single row. */
static void
show_rates(const cJSON *section, cJSON *list)
{
	const cJSON *computed = cJSON_GetObjectItemCaseSensitive(section, "computed");
	const cJSON *rows, *row, *per_s, *delta, *v;
	const char *reason = NULL;
	cJSON *out;

	if (!cJSON_IsObject(computed))
		return;
	rows = cJSON_GetObjectItemCaseSensitive(computed, "rows");
	pgt_json_get_str(computed, "reason", &reason);
	row = rows ? rows->child : NULL;
	if (row && !reason)
		pgt_json_get_str(row, "reason", &reason);
	if (reason) {
		out = pgt_json_obj(list, NULL);
		pgt_json_str(out, "section", section->string);
		pgt_json_str(out, "counter", "all");
		pgt_json_str(out, "reason", reason);
		return;
	}
	if (!row || cJSON_GetArraySize(rows) != 1)
		return;
	per_s = cJSON_GetObjectItemCaseSensitive(row, "per_s");
	delta = cJSON_GetObjectItemCaseSensitive(row, "delta");
	cJSON_ArrayForEach(v, per_s)
	{
		out = pgt_json_obj(list, NULL);
		pgt_json_str(out, "section", section->string);
		pgt_json_str(out, "counter", v->string);
		pgt_json_num(out, "per_s", v->valuedouble);
		pgt_json_num(out, "delta",
			     cJSON_GetNumberValue(
				 cJSON_GetObjectItemCaseSensitive(delta, v->string)));
	}
}

/* What only tables show: a summary of sections, and what is missing. */
static void
add_shown(cJSON *data)
{
	const cJSON *sections = cJSON_GetObjectItemCaseSensitive(data, "sections"), *it;
	cJSON *shown = pgt_json_obj(data, "shown"), *list, *missing, *rates, *row;

	list = pgt_json_arr(shown, "sections");
	missing = pgt_json_arr(shown, "missing");
	rates = pgt_json_arr(shown, "rates");
	cJSON_ArrayForEach(it, sections)
	{
		const cJSON *rows = cJSON_GetObjectItemCaseSensitive(it, "data");
		const char *text = NULL;

		row = pgt_json_obj(list, NULL);
		pgt_json_str(row, "name", it->string);
		pgt_json_bool(row, "available", cJSON_IsArray(rows));
		pgt_json_get_str(it, "mode", &text);
		pgt_json_str(row, "mode", text);
		pgt_json_i64(row, "rows", rows ? cJSON_GetArraySize(rows) : 0);
		text = NULL;
		pgt_json_get_str(it, "stats_reset", &text);
		pgt_json_str(row, "stats_reset", text);
		text = NULL;
		pgt_json_get_str(it, "error", &text);
		pgt_json_str(row, "error", text);
		show_rates(it, rates);
	}
	cJSON_ArrayForEach(it, cJSON_GetObjectItemCaseSensitive(data, "prerequisite"
								      "s")) if (
	    cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(it, "available")))
	    cJSON_AddItemToArray(missing, cJSON_Duplicate(it, true));
}

static int
run_inspect(struct pgt_cmd *c, struct pgt_err *err)
{
	bool delta = pgt_cmd_bool(c, "delta");
	struct pgt_session *s;
	uint32_t sections;
	int rc;

	if (pgt_inspect_choose(pgt_cmd_str(c, "sections"), false, &sections, err) < 0 ||
	    pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_inspect_run(s, sections,
			     delta ? pgt_cmd_interval_ns(c, DEFAULT_INTERVAL_NS) : 0,
			     false, &c->data, err);
	pgt_session_close(s);
	if (rc == 0 && strcmp(pgt_options_str(c->options, "format"), "table") == 0)
		add_shown(c->data);
	c->views = views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_inspect = {
    .name = "inspect",
    .group = "Diagnosis",
    .summary = "what this server is, may tell and does now",
    .details =
	"Sections: config activity waits tables queries databases bgwriter wal io "
	"replication locks control system.\nOne that the server, its version or the "
	"role cannot give is marked, and is no failure.",
    .examples = "inspect -h db1 shop\n"
		"inspect --name shop --delta --interval 30s --format json\n"
		"inspect --sections queries,wal",
    .opts = options,
    .run = run_inspect,
};
