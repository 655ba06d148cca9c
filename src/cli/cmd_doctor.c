#include <stdio.h>
#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/assets.h"
#include "pg2une/engine/session.h"

static const struct pgt_column columns[] = {
    {"name", "prerequisite", PGT_CELL_TEXT}, {"available", "there", PGT_CELL_BOOL},
    {"version", "version", PGT_CELL_TEXT},   {"error", "missing because", PGT_CELL_TEXT},
    {"fix", "fix", PGT_CELL_TEXT},           {0},
};
static const struct pgt_column server_columns[] = {
    {"version", "version", PGT_CELL_TEXT},
    {"role", "role", PGT_CELL_TEXT},
    {"tier", "identity tier", PGT_CELL_INT},
    {"warning", "warning", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view views[] = {
    {"identity", "Server", server_columns, NULL, 0},
    {"prerequisites", "Prerequisites", columns, NULL, 0},
    {0},
};
static const struct pgt_option options[] = {
    {.name = "role-sql",
     .type = PGT_OPT_STR,
     .arg = "ROLE",
     .help = "print the SQL that makes a role: monitor, apply or signal"},
    {0},
};

static int
print_script(struct pgt_cmd *c, const char *role, struct pgt_err *err)
{
	char path[64];
	const char *text;

	snprintf(path, sizeof(path), "sql/roles/%.20s.sql", role);
	text = strchr(role, '/') ? NULL : pgt_asset(path);
	if (!text)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "--role-sql: \"%.40s\" is none of monitor, apply, signal", role);
	fputs(text, stdout);
	c->silent = true;
	return 0;
}

static int
run_doctor(struct pgt_cmd *c, struct pgt_err *err)
{
	const char *script = pgt_cmd_str(c, "role-sql");
	cJSON *identity = NULL, *pre = NULL;
	struct pgt_session *s;
	int rc = -1;

	if (script)
		return print_script(c, script, err);
	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	if (pgt_session_identity_json(s, &identity, err) == 0 &&
	    pgt_session_prerequisites(s, &pre, err) == 0) {
		c->data = cJSON_CreateObject();
		pgt_json_item(c->data, "identity", identity);
		pgt_json_item(c->data, "prerequisites", pre);
		identity = pre = NULL;
		c->views = views;
		rc = 0;
	}
	cJSON_Delete(identity);
	cJSON_Delete(pre);
	pgt_session_close(s);
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_doctor = {
    .name = "doctor",
    .group = "Diagnosis",
    .summary =
	"what is missing on this server, and the statement or package that mends it",
    .examples = "doctor -U monitor shop\ndoctor --role-sql monitor | psql -v "
		"role=pg2une_monitor shop\n"
		"doctor --role-sql apply | psql -v role=pg2une_apply -v "
		"settings='work_mem, max_wal_size' postgres",
    .opts = options,
    .run = run_doctor,
};
