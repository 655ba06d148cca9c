#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"
#include "pg2une/num/quantile.h"
#include "pg2une/optimize/objective.h"

#include "tuner_priv.h"

/* Looks at the pairs: after the rounds that are asked for, and twice after as many again
 * as there were so far, when what they say is promising without being sure. */
#define LOOKS	  3
#define PROMISING 0.75 /* that it gains at all */
#define BUDGET_EACH  10 /* trials of the search for each finalist but the first */
#define PAIRS_MAX    32
#define ALPHA	     0.025 /* of one side, shared by the finalists and the looks */
/* Two measurements never differ by less than this by chance (log cost). */
#define SD_FLOOR 0.001
/* What the search says of a finalist counts as so many pairs: its surrogate has seen the
 * neighbours too, and is sure of it to about half the noise of one measurement. */
#define SEARCH_PAIRS 4
/* A difference of so many standard errors between two finalists is taken for none.  With
 * a whole one the simulated server lost 1% of OLTP. */
#define EQUAL 0.5

struct pairs {
	int n[FINALISTS];
	double diff[FINALISTS][PAIRS_MAX]; /* baseline - finalist, adjacent in time */
};

static size_t
search_observations(const struct pgt_tuner *t)
{
	size_t n = 0;

	while (n < t->n_obs && t->obs[n].phase < PGT_TUNER_FINAL)
		n++;
	return n;
}

int
tuner_finalists(int budget)
{
	int n = 1 + budget / BUDGET_EACH;

	return n < FINALISTS ? n : FINALISTS;
}

static void
add_finalist(struct tuner_final *f, const double *value, size_t dims, double expected)
{
	f->expected[f->n] = expected;
	memcpy(f->value[f->n++], value, dims * sizeof(*value));
}

/* Beside the best, which stays: what was pruned is measured and never assumed. */
static void
add_pruned(const struct pgt_tuner *t, struct tuner_model *m, double base,
	   struct tuner_final *f)
{
	double value[PGT_SPACE_DIMS], kernel[PGT_SPACE_KERNEL], mean;

	f->left_out = tuner_prune(t, m, &tuner_prune_surely, f->value[0], value);
	if (f->left_out == 0 || tuner_same_value(&t->space, value, t->baseline))
		return;
	pgt_space_kernel_of(&t->space, value, kernel);
	tuner_model_predict(m, 1, kernel, &mean, NULL);
	f->pruned = f->n;
	add_finalist(f, value, m->dims, base - mean);
}

/* The configurations with the lowest posterior mean, if that is below the baseline's;
 * after the first of them, the same without what does not matter. */
static int
choose_finalists(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_err *err)
{
	struct tuner_final *f;
	struct tuner_model *m;
	double base = HUGE_VAL;
	struct pgt_err local = {0};

	if (tuner_model_new(t, search_observations(t), cancel, &m, &local) < 0) {
		if (local.code != PGT_E_STATE)
			return pgt_err_set(err, local.code, "%s", local.msg);
		/* Only the baseline was measured: nothing to confirm. */
		t->final = pgt_xcalloc(1, sizeof(*t->final));
		return 0;
	}
	f = pgt_xcalloc(1, sizeof(*f));
	f->pruned = -1;
	for (size_t i = 0; i < m->n; i++)
		if (m->is_base[i])
			base = m->mean[i];
	/* A short search is not followed by a long confirmation. */
	while (f->n < tuner_finalists(t->opts.budget)) {
		size_t best = m->n;

		for (size_t i = 0; i < m->n; i++)
			if (!m->bad[i] && !m->is_base[i] && m->mean[i] < base &&
			    (best == m->n || m->mean[i] < m->mean[best]))
				best = i;
		if (best == m->n)
			break;
		add_finalist(f, &m->value[best * m->dims], m->dims, base - m->mean[best]);
		m->bad[best] = true; /* taken */
		if (f->n == 1 && f->n < tuner_finalists(t->opts.budget))
			add_pruned(t, m, base, f);
	}
	tuner_model_free(m);
	f->rounds = t->opts.final_rounds;
	t->final = f;
	return 0;
}

/* Who is measured at a position: -1 is the baseline.  A B C D D C B A, again. */
static int
scheduled(const struct tuner_final *f, int position)
{
	int half = f->n + 1, at = position % (2 * half);

	return (at < half ? at : 2 * half - 1 - at) - 1;
}

/* Hodges-Lehmann: the median of the means of all pairs, itself included.  Unmoved by
 * one outlier among four. */
static double
hodges_lehmann(const double *v, int n)
{
	double walsh[PAIRS_MAX * (PAIRS_MAX + 1) / 2];
	size_t m = 0;

	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++)
			walsh[m++] = (v[i] + v[j]) / 2;
	return pgt_quantile_of(walsh, m, 0.5);
}

/* Spread of a difference, pooled over the finalists: they share server and noise. */
static double
pooled_sd(const struct pairs *p, int n, const double *centre, double *ret_dof)
{
	double rest[FINALISTS * PAIRS_MAX], sum = 0, mad, spare;
	size_t m = 0;
	int groups = 0;

	for (int c = 0; c < n; c++) {
		groups += p->n[c] > 0;
		for (int i = 0; i < p->n[c]; i++)
			rest[m++] = fabs(p->diff[c][i] - centre[c]);
	}
	spare = (double)m - groups;
	if (spare < 1)
		return HUGE_VAL;
	/* The differences of one half share its baseline, so those of two finalists
	 * correlate by 1/2, their squares by 1/4: they tell less than they count. */
	*ret_dof = fmax(1, spare / (1 + 0.25 * (groups - 1)));
	/* Winsorised at three robust deviations, so that outliers do not hide gains;
	 * the correction is for the degrees of freedom spent on the centres. */
	mad = 1.4826 * pgt_quantile_of(rest, m, 0.5) * sqrt((double)m / spare);
	for (size_t i = 0; i < m; i++)
		sum += fmin(rest[i] * rest[i], 9 * mad * mad);
	return fmax(sqrt(sum / spare), SD_FLOOR);
}

static void
verdict(struct tuner_final *f, const struct pairs *p)
{
	double dof = 1, sd;

	for (int c = 0; c < f->n; c++)
		f->gain[c] = p->n[c] ? hodges_lehmann(p->diff[c], p->n[c]) : 0;
	sd = pooled_sd(p, f->n, f->gain, &dof);
	f->se = 0;
	for (int c = 0; c < f->n; c++) {
		/* Hodges-Lehmann is 0.955 as efficient as the mean under normality. */
		double se = sd / sqrt(0.955 * p->n[c]), half;

		f->pairs[c] = p->n[c];
		/* Two finalists share their baseline: the difference of theirs has no
		 * more variance than one of them against the baseline. */
		if (p->n[c] && isfinite(se))
			f->se = fmax(f->se, se);
		if (p->n[c] == 0 || !isfinite(se)) {
			f->lo[c] = -HUGE_VAL;
			f->hi[c] = HUGE_VAL;
			f->confidence[c] = 0.5;
			continue;
		}
		half = se * pgt_t_quantile(1 - ALPHA / (f->n * LOOKS), dof);
		f->lo[c] = f->gain[c] - half;
		f->hi[c] = f->gain[c] + half;
		f->confidence[c] = pgt_t_cdf(f->gain[c] / se, dof);
	}
}

/* The gain by pairs and surrogate together. */
static double
merit(const struct tuner_final *f, int c)
{
	return (f->pairs[c] * f->gain[c] + SEARCH_PAIRS * f->expected[c]) /
	       (f->pairs[c] + SEARCH_PAIRS);
}

/* Certain before uncertain, then by merit. */
static int
most_merit(const struct tuner_final *f)
{
	int best = -1;

	for (int c = 0; c < f->n; c++) {
		if (f->out[c] || !f->pairs[c])
			continue;
		if (best < 0 || (f->lo[c] > 0) > (f->lo[best] > 0) ||
		    ((f->lo[c] > 0) == (f->lo[best] > 0) && merit(f, c) > merit(f, best)))
			best = c;
	}
	return best;
}

/* Of equal evidence the one that changes less. */
static int
winner(const struct tuner_final *f)
{
	int best = most_merit(f), less = f->pruned;

	if (best < 0 || less < 0 || f->out[less] || !f->pairs[less] ||
	    (f->lo[best] > 0 && f->lo[less] <= 0))
		return best;
	return merit(f, best) - merit(f, less) <= EQUAL * f->se ? less : best;
}

/* Whether a look leads to another one: then as many rounds again, without those that
 * fell behind.  Which one goes on is chosen by what was seen; that is paid for, since
 * each finalist has its share of the doubt. */
static bool
look_again(struct tuner_final *f, const struct pairs *p)
{
	int best;

	verdict(f, p);
	best = winner(f);
	if (best < 0 || f->looks == LOOKS || f->lo[best] > 0 ||
	    f->confidence[best] < PROMISING)
		return false;
	for (int c = 0; c < f->n; c++)
		f->out[c] |= c != best;
	f->looks++;
	f->rounds *= 2;
	return true;
}

static bool
rounds_done(const struct tuner_final *f)
{
	return f->position >= f->rounds * 2 * (f->n + 1);
}

/* Whose turn it is: those who dropped out are passed over. */
static int
next_turn(struct tuner_final *f)
{
	int who;

	while ((who = scheduled(f, f->position)) >= 0 && f->out[who])
		f->position++;
	return who;
}

/* Replay the final: who dropped out, what was seen when it was looked at, what the
 * pairs say. */
static void
replay(struct pgt_tuner *t, struct pairs *p)
{
	struct tuner_final *f = t->final;
	int half = f->n + 1;
	double cost[FINALISTS + 1];
	bool have[FINALISTS + 1] = {false};
	int now = 0;

	memset(p, 0, sizeof(*p));
	memset(f->out, 0, sizeof(f->out));
	f->position = 0;
	f->rounds = t->opts.final_rounds;
	f->looks = 1;
	for (size_t i = search_observations(t); i < t->n_obs; i++) {
		const struct pgt_observation *o = &t->obs[i];
		int who;

		if (o->status == PGT_OUTCOME_VOID)
			continue;
		next_turn(f);
		if (rounds_done(f))
			(void)look_again(f, p); /* it did, or there were no more */
		who = next_turn(f);
		if (f->position / half != now) {
			now = f->position / half;
			memset(have, 0, sizeof(have));
		}
		have[who + 1] = o->status == PGT_OUTCOME_OK;
		cost[who + 1] = o->cost;
		if (who >= 0 && o->status != PGT_OUTCOME_OK)
			f->out[who] = true;
		/* The second half ends with the baseline, the first begins with it. */
		for (int c = 0; c < f->n; c++)
			if (have[0] && have[c + 1] && (who == c || who == -1) &&
			    p->n[c] < PAIRS_MAX)
				p->diff[c][p->n[c]++] = cost[0] - cost[c + 1];
		f->position++;
	}
}

int
tuner_final_update(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_err *err)
{
	struct tuner_final *f;
	struct pairs p;
	int left = 0;

	if (!t->final && choose_finalists(t, cancel, err) < 0)
		return -1;
	f = t->final;
	f->next = FINAL_OVER;
	if (f->n == 0)
		return 0;
	replay(t, &p);
	for (int c = 0; c < f->n; c++)
		left += !f->out[c];
	if (left > 0)
		next_turn(f);
	/* When time is up, one more look is enough. */
	if (left > 0 && (!rounds_done(f) || (!(t->finish && f->looks > 1) &&
					     look_again(f, &p))))
		f->next = next_turn(f);
	verdict(f, &p);
	return 0;
}

static void
propose_baseline(const struct pgt_tuner *t, struct pgt_proposal *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->keep_baseline = true;
	memcpy(ret->value, t->baseline, t->space.n_dims * sizeof(double));
}

/* What the surrogate believes, before or without a final. */
static int
propose_from_model(struct pgt_tuner *t, bool done, struct pgt_proposal *ret,
		   struct pgt_err *err)
{
	const struct tuner_model *m;
	double sd, mean, base = pgt_tuner_baseline_cost(t), gain;
	struct pgt_err local = {0};

	if (tuner_model_now(t, NULL, &local) < 0) {
		if (local.code != PGT_E_STATE)
			return pgt_err_set(err, local.code, "%s", local.msg);
		propose_baseline(t, ret);
		return 0;
	}
	m = t->model;
	tuner_model_predict(m, 1, &m->kernel[m->best * m->width], &mean, &sd);
	sd = hypot(sd, pgt_gp_noise_sd(m->gp) / sqrt(fmax(1, t->opts.baselines)));
	gain = base - mean;
	propose_baseline(t, ret);
	if (m->is_base[m->best] || gain <= 0 || (done && gain - 1.96 * sd <= 0))
		return 0;
	ret->keep_baseline = false;
	memcpy(ret->value, &m->value[m->best * m->dims], m->dims * sizeof(double));
	ret->gain_pct = 100 * expm1(gain);
	ret->gain_lo_pct = 100 * expm1(gain - 1.96 * sd);
	ret->gain_hi_pct = 100 * expm1(gain + 1.96 * sd);
	ret->confidence = pgt_norm_cdf(gain / sd);
	return 0;
}

int
pgt_tuner_propose(struct pgt_tuner *t, struct pgt_proposal *ret, struct pgt_err *err)
{
	bool done = pgt_tuner_phase(t) == PGT_TUNER_DONE;
	const struct tuner_final *f = t->final;
	int best;

	if (isnan(pgt_tuner_baseline_cost(t)) && t->opts.baselines > 0)
		return pgt_err_set(err, PGT_E_STATE, "the baseline was not measured yet");
	if (!done || t->opts.final_rounds < 0)
		return propose_from_model(t, done, ret, err);
	propose_baseline(t, ret);
	best = f ? winner(f) : -1;
	if (best < 0)
		return 0;
	ret->pairs = f->pairs[best];
	ret->gain_pct = 100 * expm1(f->gain[best]);
	ret->gain_lo_pct = 100 * expm1(f->lo[best]);
	ret->gain_hi_pct = 100 * expm1(f->hi[best]);
	ret->confidence = f->confidence[best];
	if (f->lo[best] <= 0)
		return 0; /* the numbers of the best are told, but it is not proposed */
	ret->keep_baseline = false;
	ret->left_out = best == f->pruned ? f->left_out : 0;
	memcpy(ret->value, f->value[best], t->space.n_dims * sizeof(double));
	return 0;
}
