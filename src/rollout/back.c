/* The way back: traffic first, then the changes, then the canary. */
#include <stdio.h>
#include <string.h>

#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "rollout_priv.h"

#define RETRY_NS (500 * INT64_C(1000000))

/* True: the traffic is known to be off. */
static bool
zero(struct pgt_rollout *r)
{
	struct pgt_err err = {0}, ignored = {0};

	/* Only a hint: the act is idempotent, and a full disk must not stop it. */
	(void)!r->ops->journal(r->ctx, "weight", 0, NULL, &ignored);
	if (r->ops->weigh(r->ctx, 0, &err) == 0) {
		r->v.pct = 0;
		pgt_ro_say(r, "no traffic goes to the canary any more");
		return true;
	}
	r->v.pct = -1;
	pgt_safetext_copy(r->zero_why, sizeof(r->zero_why), err.msg);
	pgt_ro_say(r, "the traffic could not be moved yet: %s", r->zero_why);
	return false;
}

static bool
do_weight(struct pgt_rollout *r)
{
	if (!r->touched || zero(r)) {
		r->back = PGT_ROB_PRIMARY;
		return true;
	}
	if (!r->zero_since_ns)
		r->zero_since_ns = r->now;
	r->retry_ns = r->now + RETRY_NS;
	if (r->now - r->zero_since_ns >= PGT_RO_ZERO_NS) {
		r->zero_failed = true;
		r->back = PGT_ROB_PRIMARY;
	}
	return false;
}

static bool
do_revert(struct pgt_rollout *r, enum pgt_ro_side side, enum pgt_ro_back_part next)
{
	enum pgt_ro_act a = PGT_RO_OK;
	struct pgt_err err = {0};

	if (r->applied[side])
		a = r->ops->revert(r->ctx, side, r->v.reason, &err);
	if (a == PGT_RO_WAIT)
		return true;
	if (a == PGT_RO_FAILED)
		snprintf(r->trouble, sizeof(r->trouble), "%s: %.160s",
			 side == PGT_RO_PRIMARY ? "primary" : "canary", err.msg);
	r->in_force[side] = false;
	r->back = next;
	return true;
}

static bool
do_dispose(struct pgt_rollout *r)
{
	struct pgt_err err = {0};
	enum pgt_ro_act a = PGT_RO_OK;

	if (!r->plan->direct)
		a = r->ops->dispose(r->ctx, false, &err);
	if (a == PGT_RO_WAIT)
		return false;
	if (a == PGT_RO_FAILED && !r->trouble[0])
		snprintf(r->trouble, sizeof(r->trouble), "canary: %.160s", err.msg);
	r->back = r->zero_failed ? PGT_ROB_WEIGHT_AGAIN : PGT_ROB_END;
	r->retry_ns = 0;
	return true;
}

static bool
do_weight_again(struct pgt_rollout *r)
{
	if (zero(r)) {
		r->zero_failed = false;
		r->back = PGT_ROB_END;
		return true;
	}
	r->retry_ns = r->now + 4 * RETRY_NS;
	if (r->now - r->zero_since_ns >= PGT_RO_STUCK_NS)
		r->back = PGT_ROB_END;
	return false;
}

static bool
do_end(struct pgt_rollout *r)
{
	bool stuck = r->zero_failed || r->trouble[0];
	struct pgt_err ignored = {0};
	char why[400];

	if (r->zero_failed)
		snprintf(
		    why, sizeof(why),
		    "%.120s; THE TRAFFIC MAY STILL GO TO THE CANARY (%.150s): take it "
		    "off by hand",
		    r->v.reason, r->zero_why);
	else if (stuck)
		snprintf(why, sizeof(why), "%.150s; not everything went back: %.200s",
			 r->v.reason, r->trouble);
	else
		pgt_str_copy(why, sizeof(why), r->v.reason);
	pgt_str_copy(r->v.reason, sizeof(r->v.reason), why);
	if (!stuck)
		(void)!r->ops->journal(r->ctx, "close", 0, "rolled back", &ignored);
	r->v.state = stuck ? PGT_RO_STUCK : PGT_RO_ROLLED_BACK;
	r->v.since_ns = r->now;
	pgt_ro_say(r, "> %s", pgt_ro_state_names[r->v.state]);
	return true;
}

bool
pgt_ro_do_rollback(struct pgt_rollout *r)
{
	if (r->now < r->retry_ns)
		return false;
	switch (r->back) {
	case PGT_ROB_WEIGHT:
		return do_weight(r);
	case PGT_ROB_PRIMARY:
		return do_revert(r, PGT_RO_PRIMARY, PGT_ROB_CANARY);
	case PGT_ROB_CANARY:
		return do_revert(r, PGT_RO_CANARY_SIDE, PGT_ROB_DISPOSE);
	case PGT_ROB_DISPOSE:
		return do_dispose(r);
	case PGT_ROB_WEIGHT_AGAIN:
		return do_weight_again(r);
	case PGT_ROB_END:
		return do_end(r);
	}
	return false;
}
