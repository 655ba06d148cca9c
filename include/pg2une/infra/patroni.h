/* Patroni's REST API: GET /patroni, GET and PATCH /config, /cluster.  Facts in
 * Patroni's documentation (rest_api, dynamic_configuration) and
 * seen on 3.0.2: PATCH validates nothing and a bad value resets the parameter,
 * so what was written is read back by the caller on every node.  Waits: exec
 * thread or command line. */
#ifndef PG2UNE_INFRA_PATRONI_H
#define PG2UNE_INFRA_PATRONI_H

#include <stdbool.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/infra/http.h"

/* What Patroni's part in a parameter is (pgdba.md M3). */
enum pgt_patroni_param {
	PGT_PATRONI_UNKNOWN = 0, /* could not be asked */
	PGT_PATRONI_NOT_MANAGED, /* no Patroni here */
	PGT_PATRONI_OVERRIDDEN,  /* set in the dynamic configuration, or on its command
				    line */
	PGT_PATRONI_NOT_SET_BUT_EPHEMERAL, /* not set there: a local value holds, but on
					    * this node only */
};
extern const char *const pgt_patroni_param_names[4];

struct pgt_patroni_node {
	char role[24];	/* "master", "primary", "replica", "standby_leader" */
	char state[24]; /* "running" */
	char scope[64], name[64], version[24];
	char system_identifier[24];
	int timeline;
	bool pending_restart, paused;
};

int pgt_patroni_node(const char *url, const struct pgt_http_auth *auth,
		     struct pgt_patroni_node *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* The dynamic configuration; *ret is the caller's.  It is what this member saw in its
 * last round (Patroni 3.0, api.py do_GET_config): after a PATCH it may be a loop_wait
 * old. */
int pgt_patroni_config(const char *url, const struct pgt_http_auth *auth, cJSON **ret,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* The same as the store holds it now: a PATCH that changes nothing is answered with that
 * (do_PATCH_config).  Needs the restapi user where there is one: PGT_E_DENIED. */
int pgt_patroni_config_now(const char *url, const struct pgt_http_auth *auth, cJSON **ret,
			   struct pgt_err *err) PGT_MUST_CHECK;
/* In a configuration from above: how Patroni treats this parameter.  *ret_value
 * (borrowed from config) is its item, or NULL. */
enum pgt_patroni_param pgt_patroni_param(const cJSON *config, const char *name,
					 const cJSON **ret_value);
/* True for those that Patroni puts on the postmaster's command line. */
bool pgt_patroni_on_command_line(const char *name);
/* Set a parameter (value NULL removes it) if it is still expected (NULL: absent)
 * there: PGT_E_CONFLICT when it is not, also by status 409.  Both are JSON text
 * (100 is not "100").  The answer is read.  What another client patches between our
 * look and Patroni's own compare-and-set against its store is not seen: the REST API
 * takes no condition. */
int pgt_patroni_patch(const char *url, const struct pgt_http_auth *auth, const char *name,
		      const char *expected, const char *value, struct pgt_err *err)
    PGT_MUST_CHECK;

#endif
