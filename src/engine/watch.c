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
#define QUERIES_NS  (60 * PGT_NS_PER_S)
#define ROUND_NS    (15 * PGT_NS_PER_S) /* the detectors' bucket */
#define COOLDOWN_S  300.0 /* reference/pg2une.md section 4, rule 5 */
#define QUERIES_MAX 512

struct tally { /* one statement over the running minute */
	struct pgt_query_key key;
	double calls, total_ms, m2; /* m2: sum of squared deviations from the mean */
	double rows, hit, read, temp;
	bool var_ok;
};

struct pgt_watch {
	struct pgt_detect *detect;
	struct pgt_happenings *happenings;
	struct pgt_decide *decide;
	char rules_message[256];
	struct tally tally[QUERIES_MAX];
	size_t n_tally;
	struct pgt_hist_query minute[QUERIES_MAX];
	size_t n_minute;
	int64_t tally_began_ns, tally_taken_ns;
	int64_t next_round_ns;
	char workload[16], workload_before[16];
	double value[PGT_METRIC__N];
	int64_t last_run_end_real_ns;
	bool run_active;
	struct pgt_decision decision;
	bool have_decision;
};

/* ---- rules ---- */

static void
load_rules(struct pgt_watch *w, const char *path)
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

struct pgt_watch *
pgt_watch_new(const struct pgt_options *o)
{
	struct pgt_watch *w = pgt_xcalloc(1, sizeof(*w));
	struct pgt_detect_config cfg = pgt_detect_defaults();

	cfg.budget_per_week = pgt_options_num(o, "false-alarms");
	if (strcmp(pgt_options_str(o, "detect-profile"), "seed") == 0)
		cfg.profile = PGT_PROFILE_SEED;
	w->detect = pgt_detect_new(&cfg);
	w->happenings = pgt_happenings_new();
	load_rules(w, pgt_options_str(o, "rules"));
	return w;
}

void
pgt_watch_free(struct pgt_watch *w)
{
	if (!w)
		return;
	if (w->have_decision)
		pgt_decision_done(&w->decision);
	pgt_decide_free(w->decide);
	pgt_happenings_free(w->happenings);
	pgt_detect_free(w->detect);
	free(w);
}

/* ---- from a snapshot to plain numbers ---- */

static double
replication_lag_s(const struct pgt_snapshot *s)
{
	double worst = NAN;

	if (s->receiver.present)
		return s->receiver.replay_lag_bytes == 0
			   ? 0
			   : s->receiver.replay_delay_ms / 1000;
	for (size_t i = 0; i < s->n_replicas; i++) {
		const struct pgt_replica *r = &s->replicas[i];
		/* Caught up: the server keeps showing the last lag that it saw. */
		double lag = r->replay_lag_bytes == 0 ? 0 : r->replay_lag_ms / 1000;

		worst = isnan(worst) ? lag : fmax(worst, lag);
	}
	return worst;
}

static void
fill_sample(struct pgt_detect_sample *ds, const struct pgt_snapshot *s)
{
	bool ok = s->gap == 0;

	ds->now_ns = s->mono_ns;
	ds->real_ns = s->real_ns;
	for (int i = 0; i < PGT_METRIC__N; i++)
		ds->value[i] = NAN;
	ds->load = NAN;
	if (!ok)
		return;
	ds->value[PGT_METRIC_TPS] = s->rate.tps;
	ds->value[PGT_METRIC_LATENCY_MEAN] = s->latency.mean_ms;
	ds->value[PGT_METRIC_LATENCY_P99] = s->latency.p99_ms;
	ds->value[PGT_METRIC_HIT_RATIO] = s->rate.hit_ratio;
	ds->value[PGT_METRIC_TEMP_BYTES] = s->rate.temp_bytes;
	ds->value[PGT_METRIC_WAL_BYTES] = s->rate.wal_bytes;
	ds->value[PGT_METRIC_ERROR_RATE] = s->rate.errors;
	ds->value[PGT_METRIC_REPLICATION_LAG] = replication_lag_s(s);
	ds->load = s->rate.tps;
	if (s->section[PGT_SEC_ACTIVITY].available) {
		ds->value[PGT_METRIC_ACTIVE_SESSIONS] = s->sessions.active;
		ds->value[PGT_METRIC_LOCK_WAITS] = s->sessions.blocked;
	}
}

/* ---- statements, a minute at a time ---- */

static struct tally *
find_tally(struct pgt_watch *w, const struct pgt_query_key *k)
{
	for (size_t i = 0; i < w->n_tally; i++)
		if (w->tally[i].key.queryid == k->queryid &&
		    w->tally[i].key.userid == k->userid &&
		    w->tally[i].key.dbid == k->dbid &&
		    w->tally[i].key.toplevel == k->toplevel)
			return &w->tally[i];
	if (w->n_tally == QUERIES_MAX)
		return NULL;
	w->tally[w->n_tally] = (struct tally){.key = *k, .var_ok = true};
	return &w->tally[w->n_tally++];
}

/* Chan, Golub and LeVeque 1979: joining two groups' moments. */
static void
join(struct tally *t, const struct pgt_query *q)
{
	double mean = t->calls > 0 ? t->total_ms / t->calls : 0, d;

	if (isnan(q->var_ms2))
		t->var_ok = t->var_ok && q->calls <= 1;
	else
		t->m2 += q->var_ms2 * q->calls;
	if (t->calls > 0) {
		d = q->total_ms / q->calls - mean;
		t->m2 += d * d * t->calls * q->calls / (t->calls + q->calls);
	}
	t->calls += q->calls;
	t->total_ms += q->total_ms;
	t->rows += q->rows * q->calls;
	t->hit += q->shared_hit;
	t->read += q->shared_read;
	t->temp += q->temp_written;
}

static uint64_t
key_hash(const struct pgt_query_key *k)
{
	uint64_t h = (uint64_t)k->queryid * UINT64_C(0x9E3779B97F4A7C15);

	h ^= ((uint64_t)k->userid << 33) ^ ((uint64_t)k->dbid << 1) ^
	     (k->toplevel ? 1 : 0);
	return h * UINT64_C(0xBF58476D1CE4E5B9);
}

static int64_t
whole(double v)
{
	return isfinite(v) ? (int64_t)llround(v) : 0;
}

static void
keep_minute(struct pgt_watch *w, const struct pgt_snapshot *s)
{
	for (size_t i = 0; i < w->n_tally; i++) {
		const struct tally *t = &w->tally[i];

		w->minute[i] = (struct pgt_hist_query){
		    .t_ms = s->real_ns / PGT_NS_PER_MS / 60000 * 60000,
		    .queryid = t->key.queryid,
		    .userid = t->key.userid,
		    .dbid = t->key.dbid,
		    .calls = whole(t->calls),
		    .mean_ms = t->total_ms / t->calls,
		    .total_ms = t->total_ms,
		    .var_ms2 = t->var_ok ? t->m2 / t->calls : NAN,
		    .rows = whole(t->rows),
		    .blks_hit = whole(t->hit),
		    .blks_read = whole(t->read),
		    .temp_written = whole(t->temp),
		};
	}
	w->n_minute = w->n_tally;
}

static void
flush_tally(struct pgt_watch *w, const struct pgt_snapshot *s)
{
	struct pgt_query_interval q[QUERIES_MAX];

	for (size_t i = 0; i < w->n_tally; i++)
		q[i] = (struct pgt_query_interval){
		    .key = key_hash(&w->tally[i].key),
		    .queryid = w->tally[i].key.queryid,
		    .calls = w->tally[i].calls,
		    .mean_ms = w->tally[i].total_ms / w->tally[i].calls,
		    .var_ms2 = w->tally[i].m2 / w->tally[i].calls,
		    .var_ok = w->tally[i].var_ok,
		};
	pgt_detect_feed_queries(w->detect, s->real_ns,
				(double)(s->mono_ns - w->tally_began_ns) / 1e9, q,
				w->n_tally);
	keep_minute(w, s);
	w->n_tally = 0;
	w->tally_began_ns = s->mono_ns;
}

static void
feed_queries(struct pgt_watch *w, const struct pgt_snapshot *s)
{
	const struct pgt_section *sec = &s->section[PGT_SEC_STATEMENTS];

	if (s->gap || !sec->available || s->statements_window_ns <= 0)
		return;
	if (w->tally_began_ns == 0)
		w->tally_began_ns = s->mono_ns;
	/* Windows may overlap from tick to tick: take each stretch of time once. */
	if (sec->taken_ns < w->tally_taken_ns + s->statements_window_ns)
		return;
	w->tally_taken_ns = sec->taken_ns;
	for (size_t i = 0; i < s->n_queries; i++) {
		struct tally *t;

		if (s->queries[i].ours || !(s->queries[i].calls > 0))
			continue;
		t = find_tally(w, &s->queries[i].key);
		if (t)
			join(t, &s->queries[i]);
	}
	if (s->mono_ns - w->tally_began_ns >= QUERIES_NS)
		flush_tally(w, s);
}

/* ---- a round of decisions ---- */

static void
decide(struct pgt_watch *w, const struct pgt_snapshot *s)
{
	struct pgt_decide_input in = {
	    .now_real_ns = s->real_ns,
	    .confidence = pgt_detect_confidence(w->detect),
	    .usl = pgt_detect_usl(w->detect),
	    .workload = *w->workload ? w->workload : NULL,
	    .workload_before = *w->workload_before ? w->workload_before : NULL,
	    .last_run_end_real_ns = w->last_run_end_real_ns,
	    .run_active = w->run_active,
	    .cooldown_s = COOLDOWN_S,
	};
	struct pgt_decision next;
	struct pgt_err err = {0};

	if (!w->decide)
		return;
	in.alerts = pgt_detect_alerts(w->detect, &in.n_alerts);
	in.regressions = pgt_detect_regressions(w->detect, &in.n_regressions);
	for (int m = 0; m < PGT_METRIC__N; m++) {
		size_t n = 0;
		const struct pgt_change_point *cp =
		    pgt_detect_changepoints(w->detect, (enum pgt_metric)m, &n);

		for (size_t i = 0; i < n; i++)
			in.change_magnitude[m] = fmax(in.change_magnitude[m],
						      cp[i].magnitude);
		in.seasonal_deviation[m] = pgt_detect_seasonal(w->detect,
							       (enum pgt_metric)m);
		in.value[m] = w->value[m];
	}
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
make_event(const struct pgt_watch *w, int64_t real_ns)
{
	struct pgt_ev_alerts *ev = pgt_xcalloc(1, sizeof(*ev));
	const struct pgt_usl *usl = pgt_detect_usl(w->detect);
	const struct pgt_query_regression *reg;
	const struct pgt_alert *al;

	ev->real_ns = real_ns;
	al = pgt_detect_alerts(w->detect, &ev->n_alerts);
	ev->alerts = copy(al, ev->n_alerts, sizeof(*al));
	reg = pgt_detect_regressions(w->detect, &ev->n_regressions);
	ev->regressions = copy(reg, ev->n_regressions, sizeof(*reg));
	for (int m = 0; m < PGT_METRIC__N; m++)
		ev->charts[m] = pgt_detect_chart(w->detect, (enum pgt_metric)m);
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

struct pgt_ev_alerts *
pgt_watch_feed(struct pgt_watch *w, const struct pgt_snapshot *s)
{
	struct pgt_detect_sample ds;
	const char *workload = pgt_workload_names[s->workload];
	int changed;

	w->n_minute = 0;
	fill_sample(&ds, s);
	memcpy(w->value, ds.value, sizeof(w->value));
	if (s->workload != PGT_WORKLOAD_UNKNOWN && strcmp(w->workload, workload) != 0) {
		memcpy(w->workload_before, w->workload, sizeof(w->workload));
		pgt_str_copy(w->workload, sizeof(w->workload), workload);
	}
	pgt_happenings_feed(w->happenings, w->detect, s);
	feed_queries(w, s);
	changed = pgt_detect_feed(w->detect, &ds);
	if (changed == 0 && s->mono_ns < w->next_round_ns)
		return NULL;
	w->next_round_ns = s->mono_ns + ROUND_NS;
	decide(w, s);
	return make_event(w, s->real_ns);
}

const struct pgt_hist_query *
pgt_watch_minute(const struct pgt_watch *w, size_t *ret_n)
{
	*ret_n = w->n_minute;
	return w->minute;
}

size_t
pgt_watch_texts(const struct pgt_watch *w, struct pgt_query_key *ret, size_t max)
{
	return pgt_happenings_texts(w->happenings, ret, max);
}

void
pgt_watch_ack(struct pgt_watch *w, uint64_t id)
{
	pgt_detect_ack(w->detect, id);
	w->next_round_ns = 0;
}

void
pgt_watch_silence(struct pgt_watch *w, uint64_t id, int64_t until_real_ns)
{
	pgt_detect_silence(w->detect, id, until_real_ns);
	w->next_round_ns = 0;
}

void
pgt_watch_run(struct pgt_watch *w, bool active, int64_t real_ns)
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
	free(ev->regressions);
	free(ev->facts);
	free(ev);
}
