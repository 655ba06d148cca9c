#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_priv.h"
#include "pg2une/advise/hints.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "tuning_priv.h"

#define SLICE_POINTS 24

static void
put_extra(struct pgt_tuning *t, size_t dim, struct pgt_tune_setting *r)
{
	const struct pgt_tune_extra *x = pgt_tuning_extra_at(t, dim);

	if (!x)
		return;
	r->kind = x->hint ? PGT_TUNE_HINT : PGT_TUNE_INDEX;
	pgt_str_copy(r->effect, sizeof(r->effect), x->statement);
	pgt_str_copy(r->current, sizeof(r->current), "absent");
	if (t->have_proposal)
		pgt_str_copy(r->proposed, sizeof(r->proposed),
			     t->proposal.value[dim] < 0.5 ? "absent"
			     : x->hint			  ? "hint"
							  : "create");
	r->cost_pct = x->cost_pct;
	pgt_str_copy(r->label, sizeof(r->label), x->label);
	pgt_str_copy(r->why, sizeof(r->why), x->why);
	if (!x->hint)
		return;
	r->queryid = x->queryid;
	pgt_str_copy(r->query, sizeof(r->query), x->query);
	pgt_hint_comment(x->hint, r->comment, sizeof(r->comment));
}

static void
put_setting(struct pgt_tuning *t, size_t dim, const double *share,
	    struct pgt_tune_setting *r)
{
	const struct pgt_dim *d = &t->space.dims[dim];
	struct pgt_slice slice;

	pgt_str_copy(r->name, sizeof(r->name), d->name);
	r->restart = d->restart;
	r->differs = t->have_proposal && !t->proposal.keep_baseline &&
		     pgt_tuning_differs(t, dim, t->proposal.value[dim]);
	r->slice_log = d->log2;
	if (d->knob)
		pgt_str_copy(r->effect, sizeof(r->effect), d->knob->effect);
	r->importance = share ? share[dim] : NAN;
	put_extra(t, dim, r);
	if (d->knob) {
		pgt_knob_format(d->knob, t->baseline[dim], r->current,
				sizeof(r->current));
		if (t->have_proposal)
			pgt_knob_format(d->knob, t->proposal.value[dim], r->proposed,
					sizeof(r->proposed));
	}
	/* A curve of what hardly matters is a flat line. */
	if (!share || share[dim] < 0.02 ||
	    pgt_tuner_slice(t->tuner, dim, SLICE_POINTS, &slice, NULL) < 0)
		return;
	r->n_slice = slice.m < SLICE_POINTS ? slice.m : SLICE_POINTS;
	for (size_t i = 0; i < r->n_slice; i++) {
		r->slice_x[i] = slice.value[i];
		r->slice_gain[i] = slice.gain_pct[i];
		r->slice_lo[i] = slice.lo_pct[i];
		r->slice_hi[i] = slice.hi_pct[i];
	}
}

static void
put_settings(struct pgt_tuning *t, struct pgt_ev_optimize *ev)
{
	double share[PGT_SPACE_DIMS];
	bool known = t->tuner && pgt_tuner_importance(t->tuner, share, NULL) == 0;

	ev->settings = pgt_xcalloc(t->space.n_dims + 1, sizeof(*ev->settings));
	for (size_t i = 0; i < t->space.n_dims; i++)
		put_setting(t, i, known ? share : NULL, &ev->settings[ev->n_settings++]);
}

/* Mean cost of all measurements of what was measured as *o; HUGE_VAL: not this one. */
static double
mean_cost(const struct pgt_tuning *t, const struct pgt_observation *all, size_t n,
	  const struct pgt_observation *o, int *ret_times)
{
	size_t bytes = t->space.n_dims * sizeof(o->value[0]);
	double sum = 0;

	*ret_times = 0;
	if (o->is_baseline)
		return HUGE_VAL;
	for (size_t i = 0; i < n; i++) {
		if (all[i].status == PGT_OUTCOME_VOID ||
		    memcmp(all[i].value, o->value, bytes) != 0)
			continue;
		if (all[i].status != PGT_OUTCOME_OK)
			return HUGE_VAL;
		sum += all[i].cost;
		++*ret_times;
	}
	return *ret_times ? sum / *ret_times : HUGE_VAL;
}

double
pgt_tuning_best(const struct pgt_tuning *t, const struct pgt_observation **ret,
		int *ret_times)
{
	const struct pgt_observation *all;
	size_t n = pgt_tuner_observations(t->tuner, &all);
	double least = pgt_tuner_baseline_cost(t->tuner), cost;
	double base = least;
	int times;

	*ret = NULL;
	*ret_times = 0;
	for (size_t i = n; !isnan(base) && i-- > 0;) {
		cost = mean_cost(t, all, n, &all[i], &times);
		if (cost >= least) /* the same again, too: the last comes first */
			continue;
		least = cost;
		*ret = &all[i];
		*ret_times = times;
	}
	return *ret ? pgt_objective_gain_pct(base, least) : 0;
}

static void
put_best(const struct pgt_tuning *t, struct pgt_ev_optimize *ev)
{
	const struct pgt_observation *best = NULL;

	ev->best = -1;
	ev->best_pct = NAN;
	if (!t->tuner)
		return;
	ev->best_pct = pgt_tuning_best(t, &best, &ev->best_times);
	for (size_t i = 0; best && i < t->n_trials; i++)
		if (t->trials[i].id == best->id)
			ev->best = (int)i;
}

void
pgt_tuning_tell(struct pgt_tuning *t)
{
	struct pgt_ev_optimize *ev = pgt_xcalloc(1, sizeof(*ev));
	int64_t spent = pgt_tuning_spent_ns(t, pgt_clock_mono_ns());

	/* What is under way is taken back, which may take a moment. */
	ev->state = t->cancel && (t->state == PGT_TUNE_RUNNING ||
				  t->state == PGT_TUNE_PAUSED)
			    ? PGT_TUNE_STOPPING
			    : t->state;
	ev->opts = t->opts;
	ev->started_mono_ns = t->started_ns;
	ev->eta_ns = -1;
	if (t->tuner) {
		pgt_str_copy(ev->phase, sizeof(ev->phase),
			     pgt_tuner_phase_name(pgt_tuner_phase(t->tuner)));
		pgt_tuner_progress(t->tuner, &ev->done, &ev->total);
		if (ev->done > 0)
			ev->eta_ns = spent / ev->done * (ev->total - ev->done);
	}
	pgt_str_copy(ev->now, sizeof(ev->now), t->now);
	pgt_str_copy(ev->now_why, sizeof(ev->now_why), t->now_why);
	ev->now_guess_pct = t->now_guess[0];
	ev->now_guess_lo = t->now_guess[1];
	ev->now_guess_hi = t->now_guess[2];
	ev->now_began_mono_ns = t->now_began_ns;
	put_best(t, ev);
	ev->trials = pgt_xcalloc(t->n_trials + 1, sizeof(*ev->trials));
	memcpy(ev->trials, t->trials, t->n_trials * sizeof(*ev->trials));
	ev->n_trials = t->n_trials;
	ev->have_proposal = t->have_proposal;
	if (t->have_proposal) {
		ev->keep_baseline = t->proposal.keep_baseline;
		ev->gain_pct = t->proposal.gain_pct;
		ev->gain_lo = t->proposal.gain_lo_pct;
		ev->gain_hi = t->proposal.gain_hi_pct;
		ev->confidence = t->proposal.confidence;
		ev->pairs = t->proposal.pairs;
	}
	put_settings(t, ev);
	pgt_str_copy(ev->text, sizeof(ev->text), t->text);
	pgt_engine_post(t->e, PGT_EV_OPTIMIZE, ev, pgt_ev_optimize_free);
}

void
pgt_ev_optimize_free(void *p)
{
	struct pgt_ev_optimize *ev = p;

	free(ev->trials);
	free(ev->settings);
	free(ev);
}

/* ---- the history ---- */

static char *
config_json(const struct pgt_tuning *t, const double *value)
{
	cJSON *o = cJSON_CreateObject();
	char *text, v[40];

	for (size_t i = 0; i < t->space.n_dims; i++) {
		if (t->space.dims[i].knob)
			pgt_knob_format(t->space.dims[i].knob, value[i], v, sizeof(v));
		else
			pgt_str_copy(v, sizeof(v), value[i] >= 0.5 ? "yes" : "no");
		pgt_json_str(o, t->space.dims[i].name, v);
	}
	text = pgt_json_print(o, false);
	cJSON_Delete(o);
	return text;
}

static char *
window_text(const struct pgt_window *w)
{
	cJSON *o = pgt_window_json(w);
	char *text = pgt_json_print(o, false);

	cJSON_Delete(o);
	return text;
}

static char *
base_text(const struct pgt_tuning *t)
{
	cJSON *o = pgt_window_json(&t->base_window);
	char *text;

	pgt_tuning_put_features(t, o);
	text = pgt_json_print(o, false);
	cJSON_Delete(o);
	return text;
}

void
pgt_tuning_keep_trial(struct pgt_tuning *t, const struct pgt_trial *trial,
		      const struct pgt_tried *tried)
{
	char *config = config_json(t, trial->value), *base = base_text(t);
	char *got = window_text(&tried->window);
	char at[24], score[32], gain[32];
	double g = t->n_trials ? t->trials[t->n_trials - 1].gain_pct : NAN;
	const char *cols[] = {
	    at,
	    t->run_id,
	    pgt_workload_names[t->workload],
	    config,
	    tried->outcome.status == PGT_OUTCOME_OK ? score : NULL,
	    t->opts.mode == PGT_TUNE_CANARY ? "canary_test"
	    : t->opts.mode == PGT_TUNE_REHEARSAL ? "rehearsal_test"
					    : "live_test",
	    t->have_base ? base : NULL,
	    got,
	    isnan(g) ? NULL : gain,
	};

	snprintf(at, sizeof(at), "%lld",
		 (long long)(pgt_clock_real_ns() / PGT_NS_PER_MS));
	snprintf(score, sizeof(score), "%.9g", tried->outcome.cost);
	snprintf(gain, sizeof(gain), "%.4g", g);
	pgt_history_record(t->e->history, &t->at->node, PGT_REC_OBSERVATION, cols, 9);
	free(config);
	free(base);
	free(got);
}

/* The trial that measured the proposal, the last of them; NULL: none did. */
static const struct pgt_tune_trial *
measured(const struct pgt_tuning *t)
{
	char config[sizeof(t->trials[0].config)];

	if (!t->have_proposal)
		return NULL;
	pgt_tuning_describe(t, t->proposal.value, config, sizeof(config));
	for (size_t i = t->n_trials; i-- > 0;)
		if (strcmp(t->trials[i].status, "ok") == 0 &&
		    strcmp(t->trials[i].config, config) == 0)
			return &t->trials[i];
	return NULL;
}

/* The steps of the search, and what there is to say of it. */
static char *
run_body(const struct pgt_tuning *t)
{
	static const char *const modes[] = {[PGT_TUNE_LIVE] = "live",
					    [PGT_TUNE_REHEARSAL] = "rehearsal",
					    [PGT_TUNE_CANARY] = "canary",
					    [PGT_TUNE_MODEL] = "model"};
	cJSON *o = cJSON_CreateObject(), *steps;
	char *text;

	pgt_json_str(o, "mode", modes[t->opts.mode]);
	pgt_json_str(o, "text", t->text);
	pgt_json_num(o, "gain_lo_pct",
		     t->have_proposal ? t->proposal.gain_lo_pct : NAN);
	pgt_json_num(o, "gain_hi_pct",
		     t->have_proposal ? t->proposal.gain_hi_pct : NAN);
	steps = pgt_json_arr(o, "steps");
	for (size_t i = 0; i < t->n_trials; i++) {
		const struct pgt_tune_trial *r = &t->trials[i];
		cJSON *step = pgt_json_obj(steps, NULL);

		pgt_json_str(step, "what", r->what);
		pgt_json_str(step, "status", r->status);
		pgt_json_str(step, "config", r->config);
		pgt_json_num(step, "tps", r->tps);
		pgt_json_num(step, "latency_mean", r->mean_ms);
		pgt_json_num(step, "latency_p99", r->p99_ms);
		pgt_json_num(step, "gain_pct", r->gain_pct);
		pgt_json_str(step, "note", r->note);
	}
	text = pgt_json_print(o, false);
	cJSON_Delete(o);
	return text;
}

void
pgt_tuning_keep_run(struct pgt_tuning *t, const char *status)
{
	char began[24], ended[24], gain[32];
	char *config = t->have_proposal ? config_json(t, t->proposal.value) : NULL;
	char *base = t->have_base ? window_text(&t->base_window) : NULL;
	const struct pgt_tune_trial *won = measured(t);
	struct pgt_window after = {.hit_ratio = NAN, .temp_bytes = NAN};
	char *result = NULL, *body = run_body(t);
	static const char *const actions[] = {"knobs", "queries", "holistic"};
	const char *cols[] = {
	    t->run_id,
	    began,
	    ended,
	    actions[t->opts.action],
	    status,
	    config,
	    base,
	    NULL, /* result */
	    t->have_proposal && !isnan(t->proposal.gain_pct) ? gain : NULL,
	    status,
	    NULL,
	    body,
	};

	if (won) {
		after.tps = won->tps;
		after.mean_ms = won->mean_ms;
		after.p99_ms = won->p99_ms;
		cols[7] = result = window_text(&after);
	}
	snprintf(began, sizeof(began), "%lld",
		 (long long)(t->started_real_ns / PGT_NS_PER_MS));
	snprintf(ended, sizeof(ended), "%lld",
		 (long long)(pgt_clock_real_ns() / PGT_NS_PER_MS));
	snprintf(gain, sizeof(gain), "%.4g", t->proposal.gain_pct);
	if (t->at)
		pgt_history_record(t->e->history, &t->at->node, PGT_REC_RUN, cols, 12);
	free(config);
	free(base);
	free(result);
	free(body);
}
