/* Drives the pg layer by lines on stdin, one answer line each; test_conn.py
 * compiles it.  SQL comes from the test, so nothing here holds any. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/identity.h"

static int64_t timeout_ns = 5 * PGT_NS_PER_S;
static struct pgt_conn *conn;
static struct pgt_connspec *spec;

static void
say_err(const struct pgt_err *err)
{
	printf("error\t%s\t%s\t%s\n", pgt_err_name(err->code), err->sqlstate, err->msg);
}

static void
say_result(const struct pgt_result *r)
{
	size_t i, j;

	if (!pgt_result_ok(r)) {
		say_err(pgt_result_error(r));
		return;
	}
	printf("rows\t%zu\t%zu", pgt_result_rows(r), pgt_result_cols(r));
	for (j = 0; j < pgt_result_cols(r); j++)
		printf("\t%s", pgt_result_name(r, j));
	for (i = 0; i < pgt_result_rows(r) && i < 20; i++)
		for (j = 0; j < pgt_result_cols(r); j++) {
			const char *s = pgt_result_str(r, i, (int)j);

			printf("\t%.200s", s ? s : "NULL");
		}
	printf("\n");
}

static void
cmd_connect(const char *conninfo, enum pgt_conn_role role, bool read_only)
{
	struct pgt_connargs args = {.dbname = conninfo, .read_only = read_only};
	struct pgt_err err;

	pgt_conn_free(conn);
	pgt_connspec_free(spec);
	conn = NULL;
	spec = NULL;
	pgt_err_clear(&err);
	if (pgt_connspec_new(&args, &spec, &err) < 0) {
		say_err(&err);
		return;
	}
	conn = pgt_conn_new(spec, role);
	if (pgt_conn_run_connect(conn, timeout_ns, &err) == 0)
		printf("ready\t%d\t%s\t%s\t%s\t%d\t%d\n", pgt_conn_server_version(conn),
		       pgt_conn_host(conn), pgt_conn_port(conn), pgt_conn_db(conn),
		       pgt_conn_is_unix(conn), pgt_conn_backend_pid(conn));
	else
		printf("closed\t%s\t%s\t%d%d%d\t%s\n", pgt_err_name(err.code), err.sqlstate,
		       pgt_conn_too_many(conn), pgt_conn_auth_failed(conn),
		       pgt_conn_needs_password(conn), err.msg);
}

/* "a ;; b ;; c" as one pipeline; one answer line each, then "end STATE". */
static void
cmd_batch(char *text)
{
	struct pgt_stmt stmts[512] = {{0}};
	struct pgt_err err;
	size_t n = 0, i;
	char *at;

	for (; (at = strstr(text, " ;; ")); text = at + 4) {
		*at = '\0';
		stmts[n++].sql = text;
	}
	stmts[n++].sql = text;
	if (pgt_conn_send(conn, stmts, n, timeout_ns, &err) < 0) {
		say_err(&err);
	} else {
		while (pgt_conn_state(conn) == PGT_CONN_BUSY) {
			struct pollfd p = {pgt_conn_fd(conn), pgt_conn_events(conn), 0};

			poll(&p, 1, 20);
			pgt_conn_step(conn);
		}
		if (pgt_conn_state(conn) == PGT_CONN_CLOSED)
			say_err(pgt_conn_error(conn));
		for (i = 0; pgt_conn_state(conn) == PGT_CONN_DONE; i++) {
			struct pgt_result *r = pgt_conn_take(conn, i);

			say_result(r);
			pgt_result_free(r);
		}
	}
	printf("end\t%d\n", pgt_conn_state(conn));
}

static void
cmd_run(const char *sql, bool simple)
{
	struct pgt_result *r = NULL;
	struct pgt_err err;
	int rc;

	pgt_err_clear(&err);
	rc = simple ? pgt_conn_run_simple(conn, sql, timeout_ns, &r, &err)
		    : pgt_conn_run(conn, sql, NULL, 0, timeout_ns, &r, &err);
	if (rc < 0)
		say_err(&err);
	else
		say_result(r);
	pgt_result_free(r);
}

/* Poll while idle, as a console does, to notice the server going away. */
static void
cmd_idle(int64_t ms)
{
	int64_t end = pgt_clock_mono_ns() + ms * PGT_NS_PER_MS;

	while (pgt_conn_state(conn) == PGT_CONN_READY && pgt_clock_mono_ns() < end) {
		struct pollfd p = {pgt_conn_fd(conn), pgt_conn_events(conn), 0};

		if (poll(&p, 1, 20) > 0)
			pgt_conn_step(conn);
	}
	if (pgt_conn_state(conn) == PGT_CONN_CLOSED)
		say_err(pgt_conn_error(conn));
	else
		printf("idle\t%d\n", pgt_conn_state(conn));
}

/* Send, then cancel while it runs: again, as the server drops a request that comes
 * before the statement. */
static void
cmd_cancel(const char *sql)
{
	struct pgt_stmt stmt = {.sql = sql};
	struct pgt_err err;

	if (pgt_conn_send(conn, &stmt, 1, timeout_ns, &err) < 0 ||
	    pgt_conn_cancel(conn, timeout_ns, &err) < 0) {
		say_err(&err);
		return;
	}
	while (pgt_conn_state(conn) == PGT_CONN_BUSY) {
		struct pollfd p = {pgt_conn_fd(conn), pgt_conn_events(conn), 0};

		if (poll(&p, 1, 500) == 0)
			(void)!pgt_conn_cancel(conn, timeout_ns, NULL);
		pgt_conn_step(conn);
	}
	if (pgt_conn_state(conn) == PGT_CONN_DONE) {
		struct pgt_result *r = pgt_conn_take(conn, 0);

		say_result(r);
		pgt_result_free(r);
	} else {
		say_err(pgt_conn_error(conn));
	}
}

static void
cmd_identity(void)
{
	struct pgt_identity id;
	struct pgt_err err;

	if (pgt_identity_read(conn, &id, &err) < 0)
		say_err(&err);
	else
		printf("identity\t%d\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\n", id.tier,
		       id.system_identifier, id.fingerprint, id.node, id.resolved_addr,
		       id.resolved_port, id.in_recovery, id.timeline, id.version, id.datadir,
		       id.warning);
}

static void
cmd_caps(void)
{
	struct pgt_caps caps;
	struct pgt_err err;
	int i;

	if (pgt_caps_read(conn, &caps, &err) < 0) {
		say_err(&err);
		return;
	}
	for (i = 0; i < PGT_CAP_N; i++)
		printf("cap\t%s\t%d\t%s\t%s\t%s\t%s\n", pgt_cap_names[i],
		       caps.cap[i].available, caps.cap[i].version, caps.cap[i].schema,
		       caps.cap[i].why, caps.cap[i].fix);
	printf("end\t%d\n", pgt_conn_state(conn));
}

int
main(void)
{
	static char line[8 << 20];
	int64_t n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		char *arg = line + strcspn(line, " \n");

		line[strcspn(line, "\n")] = '\0';
		if (*arg)
			*arg++ = '\0';
		if (strcmp(line, "monitor") == 0)
			cmd_connect(arg, PGT_CONN_MONITOR, false);
		else if (strcmp(line, "readonly") == 0)
			cmd_connect(arg, PGT_CONN_QUERY, true);
		else if (strcmp(line, "apply") == 0)
			cmd_connect(arg, PGT_CONN_APPLY, false);
		else if (strcmp(line, "timeout_ms") == 0 && pgt_parse_i64(arg, &n))
			timeout_ns = n * PGT_NS_PER_MS, printf("ok\n");
		else if (strcmp(line, "idle") == 0 && pgt_parse_i64(arg, &n))
			cmd_idle(n);
		else if (strcmp(line, "batch") == 0)
			cmd_batch(arg);
		else if (strcmp(line, "run") == 0)
			cmd_run(arg, false);
		else if (strcmp(line, "simple") == 0)
			cmd_run(arg, true);
		else if (strcmp(line, "cancel") == 0)
			cmd_cancel(arg);
		else if (strcmp(line, "identity") == 0)
			cmd_identity();
		else if (strcmp(line, "caps") == 0)
			cmd_caps();
		else
			printf("unknown %s\n", line);
	}
	pgt_conn_free(conn);
	pgt_connspec_free(spec);
	return 0;
}
