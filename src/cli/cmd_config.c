#include <string.h>

#include "cli_priv.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/confreport.h"
#include "pg2une/engine/session.h"

/* ---- show ---- */

static const struct pgt_column show_columns[] = {
    {"name", "setting", PGT_CELL_TEXT},
    {"value", "value", PGT_CELL_TEXT},
    {"boot_value", "built in", PGT_CELL_TEXT},
    {"source", "source", PGT_CELL_TEXT},
    {"pending_restart", "restart pending", PGT_CELL_BOOL},
    {"where", "set at", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column override_columns[] = {
    {"database", "database", PGT_CELL_TEXT},
    {"role", "role", PGT_CELL_TEXT},
    {"name", "setting", PGT_CELL_TEXT},
    {"value", "value", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column error_columns[] = {
    {"sourcefile", "file", PGT_CELL_TEXT}, {"sourceline", "line", PGT_CELL_TEXT},
    {"name", "setting", PGT_CELL_TEXT},    {"setting", "value", PGT_CELL_TEXT},
    {"error", "error", PGT_CELL_TEXT},     {0},
};
static const struct pgt_view show_views[] = {
    {"settings", "Settings", show_columns, "none", 0},
    {"overrides", "Set for roles and databases, before the files", override_columns, NULL,
     0},
    {"file_errors", "Errors in the files", error_columns, NULL, 0},
    {0},
};
static const struct pgt_option show_options[] = {
    {.name = "all",
     .type = PGT_OPT_BOOL,
     .help = "all of them, not only those that were set"},
    {.name = "match",
     .type = PGT_OPT_STR,
     .arg = "REGEX",
     .help = "only names that match"},
    {0},
};

static int
run_show(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_config_show(s, pgt_cmd_bool(c, "all"), pgt_cmd_str(c, "match"), &c->data,
			     err);
	pgt_session_close(s);
	c->views = show_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_config_show = {
    .name = "config show",
    .group = "Settings",
    .summary = "settings that were set, where, and what overrides them",
    .examples = "config show shop\nconfig show --match '^autovacuum'\n"
		"config show --all --format csv",
    .opts = show_options,
    .run = run_show,
};

/* ---- diff ---- */

static const struct pgt_column recommend_columns[] = {
    {"parameter", "setting", PGT_CELL_TEXT},
    {"current", "now", PGT_CELL_TEXT},
    {"recommended", "recommended", PGT_CELL_TEXT},
    {"confidence", "confidence", PGT_CELL_TEXT},
    {"needs_restart", "restart", PGT_CELL_BOOL},
    {"rationale", "why", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column difference_columns[] = {
    {"name", "setting", PGT_CELL_TEXT},
    {"before", "server", PGT_CELL_TEXT},
    {"after", "file", PGT_CELL_TEXT},
    {"context", "context", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view diff_views[] = {
    {"recommendations", "Against the usual values", recommend_columns, "no differences",
     0},
    {"differences", "Against the file", difference_columns, "no differences", 0},
    {0},
};
static const struct pgt_option diff_options[] = {
    {.name = "workload",
     .type = PGT_OPT_STR,
     .arg = "CLASS",
     .help = "oltp, olap or mixed"},
    {.name = "profile",
     .type = PGT_OPT_STR,
     .arg = "NAME",
     .help = "remote-conservative (nothing that depends on the machine), or your own"},
    {.name = "file",
     .type = PGT_OPT_STR,
     .arg = "FILE",
     .help = "compare with a file instead: postgresql.conf or our JSON"},
    {0},
};

static int
run_diff(struct pgt_cmd *c, struct pgt_err *err)
{
	const char *workload = pgt_cmd_str(c, "workload"), *file = pgt_cmd_str(c, "file");
	const char *profile = pgt_cmd_str(c, "profile");
	struct pgt_session *s;
	int rc;

	if (workload && profile)
		return pgt_err_set(err, PGT_E_USAGE, "--workload is one of the profiles");
	if (file && (workload || profile))
		return pgt_err_set(err, PGT_E_USAGE,
				   "--file goes without --workload and --profile");
	if (workload && strcmp(workload, "oltp") != 0 && strcmp(workload, "olap") != 0 &&
	    strcmp(workload, "mixed") != 0)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--workload: \"%.40s\" is none of oltp, olap, mixed",
				   workload);
	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = file ? pgt_config_diff_file(s, file, &c->data, err)
		  : pgt_config_diff_profile(s, c->options,
					    profile    ? profile
					    : workload ? workload
						       : "mixed",
					    &c->data, err);
	pgt_session_close(s);
	c->views = diff_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_config_diff = {
    .name = "config diff",
    .group = "Settings",
    .summary = "settings against the usual ones of a workload, or against a file",
    .details =
	"Values are compared as the server reads them: 16384 pages of 8kB are 128MB.\n"
	"What depends on a machine that is not known (--ram, --cpus) is left out.",
    .examples = "config diff --workload oltp --ram 64GB --cpus 16 shop\n"
		"config diff --profile remote-conservative\n"
		"config diff --file /etc/postgresql/15/main/postgresql.conf",
    .opts = diff_options,
    .run = run_diff,
};
