#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/baseline.h"
#include "pg2une/engine/inspect.h"
#include "pg2une/engine/session.h"

#define DEFAULT_INTERVAL_NS (60 * PGT_NS_PER_S)

static const struct pgt_column taken_columns[] = {
    {"saved_to", "saved to", PGT_CELL_TEXT},
    {"collected_at", "collected at", PGT_CELL_TEXT},
    {"mode", "mode", PGT_CELL_TEXT},
    {"interval_s", "interval, s", PGT_CELL_NUM},
    {"identity.fingerprint", "cluster", PGT_CELL_TEXT},
    {"identity.version", "version", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column advice_columns[] = {
    {"rank", "", PGT_CELL_INT},
    {"kind", "kind", PGT_CELL_TEXT},
    {"title", "recommendation", PGT_CELL_TEXT},
    {"confidence", "sure", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view taken_views[] = {
    {"", "Baseline", taken_columns, NULL, 0},
    {"advice.recommendations", "Recommended (advise watches and tells more)",
     advice_columns, NULL, 10},
    {0}};
static const struct pgt_option take_options[] = {
    {.name = "delta",
     .type = PGT_OPT_BOOL,
     .help = "two samples, --interval apart (60s)"},
    {.name = "sections",
     .type = PGT_OPT_STR,
     .arg = "LIST",
     .help = "only these, separated by commas"},
    {.name = "output",
     .type = PGT_OPT_STR,
     .arg = "FILE",
     .help = "write there, not under the cluster's fingerprint"},
    {.name = "no-advice", .type = PGT_OPT_BOOL, .help = "without recommendations"},
    {0},
};

static int
run_take(struct pgt_cmd *c, struct pgt_err *err)
{
	bool delta = pgt_cmd_bool(c, "delta");
	bool advise = !pgt_cmd_bool(c, "no-advice") && !pgt_cmd_str(c, "sections");
	struct pgt_session *s;
	uint32_t sections;
	int rc;

	if (pgt_inspect_choose(pgt_cmd_str(c, "sections"), true, &sections, err) < 0 ||
	    pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_baseline_take(
	    s, sections, delta ? pgt_cmd_interval_ns(c, DEFAULT_INTERVAL_NS) : 0,
	    advise ? c->options : NULL, pgt_cmd_str(c, "output"), &c->data, err);
	pgt_session_close(s);
	c->views = taken_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_baseline = {
    .name = "baseline",
    .group = "Baselines",
    .summary = "keep what this server is and does, to compare later",
    .details =
	"One JSON document, kept under the cluster's fingerprint in\n"
	"$XDG_STATE_HOME/pg2une/clusters and printed with --format json.  What is\n"
	"recommended is in it, unless --sections names parts or --no-advice is given.",
    .examples = "baseline --name shop --delta --interval 60s\n"
		"baseline --sections config,queries --output before.json",
    .opts = take_options,
    .run = run_take,
};

static const struct pgt_column setting_columns[] = {
    {"name", "setting", PGT_CELL_TEXT},
    {"before", "before", PGT_CELL_TEXT},
    {"after", "after", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column query_columns[] = {
    {"change", "change", PGT_CELL_TEXT},
    {"calls_before", "calls before", PGT_CELL_INT},
    {"calls_after", "after", PGT_CELL_INT},
    {"mean_ms_before", "mean ms before", PGT_CELL_MS},
    {"mean_ms_after", "after", PGT_CELL_MS},
    {"mean_between_ms", "between", PGT_CELL_MS},
    {"total_ms_change", "total ms +", PGT_CELL_MS},
    {"query", "query", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column table_columns[] = {
    {"schema", "schema", PGT_CELL_TEXT},
    {"name", "table", PGT_CELL_TEXT},
    {"change", "change", PGT_CELL_TEXT},
    {"numbers.n_live_tup.change", "rows +", PGT_CELL_INT},
    {"numbers.n_dead_tup.change", "dead +", PGT_CELL_INT},
    {"numbers.size_bytes.change", "size +", PGT_CELL_BYTES},
    {"numbers.seq_scan.change", "scans +", PGT_CELL_INT},
    {0},
};
static const struct pgt_column wait_columns[] = {
    {"wait_event_type", "waits for", PGT_CELL_TEXT},
    {"wait_event", "event", PGT_CELL_TEXT},
    {"change", "change", PGT_CELL_TEXT},
    {"numbers.sessions.before", "before", PGT_CELL_INT},
    {"numbers.sessions.after", "after", PGT_CELL_INT},
    {0},
};
static const struct pgt_view diff_views[] = {
    {"identity", "The server", setting_columns, NULL, 0},
    {"settings", "Settings", setting_columns, "no setting changed", 0},
    {"queries", "Statements, by change of total time", query_columns, "none changed", 20},
    {"tables", "Tables", table_columns, "none changed", 20},
    {"waits", "Waits", wait_columns, "no difference", 20},
    {0},
};
static const struct pgt_option diff_options[] = {
    {.name = "before", .type = PGT_OPT_STR, .arg = "FILE", .help = "the older baseline"},
    {.name = "after", .type = PGT_OPT_STR, .arg = "FILE", .help = "the newer one"},
    {0},
};

static int
run_diff(struct pgt_cmd *c, struct pgt_err *err)
{
	const char *before = pgt_cmd_str(c, "before"), *after = pgt_cmd_str(c, "after");
	cJSON *a = NULL, *b = NULL;
	int rc = -1;

	if (!before || !after)
		return pgt_err_set(err, PGT_E_USAGE, "--%s FILE is needed",
				   before ? "after" : "before");
	if (pgt_baseline_read(before, &a, err) == 0 &&
	    pgt_baseline_read(after, &b, err) == 0) {
		c->data = pgt_baseline_diff(a, b);
		c->views = diff_views;
		rc = 0;
	}
	cJSON_Delete(a);
	cJSON_Delete(b);
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_baseline_diff = {
    .name = "baseline diff",
    .group = "Baselines",
    .summary = "what changed between two baselines",
    .operands = "",
    .details =
	"Settings are compared as values, statements by calls and mean, tables by what\n"
	"they hold, waits by sessions.  No server is asked.",
    .examples = "baseline diff --before before.json --after after.json",
    .opts = diff_options,
    .run = run_diff,
};
