/* Routers shift a share of read-only traffic to a canary.  A table of operations
 * with capabilities; one router has one owner (the exec thread), every call may
 * wait.  Shares are percent of new work for the canary, 0 to 100. */
#ifndef PG2UNE_INFRA_ROUTER_H
#define PG2UNE_INFRA_ROUTER_H

#include <stdbool.h>

#include "pg2une/base/err.h"

enum pgt_router_caps {
	PGT_ROUTER_MOVES_PERSISTENT = 1, /* clients that stay connected move too */
	PGT_ROUTER_MEASURES = 2,	 /* can count the connections of each side */
	PGT_ROUTER_RESTARTS_SAFE = 4,	 /* its own restart brings the canary to 0 */
};

struct pgt_router_opts { /* all strings borrowed; NULL where not used */
	const char *admin;	   /* pgbouncer: conninfo of the admin console */
	const char *routes_file;   /* pgbouncer: the included file */
	const char *pool;	   /* pgbouncer: database; haproxy: backend */
	const char *socket;	   /* haproxy: runtime socket */
	const char *primary, *canary; /* host (pgbouncer) or server name (haproxy) */
	const char *command; /* hook: program, called with "check", "set N", "get" */
};

struct pgt_router_state {
	double configured_pct; /* as the router itself says; -1 unknown */
	int primary_conns, canary_conns; /* server connections; -1 unknown */
	int clients_waiting; /* -1 unknown */
};

struct pgt_router_ops {
	const char *name; /* "pgbouncer", "haproxy", "hook" */
	unsigned caps;
	double step_pct; /* the least share that it can set */
	int (*open)(const struct pgt_router_opts *o, void **ret, struct pgt_err *err);
	void (*close)(void *r);
	/* Everything that a shift needs is there: said before anything changes. */
	int (*check)(void *r, struct pgt_err *err);
	/* Set and read back. */
	int (*set)(void *r, double pct, struct pgt_err *err);
	int (*get)(void *r, struct pgt_router_state *ret, struct pgt_err *err);
};

extern const struct pgt_router_ops pgt_router_pgbouncer, pgt_router_haproxy,
    pgt_router_hook;
/* By name; NULL when unknown. */
const struct pgt_router_ops *pgt_router_find(const char *name);

/* For tests: the host list of 20 entries with pct (a multiple of 5) of the canary,
 * interleaved evenly; the caller frees. */
char *pgt_router_host_list(const char *primary, const char *canary, double pct);
/* The routes file with the host list of pool replaced, everything else kept byte
 * for byte; the caller frees.  PGT_E_NOTFOUND without a line for the pool. */
int pgt_router_edit_routes(const char *text, const char *pool, const char *hosts,
			   char **ret, struct pgt_err *err) PGT_MUST_CHECK;

#endif
