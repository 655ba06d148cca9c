#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/rollout/rollout.h"
#include "rollout_priv.h"

/* Buckets in a row that one side may be unknown before the traffic goes home. */
#define STALE_MAX 2
/* Without a control (all traffic on the canary) only a collapse can be told: this
 * many times its mean of the step before, in so many buckets. */
#define COLLAPSE	 2.0
#define COLLAPSE_BUCKETS 3
/* A gate at its limit says GO and EXTEND by turns: the question stands until so many
 * buckets in a row brought no GO.  An answer to it waits for the next GO, however long
 * the step lasts: who has said that it goes on need not say so again. */
#define GO_LOST 3
/* The router may be silent for so many buckets. */
#define ROUTER_SILENT 2
#define RETURN_PCT    50.0

const char *const pgt_ro_state_names[12] = {
    [PGT_RO_PLAN] = "plan",	      [PGT_RO_PREFLIGHT] = "preflight",
    [PGT_RO_CANARY] = "canary",	      [PGT_RO_APPLY] = "apply",
    [PGT_RO_STEP] = "step",	      [PGT_RO_PROMOTE] = "promote",
    [PGT_RO_RETURN] = "return",	      [PGT_RO_ROLLBACK] = "rollback",
    [PGT_RO_DONE] = "done",	      [PGT_RO_ROLLED_BACK] = "rolled_back",
    [PGT_RO_STUCK] = "stuck",	      [PGT_RO_NOTHING] = "nothing",
};

bool
pgt_ro_is_end(enum pgt_ro_state st)
{
	return st >= PGT_RO_DONE;
}

struct pgt_rollout *
pgt_rollout_new(const struct pgt_rollout_plan *plan, const struct pgt_rollout_ops *ops,
		void *ctx)
{
	struct pgt_rollout *r = pgt_xcalloc(1, sizeof(*r));

	r->plan = plan;
	r->ops = ops;
	r->ctx = ctx;
	for (int i = 0; i < PGT_RO_STEPS_MAX; i++)
		r->v.steps[i].achieved_pct = NAN;
	for (int i = 0; i < plan->n_steps; i++)
		r->v.steps[i].pct = plan->pct[i];
	return r;
}

void
pgt_rollout_free(struct pgt_rollout *r)
{
	if (!r)
		return;
	pgt_gate_free(r->gate);
	free(r);
}

void
pgt_ro_say(struct pgt_rollout *r, const char *fmt, ...)
{
	char raw[400], safe[400];
	va_list ap;

	if (!r->ops->say)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	r->ops->say(r->ctx, pgt_safetext_copy(safe, sizeof(safe), raw));
}

static void
enter(struct pgt_rollout *r, enum pgt_ro_state st)
{
	r->v.state = st;
	r->v.since_ns = r->now;
	r->v.min_until_ns = r->v.max_until_ns = 0;
	r->v.awaiting = r->v.holding = r->v.judging = r->v.swapped = false;
	r->v.asked = r->v.confirmed = false;
	pgt_ro_say(r, "> %s", pgt_ro_state_names[st]);
}

/* The only way back.  What was not begun needs none. */
void
pgt_ro_back(struct pgt_rollout *r, const char *why)
{
	struct pgt_err ignored = {0};

	if (pgt_ro_is_end(r->v.state) || r->v.state == PGT_RO_ROLLBACK)
		return;
	pgt_safetext_copy(r->v.reason, sizeof(r->v.reason), why);
	if (r->v.state == PGT_RO_STEP && r->v.step < PGT_RO_STEPS_MAX)
		r->v.steps[r->v.step].took_ns = r->now - r->v.since_ns;
	if (r->v.state < PGT_RO_CANARY) {
		enter(r, PGT_RO_NOTHING);
		return;
	}
	/* The traffic does not wait for a disk: a lost record is no reason to stay. */
	(void)!r->ops->journal(r->ctx, "rollback", 0, r->v.reason, &ignored);
	pgt_ro_say(r, "rolling back: %s", r->v.reason);
	enter(r, PGT_RO_ROLLBACK);
	r->back = PGT_ROB_WEIGHT;
	r->retry_ns = 0;
}

void
pgt_rollout_rollback(struct pgt_rollout *r, const char *reason)
{
	if (r->kept && !pgt_ro_is_end(r->v.state)) {
		if (!r->late)
			pgt_ro_say(r, "too late: the primary has it for good; change "
				      "rollback takes it back");
		r->late = true;
		return;
	}
	pgt_ro_back(r, reason);
}

/* ---- acts ---- */

static bool
note(struct pgt_rollout *r, const char *what, double pct, const char *text)
{
	struct pgt_err err = {0};

	if (r->ops->journal(r->ctx, what, pct, text, &err) == 0)
		return true;
	pgt_ro_back(r, err.msg);
	return false;
}

static bool
weigh(struct pgt_rollout *r, double pct)
{
	struct pgt_err err = {0};

	if (!note(r, "weight", pct, NULL))
		return false;
	r->touched = true; /* from the attempt on: it may have taken effect */
	r->v.pct = -1;
	if (r->ops->weigh(r->ctx, pct, &err) < 0) {
		pgt_ro_back(r, err.msg);
		return false;
	}
	r->v.pct = pct;
	pgt_ro_say(r, "%g%% of the traffic goes to the canary", pct);
	return true;
}

static void
begin_judging(struct pgt_rollout *r, bool anew, double share)
{
	if (anew || !r->gate) {
		pgt_gate_free(r->gate);
		r->gate = pgt_gate_new(&r->plan->gate);
	}
	pgt_gate_step(r->gate, share);
	r->v.evidence = pgt_gate_look(r->gate);
	r->v.judging = true;
	r->v.since_ns = r->now;
	r->v.min_until_ns = r->now + r->plan->min_step_ns;
	r->v.max_until_ns = r->now + r->plan->max_step_ns;
	r->v.awaiting = r->v.holding = false;
	r->v.asked = r->v.confirmed = false;
	r->step_calls = r->step_buckets = r->collapsed = r->not_go = 0;
	r->silent = 0;
}

static bool
begin_step(struct pgt_rollout *r, int step)
{
	double pct = r->plan->pct[step];

	if (r->v.state != PGT_RO_STEP)
		enter(r, PGT_RO_STEP);
	r->v.step = step;
	r->v.steps[step].entered = true;
	r->v.judging = false;
	if (r->mean_n > 0)
		r->mean_before = r->mean_sum / r->mean_n;
	r->mean_sum = r->mean_n = 0;
	if (!weigh(r, pct))
		return true;
	begin_judging(r, false, pct / 100);
	return false;
}

/* ---- judging ---- */

/* All of the traffic is on the canary: nothing to compare it with. */
static bool
uncontrolled(const struct pgt_rollout *r)
{
	return r->v.state == PGT_RO_STEP && r->v.pct >= 100;
}

static void
count_bucket(struct pgt_rollout *r, const struct pgt_rollout_measure *m)
{
	double canary = 0, all = 0;

	if (m->bucket.historical) {
		canary = m->bucket.calls_canary;
		all = canary + m->bucket.calls_primary;
	}
	for (size_t i = 0; i < m->bucket.n_strata && !m->bucket.historical; i++) {
		canary += m->bucket.strata[i].canary_n;
		all += m->bucket.strata[i].canary_n + m->bucket.strata[i].primary_n;
	}
	r->step_calls += m->canary_calls > 0 ? m->canary_calls : 0;
	r->step_buckets++;
	r->seen_canary += canary;
	r->seen_all += all;
	if (!isfinite(m->canary_mean_ms) || !(m->canary_calls > 0))
		return;
	r->mean_sum += m->canary_mean_ms * m->canary_calls;
	r->mean_n += m->canary_calls;
	if (uncontrolled(r) && r->mean_before > 0 &&
	    m->canary_mean_ms > COLLAPSE * r->mean_before)
		r->collapsed++;
	else
		r->collapsed = 0;
}

static enum pgt_gate_verdict
verdict(const struct pgt_rollout *r)
{
	enum pgt_gate_verdict v = r->v.evidence.verdict;

	if (v == PGT_GATE_NO_GO || !uncontrolled(r) || r->v.evidence.historical)
		return v;
	if (r->stale > 0 || r->step_buckets < r->plan->gate.min_buckets ||
	    r->step_calls < r->plan->gate.min_bucket_calls * r->step_buckets)
		return PGT_GATE_UNKNOWN;
	return PGT_GATE_GO;
}

void
pgt_rollout_feed(struct pgt_rollout *r, const struct pgt_rollout_measure *m)
{
	if (!r->v.judging)
		return;
	pgt_gate_add(r->gate, &m->bucket);
	r->stale = m->bucket.stale ? r->stale + 1 : 0;
	if (!m->bucket.stale)
		count_bucket(r, m);
	r->v.evidence = pgt_gate_look(r->gate);
	r->not_go = verdict(r) == PGT_GATE_GO ? 0 : r->not_go + 1;
	if (r->v.state == PGT_RO_STEP) {
		r->v.steps[r->v.step].verdict = r->v.evidence.verdict;
		if (r->seen_all > 0)
			r->v.steps[r->v.step].achieved_pct =
			    100 * r->seen_canary / r->seen_all;
	}
	if (isnan(m->configured_pct) || r->plan->direct)
		return;
	r->silent = m->configured_pct < 0 ? r->silent + 1 : 0;
	if (m->configured_pct >= 0 && fabs(m->configured_pct - r->v.pct) > 0.6)
		r->moved = true;
}

/* Why the present traffic must end at once, NULL when nothing is known. */
static const char *
must_stop(const struct pgt_rollout *r)
{
	if (r->v.evidence.verdict == PGT_GATE_NO_GO)
		return r->v.evidence.reason;
	if (r->stale >= STALE_MAX)
		return "one of the two nodes cannot be measured";
	if (r->silent >= ROUTER_SILENT)
		return "the router does not answer";
	if (r->moved)
		return "somebody else has moved the traffic";
	if (r->collapsed >= COLLAPSE_BUCKETS)
		return "the canary does not carry the whole load";
	return NULL;
}

/* OK: go on.  FAILED: on the way back.  WAIT: nothing to do now. */
static enum pgt_ro_act
judge(struct pgt_rollout *r, bool ask)
{
	const char *stop = must_stop(r);
	enum pgt_gate_verdict v = verdict(r);

	if (stop) {
		pgt_ro_back(r, stop);
		return PGT_RO_FAILED;
	}
	if (r->v.holding)
		return PGT_RO_WAIT;
	if (v == PGT_GATE_GO && r->now >= r->v.min_until_ns) {
		if (!ask || r->plan->auto_go || r->v.confirmed)
			return PGT_RO_OK;
		if (!r->v.awaiting)
			pgt_ro_say(r, "the gate says go: confirm, hold or rollback");
		r->v.awaiting = r->v.asked = true;
	} else if (r->v.awaiting && r->not_go >= GO_LOST) {
		pgt_ro_say(r, "the gate says go no longer: %s", r->v.evidence.reason);
		r->v.awaiting = false;
	}
	if (!r->v.awaiting && r->now >= r->v.max_until_ns) {
		pgt_ro_back(r, "inconclusive: not enough was proven in time");
		return PGT_RO_FAILED;
	}
	return PGT_RO_WAIT;
}

/* ---- the states; true: call again at once ---- */

static bool
do_plan(struct pgt_rollout *r)
{
	if (note(r, "plan", 0, NULL))
		enter(r, PGT_RO_PREFLIGHT);
	return true;
}

static bool
act_failed(struct pgt_rollout *r, enum pgt_ro_act a, const struct pgt_err *err)
{
	if (a == PGT_RO_FAILED)
		pgt_ro_back(r, err->msg);
	return a == PGT_RO_FAILED;
}

static bool
do_preflight(struct pgt_rollout *r)
{
	struct pgt_err err = {0};
	enum pgt_ro_act a = r->ops->preflight(r->ctx, &err);

	if (act_failed(r, a, &err) || a == PGT_RO_WAIT)
		return a != PGT_RO_WAIT;
	if (!r->plan->direct && !note(r, "canary", 0, NULL))
		return true;
	enter(r, r->plan->direct ? PGT_RO_PROMOTE : PGT_RO_CANARY);
	r->entered = false;
	return true;
}

static bool
do_canary(struct pgt_rollout *r)
{
	struct pgt_err err = {0};
	enum pgt_ro_act a;

	/* Before anything is made: somebody who would undo it without us. */
	if (!r->armed && r->ops->arm(r->ctx, &err) < 0) {
		pgt_ro_back(r, err.msg);
		return true;
	}
	r->armed = true;
	a = r->ops->canary(r->ctx, &err);
	if (act_failed(r, a, &err))
		return true;
	if (a == PGT_RO_WAIT) {
		if (r->now - r->v.since_ns > r->plan->canary.ready_ns)
			pgt_ro_back(r, "the canary did not become ready in time");
		return false;
	}
	if (note(r, "apply canary", 0, NULL)) {
		enter(r, PGT_RO_APPLY);
		r->applied[PGT_RO_CANARY_SIDE] = true;
	}
	return true;
}

static bool
do_apply(struct pgt_rollout *r)
{
	struct pgt_err err = {0};
	enum pgt_ro_act a = r->ops->apply(r->ctx, PGT_RO_CANARY_SIDE, &err);

	if (act_failed(r, a, &err) || a == PGT_RO_WAIT)
		return true;
	r->in_force[PGT_RO_CANARY_SIDE] = true;
	return begin_step(r, 0);
}

static bool
do_step(struct pgt_rollout *r)
{
	enum pgt_ro_act a = judge(r, true);
	int step = r->v.step;

	if (a != PGT_RO_OK)
		return a == PGT_RO_FAILED;
	r->v.steps[step].took_ns = r->now - r->v.since_ns;
	r->v.steps[step].verdict = PGT_GATE_GO;
	r->seen_canary = r->seen_all = 0;
	if (step + 1 < r->plan->n_steps)
		return begin_step(r, step + 1);
	enter(r, PGT_RO_PROMOTE);
	r->entered = false;
	return true;
}

static bool
do_promote(struct pgt_rollout *r)
{
	struct pgt_err err = {0};
	enum pgt_ro_act a;

	if (!r->entered && !note(r, "apply primary", 0, NULL))
		return true;
	r->entered = true;
	r->applied[PGT_RO_PRIMARY] = true;
	a = r->ops->apply(r->ctx, PGT_RO_PRIMARY, &err);
	if (act_failed(r, a, &err) || a == PGT_RO_WAIT)
		return true;
	r->in_force[PGT_RO_PRIMARY] = true;
	enter(r, PGT_RO_RETURN);
	r->home = false;
	if (!r->plan->direct && !weigh(r, RETURN_PCT))
		return true;
	begin_judging(r, true, 0.5);
	r->v.swapped = true;
	return false;
}

/* The primary was judged: all traffic home, then both changes are made permanent. */
static bool
go_home(struct pgt_rollout *r)
{
	struct pgt_err err = {0};
	enum pgt_ro_act a;

	if (!r->home) {
		r->v.judging = false;
		if (!r->plan->direct && !weigh(r, 0))
			return true;
		r->home = true;
		if (!note(r, "confirm", 0, NULL))
			return true;
	}
	if (!r->kept) {
		a = r->ops->keep(r->ctx, PGT_RO_PRIMARY, &err);
		if (act_failed(r, a, &err) || a == PGT_RO_WAIT)
			return a != PGT_RO_WAIT;
		r->kept = true;
		pgt_ro_say(r, "the change is permanent on the primary");
	}
	/* From here nothing goes back: the primary has it for good. */
	if (!r->plan->direct) {
		a = r->ops->dispose(r->ctx, true, &err);
		if (a == PGT_RO_WAIT)
			return false;
		if (a == PGT_RO_FAILED)
			pgt_safetext_copy(r->v.reason, sizeof(r->v.reason), err.msg);
	}
	(void)!r->ops->journal(r->ctx, "close", 0, "done", &err);
	enter(r, PGT_RO_DONE);
	return true;
}

static bool
do_return(struct pgt_rollout *r)
{
	enum pgt_ro_act a;

	if (r->home || r->v.judging == false)
		return go_home(r);
	/* In direct mode this is the only place to ask. */
	a = judge(r, r->plan->direct);
	if (a == PGT_RO_OK)
		return go_home(r);
	return a == PGT_RO_FAILED;
}

typedef bool state_fn(struct pgt_rollout *r);
static state_fn *const states[] = {
    [PGT_RO_PLAN] = do_plan,	   [PGT_RO_PREFLIGHT] = do_preflight,
    [PGT_RO_CANARY] = do_canary,   [PGT_RO_APPLY] = do_apply,
    [PGT_RO_STEP] = do_step,	   [PGT_RO_PROMOTE] = do_promote,
    [PGT_RO_RETURN] = do_return,   [PGT_RO_ROLLBACK] = pgt_ro_do_rollback,
};

/* What must hold while anything of ours is in force. */
static void
look_after(struct pgt_rollout *r)
{
	struct pgt_err err = {0};

	if (r->kept)
		return;
	if (r->down && r->v.state >= PGT_RO_APPLY && !r->home) {
		pgt_ro_back(r, "the canary is gone");
		return;
	}
	for (int side = 0; side < 2; side++)
		if (r->in_force[side] &&
		    r->ops->tend(r->ctx, (enum pgt_ro_side)side, &err) == PGT_RO_FAILED) {
			pgt_ro_back(r, err.msg);
			return;
		}
	if (r->armed && !r->ops->guarded(r->ctx) && r->ops->arm(r->ctx, &err) < 0)
		pgt_ro_back(r, err.msg);
}

bool
pgt_rollout_step(struct pgt_rollout *r, int64_t now_ns)
{
	r->now = now_ns;
	if (pgt_ro_is_end(r->v.state))
		return false;
	if (r->v.state != PGT_RO_ROLLBACK)
		look_after(r);
	return states[r->v.state](r);
}

void
pgt_rollout_canary_down(struct pgt_rollout *r)
{
	r->down = true;
}

int
pgt_rollout_confirm(struct pgt_rollout *r, struct pgt_err *err)
{
	if (r->v.holding) {
		r->v.holding = false;
		r->v.max_until_ns = r->now + r->plan->max_step_ns;
		pgt_ro_say(r, "no longer held");
		return 0;
	}
	if (!r->v.asked)
		return pgt_err_set(err, PGT_E_STATE,
				   "there is nothing to confirm: the gate says %s",
				   pgt_gate_verdict_names[r->v.evidence.verdict]);
	if (r->v.confirmed)
		return 0;
	r->v.confirmed = true;
	r->v.awaiting = false;
	r->v.max_until_ns = r->now + r->plan->max_step_ns;
	if (r->not_go > 0)
		pgt_ro_say(r, "confirmed: goes on when the gate says go again");
	return 0;
}

int
pgt_rollout_hold(struct pgt_rollout *r, struct pgt_err *err)
{
	if (r->v.state != PGT_RO_STEP)
		return pgt_err_set(err, PGT_E_STATE, "only a step can be held");
	r->v.holding = true;
	r->v.confirmed = false;
	pgt_ro_say(r, "held at %g%%", r->v.pct);
	return 0;
}

void
pgt_rollout_look(const struct pgt_rollout *r, struct pgt_rollout_view *ret)
{
	*ret = r->v;
}
