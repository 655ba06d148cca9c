#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/querytools.h"
#include "pg2une/engine/session.h"
#include "pg2une/engine/slowlog.h"

#define LIMIT(n)                                                                         \
	{                                                                                \
		.name = "limit", .type = PGT_OPT_INT, .arg = "N", .dflt = n, .min = "1", \
		.max = "10000", .help = "at most so many rows"                           \
	}

/* ---- top ---- */

static const struct pgt_column top_columns[] = {
    {"queryid", "queryid", PGT_CELL_TEXT},
    {"calls", "calls", PGT_CELL_INT},
    {"total_exec_ms", "total ms", PGT_CELL_MS},
    {"mean_exec_ms", "mean ms", PGT_CELL_MS},
    {"rows", "rows", PGT_CELL_INT},
    {"username", "user", PGT_CELL_TEXT},
    {"database", "database", PGT_CELL_TEXT},
    {"query", "query", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view top_views[] = {
    {"queries", "Statements since the reset", top_columns, "no statements", 0}, {0}};
static const struct pgt_option top_options[] = {
    {.name = "sort",
     .type = PGT_OPT_STR,
     .arg = "COLUMN",
     .dflt = "total_time",
     .help = "total_time mean_time max_time calls rows reads temp wal"},
    LIMIT("20"),
    {0},
};

static int
run_top(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_query_top(s, pgt_cmd_str(c, "sort"), pgt_cmd_int(c, "limit"), &c->data,
			   err);
	pgt_session_close(s);
	c->views = top_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_top = {
    .name = "query top",
    .group = "Queries",
    .summary = "the statements that cost most, from pg_stat_statements",
    .examples = "query top --sort mean_time --limit 10 shop\nquery top --format csv",
    .opts = top_options,
    .run = run_top,
};

/* ---- slow-log ---- */

static const struct pgt_column slow_columns[] = {
    {"time", "time", PGT_CELL_TEXT},     {"duration_ms", "ms", PGT_CELL_MS},
    {"username", "user", PGT_CELL_TEXT}, {"database", "database", PGT_CELL_TEXT},
    {"query", "query", PGT_CELL_TEXT},   {0},
};
static const struct pgt_column source_columns[] = {
    {"source", "source", PGT_CELL_TEXT}, {"file", "file", PGT_CELL_TEXT}, {0}};
static const struct pgt_view slow_views[] = {
    {"entries", "Slow statements", slow_columns, "none that slow", 0},
    {"", "Read from", source_columns, NULL, 0},
    {0},
};
static const struct pgt_option slow_options[] = {
    {.name = "threshold",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .dflt = "1s",
     .help = "only statements that took so long"},
    {.name = "since",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .help = "only of so long a time before now"},
    {.name = "file",
     .type = PGT_OPT_STR,
     .arg = "FILE",
     .help = "a local log file instead of the server's"},
    LIMIT("50"),
    {0},
};

static int
run_slow(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_slowlog_filter f = {
	    .threshold_ms = (double)pgt_cmd_int(c, "threshold") / (double)PGT_NS_PER_MS,
	    .since_ns = pgt_cmd_int(c, "since"),
	    .limit = pgt_cmd_int(c, "limit"),
	};
	const char *file = pgt_cmd_str(c, "file");
	struct pgt_session *s = NULL;
	int rc;

	if (!file && pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_slowlog_run(s, file, &f, &c->data, err);
	pgt_session_close(s);
	c->views = slow_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_slow_log = {
    .name = "query slow-log",
    .group = "Queries",
    .summary = "slow statements from the server's log",
    .details =
	"Reads csvlog, jsonlog or stderr lines, with plans of auto_explain, through "
	"the\nserver or from --file.  Where the log cannot be read, "
	"pg_stat_statements answers\nand the output says so.",
    .examples = "query slow-log --threshold 1s --limit 50 shop\n"
		"query slow-log --since 1h --format json\n"
		"query slow-log --file /var/log/postgresql/postgresql-15-main.log",
    .opts = slow_options,
    .run = run_slow,
};

/* ---- analyze ---- */

static const struct pgt_column node_columns[] = {
    {"self_ms", "self ms", PGT_CELL_MS},
    {"total_ms", "total ms", PGT_CELL_MS},
    {"rows", "rows", PGT_CELL_INT},
    {"plan_rows", "planned", PGT_CELL_INT},
    {"loops", "loops", PGT_CELL_INT},
    {"shared_hit", "hit", PGT_CELL_INT},
    {"shared_read", "read", PGT_CELL_INT},
    {"node", "node", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column summary_columns[] = {
    {"planning_ms", "planning ms", PGT_CELL_MS},
    {"execution_ms", "execution ms", PGT_CELL_MS},
    {"cost", "cost", PGT_CELL_NUM},
    {"shared_hit", "blocks hit", PGT_CELL_INT},
    {"shared_read", "blocks read", PGT_CELL_INT},
    {"temp_written", "temporary blocks", PGT_CELL_INT},
    {0},
};
static const struct pgt_view analyze_views[] = {
    {"nodes", "Plan", node_columns, NULL, 0},
    {"summary", "Summary", summary_columns, NULL, 0},
    {0},
};
static const struct pgt_option analyze_options[] = {
    {.name = "sql", .type = PGT_OPT_STR, .arg = "STATEMENT", .help = "what to analyze"},
    {.name = "plan-only", .type = PGT_OPT_BOOL, .help = "do not execute it"},
    {.name = "timeout",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .dflt = "30s",
     .min = "1ms",
     .max = "1h",
     .help = "end the statement after so long"},
    {0},
};

static int
run_analyze(struct pgt_cmd *c, struct pgt_err *err)
{
	const char *sql = pgt_cmd_str(c, "sql");
	struct pgt_session *s;
	int rc;

	if (!sql)
		return pgt_err_set(err, PGT_E_USAGE, "--sql STATEMENT is needed");
	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_query_analyze(s, sql, !pgt_cmd_bool(c, "plan-only"),
			       pgt_cmd_int(c, "timeout"), &c->data, err);
	pgt_session_close(s);
	c->views = analyze_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_analyze = {
    .name = "query analyze",
    .group = "Queries",
    .summary = "run a statement and show where its time went",
    .details =
	"To analyze is to execute: here in a READ ONLY transaction that "
	"is\nrolled back, under a time limit.  A statement that writes is refused; its "
	"plan\nalone comes with --plan-only.",
    .examples = "query analyze --sql 'SELECT count(*) FROM orders' shop\n"
		"query analyze --sql \"$SQL\" --timeout 5s --format json",
    .opts = analyze_options,
    .run = run_analyze,
};

/* ---- index-suggest ---- */

static const struct pgt_column suggest_columns[] = {
    {"kind", "kind", PGT_CELL_TEXT},
    {"schema", "schema", PGT_CELL_TEXT},
    {"table", "table", PGT_CELL_TEXT},
    {"rows", "rows", PGT_CELL_INT},
    {"confidence", "confidence", PGT_CELL_TEXT},
    {"statement", "statement", PGT_CELL_TEXT},
    {"rationale", "why", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view suggest_views[] = {
    {"suggestions", "Index suggestions", suggest_columns,
     "nothing to suggest on tables of 10,000 rows and more", 0},
    {0},
};
static const struct pgt_option suggest_options[] = {
    {.name = "table",
     .type = PGT_OPT_STR,
     .arg = "TABLE",
     .help = "only this one: schema.table"},
    {0},
};

static int
run_suggest(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_query_index_suggest(s, c->options, pgt_cmd_str(c, "table"), &c->data,
				     err);
	pgt_session_close(s);
	c->views = suggest_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_index_suggest = {
    .name = "query index-suggest",
    .group = "Queries",
    .summary = "indexes that statements and foreign keys lack, tables read by scans",
    .details = "The candidates are those of `advise`: statements parsed, weighted by "
	       "their time,\n"
	       "asked of HypoPG where it is there.  Tables of fewer than 10,000 rows are "
	       "never named: a scan of those is cheap.",
    .examples = "query index-suggest shop\nquery index-suggest --table public.orders",
    .opts = suggest_options,
    .run = run_suggest,
};

/* ---- locks, bloat, vacuum-health ---- */

static const struct pgt_column lock_columns[] = {
    {"root", "root", PGT_CELL_TEXT},
    {"depth", "depth", PGT_CELL_INT},
    {"pid", "pid", PGT_CELL_TEXT},
    {"username", "user", PGT_CELL_TEXT},
    {"application_name", "application", PGT_CELL_TEXT},
    {"state", "state", PGT_CELL_TEXT},
    {"mode", "wants", PGT_CELL_TEXT},
    {"object", "on", PGT_CELL_TEXT},
    {"wait_s", "waits", PGT_CELL_SECONDS},
    {"transaction_s", "transaction", PGT_CELL_SECONDS},
    {"query", "query", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view lock_views[] = {
    {"locks", "Who blocks whom", lock_columns, "nobody waits for a lock", 0}, {0}};

static int
run_locks(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_query_locks(s, &c->data, err);
	pgt_session_close(s);
	c->views = lock_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_locks = {
    .name = "query locks",
    .group = "Queries",
    .summary = "chains of sessions that wait for each other",
    .examples = "query locks shop\nquery locks --format json",
    .run = run_locks,
};

static const struct pgt_column bloat_columns[] = {
    {"schema", "schema", PGT_CELL_TEXT},
    {"table", "table", PGT_CELL_TEXT},
    {"rows", "rows", PGT_CELL_INT},
    {"size_bytes", "size", PGT_CELL_BYTES},
    {"bloat_bytes", "bloat ~", PGT_CELL_BYTES},
    {"bloat_ratio", "ratio ~", PGT_CELL_PCT},
    {"dead_rows", "dead rows", PGT_CELL_INT},
    {"last_analyze", "analyzed", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view bloat_views[] = {{"tables", "Heap bloat, estimated",
					       bloat_columns,
					       "no table of ten pages or more", 0},
					      {0}};
static const struct pgt_option bloat_options[] = {LIMIT("20"), {0}};

static int
run_bloat(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_query_bloat(s, pgt_cmd_int(c, "limit"), &c->data, err);
	pgt_session_close(s);
	c->views = bloat_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_bloat = {
    .name = "query bloat",
    .group = "Queries",
    .summary = "room in tables that no row needs, from the catalog alone",
    .examples = "query bloat --limit 10 shop",
    .opts = bloat_options,
    .run = run_bloat,
};

static const struct pgt_column vacuum_columns[] = {
    {"schema", "schema", PGT_CELL_TEXT},
    {"table", "table", PGT_CELL_TEXT},
    {"live_rows", "live", PGT_CELL_INT},
    {"dead_rows", "dead", PGT_CELL_INT},
    {"due_ratio", "of threshold", PGT_CELL_PCT},
    {"freeze_ratio", "of freeze age", PGT_CELL_PCT},
    {"autovacuum_enabled", "autovacuum", PGT_CELL_BOOL},
    {"last_autovacuum", "last autovacuum", PGT_CELL_TEXT},
    {"last_vacuum", "last vacuum", PGT_CELL_TEXT},
    {"last_autoanalyze", "last autoanalyze", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column autovacuum_columns[] = {
    {"autovacuum", "autovacuum", PGT_CELL_BOOL},
    {"workers_running", "workers running", PGT_CELL_INT},
    {"max_workers", "workers at most", PGT_CELL_INT},
    {"naptime", "naptime", PGT_CELL_TEXT},
    {"cost_limit", "cost limit", PGT_CELL_TEXT},
    {"cost_delay_ms", "cost delay", PGT_CELL_TEXT},
    {"oldest_database", "oldest database", PGT_CELL_TEXT},
    {"oldest_xid_age", "its age in transactions", PGT_CELL_INT},
    {"prepared_transactions", "prepared transactions", PGT_CELL_INT},
    {0},
};
static const struct pgt_view vacuum_views[] = {
    {"autovacuum", "Autovacuum", autovacuum_columns, NULL, 0},
    {"tables", "Tables, the most due first", vacuum_columns, "no tables", 0},
    {0},
};

static int
run_vacuum(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_query_vacuum_health(s, pgt_cmd_int(c, "limit"), &c->data, err);
	pgt_session_close(s);
	c->views = vacuum_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_query_vacuum_health = {
    .name = "query vacuum-health",
    .group = "Queries",
    .summary = "dead rows and age against what autovacuum waits for",
    .examples = "query vacuum-health shop",
    .opts = bloat_options,
    .run = run_vacuum,
};
