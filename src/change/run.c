#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "run_priv.h"

#define DEADLINE_NS  (600 * PGT_NS_PER_S)
#define STABILISE_NS (30 * PGT_NS_PER_S)
#define WINDOW_NS    (60 * PGT_NS_PER_S)
#define VERIFY_NS    (10 * PGT_NS_PER_S)
#define CONFIRM_NS   (1 * PGT_NS_PER_S)
#define ROLLBACK_NS  (60 * PGT_NS_PER_S)
#define FREEZE_NS    (3 * PGT_NS_PER_S)

static const char *const stage_names[] = {
    [PGT_ST_PLAN] = "plan",		  [PGT_ST_PREFLIGHT] = "dry-run",
    [PGT_ST_LOCK] = "lock",		  [PGT_ST_SNAPSHOT] = "snapshot",
    [PGT_ST_JOURNAL] = "journal",	  [PGT_ST_ARM] = "guard",
    [PGT_ST_BASELINE] = "baseline",	  [PGT_ST_APPLY] = "apply",
    [PGT_ST_RELOAD] = "reload",		  [PGT_ST_VERIFY] = "verify",
    [PGT_ST_STABILISE] = "stabilise",	  [PGT_ST_VALIDATE] = "validate",
    [PGT_ST_CONFIRM] = "confirm",	  [PGT_ST_ROLLBACK] = "rollback",
    [PGT_ST_CONFIRMED] = "confirmed",	  [PGT_ST_ROLLED_BACK] = "rolled_back",
    [PGT_ST_FENCED] = "fenced",		  [PGT_ST_NOTHING] = "nothing",
    [PGT_ST_ABANDONED] = "left_to_guard",
};

const char *
pgt_stage_name(enum pgt_stage st)
{
	return st <= PGT_ST_ABANDONED ? stage_names[st] : "?";
}

bool
pgt_stage_is_end(enum pgt_stage st)
{
	return st >= PGT_ST_CONFIRMED;
}

void
pgt_run_say(struct pgt_change_run *r, enum pgt_event_what what, long item,
	    const char *fmt, ...)
{
	struct pgt_change_event ev = {r->stage, what, item, NULL};
	char *raw = NULL, *safe;
	va_list ap;

	if (!r->opts.say)
		return;
	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		pgt_mem_abort();
	va_end(ap);
	safe = pgt_safetext(raw, PGT_SAFE_LINE, 4096);
	ev.text = safe;
	r->opts.say(r->opts.say_arg, &ev);
	free(safe);
	free(raw);
}

static void
say_act(void *arg, long item, const char *text)
{
	pgt_run_say(arg, PGT_CE_ACT, item, "%s", text);
}

struct pgt_acting
pgt_run_acting(struct pgt_change_run *r)
{
	return (struct pgt_acting){
	    .link = r->link,
	    .journal = r->journal,
	    .cs = r->cs,
	    .prev = r->pre.prev,
	    .fence = &r->pre.fence,
	    .probe = r->opts.preflight.probe,
	    .deferred = r->opts.defer_restart,
	    .say = say_act,
	    .say_arg = r,
	};
}

void
pgt_run_enter(struct pgt_change_run *r, enum pgt_stage st)
{
	r->stage = st;
	r->since_ns = pgt_clock_mono_ns();
	pgt_run_say(r, PGT_CE_BEGIN, -1, "%s", pgt_stage_name(st));
}

struct pgt_change_run *
pgt_change_run_new(const struct pgt_change_opts *opts, struct pgt_changeset *take_cs)
{
	struct pgt_change_run *r = pgt_xcalloc(1, sizeof(*r));
	char label[64];

	r->opts = *opts;
	r->spec = pgt_connspec_copy(opts->spec);
	r->cs = take_cs;
	if (r->opts.deadline_ns <= 0)
		r->opts.deadline_ns = DEADLINE_NS;
	if (r->opts.stabilise_ns < 0)
		r->opts.stabilise_ns = STABILISE_NS;
	if (r->opts.window_ns <= 0)
		r->opts.window_ns = WINDOW_NS;
	pgt_direct_label("apply", take_cs->id, label, sizeof(label));
	r->link = pgt_direct_new(r->spec, label, (struct pgt_pulse){pgt_run_pulse, r});
	return r;
}

void
pgt_change_run_free(struct pgt_change_run *r)
{
	bool ended;

	if (!r)
		return;
	/* what is not closed is the guard's, with the lock */
	ended = r->stage == PGT_ST_NOTHING ||
		(r->journal && pgt_journal_last(r->journal, PGT_J_CLOSED));
	pgt_direct_free(r->link); /* first: the guard needs the server's lock */
	pgt_guard_free(r->guard, ended);
	if (ended)
		pgt_lock_release(r->lock);
	else
		pgt_lock_drop(r->lock);
	pgt_journal_close(r->journal);
	if (r->has_pre)
		pgt_preflight_done(&r->pre);
	cJSON_Delete(r->validation.figures);
	pgt_changeset_free(r->cs);
	pgt_connspec_free(r->spec);
	free(r->dir);
	free(r);
}

/* ---- ends ---- */

void
pgt_change_run_request(struct pgt_change_run *r, enum pgt_stop how)
{
	int none = PGT_STOP_NONE;

	/* Whoever asked for the way back is not to wait for a deadline because the
	 * terminal closed after that. */
	if (how == PGT_STOP_ABANDON)
		atomic_compare_exchange_strong(&r->stop, &none, PGT_STOP_ABANDON);
	else
		atomic_store(&r->stop, PGT_STOP_ROLLBACK);
	if (how == PGT_STOP_ROLLBACK)
		atomic_fetch_add(&r->stops, 1);
}

static void
end_as(struct pgt_change_run *r, enum pgt_stage st, const char *text)
{
	if (!r->text[0])
		pgt_str_copy(r->text, sizeof(r->text), text);
	pgt_run_enter(r, st);
}

static void
end_nothing(struct pgt_change_run *r, const char *text)
{
	struct pgt_err ignored;

	if (r->journal)
		(void)!pgt_change_close(r->journal, PGT_END_NOTHING, text, &ignored);
	end_as(r, PGT_ST_NOTHING, text);
	pgt_direct_close(r->link);
}

/* Our session goes, so that the guard can take the lock; it judges by the journal.  It
 * is let go as if we had died: a console that lives on must not keep it waiting. */
static void
abandon(struct pgt_change_run *r)
{
	pgt_direct_close(r->link);
	pgt_guard_free(r->guard, false);
	r->guard = NULL;
	end_as(r, PGT_ST_ABANDONED, "left to the guard");
}

static void
finish_confirmed(struct pgt_change_run *r)
{
	struct pgt_err ignored;

	(void)!pgt_change_close(r->journal, PGT_END_CONFIRMED, "confirmed", &ignored);
	end_as(r, PGT_ST_CONFIRMED, "confirmed");
	pgt_direct_close(r->link);
}

static bool
still_confirmable(const struct pgt_journal *j, void *arg, struct pgt_err *err)
{
	const struct pgt_change_run *r = arg;

	if (pgt_journal_last(j, PGT_J_RB_BEGIN) || pgt_journal_last(j, PGT_J_RB_REQUEST))
		pgt_err_set(err, PGT_E_CONFLICT, "it is being rolled back");
	else if (pgt_clock_boot_ns() >= r->deadline_boot_ns)
		pgt_err_set(err, PGT_E_STATE, "the deadline has passed");
	else
		return true;
	return false;
}

/* A lost session means a lost lock: take both again, or let the rollback try. */
int
pgt_run_keep_link(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_acting a = pgt_run_acting(r);
	enum pgt_fence_verdict v;
	struct pgt_writer *s;

	if (!pgt_direct_is_open(r->link) &&
	    pgt_direct_open(r->link, 5 * PGT_NS_PER_S, err) < 0)
		return -1;
	if (pgt_direct_lock(r->link, 2 * PGT_NS_PER_S, err) < 0 ||
	    pgt_act_fence(&a, true, &v, err) < 0)
		return -1;
	if (v != PGT_FENCE_RESTARTED)
		return 0;
	/* a new start may have lost or gained values: look again, once */
	if (pgt_verify(&a, VERIFY_NS, err) < 0 ||
	    pgt_direct_writer(r->link, NULL, &s, err) < 0)
		return -1;
	return pgt_fence_read(s, &r->pre.fence, err);
}

int
pgt_change_run_confirm(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_acting a;
	cJSON *body;
	char who[128];
	int rc;

	if (r->stage != PGT_ST_CONFIRM)
		return pgt_err_set(err, PGT_E_STATE, "there is nothing to confirm now");
	/* only what is still there, and ours, on that node, can be kept */
	a = pgt_run_acting(r);
	if (pgt_run_keep_link(r, err) < 0 || pgt_verify(&a, CONFIRM_NS, err) < 0) {
		if (err->code == PGT_E_STATE)
			pgt_change_run_rollback(r, err->msg);
		return -1;
	}
	if (!r->confirmed_elsewhere) {
		body = cJSON_CreateObject();
		pgt_change_who(who, sizeof(who));
		pgt_json_str(body, "who", who);
		rc = pgt_journal_append(r->journal, PGT_J_CONFIRMED, body,
					still_confirmable, r, err);
		cJSON_Delete(body);
		if (rc < 0) {
			pgt_change_run_rollback(r, err->msg);
			return -1;
		}
	}
	finish_confirmed(r);
	return 0;
}

void
pgt_change_run_rollback(struct pgt_change_run *r, const char *reason)
{
	if (pgt_stage_is_end(r->stage) || r->stage == PGT_ST_ROLLBACK)
		return;
	if (!r->reason[0])
		pgt_str_copy(r->reason, sizeof(r->reason), reason);
	if (r->stage < PGT_ST_APPLY) {
		end_nothing(r, r->reason);
		return;
	}
	r->stops_seen = atomic_load(&r->stops);
	pgt_run_enter(r, PGT_ST_ROLLBACK);
}

/* Restored in the file, the server still runs with the values that it started with. */
static void
restart_back(struct pgt_change_run *r)
{
	struct pgt_err err = {0};

	if (!r->restarted)
		return;
	r->restarted = false;
	pgt_direct_close(r->link);
	if (r->opts.restart(r->opts.restart_ctx, &err) < 0) {
		size_t n = strlen(r->text);

		pgt_run_say(r, PGT_CE_FAIL, -1, "%s", err.msg);
		snprintf(r->text + n, sizeof(r->text) - n,
			 "; restored in the file, but it was not restarted: %.300s",
			 err.msg);
	}
}

static int
do_rollback(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_rollback_args args = {
	    .link = r->link,
	    .journal = r->journal,
	    .probe = r->opts.preflight.probe,
	    .reason = r->reason,
	    .take_over = true,
	    .give_up_ns = pgt_clock_mono_ns() + ROLLBACK_NS,
	    .freeze_ns = FREEZE_NS,
	    .pulse = {pgt_run_pulse, r},
	    .say = say_act,
	    .say_arg = r,
	};
	struct pgt_replay rec;
	enum pgt_ending out = pgt_rollback(&args, NULL, err);

	if (out == PGT_END_OPEN && err->code == PGT_E_STATE &&
	    pgt_replay_read(r->journal, &rec, err) == 0) {
		out = rec.outcome; /* the guard was faster */
		pgt_replay_done(&rec);
	}
	if (pgt_replay_read(r->journal, &rec, err) == 0) {
		snprintf(r->text, sizeof(r->text), "%s: %s", r->reason, rec.closed_text);
		pgt_replay_done(&rec);
	}
	switch (out) {
	case PGT_END_ROLLED_BACK:
		restart_back(r);
		end_as(r, PGT_ST_ROLLED_BACK, r->reason);
		break;
	case PGT_END_FENCED:
		end_as(r, PGT_ST_FENCED, err->msg);
		break;
	case PGT_END_CONFIRMED:
		finish_confirmed(r);
		return 0;
	case PGT_END_NOTHING:
		end_as(r, PGT_ST_NOTHING, r->reason);
		break;
	case PGT_END_OPEN:
		snprintf(
		    r->text, sizeof(r->text), "not rolled back yet: %.400s; %s", err->msg,
		    r->guard && pgt_guard_alive(r->guard) ? "the guard goes on trying"
							  : "run: pg2une recover");
		abandon(r);
		return -1;
	}
	pgt_direct_close(r->link);
	return 0;
}

/* ---- the stages after the first write ---- */

static int
do_apply(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_acting a = pgt_run_acting(r);

	if (pgt_act_item(&a, r->item, err) < 0)
		return -1;
	pgt_run_say(r, PGT_CE_DONE, (long)r->item, "done");
	r->item++;
	return 0;
}

static bool
needs_reload(const struct pgt_change_run *r)
{
	size_t i;

	for (i = 0; i < r->cs->n_items; i++)
		if (pgt_item_needs_reload(&r->cs->items[i]))
			return true;
	return false;
}

/* Only what is in force can be judged. */
static int
restart_for(struct pgt_change_run *r, struct pgt_err *err)
{
	bool any = false;

	for (size_t i = 0; i < r->pre.n_items; i++)
		any = any || r->pre.needs_restart[i];
	if (!any || !r->opts.restart)
		return 0;
	pgt_run_say(r, PGT_CE_ACT, -1, "restart");
	r->restarted = true;
	pgt_direct_close(r->link);
	if (r->opts.restart(r->opts.restart_ctx, err) < 0)
		return -1;
	return pgt_run_keep_link(r, err);
}

static int
do_reload(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_acting a = pgt_run_acting(r);

	if (needs_reload(r) && pgt_act_reload(&a, r->pre.pending, err) < 0)
		return -1;
	return restart_for(r, err);
}

static int
do_verify(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_acting a = pgt_run_acting(r);

	if (pgt_verify(&a, VERIFY_NS, err) < 0)
		return -1;
	return pgt_journal_append(r->journal, PGT_J_VERIFIED, NULL, NULL, NULL, err);
}

static int
do_confirm(struct pgt_change_run *r, struct pgt_err *err)
{
	if (!pgt_run_pulse(r))
		return pgt_err_set(err, PGT_E_CANCELLED, "%s",
				   r->reason[0] ? r->reason : "stopped");
	if (r->confirmed_elsewhere ||
	    (r->opts.auto_confirm && r->validation.verdict == PGT_VERDICT_PASS))
		return pgt_change_run_confirm(r, err);
	return pgt_run_keep_link(r, err);
}

/* ---- the machine ---- */

struct stage_ops {
	int (*run)(struct pgt_change_run *r, struct pgt_err *err);
	enum pgt_stage next;
};

static const struct stage_ops stages[] = {
    [PGT_ST_PLAN] = {NULL, PGT_ST_PREFLIGHT},
    [PGT_ST_PREFLIGHT] = {pgt_run_preflight, PGT_ST_LOCK},
    [PGT_ST_LOCK] = {pgt_run_lock, PGT_ST_SNAPSHOT},
    [PGT_ST_SNAPSHOT] = {pgt_run_snapshot, PGT_ST_JOURNAL},
    [PGT_ST_JOURNAL] = {pgt_run_journal, PGT_ST_ARM},
    [PGT_ST_ARM] = {pgt_run_arm, PGT_ST_BASELINE},
    [PGT_ST_BASELINE] = {pgt_run_baseline, PGT_ST_APPLY},
    [PGT_ST_APPLY] = {do_apply, PGT_ST_RELOAD},
    [PGT_ST_RELOAD] = {do_reload, PGT_ST_VERIFY},
    [PGT_ST_VERIFY] = {do_verify, PGT_ST_STABILISE},
    [PGT_ST_STABILISE] = {pgt_run_stabilise, PGT_ST_VALIDATE},
    [PGT_ST_VALIDATE] = {pgt_run_validate, PGT_ST_CONFIRM},
    [PGT_ST_CONFIRM] = {do_confirm, PGT_ST_CONFIRM},
    [PGT_ST_ROLLBACK] = {do_rollback, PGT_ST_ROLLBACK},
};

static int
step_failed(struct pgt_change_run *r, struct pgt_err *err)
{
	if (pgt_stage_is_end(r->stage) || r->stage == PGT_ST_ROLLBACK)
		return -1; /* the step has seen to it */
	pgt_run_say(r, PGT_CE_FAIL, r->stage == PGT_ST_APPLY ? (long)r->item : -1, "%s",
		    err->msg);
	if (atomic_load(&r->stop) == PGT_STOP_ABANDON && r->stage >= PGT_ST_APPLY)
		abandon(r);
	else
		pgt_change_run_rollback(r, r->reason[0] ? r->reason : err->msg);
	return -1;
}

int
pgt_change_run_step(struct pgt_change_run *r, struct pgt_err *err)
{
	enum pgt_stage at = r->stage;

	pgt_err_clear(err);
	if (pgt_stage_is_end(at))
		return pgt_err_set(err, PGT_E_STATE, "it has ended: %s",
				   pgt_stage_name(at));
	if (at != PGT_ST_ROLLBACK && !pgt_run_pulse(r)) {
		pgt_err_set(err, PGT_E_CANCELLED, "%s",
			    r->reason[0] ? r->reason : "stopped by the user");
		return step_failed(r, err);
	}
	if (stages[at].run && stages[at].run(r, err) < 0)
		return step_failed(r, err);
	if (r->stage != at || at == PGT_ST_CONFIRM)
		return 0;
	if (at == PGT_ST_APPLY && r->item < r->cs->n_items)
		return 0;
	pgt_run_say(r, PGT_CE_DONE, -1, "%s", pgt_stage_name(at));
	pgt_run_enter(r, stages[at].next);
	return 0;
}

/* ---- what it knows ---- */

enum pgt_stage
pgt_change_run_stage(const struct pgt_change_run *r)
{
	return r->stage;
}

long
pgt_change_run_item(const struct pgt_change_run *r)
{
	return (long)r->item;
}

int64_t
pgt_change_run_left_ns(const struct pgt_change_run *r)
{
	int64_t left;

	if (!r->deadline_boot_ns || pgt_stage_is_end(r->stage))
		return -1;
	left = r->deadline_boot_ns - pgt_clock_boot_ns();
	return left > 0 ? left : 0;
}

const struct pgt_preflight *
pgt_change_run_preflight(const struct pgt_change_run *r)
{
	return r->has_pre ? &r->pre : NULL;
}

const struct pgt_changeset *
pgt_change_run_changeset(const struct pgt_change_run *r)
{
	return r->cs;
}

const struct pgt_validation *
pgt_change_run_validation(const struct pgt_change_run *r)
{
	return &r->validation;
}

const char *
pgt_change_run_text(const struct pgt_change_run *r)
{
	return r->text;
}

const char *
pgt_change_run_journal_path(const struct pgt_change_run *r)
{
	return r->journal ? pgt_journal_path(r->journal) : NULL;
}

cJSON *
pgt_change_run_json(const struct pgt_change_run *r)
{
	struct pgt_replay rec;
	struct pgt_err err;
	cJSON *json;

	if (r->journal && pgt_replay_read(r->journal, &rec, &err) == 0) {
		json = pgt_replay_json(&rec, false, r->journal);
		pgt_replay_done(&rec);
	} else if (r->has_pre) {
		json = pgt_preflight_json(&r->pre, r->cs);
	} else {
		json = pgt_changeset_json(r->cs, NULL);
	}
	pgt_json_str(json, "stage", pgt_stage_name(r->stage));
	return json;
}
