/* One rollout from plan to end: the only place where a state follows another.
 * Pure but for its acts, which are the caller's table of functions, and without a
 * clock: so it is tested without servers.  Owner: the exec thread or the command
 * line, one thread.
 *
 *   PLAN > PREFLIGHT > CANARY > APPLY > STEP 1..n > PROMOTE > RETURN > DONE
 *   any of them > ROLLBACK > ROLLED_BACK | STUCK;  before any act > NOTHING
 *   direct: PLAN > PREFLIGHT > PROMOTE > RETURN > DONE
 *
 * ROLLBACK takes the traffic off first and reads that back, then everything else:
 * the primary's changeset, the canary's, the canary itself.  A router that does not
 * answer is tried again all the while; the rest waits for it PGT_RO_ZERO_NS. */
#ifndef PG2UNE_ROLLOUT_ROLLOUT_H
#define PG2UNE_ROLLOUT_ROLLOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/rollout/gate.h"
#include "pg2une/rollout/plan.h"

#define PGT_RO_ZERO_NS	(20 * INT64_C(1000000000))
#define PGT_RO_STUCK_NS (300 * INT64_C(1000000000))

enum pgt_ro_state {
	PGT_RO_PLAN = 0,
	PGT_RO_PREFLIGHT,
	PGT_RO_CANARY,	 /* wait until it runs, answers and has caught up */
	PGT_RO_APPLY,	 /* the changeset on the canary */
	PGT_RO_STEP,	 /* see pgt_rollout_view.step */
	PGT_RO_PROMOTE,	 /* the changeset on the primary */
	PGT_RO_RETURN,	 /* half of the traffic back, judged; then all */
	PGT_RO_ROLLBACK,
	/* ends */
	PGT_RO_DONE,
	PGT_RO_ROLLED_BACK,
	PGT_RO_STUCK,	 /* a person must act: see reason */
	PGT_RO_NOTHING,	 /* nothing had been changed */
};
extern const char *const pgt_ro_state_names[12];
bool pgt_ro_is_end(enum pgt_ro_state st);

enum pgt_ro_side { PGT_RO_PRIMARY = 0, PGT_RO_CANARY_SIDE = 1 };

/* An act that may take several calls. */
enum pgt_ro_act { PGT_RO_FAILED = -1, PGT_RO_WAIT = 0, PGT_RO_OK = 1 };

struct pgt_rollout_ops {
	/* Durable before return.  what: "plan", "canary", "apply canary", "weight",
	 * "apply primary", "confirm", "rollback", "close", "note". */
	int (*journal)(void *ctx, const char *what, double pct, const char *text,
		       struct pgt_err *err);
	enum pgt_ro_act (*preflight)(void *ctx, struct pgt_err *err);
	enum pgt_ro_act (*canary)(void *ctx, struct pgt_err *err);
	/* The guard of the traffic: started; alive. */
	int (*arm)(void *ctx, struct pgt_err *err);
	bool (*guarded)(void *ctx);
	/* OK: verified, waiting for keep().  After that _tend is asked at each step:
	 * FAILED when the change has gone back by itself. */
	enum pgt_ro_act (*apply)(void *ctx, enum pgt_ro_side side, struct pgt_err *err);
	enum pgt_ro_act (*tend)(void *ctx, enum pgt_ro_side side, struct pgt_err *err);
	enum pgt_ro_act (*keep)(void *ctx, enum pgt_ro_side side, struct pgt_err *err);
	/* OK too when there is nothing to revert. */
	enum pgt_ro_act (*revert)(void *ctx, enum pgt_ro_side side, const char *reason,
				  struct pgt_err *err);
	/* Set the canary's share and read it back. */
	int (*weigh)(void *ctx, double pct, struct pgt_err *err);
	/* What becomes of the canary. */
	enum pgt_ro_act (*dispose)(void *ctx, bool promoted, struct pgt_err *err);
	void (*say)(void *ctx, const char *text); /* may be NULL */
};

/* One bucket of both nodes at the same moment.  In RETURN the roles are swapped by
 * the caller: the "canary" of the bucket is the primary, changed just now. */
struct pgt_rollout_measure {
	struct pgt_gate_bucket bucket;
	double configured_pct; /* as the router says now; -1 unknown, NAN not asked */
	double canary_mean_ms; /* over all its calls; NAN */
	double canary_calls;
};

/* All that there is to show; reason is safe text. */
struct pgt_rollout_view {
	enum pgt_ro_state state;
	int step;	   /* 0-based, in STEP */
	double pct;	   /* in force as far as we know; -1 unknown */
	bool awaiting;	   /* GO, somebody has to confirm; stands while it wavers */
	bool asked;	   /* was awaiting at this step: it can be confirmed */
	bool confirmed;	   /* goes on at the next GO */
	bool holding;
	bool judging;	   /* buckets are wanted */
	bool swapped;	   /* in RETURN: judge the primary against the canary */
	int64_t since_ns, min_until_ns, max_until_ns; /* mono; 0 none */
	struct pgt_gate_evidence evidence;
	struct {
		bool entered;
		double pct, achieved_pct; /* NAN unknown */
		enum pgt_gate_verdict verdict;
		int64_t took_ns;
	} steps[PGT_RO_STEPS_MAX];
	char reason[400];  /* why it went back or ended; "" */
};

struct pgt_rollout;

/* plan, ops and ctx are borrowed. */
struct pgt_rollout *pgt_rollout_new(const struct pgt_rollout_plan *plan,
				    const struct pgt_rollout_ops *ops, void *ctx);
void pgt_rollout_free(struct pgt_rollout *r);
/* Do what is to be done at now (mono ns).  True: call again at once; else within
 * 200 ms or so, until it has ended. */
bool pgt_rollout_step(struct pgt_rollout *r, int64_t now_ns);
void pgt_rollout_feed(struct pgt_rollout *r, const struct pgt_rollout_measure *m);
/* The canary refuses connections or is no standby any more: judged at once, without
 * waiting for the next bucket. */
void pgt_rollout_canary_down(struct pgt_rollout *r);
/* The operator's words.  confirm: go on when the gate says GO (only then); can be said
 * once the gate has said it at this step, and stands until hold, or until the step's
 * longest time, counted anew, is over.  hold: stay at this step; confirm ends it.
 * rollback: at once, from anywhere. */
int pgt_rollout_confirm(struct pgt_rollout *r, struct pgt_err *err);
int pgt_rollout_hold(struct pgt_rollout *r, struct pgt_err *err);
void pgt_rollout_rollback(struct pgt_rollout *r, const char *reason);
void pgt_rollout_look(const struct pgt_rollout *r, struct pgt_rollout_view *ret);

#endif
