#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/decide/decide.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/sql.h"
#include "watch_priv.h"

#define RULES_FILE  "sql/rules/pg2une.dl"
#define RULES_MAX   (1u << 20)
#define ROUND_NS    (15 * PGT_NS_PER_S) /* the detectors' bucket */
#define COOLDOWN_S  300.0 /* reference/pg2une.md section 4, rule 5 */
#define TEXTS_MAX   16
#define QUERIES_MAX 512

struct pgt_watcher {
	struct pgt_watch *feed;
	struct pgt_detect *detect;
	struct pgt_query_key fresh[TEXTS_MAX]; /* new statements without a text */
	size_t n_fresh;
	struct pgt_decide *decide;
	char rules_message[256];
	struct pgt_hist_query minute[QUERIES_MAX];
	size_t n_minute;
	int64_t next_round_ns;
	char workload[16], workload_before[16];
	int64_t last_run_end_real_ns;
	bool run_active;
	struct pgt_decision decision;
	bool have_decision;
};

/* ---- rules ---- */

static void
load_rules(struct pgt_watcher *w, const char *path)
{
	const char *builtin = pgt_sql_file(RULES_FILE);
	struct pgt_err err = {0};
	struct pgt_buf text;

	if (!builtin ||
	    pgt_decide_new(RULES_FILE, builtin, strlen(builtin), &w->decide, &err) < 0)
		pgt_safetext_copy(w->rules_message, sizeof(w->rules_message), err.msg);
	if (!path || !w->decide)
		return;
	pgt_buf_init(&text, RULES_MAX);
	if (pgt_file_read(path, &text, &err) < 0 ||
	    pgt_decide_load(w->decide, path, pgt_buf_str(&text), text.len, &err) < 0) {
		pgt_err_prefix(&err, "the built-in rules stay");
		pgt_safetext_copy(w->rules_message, sizeof(w->rules_message), err.msg);
	}
	pgt_buf_done(&text);
}

struct pgt_watcher *
pgt_watcher_new(const struct pgt_options *o)
{
	struct pgt_watcher *w = pgt_xcalloc(1, sizeof(*w));
	struct pgt_detect_config cfg = pgt_detect_defaults();

	cfg.budget_per_week = pgt_options_num(o, "false-alarms");
	if (strcmp(pgt_options_str(o, "detect-profile"), "seed") == 0)
		cfg.profile = PGT_PROFILE_SEED;
	w->detect = pgt_detect_new(&cfg);
	w->feed = pgt_watch_new();
	load_rules(w, pgt_options_str(o, "rules"));
	return w;
}

const char *
pgt_watcher_rules_message(const struct pgt_watcher *w)
{
	return w->rules_message;
}

void
pgt_watcher_free(struct pgt_watcher *w)
{
	if (!w)
		return;
	if (w->have_decision)
		pgt_decision_done(&w->decision);
	pgt_decide_free(w->decide);
	pgt_watch_free(w->feed);
	pgt_detect_free(w->detect);
	free(w);
}

/* ---- statements, a minute at a time ---- */

static int64_t
whole(double v)
{
	return isfinite(v) ? (int64_t)llround(v) : 0;
}

static void
keep_minute(struct pgt_watcher *w, const struct pgt_snapshot *s)
{
	const struct pgt_watch_row *rows = pgt_watch_minute(w->feed, &w->n_minute);

	if (w->n_minute > QUERIES_MAX)
		w->n_minute = QUERIES_MAX;
	for (size_t i = 0; i < w->n_minute; i++) {
		const struct pgt_watch_row *r = &rows[i];

		w->minute[i] = (struct pgt_hist_query){
		    .t_ms = s->real_ns / PGT_NS_PER_MS / 60000 * 60000,
		    .queryid = r->key.queryid,
		    .userid = r->key.userid,
		    .dbid = r->key.dbid,
		    .calls = whole(r->m.n),
		    .mean_ms = r->m.mean,
		    .total_ms = r->m.mean * r->m.n,
		    .var_ms2 = r->var_ok ? r->m.m2 / r->m.n : NAN,
		    .rows = whole(r->rows),
		    .blks_hit = whole(r->blks_hit),
		    .blks_read = whole(r->blks_read),
		    .temp_written = whole(r->temp_written),
		};
	}
}

/* ---- a round of decisions ---- */

static void
decide(struct pgt_watcher *w, const struct pgt_snapshot *s)
{
	struct pgt_decide_input in;
	struct pgt_decision next;
	struct pgt_err err = {0};

	if (!w->decide)
		return;
	pgt_decide_gather(w->detect, &in);
	in.now_real_ns = s->real_ns;
	in.workload = *w->workload ? w->workload : NULL;
	in.workload_before = *w->workload_before ? w->workload_before : NULL;
	in.last_run_end_real_ns = w->last_run_end_real_ns;
	in.run_active = w->run_active;
	in.cooldown_s = COOLDOWN_S;
	if (pgt_decide_run(w->decide, &in, &next, &err) < 0) {
		pgt_safetext_copy(w->rules_message, sizeof(w->rules_message), err.msg);
		return;
	}
	if (w->have_decision)
		pgt_decision_done(&w->decision);
	w->decision = next;
	w->have_decision = true;
}

static void *
copy(const void *src, size_t n, size_t size)
{
	void *dst = pgt_xreallocarray(NULL, n ? n : 1, size);

	if (n)
		memcpy(dst, src, n * size);
	return dst;
}

static struct pgt_ev_alerts *
make_event(const struct pgt_watcher *w, int64_t real_ns)
{
	struct pgt_ev_alerts *ev = pgt_xcalloc(1, sizeof(*ev));
	const struct pgt_usl *usl = pgt_detect_usl(w->detect);
	const struct pgt_query_regression *reg;
	const struct pgt_alert *al;
	const struct pgt_event *happened = pgt_detect_events(w->detect, &ev->n_events);

	ev->real_ns = real_ns;
	ev->events = copy(happened, ev->n_events, sizeof(*happened));
	al = pgt_detect_alerts(w->detect, &ev->n_alerts);
	ev->alerts = copy(al, ev->n_alerts, sizeof(*al));
	reg = pgt_detect_regressions(w->detect, &ev->n_regressions);
	ev->regressions = copy(reg, ev->n_regressions, sizeof(*reg));
	for (int m = 0; m < PGT_METRIC__N; m++)
		ev->charts[m] = pgt_detect_chart(w->detect, (enum pgt_metric)m);
	for (int m = 0; m < PGT_METRIC__N; m++)
		ev->forecast[m].known = pgt_detect_next_hour(
		    w->detect, (enum pgt_metric)m, real_ns, &ev->forecast[m].mid,
		    &ev->forecast[m].lo, &ev->forecast[m].hi);
	ev->confidence = pgt_detect_confidence(w->detect);
	if (usl)
		ev->usl = *usl;
	pgt_str_copy(ev->rules_message, sizeof(ev->rules_message), w->rules_message);
	if (!w->have_decision)
		return ev;
	ev->suppressed = w->decision.suppressed;
	ev->facts = w->decision.facts ? pgt_xstrdup(w->decision.facts) : NULL;
	for (size_t i = 0; i < w->decision.n && i < PGT_LEN(ev->actions); i++) {
		const struct pgt_action *a = &w->decision.action[i];
		struct pgt_ev_action *b = &ev->actions[ev->n_actions++];

		pgt_str_copy(b->name, sizeof(b->name), a->name);
		b->act = a->act;
		b->ready = a->ready;
		b->why = a->why ? pgt_xstrdup(a->why) : NULL;
	}
	return ev;
}

/* What a new statement is (DDL, a release) only its text tells. */
static void
want_fresh_texts(struct pgt_watcher *w, const struct pgt_snapshot *s)
{
	w->n_fresh = 0;
	for (size_t i = 0; i < s->n_queries && w->n_fresh < TEXTS_MAX; i++)
		if (s->queries[i].is_new && !s->queries[i].text && !s->queries[i].ours)
			w->fresh[w->n_fresh++] = s->queries[i].key;
}

struct pgt_ev_alerts *
pgt_watcher_feed(struct pgt_watcher *w, const struct pgt_snapshot *s)
{
	const char *workload = pgt_workload_names[s->workload];
	int changed;

	if (s->workload != PGT_WORKLOAD_UNKNOWN && strcmp(w->workload, workload) != 0) {
		memcpy(w->workload_before, w->workload, sizeof(w->workload));
		pgt_str_copy(w->workload, sizeof(w->workload), workload);
	}
	want_fresh_texts(w, s);
	changed = pgt_watch_feed(w->feed, s, w->detect);
	keep_minute(w, s);
	if (changed == 0 && s->mono_ns < w->next_round_ns)
		return NULL;
	w->next_round_ns = s->mono_ns + ROUND_NS;
	decide(w, s);
	return make_event(w, s->real_ns);
}

const struct pgt_hist_query *
pgt_watcher_minute(const struct pgt_watcher *w, size_t *ret_n)
{
	*ret_n = w->n_minute;
	return w->minute;
}

size_t
pgt_watcher_texts(const struct pgt_watcher *w, struct pgt_query_key *ret, size_t max)
{
	size_t n = w->n_fresh < max ? w->n_fresh : max;

	memcpy(ret, w->fresh, n * sizeof(*ret));
	return n;
}

void
pgt_watcher_past(struct pgt_watcher *w, const struct pgt_hist_point *p, size_t n)
{
	/* The lag is kept in bytes and watched in seconds: it is not carried over. */
	static const enum pgt_hist_col col[PGT_METRIC__N] = {
	    [PGT_METRIC_TPS] = PGT_H_TPS,
	    [PGT_METRIC_LATENCY_MEAN] = PGT_H_MEAN,
	    [PGT_METRIC_LATENCY_P99] = PGT_H_P99,
	    [PGT_METRIC_HIT_RATIO] = PGT_H_HIT,
	    [PGT_METRIC_LOCK_WAITS] = PGT_H_BLOCKED,
	    [PGT_METRIC_ACTIVE_SESSIONS] = PGT_H_ACTIVE,
	    [PGT_METRIC_TEMP_BYTES] = PGT_H_TEMP,
	    [PGT_METRIC_WAL_BYTES] = PGT_H_WAL,
	    [PGT_METRIC_REPLICATION_LAG] = PGT_H_N,
	    [PGT_METRIC_ERROR_RATE] = PGT_H_ERRORS,
	};
	struct pgt_detect_past *past = pgt_xcalloc(n + 1, sizeof(*past));

	for (size_t i = 0; i < n; i++) {
		past[i].real_ns = p[i].t_ms * PGT_NS_PER_MS;
		for (int m = 0; m < PGT_METRIC__N; m++)
			past[i].value[m] = col[m] < PGT_H_N ? p[i].v[col[m]] : NAN;
	}
	pgt_detect_past(w->detect, past, n);
	free(past);
}

const struct pgt_attend *
pgt_watcher_ack(struct pgt_watcher *w, uint64_t id)
{
	w->next_round_ns = 0;
	return pgt_detect_ack(w->detect, id, pgt_clock_real_ns());
}

const struct pgt_attend *
pgt_watcher_silence(struct pgt_watcher *w, uint64_t id, int64_t until_real_ns)
{
	w->next_round_ns = 0;
	return pgt_detect_silence(w->detect, id, until_real_ns, pgt_clock_real_ns());
}

void
pgt_watcher_attend(struct pgt_watcher *w, const struct pgt_attend *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pgt_detect_attend(w->detect, &words[i]))
			w->next_round_ns = 0;
}

void
pgt_watcher_hurry(struct pgt_watcher *w)
{
	w->next_round_ns = 0;
}

void
pgt_watcher_run(struct pgt_watcher *w, bool active, int64_t real_ns)
{
	w->run_active = active;
	if (!active)
		w->last_run_end_real_ns = real_ns;
}

void
pgt_ev_alerts_free(void *p)
{
	struct pgt_ev_alerts *ev = p;

	if (!ev)
		return;
	for (size_t i = 0; i < ev->n_actions; i++)
		free(ev->actions[i].why);
	free(ev->alerts);
	free(ev->events);
	free(ev->regressions);
	free(ev->facts);
	free(ev);
}
