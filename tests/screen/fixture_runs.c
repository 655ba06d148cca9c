/* Events of long runs, built by hand: a search of the optimizer, a rollout. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/sql.h"
#include "vt.h"

#define S PGT_NS_PER_S

static void
put_slice(struct pgt_tune_setting *s, double from, double to, double peak)
{
	s->n_slice = PGT_LEN(s->slice_x);
	for (size_t i = 0; i < s->n_slice; i++) {
		double f = (double)i / (double)(s->n_slice - 1), d = f - peak;

		s->slice_x[i] = s->slice_log ? exp2(log2(from) + f * log2(to / from))
					     : from + f * (to - from);
		s->slice_gain[i] = 14 - 40 * d * d;
		s->slice_lo[i] = s->slice_gain[i] - 3 - 12 * fabs(d);
		s->slice_hi[i] = s->slice_gain[i] + 3 + 12 * fabs(d);
	}
}

static void
put_settings(struct pgt_ev_optimize *ev)
{
	ev->settings = pgt_xcalloc(4, sizeof(*ev->settings));
	ev->n_settings = 4;
	ev->settings[0] = (struct pgt_tune_setting){
	    .name = "work_mem", .current = "4MB", .proposed = "64MB", .differs = true,
	    .effect = "fewer temporary files for memory in every sort and hash",
	    .importance = 0.61, .slice_log = true};
	put_slice(&ev->settings[0], 1 << 20, 256.0 * (1 << 20), 0.7);
	ev->settings[1] = (struct pgt_tune_setting){
	    .name = "random_page_cost", .current = "4", .proposed = "1.2", .differs = true,
	    .effect = "index scans for what storage takes to seek", .importance = 0.27};
	put_slice(&ev->settings[1], 1, 4, 0.1);
	ev->settings[2] = (struct pgt_tune_setting){
	    .name = "max_wal_size", .current = "1GB", .proposed = "1GB",
	    .effect = "fewer checkpoints for a longer recovery", .importance = 0.004};
	ev->settings[3] = (struct pgt_tune_setting){
	    .name = "shared_buffers", .current = "128MB", .proposed = "128MB",
	    .restart = true, .importance = NAN};
}

static void
put_trials(struct pgt_ev_optimize *ev, int n)
{
	static const double gains[] = {0, 0.4, 4.1, -2.2, 6.3, NAN, 9.8, 3.0, 14.2, 12.9, 11.0};

	ev->trials = pgt_xcalloc((size_t)n + 1, sizeof(*ev->trials));
	ev->n_trials = (size_t)n;
	for (int i = 0; i < n; i++) {
		struct pgt_tune_trial *t = &ev->trials[i];

		t->id = i + 1;
		pgt_str_copy(t->what, sizeof(t->what), i < 2    ? "baseline"
						       : i == 2 ? "heuristic"
								: "search");
		pgt_str_copy(t->status, sizeof(t->status), i == 5 ? "abandoned" : "ok");
		t->gain_pct = gains[i % (int)PGT_LEN(gains)];
		t->guess_pct = i < 3 ? NAN : t->gain_pct + 2;
		t->guess_lo = t->guess_pct - 6;
		t->guess_hi = t->guess_pct + 6;
		t->tps = 800 * (1 + (isnan(t->gain_pct) ? 0 : t->gain_pct) / 100);
		t->mean_ms = 4.8 - (isnan(t->gain_pct) ? 0 : t->gain_pct) / 30;
		t->p99_ms = 21 - (isnan(t->gain_pct) ? 0 : t->gain_pct) / 8;
		if (i == 5) {
			t->guess_pct = t->guess_lo = t->guess_hi = NAN;
			pgt_str_copy(t->note, sizeof(t->note),
				     "abandoned: mean latency 31% above the baseline");
		}
		if (i >= 2)
			snprintf(t->config, sizeof(t->config),
				 "work_mem=%dMB random_page_cost=%.1f", 4 << (i % 6),
				 1.1 + 0.2 * i);
		t->best_pct = i < 2 ? NAN
			      : t->gain_pct > ev->trials[i - 1].best_pct ||
				      isnan(ev->trials[i - 1].best_pct)
				  ? t->gain_pct
				  : ev->trials[i - 1].best_pct;
		pgt_str_copy(t->why, sizeof(t->why),
			     i < 2 ? "noise" : "expected improvement");
	}
	ev->best = n > 8 ? 8 : n > 2 ? 2 : -1;
	ev->best_pct = ev->best < 0 ? NAN : ev->trials[ev->best].gain_pct;
	ev->best_times = 2;
}

struct pgt_ev_optimize *
fixture_search(enum pgt_tune_state state)
{
	struct pgt_ev_optimize *ev = pgt_xcalloc(1, sizeof(*ev));
	bool running = state == PGT_TUNE_RUNNING || state == PGT_TUNE_PAUSED;

	pgt_tune_opts_init(&ev->opts);
	ev->state = state;
	ev->now_guess_pct = ev->now_guess_lo = ev->now_guess_hi = NAN;
	ev->eta_ns = -1;
	ev->best = -1;
	if (state == PGT_TUNE_IDLE)
		return ev;
	pgt_str_copy(ev->phase, sizeof(ev->phase), running ? "search" : "done");
	ev->done = running ? 11 : 34;
	ev->total = 34;
	ev->started_mono_ns = VT_NOW - 250 * S;
	put_trials(ev, 11);
	put_settings(ev);
	ev->have_proposal = true;
	ev->gain_pct = 13.1;
	ev->gain_lo = running ? 4.2 : 9.9;
	ev->gain_hi = running ? 21.7 : 16.4;
	ev->confidence = running ? 0.91 : 0.99;
	ev->pairs = running ? 0 : 4;
	if (state == PGT_TUNE_RUNNING) {
		ev->eta_ns = 522 * S;
		pgt_str_copy(ev->now, sizeof(ev->now), "work_mem=96MB random_page_cost=1.2");
		pgt_str_copy(ev->now_why, sizeof(ev->now_why), "expected improvement");
		ev->now_guess_pct = 11;
		ev->now_guess_lo = 2;
		ev->now_guess_hi = 20;
		ev->now_began_mono_ns = VT_NOW - 12 * S;
	}
	return ev;
}

static struct pgt_rollout_node
node(const char *label, double share, double slower)
{
	struct pgt_rollout_node n = {.up = true,
				     .share_pct = share,
				     .tps = 48.08 * share,
				     .calls = 144 * share,
				     .mean_ms = 1.3 * slower,
				     .p50_ms = 0.9 * slower,
				     .p95_ms = 4.0 * slower,
				     .p99_ms = 17.8 * slower,
				     .errors = 0,
				     .lag_bytes = NAN,
				     .lag_ms = NAN,
				     .conns = 20,
				     .backends = 24,
				     .backends_max = 200,
				     .cpu_pct = 41,
				     .mem_available_pct = 60,
				     .disk_free_pct = 8};

	pgt_str_copy(n.label, sizeof(n.label), label);
	return n;
}

struct pgt_ev_rollout *
fixture_rollout(enum pgt_ro_state state, bool ours)
{
	static const double pct[] = {5, 25, 50, 100};
	struct pgt_ev_rollout *r = pgt_xcalloc(1, sizeof(*r));

	pgt_str_copy(r->id, sizeof(r->id), "9a1b0000-0000-4000-8000-000000000000");
	pgt_str_copy(r->changeset, sizeof(r->changeset),
		     "7f3c0000-0000-4000-8000-000000000000");
	pgt_str_copy(r->target, sizeof(r->target), "shop-prod");
	pgt_str_copy(r->who, sizeof(r->who), "ana@bastion");
	pgt_str_copy(r->router, sizeof(r->router), "pgbouncer");
	pgt_str_copy(r->source, sizeof(r->source), ours ? "here" : "file");
	r->ours = ours;
	r->n_steps = 4;
	r->view.state = state;
	r->view.step = 1;
	r->view.pct = 25;
	r->view.judging = true;
	r->left_ns = 18 * S;
	r->max_left_ns = 272 * S;
	r->lag_limit_bytes = 16e6;
	r->starved_limit = 5;
	for (int i = 0; i < 4; i++) {
		r->view.steps[i].pct = pct[i];
		r->view.steps[i].entered = i < 2;
		r->view.steps[i].achieved_pct = i ? 24.7 : 5.1;
		r->view.steps[i].verdict = i ? PGT_GATE_EXTEND : PGT_GATE_GO;
		r->view.steps[i].took_ns = (i ? 12 : 31) * S;
	}
	r->node[0] = node("10.0.0.5:5432", 75.3, 1);
	r->node[1] = node("10.0.0.7:5432", 24.7, 0.7);
	r->node[1].p99_ms = 22;
	r->node[1].lag_bytes = 40960;
	r->node[1].lag_ms = 0.3;
	r->view.evidence = (struct pgt_gate_evidence){.verdict = PGT_GATE_EXTEND,
						      .reason = "",
						      .mean_ratio = -0.21,
						      .mean_lo = -0.29,
						      .mean_hi = -0.12,
						      .margin = 0.2,
						      .tail_ratio = 0.04,
						      .tail_e_harm = 1.3,
						      .tail_e_better = 0.7,
						      .tail_limit = 40,
						      .error_e = 1,
						      .error_limit = 100,
						      .canary_calls = 35640,
						      .primary_calls = 108600,
						      .buckets = 12};
	pgt_str_copy(r->evidence_reason, sizeof(r->evidence_reason),
		     "the tail is not decided yet");
	pgt_str_copy(r->control, sizeof(r->control), "the primary at the same moment");
	r->tail_estimated = true;
	pgt_str_copy(r->log[0], sizeof(r->log[0]), "> canary");
	pgt_str_copy(r->log[1], sizeof(r->log[1]), "> step 25%");
	if (state == PGT_RO_ROLLED_BACK)
		pgt_str_copy(r->view.reason, sizeof(r->view.reason),
			     "mean latency is 31% higher on the canary");
	return r;
}

struct pgt_ev_advice *
fixture_advice(const struct pgt_snapshot *s)
{
	static struct pgt_setting set[] = {
	    {.name = "autovacuum", .value = "off", .vartype = "bool",
	     .context = "sighup", .source = "configuration file", .boot_value = "on",
	     .reset_value = "off"},
	    {.name = "fsync", .value = "off", .vartype = "bool", .context = "sighup",
	     .source = "configuration file", .boot_value = "on", .reset_value = "off"},
	    {.name = "max_wal_size", .value = "1024", .unit = "MB", .vartype = "integer",
	     .context = "sighup", .source = "default", .boot_value = "1024",
	     .reset_value = "1024"},
	    {.name = "shared_buffers", .value = "16384", .unit = "8kB",
	     .vartype = "integer", .context = "postmaster", .source = "default",
	     .boot_value = "16384", .reset_value = "16384"},
	    {.name = "track_io_timing", .value = "off", .vartype = "bool",
	     .context = "superuser", .source = "default", .boot_value = "off",
	     .reset_value = "off"},
	};
	struct pgt_ev_advice *ev = pgt_xcalloc(1, sizeof(*ev));
	struct pgt_snapshot mine = *s;
	struct pgt_advise_input in = {
	    .snapshot = &mine,
	    .host = {.ram_bytes = 16e9, .cpus = 8, .storage = "ssd"},
	    .rules = pgt_sql_file("sql/rules/advise.rules"),
	    .now_real_ns = VT_REAL,
	};
	struct pgt_err err = {0};

	mine.settings = set;
	mine.n_settings = PGT_LEN(set);
	if (pgt_advise(&in, &ev->list, &err) < 0) {
		pgt_str_copy(ev->message, sizeof(ev->message), err.msg);
		return ev;
	}
	ev->state = pgt_xcalloc(ev->list->n + 1, sizeof(*ev->state));
	ev->until_real_ns = pgt_xcalloc(ev->list->n + 1, sizeof(*ev->until_real_ns));
	if (ev->list->n > 2) {
		ev->state[1] = PGT_ADVICE_ACCEPTED;
		ev->state[2] = PGT_ADVICE_DISMISSED;
	}
	ev->collected_real_ns = VT_REAL;
	return ev;
}
