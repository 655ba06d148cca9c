/* The inside of a connection, shared by connspec.c, conn.c, result.c and run.c. */
#ifndef PGT_CONN_PRIV_H
#define PGT_CONN_PRIV_H

#include <libpq-fe.h>

#include "pg2une/pg/conn.h"

#define PGT_CONNSPEC_MAX 64 /* libpq 15 knows some 40 keywords */

struct pgt_connspec {
	size_t n;
	char *keys[PGT_CONNSPEC_MAX];
	char *values[PGT_CONNSPEC_MAX];
	bool read_only;
};

#define PGT_CONN_PREPARED_MAX 64

/* A statement that the session knows, under the name pg2une_<serial>. */
struct pgt_conn_prepared {
	char *sql;
	unsigned serial;
	bool known;
};

struct pgt_conn {
	struct pgt_connspec *spec;
	enum pgt_conn_role role;
	enum pgt_conn_state state;
	PGconn *pg;
	short events;
	int64_t deadline_ns; /* mono; INT64_MAX for none */
	bool setting_up;     /* connected, the session statement is in flight */
	bool bouncer;	     /* a PgBouncer admin console: simple protocol only */
	bool too_many, auth_failed, needs_password;
	uint64_t statements;
	struct pgt_err err;
	struct pgt_err fatal; /* what the server said last before it hung up */
	struct pgt_result **results;
	size_t n_stmts; /* in flight */
	size_t n_done;	/* results that are complete */
	size_t n_syncs; /* sync points that came back */
	size_t n_taken;
	int *prep_of; /* of each in flight: index into prepared, -1 */
	struct pgt_conn_prepared prepared[PGT_CONN_PREPARED_MAX];
	size_t n_prepared;
	bool prepare;
	bool binary; /* ask for the results of what is sent in binary */
	unsigned next_serial;
};

struct pgt_result {
	PGresult *res; /* may be NULL */
	bool ok;
	struct pgt_err err;
};

/* One statement's outcome; takes res (which may be NULL: nothing came). */
struct pgt_result *pgt_result_new(PGresult *take_res);
/* The error of a result as one safe line, with its SQLSTATE. */
void pgt_result_fill_err(const PGresult *res, struct pgt_err *err);
/* Close with the given error. */
void pgt_conn_fail(struct pgt_conn *c, enum pgt_errcode code, const char *msg);
/* Poll c->fd for its events to the deadline; false when that passed. */
bool pgt_conn_wait(struct pgt_conn *c);

#endif
