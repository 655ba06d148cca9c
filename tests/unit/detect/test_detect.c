/* The whole of detection, fed with plain seconds and with snapshots. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/detect.h"
#include "pg2une/detect/watch.h"
#include "pg2une/num/random.h"

#define START_NS (INT64_C(1767571200) * PGT_NS_PER_S)

struct server {
	struct pgt_detect *d;
	struct pgt_random r;
	int64_t s;
	double slow;    /* factor on latency */
	double blocked; /* lock waits */
};

static void
server_init(struct server *v, enum pgt_detect_profile profile, uint64_t seed)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();

	cfg.profile = profile;
	*v = (struct server){.d = pgt_detect_new(&cfg), .slow = 1};
	pgt_random_init(&v->r, seed);
}

static double
noisy(struct server *v, double level, double sd)
{
	return level * exp(sd * pgt_random_normal(&v->r));
}

/* A closed loop of 16 clients: throughput is 16 over latency. */
static int
server_run(struct server *v, int seconds)
{
	int changed = 0;

	for (int i = 0; i < seconds; i++, v->s++) {
		struct pgt_detect_sample x = {.now_ns = (v->s + 1) * PGT_NS_PER_S,
					      .real_ns = START_NS + v->s * PGT_NS_PER_S};
		double ms = noisy(v, 2 * v->slow, 0.1);

		x.value[PGT_METRIC_LATENCY_MEAN] = ms;
		x.value[PGT_METRIC_LATENCY_P99] = noisy(v, 10 * v->slow, 0.2);
		x.value[PGT_METRIC_TPS] = x.load = 16000 / ms;
		x.value[PGT_METRIC_HIT_RATIO] = 1 - noisy(v, 0.01, 0.2);
		x.value[PGT_METRIC_LOCK_WAITS] = v->blocked;
		x.value[PGT_METRIC_ACTIVE_SESSIONS] = 8 + 8 * pgt_random_uniform(&v->r);
		x.value[PGT_METRIC_TEMP_BYTES] = 0;
		x.value[PGT_METRIC_WAL_BYTES] = noisy(v, 5e6, 0.3);
		x.value[PGT_METRIC_REPLICATION_LAG] = NAN;
		x.value[PGT_METRIC_ERROR_RATE] = 0;
		changed += pgt_detect_feed(v->d, &x);
	}
	return changed;
}

static void
test_steady(void **state)
{
	struct server v;
	size_t n;

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		server_init(&v, PGT_PROFILE_BUDGET, seed);
		server_run(&v, 3 * 3600);
		pgt_detect_alerts(v.d, &n);
		assert_int_equal(n, 0);
		assert_false(pgt_detect_confidence(v.d).high);
		assert_int_equal(pgt_detect_chart(v.d, PGT_METRIC_REPLICATION_LAG).phase,
				 PGT_CHART_UNKNOWN);
		pgt_detect_free(v.d);
	}
}

static void
test_one_event(void **state)
{
	struct pgt_event ev = {
	    .kind = PGT_EVENT_SETTING, .weight = 1, .text = "jit on -> off"};
	const struct pgt_alert *a;
	const struct pgt_attend *w;
	struct server v;
	int64_t now;
	size_t n;

	(void)state;
	server_init(&v, PGT_PROFILE_BUDGET, 3);
	server_run(&v, 3600);
	ev.real_ns = START_NS + (v.s - 5) * PGT_NS_PER_S;
	pgt_detect_event(v.d, &ev);
	v.slow = 2;
	server_run(&v, 240);
	a = pgt_detect_alerts(v.d, &n);
	/* latency, p99 and throughput are one matter */
	assert_int_equal(n, 1);
	assert_int_equal(a->family, PGT_FAMILY_PERFORMANCE);
	assert_true(a->metrics & 1u << PGT_METRIC_TPS);
	assert_true(a->metrics & 1u << PGT_METRIC_LATENCY_MEAN);
	assert_true(a->degrade && a->state == PGT_ALERT_OPEN);
	assert_true(a->onset_real_ns <= a->detected_real_ns);
	assert_true(fabs((double)(a->onset_real_ns - START_NS) / 1e9 - 3600) <= 30);
	assert_true((a->detected_real_ns - START_NS) / PGT_NS_PER_S <= 3600 + 120);
	assert_true(a->n_causes == 1 && a->causes[0].event.kind == PGT_EVENT_SETTING);
	assert_string_equal(a->causes[0].event.text, "jit on -> off");

	now = START_NS + v.s * PGT_NS_PER_S;
	assert_true(pgt_detect_ack(v.d, a->id, now) && a->acked);
	w = pgt_detect_silence(v.d, a->id, now + 99, now + 1);
	assert_true(w && w->acked_real_ns == now &&
		    a->silenced_until_real_ns == now + 99);
	assert_null(pgt_detect_ack(v.d, a->id + 1, now));

	/* The change point confirms within five minutes: together that is high. */
	server_run(&v, 600);
	assert_true(pgt_detect_confidence(v.d).high);
	a = pgt_detect_alerts(v.d, &n);
	assert_true(a->confidence >= 0.29);
	assert_non_null(pgt_detect_changepoints(v.d, PGT_METRIC_TPS, &n));
	v.slow = 1;
	server_run(&v, 900);
	a = pgt_detect_alerts(v.d, &n);
	assert_int_equal(a->state, PGT_ALERT_CLEARED);
	assert_true(a->ended_real_ns > a->detected_real_ns);
	assert_null(pgt_detect_ack(v.d, a->id, now));
	pgt_detect_free(v.d);
}

static void
test_lock_alert(void **state)
{
	const struct pgt_alert *a;
	struct server v;
	size_t n;

	(void)state;
	server_init(&v, PGT_PROFILE_BUDGET, 5);
	server_run(&v, 1800);
	v.blocked = 12;
	server_run(&v, 180);
	a = pgt_detect_alerts(v.d, &n);
	assert_int_equal(n, 1);
	assert_int_equal(a->metric, PGT_METRIC_LOCK_WAITS);
	assert_int_equal(a->severity, PGT_SEV_CRITICAL);
	assert_true((a->detected_real_ns - START_NS) / PGT_NS_PER_S <= 1800 + 105);
	pgt_detect_free(v.d);
}

/* A word holds for the kind: for the next alert of it too, from another console too, and the
 * later word wins.  What began after an acknowledgement is news. */
static void
test_words_on_a_kind(void **state)
{
	struct pgt_attend word = {.family = PGT_FAMILY_LOCKS, .said_real_ns = 2};
	const struct pgt_alert *a;
	struct server v;
	size_t n;

	(void)state;
	server_init(&v, PGT_PROFILE_BUDGET, 5);
	server_run(&v, 1800);
	word.acked_real_ns = START_NS;
	word.silenced_until_real_ns = START_NS + 7200 * PGT_NS_PER_S;
	assert_true(pgt_detect_attend(v.d, &word));
	v.blocked = 12;
	server_run(&v, 180);
	a = pgt_detect_alerts(v.d, &n);
	assert_int_equal(n, 1);
	assert_true(a->silenced_until_real_ns == word.silenced_until_real_ns);
	assert_false(a->acked);

	word.silenced_until_real_ns = 0;
	assert_false(pgt_detect_attend(v.d, &word)); /* said at the same time: known */
	assert_true(a->silenced_until_real_ns > 0);
	word.said_real_ns = 3;
	word.acked_real_ns = a->onset_real_ns;
	assert_true(pgt_detect_attend(v.d, &word));
	assert_true(a->silenced_until_real_ns == 0 && a->acked);

	word = (struct pgt_attend){.family = PGT_FAMILY_QUERY,
				   .said_real_ns = 4,
				   .silenced_until_real_ns = INT64_MAX};
	for (int i = 0; i < 1000; i++, word.said_real_ns++, word.queryid++)
		pgt_detect_attend(v.d, &word); /* bounded */
	assert_true(a->silenced_until_real_ns == 0 && a->acked);
	pgt_detect_free(v.d);
}

/* The reference's fixed thresholds are there by name, and are as noisy as computed. */
static void
test_seed_profile(void **state)
{
	struct pgt_chart_state c;
	struct server v;
	size_t n;

	(void)state;
	server_init(&v, PGT_PROFILE_SEED, 7);
	c = pgt_detect_chart(v.d, PGT_METRIC_TPS);
	assert_true(c.h == 4 && c.k == 0.5 && fabs(c.arl0 - 335.37) < 0.1);
	c = pgt_detect_chart(v.d, PGT_METRIC_HIT_RATIO);
	assert_true(c.h == 3 && c.k == 0.3);
	pgt_detect_free(v.d);
	server_init(&v, PGT_PROFILE_BUDGET, 7);
	c = pgt_detect_chart(v.d, PGT_METRIC_TPS);
	assert_true(c.h > 10 && c.h < 13);
	server_run(&v, 1200);
	c = pgt_detect_chart(v.d, PGT_METRIC_TPS);
	assert_int_equal(c.phase, PGT_CHART_WATCHING);
	assert_true(c.lo < c.expected && c.expected < c.hi && c.hi < 1.5 * c.lo);
	assert_true(fabs(c.z) <= 3);
	assert_true(pgt_metric_buckets(pgt_detect_track(v.d, PGT_METRIC_TPS))->len >= 79);
	pgt_detect_alerts(v.d, &n);
	assert_int_equal(n, 0);
	pgt_detect_free(v.d);
}

static void
test_query_alert(void **state)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_detect *d = pgt_detect_new(&cfg);
	struct pgt_query_interval q = {.key = 9,
				       .queryid = 99,
				       .calls = 600,
				       .mean_ms = 2,
				       .var_ms2 = 1,
				       .var_ok = true};
	const struct pgt_alert *a;
	size_t n;

	(void)state;
	for (int i = 1; i <= 40; i++) {
		q.mean_ms = i <= 20 || i > 30 ? 2 + 0.05 * (i % 3) : 8;
		pgt_detect_feed_queries(d, i * 60 * PGT_NS_PER_S, 60, &q, 1);
		a = pgt_detect_alerts(d, &n);
		if (i != 21 && i != 22) /* two or three of its window */
			assert_int_equal(n, i > 22);
	}
	assert_int_equal(a->family, PGT_FAMILY_QUERY);
	assert_true(a->query_key == 9 && a->queryid == 99);
	assert_int_equal(a->state, PGT_ALERT_CLEARED);
	/* the jump at the same load is told as a suspected plan change */
	assert_true(a->n_causes == 1 && a->causes[0].event.kind == PGT_EVENT_PLAN_CHANGE);
	pgt_detect_free(d);
}

/* More alerts than are kept: the newest stay, open ones before ended ones. */
static void
test_alerts_max(void **state)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_query_interval q[6];
	const struct pgt_alert *a;
	struct pgt_detect *d;
	size_t n;

	(void)state;
	cfg.alerts_max = 4;
	d = pgt_detect_new(&cfg);
	for (int i = 1; i <= 24; i++) {
		for (int j = 0; j < 6; j++)
			q[j] = (struct pgt_query_interval){.key = (uint64_t)j + 1,
							   .queryid = j,
							   .calls = 500,
							   .mean_ms = i <= 20 ? 2 : 9,
							   .var_ms2 = 1,
							   .var_ok = true};
		pgt_detect_feed_queries(d, i * 60 * PGT_NS_PER_S, 60, q, 6);
	}
	a = pgt_detect_alerts(d, &n);
	assert_int_equal(n, 4);
	for (size_t i = 1; i < n; i++)
		assert_true(a[i].id > a[i - 1].id);
	pgt_detect_free(d);
}

static void
test_names(void **state)
{
	enum pgt_metric m;

	(void)state;
	assert_true(pgt_metric_parse("latency_p99", &m) && m == PGT_METRIC_LATENCY_P99);
	assert_false(pgt_metric_parse("nonsense", &m));
	assert_string_equal(pgt_metric_name(PGT_METRIC__N), "query");
	assert_string_equal(pgt_family_name(pgt_metric_family(PGT_METRIC__N)), "query");
	assert_string_equal(pgt_event_name(PGT_EVENT_LOCK_PILEUP), "lock_pileup");
	assert_string_equal(pgt_severity_name(PGT_SEV_CRITICAL), "critical");
	assert_string_equal(pgt_alert_state_name(PGT_ALERT_ACCEPTED), "accepted");
	for (int i = 0; i < PGT_METRIC__N; i++)
		assert_true(pgt_metric_def((enum pgt_metric)i)->h_seed > 0);
}

/* ---- snapshots --------------------------------------------------------------------- */

static const struct pgt_snapshot *
snapshot(int64_t s, const char *jit, int n_indexes, int locks)
{
	struct pgt_snapshot *x = pgt_snapshot_new(pgt_arena_new(0));
	struct pgt_arena *a = pgt_snapshot_arena(x);
	struct pgt_setting *set = pgt_arena_array(a, 1, sizeof(*set));
	struct pgt_table *tab = pgt_arena_array(a, 1, sizeof(*tab));
	struct pgt_index *idx = pgt_arena_array(a, 2, sizeof(*idx));
	struct pgt_lock *lk = pgt_arena_array(a, 3, sizeof(*lk));
	struct pgt_query *q = pgt_arena_array(a, 1, sizeof(*q));

	x->mono_ns = s * PGT_NS_PER_S;
	x->real_ns = START_NS + x->mono_ns;
	x->interval_ns = PGT_NS_PER_S;
	x->gap = 0;
	for (int i = 0; i < PGT_SEC_N; i++)
		x->section[i] = (struct pgt_section){.available = true,
						     .taken_ns = x->mono_ns};
	x->section[PGT_SEC_STATEMENTS].taken_ns = x->mono_ns / (10 * PGT_NS_PER_S) *
						  (10 * PGT_NS_PER_S);
	x->statements_window_ns = 10 * PGT_NS_PER_S;
	x->rate.tps = 500;
	x->latency.mean_ms = (s < 1800 ? 1 : 5) * (1 + 0.01 * (double)(s % 7));
	x->node.start_real_ns = START_NS;
	x->node.conf_load_real_ns = START_NS;
	x->sessions.active = 5;
	x->sessions.blocked = locks;
	*set = (struct pgt_setting){.name = "jit", .value = jit};
	x->settings = set;
	x->n_settings = 1;
	*tab = (struct pgt_table){
	    .oid = 10, .schema = "public", .name = "t", .n_indexes = n_indexes};
	x->tables = tab;
	x->n_tables = 1;
	for (int i = 0; i < n_indexes; i++)
		idx[i] = (struct pgt_index){.oid = 20 + (uint32_t)i,
					    .table_oid = 10,
					    .schema = "public",
					    .name = i ? "t_b_idx" : "t_pkey"};
	x->indexes = idx;
	x->n_indexes = (size_t)n_indexes;
	for (int i = 0; i < 3; i++)
		lk[i] = (struct pgt_lock){.pid = 100 + i,
					  .depth = i > 0,
					  .parent = i ? 0 : -1,
					  .victims = i ? 0 : 2,
					  .wait_ns = i ? 3 * PGT_NS_PER_S : -1,
					  .object = i ? "row of public.t" : NULL,
					  .activity = -1};
	x->locks = lk;
	x->n_locks = locks ? 3 : 0;
	*q = (struct pgt_query){.key = {.queryid = 77, .toplevel = true},
				.calls = 100,
				.total_ms = 200,
				.var_ms2 = 1};
	x->queries = q;
	x->n_queries = 1;
	return x;
}

static void
feed(struct pgt_watch *w, struct pgt_detect *d, const struct pgt_snapshot *s)
{
	pgt_watch_feed(w, s, d);
	pgt_snapshot_unref(s);
}

static void
test_events_of_snapshots(void **state)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_detect *d = pgt_detect_new(&cfg);
	struct pgt_watch *w = pgt_watch_new();
	const struct pgt_snapshot *s = snapshot(5, "on", 2, 0);
	struct pgt_detect_sample x;
	const struct pgt_alert *a;
	unsigned kinds = 0;
	size_t n;

	(void)state;
	pgt_watch_sample(s, &x);
	assert_true(x.value[PGT_METRIC_TPS] == 500 &&
		    x.value[PGT_METRIC_ACTIVE_SESSIONS] == 5);
	assert_true(isnan(x.value[PGT_METRIC_LATENCY_P99]));
	feed(w, d, s);
	for (int i = 6; i < 1700; i++)
		feed(w, d, snapshot(i, "on", 2, 0));
	for (int i = 1700; i < 1800; i++) { /* a busy row is no queue that stands */
		s = snapshot(i, "on", 2, 2);
		for (size_t k = 1; k < s->n_locks; k++)
			((struct pgt_lock *)s->locks)[k].wait_ns = PGT_NS_PER_S / 10;
		feed(w, d, s);
	}
	pgt_detect_events(d, &n);
	assert_int_equal(n, 0);
	for (int i = 1800; i < 1900; i++)
		feed(w, d, snapshot(i, "off", 1, 2));
	a = pgt_detect_alerts(d, &n);
	assert_int_equal(n, 2); /* latency, and the lock waits */
	if (a->family != PGT_FAMILY_PERFORMANCE)
		a++;
	assert_int_equal(a->family, PGT_FAMILY_PERFORMANCE);
	for (size_t i = 0; i < a->n_causes; i++) {
		const struct pgt_event *ev = &a->causes[i].event;

		assert_false(kinds & 1u << ev->kind); /* each once */
		kinds |= 1u << ev->kind;
		if (ev->kind == PGT_EVENT_SETTING)
			assert_string_equal(ev->text, "jit on -> off");
		if (ev->kind == PGT_EVENT_DDL)
			assert_string_equal(ev->text,
					    "index t_b_idx of public.t dropped");
		if (ev->kind == PGT_EVENT_LOCK_PILEUP)
			assert_string_equal(ev->text,
					    "pid 100 blocks 2 on row of public.t");
	}
	assert_int_equal(kinds, 1u << PGT_EVENT_SETTING | 1u << PGT_EVENT_DDL |
				    1u << PGT_EVENT_LOCK_PILEUP);
	pgt_watch_free(w);
	pgt_detect_free(d);
}

/* Three days of ten-minute means with a daily wave, and an hour of now: the forecast. */
static void
test_forecast_from_the_past(void **state)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_detect *d = pgt_detect_new(&cfg);
	const size_t n = 3 * 144;
	struct pgt_detect_past *past = pgt_xcalloc(n, sizeof(*past));
	struct pgt_detect_sample s = {.load = NAN};
	double mid, lo, hi, want;
	struct pgt_random r;
	int64_t now = START_NS + (int64_t)n * 600 * PGT_NS_PER_S;

	(void)state;
	pgt_random_init(&r, 1);
	for (size_t i = 0; i < n; i++) {
		past[i].real_ns = START_NS + (int64_t)i * 600 * PGT_NS_PER_S;
		for (int m = 0; m < PGT_METRIC__N; m++)
			past[i].value[m] = NAN;
		past[i].value[PGT_METRIC_TPS] =
		    1000 * (1.5 + sin(2 * M_PI * (double)i / 144)) *
		    exp(0.05 * pgt_random_normal(&r));
	}
	for (int m = 0; m < PGT_METRIC__N; m++)
		s.value[m] = NAN;
	for (int i = 0; i < 3; i++) { /* some seconds went by before it came */
		s.now_ns = i * PGT_NS_PER_S;
		s.real_ns = now + s.now_ns;
		s.value[PGT_METRIC_TPS] = 1500;
		pgt_detect_feed(d, &s);
	}
	assert_false(pgt_detect_next_hour(d, PGT_METRIC_TPS, now, &mid, &lo, &hi));
	pgt_detect_past(d, past, n);
	assert_true(pgt_detect_next_hour(d, PGT_METRIC_TPS, now, &mid, &lo, &hi));
	want = 1000 * (1.5 + sin(2 * M_PI * 1.5 / 24)); /* the middle of the next hour */
	print_message("next hour %.0f (%.0f to %.0f), in truth %.0f\n", mid, lo, hi, want);
	assert_true(lo < want && want < hi && fabs(mid / want - 1) < 0.1);
	assert_false(pgt_detect_next_hour(d, PGT_METRIC_WAL_BYTES, now, &mid, &lo, &hi));
	free(past);
	pgt_detect_free(d);
}

/* ---- each kind of cause ------------------------------------------------------------ */

#define HAPPENS 1795

static void
add_session(struct pgt_snapshot *x, int64_t s, struct pgt_activity what)
{
	struct pgt_activity *a = pgt_arena_array(pgt_snapshot_arena(x), 1, sizeof(*a));

	(void)s;
	what.pid = 4711;
	what.query_age_ns = PGT_NS_PER_S;
	what.xact_age_ns = what.state_age_ns = -1;
	*a = what;
	x->activity = a;
	x->n_activity = 1;
}

static void
add_query(struct pgt_snapshot *x, int64_t s, double share, const char *text)
{
	struct pgt_query *q = pgt_arena_array(pgt_snapshot_arena(x), 2, sizeof(*q));

	q[0] = x->queries[0];
	q[1] = (struct pgt_query){.key = {.queryid = 78, .toplevel = true},
				  .calls = 1,
				  .total_ms = 5,
				  .time_pct = share,
				  .is_new = true,
				  /* it comes with the second snapshot */
				  .text = s > HAPPENS ? text : NULL};
	x->queries = q;
	x->n_queries = 2;
}

static void
do_reload(struct pgt_snapshot *x, int64_t s)
{
	(void)s;
	x->node.conf_load_real_ns = START_NS + HAPPENS * PGT_NS_PER_S;
}

static void
do_setting(struct pgt_snapshot *x, int64_t s)
{
	do_reload(x, s);
	((struct pgt_setting *)x->settings)->value = "off";
}

static void
do_restart(struct pgt_snapshot *x, int64_t s)
{
	x->node.start_real_ns = START_NS + HAPPENS * PGT_NS_PER_S;
	x->gap = s == HAPPENS ? PGT_GAP_RESTART : 0;
}

static void
do_failover(struct pgt_snapshot *x, int64_t s)
{
	x->node.host = "db2";
	x->node.timeline = 2;
	x->gap = s == HAPPENS ? PGT_GAP_FAILOVER : 0;
}

static void
do_stats_reset(struct pgt_snapshot *x, int64_t s)
{
	x->gap = s == HAPPENS ? PGT_GAP_STATS_RESET : 0;
}

static void
do_application(struct pgt_snapshot *x, int64_t s)
{
	add_session(x, s, (struct pgt_activity){.app = "nightly", .is_client = true});
}

static void
do_query(struct pgt_snapshot *x, int64_t s)
{
	add_query(x, s, 40, "select sum(x) from big");
}

static void
do_ddl_row(struct pgt_snapshot *x, int64_t s)
{
	add_query(x, s, 0.01, "DROP INDEX t_b_idx");
}

static void
do_ddl_session(struct pgt_snapshot *x, int64_t s)
{
	add_session(x, s,
		    (struct pgt_activity){
			.app = "psql", .is_client = true, .query = "ALTER TABLE t ADD c int"});
}

static void
do_autovacuum(struct pgt_snapshot *x, int64_t s)
{
	add_session(x, s,
		    (struct pgt_activity){.backend_type = "autovacuum worker",
					  .query = "autovacuum: VACUUM public.t"});
}

static void
do_checkpoint(struct pgt_snapshot *x, int64_t s)
{
	x->rate.checkpoints_req = s == HAPPENS;
}

/* Whatever happened right before the onset is listed, and where nothing did, nothing is. */
static void
test_each_cause(void **state)
{
	static const struct {
		const char *name;
		void (*happens)(struct pgt_snapshot *x, int64_t s);
		enum pgt_event_kind kind;
		const char *text;
	} rows[] = {
	    {"nothing", NULL, PGT_EVENT__N, NULL},
	    {"setting", do_setting, PGT_EVENT_SETTING, "jit on -> off"},
	    {"reload", do_reload, PGT_EVENT_RELOAD, "reloaded"},
	    {"restart", do_restart, PGT_EVENT_RESTART, "restarted"},
	    {"failover", do_failover, PGT_EVENT_FAILOVER, "now db2, primary, timeline 2"},
	    {"statistics reset", do_stats_reset, PGT_EVENT_STATS_RESET, "statistics were"},
	    {"application", do_application, PGT_EVENT_NEW_APPLICATION, "nightly"},
	    {"query", do_query, PGT_EVENT_NEW_QUERY, "query 78 with 40 %"},
	    {"DDL among the statements", do_ddl_row, PGT_EVENT_DDL, "DROP INDEX t_b_idx"},
	    {"DDL in a session", do_ddl_session, PGT_EVENT_DDL, "ALTER TABLE t ADD"},
	    {"autovacuum", do_autovacuum, PGT_EVENT_AUTOVACUUM, "VACUUM public.t"},
	    {"checkpoint", do_checkpoint, PGT_EVENT_CHECKPOINT, "requested checkpoint"},
	};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		struct pgt_detect_config cfg = pgt_detect_defaults();
		struct pgt_detect *d = pgt_detect_new(&cfg);
		struct pgt_watch *w = pgt_watch_new();
		const struct pgt_alert *a;
		size_t n, at = 0;

		for (int s = 5; s < 2100; s++) {
			const struct pgt_snapshot *x = snapshot(s, "on", 2, 0);

			if (rows[i].happens && s >= HAPPENS)
				rows[i].happens((struct pgt_snapshot *)x, s);
			feed(w, d, x);
		}
		a = pgt_detect_alerts(d, &n);
		if (n == 0)
			fail_msg("%s: no alert", rows[i].name);
		assert_int_equal(a->family, PGT_FAMILY_PERFORMANCE);
		while (at < a->n_causes && a->causes[at].event.kind != rows[i].kind)
			at++;
		if (rows[i].text && (at == a->n_causes ||
				     !strstr(a->causes[at].event.text, rows[i].text)))
			fail_msg("%s is not listed", rows[i].name);
		if (!rows[i].text)
			assert_int_equal(a->n_causes, 0);
		assert_true(at < 3);
		pgt_watch_free(w);
		pgt_detect_free(d);
	}
}

/* Statement rows that stay in several snapshots are counted once. */
static void
test_statements_of_snapshots(void **state)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_detect *d = pgt_detect_new(&cfg);
	struct pgt_watch *w = pgt_watch_new();
	const struct pgt_query_regression *r;
	size_t n;

	(void)state;
	for (int i = 20; i < 1900; i++) {
		const struct pgt_snapshot *s = snapshot(i, "on", 1, 0);

		if (i >= 1500) /* slower from here */
			((struct pgt_query *)s->queries)->total_ms = 600;
		feed(w, d, s);
	}
	r = pgt_detect_regressions(d, &n);
	assert_int_equal(n, 1);
	assert_int_equal(r->queryid, 77);
	assert_true(fabs(r->before_ms - 2) < 1e-9 && fabs(r->ratio - 3) < 1e-9);
	assert_true(fabs(r->calls_ratio - 1) < 1e-9 && r->same_load && r->plan_change);
	pgt_watch_free(w);
	pgt_detect_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_steady),
	    cmocka_unit_test(test_one_event),
	    cmocka_unit_test(test_lock_alert),
	    cmocka_unit_test(test_words_on_a_kind),
	    cmocka_unit_test(test_seed_profile),
	    cmocka_unit_test(test_query_alert),
	    cmocka_unit_test(test_alerts_max),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_events_of_snapshots),
	    cmocka_unit_test(test_each_cause),
	    cmocka_unit_test(test_statements_of_snapshots),
	    cmocka_unit_test(test_forecast_from_the_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
