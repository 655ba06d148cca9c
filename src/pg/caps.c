#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/quote.h"
#include "pg2une/pg/sql.h"
#include "conn_priv.h"

#define CAPS_TIMEOUT_NS (5 * PGT_NS_PER_S)

const char *const pgt_cap_names[PGT_CAP_N] = {
    [PGT_CAP_MONITOR] = "pg_read_all_stats",
    [PGT_CAP_SETTINGS] = "pg_read_all_settings",
    [PGT_CAP_STATEMENTS] = "pg_stat_statements",
    [PGT_CAP_STATEMENTS_ALL] = "pg_stat_statements of others",
    [PGT_CAP_TRACK_IO] = "track_io_timing",
    [PGT_CAP_WAL_STATS] = "pg_stat_wal",
    [PGT_CAP_IO_STATS] = "pg_stat_io",
    [PGT_CAP_CONTROL] = "pg_control_system",
    [PGT_CAP_FILE_SETTINGS] = "pg_file_settings",
    [PGT_CAP_LOG] = "server log",
    [PGT_CAP_SIGNAL] = "pg_signal_backend",
    [PGT_CAP_ALTER_SYSTEM] = "ALTER SYSTEM",
    [PGT_CAP_RELOAD] = "pg_reload_conf",
    [PGT_CAP_SUPERUSER] = "superuser",
    [PGT_CAP_HYPOPG] = "hypopg",
    [PGT_CAP_QUALSTATS] = "pg_qualstats",
    [PGT_CAP_HINT_PLAN] = "pg_hint_plan",
    [PGT_CAP_PGSTATTUPLE] = "pgstattuple",
    [PGT_CAP_BUFFERCACHE] = "pg_buffercache",
    [PGT_CAP_KCACHE] = "pg_stat_kcache",
    [PGT_CAP_WAIT_SAMPLING] = "pg_wait_sampling",
    [PGT_CAP_VECTOR] = "vector",
};

/* How each one column of query "caps" decides a capability.  %s in a fix is the
 * session's role, quoted. */
static const struct cap_rule {
	enum pgt_cap cap;
	const char *column;
	const char *why;
	const char *fix;
} cap_rules[] = {
    {PGT_CAP_MONITOR, "read_all_stats", "sees only its own sessions' queries and waits",
     "GRANT pg_monitor TO %s"},
    {PGT_CAP_SETTINGS, "read_all_settings", "settings of superusers are hidden",
     "GRANT pg_read_all_settings TO %s"},
    {PGT_CAP_TRACK_IO, "track_io_timing", "track_io_timing is off: no I/O times",
     "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf()"},
    {PGT_CAP_WAL_STATS, "wal_stats", "this version has no pg_stat_wal",
     "upgrade to PostgreSQL 14 or later"},
    {PGT_CAP_IO_STATS, "io_stats", "this version has no pg_stat_io",
     "upgrade to PostgreSQL 16 or later"},
    {PGT_CAP_CONTROL, "control", "may not run pg_control_system()",
     "GRANT EXECUTE ON FUNCTION pg_control_system() TO %s"},
    {PGT_CAP_FILE_SETTINGS, "file_settings", "may not read the configuration files",
     "GRANT SELECT ON pg_file_settings TO %s; "
     "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO %s"},
    {PGT_CAP_SIGNAL, "signal_backend", "may not cancel or end others' sessions",
     "GRANT pg_signal_backend TO %s"},
    {PGT_CAP_RELOAD, "reload", "may not reload the configuration",
     "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO %s"},
    {PGT_CAP_SUPERUSER, "superuser", "an ordinary role, as it should be for watching",
     ""},
};

static const struct cap_ext {
	enum pgt_cap cap;
	const char *name;
	const char *package; /* Debian's after "postgresql-NN-"; NULL: contrib */
	bool preload;
} cap_exts[] = {
    {PGT_CAP_STATEMENTS, "pg_stat_statements", NULL, true},
    {PGT_CAP_HYPOPG, "hypopg", "hypopg", false},
    {PGT_CAP_QUALSTATS, "pg_qualstats", "pg-qualstats", true},
    {PGT_CAP_HINT_PLAN, "pg_hint_plan", "pg-hint-plan", false},
    {PGT_CAP_PGSTATTUPLE, "pgstattuple", NULL, false},
    {PGT_CAP_BUFFERCACHE, "pg_buffercache", NULL, false},
    {PGT_CAP_KCACHE, "pg_stat_kcache", "pg-stat-kcache", true},
    {PGT_CAP_WAIT_SAMPLING, "pg_wait_sampling", "pg-wait-sampling", true},
    {PGT_CAP_VECTOR, "vector", "pgvector", false},
};

static void
set_text(char *dst, size_t size, const char *text)
{
	pgt_safetext_copy(dst, size, text);
}

/* fix with every "%s" replaced by the role. */
static void
set_fix(struct pgt_cap_state *st, const char *fix, const char *role)
{
	char *text = pgt_xstrdup(fix), *at, *next;

	while ((at = strstr(text, "%s"))) {
		*at = '\0';
		next = pgt_xasprintf("%s%s%s", text, role, at + 2);
		free(text);
		text = next;
	}
	set_text(st->fix, sizeof(st->fix), text);
	free(text);
}

static bool
flag(const struct pgt_result *r, const char *column)
{
	return pgt_result_bool(r, 0, pgt_result_col(r, column));
}

static void
caps_from_row(const struct pgt_result *r, const char *role, struct pgt_caps *caps)
{
	struct pgt_cap_state *st;
	size_t i;

	for (i = 0; i < PGT_LEN(cap_rules); i++) {
		st = &caps->cap[cap_rules[i].cap];
		st->available = flag(r, cap_rules[i].column);
		if (st->available)
			continue;
		set_text(st->why, sizeof(st->why), cap_rules[i].why);
		set_fix(st, cap_rules[i].fix, role);
	}

	st = &caps->cap[PGT_CAP_LOG];
	st->available = flag(r, "logging_collector") && flag(r, "current_logfile") &&
			flag(r, "read_file");
	if (!flag(r, "logging_collector")) {
		set_text(
		    st->why, sizeof(st->why),
		    "logging_collector is off: the log is not in the server's own files");
		set_fix(st, "ALTER SYSTEM SET logging_collector = on; then restart",
			role);
	} else if (!st->available) {
		set_text(st->why, sizeof(st->why), "may not read the server's log files");
		set_fix(st,
			"GRANT pg_monitor TO %s; GRANT EXECUTE ON FUNCTION "
			"pg_read_binary_file(text,bigint,bigint,boolean), "
			"pg_stat_file(text,boolean) TO %s",
			role);
	}

	st = &caps->cap[PGT_CAP_ALTER_SYSTEM];
	st->available = flag(r, "alter_any") && flag(r, "alter_allowed");
	if (!flag(r, "alter_allowed")) {
		set_text(st->why, sizeof(st->why),
			 "allow_alter_system is off on this server");
		set_text(st->fix, sizeof(st->fix),
			 "change settings where the platform keeps them");
	} else if (!st->available) {
		set_text(st->why, sizeof(st->why), "may not change any server setting");
		set_fix(st,
			caps->server_version_num >= 150000
			    ? "GRANT ALTER SYSTEM ON PARAMETER work_mem, ... TO %s"
			    : "before PostgreSQL 15 only a superuser may",
			role);
	}
}

/* Not there: what would bring it. */
static void
ext_missing(const struct cap_ext *ext, bool installable, int major,
	    struct pgt_cap_state *st)
{
	if (installable) {
		set_text(st->why, sizeof(st->why), "not created in this database");
		snprintf(st->fix, sizeof(st->fix), "%s%s%sCREATE EXTENSION %s",
			 ext->preload ? "add " : "", ext->preload ? ext->name : "",
			 ext->preload ? " to shared_preload_libraries, restart; " : "",
			 ext->name);
		return;
	}
	set_text(st->why, sizeof(st->why), "not installed on the server's host");
	if (ext->package)
		snprintf(st->fix, sizeof(st->fix), "install the package postgresql-%d-%s",
			 major, ext->package);
	else
		snprintf(st->fix, sizeof(st->fix),
			 "install the package postgresql-contrib");
}

/* There: does it answer?  What is asked joins the probes. */
static void
ext_probe(struct pgt_caps_probes *p, size_t ext, struct pgt_cap_state *st)
{
	const char *part = cap_exts[ext].cap == PGT_CAP_STATEMENTS &&
					   strverscmp(st->version, "1.9") >= 0
				   ? "_info"
				   : "";
	char *name = pgt_xasprintf("probe_%s%s", cap_exts[ext].name, part);
	const struct pgt_sql *probe = pgt_sql_find(name, p->caps.server_version_num);

	free(name);
	if (!probe) {
		st->available = true; /* a type or a planner hook: nothing to ask */
		return;
	}
	p->probe[p->n].ext = ext;
	p->probe[p->n++].sql = pgt_sql_expand(probe->text, st->schema);
}

void
pgt_caps_probed(struct pgt_caps_probes *p, size_t i, const struct pgt_result *r)
{
	const struct cap_ext *ext = &cap_exts[p->probe[i].ext];
	struct pgt_cap_state *st = &p->caps.cap[ext->cap];

	if (!pgt_result_ok(r)) {
		const struct pgt_err *e = pgt_result_error(r);

		set_text(st->why, sizeof(st->why), e->msg);
		if (strcmp(e->sqlstate, "42501") == 0)
			set_fix(st, "GRANT pg_monitor TO %s", p->role);
		else if (ext->preload)
			snprintf(st->fix, sizeof(st->fix),
				 "add %s to shared_preload_libraries, restart",
				 ext->name);
	} else if (pgt_result_str(r, 0, 0)) {
		st->available = true;
	} else {
		set_text(st->why, sizeof(st->why), "may not use it");
		set_fix(st, "GRANT pg_monitor TO %s", p->role);
	}
}

static void
caps_extensions(struct pgt_caps_probes *p, const struct pgt_result *list)
{
	int major = p->caps.server_version_num / 10000;
	size_t i, row;

	for (row = 0; row < pgt_result_rows(list); row++) {
		const char *name = pgt_result_str(list, row,
						  pgt_result_col(list, "name"));
		const char *version = pgt_result_str(list, row,
						     pgt_result_col(list, "version"));
		const char *schema = pgt_result_str(list, row,
						    pgt_result_col(list, "schema"));
		struct pgt_cap_state *st;

		for (i = 0; i < PGT_LEN(cap_exts); i++)
			if (name && strcmp(cap_exts[i].name, name) == 0)
				break;
		if (i == PGT_LEN(cap_exts) || p->n == PGT_LEN(p->probe))
			continue;
		st = &p->caps.cap[cap_exts[i].cap];
		/* a planner hook works without CREATE EXTENSION, once it is loaded */
		if (!version && st->available)
			continue;
		if (!version || !schema ||
		    !pgt_str_copy(st->schema, sizeof(st->schema), schema)) {
			ext_missing(
			    &cap_exts[i],
			    pgt_result_bool(list, row, pgt_result_col(list, "available")),
			    major, st);
			continue;
		}
		set_text(st->version, sizeof(st->version), version);
		ext_probe(p, i, st);
	}
}

void
pgt_caps_ask(int version, struct pgt_stmt ret[PGT_CAPS_ASK])
{
	ret[0] = (struct pgt_stmt){.sql = pgt_sql_get("caps", version)};
	ret[1] = (struct pgt_stmt){.sql = pgt_sql_get("caps_extensions", version)};
}

int
pgt_caps_parse(const struct pgt_conn *c, const struct pgt_result *row,
	       const struct pgt_result *list, struct pgt_caps_probes *ret,
	       struct pgt_err *err)
{
	const struct pgt_result *bad = pgt_result_ok(row) ? list : row;
	struct pgt_caps_probes p = {
	    .caps.server_version_num = pgt_conn_server_version(c)};

	if (!pgt_result_ok(bad)) {
		if (err)
			*err = *pgt_result_error(bad);
		return -1;
	}
	p.role = pgt_quote_ident_min(pgt_conn_user(c), NULL);
	if (!p.role)
		p.role = pgt_xstrdup("CURRENT_USER");
	caps_from_row(row, p.role, &p.caps);
	p.caps.cap[PGT_CAP_HINT_PLAN].available = flag(row, "hint_plan");
	caps_extensions(&p, list);
	*ret = p;
	return 0;
}

void
pgt_caps_finish(struct pgt_caps_probes *p, struct pgt_caps *ret)
{
	struct pgt_cap_state *all = &p->caps.cap[PGT_CAP_STATEMENTS_ALL];
	size_t i;

	*all = p->caps.cap[PGT_CAP_STATEMENTS];
	if (all->available && !p->caps.cap[PGT_CAP_MONITOR].available) {
		all->available = false;
		set_text(all->why, sizeof(all->why), "others' statements are hidden");
		set_text(all->fix, sizeof(all->fix), p->caps.cap[PGT_CAP_MONITOR].fix);
	}
	if (ret)
		*ret = p->caps;
	for (i = 0; i < p->n; i++)
		free(p->probe[i].sql);
	free(p->role);
	p->role = NULL;
	p->n = 0;
}

/* Send, and wait for all; PGT_E_CONN and the like when the connection went. */
static int
caps_run(struct pgt_conn *c, const struct pgt_stmt *stmts, size_t n, struct pgt_err *err)
{
	if (pgt_conn_send(c, stmts, n, CAPS_TIMEOUT_NS, err) < 0)
		return -1;
	while (pgt_conn_state(c) == PGT_CONN_BUSY) {
		pgt_conn_wait(c);
		pgt_conn_step(c);
	}
	if (pgt_conn_state(c) == PGT_CONN_DONE)
		return 0;
	if (err)
		*err = *pgt_conn_error(c);
	return -1;
}

int
pgt_caps_read(struct pgt_conn *c, struct pgt_caps *ret, struct pgt_err *err)
{
	struct pgt_stmt stmts[PGT_CAP_N + PGT_CAPS_ASK] = {0};
	struct pgt_result *row, *list;
	struct pgt_caps_probes p;
	size_t i, n;
	int rc;

	pgt_caps_ask(pgt_conn_server_version(c), stmts);
	if (caps_run(c, stmts, PGT_CAPS_ASK, err) < 0)
		return -1;
	row = pgt_conn_take(c, 0);
	list = pgt_conn_take(c, 1);
	rc = pgt_caps_parse(c, row, list, &p, err);
	pgt_result_free(row);
	pgt_result_free(list);
	if (rc < 0)
		return -1;
	for (i = 0; i < p.n; i++)
		stmts[i] = (struct pgt_stmt){.sql = p.probe[i].sql};
	rc = p.n > 0 ? caps_run(c, stmts, p.n, err) : 0;
	for (i = 0, n = p.n; rc == 0 && i < n; i++) {
		struct pgt_result *r = pgt_conn_take(c, i);

		pgt_caps_probed(&p, i, r);
		pgt_result_free(r);
	}
	pgt_caps_finish(&p, rc == 0 ? ret : NULL);
	return rc;
}
