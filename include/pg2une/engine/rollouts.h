/* Rollouts for faces.  The console has the exec thread drive one
 * (pgt_engine_rollout_*, PGT_EV_ROLLOUT about twice a second); the command line
 * drives one on its own thread (pgt_rollout_drive_*).  Each keeps a status file
 * beside its journal, which any other console on this host may watch. */
#ifndef PG2UNE_ENGINE_ROLLOUTS_H
#define PG2UNE_ENGINE_ROLLOUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/rollout/rollout.h"

struct pgt_engine;
struct pgt_options;
struct pgt_changeset;
struct pgt_conn;

struct pgt_rollout_node { /* of the newest bucket; NAN where not known */
	char label[128];
	bool up;
	double share_pct; /* of calls, measured */
	double tps, mean_ms, p50_ms, p95_ms, p99_ms, calls;
	double errors; /* failed transactions in the bucket */
	double lag_bytes, lag_ms; /* canary */
	int conns;	  /* of the router to it; -1 unknown */
	int backends, backends_max; /* client sessions, max_connections; -1 unknown */
	/* Of the node's machine: known only when its processes are of this one. */
	double cpu_pct, mem_available_pct, disk_free_pct;
};

#define PGT_RO_LOG 12
struct pgt_ev_rollout { /* all text is safe */
	char id[37], changeset[37];
	char target[128]; /* cluster for people */
	char who[128];	  /* user@host that drives it */
	bool ours;	  /* this process drives it: keys work; else read-only */
	bool lost;	  /* its driver is gone or silent */
	bool auto_go, direct;
	int n_steps;
	char router[16];
	struct pgt_rollout_view view;
	char evidence_reason[160]; /* of view.evidence: read this one */
	bool tail_estimated;	   /* slow calls from moments, not counted */
	int64_t left_ns;	   /* to the end of the step's least time; 0 over */
	int64_t max_left_ns;	   /* to inconclusive; -1 none */
	int64_t real_ns;	   /* when this was so */
	struct pgt_rollout_node node[2]; /* enum pgt_ro_side */
	char log[PGT_RO_LOG][160];	 /* newest last; "" unused */
	char canary_kind[16];		 /* enum pgt_ro_canary as text; "" direct */
	char control[120]; /* what the canary is compared with now, for people; "" */
	/* How we know: "here" (this process drives it), "file" (its driver's status on
	 * this host), "server" (read from the primary: its driver is elsewhere). */
	char source[8];
	double lag_limit_bytes; /* 0: no limit */
	int starved, starved_limit; /* buckets in a row below half of its due */
};

/* ---- the console: each returns at once ---- */

/* The plan for a changeset by the file that option "rollout" names (JSON as in
 * rollout/plan.h, without the changeset); cs is borrowed.  Reads a file. */
int pgt_rollouts_plan(const struct pgt_options *o, const struct pgt_changeset *cs,
		      struct pgt_rollout_plan **ret, struct pgt_err *err) PGT_MUST_CHECK;
/* Takes the plan.  Refused in read-only mode and while one runs. */
int pgt_engine_rollout_start(struct pgt_engine *e, struct pgt_rollout_plan *take_plan,
			     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_engine_rollout_confirm(struct pgt_engine *e);
void pgt_engine_rollout_hold(struct pgt_engine *e);
void pgt_engine_rollout_rollback(struct pgt_engine *e);
/* Show what others drive, on this host or, on the watched server, from any other:
 * PGT_EV_ROLLOUT with ours = false. */
void pgt_engine_rollout_watch(struct pgt_engine *e, bool on);

/* ---- the command line ---- */

struct pgt_rollout_drive;

struct pgt_rollout_drive_args {
	const struct pgt_options *options;
	const char *password; /* may be NULL */
	void (*say)(void *arg, const char *text); /* one safe line; may be NULL */
	void *say_arg;
};
/* Takes the plan.  Locks, opens the journal, starts measuring. */
int pgt_rollout_drive_new(const struct pgt_rollout_drive_args *args,
			  struct pgt_rollout_plan *take_plan,
			  struct pgt_rollout_drive **ret,
			  struct pgt_err *err) PGT_MUST_CHECK;
/* Work for about wait_ms; false when it has ended. */
bool pgt_rollout_drive_run(struct pgt_rollout_drive *d, int wait_ms);
/* From a signal handler or another thread. */
void pgt_rollout_drive_request_rollback(struct pgt_rollout_drive *d);
struct pgt_rollout *pgt_rollout_drive_machine(struct pgt_rollout_drive *d);
void pgt_rollout_drive_event(const struct pgt_rollout_drive *d,
			     struct pgt_ev_rollout *ret);
/* What has not ended is left to the guards: traffic back, changes reverted. */
void pgt_rollout_drive_free(struct pgt_rollout_drive *d);
/* Only the preflight: what speaks against it. */
int pgt_rollout_drive_check(struct pgt_rollout_drive *d, struct pgt_err *err);

/* ---- any process on this host ---- */

/* The newest rollout (id NULL) or the one whose id begins so. */
int pgt_rollout_status(const char *id, struct pgt_ev_rollout *ret,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* The one that is under way on the server that c is connected to, wherever its driver
 * is: from what its driver's session shows there.  Without the log and the reason; texts
 * are cut short.  PGT_E_NOTFOUND.  Waits 2 s at most. */
int pgt_rollout_status_on(struct pgt_conn *c, struct pgt_ev_rollout *ret,
			  struct pgt_err *err) PGT_MUST_CHECK;
/* The same on a connection of its own, to the server that the options name. */
int pgt_rollout_status_live(const struct pgt_options *o, struct pgt_ev_rollout *ret,
			    struct pgt_err *err) PGT_MUST_CHECK;
cJSON *pgt_rollout_event_json(const struct pgt_ev_rollout *ev);
/* Tell its driver: "confirm", "hold" or "rollback".  A rollback of one whose driver
 * is gone is done here: traffic first, then the changesets. */
int pgt_rollout_tell(const char *id, const char *command,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* Body of the hidden subcommand: the guard of a rollout's traffic. */
int pgt_rollout_guard(int fd);

#endif
