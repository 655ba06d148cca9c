/* Driving a rollout: one thread, the machine, two nodes that are measured, and the
 * words of whoever watches. */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/lock.h"
#include "pg2une/engine/changing.h"
#include "pg2une/engine/kept.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"
#include "rollouts_priv.h"

#define CONNECT_NS    (10 * PGT_NS_PER_S)
#define STATUS_NS     (1 * PGT_NS_PER_S)
#define LIVE_NS	      (2 * PGT_NS_PER_S)
#define LOCK_NAME     "rollout"

void
pgt_ro_drive_say(struct pgt_rollout_drive *d, const char *text)
{
	char safe[160];

	pgt_safetext_copy(safe, sizeof(safe), text);
	memmove(d->log[0], d->log[1], sizeof(d->log[0]) * (PGT_RO_LOG - 1));
	pgt_str_copy(d->log[PGT_RO_LOG - 1], sizeof(d->log[0]), safe);
	if (d->say)
		d->say(d->say_arg, safe);
}

/* ---- begin ---- */

static int
copy_spec(struct pgt_rollout_drive *d, struct pgt_connspec **ret, struct pgt_err *err)
{
	const char *listen = d->plan->canary.listen ? d->plan->canary.listen
						    : "127.0.0.1";
	char port[16];

	snprintf(port, sizeof(port), "%d", d->plan->canary.port);
	return pgt_connspec_with(d->meter[PGT_RO_PRIMARY].spec, NULL, listen, port, NULL,
				 ret, err);
}

static int
specs(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_connargs args = {.dbname = d->plan->canary.conninfo};
	struct pgt_connspec *plain = NULL, *spec = NULL;
	int rc;

	if (pgt_options_connspec(d->options, &plain, err) < 0)
		return -1;
	rc = pgt_connspec_with(plain, NULL, NULL, NULL, d->password, &spec, err);
	pgt_connspec_free(plain);
	if (rc < 0)
		return -1;
	pgt_ro_meter_init(&d->meter[PGT_RO_PRIMARY], spec);
	if (d->plan->direct)
		return 0;
	if (!d->plan->canary.conninfo) /* a copy: like the primary, but for its place */
		rc = copy_spec(d, &plain, err);
	else
		rc = pgt_connspec_new(&args, &plain, err);
	if (rc < 0)
		return -1;
	rc = pgt_connspec_with(plain, NULL, NULL, NULL, d->password, &spec, err);
	pgt_connspec_free(plain);
	if (rc == 0)
		pgt_ro_meter_init(&d->meter[PGT_RO_CANARY_SIDE], spec);
	return rc;
}

/* The canary's changeset is one of its own, with its own journal and guard. */
static int
changesets(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_changeset *fresh = pgt_changeset_new();
	cJSON *json = pgt_changeset_json(d->plan->cs, NULL);
	int rc = 0;

	for (int side = 0; side < 2 && rc == 0; side++)
		rc = pgt_changeset_from_json(json, &d->cs[side], err);
	cJSON_Delete(json);
	if (rc == 0)
		pgt_str_copy(d->cs[PGT_RO_CANARY_SIDE]->id,
			     sizeof(d->cs[PGT_RO_CANARY_SIDE]->id), fresh->id);
	pgt_changeset_free(fresh);
	return rc;
}

static int
open_journal(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	char *cluster = NULL, *text;
	cJSON *body;
	int rc;

	if (pgt_change_dir(d->identity.fingerprint, &cluster, err) < 0)
		return -1;
	d->dir = pgt_xasprintf("%s/rollouts", cluster);
	rc = pgt_file_mkdirs(d->dir, err);
	if (rc == 0)
		rc = pgt_lock_take(cluster, LOCK_NAME, d->plan->id, "rollout", &d->lock,
				   err);
	free(cluster);
	if (rc < 0)
		return -1;
	body = cJSON_CreateObject();
	pgt_json_item(body, "plan", pgt_rollout_plan_json(d->plan));
	pgt_json_str(body, "who", d->who);
	text = pgt_json_print(body, false);
	rc = pgt_journal_create(d->dir, d->plan->id, strlen(text) * 2, &d->journal, err);
	if (rc == 0)
		rc = pgt_journal_append(d->journal, PGT_J_PLAN, body, NULL, NULL, err);
	free(text);
	cJSON_Delete(body);
	return rc;
}

static int
begin(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	if (pgt_options_bool(d->options, "read-only"))
		return pgt_err_set(err, PGT_E_DENIED, "read-only mode changes nothing");
	pgt_change_who(d->who, sizeof(d->who));
	d->began_real_ns = pgt_clock_real_ns();
	if (specs(d, err) < 0 || changesets(d, err) < 0 ||
	    pgt_manager_open(d->options, &d->manager, err) < 0)
		return -1;
	if (pgt_conn_run_connect(d->meter[PGT_RO_PRIMARY].conn, CONNECT_NS, err) < 0 ||
	    pgt_identity_read(d->meter[PGT_RO_PRIMARY].conn, &d->identity, err) < 0)
		return -1;
	return open_journal(d, err);
}

int
pgt_rollout_drive_new(const struct pgt_rollout_drive_args *args,
		      struct pgt_rollout_plan *take_plan, struct pgt_rollout_drive **ret,
		      struct pgt_err *err)
{
	struct pgt_rollout_drive *d = pgt_xcalloc(1, sizeof(*d));

	d->options = args->options;
	d->plan = take_plan;
	d->password = args->password ? pgt_xstrdup(args->password) : NULL;
	d->say = args->say;
	d->say_arg = args->say_arg;
	d->machine = pgt_rollout_new(d->plan, &pgt_ro_drive_ops, d);
	d->base_tps = d->base_p99 = d->base_mean = NAN;
	d->rollbacks_seen = -1;
	for (int i = 0; i < 2; i++) {
		struct pgt_rollout_node *n = &d->node[i];

		n->share_pct = n->tps = n->mean_ms = n->p50_ms = n->p95_ms = n->p99_ms =
		    NAN;
		n->calls = n->errors = n->lag_bytes = n->lag_ms = NAN;
		n->cpu_pct = n->mem_available_pct = n->disk_free_pct = NAN;
		n->conns = n->backends = n->backends_max = -1;
	}
	if (begin(d, err) < 0) {
		pgt_rollout_drive_free(d);
		return -1;
	}
	for (int i = 0; i < 2; i++)
		pgt_str_copy(d->node[i].label, sizeof(d->node[i].label),
			     d->meter[i].label);
	*ret = d;
	return 0;
}

void
pgt_rollout_drive_free(struct pgt_rollout_drive *d)
{
	bool ended;

	if (!d)
		return;
	ended = !d->journal || pgt_rollout_journal_closed(d->journal);
	pgt_ro_copy_free(d);
	free(d->make.conf);
	for (int i = 0; i < 2; i++)
		pgt_change_run_free(d->run[i]);
	pgt_manager_close(d->manager);
	pgt_rollout_watch_free(d->watch, ended);
	pgt_rollout_free(d->machine);
	if (d->router)
		d->rops->close(d->router);
	if (ended)
		pgt_lock_release(d->lock);
	else
		pgt_lock_drop(d->lock);
	pgt_journal_close(d->journal);
	for (int i = 0; i < 2; i++) {
		pgt_changeset_free(d->cs[i]);
		pgt_ro_meter_done(&d->meter[i]);
	}
	pgt_ro_limits_done(&d->limits);
	pgt_ro_base_free(d);
	pgt_rollout_plan_free(d->plan);
	if (d->password)
		explicit_bzero(d->password, strlen(d->password));
	free(d->password);
	free(d->dir);
	free(d);
}

/* ---- words ---- */

static void
obey(struct pgt_rollout_drive *d, enum pgt_ro_wanted w, const char *who)
{
	struct pgt_err err = {0};
	char reason[160];

	if (w == PGT_ROW_CONFIRM && pgt_rollout_confirm(d->machine, &err) < 0)
		pgt_ro_drive_say(d, err.msg);
	else if (w == PGT_ROW_HOLD && pgt_rollout_hold(d->machine, &err) < 0)
		pgt_ro_drive_say(d, err.msg);
	else if (w == PGT_ROW_ROLLBACK) {
		snprintf(reason, sizeof(reason), "asked for by %.100s", who);
		pgt_rollout_rollback(d->machine, reason);
	}
}

/* What other processes wrote into the journal since. */
static void
hear(struct pgt_rollout_drive *d)
{
	static const char *const words[] = {"", "confirm", "hold", "rollback"};
	struct pgt_err ignored;
	const char *what, *who;

	pgt_journal_refresh(d->journal, &ignored);
	for (; d->seen < pgt_journal_count(d->journal); d->seen++) {
		const struct pgt_jrec *rec = pgt_journal_at(d->journal, d->seen);

		if (!pgt_json_get_str(rec->body, "who", &who))
			who = "?";
		if (rec->type == PGT_J_RB_REQUEST)
			obey(d, PGT_ROW_ROLLBACK, who);
		if (rec->type != PGT_J_NOTE ||
		    !pgt_json_get_str(rec->body, "command", &what))
			continue;
		for (int i = 1; i < 4; i++)
			if (strcmp(what, words[i]) == 0)
				obey(d, (enum pgt_ro_wanted)i, who);
	}
	if (d->stop)
		obey(d, PGT_ROW_ROLLBACK, d->who);
	obey(d, (enum pgt_ro_wanted)atomic_exchange(&d->wanted, PGT_ROW_NONE), d->who);
}

void
pgt_rollout_drive_request_rollback(struct pgt_rollout_drive *d)
{
	d->stop = 1;
}

/* ---- the loop ---- */

/* What was done to each server, with what the rollout as a whole measured. */
static void
keep_changes(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v)
{
	char *before = pgt_ro_metrics(d->base_tps, d->base_p99, d->base_mean),
	     *after = pgt_ro_after(d), text[512];
	const struct pgt_gate_evidence *g = &v->evidence;
	struct pgt_kept_measured m = {before, after, text};
	struct pgt_err err = {0};

	if (!v->reason[0] && g->buckets > 0)
		snprintf(text, sizeof(text),
			 "rollout %s: mean %+.1f%% [%+.1f %+.1f] %s",
			 pgt_ro_state_names[v->state], 100 * g->mean_ratio,
			 100 * g->mean_lo, 100 * g->mean_hi,
			 d->plan->direct ? "against before"
					 : "against the primary at the same time");
	else
		snprintf(text, sizeof(text), "rollout %s%s%s",
			 pgt_ro_state_names[v->state], v->reason[0] ? ": " : "",
			 v->reason);
	for (int i = 0; i < 2; i++)
		if (d->run[i] &&
		    pgt_kept_change(d->options, d->cs[i]->id, &m, &err) < 0)
			pgt_ro_drive_say(d, err.msg);
	free(before);
	free(after);
}

static void
on_state(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v)
{
	if (v->state == d->told)
		return;
	if (v->state == PGT_RO_APPLY ||
	    (d->plan->direct && v->state == PGT_RO_PROMOTE))
		pgt_ro_base_line(d);
	d->told = v->state;
	d->next_status_ns = 0;
	if (pgt_ro_is_end(v->state) || v->state == PGT_RO_CANARY)
		pgt_ro_record(d);
	if (pgt_ro_is_end(v->state))
		keep_changes(d, v);
}

/* For those who watch from elsewhere; asked for at least every few seconds. */
static void
show_live(struct pgt_rollout_drive *d, const struct pgt_rollout_view *v)
{
	struct pgt_ro_meter *m = &d->meter[PGT_RO_PRIMARY];
	struct pgt_ev_rollout ev;
	struct pgt_err ignored;

	pgt_rollout_drive_event(d, &ev);
	free(m->banner);
	m->banner = pgt_ro_live_text(&ev);
	if (v->state < PGT_RO_ROLLBACK &&
	    pgt_clock_mono_ns() - m->asked_ns > LIVE_NS)
		(void)!pgt_ro_meter_probe(m, &ignored);
}

bool
pgt_rollout_drive_run(struct pgt_rollout_drive *d, int wait_ms)
{
	struct pgt_rollout_view v;
	struct pgt_err err = {0};
	bool again;
	int64_t now;

	hear(d);
	again = pgt_rollout_step(d->machine, pgt_clock_mono_ns());
	pgt_rollout_look(d->machine, &v);
	on_state(d, &v);
	if (!again && !pgt_ro_is_end(v.state)) {
		pgt_ro_look_at_nodes(d, pgt_clock_mono_ns());
		poll(NULL, 0, wait_ms);
	}
	if (d->watch)
		pgt_rollout_watch_beat(d->watch);
	now = pgt_clock_mono_ns();
	if (now >= d->next_status_ns) {
		d->next_status_ns = now + STATUS_NS;
		show_live(d, &v);
		if (pgt_ro_status_write(d, &err) < 0)
			pgt_ro_drive_say(d, err.msg);
	}
	return !pgt_ro_is_end(v.state);
}

int
pgt_rollout_drive_check(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_err ignored;
	int rc = pgt_ro_drive_ops.preflight(d, err) == PGT_RO_FAILED ? -1 : 0;

	if (rc == 0 && !d->plan->direct && d->plan->canary.kind == PGT_ROC_NAMED &&
	    pgt_ro_drive_ops.canary(d, err) != PGT_RO_OK)
		rc = err->code ? -1
			       : pgt_err_set(err, PGT_E_STATE,
					     "the canary is not ready: %s", d->make.last);
	(void)!pgt_ro_drive_ops.journal(d, "close", 0, "only a plan", &ignored);
	return rc;
}

struct pgt_rollout *
pgt_rollout_drive_machine(struct pgt_rollout_drive *d)
{
	return d->machine;
}

static void
describe_control(const struct pgt_rollout_drive *d, struct pgt_ev_rollout *ev)
{
	const struct pgt_rollout_view *v = &ev->view;
	const char *text = "";

	if (!v->judging)
		text = "";
	else if (d->plan->direct)
		text = "the primary itself before the change";
	else if (v->swapped)
		text = "the changed primary against the canary, at the same moment";
	else if (v->pct >= 100)
		text = "the primary under the whole load, before the rollout";
	else
		text = "the primary at the same moment";
	pgt_str_copy(ev->control, sizeof(ev->control), text);
}

void
pgt_rollout_drive_event(const struct pgt_rollout_drive *d, struct pgt_ev_rollout *ret)
{
	int64_t now = pgt_clock_mono_ns();

	memset(ret, 0, sizeof(*ret));
	pgt_str_copy(ret->id, sizeof(ret->id), d->plan->id);
	pgt_str_copy(ret->changeset, sizeof(ret->changeset), d->plan->cs->id);
	pgt_str_copy(ret->target, sizeof(ret->target),
		     d->identity.cluster_name[0] ? d->identity.cluster_name
						 : d->meter[0].label);
	pgt_str_copy(ret->who, sizeof(ret->who), d->who);
	ret->ours = true;
	ret->auto_go = d->plan->auto_go;
	ret->direct = d->plan->direct;
	ret->n_steps = d->plan->n_steps;
	if (d->plan->router.kind)
		pgt_str_copy(ret->router, sizeof(ret->router), d->plan->router.kind);
	pgt_rollout_look(d->machine, &ret->view);
	if (ret->view.evidence.reason)
		pgt_str_copy(ret->evidence_reason, sizeof(ret->evidence_reason),
			     ret->view.evidence.reason);
	ret->tail_estimated = true;
	pgt_str_copy(ret->source, sizeof(ret->source), "here");
	if (!d->plan->direct)
		pgt_str_copy(ret->canary_kind, sizeof(ret->canary_kind),
			     pgt_ro_canary_names[d->plan->canary.kind]);
	describe_control(d, ret);
	ret->lag_limit_bytes = d->plan->gate.max_lag_bytes;
	ret->starved = ret->view.evidence.starved;
	ret->starved_limit = d->plan->gate.starved_buckets;
	ret->left_ns = ret->view.min_until_ns > now ? ret->view.min_until_ns - now : 0;
	ret->max_left_ns = !ret->view.max_until_ns || ret->view.awaiting ? -1
			   : ret->view.max_until_ns > now ? ret->view.max_until_ns - now
							  : 0;
	ret->real_ns = pgt_clock_real_ns();
	memcpy(ret->node, d->node, sizeof(ret->node));
	memcpy(ret->log, d->log, sizeof(ret->log));
}

int
pgt_rollout_guard(int fd)
{
	return pgt_rollout_watch_main(fd, pgt_changing_env());
}
