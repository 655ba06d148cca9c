/* Non-blocking connections to PostgreSQL.  One pgt_conn has one owner thread,
 * which polls pgt_conn_fd() for pgt_conn_events() and calls pgt_conn_step().
 * Nothing here waits, except the _run functions, which poll until a deadline.
 * Every session is set up before it is READY: search_path '', application_name,
 * statement_timeout, lock_timeout, idle_in_transaction_session_timeout, DateStyle ISO,
 * client_encoding UTF8, TCP keepalives and tcp_user_timeout. */
#ifndef PG2UNE_PG_CONN_H
#define PG2UNE_PG_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

/* ---- where to connect: everything that libpq takes ---- */

struct pgt_connspec; /* immutable after _new; may be shared by threads */

struct pgt_connargs {		/* all may be NULL */
	const char *dbname;	/* name, conninfo string or URI (expanded) */
	const char *host, *port, *user, *password;
	const char *service;
	bool read_only; /* also sets default_transaction_read_only */
};

/* Checks the conninfo (PGT_E_USAGE); does not connect.  The caller owns *ret. */
int pgt_connspec_new(const struct pgt_connargs *args, struct pgt_connspec **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_connspec_free(struct pgt_connspec *spec);
struct pgt_connspec *pgt_connspec_copy(const struct pgt_connspec *spec);
/* The same target with another database, host and port, or password; NULL keeps. */
int pgt_connspec_with(const struct pgt_connspec *spec, const char *dbname,
		      const char *host, const char *port, const char *password,
		      struct pgt_connspec **ret, struct pgt_err *err) PGT_MUST_CHECK;
/* "user@host:port/db", no secrets; the caller frees. */
char *pgt_connspec_label(const struct pgt_connspec *spec);
/* A conninfo string for child processes (psql, pgbench) without the password. */
char *pgt_connspec_conninfo(const struct pgt_connspec *spec);
/* The password alone, for a child that gets it through a pipe; NULL when the
 * specification has none.  The caller wipes and frees. */
char *pgt_connspec_password(const struct pgt_connspec *spec);

/* ---- one connection ---- */

enum pgt_conn_role { /* sets the timeouts and the application_name pg2une/<role> */
		     PGT_CONN_MONITOR, /* statement_timeout 2 s, lock_timeout 100 ms */
		     PGT_CONN_APPLY,   /* statement_timeout 30 s, lock_timeout 2 s,
					  idle_session_timeout 0 */
		     PGT_CONN_SIGNAL,  /* cancel and terminate: 5 s */
		     PGT_CONN_QUERY,   /* the command line's reads: 30 s, lock_timeout 500
					  ms */
};

enum pgt_conn_state {
	PGT_CONN_CLOSED = 0, /* not started, or failed: see pgt_conn_error() */
	PGT_CONN_CONNECTING,
	PGT_CONN_READY, /* may send */
	PGT_CONN_BUSY,	/* a batch is in flight */
	PGT_CONN_DONE,	/* the batch's results may be taken */
};

struct pgt_conn;

struct pgt_conn *pgt_conn_new(const struct pgt_connspec *spec, enum pgt_conn_role role);
void pgt_conn_free(struct pgt_conn *c);
/* Begin to connect; resolves names (the only call that may wait for DNS). */
int pgt_conn_start(struct pgt_conn *c, int64_t timeout_ns,
		   struct pgt_err *err) PGT_MUST_CHECK;
void pgt_conn_close(struct pgt_conn *c);
enum pgt_conn_state pgt_conn_state(const struct pgt_conn *c);
int pgt_conn_fd(const struct pgt_conn *c);	 /* -1 when closed */
short pgt_conn_events(const struct pgt_conn *c); /* POLLIN, POLLOUT */
int64_t pgt_conn_deadline_ns(const struct pgt_conn *c); /* mono; INT64_MAX for none */
/* Go on after poll() or when the deadline has come; the new state.  On failure
 * or a passed deadline the connection is CLOSED and pgt_conn_error() says why. */
enum pgt_conn_state pgt_conn_step(struct pgt_conn *c);
const struct pgt_err *pgt_conn_error(const struct pgt_conn *c);
/* True when the last failure was SQLSTATE 53300 (too many connections); and
 * true when it was one of authentication (28xxx): retrying will not help. */
bool pgt_conn_too_many(const struct pgt_conn *c);
bool pgt_conn_auth_failed(const struct pgt_conn *c);
bool pgt_conn_needs_password(const struct pgt_conn *c);

int pgt_conn_server_version(const struct pgt_conn *c); /* server_version_num, 0 before */
int pgt_conn_backend_pid(const struct pgt_conn *c);
const char *pgt_conn_param(const struct pgt_conn *c,
			   const char *name); /* ParameterStatus */
/* The host and port that was chosen among several; "" before. */
const char *pgt_conn_host(const struct pgt_conn *c);
const char *pgt_conn_port(const struct pgt_conn *c);
const char *pgt_conn_user(const struct pgt_conn *c);
const char *pgt_conn_db(const struct pgt_conn *c);
bool pgt_conn_is_tls(const struct pgt_conn *c);
bool pgt_conn_is_unix(const struct pgt_conn *c);
/* The backend that answers is a process of this machine: through a tunnel a loopback
 * address is another. */
bool pgt_conn_is_here(const struct pgt_conn *c);
/* Bytes are not counted by libpq; round trips and statements are. */
uint64_t pgt_conn_statements(const struct pgt_conn *c);

/* ---- statements ---- */

struct pgt_stmt {
	const char *sql;	    /* one statement, extended protocol */
	const char *const *params; /* text, NULL is SQL NULL */
	int n_params;
	int binary_len; /* not 0: params[0] is binary, of so many bytes; of at most 4 */
};

/* A result: text format, unless it was asked for in binary.  Cells are NUL-terminated
 * and RAW: they must pass safetext before any sink. */
struct pgt_result;
/* Send n statements as one pipeline, each with its own Sync, so that one that
 * fails does not void the others.  Copies everything it needs. */
int pgt_conn_send(struct pgt_conn *c, const struct pgt_stmt *stmts, size_t n,
		  int64_t timeout_ns, struct pgt_err *err) PGT_MUST_CHECK;
/* From now on parse and plan each text once a session (at most 64 texts): for
 * statements sent each tick, where planning costs more than running.  Not
 * through a pooler.  Ends with the connection. */
void pgt_conn_set_prepare(struct pgt_conn *c, bool on);
/* In state DONE: result i, to be freed by the caller; state is READY once all
 * were taken or pgt_conn_discard() was called. */
struct pgt_result *pgt_conn_take(struct pgt_conn *c, size_t i);
void pgt_conn_discard(struct pgt_conn *c);

void pgt_result_free(struct pgt_result *r);
bool pgt_result_ok(const struct pgt_result *r);
const struct pgt_err *pgt_result_error(const struct pgt_result *r); /* sqlstate set */
size_t pgt_result_rows(const struct pgt_result *r);
size_t pgt_result_cols(const struct pgt_result *r);
int pgt_result_col(const struct pgt_result *r, const char *name); /* -1 when absent */
/* What a column holds, by its type's oid; everything else is TEXT. */
enum pgt_coltype { PGT_COL_TEXT, PGT_COL_INT, PGT_COL_NUM, PGT_COL_BOOL, PGT_COL_JSON,
		   PGT_COL_TIME };
enum pgt_coltype pgt_result_type(const struct pgt_result *r, size_t col);
const char *pgt_result_name(const struct pgt_result *r, size_t col);
/* NULL for SQL NULL and for col -1. */
const char *pgt_result_str(const struct pgt_result *r, size_t row, int col);
size_t pgt_result_len(const struct pgt_result *r, size_t row, int col);
/* Checked: the default when NULL, absent or malformed. */
int64_t pgt_result_i64(const struct pgt_result *r, size_t row, int col, int64_t dflt);
double pgt_result_num(const struct pgt_result *r, size_t row,
		      int col); /* NAN by default */
bool pgt_result_bool(const struct pgt_result *r, size_t row, int col);
uint64_t pgt_result_affected(const struct pgt_result *r);
size_t pgt_result_bytes(const struct pgt_result *r); /* sum of cell lengths */

/* ---- waiting forms, for the exec thread, the guard and the command line ---- */

/* Polls until READY or the deadline. */
int pgt_conn_run_connect(struct pgt_conn *c, int64_t timeout_ns, struct pgt_err *err)
    PGT_MUST_CHECK;
/* One statement; *ret is the caller's; a server error is PGT_E_SQL with sqlstate. */
int pgt_conn_run(struct pgt_conn *c, const char *sql, const char *const *params,
		 int n_params, int64_t timeout_ns, struct pgt_result **ret,
		 struct pgt_err *err) PGT_MUST_CHECK;
/* Many rows of numbers: a server prints 4,320 rows of 15 in 15 ms of processor time as
 * text, in 2 in binary.  As pgt_conn_run() else. */
int pgt_conn_run_nums(struct pgt_conn *c, const char *sql, const char *const *params,
		      int n_params, int64_t timeout_ns, struct pgt_result **ret,
		      struct pgt_err *err) PGT_MUST_CHECK;
/* By the simple protocol: for the PgBouncer and Patroni admin consoles. */
int pgt_conn_run_simple(struct pgt_conn *c, const char *sql, int64_t timeout_ns,
			struct pgt_result **ret, struct pgt_err *err) PGT_MUST_CHECK;

/* Ask the server to cancel what c runs; opens a short-lived connection and may
 * wait up to timeout_ns: never on the main or engine thread. */
int pgt_conn_cancel(struct pgt_conn *c, int64_t timeout_ns, struct pgt_err *err);

#endif
