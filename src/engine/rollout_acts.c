/* What the machine of a rollout does in the world. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/lock.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"
#include "rollouts_priv.h"

/* Beyond that the canary's changeset would go back by itself in the middle. */
#define SLACK_NS (3600 * PGT_NS_PER_S)
/* Caught up: the canary has replayed all but this. */
#define CAUGHT_UP_BYTES (1024.0 * 1024)

/* ---- journal ---- */

static int
put(struct pgt_rollout_drive *d, enum pgt_jtype type, const char *what, double pct,
    const char *text, struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	int rc;

	pgt_json_str(body, "what", what);
	pgt_json_num(body, "pct", pct);
	pgt_json_str(body, "text", text);
	pgt_json_str(body, "who", d->who);
	rc = pgt_journal_append(d->journal, type, body, NULL, NULL, err);
	cJSON_Delete(body);
	return rc;
}

static int
act_journal(void *ctx, const char *what, double pct, const char *text,
	    struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;

	if (strcmp(what, "plan") == 0)
		return 0; /* it was written when the journal was made */
	if (strcmp(what, "apply canary") == 0)
		return put(d, PGT_J_INTENT, what, pct, d->cs[PGT_RO_CANARY_SIDE]->id,
			   err);
	if (strcmp(what, "apply primary") == 0)
		return put(d, PGT_J_INTENT, what, pct, d->cs[PGT_RO_PRIMARY]->id, err);
	if (strcmp(what, "weight") == 0 && pct <= 0)
		return put(d, PGT_J_RB_INTENT, what, pct, text, err);
	if (strcmp(what, "rollback") == 0)
		return put(d, PGT_J_RB_BEGIN, what, pct, text, err);
	if (strcmp(what, "close") == 0)
		return put(d, PGT_J_CLOSED, what, pct, text, err);
	return put(d, PGT_J_INTENT, what, pct, text, err);
}

/* ---- before ---- */

/* A pooler deals out connections: with few of them a small share is no share. */
static void
note_granularity(struct pgt_rollout_drive *d, const struct pgt_router_state *st)
{
	char text[160];

	if (st->primary_conns < 0 || d->plan->pct[0] * st->primary_conns >= 100 ||
	    !(d->rops->caps & PGT_ROUTER_MOVES_PERSISTENT))
		return;
	snprintf(
	    text, sizeof(text),
	    "only %d server connections are open: %g%% may reach nobody (min_pool_size)",
	    st->primary_conns, d->plan->pct[0]);
	pgt_ro_drive_say(d, text);
}

static int
check_router(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_router_opts o = pgt_rollout_plan_router(d->plan);
	struct pgt_router_state st;

	if (!d->plan->router.read_only_pool)
		return pgt_err_set(
		    err, PGT_E_DENIED,
		    "a canary is a standby and takes no writes: say that this pool "
		    "carries "
		    "reads only (\"read_only_pool\": true, --read-only-pool)");
	d->rops = pgt_router_find(d->plan->router.kind);
	if (!d->router && d->rops->open(&o, &d->router, err) < 0)
		return -1;
	if (d->rops->check(d->router, err) < 0 ||
	    d->rops->get(d->router, &st, err) < 0)
		return -1;
	if (st.configured_pct > 0.01)
		return pgt_err_set(
		    err, PGT_E_STATE,
		    "the canary already gets %g%% of the traffic: set it to 0 "
		    "first",
		    st.configured_pct);
	d->rstate = st;
	note_granularity(d, &st);
	return 0;
}

static int
make_run(struct pgt_rollout_drive *d, enum pgt_ro_side side, struct pgt_err *err)
{
	const bool canary = side == PGT_RO_CANARY_SIDE;
	struct pgt_change_opts opts = {
	    .spec = d->meter[side].spec,
	    .deadline_ns = d->plan->max_step_ns * (d->plan->n_steps + 2) + SLACK_NS,
	    .stabilise_ns = 0,
	    /* the canary is restarted for it, the primary never by us; what a manager
	     * sets is set there for all nodes, when the primary's turn has come */
	    .preflight = {.allow_restart = !d->plan->direct,
			  .node_only = canary,
			  .ram_bytes = canary ? 0 : pgt_hostfacts_ram_told(d->options),
			  .probe = canary ? NULL : pgt_manager_probe(d->manager)},
	    .probe_spec = canary ? NULL : pgt_manager_spec(d->manager),
	    .defer_restart = !canary,
	    .restart = canary && pgt_ro_can_restart(d) ? pgt_ro_restart : NULL,
	    .restart_ctx = d,
	};
	struct pgt_changeset *copy = NULL;
	cJSON *json;
	int rc;

	if (d->run[side])
		return 0;
	json = pgt_changeset_json(d->cs[side], NULL);
	rc = pgt_changeset_from_json(json, &copy, err);
	cJSON_Delete(json);
	if (rc < 0)
		return -1;
	d->run[side] = pgt_change_run_new(&opts, copy);
	return 0;
}

static int
dry_run(struct pgt_rollout_drive *d, enum pgt_ro_side side, struct pgt_err *err)
{
	if (make_run(d, side, err) < 0)
		return -1;
	while (pgt_change_run_stage(d->run[side]) < PGT_ST_LOCK)
		if (pgt_change_run_step(d->run[side], err) < 0) {
			pgt_change_run_free(d->run[side]);
			d->run[side] = NULL;
			return -1;
		}
	return 0;
}

static enum pgt_ro_act
act_preflight(void *ctx, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;

	/* The primary under the whole load: the base of everything that follows, and
	 * without a canary the only control. */
	if (d->base_until_ns)
		return pgt_clock_mono_ns() < d->base_until_ns ? PGT_RO_WAIT : PGT_RO_OK;
	if (pgt_ro_meter_read(&d->meter[PGT_RO_PRIMARY], err) < 0)
		return PGT_RO_FAILED;
	if (d->meter[PGT_RO_PRIMARY].in_recovery) {
		pgt_err_set(err, PGT_E_USAGE,
			    "%s is a standby: a rollout begins at the primary",
			    d->meter[PGT_RO_PRIMARY].label);
		return PGT_RO_FAILED;
	}
	if (!d->plan->direct && check_router(d, err) < 0)
		return PGT_RO_FAILED;
	if (dry_run(d, PGT_RO_PRIMARY, err) < 0 || pgt_ro_check_restart(d, err) < 0)
		return PGT_RO_FAILED;
	d->base_until_ns = pgt_clock_mono_ns() + d->plan->base_ns;
	d->next_bucket_ns = pgt_clock_mono_ns() + d->plan->bucket_ns;
	return PGT_RO_WAIT;
}

/* ---- the canary ---- */

/* Of the same cluster, and another node. */
static int
check_identity(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_ro_meter *m = &d->meter[PGT_RO_CANARY_SIDE];
	struct pgt_identity id;

	if (pgt_identity_read(m->conn, &id, err) < 0)
		return -1;
	if (strcmp(id.fingerprint, d->identity.fingerprint) != 0)
		return pgt_err_set(err, PGT_E_USAGE, "%s is of another cluster",
				   m->label);
	if (strcmp(id.node, d->identity.node) == 0 || !m->in_recovery)
		return pgt_err_set(err, PGT_E_USAGE,
				   "%s is no standby: it cannot be the canary", m->label);
	return 0;
}

static enum pgt_ro_act
act_canary(void *ctx, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;
	struct pgt_ro_meter *p = &d->meter[PGT_RO_PRIMARY],
			    *c = &d->meter[PGT_RO_CANARY_SIDE];
	enum pgt_ro_act a = pgt_ro_canary_make(d, err);
	struct pgt_err why = {0};

	if (a != PGT_RO_OK)
		return a;
	if (pgt_ro_copy_alive(d, err) < 0)
		return PGT_RO_FAILED;
	if (pgt_ro_meter_probe(c, &why) < 0) {
		/* a named one that does not answer is a mistake; a new one needs time */
		if (d->plan->canary.kind == PGT_ROC_NAMED &&
		    why.code == PGT_E_UNSUPPORTED) {
			*err = why;
			return PGT_RO_FAILED;
		}
		if (strcmp(d->make.last, why.msg) != 0)
			pgt_ro_drive_say(d, why.msg);
		pgt_str_copy(d->make.last, sizeof(d->make.last), why.msg);
		return PGT_RO_WAIT;
	}
	if (check_identity(d, err) < 0)
		return PGT_RO_FAILED;
	if (pgt_ro_meter_read(p, err) < 0)
		return PGT_RO_FAILED;
	if (c->paused || !(p->lsn - c->lsn <= CAUGHT_UP_BYTES))
		return PGT_RO_WAIT;
	if (pgt_ro_meter_read(c, err) < 0)
		return PGT_RO_WAIT;
	if (dry_run(d, PGT_RO_CANARY_SIDE, err) < 0)
		return PGT_RO_FAILED;
	pgt_ro_copy_ready(d);
	pgt_ro_keep_conf(d);
	return PGT_RO_OK;
}

static int
run_error(struct pgt_rollout_drive *d, enum pgt_ro_side side, struct pgt_err *err)
{
	const char *text = pgt_change_run_text(d->run[side]);

	return pgt_err_set(err, PGT_E_STATE, "%s: changeset %.8s: %s: %.300s",
			   side == PGT_RO_PRIMARY ? "primary" : "canary", d->cs[side]->id,
			   pgt_stage_name(pgt_change_run_stage(d->run[side])),
			   text[0] ? text : err->msg);
}

/* What the primary gets goes through the cluster manager, and so to the canary too; *ret:
 * some of it only with a restart. */
static bool
manager_has_it(const struct pgt_rollout_drive *d, bool *ret)
{
	const struct pgt_change_run *run = d->run[PGT_RO_PRIMARY];
	const struct pgt_changeset *cs = run ? pgt_change_run_changeset(run) : NULL;
	const struct pgt_preflight *p = run ? pgt_change_run_preflight(run) : NULL;
	bool managed = false, restart = false;

	for (size_t i = 0; cs && i < cs->n_items; i++) {
		managed = managed || cs->items[i].managed;
		restart = restart || (p && p->needs_restart[i]);
	}
	if (ret)
		*ret = restart;
	return managed;
}

/* The canary as it was, for good. */
static int
take_own_lines(struct pgt_rollout_drive *d, const char *reason, struct pgt_err *err)
{
	struct pgt_change_run *run = d->run[PGT_RO_CANARY_SIDE];

	pgt_change_run_rollback(run, reason);
	while (!pgt_stage_is_end(pgt_change_run_stage(run)))
		if (pgt_change_run_step(run, err) < 0)
			return -1;
	return pgt_change_run_stage(run) == PGT_ST_FENCED
		   ? run_error(d, PGT_RO_CANARY_SIDE, err)
		   : 0;
}

/* Lines of its own would keep the canary from ever following its cluster again.  They go
 * before the manager is told: Patroni writes a node's file only when the value in force
 * there is another (reload_config() of its postgresql/config.py), so that later it would
 * keep the value of before.  Not where that means a restart under all the traffic. */
static int
hand_over(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_change_run *run = d->run[PGT_RO_CANARY_SIDE];
	bool restart;

	if (d->handed_over || !run || !manager_has_it(d, &restart) || restart ||
	    pgt_change_run_stage(run) != PGT_ST_CONFIRM)
		return 0;
	d->handed_over = true;
	pgt_ro_drive_say(d, "the canary's own lines go: the cluster manager is told now");
	return take_own_lines(d, "the cluster manager sets it now", err);
}

static enum pgt_ro_act
act_dispose(void *ctx, bool promoted, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;
	struct pgt_change_run *run = d->run[PGT_RO_CANARY_SIDE];
	const enum pgt_ro_after after = d->plan->canary.after;

	if (promoted && run && pgt_change_run_stage(run) == PGT_ST_CONFIRM) {
		if (after == PGT_ROA_KEEP && !manager_has_it(d, NULL)) {
			if (pgt_change_run_confirm(run, err) < 0)
				return PGT_RO_FAILED;
		} else if (take_own_lines(d, "the rollout has ended", err) < 0 &&
			   after != PGT_ROA_STOP) {
			/* one that is ended next needs no instructions */
			return PGT_RO_FAILED;
		}
	}
	if (promoted && after == PGT_ROA_KEEP)
		return PGT_RO_OK;
	return pgt_ro_canary_end(d, err);
}

/* ---- the guard of the traffic ---- */

static int
act_arm(void *ctx, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;

	pgt_rollout_watch_free(d->watch, true);
	d->watch = NULL;
	return pgt_rollout_watch_start(pgt_journal_path(d->journal), d->lock, &d->watch,
				       err);
}

static bool
act_guarded(void *ctx)
{
	struct pgt_rollout_drive *d = ctx;

	return d->watch && pgt_rollout_watch_alive(d->watch);
}

/* ---- changesets ---- */

static enum pgt_ro_act
act_apply(void *ctx, enum pgt_ro_side side, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;
	enum pgt_stage st;

	if (make_run(d, side, err) < 0 ||
	    (side == PGT_RO_PRIMARY && hand_over(d, err) < 0))
		return PGT_RO_FAILED;
	st = pgt_change_run_stage(d->run[side]);
	if (st == PGT_ST_CONFIRM)
		return PGT_RO_OK;
	if (pgt_stage_is_end(st) || st == PGT_ST_ROLLBACK ||
	    pgt_change_run_step(d->run[side], err) < 0) {
		run_error(d, side, err);
		return PGT_RO_FAILED;
	}
	return PGT_RO_WAIT;
}

static enum pgt_ro_act
act_tend(void *ctx, enum pgt_ro_side side, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;

	if (!d->run[side] || (side == PGT_RO_CANARY_SIDE && d->handed_over) ||
	    pgt_change_run_tend(d->run[side]))
		return PGT_RO_OK;
	/* somebody may have confirmed it by its changeset: it stays in force */
	if (pgt_change_run_step(d->run[side], err) < 0 ||
	    (pgt_change_run_stage(d->run[side]) != PGT_ST_CONFIRM &&
	     pgt_change_run_stage(d->run[side]) != PGT_ST_CONFIRMED)) {
		run_error(d, side, err);
		return PGT_RO_FAILED;
	}
	return PGT_RO_OK;
}

static enum pgt_ro_act
act_keep(void *ctx, enum pgt_ro_side side, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;

	if (pgt_change_run_stage(d->run[side]) == PGT_ST_CONFIRMED ||
	    pgt_change_run_confirm(d->run[side], err) == 0)
		return PGT_RO_OK;
	return PGT_RO_FAILED;
}

static enum pgt_ro_act
act_revert(void *ctx, enum pgt_ro_side side, const char *reason, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;
	struct pgt_change_run *run = d->run[side];
	enum pgt_stage st;

	if (!run)
		return PGT_RO_OK;
	pgt_change_run_rollback(run, reason);
	st = pgt_change_run_stage(run);
	if (!pgt_stage_is_end(st)) {
		(void)!pgt_change_run_step(run, err);
		st = pgt_change_run_stage(run);
	}
	if (st == PGT_ST_ROLLED_BACK || st == PGT_ST_NOTHING) {
		pgt_err_clear(err);
		return PGT_RO_OK;
	}
	if (!pgt_stage_is_end(st))
		return PGT_RO_WAIT;
	run_error(d, side, err);
	return PGT_RO_FAILED;
}

/* ---- traffic ---- */

static int
act_weigh(void *ctx, double pct, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;
	struct pgt_router_state st;
	struct pgt_err ignored;

	if (d->rops->set(d->router, pct, err) < 0 ||
	    d->rops->get(d->router, &st, err) < 0)
		return -1;
	if (fabs(st.configured_pct - pct) > 0.6)
		return pgt_err_set(err, PGT_E_STATE, "the router says %g%% after %g%%",
				   st.configured_pct, pct);
	d->rstate = st;
	(void)!put(d, pct <= 0 ? PGT_J_RB_DONE : PGT_J_DONE, "weight", pct, NULL,
		   &ignored);
	return 0;
}

static void
act_say(void *ctx, const char *text)
{
	pgt_ro_drive_say(ctx, text);
}

const struct pgt_rollout_ops pgt_ro_drive_ops = {
    .journal = act_journal,
    .preflight = act_preflight,
    .canary = act_canary,
    .arm = act_arm,
    .guarded = act_guarded,
    .apply = act_apply,
    .tend = act_tend,
    .keep = act_keep,
    .revert = act_revert,
    .weigh = act_weigh,
    .dispose = act_dispose,
    .say = act_say,
};
