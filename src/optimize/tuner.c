#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/heuristic.h"
#include "pg2une/optimize/objective.h"

#include "tuner_priv.h"

void
pgt_tuner_opts_init(struct pgt_tuner_opts *o)
{
	*o = (struct pgt_tuner_opts){
	    .seed = 1,
	    .budget = 30,
	    .baselines = 3,
	    .init = 4,
	    .candidates = 2000,
	    .safe = true,
	    .loss_pct = 8,
	    .confidence = 1.64,
	    .final_rounds = 2,
	    .stop_gain_pct = 1,
	    .stop_rounds = 3,
	};
}

bool
tuner_same_value(const struct pgt_space *s, const double *a, const double *b)
{
	for (size_t i = 0; i < s->n_dims; i++)
		if (fabs(a[i] - b[i]) > 1e-9 * (s->dims[i].hi - s->dims[i].lo))
			return false;
	return true;
}

bool
tuner_is_extra(const struct pgt_dim *d)
{
	return !d->knob && d->kind == PGT_DIM_BOOL;
}

static void
add_seed(struct pgt_tuner *t, const double *value, const char *why)
{
	size_t size = t->space.n_dims * sizeof(*value);

	if (t->n_seeds == SEEDS_MAX || tuner_same_value(&t->space, value, t->baseline))
		return;
	if (t->opts.have_host && !pgt_memory_allowed(&t->opts.mem, &t->space, value))
		return;
	for (int i = 0; i < t->n_seeds; i++)
		if (tuner_same_value(&t->space, value, t->seed_value[i]))
			return;
	memcpy(t->seed_value[t->n_seeds], value, size);
	t->seed_why[t->n_seeds++] = why;
}

static void
seed_sorts(struct pgt_tuner *t)
{
	const struct pgt_tuner_opts *o = &t->opts;
	double value[PGT_SPACE_DIMS];

	if (o->cls != PGT_KNOB_OLAP || pgt_space_find(&t->space, "work_mem") < 0)
		return;
	pgt_heuristic_sorts_config(&t->space, &o->host, o->cls, &o->mem, value);
	pgt_heuristic_keep_workers(&t->space, &o->host, &o->mem, t->baseline, value);
	add_seed(t, value, "more memory for each sort, fewer workers");
}

/* Whatever the advisor proposes besides settings, all at once. */
static void
seed_extras(struct pgt_tuner *t, const double *from)
{
	double value[PGT_SPACE_DIMS];
	bool any = false;

	memcpy(value, from, t->space.n_dims * sizeof(*value));
	for (size_t i = 0; i < t->space.n_dims; i++)
		if (tuner_is_extra(&t->space.dims[i])) {
			value[i] = 1;
			any = true;
		}
	if (any)
		add_seed(t, value, "every index and hint that is proposed");
}

/* Of several indexes and hints some cost what others gain, and all at once tell neither:
 * each is tried alone too, as far as half of what is left of the trials goes. */
static int
toggles(const struct pgt_tuner *t)
{
	int n = 0, left = t->opts.budget - t->opts.baselines - t->n_seeds;

	for (size_t i = 0; i < t->space.n_dims; i++)
		n += tuner_is_extra(&t->space.dims[i]);
	return n < 2 ? 0 : n < left / 2 ? n : left > 1 ? left / 2 : 0;
}

/* The lowest mean of a configuration, not the luckiest measurement; what was measured
 * again, to be confirmed, before what was tried once.  False when nothing but the
 * present settings was measured. */
static bool
best_of_past(const struct pgt_tuner *t, const struct pgt_tuner_past *p, size_t *ret)
{
	size_t d = t->space.n_dims;
	double least = HUGE_VAL;
	bool again = false;

	for (size_t i = 0; i < p->n; i++) {
		const double *v = &p->value[i * d];
		double sum = 0;
		int m = 0;

		for (size_t k = 0; k < p->n; k++)
			if (tuner_same_value(&t->space, v, &p->value[k * d])) {
				sum += p->cost[k];
				m++;
			}
		if (tuner_same_value(&t->space, v, t->baseline) || (again && m < 2) ||
		    (again == (m >= 2) && sum / m >= least))
			continue;
		again = m >= 2;
		least = sum / m;
		*ret = i;
	}
	return isfinite(least);
}

/* What ended on the rules of thumb begins there again, and says why. */
static void
add_past(struct pgt_tuner *t, const double *value)
{
	for (int i = 0; i < t->n_seeds; i++)
		if (tuner_same_value(&t->space, value, t->seed_value[i])) {
			t->seed_why[i] = "rules of thumb, the best of an earlier search";
			return;
		}
	add_seed(t, value, "best of an earlier search under a similar workload");
}

/* The nearest similar workload lends its surrogate, the similar ones their best. */
static int
learn_from_past(struct pgt_tuner *t, const struct pgt_tuner_past *past, size_t n_past,
		struct pgt_err *err)
{
	double used = -1;

	for (int k = 0; k < PGT_TUNER_PAST; k++) {
		const struct pgt_tuner_past *near = NULL;
		double least = PGT_WARM_NEAR;
		size_t best = 0;

		for (size_t i = 0; i < n_past; i++) {
			double d = past[i].n_features == t->opts.n_features
				       ? pgt_warm_distance(past[i].n_features,
							   past[i].features,
							   t->opts.features)
				       : HUGE_VAL;

			if (d < least && d > used && past[i].n > 0) {
				least = d;
				near = &past[i];
			}
		}
		if (!near)
			break;
		used = least;
		if (best_of_past(t, near, &best))
			add_past(t, &near->value[best * t->space.n_dims]);
		if (!t->warm && near->n >= 5 &&
		    pgt_warm_new(&t->space, near->n, near->value, near->cost,
				 t->opts.seed + STREAM_PAST, &t->warm, err) < 0)
			return -1;
	}
	return 0;
}

int
pgt_tuner_new(const struct pgt_space *space, const double *baseline,
	      const struct pgt_tuner_opts *opts, const struct pgt_tuner_past *past,
	      size_t n_past, struct pgt_tuner **ret, struct pgt_err *err)
{
	struct pgt_tuner *t;
	double heuristic[PGT_SPACE_DIMS] = {0};

	if (space->n_dims == 0)
		return pgt_err_set(err, PGT_E_USAGE, "nothing to search");
	if (opts->safe && opts->baselines < 1)
		return pgt_err_set(err, PGT_E_USAGE, "a safe search needs a baseline");
	t = pgt_xcalloc(1, sizeof(*t));
	t->space = *space;
	t->opts = *opts;
	memcpy(t->baseline, baseline, space->n_dims * sizeof(*baseline));
	if (opts->have_host) {
		pgt_heuristic_config(space, &opts->host, opts->cls, &opts->mem,
				     heuristic);
		pgt_heuristic_keep_workers(space, &opts->host, &opts->mem, baseline,
					   heuristic);
		add_seed(t, heuristic, "rules of thumb for this machine and workload");
		seed_sorts(t);
	}
	seed_extras(t, opts->have_host ? heuristic : baseline);
	if (learn_from_past(t, past, n_past, err) < 0) {
		pgt_tuner_free(t);
		return -1;
	}
	/* Near a good guess the surrogate's own suggestions tell more than even steps. */
	if (t->opts.safe && opts->have_host && t->n_seeds > 0)
		t->opts.init = 0;
	t->n_toggles = toggles(t);
	t->opts.init += t->n_toggles;
	*ret = t;
	return 0;
}

void
pgt_tuner_free(struct pgt_tuner *t)
{
	if (!t)
		return;
	pgt_warm_free(t->warm);
	tuner_model_free(t->model);
	free(t->final);
	free(t->obs);
	free(t);
}

int
tuner_count_search(const struct pgt_tuner *t)
{
	int n = 0;

	for (size_t i = 0; i < t->n_obs; i++)
		n += t->obs[i].phase < PGT_TUNER_FINAL &&
		     t->obs[i].status != PGT_OUTCOME_VOID;
	return n;
}

bool
tuner_search_over(const struct pgt_tuner *t)
{
	int low = 0;

	if (t->finish || tuner_count_search(t) >= t->opts.budget)
		return true;
	for (size_t i = 0; i < t->n_obs; i++) {
		const struct pgt_observation *o = &t->obs[i];

		if (o->phase != PGT_TUNER_SEARCH || o->status == PGT_OUTCOME_VOID)
			continue;
		low = o->ei_pct < t->opts.stop_gain_pct ? low + 1 : 0;
	}
	return t->opts.stop_rounds > 0 && low >= t->opts.stop_rounds;
}

double
tuner_baseline_median(const struct pgt_tuner *t, size_t n_obs)
{
	double v[64];
	size_t n = 0;

	for (size_t i = 0; i < n_obs && n < PGT_LEN(v); i++) {
		const struct pgt_observation *o = &t->obs[i];
		size_t at = n;

		if (!o->is_baseline || o->status != PGT_OUTCOME_OK ||
		    o->phase == PGT_TUNER_FINAL)
			continue;
		for (; at > 0 && v[at - 1] > o->cost; at--)
			v[at] = v[at - 1];
		v[at] = o->cost;
		n++;
	}
	if (n == 0)
		return NAN;
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

double
pgt_tuner_baseline_cost(const struct pgt_tuner *t)
{
	return tuner_baseline_median(t, t->n_obs);
}

enum pgt_tuner_phase
pgt_tuner_phase(const struct pgt_tuner *t)
{
	int n = tuner_count_search(t);

	if (!tuner_search_over(t)) {
		if (n < t->opts.baselines)
			return PGT_TUNER_BASELINE;
		if (n < t->opts.baselines + t->n_seeds)
			return PGT_TUNER_SEED;
		if (n < t->opts.baselines + t->n_seeds + t->opts.init)
			return PGT_TUNER_INIT;
		return PGT_TUNER_SEARCH;
	}
	/* Until the finalists are chosen by the next ask, final is a promise. */
	if (t->opts.final_rounds < 0 || isnan(pgt_tuner_baseline_cost(t)) ||
	    (t->final && t->final->next == FINAL_OVER))
		return PGT_TUNER_DONE;
	return PGT_TUNER_FINAL;
}

const char *
pgt_tuner_phase_name(enum pgt_tuner_phase phase)
{
	switch (phase) {
	case PGT_TUNER_BASELINE:
		return "baseline";
	case PGT_TUNER_SEED:
		return "seed";
	case PGT_TUNER_INIT:
		return "explore";
	case PGT_TUNER_SEARCH:
		return "search";
	case PGT_TUNER_FINAL:
		return "confirm";
	case PGT_TUNER_DONE:
		return "done";
	}
	return "done";
}

void
pgt_tuner_finish(struct pgt_tuner *t)
{
	t->finish = true;
}

size_t
pgt_tuner_observations(const struct pgt_tuner *t, const struct pgt_observation **ret)
{
	*ret = t->obs;
	return t->n_obs;
}

const struct pgt_space *
pgt_tuner_space(const struct pgt_tuner *t)
{
	return &t->space;
}

/* There and back, and the present settings with them. */
static int
confirmed_by(int finalists, int rounds)
{
	return rounds > 0 ? rounds * 2 * (finalists + 1) : 0;
}

int
pgt_tuner_final_trials(int budget, int final_rounds)
{
	return confirmed_by(tuner_finalists(budget), final_rounds);
}

void
pgt_tuner_progress(const struct pgt_tuner *t, int *ret_done, int *ret_total)
{
	int rounds = t->opts.final_rounds, done = 0;

	for (size_t i = 0; i < t->n_obs; i++)
		done += t->obs[i].status != PGT_OUTCOME_VOID;
	*ret_done = done;
	*ret_total = tuner_search_over(t) ? tuner_count_search(t) : t->opts.budget;
	if (!t->final)
		*ret_total += pgt_tuner_final_trials(t->opts.budget, rounds);
	else if (rounds > 0 && t->final->n > 0)
		*ret_total += confirmed_by(t->final->n, rounds) +
			      /* one goes on, with the present settings */
			      confirmed_by(1, t->final->rounds - rounds);
	if (pgt_tuner_phase(t) == PGT_TUNER_DONE)
		*ret_total = done;
}

/* Fill the prediction of the trial from the surrogate, if there is one. */
static void
predict_trial(struct pgt_tuner *t)
{
	struct pgt_trial *tr = &t->trial;
	double kernel[PGT_SPACE_KERNEL], mean, sd;

	if (!t->model || t->model_obs != t->n_obs || isnan(t->model->base_cost))
		return;
	pgt_space_kernel_of(&t->space, tr->value, kernel);
	tuner_model_predict(t->model, 1, kernel, &mean, &sd);
	t->trial_mean = mean;
	t->trial_sd = hypot(sd, pgt_gp_noise_sd(t->model->gp));
	tr->have_prediction = true;
	tr->gain_pct = pgt_objective_gain_pct(t->model->base_cost, mean);
	tr->gain_lo_pct = pgt_objective_gain_pct(t->model->base_cost, mean + 1.96 * sd);
	tr->gain_hi_pct = pgt_objective_gain_pct(t->model->base_cost, mean - 1.96 * sd);
}

static void
fill_trial(struct pgt_tuner *t, const double *value, bool is_baseline, const char *why)
{
	memcpy(t->trial.value, value, t->space.n_dims * sizeof(*value));
	t->trial.is_baseline = is_baseline;
	t->trial.why = why;
}

static int
ask_final(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_err *err)
{
	if (tuner_final_update(t, cancel, err) < 0)
		return -1;
	if (t->final->next == FINAL_OVER)
		return pgt_err_set(err, PGT_E_STATE, "the search is done");
	if (t->final->next < 0)
		fill_trial(t, t->baseline, true, "the present settings, once more");
	else
		fill_trial(t, t->final->value[t->final->next], false,
			   t->final->next == t->final->pruned
			       ? "the best without what does not matter, likewise"
			       : "one of the best, beside the present settings");
	return 0;
}

int
pgt_tuner_ask(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_trial *ret,
	      struct pgt_err *err)
{
	enum pgt_tuner_phase phase = pgt_tuner_phase(t);
	int rc = 0, n = tuner_count_search(t);

	if (t->out)
		return pgt_err_set(err, PGT_E_STATE, "trial %d is still out",
				   t->trial.id);
	memset(&t->trial, 0, sizeof(t->trial));
	t->trial_ei_pct = t->trial_mean = t->trial_sd = NAN;
	switch (phase) {
	case PGT_TUNER_BASELINE:
		fill_trial(t, t->baseline, true, "the present settings");
		break;
	case PGT_TUNER_SEED:
		n -= t->opts.baselines;
		fill_trial(t, t->seed_value[n], false, t->seed_why[n]);
		break;
	case PGT_TUNER_INIT:
	case PGT_TUNER_SEARCH:
		rc = tuner_search_next(t, cancel, err);
		break;
	case PGT_TUNER_FINAL:
		rc = ask_final(t, cancel, err);
		break;
	case PGT_TUNER_DONE:
		return pgt_err_set(err, PGT_E_STATE, "the search is done");
	}
	if (rc < 0)
		return -1;
	t->trial.id = (int)t->n_obs + 1;
	t->trial.phase = phase;
	predict_trial(t);
	t->out = true;
	*ret = t->trial;
	return 0;
}

int
pgt_tuner_tell(struct pgt_tuner *t, int id, const struct pgt_outcome *outcome,
	       struct pgt_err *err)
{
	struct pgt_observation *o;

	if (!t->out || id != t->trial.id)
		return pgt_err_set(err, PGT_E_STATE, "trial %d is not out", id);
	if (outcome->status == PGT_OUTCOME_OK && !isfinite(outcome->cost))
		return pgt_err_set(err, PGT_E_USAGE, "trial %d has no finite cost", id);
	if (t->n_obs == t->cap_obs) {
		t->cap_obs = t->cap_obs ? 2 * t->cap_obs : 64;
		t->obs = pgt_xreallocarray(t->obs, t->cap_obs, sizeof(*t->obs));
	}
	o = &t->obs[t->n_obs++];
	memset(o, 0, sizeof(*o));
	o->id = id;
	o->phase = t->trial.phase;
	o->status = outcome->status;
	o->is_baseline = t->trial.is_baseline;
	o->cost = outcome->cost;
	o->ei_pct = t->trial_ei_pct;
	o->surprise = (o->cost - t->trial_mean) / t->trial_sd;
	memcpy(o->value, t->trial.value, sizeof(o->value));
	t->out = false;
	/* The verdict is one step behind until it is asked for: keep phase() honest. */
	if (t->final)
		return tuner_final_update(t, NULL, err);
	return 0;
}
