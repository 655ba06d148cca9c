/* The state of a rollout as a file that anybody on this host may watch, words to its
 * driver, and its row in the history. */
#include <dirent.h>
#include <math.h>
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
#include "pg2une/engine/history.h"
#include "pg2une/engine/options.h"
#include "pg2une/rollout/dispose.h"
#include "rollouts_priv.h"

#define STATUS_MAX  (256u << 10)
#define SILENT_NS   (15 * PGT_NS_PER_S)
#define ANSWER_NS   (90 * PGT_NS_PER_S)
#define LOCK_NAME   "rollout"

/* ---- to JSON ---- */

static cJSON *
node_json(const struct pgt_rollout_node *n)
{
	cJSON *o = cJSON_CreateObject();

	pgt_json_str(o, "node", n->label);
	pgt_json_bool(o, "up", n->up);
	pgt_json_num(o, "share_pct", n->share_pct);
	pgt_json_num(o, "tps", n->tps);
	pgt_json_num(o, "calls", n->calls);
	pgt_json_num(o, "mean_ms", n->mean_ms);
	pgt_json_num(o, "p50_ms", n->p50_ms);
	pgt_json_num(o, "p95_ms", n->p95_ms);
	pgt_json_num(o, "p99_ms", n->p99_ms);
	pgt_json_num(o, "errors", n->errors);
	pgt_json_num(o, "lag_bytes", n->lag_bytes);
	pgt_json_num(o, "lag_ms", n->lag_ms);
	pgt_json_i64(o, "connections", n->conns);
	pgt_json_i64(o, "backends", n->backends);
	pgt_json_i64(o, "backends_max", n->backends_max);
	pgt_json_num(o, "cpu_pct", n->cpu_pct);
	pgt_json_num(o, "mem_available_pct", n->mem_available_pct);
	pgt_json_num(o, "disk_free_pct", n->disk_free_pct);
	return o;
}

static cJSON *
evidence_json(const struct pgt_ev_rollout *ev)
{
	const struct pgt_gate_evidence *e = &ev->view.evidence;
	cJSON *o = cJSON_CreateObject();

	pgt_json_str(o, "verdict", pgt_gate_verdict_names[e->verdict]);
	pgt_json_str(o, "reason", ev->evidence_reason);
	pgt_json_num(o, "mean_ratio", e->mean_ratio);
	pgt_json_num(o, "mean_lo", e->mean_lo);
	pgt_json_num(o, "mean_hi", e->mean_hi);
	pgt_json_num(o, "margin", e->margin);
	pgt_json_num(o, "tail_ratio", e->tail_ratio);
	pgt_json_num(o, "tail_e_harm", e->tail_e_harm);
	pgt_json_num(o, "tail_e_better", e->tail_e_better);
	pgt_json_num(o, "tail_limit", e->tail_limit);
	pgt_json_str(o, "tail_source",
		     ev->tail_estimated ? "estimated from moments" : "counted");
	pgt_json_num(o, "error_e", e->error_e);
	pgt_json_num(o, "error_limit", e->error_limit);
	pgt_json_num(o, "canary_calls", e->canary_calls);
	pgt_json_num(o, "primary_calls", e->primary_calls);
	pgt_json_i64(o, "buckets", e->buckets);
	pgt_json_i64(o, "stale_buckets", e->stale_buckets);
	pgt_json_str(o, "control", ev->control);
	pgt_json_num(o, "lag_limit_bytes", ev->lag_limit_bytes);
	pgt_json_i64(o, "starved", ev->starved);
	pgt_json_i64(o, "starved_limit", ev->starved_limit);
	return o;
}

cJSON *
pgt_rollout_event_json(const struct pgt_ev_rollout *ev)
{
	const struct pgt_rollout_view *v = &ev->view;
	cJSON *o = cJSON_CreateObject(), *arr, *s;
	char at[40];

	pgt_clock_iso8601(ev->real_ns, at, sizeof(at));
	pgt_json_str(o, "id", ev->id);
	pgt_json_str(o, "changeset", ev->changeset);
	pgt_json_str(o, "target", ev->target);
	pgt_json_str(o, "who", ev->who);
	pgt_json_str(o, "state", pgt_ro_state_names[v->state]);
	pgt_json_str(o, "at", at);
	pgt_json_num(o, "real_ms", (double)(ev->real_ns / PGT_NS_PER_MS));
	pgt_json_bool(o, "lost", ev->lost);
	pgt_json_bool(o, "auto", ev->auto_go);
	pgt_json_bool(o, "direct", ev->direct);
	pgt_json_str(o, "router", ev->router);
	pgt_json_str(o, "canary_kind", ev->canary_kind);
	pgt_json_str(o, "source", ev->source);
	pgt_json_i64(o, "step", v->step);
	pgt_json_i64(o, "n_steps", ev->n_steps);
	pgt_json_num(o, "share_pct", v->pct);
	pgt_json_bool(o, "awaiting", v->awaiting);
	pgt_json_bool(o, "holding", v->holding);
	pgt_json_bool(o, "judging", v->judging);
	pgt_json_bool(o, "swapped", v->swapped);
	pgt_json_num(o, "left_s", (double)ev->left_ns / 1e9);
	pgt_json_num(o, "max_left_s",
		     ev->max_left_ns < 0 ? NAN : (double)ev->max_left_ns / 1e9);
	pgt_json_str(o, "reason", v->reason);
	arr = pgt_json_arr(o, "steps");
	for (int i = 0; i < ev->n_steps; i++) {
		s = cJSON_CreateObject();
		pgt_json_num(s, "pct", v->steps[i].pct);
		pgt_json_bool(s, "entered", v->steps[i].entered);
		pgt_json_num(s, "achieved_pct", v->steps[i].achieved_pct);
		pgt_json_str(s, "verdict", pgt_gate_verdict_names[v->steps[i].verdict]);
		pgt_json_num(s, "took_s", (double)v->steps[i].took_ns / 1e9);
		pgt_json_item(arr, NULL, s);
	}
	arr = pgt_json_arr(o, "nodes");
	for (int i = 0; i < 2; i++)
		pgt_json_item(arr, NULL, node_json(&ev->node[i]));
	pgt_json_item(o, "evidence", evidence_json(ev));
	arr = pgt_json_arr(o, "log");
	for (int i = 0; i < PGT_RO_LOG; i++)
		if (ev->log[i][0])
			pgt_json_str(arr, NULL, ev->log[i]);
	return o;
}

int
pgt_ro_status_write(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	char *path = pgt_xasprintf("%s/%s.json", d->dir, d->plan->id), *text;
	struct pgt_ev_rollout ev;
	cJSON *json;
	int rc;

	pgt_rollout_drive_event(d, &ev);
	json = pgt_rollout_event_json(&ev);
	text = pgt_json_print(json, false);
	rc = pgt_file_replace(path, text, strlen(text), 0600, err);
	free(text);
	cJSON_Delete(json);
	free(path);
	return rc;
}

/* ---- from JSON; a file is not believed further than its types ---- */

static void
take_str(const cJSON *o, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(o, name, &s))
		pgt_safetext_copy(dst, size, s);
}

static double
take_num(const cJSON *o, const char *name)
{
	double d = NAN;

	pgt_json_get_num(o, name, &d);
	return d;
}

static int
take_int(const cJSON *o, const char *name, int dflt, int max)
{
	double d = take_num(o, name);

	return d >= -1 && d <= max ? (int)d : dflt;
}

static int
name_index(const cJSON *o, const char *name, const char *const *names, int n)
{
	const char *s;

	for (int i = 0; i < n; i++)
		if (pgt_json_get_str(o, name, &s) && strcmp(s, names[i]) == 0)
			return i;
	return 0;
}

static int64_t
take_ns(const cJSON *o, const char *name, int64_t dflt)
{
	double s = take_num(o, name);

	return s >= 0 && s < 1e9 ? (int64_t)(s * 1e9) : dflt;
}

static void
take_node(const cJSON *o, struct pgt_rollout_node *n)
{
	take_str(o, "node", n->label, sizeof(n->label));
	pgt_json_get_bool(o, "up", &n->up);
	n->share_pct = take_num(o, "share_pct");
	n->tps = take_num(o, "tps");
	n->calls = take_num(o, "calls");
	n->mean_ms = take_num(o, "mean_ms");
	n->p50_ms = take_num(o, "p50_ms");
	n->p95_ms = take_num(o, "p95_ms");
	n->p99_ms = take_num(o, "p99_ms");
	n->errors = take_num(o, "errors");
	n->lag_bytes = take_num(o, "lag_bytes");
	n->lag_ms = take_num(o, "lag_ms");
	n->conns = take_int(o, "connections", -1, 1000000);
	n->backends = take_int(o, "backends", -1, 1000000);
	n->backends_max = take_int(o, "backends_max", -1, 1000000);
	n->cpu_pct = take_num(o, "cpu_pct");
	n->mem_available_pct = take_num(o, "mem_available_pct");
	n->disk_free_pct = take_num(o, "disk_free_pct");
}

static void
take_evidence(const cJSON *o, struct pgt_ev_rollout *ev)
{
	struct pgt_gate_evidence *e = &ev->view.evidence;

	e->verdict =
	    (enum pgt_gate_verdict)name_index(o, "verdict", pgt_gate_verdict_names, 4);
	take_str(o, "reason", ev->evidence_reason, sizeof(ev->evidence_reason));
	e->reason = "";
	e->mean_ratio = take_num(o, "mean_ratio");
	e->mean_lo = take_num(o, "mean_lo");
	e->mean_hi = take_num(o, "mean_hi");
	e->margin = take_num(o, "margin");
	e->tail_ratio = take_num(o, "tail_ratio");
	e->tail_e_harm = take_num(o, "tail_e_harm");
	e->tail_e_better = take_num(o, "tail_e_better");
	e->tail_limit = take_num(o, "tail_limit");
	e->error_e = take_num(o, "error_e");
	e->error_limit = take_num(o, "error_limit");
	e->canary_calls = take_num(o, "canary_calls");
	e->primary_calls = take_num(o, "primary_calls");
	e->buckets = take_int(o, "buckets", 0, 1 << 30);
	e->stale_buckets = take_int(o, "stale_buckets", 0, 1 << 30);
	take_str(o, "control", ev->control, sizeof(ev->control));
	ev->lag_limit_bytes = take_num(o, "lag_limit_bytes");
	ev->starved = take_int(o, "starved", 0, 1 << 30);
	ev->starved_limit = take_int(o, "starved_limit", 0, 1 << 30);
}

static void
take_event(const cJSON *o, struct pgt_ev_rollout *ev)
{
	const cJSON *arr, *it;
	double ms;
	int i = 0;

	memset(ev, 0, sizeof(*ev));
	take_str(o, "id", ev->id, sizeof(ev->id));
	take_str(o, "changeset", ev->changeset, sizeof(ev->changeset));
	take_str(o, "target", ev->target, sizeof(ev->target));
	take_str(o, "who", ev->who, sizeof(ev->who));
	take_str(o, "router", ev->router, sizeof(ev->router));
	take_str(o, "canary_kind", ev->canary_kind, sizeof(ev->canary_kind));
	pgt_str_copy(ev->source, sizeof(ev->source), "file");
	take_str(o, "reason", ev->view.reason, sizeof(ev->view.reason));
	ev->view.state = (enum pgt_ro_state)name_index(o, "state", pgt_ro_state_names,
						       12);
	pgt_json_get_bool(o, "auto", &ev->auto_go);
	pgt_json_get_bool(o, "direct", &ev->direct);
	pgt_json_get_bool(o, "awaiting", &ev->view.awaiting);
	pgt_json_get_bool(o, "holding", &ev->view.holding);
	pgt_json_get_bool(o, "judging", &ev->view.judging);
	pgt_json_get_bool(o, "swapped", &ev->view.swapped);
	ev->view.step = take_int(o, "step", 0, PGT_RO_STEPS_MAX - 1);
	ev->view.pct = take_num(o, "share_pct");
	ev->left_ns = take_ns(o, "left_s", 0);
	ev->max_left_ns = take_ns(o, "max_left_s", -1);
	ms = take_num(o, "real_ms");
	ev->real_ns = ms > 0 && ms < 1e14 ? (int64_t)ms * PGT_NS_PER_MS : 0;
	ev->tail_estimated = true;
	arr = cJSON_GetObjectItemCaseSensitive(o, "steps");
	cJSON_ArrayForEach(it, arr)
	{
		if (i == PGT_RO_STEPS_MAX)
			break;
		ev->view.steps[i].pct = take_num(it, "pct");
		pgt_json_get_bool(it, "entered", &ev->view.steps[i].entered);
		ev->view.steps[i].achieved_pct = take_num(it, "achieved_pct");
		ev->view.steps[i].verdict = (enum pgt_gate_verdict)name_index(
		    it, "verdict", pgt_gate_verdict_names, 4);
		ev->view.steps[i++].took_ns = take_ns(it, "took_s", 0);
	}
	ev->n_steps = i;
	arr = cJSON_GetObjectItemCaseSensitive(o, "nodes");
	for (i = 0; i < 2; i++)
		take_node(cJSON_GetArrayItem(arr, i), &ev->node[i]);
	take_evidence(cJSON_GetObjectItemCaseSensitive(o, "evidence"), ev);
	arr = cJSON_GetObjectItemCaseSensitive(o, "log");
	i = 0;
	cJSON_ArrayForEach(it, arr) if (i < PGT_RO_LOG && cJSON_IsString(it))
	    pgt_safetext_copy(ev->log[i++], sizeof(ev->log[0]), it->valuestring);
}

/* ---- finding ---- */

static bool
read_status(const char *path, struct pgt_ev_rollout *ret)
{
	struct pgt_err ignored;
	struct pgt_buf b;
	cJSON *json = NULL;

	pgt_buf_init(&b, STATUS_MAX);
	if (pgt_file_read(path, &b, &ignored) == 0)
		json = pgt_json_parse(pgt_buf_str(&b), b.len, STATUS_MAX, &ignored);
	pgt_buf_done(&b);
	if (!json)
		return false;
	take_event(json, ret);
	cJSON_Delete(json);
	return ret->id[0] != '\0';
}

static bool
is_status(const char *name, const char *id)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".json") == 0 &&
	       (!id || strncmp(name, id, strlen(id)) == 0);
}

/* The newest match; *ret_cluster (its folder) is the caller's. */
static int
find(const char *id, struct pgt_ev_rollout *ret, char **ret_cluster, struct pgt_err *err)
{
	char *state = pgt_file_state_dir(),
	     *clusters = pgt_xasprintf("%s/clusters", state);
	DIR *dir = opendir(clusters), *sub;
	struct pgt_ev_rollout ev;
	struct dirent *c, *f;
	char *found = NULL;

	while (dir && (c = readdir(dir))) {
		char *folder = pgt_xasprintf("%s/%s", clusters, c->d_name),
		     *rollouts = pgt_xasprintf("%s/rollouts", folder);

		sub = c->d_name[0] == '.' ? NULL : opendir(rollouts);
		while (sub && (f = readdir(sub))) {
			char *path = pgt_xasprintf("%s/%s", rollouts, f->d_name);

			if (is_status(f->d_name, id) && read_status(path, &ev) &&
			    (!found || ev.real_ns > ret->real_ns)) {
				*ret = ev;
				free(found);
				found = pgt_xstrdup(folder);
			}
			free(path);
		}
		if (sub)
			closedir(sub);
		free(rollouts);
		free(folder);
	}
	if (dir)
		closedir(dir);
	free(clusters);
	free(state);
	if (!found)
		return pgt_err_set(err, PGT_E_NOTFOUND, "there is no such rollout");
	*ret_cluster = found;
	return 0;
}

/* The journal knows what was done after the last status was written. */
static void
mark_lost(struct pgt_ev_rollout *ev, const char *cluster)
{
	struct pgt_lock_holder holder;
	struct pgt_journal *j = NULL;
	struct pgt_err ignored;
	char *path;
	bool closed;

	if (pgt_ro_is_end(ev->view.state))
		return;
	path = pgt_xasprintf("%s/rollouts/cs-%s.jnl", cluster, ev->id);
	closed = pgt_journal_read(path, &j, &ignored) == 0 &&
		 pgt_rollout_journal_closed(j);
	pgt_journal_close(j);
	free(path);
	if (closed) {
		ev->view.state = PGT_RO_ROLLED_BACK;
		ev->view.judging = ev->view.awaiting = ev->view.holding = false;
		ev->view.pct = 0;
		pgt_str_copy(ev->view.reason, sizeof(ev->view.reason),
			     "its console was lost: taken back without it");
		return;
	}
	ev->lost = !pgt_lock_check(cluster, LOCK_NAME, &holder) ||
		   pgt_clock_real_ns() - ev->real_ns > SILENT_NS;
}

int
pgt_rollout_status(const char *id, struct pgt_ev_rollout *ret, struct pgt_err *err)
{
	char *cluster;

	if (find(id, ret, &cluster, err) < 0)
		return -1;
	mark_lost(ret, cluster);
	free(cluster);
	return 0;
}

/* ---- words ---- */

static int
append(struct pgt_journal *j, enum pgt_jtype type, const char *command,
       struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	char who[128];
	int rc;

	pgt_change_who(who, sizeof(who));
	pgt_json_str(body, "who", who);
	pgt_json_str(body, "what", command);
	pgt_json_str(body, "command", command);
	pgt_json_num(body, "pct", 0);
	rc = pgt_journal_append(j, type, body, NULL, NULL, err);
	cJSON_Delete(body);
	return rc;
}

/* Nobody drives it and nobody guards it: done here. */
static int
take_back(struct pgt_journal *j, struct pgt_err *err)
{
	struct pgt_rollout_plan *plan = NULL;
	int rc = -1;

	if (pgt_rollout_journal_plan(j, &plan, err) < 0)
		return -1;
	if (pgt_rollout_journal_touched(j)) {
		if (pgt_rollout_zero(plan, err) < 0)
			goto out;
		if (append(j, PGT_J_RB_DONE, "weight", err) < 0)
			goto out;
	}
	rc = pgt_rollout_revert_changes(j, pgt_changing_env(), "the operator", err);
	if (rc == 0)
		rc = pgt_rollout_dispose(j, plan, err);
	if (rc == 0)
		rc = append(j, PGT_J_CLOSED, "close", err);
out:
	pgt_rollout_plan_free(plan);
	return rc;
}

int
pgt_rollout_tell(const char *id, const char *command, struct pgt_err *err)
{
	bool back = strcmp(command, "rollback") == 0;
	struct pgt_lock_holder holder;
	struct pgt_journal *j = NULL;
	struct pgt_ev_rollout ev;
	char *cluster, *path;
	int rc = -1;

	if (find(id, &ev, &cluster, err) < 0)
		return -1;
	path = pgt_xasprintf("%s/rollouts/cs-%s.jnl", cluster, ev.id);
	if (pgt_journal_open(path, &j, err) < 0)
		goto out;
	if (pgt_rollout_journal_closed(j))
		pgt_err_set(err, PGT_E_STATE, "rollout %.8s has ended: %s", ev.id,
			    pgt_ro_state_names[ev.view.state]);
	else if (pgt_lock_check(cluster, LOCK_NAME, &holder))
		rc = append(j, back ? PGT_J_RB_REQUEST : PGT_J_NOTE, command, err);
	else if (back)
		rc = take_back(j, err);
	else
		pgt_err_set(err, PGT_E_STATE,
			    "nobody drives rollout %.8s any more: roll it back", ev.id);
out:
	pgt_journal_close(j);
	free(path);
	free(cluster);
	return rc;
}

/* ---- history ---- */

char *
pgt_ro_metrics(double tps, double p99, double mean)
{
	cJSON *o = cJSON_CreateObject();
	char *text;

	pgt_json_num(o, "tps", tps);
	pgt_json_num(o, "latency_p99", p99);
	pgt_json_num(o, "latency_mean", mean);
	text = pgt_json_print(o, false);
	cJSON_Delete(o);
	return text;
}

char *
pgt_ro_after(const struct pgt_rollout_drive *d)
{
	const struct pgt_rollout_node *n = &d->node[d->plan->direct ? 0 : 1];
	double tps = n->tps;

	/* the load is on both while the traffic is shared */
	if (!d->plan->direct && isfinite(d->node[0].tps))
		tps += d->node[0].tps;
	return pgt_ro_metrics(tps, n->p99_ms, n->mean_ms);
}

static int
put_run(struct pgt_store *st, struct pgt_rollout_drive *d,
	const struct pgt_ev_rollout *ev, struct pgt_err *err)
{
	enum pgt_ro_state s = ev->view.state;
	cJSON *cfg = pgt_changeset_json(d->plan->cs, NULL),
	      *body = pgt_rollout_event_json(ev);
	char *config = pgt_json_print(cfg, false), *all = pgt_json_print(body, false);
	char *before = pgt_ro_metrics(d->base_tps, d->base_p99, d->base_mean),
	     *after = pgt_ro_after(d);
	char created[24], updated[24], pct[32];
	bool known = ev->view.evidence.buckets > 0 &&
		     isfinite(ev->view.evidence.mean_ratio);
	const char *cols[] = {
	    ev->id, created, updated, "knobs",
	    s == PGT_RO_DONE	    ? "promoted"
	    : s == PGT_RO_ROLLED_BACK ? "rolled_back"
	    : pgt_ro_is_end(s)	    ? "failed"
				    : "running",
	    config, before, after, known ? pct : NULL, pgt_ro_state_names[s],
	    d->make.workload[0] ? d->make.workload : NULL, all};
	int64_t node;
	int rc;

	/* canary against primary at the same moment, on the mean */
	snprintf(pct, sizeof(pct), "%.2f", -100 * ev->view.evidence.mean_ratio);
	snprintf(created, sizeof(created), "%lld",
		 (long long)(d->began_real_ns / 1000000));
	snprintf(updated, sizeof(updated), "%lld", (long long)(ev->real_ns / 1000000));
	rc = pgt_store_begin(st, err);
	if (rc == 0)
		rc = pgt_store_node(st, d->identity.fingerprint, d->identity.node,
				    d->meter[0].label, &node, err);
	if (rc == 0)
		rc = pgt_store_put_record(st, node, PGT_REC_RUN, cols, PGT_LEN(cols),
					  err);
	if (rc == 0)
		rc = pgt_store_commit(st, err);
	else
		pgt_store_rollback(st);
	free(config);
	free(all);
	free(before);
	free(after);
	cJSON_Delete(cfg);
	cJSON_Delete(body);
	return rc;
}

void
pgt_ro_record(struct pgt_rollout_drive *d)
{
	char *where = pgt_history_where(d->options), text[160];
	struct pgt_ev_rollout ev;
	struct pgt_store *st = NULL;
	struct pgt_err err = {0};

	if (!where)
		return;
	pgt_rollout_drive_event(d, &ev);
	if (pgt_store_open(where, &st, &err) < 0 || put_run(st, d, &ev, &err) < 0) {
		snprintf(text, sizeof(text), "not kept in the history: %.120s", err.msg);
		pgt_ro_drive_say(d, text);
	}
	pgt_store_close(st);
	free(where);
}
