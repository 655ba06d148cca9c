/* The mxc coordinator's HTTP API: a canary as a microVM.  Facts of the protocol
 * (reference/pg2une.md section 12): success is {"data": ...}; 401 {"error": text};
 * 422 {"error": {field: [text]}} or {"error": quoted text}; a workload may stay
 * pending for ever; "running" means that the hypervisor was started, not that the
 * guest answers; "failed" is not final; no address is given, so the operator names
 * the canary's.  Waits: exec thread or command line. */
#ifndef PG2UNE_INFRA_MXC_H
#define PG2UNE_INFRA_MXC_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/infra/http.h"

enum pgt_mxc_status {
	PGT_MXC_UNKNOWN = 0,
	PGT_MXC_PENDING,
	PGT_MXC_STARTING,
	PGT_MXC_RUNNING,
	PGT_MXC_STOPPING,
	PGT_MXC_STOPPED,
	PGT_MXC_FAILED, /* may still become running */
};

struct pgt_mxc_workload {
	char id[64];
	enum pgt_mxc_status status;
	char command[128], node_id[64], ip[64]; /* ip: newer coordinators only; "" */
	char error[256];			/* safe text */
};

struct pgt_mxc_cluster {
	int node_count, nodes_healthy;
	double available_cpu, available_memory_mb;
};

/* url without a trailing slash; auth carries the token. */
int pgt_mxc_cluster(const char *url, const struct pgt_http_auth *auth,
		    struct pgt_mxc_cluster *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* POST a microVM; command is the name of its NixOS configuration.  cpu and memory
 * only steer the placement.  PGT_E_DENIED (401), PGT_E_USAGE (422 with its text). */
int pgt_mxc_create(const char *url, const struct pgt_http_auth *auth, const char *command,
		   int cpu, int memory_mb, struct pgt_mxc_workload *ret,
		   struct pgt_err *err) PGT_MUST_CHECK;
/* PGT_E_NOTFOUND when it is gone. */
int pgt_mxc_get(const char *url, const struct pgt_http_auth *auth, const char *id,
		struct pgt_mxc_workload *ret, struct pgt_err *err) PGT_MUST_CHECK;
/* Ask it to stop: PGT_E_STATE when it cannot be stopped now (try again later: a
 * stop during its build is refused or lost). */
int pgt_mxc_stop(const char *url, const struct pgt_http_auth *auth, const char *id,
		 struct pgt_err *err) PGT_MUST_CHECK;
/* Poll until RUNNING or the deadline (mono ns).  *cancel ends it too.  A failed one
 * is given the whole time.  PGT_E_TIMEOUT tells the last status. */
int pgt_mxc_wait(const char *url, const struct pgt_http_auth *auth, const char *id,
		 int64_t deadline_ns, const volatile bool *cancel,
		 struct pgt_mxc_workload *ret, struct pgt_err *err) PGT_MUST_CHECK;

#endif
