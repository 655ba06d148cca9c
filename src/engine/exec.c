/* The exec thread: what may take its time or change something.  It owns its
 * connections, opens them on demand and closes them when idle. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)
#define ACT_NS	   (10 * PGT_NS_PER_S)
#define TEXT_MAX   (1u << 20)

struct exec {
	struct pgt_engine *e;
	char *password;
};

static void
answer(struct exec *x, const struct pgt_job *job, char *take_text,
       const struct pgt_err *err)
{
	struct pgt_ev_result *r = pgt_xcalloc(1, sizeof(*r));

	r->ticket = job->ticket;
	r->command = job->command;
	r->ok = err->code == PGT_E_NONE;
	r->err = *err;
	r->text = take_text;
	pgt_engine_post(x->e, PGT_EV_RESULT, r, pgt_ev_result_free);
}

static struct pgt_conn *
open_conn(struct exec *x, const char *database, enum pgt_conn_role role,
	  struct pgt_err *err)
{
	struct pgt_connspec *spec;
	struct pgt_conn *c;

	if (pgt_connspec_with(x->e->spec, database, NULL, NULL, x->password, &spec,
			      err) < 0)
		return NULL;
	c = pgt_conn_new(spec, role);
	pgt_connspec_free(spec);
	if (pgt_conn_run_connect(c, CONNECT_NS, err) < 0) {
		pgt_conn_free(c);
		return NULL;
	}
	return c;
}

/* ---- cancel and terminate ---- */

static void
do_keep(struct pgt_engine *e, const struct pgt_keep *k)
{
	const char *slash = strrchr(k->path, '/');
	char *dir = pgt_xstrndup(k->path, slash ? (size_t)(slash - k->path) : 0);
	struct pgt_err err = {0};

	if (pgt_file_mkdirs(dir, &err) < 0 ||
	    pgt_file_replace(k->path, k->text, strlen(k->text), 0600, &err) < 0)
		pgt_engine_notice(e, PGT_NOTICE_ERROR, "not written: %s", err.msg);
	else
		pgt_engine_notice(e, PGT_NOTICE_INFO, "written: %s", k->path);
	free(dir);
}

static void
do_signal(struct exec *x, const struct pgt_job *job)
{
	bool cancel = job->command == PGT_CMD_CANCEL;
	const char *sql = pgt_sql_must(cancel ? "sql/act/cancel.sql"
					   : "sql/act/terminate.sql");
	struct pgt_err err = {0};
	struct pgt_conn *c = open_conn(x, NULL, PGT_CONN_SIGNAL, &err);
	struct pgt_result *r = NULL;
	char pid[16], start[24], *text = NULL;
	const char *params[] = {pid, start};

	snprintf(pid, sizeof(pid), "%d", job->pid);
	snprintf(start, sizeof(start), "%lld", (long long)job->backend_start_us);
	if (!c || pgt_conn_run(c, sql, params, 2, ACT_NS, &r, &err) < 0)
		goto out;
	if (pgt_result_rows(r) == 0)
		pgt_err_set(&err, PGT_E_NOTFOUND, "session %d has gone: nothing was done",
			    job->pid);
	else if (!pgt_result_bool(r, 0, 0))
		pgt_err_set(&err, PGT_E_STATE, "the server could not signal %d",
			    job->pid);
	else
		text = pgt_xasprintf(cancel ? "asked %d to cancel its query"
					    : "asked %d to end its session",
				     job->pid);
out:
	if (err.code == PGT_E_SQL && strcmp(err.sqlstate, "42501") == 0)
		pgt_err_prefix(&err, "needs GRANT pg_signal_backend, or superuser for "
				     "superusers' sessions");
	pgt_result_free(r);
	pgt_conn_free(c);
	answer(x, job, text, &err);
}

/* ---- explain ---- */

/* The statement's text and database by its key, into *text and *database. */
static int
look_up_text(struct pgt_conn *c, const struct pgt_query_key *key, char **text,
	     char **database, struct pgt_err *err)
{
	char id[24], user[16], db[16], *sql;
	const char *params[] = {id, user, db};
	struct pgt_result *r = NULL;
	struct pgt_caps caps;

	if (pgt_caps_read(c, &caps, err) < 0)
		return -1;
	if (!caps.cap[PGT_CAP_STATEMENTS].available)
		return pgt_err_set(err, PGT_E_UNSUPPORTED, "no pg_stat_statements: %s",
				   caps.cap[PGT_CAP_STATEMENTS].fix);
	snprintf(id, sizeof(id), "%lld", (long long)key->queryid);
	snprintf(user, sizeof(user), "%u", key->userid);
	snprintf(db, sizeof(db), "%u", key->dbid);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	sql = pgt_xasprintf(pgt_sql_must("sql/act/statement_text.sql"),
			    caps.cap[PGT_CAP_STATEMENTS].schema);
#pragma GCC diagnostic pop
	if (pgt_conn_run(c, sql, params, 3, ACT_NS, &r, err) < 0) {
		free(sql);
		return -1;
	}
	free(sql);
	if (pgt_result_rows(r) == 0 || !pgt_result_str(r, 0, 0)) {
		pgt_result_free(r);
		return pgt_err_set(err, PGT_E_NOTFOUND,
				   "the statement is no longer in pg_stat_statements");
	}
	*text = pgt_xstrdup(pgt_result_str(r, 0, 0));
	if (pgt_result_str(r, 0, 1))
		*database = pgt_xstrdup(pgt_result_str(r, 0, 1));
	pgt_result_free(r);
	return 0;
}

static char *
plan_text(const struct pgt_result *r)
{
	struct pgt_buf raw, safe;

	pgt_buf_init(&raw, TEXT_MAX);
	pgt_buf_init(&safe, TEXT_MAX);
	for (size_t i = 0; i < pgt_result_rows(r); i++) {
		const char *line = pgt_result_str(r, i, 0);

		pgt_buf_puts(&raw, line ? line : "");
		pgt_buf_putc(&raw, '\n');
	}
	pgt_safetext_put(&safe, pgt_buf_str(&raw), raw.len, PGT_SAFE_BLOCK);
	pgt_buf_done(&raw);
	return pgt_buf_take(&safe);
}

static char *
explain(struct exec *x, const char *text, const char *database, struct pgt_err *err)
{
	struct pgt_conn *c = open_conn(x, database, PGT_CONN_QUERY, err);
	struct pgt_result *r = NULL;
	bool generic;
	char *sql, *plan = NULL;

	if (!c)
		return NULL;
	/* GENERIC_PLAN plans $1 without its value; it came with 16. */
	generic = strchr(text, '$') != NULL;
	if (generic && pgt_conn_server_version(c) < 160000) {
		pgt_err_set(err, PGT_E_UNSUPPORTED,
			    "the statement has parameters; EXPLAIN (GENERIC_PLAN) needs "
			    "PostgreSQL 16: try it in psql (~) with values");
		goto out;
	}
	sql = pgt_xasprintf("%s%s",
			    pgt_sql_must(generic ? "sql/act/explain_generic.sql"
					      : "sql/act/explain.sql"),
			    text);
	if (pgt_conn_run(c, sql, NULL, 0, ACT_NS, &r, err) == 0)
		plan = plan_text(r);
	free(sql);
out:
	pgt_result_free(r);
	pgt_conn_free(c);
	return plan;
}

static void
do_explain(struct exec *x, const struct pgt_job *job)
{
	struct pgt_err err = {0};
	char *text = job->text ? pgt_xstrdup(job->text) : NULL;
	char *database = job->database ? pgt_xstrdup(job->database) : NULL;
	char *plan = NULL;
	struct pgt_conn *c;

	if (job->has_key && !text) {
		c = open_conn(x, NULL, PGT_CONN_QUERY, &err);
		if (c)
			look_up_text(c, &job->key, &text, &database, &err);
		pgt_conn_free(c);
	}
	if (text)
		plan = explain(x, text, database, &err);
	else if (err.code == PGT_E_NONE)
		pgt_err_set(&err, PGT_E_NOTFOUND, "no statement text to explain");
	free(text);
	free(database);
	answer(x, job, plan, &err);
}

/* ---- the thread ---- */

static bool
obey(struct exec *x, const struct pgt_msg *m)
{
	switch ((enum pgt_exec_msg)m->type) {
	case PGT_XM_STOP:
		return false;
	case PGT_XM_SIGNAL:
		do_signal(x, m->data);
		break;
	case PGT_XM_EXPLAIN:
		do_explain(x, m->data);
		break;
	case PGT_XM_KEEP:
		do_keep(x->e, m->data);
		break;
	case PGT_XM_PASSWORD:
		free(x->password);
		x->password = pgt_xstrdup(m->data);
		break;
	}
	return true;
}

void *
pgt_exec_main(void *engine)
{
	struct pgt_engine *e = engine;
	struct exec x = {.e = e};
	struct pollfd p = {.fd = pgt_mailbox_fd(e->to_exec), .events = POLLIN};
	struct pgt_msg *m;
	bool go_on = true;

	while (go_on) {
		poll(&p, 1, -1);
		while (go_on && (m = pgt_mailbox_take(e->to_exec))) {
			go_on = obey(&x, m);
			pgt_msg_free(m);
		}
	}
	if (x.password)
		explicit_bzero(x.password, strlen(x.password));
	free(x.password);
	return NULL;
}
