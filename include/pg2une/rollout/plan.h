/* What a rollout is to do, as the operator wrote it down.  Pure.  Owner: the
 * caller; one thread.
 *
 * JSON, as in a file and in the journal; all but "changeset" may be left out:
 *   {"changeset": {...}, "direct": false, "auto": false,
 *    "steps": [5, 25, 50, 100], "min_step_s": 30, "max_step_s": 300, "bucket_s": 5,
 *    "base_s": 30,
 *    "gate": {"latency_margin": 0.1, "min_calls": 2000, "max_lag_bytes": 67108864,
 *             "min_memory_pct": 3, "min_disk_pct": 3, "max_connections_pct": 95},
 *    "router": {"kind": "pgbouncer", "read_only_pool": true, "admin": conninfo,
 *               "routes_file", "pool", "primary", "canary", "socket", "command"},
 *    "canary": {"kind": "named", "conninfo", "ready_s": 600, "warm_s": 1, "after":
 * "keep", "command": program, "restart_command": program, "url", "token_file",
 * "configuration", "cpu", "memory_mb", "directory", "port", "listen", "bin",
 *                "primary_conninfo"}}
 * Unknown members are refused. */
#ifndef PG2UNE_ROLLOUT_PLAN_H
#define PG2UNE_ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/change/changeset.h"
#include "pg2une/infra/router.h"
#include "pg2une/rollout/gate.h"

#define PGT_RO_STEPS_MAX 12

enum pgt_ro_canary {
	PGT_ROC_NAMED = 0,  /* a standby that is there */
	PGT_ROC_HOOK,	    /* made and ended by the operator's command */
	PGT_ROC_MXC,	    /* a microVM of a coordinator */
	PGT_ROC_BASEBACKUP, /* a copy made here, in a folder */
};
extern const char *const pgt_ro_canary_names[4]; /* "named" "hook" "mxc" "basebackup" */

enum pgt_ro_after { /* what becomes of the canary after a promotion */
	PGT_ROA_KEEP = 0, /* keeps running, with the change */
	PGT_ROA_REVERT,	  /* keeps running, without it */
	PGT_ROA_STOP,	  /* is ended, when it was made for this */
};

struct pgt_rollout_plan { /* strings are the plan's own, NULL where not given */
	char id[37];
	struct pgt_changeset *cs;
	bool direct;	/* no traffic steps */
	bool auto_go;	/* a GO goes on by itself; else somebody confirms */
	double pct[PGT_RO_STEPS_MAX];
	int n_steps;
	int64_t min_step_ns, max_step_ns, bucket_ns;
	int64_t base_ns; /* of the primary before anything: as long as a step */
	struct pgt_gate_config gate;
	struct {
		char *kind, *admin, *routes_file, *pool, *socket, *primary, *canary,
		    *command;
		bool read_only_pool; /* the operator's word */
	} router;
	struct {
		enum pgt_ro_canary kind;
		enum pgt_ro_after after;
		int64_t ready_ns;
		/* Of its first step that is not judged, cold caches: as long as a step
		 * for one that is made, 0 for a named one. */
		int64_t warm_ns;
		char *conninfo;	       /* without a password */
		char *command;	       /* hook: "make" (prints nothing), "stop" */
		char *restart_command; /* restarts the canary's server: may be NULL */
		char *url, *token_file, *configuration; /* mxc */
		int cpu, memory_mb;
		/* basebackup: the folder that is made, the server's programs (NULL:
		 * those of the primary, when it runs here), its address (127.0.0.1).
		 * named: its data directory and programs on this host, to restart it
		 * with pg_ctl. */
		char *directory, *bin, *listen;
		char *primary_conninfo; /* basebackup: it streams from; NULL: as we do */
		int port;
	} canary;
};

/* From JSON; the caller frees. */
int pgt_rollout_plan_from_json(const cJSON *json, struct pgt_rollout_plan **ret,
			       struct pgt_err *err) PGT_MUST_CHECK;
cJSON *pgt_rollout_plan_json(const struct pgt_rollout_plan *p);
void pgt_rollout_plan_free(struct pgt_rollout_plan *p);
/* Views of the plan's strings. */
struct pgt_router_opts pgt_rollout_plan_router(const struct pgt_rollout_plan *p);

#endif
