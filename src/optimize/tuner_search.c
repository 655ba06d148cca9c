#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/acquire.h"

#include "tuner_priv.h"

#define INIT_RADIUS   0.125 /* of the first exploration when it must be safe */
#define INIT_TRIES    4000
#define SHRINK_ROUNDS 4
/* A trial must beat the best by this much (log cost) to count as a success. */
#define SUCCESS 0.002
/* So many deviations costlier than predicted, and a trial is measured once more. */
#define DOUBT 2.2

static bool
allowed(void *arg, const double *value)
{
	const struct pgt_tuner *t = arg;

	return !t->opts.have_host ||
	       pgt_memory_allowed(&t->opts.mem, &t->space, value);
}

static void
repair(void *arg, struct pgt_random *r, double *value)
{
	const struct pgt_tuner *t = arg;

	if (t->opts.have_host)
		pgt_memory_repair(&t->opts.mem, &t->space, r, value);
}

static bool
tried(const struct pgt_tuner *t, const double *value)
{
	for (size_t i = 0; i < t->n_obs; i++)
		if (t->obs[i].status != PGT_OUTCOME_VOID &&
		    tuner_same_value(&t->space, t->obs[i].value, value))
			return true;
	return false;
}

/* Lowest measured cost so far: where a safe exploration starts from. */
static const double *
best_measured(const struct pgt_tuner *t)
{
	const struct pgt_observation *best = NULL;

	for (size_t i = 0; i < t->n_obs; i++)
		if (t->obs[i].status == PGT_OUTCOME_OK &&
		    (!best || t->obs[i].cost < best->cost))
			best = &t->obs[i];
	return best ? best->value : t->baseline;
}

/* Whether two trials differ by that dimension alone: then its effect is known. */
static bool
contrasted(const struct pgt_tuner *t, size_t dim)
{
	double other[PGT_SPACE_DIMS];

	for (size_t i = 0; i < t->n_obs; i++) {
		if (t->obs[i].status == PGT_OUTCOME_VOID)
			continue;
		memcpy(other, t->obs[i].value, sizeof(other));
		other[dim] = 1 - other[dim];
		if (tried(t, other))
			return true;
	}
	return false;
}

/* The best so far with one index or hint more, or less; false: each was tried so. */
static bool
next_toggle(struct pgt_tuner *t)
{
	for (size_t i = 0; i < t->space.n_dims; i++) {
		if (!tuner_is_extra(&t->space.dims[i]) || contrasted(t, i))
			continue;
		memcpy(t->trial.value, best_measured(t),
		       t->space.n_dims * sizeof(double));
		t->trial.value[i] = 1 - t->trial.value[i];
		t->trial.why = t->trial.value[i] > 0
				   ? "one index or hint more than the best so far"
				   : "one index or hint less than the best so far";
		return true;
	}
	return false;
}

/* The k-th admissible point of the scrambled sequence, in the whole space or, when
 * safe, near the best seed. */
static int
next_init(struct pgt_tuner *t, int k, struct pgt_err *err)
{
	size_t d = t->space.n_dims;
	double u[PGT_SPACE_DIMS], centre[PGT_SPACE_DIMS], value[PGT_SPACE_DIMS];
	struct pgt_random r;
	struct pgt_sobol sobol;

	pgt_random_init_stream(&r, t->opts.seed, STREAM_INIT);
	pgt_sobol_init(&sobol, d, &r);
	pgt_space_encode(&t->space, best_measured(t), centre);
	for (int i = 0; i < INIT_TRIES; i++) {
		pgt_sobol_next(&sobol, u);
		for (size_t c = 0; t->opts.safe && c < d; c++)
			/* An index cannot break anything: there or not, half and half. */
			if (!tuner_is_extra(&t->space.dims[c]))
				u[c] = fmin(
				    fmax(centre[c] + INIT_RADIUS * (2 * u[c] - 1), 0), 1);
		pgt_space_decode(&t->space, u, value);
		if (i < k || !allowed(t, value) || tried(t, value))
			continue;
		memcpy(t->trial.value, value, d * sizeof(*value));
		t->trial.why = t->opts.safe ? "exploring near the best known"
					    : "exploring the space evenly";
		return 0;
	}
	return pgt_err_set(err, PGT_E_NOTFOUND,
			   "no admissible configuration to explore with");
}

/* The trust region follows from the history alone. */
static void
trust_of(const struct pgt_tuner *t, struct pgt_trust *trust)
{
	double best = HUGE_VAL;

	pgt_trust_init(trust);
	for (size_t i = 0; i < t->n_obs; i++) {
		const struct pgt_observation *o = &t->obs[i];
		bool ok = o->status == PGT_OUTCOME_OK;

		if (o->status == PGT_OUTCOME_VOID)
			continue;
		if (o->phase == PGT_TUNER_SEARCH)
			pgt_trust_update(trust, ok && o->cost < best - SUCCESS);
		if (ok && o->cost < best)
			best = o->cost;
	}
}

static int
search_safely(struct pgt_tuner *t, struct pgt_acquire *a, struct pgt_acquired *got,
	      struct pgt_err *err)
{
	double lo[PGT_SPACE_DIMS], hi[PGT_SPACE_DIMS];
	struct pgt_trust trust;

	trust_of(t, &trust);
	a->box_lo = lo;
	a->box_hi = hi;
	a->constrained = true;
	a->confidence = t->opts.confidence;
	a->threshold = t->model->base_cost - log1p(-t->opts.loss_pct / 100);
	for (int i = 0; i < SHRINK_ROUNDS; i++) {
		pgt_trust_box(&trust, &t->space, a->incumbent, lo, hi);
		if (pgt_acquire_next(a, got, err) < 0)
			return -1;
		if (got->safe)
			return 0;
		trust.side /= 2; /* nearer to what is known is surer */
	}
	return 0;
}

static double
ei_percent(const struct pgt_acquired *got)
{
	return 100 * expm1(exp(fmin(got->log_ei, 3)));
}

static bool
measured_once(const struct pgt_tuner *t, const double *value)
{
	int times = 0;

	for (size_t i = 0; i < t->n_obs; i++)
		times += t->obs[i].status != PGT_OUTCOME_VOID &&
			 tuner_same_value(&t->space, t->obs[i].value, value);
	return times == 1;
}

/* A guess that came out costlier than the present settings or a guess before it, where
 * each is meant to be better.  No surrogate could predict it, and the search starts from
 * the best. */
static const struct pgt_observation *
doubtful_guess(const struct pgt_tuner *t)
{
	double least = pgt_tuner_baseline_cost(t);

	for (size_t i = 0; i < t->n_obs; i++) {
		const struct pgt_observation *o = &t->obs[i];

		if (o->status != PGT_OUTCOME_OK || o->phase != PGT_TUNER_SEED)
			continue;
		if (o->cost > least && measured_once(t, o->value))
			return o;
		least = fmin(least, o->cost);
	}
	return NULL;
}

/* What else ran on the machine may have made a trial look bad, and would put its
 * neighbourhood off for the rest of the search: a guess, or the last suggestion.  NULL
 * when there is no such doubt. */
static const struct pgt_observation *
doubtful(const struct pgt_tuner *t)
{
	const struct pgt_observation *last = NULL;

	/* Without replicates of the baseline nothing is known of noise. */
	if (t->opts.baselines < 2)
		return NULL;
	for (size_t i = t->n_obs; i-- > 0 && !last;)
		if (t->obs[i].status != PGT_OUTCOME_VOID)
			last = &t->obs[i];
	if (last && last->status == PGT_OUTCOME_OK && last->surprise > DOUBT &&
	    measured_once(t, last->value))
		return last;
	return doubtful_guess(t);
}

/* A search moves many settings together and cannot tell which of them it was.  So at
 * some moments the trial is the best one without what seems not to matter: it teaches
 * the surrogate what each is worth, and the answer names only what is needed. */
static bool
without_idle(struct pgt_tuner *t, struct tuner_model *m)
{
	static const int percent[] = {50, 65, 80};
	int done = tuner_count_search(t);
	double value[PGT_SPACE_DIMS];
	bool now = false;

	for (size_t i = 0; i < PGT_LEN(percent); i++)
		now |= done == t->opts.budget * percent[i] / 100;
	if (!now ||
	    tuner_prune(t, m, &tuner_prune_boldly, &m->value[m->best * m->dims],
			value) == 0 ||
	    tried(t, value))
		return false;
	memcpy(t->trial.value, value, m->dims * sizeof(double));
	t->trial.why = "the best without what seems not to matter";
	return true;
}

int
tuner_search_next(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_err *err)
{
	int at = tuner_count_search(t) - t->opts.baselines - t->n_seeds;
	const struct pgt_observation *again;
	const struct tuner_model *m;
	double incumbent[PGT_SPACE_DIMS];
	struct pgt_acquired got;
	struct pgt_acquire a;

	if (at < t->n_toggles && next_toggle(t))
		return 0;
	if (at >= t->n_toggles && at < t->opts.init)
		return next_init(t, at - t->n_toggles, err);
	if (tuner_model_now(t, cancel, err) < 0)
		return -1;
	m = t->model;
	if ((again = doubtful(t))) {
		memcpy(t->trial.value, again->value, m->dims * sizeof(double));
		t->trial.why = "far costlier than expected: once more, to be sure";
		return 0;
	}
	if (t->opts.safe && without_idle(t, t->model))
		return 0;
	pgt_space_encode(&t->space, &m->value[m->best * m->dims], incumbent);
	a = (struct pgt_acquire){
	    .space = &t->space,
	    .gp = m->gp,
	    .best = m->mean[m->best],
	    .incumbent = incumbent,
	    .seen = m->value,
	    .n_seen = m->n,
	    .allowed = allowed,
	    .repair = repair,
	    .allowed_arg = t,
	    .prior_mean = m->beta > 0 ? tuner_model_prior_mean : NULL,
	    .prior_arg = t->model,
	    .candidates = t->opts.candidates,
	    .seed = t->opts.seed * 1000003 + (uint64_t)t->n_obs * 8 + STREAM_SEARCH,
	    .cancel = cancel,
	};
	if ((t->opts.safe ? search_safely(t, &a, &got, err)
			  : pgt_acquire_next(&a, &got, err)) < 0)
		return -1;
	if (!got.safe) {
		/* Nothing new is safe enough: know the best one better instead. */
		memcpy(t->trial.value, &m->value[m->best * m->dims],
		       m->dims * sizeof(double));
		t->trial.is_baseline = m->is_base[m->best];
		t->trial.why = "nothing new is safe enough: measuring the best again";
		return 0;
	}
	memcpy(t->trial.value, got.value, m->dims * sizeof(double));
	t->trial.why = "most improvement expected";
	t->trial_ei_pct = ei_percent(&got);
	return 0;
}
