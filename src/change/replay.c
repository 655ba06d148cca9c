#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/replay.h"

static const char *const outcome_names[] = {
    [PGT_END_OPEN] = "open",
    [PGT_END_NOTHING] = "nothing",
    [PGT_END_CONFIRMED] = "confirmed",
    [PGT_END_ROLLED_BACK] = "rolled_back",
    [PGT_END_FENCED] = "fenced",
};

static const char *const verdict_names[] = {
    [PGT_VERDICT_UNKNOWN] = "unknown",
    [PGT_VERDICT_PASS] = "pass",
    [PGT_VERDICT_FAIL] = "fail",
    [PGT_VERDICT_INCONCLUSIVE] = "inconclusive",
};

const char *
pgt_ending_name(enum pgt_ending out)
{
	return out <= PGT_END_FENCED ? outcome_names[out] : "?";
}

const char *
pgt_verdict_name(enum pgt_verdict v)
{
	return v <= PGT_VERDICT_INCONCLUSIVE ? verdict_names[v] : "?";
}

static void
text_of(const cJSON *body, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(body, name, &s))
		pgt_safetext_copy(dst, size, s);
}

/* The exact text: for a conninfo, which must not be escaped. */
static void
raw_of(const cJSON *body, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(body, name, &s) && strlen(s) < size)
		pgt_str_copy(dst, size, s);
}

static enum pgt_ending
outcome_of(const char *name)
{
	int i;

	for (i = PGT_END_NOTHING; i <= PGT_END_FENCED; i++)
		if (strcmp(outcome_names[i], name) == 0)
			return (enum pgt_ending)i;
	return PGT_END_OPEN;
}

static enum pgt_verdict
verdict_of(const char *name)
{
	int i;

	for (i = PGT_VERDICT_PASS; i <= PGT_VERDICT_INCONCLUSIVE; i++)
		if (strcmp(verdict_names[i], name) == 0)
			return (enum pgt_verdict)i;
	return PGT_VERDICT_UNKNOWN;
}

static int
read_plan(struct pgt_replay *r, const cJSON *body, struct pgt_err *err)
{
	const cJSON *cs = cJSON_GetObjectItemCaseSensitive(body, "changeset");
	size_t n;

	if (r->cs)
		return pgt_err_set(err, PGT_E_PARSE, "the journal has two plans");
	if (!cs)
		return pgt_err_set(err, PGT_E_PARSE,
				   "the journal's plan has no changeset");
	if (pgt_changeset_from_json(cs, &r->cs, err) < 0) {
		pgt_err_prefix(err, "the journal's plan");
		return -1;
	}
	n = r->cs->n_items;
	r->prev = pgt_xcalloc(n, sizeof(*r->prev));
	r->intent = pgt_xcalloc(n, sizeof(*r->intent));
	r->done = pgt_xcalloc(n, sizeof(*r->done));
	r->rb_done = pgt_xcalloc(n, sizeof(*r->rb_done));
	r->rb_state = pgt_xcalloc(n, sizeof(*r->rb_state));
	text_of(body, "node", r->node, sizeof(r->node));
	text_of(body, "who", r->who, sizeof(r->who));
	text_of(body, "label", r->label, sizeof(r->label));
	raw_of(body, "conninfo", r->conninfo, sizeof(r->conninfo));
	raw_of(body, "manager", r->manager, sizeof(r->manager));
	return 0;
}

static void
read_armed(struct pgt_replay *r, const cJSON *body)
{
	struct pgt_armed *a = &r->armed;
	int64_t n = 0;

	memset(a, 0, sizeof(*a));
	if (pgt_json_get_i64(body, "pid", &n))
		a->pid = (int)n;
	pgt_json_get_i64(body, "start_ticks", &a->start_ticks);
	text_of(body, "boot_id", a->boot_id, sizeof(a->boot_id));
	if (pgt_json_get_i64(body, "deadline_boot_ms", &n))
		a->deadline_boot_ns = n * PGT_NS_PER_MS;
	if (pgt_json_get_i64(body, "console_pid", &n))
		a->console_pid = (int)n;
	pgt_json_get_i64(body, "console_ticks", &a->console_ticks);
	if (pgt_json_get_i64(body, "backend_pid", &n))
		a->backend_pid = (int)n;
	pgt_json_get_i64(body, "backend_start_us", &a->backend_start_us);
	r->has_armed = true;
}

/* Index of the item a record is about; n_items when it is about none. */
static size_t
item_of(const struct pgt_replay *r, const cJSON *body)
{
	int64_t i = -1;

	if (!pgt_json_get_i64(body, "i", &i) || i < 0 || (uint64_t)i >= r->cs->n_items)
		return r->cs->n_items;
	return (size_t)i;
}

static void
play_item(struct pgt_replay *r, const struct pgt_jrec *rec)
{
	size_t i = item_of(r, rec->body);
	const cJSON *prev = cJSON_GetObjectItemCaseSensitive(rec->body, "prev");
	bool reload = i == r->cs->n_items;
	char state[512] = "";

	switch (rec->type) {
	case PGT_J_PREV:
		if (!reload && prev) {
			pgt_prev_done(&r->prev[i]);
			pgt_prev_from_json(prev, &r->prev[i]);
		}
		break;
	case PGT_J_INTENT:
		r->any_intent = true;
		if (reload)
			r->reload_intent = true;
		else
			r->intent[i] = true;
		if (!r->applied_ns)
			r->applied_ns = rec->real_ns;
		break;
	case PGT_J_DONE:
		if (reload)
			r->reload_done = true;
		else
			r->done[i] = true;
		break;
	case PGT_J_RB_DONE:
		if (reload)
			break;
		text_of(rec->body, "state", state, sizeof(state));
		r->rb_done[i] = true;
		free(r->rb_state[i]);
		r->rb_state[i] = pgt_xstrdup(state);
		break;
	default:
		break;
	}
}

static void
play(struct pgt_replay *r, const struct pgt_jrec *rec)
{
	char name[32] = "";

	switch (rec->type) {
	case PGT_J_FENCE:
		pgt_fence_from_json(rec->body, &r->fence);
		r->has_fence = true;
		break;
	case PGT_J_PREV:
	case PGT_J_INTENT:
	case PGT_J_DONE:
	case PGT_J_RB_INTENT:
	case PGT_J_RB_DONE:
		play_item(r, rec);
		break;
	case PGT_J_ARMED:
		read_armed(r, rec->body);
		break;
	case PGT_J_VERIFIED:
		r->verified = true;
		break;
	case PGT_J_VALIDATED:
		text_of(rec->body, "verdict", name, sizeof(name));
		r->validated = true;
		r->verdict = verdict_of(name);
		text_of(rec->body, "text", r->verdict_text, sizeof(r->verdict_text));
		cJSON_Delete(r->figures);
		r->figures = cJSON_Duplicate(
		    cJSON_GetObjectItemCaseSensitive(rec->body, "figures"), true);
		break;
	case PGT_J_CONFIRMED:
		r->confirmed = true;
		break;
	case PGT_J_RB_REQUEST:
		r->rb_request = true;
		text_of(rec->body, "reason", r->rb_reason, sizeof(r->rb_reason));
		break;
	case PGT_J_RB_BEGIN:
		r->rb_begun = true;
		r->closed = r->confirmed = false; /* a confirmed one can be taken back */
		r->outcome = PGT_END_OPEN;
		r->rolled_back_ns = rec->real_ns;
		text_of(rec->body, "reason", r->rb_reason, sizeof(r->rb_reason));
		break;
	case PGT_J_CLOSED:
		r->closed = true;
		r->ended_ns = rec->real_ns;
		text_of(rec->body, "outcome", name, sizeof(name));
		r->outcome = outcome_of(name);
		text_of(rec->body, "text", r->closed_text, sizeof(r->closed_text));
		break;
	case PGT_J_NOTE:
		text_of(rec->body, "text", r->last_note, sizeof(r->last_note));
		break;
	case PGT_J_PLAN:
		break;
	}
}

int
pgt_replay_read(const struct pgt_journal *j, struct pgt_replay *ret, struct pgt_err *err)
{
	struct pgt_replay r = {0};
	size_t i;

	for (i = 0; i < pgt_journal_count(j); i++) {
		const struct pgt_jrec *rec = pgt_journal_at(j, i);

		if (rec->type == PGT_J_PLAN) {
			r.begun_ns = rec->real_ns;
			if (read_plan(&r, rec->body, err) < 0)
				goto fail;
		} else if (!r.cs) {
			pgt_err_set(err, PGT_E_PARSE,
				    "the journal does not begin with its plan");
			goto fail;
		} else {
			play(&r, rec);
		}
	}
	if (!r.cs) {
		pgt_err_set(err, PGT_E_PARSE, "the journal is empty");
		goto fail;
	}
	r.health = pgt_journal_health(j);
	pgt_str_copy(r.path, sizeof(r.path), pgt_journal_path(j));
	*ret = r;
	return 0;

fail:
	pgt_replay_done(&r);
	return -1;
}

void
pgt_replay_done(struct pgt_replay *r)
{
	size_t i;

	for (i = 0; r->cs && i < r->cs->n_items; i++) {
		pgt_prev_done(&r->prev[i]);
		free(r->rb_state[i]);
	}
	free(r->prev);
	free(r->intent);
	free(r->done);
	free(r->rb_done);
	free(r->rb_state);
	cJSON_Delete(r->figures);
	pgt_changeset_free(r->cs);
	memset(r, 0, sizeof(*r));
}

void
pgt_replay_phase(const struct pgt_replay *r, char *buf, size_t size)
{
	size_t i, last = 0;

	for (i = 0; i < r->cs->n_items; i++)
		if (r->intent[i])
			last = i + 1;
	if (r->closed)
		snprintf(buf, size, "%s", pgt_ending_name(r->outcome));
	else if (r->confirmed)
		snprintf(buf, size, "confirmed");
	else if (r->rb_begun)
		snprintf(buf, size, "rolling back");
	else if (r->validated)
		snprintf(buf, size, "waiting for confirmation");
	else if (r->verified)
		snprintf(buf, size, "stabilise");
	else if (r->reload_intent)
		snprintf(buf, size, r->reload_done ? "verify" : "reload");
	else if (last)
		snprintf(buf, size, "apply %zu of %zu", last, r->cs->n_items);
	else
		snprintf(buf, size, "prepared");
}

static void
put_events(cJSON *obj, const struct pgt_journal *j)
{
	cJSON *arr = pgt_json_arr(obj, "events");
	char when[40];
	size_t k;

	for (k = 0; k < pgt_journal_count(j); k++) {
		const struct pgt_jrec *rec = pgt_journal_at(j, k);
		cJSON *e = pgt_json_obj(arr, NULL);

		pgt_json_i64(e, "seq", rec->seq);
		pgt_json_str(e, "at",
			     pgt_clock_iso8601(rec->real_ns, when, sizeof(when)));
		pgt_json_str(e, "type", pgt_jtype_name(rec->type));
		if (rec->type != PGT_J_PLAN)
			pgt_json_item(e, "body", cJSON_Duplicate(rec->body, true));
	}
}

cJSON *
pgt_replay_json(const struct pgt_replay *r, bool with_events, const struct pgt_journal *j)
{
	cJSON *obj;
	char phase[64];
	size_t i;

	r->cs->applied_ns = r->applied_ns;
	r->cs->rolled_back_ns = r->rolled_back_ns;
	obj = pgt_changeset_json(r->cs, r->prev);
	pgt_replay_phase(r, phase, sizeof(phase));
	pgt_json_str(obj, "phase", phase);
	pgt_json_str(obj, "outcome", pgt_ending_name(r->outcome));
	pgt_json_bool(obj, "open", !r->closed);
	pgt_json_str(obj, "target", r->label);
	pgt_json_str(obj, "who", r->who);
	pgt_json_str(obj, "verdict", r->validated ? pgt_verdict_name(r->verdict) : NULL);
	pgt_json_str(obj, "verdict_text", r->verdict_text);
	if (r->figures)
		pgt_json_item(obj, "figures", cJSON_Duplicate(r->figures, true));
	pgt_json_str(obj, "rollback_reason",
		     r->rb_begun || r->rb_request ? r->rb_reason : NULL);
	pgt_json_str(obj, "result", r->closed ? r->closed_text : NULL);
	pgt_json_str(obj, "note_last", r->last_note[0] ? r->last_note : NULL);
	pgt_json_str(obj, "journal", r->path);
	pgt_json_str(obj, "journal_health",
		     r->health == PGT_JH_OK     ? "ok"
		     : r->health == PGT_JH_TORN ? "torn"
						: "corrupt");
	for (i = 0; i < r->cs->n_items; i++) {
		cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItem(obj, "items"),
						 (int)i);

		pgt_json_bool(item, "intent", r->intent[i]);
		pgt_json_bool(item, "done", r->done[i]);
		pgt_json_str(item, "rollback", r->rb_state[i]);
	}
	if (with_events && j)
		put_events(obj, j);
	return obj;
}
