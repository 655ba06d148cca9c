#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/log.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/sql.h"
#include "conn_priv.h"

struct role_setup {
	const char *application_name;
	const char *statement_timeout;
	const char *lock_timeout;
	const char *idle_in_transaction;
};

/* safety.md section 6: monitoring must never queue behind others' locks. */
static const struct role_setup roles[] = {
    [PGT_CONN_MONITOR] = {"pg2une/monitor", "2s", "100ms", "5s"},
    [PGT_CONN_APPLY] = {"pg2une/apply", "30s", "2s", "5s"},
    [PGT_CONN_SIGNAL] = {"pg2une/signal", "5s", "100ms", "5s"},
    [PGT_CONN_QUERY] = {"pg2une/query", "30s", "500ms", "30s"},
};

struct pgt_conn *
pgt_conn_new(const struct pgt_connspec *spec, enum pgt_conn_role role)
{
	struct pgt_conn *c = pgt_xcalloc(1, sizeof(*c));

	c->spec = pgt_connspec_copy(spec);
	c->role = role;
	c->deadline_ns = INT64_MAX;
	return c;
}

static void
conn_drop_results(struct pgt_conn *c)
{
	size_t i;

	for (i = 0; i < c->n_stmts; i++)
		pgt_result_free(c->results[i]);
	free(c->results);
	free(c->prep_of);
	c->results = NULL;
	c->prep_of = NULL;
	c->n_stmts = c->n_done = c->n_syncs = c->n_taken = 0;
}

static void
conn_drop_prepared(struct pgt_conn *c)
{
	size_t i;

	for (i = 0; i < c->n_prepared; i++)
		free(c->prepared[i].sql);
	c->n_prepared = 0;
	c->prepare = false;
}

void
pgt_conn_close(struct pgt_conn *c)
{
	if (!c)
		return;
	conn_drop_results(c);
	conn_drop_prepared(c);
	PQfinish(c->pg);
	c->pg = NULL;
	c->state = PGT_CONN_CLOSED;
	c->events = 0;
	c->deadline_ns = INT64_MAX;
	c->setting_up = c->bouncer = false;
}

void
pgt_conn_free(struct pgt_conn *c)
{
	if (!c)
		return;
	pgt_conn_close(c);
	pgt_connspec_free(c->spec);
	free(c);
}

/* Notices are nobody's result: they go to the log.  A FATAL between statements
 * (57P01 at shutdown) comes this way too, and tells why the line then dies. */
static void
conn_notice(void *arg, const PGresult *res)
{
	struct pgt_conn *c = arg;
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	struct pgt_err e;

	pgt_err_clear(&e);
	pgt_result_fill_err(res, &e);
	pgt_log(PGT_LOG_DEBUG, "server %s: %s", severity ? severity : "notice", e.msg);
	if (severity &&
	    (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		c->fatal = e;
}

void
pgt_conn_fail(struct pgt_conn *c, enum pgt_errcode code, const char *msg)
{
	char *safe = pgt_safetext(msg && *msg ? msg : "the connection was lost",
				  PGT_SAFE_LINE, sizeof(c->err.msg) - 4);
	char *clean = pgt_safetext_redact(safe);

	if (c->fatal.code != PGT_E_NONE && code == PGT_E_CONN) {
		c->err = c->fatal;
		c->err.code = PGT_E_CONN;
	} else {
		pgt_err_set(&c->err, code, "%s", clean);
	}
	free(clean);
	free(safe);
	pgt_conn_close(c);
}

/* While connecting libpq gives no PGresult, so the SQLSTATE is read out of its
 * verbose text, "FATAL:  53300: sorry": the severity word is translated, the
 * code never.  Each occurrence is looked at: several hosts may have answered. */
static void
conn_connect_error(struct pgt_conn *c)
{
	char *text = pgt_xstrdup(PQerrorMessage(c->pg)), *s = text, *line, *out;
	char state[6] = "";
	size_t i;

	c->needs_password = PQconnectionNeedsPassword(c->pg);
	for (line = out = text; *line; line = s) {
		s = line + strcspn(line, "\n");
		s += *s == '\n';
		if (strncmp(line, "LOCATION:", 9) == 0)
			continue; /* the server's source file: of no use here */
		for (; line < s; *out++ = *line++) {
			if (strncmp(line, ":  ", 3) != 0)
				continue;
			for (i = 3; i < 8; i++)
				if (!isdigit((unsigned char)line[i]) &&
				    !isupper((unsigned char)line[i]))
					break;
			if (i < 8 || strncmp(line + 8, ": ", 2) != 0)
				continue;
			memcpy(state, line + 3, 5);
			c->too_many |= strcmp(state, "53300") == 0;
			c->auth_failed |= strncmp(state, "28", 2) == 0;
			*out++ = *line; /* keeps "FATAL: ", drops the code */
			line += 9;
		}
	}
	while (out > text && isspace((unsigned char)out[-1]))
		out--;
	*out = '\0';
	c->auth_failed |= c->needs_password;
	pgt_conn_fail(c, PGT_E_CONN, text);
	if (state[0])
		pgt_err_sqlstate(&c->err, state);
	free(text);
}

static bool
spec_has(const struct pgt_connspec *spec, const char *key)
{
	size_t i;

	for (i = 0; i < spec->n; i++)
		if (strcmp(spec->keys[i], key) == 0)
			return true;
	return false;
}

int
pgt_conn_start(struct pgt_conn *c, int64_t timeout_ns, struct pgt_err *err)
{
	/* a silent peer is noticed within about 8 s even while we only wait */
	static const char *const extra[][2] = {
	    {"keepalives_idle", "5"},	   {"keepalives_interval", "1"},
	    {"keepalives_count", "3"},	   {"tcp_user_timeout", "5000"},
	};
	const char *keys[PGT_CONNSPEC_MAX + 8], *values[PGT_CONNSPEC_MAX + 8];
	size_t i, n = 0;

	pgt_conn_close(c);
	pgt_err_clear(&c->err);
	pgt_err_clear(&c->fatal);
	c->too_many = c->auth_failed = c->needs_password = false;
	for (i = 0; i < c->spec->n; i++) {
		keys[n] = c->spec->keys[i];
		values[n++] = c->spec->values[i];
	}
	for (i = 0; i < PGT_LEN(extra); i++)
		if (!spec_has(c->spec, extra[i][0])) {
			keys[n] = extra[i][0];
			values[n++] = extra[i][1];
		}
	/* the last of a keyword wins: over the user's own and PGAPPNAME */
	keys[n] = "application_name";
	values[n++] = roles[c->role].application_name;
	keys[n] = "client_encoding";
	values[n++] = "UTF8";
	keys[n] = values[n] = NULL;

	c->pg = PQconnectStartParams(keys, values, 0);
	if (!c->pg)
		pgt_mem_abort();
	if (PQstatus(c->pg) == CONNECTION_BAD) {
		conn_connect_error(c);
		if (err)
			*err = c->err;
		return -1;
	}
	PQsetNoticeReceiver(c->pg, conn_notice, c);
	PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE);
	c->state = PGT_CONN_CONNECTING;
	c->events = POLLOUT;
	c->deadline_ns = timeout_ns > 0 ? pgt_clock_mono_ns() + timeout_ns : INT64_MAX;
	return 0;
}

enum pgt_conn_state
pgt_conn_state(const struct pgt_conn *c)
{
	return c->state;
}

int
pgt_conn_fd(const struct pgt_conn *c)
{
	return c->pg ? PQsocket(c->pg) : -1;
}

short
pgt_conn_events(const struct pgt_conn *c)
{
	return c->events;
}

int64_t
pgt_conn_deadline_ns(const struct pgt_conn *c)
{
	return c->deadline_ns;
}

const struct pgt_err *
pgt_conn_error(const struct pgt_conn *c)
{
	return &c->err;
}

/* Send what libpq has kept back, and ask for POLLOUT while it has more. */
static int
conn_flush(struct pgt_conn *c)
{
	int rc = PQflush(c->pg);

	c->events = (short)(rc > 0 ? POLLIN | POLLOUT : POLLIN);
	return rc < 0 ? -1 : 0;
}

#define BINARY_OF_MAX 4 /* parameters, when the first is binary */

/* The slot of a statement to be prepared; -1 when the table is full. */
static int
conn_prepared_slot(struct pgt_conn *c, const char *sql)
{
	size_t i;

	for (i = 0; i < c->n_prepared; i++)
		if (strcmp(c->prepared[i].sql, sql) == 0)
			return (int)i;
	if (i == PGT_CONN_PREPARED_MAX)
		return -1;
	c->prepared[i] = (struct pgt_conn_prepared){pgt_xstrdup(sql), c->next_serial++,
						    false};
	c->n_prepared++;
	return (int)i;
}

static int
conn_send_one(struct pgt_conn *c, const struct pgt_stmt *s, int *ret_slot)
{
	const int len[BINARY_OF_MAX] = {s->binary_len}, binary[BINARY_OF_MAX] = {1};
	const int *lens = s->binary_len ? len : NULL, *fmts = lens ? binary : NULL;
	struct pgt_conn_prepared *p;
	char name[32];

	if (lens && s->n_params > BINARY_OF_MAX)
		return 0;
	*ret_slot = c->prepare ? conn_prepared_slot(c, s->sql) : -1;
	if (*ret_slot < 0)
		return PQsendQueryParams(c->pg, s->sql, s->n_params, NULL, s->params,
					 lens, fmts, c->binary);
	p = &c->prepared[*ret_slot];
	snprintf(name, sizeof(name), "pg2une_%u", p->serial);
	if (!p->known && !PQsendPrepare(c->pg, name, s->sql, 0, NULL))
		return 0;
	return PQsendQueryPrepared(c->pg, name, s->n_params, s->params, lens, fmts,
				   c->binary);
}

static int
conn_send_batch(struct pgt_conn *c, const struct pgt_stmt *stmts, size_t n)
{
	size_t i;

	if (!PQenterPipelineMode(c->pg))
		return -1;
	c->results = pgt_xcalloc(n, sizeof(*c->results));
	c->prep_of = pgt_xcalloc(n, sizeof(*c->prep_of));
	c->n_stmts = n;
	for (i = 0; i < n; i++) {
		if (!conn_send_one(c, &stmts[i], &c->prep_of[i]) ||
		    !PQpipelineSync(c->pg))
			return -1;
		c->statements++;
	}
	return conn_flush(c);
}

/* Connected: make the session ours before anybody may use it. */
static void
conn_begin_setup(struct pgt_conn *c)
{
	const struct role_setup *role = &roles[c->role];
	const char *params[] = {role->statement_timeout, role->lock_timeout,
				role->idle_in_transaction,
				c->spec->read_only ? "on" : NULL, "0"};
	struct pgt_stmt stmt = {.params = params, .n_params = 5};
	const char *version = PQparameterStatus(c->pg, "server_version");

	PQsetErrorVerbosity(c->pg, PQERRORS_DEFAULT);
	if (PQsetnonblocking(c->pg, 1) != 0) {
		pgt_conn_fail(c, PGT_E_CONN, PQerrorMessage(c->pg));
		return;
	}
	/* its admin console hangs up on the extended protocol */
	c->bouncer = version && strstr(version, "bouncer");
	if (c->bouncer) {
		c->state = PGT_CONN_READY;
		c->events = POLLIN;
		c->deadline_ns = INT64_MAX;
		return;
	}
	stmt.sql = pgt_sql_get("session", PQserverVersion(c->pg));
	if (!stmt.sql) {
		pgt_conn_fail(c, PGT_E_UNSUPPORTED,
			      "servers before PostgreSQL 13 are not supported");
		return;
	}
	c->setting_up = true;
	if (conn_send_batch(c, &stmt, 1) < 0)
		pgt_conn_fail(c, PGT_E_CONN, PQerrorMessage(c->pg));
}

static void
conn_step_connect(struct pgt_conn *c)
{
	switch (PQconnectPoll(c->pg)) {
	case PGRES_POLLING_READING:
		c->events = POLLIN;
		break;
	case PGRES_POLLING_WRITING:
		c->events = POLLOUT;
		break;
	case PGRES_POLLING_OK:
		conn_begin_setup(c);
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE:
		conn_connect_error(c);
		break;
	}
}

/* All results are in: leave the pipeline, and hand over. */
static void
conn_batch_done(struct pgt_conn *c)
{
	struct pgt_result *setup;

	PQexitPipelineMode(c->pg);
	c->deadline_ns = INT64_MAX;
	c->events = POLLIN;
	if (!c->setting_up) {
		c->state = PGT_CONN_DONE;
		return;
	}
	c->setting_up = false;
	setup = c->results[0];
	if (!pgt_result_ok(setup)) {
		struct pgt_err e = *pgt_result_error(setup);

		pgt_conn_fail(c, PGT_E_CONN, e.msg);
		pgt_err_prefix(&c->err, "cannot set up the session");
		pgt_err_sqlstate(&c->err, e.sqlstate);
		return;
	}
	conn_drop_results(c);
	c->state = PGT_CONN_READY;
}

static void
conn_lost(struct pgt_conn *c)
{
	size_t i;

	/* the server's last word, if one of the results carries it */
	for (i = 0; i < c->n_done && c->fatal.code == PGT_E_NONE; i++)
		if (c->results[i] && !c->results[i]->ok &&
		    strncmp(c->results[i]->err.sqlstate, "57P", 3) == 0)
			c->fatal = c->results[i]->err;
	pgt_conn_fail(c, PGT_E_CONN, PQerrorMessage(c->pg));
}

/* A statement has one outcome.  That it was prepared is only noted; when that
 * failed, the error stays and the "not run" after it goes. */
static void
conn_keep(struct pgt_conn *c, PGresult *take_res)
{
	struct pgt_conn_prepared *p = NULL;
	size_t i = c->n_syncs;
	struct pgt_result *r;

	if (i >= c->n_stmts || c->results[i]) {
		PQclear(take_res);
		return;
	}
	if (c->prep_of[i] >= 0)
		p = &c->prepared[c->prep_of[i]];
	if (p && !p->known && PQresultStatus(take_res) == PGRES_COMMAND_OK) {
		p->known = true;
		PQclear(take_res);
		return;
	}
	r = c->results[i] = pgt_result_new(take_res);
	c->n_done = i + 1;
	/* gone (DISCARD ALL), or its result has another shape now: prepare anew */
	if (p && !r->ok &&
	    (strcmp(r->err.sqlstate, "26000") == 0 ||
	     strcmp(r->err.sqlstate, "0A000") == 0)) {
		p->known = false;
		p->serial = c->next_serial++;
	}
}

static void
conn_step_batch(struct pgt_conn *c)
{
	PGresult *res;

	if (!PQconsumeInput(c->pg) || conn_flush(c) < 0) {
		/* libpq has parsed what came before the end: look at it first */
		while (!PQisBusy(c->pg) && c->n_done < c->n_stmts &&
		       (res = PQgetResult(c->pg)))
			conn_keep(c, res);
		conn_lost(c);
		return;
	}
	while (!PQisBusy(c->pg)) {
		res = PQgetResult(c->pg);
		if (!res) {
			if (PQstatus(c->pg) == CONNECTION_BAD) {
				conn_lost(c);
				return;
			}
			continue; /* the end of one statement */
		}
		if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
			PQclear(res);
			if (++c->n_syncs < c->n_stmts)
				continue;
			conn_batch_done(c);
			return;
		}
		conn_keep(c, res);
		if (PQstatus(c->pg) == CONNECTION_BAD) {
			conn_lost(c);
			return;
		}
	}
}

/* Read what comes while idle: notices, or the server hanging up. */
static bool
conn_alive(struct pgt_conn *c)
{
	if (!PQconsumeInput(c->pg))
		return false;
	(void)PQisBusy(c->pg); /* parses, and so calls conn_notice() */
	return PQstatus(c->pg) == CONNECTION_OK;
}

enum pgt_conn_state
pgt_conn_step(struct pgt_conn *c)
{
	if (c->state == PGT_CONN_CLOSED)
		return c->state;
	if (c->state == PGT_CONN_CONNECTING && !c->setting_up)
		conn_step_connect(c);
	else if (c->state == PGT_CONN_BUSY || c->setting_up)
		conn_step_batch(c);
	else if (!conn_alive(c))
		conn_lost(c);

	if (c->deadline_ns != INT64_MAX && pgt_clock_mono_ns() >= c->deadline_ns)
		pgt_conn_fail(c, PGT_E_TIMEOUT,
			      c->state == PGT_CONN_CONNECTING
				  ? "the server did not let us in within the time allowed"
				  : "the server did not answer within the time allowed");
	return c->state;
}

bool
pgt_conn_too_many(const struct pgt_conn *c)
{
	return c->too_many;
}

bool
pgt_conn_auth_failed(const struct pgt_conn *c)
{
	return c->auth_failed;
}

bool
pgt_conn_needs_password(const struct pgt_conn *c)
{
	return c->needs_password;
}

int
pgt_conn_send(struct pgt_conn *c, const struct pgt_stmt *stmts, size_t n,
	      int64_t timeout_ns, struct pgt_err *err)
{
	if (c->state != PGT_CONN_READY || n == 0)
		return pgt_err_set(err, PGT_E_STATE, "the connection is not ready");
	if (c->bouncer)
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "a pooler's console takes simple statements only");
	if (conn_send_batch(c, stmts, n) < 0) {
		conn_lost(c);
		if (err)
			*err = c->err;
		return -1;
	}
	c->state = PGT_CONN_BUSY;
	c->deadline_ns = timeout_ns > 0 ? pgt_clock_mono_ns() + timeout_ns : INT64_MAX;
	return 0;
}

void
pgt_conn_set_prepare(struct pgt_conn *c, bool on)
{
	c->prepare = on;
}

struct pgt_result *
pgt_conn_take(struct pgt_conn *c, size_t i)
{
	struct pgt_result *r;

	if (c->state != PGT_CONN_DONE || i >= c->n_stmts || !c->results[i])
		return NULL;
	r = c->results[i];
	c->results[i] = NULL;
	if (++c->n_taken == c->n_stmts)
		pgt_conn_discard(c);
	return r;
}

void
pgt_conn_discard(struct pgt_conn *c)
{
	if (c->state != PGT_CONN_DONE)
		return;
	conn_drop_results(c);
	c->state = PGT_CONN_READY;
}
