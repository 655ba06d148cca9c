#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/session.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/identity.h"
#include "sqltext_priv.h"

#define PULSE_MS      100
#define ASK_NS	      (10 * PGT_NS_PER_S)
#define CONNECT_NS    (10 * PGT_NS_PER_S)
#define SETTLE_NS     (5 * PGT_NS_PER_S) /* for the answer to a cancel */
#define MAIN_DATABASE "postgres"

struct pgt_writer {
	struct pgt_conn *conn;
	struct pgt_pulse pulse;
	int pid;
	int64_t start_us;
	bool locked;
	bool untimed; /* statement_timeout is lifted */
};

struct extra {
	char *database;
	struct pgt_writer *s;
};

struct pgt_direct {
	struct pgt_connspec *spec;
	char *label;
	struct pgt_pulse pulse;
	struct pgt_writer *main;
	struct extra *extras;
	size_t n_extras;
};

struct pgt_direct *
pgt_direct_new(const struct pgt_connspec *spec, const char *label, struct pgt_pulse pulse)
{
	struct pgt_direct *l = pgt_xcalloc(1, sizeof(*l));

	l->spec = pgt_connspec_copy(spec);
	l->label = pgt_xstrdup(label);
	l->pulse = pulse;
	return l;
}

void
pgt_direct_label(const char *what, const char *changeset_id, char *buf, size_t size)
{
	char who[128];

	pgt_change_who(who, sizeof(who));
	snprintf(buf, size, "pg2une/%s/%.8s %.40s", what, changeset_id, who);
}

void
pgt_direct_set_label(struct pgt_direct *l, const char *label)
{
	free(l->label);
	l->label = pgt_xstrdup(label);
}

void
pgt_direct_set_pulse(struct pgt_direct *l, struct pgt_pulse pulse)
{
	size_t i;

	l->pulse = pulse;
	if (l->main)
		l->main->pulse = pulse;
	for (i = 0; i < l->n_extras; i++)
		l->extras[i].s->pulse = pulse;
}

void
pgt_writer_close(struct pgt_writer *s)
{
	if (!s)
		return;
	pgt_conn_free(s->conn);
	free(s);
}

void
pgt_direct_close(struct pgt_direct *l)
{
	size_t i;

	for (i = 0; i < l->n_extras; i++) {
		pgt_writer_close(l->extras[i].s);
		free(l->extras[i].database);
	}
	free(l->extras);
	l->extras = NULL;
	l->n_extras = 0;
	pgt_writer_close(l->main);
	l->main = NULL;
}

void
pgt_direct_free(struct pgt_direct *l)
{
	if (!l)
		return;
	pgt_direct_close(l);
	pgt_connspec_free(l->spec);
	free(l->label);
	free(l);
}

/* ---- waiting ---- */

/* Let the connection go on once; false when the pulse says stop. */
static bool
wait_once(struct pgt_writer *s)
{
	struct pollfd p = {.fd = pgt_conn_fd(s->conn),
			   .events = pgt_conn_events(s->conn)};

	poll(&p, 1, PULSE_MS);
	pgt_conn_step(s->conn);
	return !s->pulse.fn || s->pulse.fn(s->pulse.arg);
}

static int
connect_session(struct pgt_writer *s, int64_t timeout_ns, struct pgt_err *err)
{
	if (pgt_conn_start(s->conn, timeout_ns, err) < 0)
		return -1;
	while (pgt_conn_state(s->conn) == PGT_CONN_CONNECTING)
		if (!wait_once(s))
			return pgt_err_set(err, PGT_E_CANCELLED,
					   "stopped while connecting");
	if (pgt_conn_state(s->conn) == PGT_CONN_READY)
		return 0;
	if (err)
		*err = *pgt_conn_error(s->conn);
	return -1;
}

/* The outcome of a cancelled statement is waited for: it may be "done". */
static void
settle_cancelled(struct pgt_writer *s)
{
	int64_t deadline = pgt_clock_mono_ns() + SETTLE_NS, now, next = 0;
	struct pgt_pulse none = {0};
	struct pgt_pulse saved = s->pulse;

	s->pulse = none;
	while (pgt_conn_state(s->conn) == PGT_CONN_BUSY &&
	       (now = pgt_clock_mono_ns()) < deadline) {
		/* again, as the server drops a request that comes before the statement */
		if (now >= next) {
			pgt_conn_cancel(s->conn, deadline - now, NULL);
			next = now + PGT_NS_PER_S;
		}
		wait_once(s);
	}
	s->pulse = saved;
}

static int
run_statement(struct pgt_writer *s, const char *sql, const char *const *params,
	      int n_params, int64_t timeout_ns, struct pgt_result **ret,
	      struct pgt_err *err)
{
	struct pgt_stmt stmt = {.sql = sql, .params = params, .n_params = n_params};
	struct pgt_result *r;

	if (pgt_conn_send(s->conn, &stmt, 1, timeout_ns, err) < 0)
		return -1;
	while (pgt_conn_state(s->conn) == PGT_CONN_BUSY)
		if (!wait_once(s)) {
			settle_cancelled(s);
			break;
		}
	if (pgt_conn_state(s->conn) == PGT_CONN_BUSY) {
		pgt_conn_close(s->conn);
		return pgt_err_set(err, PGT_E_CANCELLED,
				   "stopped, and the server did not answer");
	}
	if (pgt_conn_state(s->conn) != PGT_CONN_DONE) {
		if (err)
			*err = *pgt_conn_error(s->conn);
		return -1;
	}
	r = pgt_conn_take(s->conn, 0);
	if (!pgt_result_ok(r)) {
		if (err)
			*err = *pgt_result_error(r);
		pgt_result_free(r);
		return -1;
	}
	if (ret)
		*ret = r;
	else
		pgt_result_free(r);
	return 0;
}

int
pgt_writer_run(struct pgt_writer *s, const char *sql, const char *const *params,
	       int n_params, int64_t timeout_ns, struct pgt_result **ret,
	       struct pgt_err *err)
{
	if (timeout_ns == 0 && !s->untimed) {
		if (run_statement(s, pgt_change_sql("no_statement_timeout", 0), NULL, 0,
				  ASK_NS, NULL, err) < 0)
			return -1;
		s->untimed = true;
	}
	return run_statement(s, sql, params, n_params, timeout_ns, ret, err);
}

bool
pgt_write_unknown(const struct pgt_err *err)
{
	if (err->code != PGT_E_SQL && err->code != PGT_E_DENIED)
		return true;
	/* a terminated backend's last result has no SQLSTATE (safety.md fact 8) */
	return err->sqlstate[0] == '\0' || strncmp(err->sqlstate, "57", 2) == 0 ||
	       strncmp(err->sqlstate, "08", 2) == 0 ||
	       strncmp(err->sqlstate, "XX", 2) == 0;
}

/* ---- opening ---- */

/* Name it, and tell a pooler: it invents the pid of its greeting. */
static int
set_up(struct pgt_writer *s, const char *label, struct pgt_err *err)
{
	const char *params[] = {label};
	struct pgt_result *r = NULL;

	if (run_statement(s, pgt_change_sql("session", 0), params, 1, ASK_NS, &r,
			  err) < 0)
		return -1;
	s->pid = (int)pgt_result_i64(r, 0, pgt_result_col(r, "pid"), 0);
	s->start_us = pgt_result_i64(r, 0, pgt_result_col(r, "backend_start_us"), 0);
	pgt_result_free(r);
	if (s->pid != pgt_conn_backend_pid(s->conn))
		return pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "a connection pooler answers at %s port %s: changes need a direct "
		    "connection to the server",
		    pgt_conn_host(s->conn), pgt_conn_port(s->conn));
	return 0;
}

static int
open_session(struct pgt_direct *l, const char *database, int64_t timeout_ns,
	     struct pgt_writer **ret, struct pgt_err *err)
{
	struct pgt_connspec *spec = NULL;
	struct pgt_writer *s;

	if (pgt_connspec_with(l->spec, database, NULL, NULL, NULL, &spec, err) < 0)
		return -1;
	s = pgt_xcalloc(1, sizeof(*s));
	s->pulse = l->pulse;
	s->conn = pgt_conn_new(spec, PGT_CONN_APPLY);
	pgt_connspec_free(spec);
	if (connect_session(s, timeout_ns, err) < 0 || set_up(s, l->label, err) < 0) {
		pgt_writer_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int
pgt_direct_open(struct pgt_direct *l, int64_t timeout_ns, struct pgt_err *err)
{
	pgt_direct_close(l);
	if (open_session(l, MAIN_DATABASE, timeout_ns ? timeout_ns : CONNECT_NS, &l->main,
			 err) < 0) {
		pgt_err_prefix(err,
			       "database %s (changes need it too, by a direct "
			       "connection, through no pooler)",
			       MAIN_DATABASE);
		return -1;
	}
	return 0;
}

bool
pgt_direct_is_open(const struct pgt_direct *l)
{
	return l->main && pgt_writer_alive(l->main);
}

bool
pgt_writer_alive(const struct pgt_writer *s)
{
	return pgt_conn_state(s->conn) != PGT_CONN_CLOSED;
}

int
pgt_direct_fresh(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
	       struct pgt_err *err)
{
	return open_session(l, database ? database : MAIN_DATABASE, CONNECT_NS, ret, err);
}

/* ---- the lock ---- */

static int
name_holder(struct pgt_writer *s, struct pgt_err *err)
{
	const char *params[] = {PGT_CHANGE_LOCK_KEY};
	struct pgt_result *r = NULL;
	char who[64] = "?", app[80] = "?", client[64] = "";
	int pid = 0;

	if (run_statement(s, pgt_change_sql("lock_holder", 0), params, 1, ASK_NS, &r,
			  NULL) == 0 &&
	    pgt_result_rows(r) == 1) {
		const char *t;

		pid = (int)pgt_result_i64(r, 0, pgt_result_col(r, "pid"), 0);
		if ((t = pgt_result_str(r, 0, pgt_result_col(r, "usename"))))
			pgt_safetext_copy(who, sizeof(who), t);
		if ((t = pgt_result_str(r, 0, pgt_result_col(r, "application_name"))))
			pgt_safetext_copy(app, sizeof(app), t);
		if ((t = pgt_result_str(r, 0, pgt_result_col(r, "client"))))
			pgt_safetext_copy(client, sizeof(client), t);
	}
	pgt_result_free(r);
	return pgt_err_set(
	    err, PGT_E_CONFLICT,
	    "another change is under way on this server: %s by %s%s%s, backend %d", app,
	    who, client[0] ? " from " : "", client, pid);
}

static int
try_lock(struct pgt_writer *s, bool *ret, struct pgt_err *err)
{
	const char *params[] = {PGT_CHANGE_LOCK_KEY};
	struct pgt_result *r = NULL;

	if (s->locked) {
		*ret = true;
		return 0;
	}
	if (run_statement(s, pgt_change_sql("lock_try", 0), params, 1, ASK_NS, &r,
			  err) < 0)
		return -1;
	s->locked = *ret = pgt_result_bool(r, 0, 0);
	pgt_result_free(r);
	return 0;
}

static int
lock_session(struct pgt_writer *s, int64_t wait_ns, struct pgt_err *err)
{
	int64_t deadline = pgt_clock_mono_ns() + wait_ns;
	bool locked = false;

	for (;;) {
		if (try_lock(s, &locked, err) < 0)
			return -1;
		if (locked)
			return 0;
		if (pgt_clock_mono_ns() >= deadline)
			return name_holder(s, err);
		if (s->pulse.fn && !s->pulse.fn(s->pulse.arg))
			return pgt_err_set(err, PGT_E_CANCELLED,
					   "stopped while waiting for the lock");
		poll(NULL, 0, PULSE_MS / 2);
	}
}

int
pgt_direct_lock(struct pgt_direct *l, int64_t wait_ns, struct pgt_err *err)
{
	if (!l->main)
		return pgt_err_set(err, PGT_E_STATE, "not connected");
	return lock_session(l->main, wait_ns, err);
}

void
pgt_direct_unlock(struct pgt_direct *l)
{
	const char *params[] = {PGT_CHANGE_LOCK_KEY};

	if (l->main && l->main->locked &&
	    run_statement(l->main, pgt_change_sql("lock_release", 0), params, 1, ASK_NS,
			  NULL, NULL) == 0)
		l->main->locked = false;
	else
		pgt_direct_close(l); /* surely gone then */
}

int
pgt_direct_lock_from(struct pgt_direct *l, const char *changeset_id, int64_t patience_ns,
		   struct pgt_err *err)
{
	char mark[16];
	const char *params[] = {PGT_CHANGE_LOCK_KEY};
	struct pgt_result *r = NULL;
	const char *app, *user;
	bool ours = false;
	int64_t start = 0;
	int pid = 0;

	if (pgt_direct_lock(l, patience_ns, err) == 0)
		return 0;
	if (err->code != PGT_E_CONFLICT)
		return -1;
	if (run_statement(l->main, pgt_change_sql("lock_holder", 0), params, 1, ASK_NS,
			  &r, err) < 0)
		return -1;
	if (pgt_result_rows(r) == 1) {
		app = pgt_result_str(r, 0, pgt_result_col(r, "application_name"));
		user = pgt_result_str(r, 0, pgt_result_col(r, "usename"));
		snprintf(mark, sizeof(mark), "/%.8s", changeset_id);
		ours = app && pgt_str_starts(app, "pg2une/") && strstr(app, mark) &&
		       user && strcmp(user, pgt_conn_user(l->main->conn)) == 0;
		pid = (int)pgt_result_i64(r, 0, pgt_result_col(r, "pid"), 0);
		start = pgt_result_i64(r, 0, pgt_result_col(r, "backend_start_us"), 0);
	}
	pgt_result_free(r);
	if (ours && pgt_direct_end_backend(l, pid, start, err) < 0)
		return -1;
	return pgt_direct_lock(l, PGT_NS_PER_S, err);
}

int
pgt_direct_identity(struct pgt_direct *l, struct pgt_identity *ret, struct pgt_err *err)
{
	if (!l->main)
		return pgt_err_set(err, PGT_E_CONN, "not connected");
	return pgt_identity_read(l->main->conn, ret, err);
}

int
pgt_direct_writer(struct pgt_direct *l, const char *database, struct pgt_writer **ret,
		 struct pgt_err *err)
{
	struct pgt_writer *s = NULL;
	size_t i;

	if (!l->main)
		return pgt_err_set(err, PGT_E_CONN, "not connected");
	if (!database || strcmp(database, MAIN_DATABASE) == 0) {
		*ret = l->main;
		return 0;
	}
	for (i = 0; i < l->n_extras; i++)
		if (strcmp(l->extras[i].database, database) == 0) {
			*ret = l->extras[i].s;
			return 0;
		}
	if (open_session(l, database, CONNECT_NS, &s, err) < 0)
		return -1;
	if (l->main->locked && lock_session(s, 2 * PGT_NS_PER_S, err) < 0) {
		pgt_writer_close(s);
		return -1;
	}
	l->extras = pgt_xreallocarray(l->extras, l->n_extras + 1, sizeof(*l->extras));
	l->extras[l->n_extras].database = pgt_xstrdup(database);
	l->extras[l->n_extras++].s = s;
	*ret = s;
	return 0;
}

int
pgt_direct_end_backend(struct pgt_direct *l, int pid, int64_t start_us,
		       struct pgt_err *err)
{
	int64_t deadline = pgt_clock_mono_ns() + SETTLE_NS;
	char pid_text[16], start_text[24];
	const char *params[] = {pid_text, start_text};
	struct pgt_result *r = NULL;
	int64_t n;

	if (!l->main)
		return pgt_err_set(err, PGT_E_CONN, "not connected");
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	snprintf(start_text, sizeof(start_text), "%lld", (long long)start_us);
	if (run_statement(l->main, pgt_change_sql("backend_end", 0), params, 2, ASK_NS,
			  NULL, err) < 0)
		return -1;
	do {
		if (run_statement(l->main, pgt_change_sql("backend_alive", 0), params, 2,
				  ASK_NS, &r, err) < 0)
			return -1;
		n = pgt_result_i64(r, 0, 0, 1);
		pgt_result_free(r);
		if (n == 0)
			return 0;
		poll(NULL, 0, PULSE_MS / 2);
	} while (pgt_clock_mono_ns() < deadline);
	return pgt_err_set(err, PGT_E_TIMEOUT, "backend %d does not end", pid);
}

/* ---- what it is ---- */

int
pgt_direct_backend_pid(const struct pgt_direct *l)
{
	return l->main ? l->main->pid : 0;
}

int64_t
pgt_direct_backend_start_us(const struct pgt_direct *l)
{
	return l->main ? l->main->start_us : 0;
}

int
pgt_direct_version(const struct pgt_direct *l)
{
	return l->main ? pgt_conn_server_version(l->main->conn) : 0;
}

const char *
pgt_direct_user(const struct pgt_direct *l)
{
	return l->main ? pgt_conn_user(l->main->conn) : "";
}

bool
pgt_direct_is_here(const struct pgt_direct *l)
{
	return l->main && pgt_conn_is_here(l->main->conn);
}

bool
pgt_direct_is_private(const struct pgt_direct *l)
{
	const char *host;

	if (!l->main)
		return false;
	if (pgt_conn_is_unix(l->main->conn) || pgt_conn_is_tls(l->main->conn))
		return true;
	host = pgt_conn_host(l->main->conn);
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       pgt_str_starts(host, "127.");
}

int
pgt_writer_version(const struct pgt_writer *s)
{
	return pgt_conn_server_version(s->conn);
}
