/* Events of long runs, built by hand: a search of the optimizer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
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
		pgt_str_copy(t->why, sizeof(t->why),
			     i < 2 ? "noise" : "expected improvement");
	}
	ev->best = n > 8 ? 8 : n > 2 ? 2 : -1;
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
