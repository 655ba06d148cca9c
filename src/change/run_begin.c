/* The stages before the first write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/recover.h"
#include "pg2une/pg/conn.h"
#include "run_priv.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)
#define ARM_NS	   (15 * PGT_NS_PER_S)

int
pgt_run_preflight(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_preflight_opts o = r->opts.preflight;
	size_t i;

	if (!pgt_direct_is_open(r->link) && pgt_direct_open(r->link, CONNECT_NS, err) < 0)
		return -1;
	if (pgt_direct_identity(r->link, &r->identity, err) < 0)
		return -1;
	o.fingerprint = r->identity.fingerprint;
	o.node = r->identity.node;
	if (r->has_pre)
		pgt_preflight_done(&r->pre);
	r->has_pre = false;
	if (pgt_preflight(r->link, r->cs, &o, &r->pre, err) < 0)
		return -1;
	r->has_pre = true;
	for (i = 0; i < r->pre.n_checks; i++)
		if (r->pre.checks[i].severity >= PGT_RULE_WARN)
			pgt_run_say(r,
				    r->pre.checks[i].severity == PGT_RULE_REFUSE
					? PGT_CE_FAIL
					: PGT_CE_NOTE,
				    r->pre.checks[i].item, "%s", r->pre.checks[i].text);
	return pgt_preflight_verdict(&r->pre, err);
}

/* Whatever lies half done on this node comes first. */
static int
refuse_unfinished(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_found *list = NULL;
	struct pgt_err ignored;
	size_t n = 0, i;
	int rc = 0;

	if (pgt_recover_scan(r->identity.fingerprint, true, &list, &n, err) < 0)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		struct pgt_found
		    *f = &list[i]; /* HELD: by ourselves, who took the lock */

		if (f->has_rec && strcmp(f->rec.node, r->identity.node) != 0)
			continue;
		if (f->state == PGT_FOUND_UNTOUCHED || f->state == PGT_FOUND_CONFIRMED ||
		    (f->state == PGT_FOUND_HELD && f->has_rec &&
		     (!f->rec.any_intent || f->rec.confirmed))) {
			/* we hold the lock: nobody else can be at it; tidy up */
			struct pgt_journal *j = NULL;
			enum pgt_ending out = f->has_rec && f->rec.confirmed
						  ? PGT_END_CONFIRMED
						  : PGT_END_NOTHING;

			if (f->has_rec && pgt_journal_open(f->path, &j, &ignored) == 0) {
				(void)!pgt_change_close(
				    j, out, "closed by the next change", &ignored);
				pgt_journal_close(j);
			}
			continue;
		}
		rc = pgt_err_set(
		    err, PGT_E_CONFLICT,
		    "changeset %.8s was left %s on this node (%.150s): roll it back or "
		    "confirm it first",
		    f->has_rec ? f->rec.cs->id : "?",
		    pgt_found_state_name(f->state == PGT_FOUND_HELD ? PGT_FOUND_HALF
								    : f->state),
		    f->why);
	}
	pgt_found_free(list, n);
	return rc;
}

int
pgt_run_lock(struct pgt_change_run *r, struct pgt_err *err)
{
	if (pgt_change_dir(r->identity.fingerprint, &r->dir, err) < 0 ||
	    pgt_lock_take(r->dir, r->identity.node, r->cs->id, "apply", &r->lock,
			  err) < 0 ||
	    refuse_unfinished(r, err) < 0)
		return -1;
	return pgt_direct_lock(r->link, 0, err);
}

/* The plan is looked at again under the lock: what was shown must still hold. */
int
pgt_run_snapshot(struct pgt_change_run *r, struct pgt_err *err)
{
	struct pgt_preflight before = r->pre;
	enum pgt_fence_verdict v;
	char why[256], *label;
	int rc = -1;
	size_t i;

	r->has_pre = false;
	memset(&r->pre, 0, sizeof(r->pre));
	if (pgt_run_preflight(r, err) < 0)
		goto out;
	v = pgt_fence_compare(&before.fence, &r->pre.fence, why, sizeof(why));
	if (v != PGT_FENCE_SAME) {
		pgt_err_set(err, PGT_E_STATE, "%s", why);
		goto out;
	}
	for (i = 0; i < r->cs->n_items; i++)
		if (!pgt_item_is_before(&r->cs->items[i], &before.prev[i],
					&r->pre.prev[i])) {
			label = pgt_item_label(&r->cs->items[i]);
			pgt_err_set(err, PGT_E_CONFLICT,
				    "%s was changed since the plan was shown: plan anew",
				    label);
			free(label);
			goto out;
		}
	if (!r->pre.fence.locked) {
		pgt_err_set(err, PGT_E_STATE,
			    "the session does not hold its lock: a pooler in between?");
		goto out;
	}
	rc = 0;

out:
	pgt_preflight_done(&before);
	return rc;
}

static int
put(struct pgt_change_run *r, enum pgt_jtype type, cJSON *take_body, struct pgt_err *err)
{
	int rc = pgt_journal_append(r->journal, type, take_body, NULL, NULL, err);

	cJSON_Delete(take_body);
	return rc;
}

static cJSON *
plan_body(const struct pgt_change_run *r)
{
	cJSON *body = cJSON_CreateObject();
	char who[128], *label = pgt_connspec_label(r->spec);
	char *conninfo = pgt_connspec_conninfo(r->spec);

	pgt_change_who(who, sizeof(who));
	pgt_json_item(body, "changeset", pgt_changeset_json(r->cs, NULL));
	pgt_json_str(body, "node", r->identity.node);
	pgt_json_str(body, "who", who);
	pgt_json_str(body, "label", label);
	pgt_json_str(body, "conninfo", conninfo);
	pgt_json_str(body, "manager", r->opts.probe_spec);
	pgt_json_i64(body, "server_version_num", r->pre.server_version_num);
	free(label);
	free(conninfo);
	return body;
}

int
pgt_run_journal(struct pgt_change_run *r, struct pgt_err *err)
{
	cJSON *plan;
	char *text;
	size_t i, bytes;

	pgt_str_copy(r->cs->fingerprint, sizeof(r->cs->fingerprint),
		     r->identity.fingerprint);
	plan = plan_body(r);
	text = pgt_json_print(plan, false);
	bytes = strlen(text) * 2;
	free(text);
	for (i = 0; i < r->cs->n_items; i++) {
		bytes += 1024; /* INTENT, DONE */
		if (r->pre.prev[i].text)
			bytes += strlen(r->pre.prev[i].text) * 2;
	}
	if (pgt_journal_create(r->dir, r->cs->id, bytes, &r->journal, err) < 0) {
		cJSON_Delete(plan);
		return -1;
	}
	if (put(r, PGT_J_PLAN, plan, err) < 0 ||
	    put(r, PGT_J_FENCE, pgt_fence_json(&r->pre.fence), err) < 0)
		return -1;
	for (i = 0; i < r->cs->n_items; i++) {
		cJSON *body = cJSON_CreateObject();

		pgt_json_i64(body, "i", (int64_t)i);
		pgt_json_item(body, "prev", pgt_prev_json(&r->pre.prev[i]));
		if (put(r, PGT_J_PREV, body, err) < 0)
			return -1;
	}
	return 0;
}

int
pgt_run_start_guard(struct pgt_change_run *r, int64_t patience_ns, struct pgt_err *err)
{
	struct pgt_guard_args args = {
	    .spec = r->spec,
	    .journal_path = pgt_journal_path(r->journal),
	    .lock = r->lock,
	    .probe_spec = r->opts.probe_spec,
	    .trial = r->opts.trial,
	    .deadline_boot_ns = r->deadline_boot_ns,
	    .patience_ns = patience_ns,
	};

	return pgt_guard_start(&args, &r->guard, err);
}

int
pgt_run_note_armed(struct pgt_change_run *r, struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	struct pgt_armed a;

	pgt_guard_describe(r->guard, &a);
	pgt_json_i64(body, "pid", a.pid);
	pgt_json_i64(body, "start_ticks", a.start_ticks);
	pgt_json_str(body, "boot_id", a.boot_id);
	pgt_json_i64(body, "deadline_boot_ms", r->deadline_boot_ns / PGT_NS_PER_MS);
	pgt_json_i64(body, "console_pid", a.console_pid);
	pgt_json_i64(body, "console_ticks", a.console_ticks);
	pgt_json_i64(body, "backend_pid", pgt_direct_backend_pid(r->link));
	pgt_json_i64(body, "backend_start_us", pgt_direct_backend_start_us(r->link));
	return put(r, PGT_J_ARMED, body, err);
}

/* No acknowledgement, no intent. */
int
pgt_run_arm(struct pgt_change_run *r, struct pgt_err *err)
{
	r->deadline_boot_ns = pgt_clock_boot_ns() + r->opts.deadline_ns;
	if (pgt_run_start_guard(r, ARM_NS, err) < 0) {
		r->deadline_boot_ns = 0;
		return -1;
	}
	return pgt_run_note_armed(r, err);
}
