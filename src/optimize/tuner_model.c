#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"

#include "pg2une/optimize/heuristic.h"

#include "tuner_priv.h"

/* How far above the loss limit a bad trial may still stand out (log cost). */
#define SAFE_HEADROOM 0.2
/* Settings bend cost more alike, and a little less, than coordinates of any function: log
 * length scales about the prior's mean.  With delays discounted that predicts unseen
 * configurations of the simulated server best (docs/benchmarks-optimizer.md).  An index
 * or a hint is a jump: with one in the search the wider prior stands. */
#define SETTING_LENGTH	  0.3
#define SETTING_LENGTH_SD 0.5
#define ADDITIVE      0.8 /* share of the additive part, or none: the data decide */
#define FIT_TOLERANCE 1e-3
/* Rows that are too few to tell a delay by the others. */
#define FEW_ROWS 3
/* Power of a setting's weight in its expected length scale. */
#define WEIGHT_TO_LENGTH 0.5
/* The same settings measured twice, further apart than this (log cost) and than the
 * baselines scatter, in standard deviations: something else slowed one of them. */
#define APART	 0.1
#define APART_SD 4
/* Runs of seconds to minutes scatter by some percent (5 with TUNA, Freischuetz et al.,
 * EuroSys 2025): 4%, or half or twice that, is as much evidence as four more replicates.
 * Few are measured, and one that something else slowed would make the rest look idle. */
#define NOISE_USUAL	0.04
#define NOISE_USUAL_DOF 4.0
#define NOISE_LEAST	1e-5
/* Others on the machine, checkpoints and vacuums slow some measurements, by anything: one
 * in five and by a quarter to a third, to be careful.  The surrogate predicts better with
 * that than with a tenth or none, whatever the share is. */
static const struct pgt_gp_delays delays = {.share = 0.2, .mean = 0.3};

void
tuner_model_free(struct tuner_model *m)
{
	if (!m)
		return;
	pgt_gp_free(m->gp);
	free(m->value);
	free(m->kernel);
	free(m->cost);
	free(m->weight);
	free(m->mean);
	free(m->bad);
	free(m->is_base);
	free(m->measured);
	free(m);
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Costs past this tell no more than "bad": median + 2 (median - best), numerics B.2. */
static double
worst_cost(const struct pgt_tuner *t, const struct pgt_observation *const *used, size_t n,
	   double base_cost)
{
	double *v = pgt_xcalloc(n, sizeof(double)), cap = HUGE_VAL;
	size_t ok = 0;

	for (size_t i = 0; i < n; i++)
		if (used[i]->status == PGT_OUTCOME_OK)
			v[ok++] = used[i]->cost;
	qsort(v, ok, sizeof(*v), compare_double);
	if (ok >= 2) {
		double median = ok % 2 ? v[ok / 2] : (v[ok / 2 - 1] + v[ok / 2]) / 2;

		cap = median + 2 * (median - v[0]);
		if (cap <= v[0])
			cap = v[0] + 1;
	} else if (ok == 1) {
		cap = v[0] + 1;
	}
	/* The loss limit must stay visible to the constraint. */
	if (t->opts.safe && isfinite(base_cost))
		cap = fmax(cap,
			   base_cost - log1p(-t->opts.loss_pct / 100) + SAFE_HEADROOM);
	free(v);
	return cap;
}

static double
cost_of(const struct pgt_observation *o, double cap)
{
	if (o->status == PGT_OUTCOME_OK)
		return fmin(o->cost, cap);
	return isfinite(cap) ? cap : 0;
}

static size_t
row_of(struct tuner_model *m, const struct pgt_space *s, const double *value)
{
	size_t i = 0;

	while (i < m->n && !tuner_same_value(s, &m->value[i * m->dims], value))
		i++;
	return i;
}

/* Costs of the same settings further apart than this are not of the same server. */
static double
apart(const struct pgt_observation *const *used, size_t n)
{
	double mean = 0, m2 = 0, delta;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!used[i]->is_baseline || used[i]->status != PGT_OUTCOME_OK)
			continue;
		delta = used[i]->cost - mean;
		mean += delta / (double)++k;
		m2 += delta * (used[i]->cost - mean);
	}
	return k > 1 ? fmax(APART, APART_SD * sqrt(m2 / (double)(k - 1))) : HUGE_VAL;
}

/* Usual and measured noise together: the log of a variance of so many degrees of freedom
 * is known with a precision of half of them. */
static void
estimate_noise(double within, struct pgt_gp_fit *fit)
{
	double dof = fit->noise_dof + NOISE_USUAL_DOF, measured;

	if (!(fit->noise_dof > 0))
		return;
	measured = fmax(within / fit->noise_dof, NOISE_LEAST * NOISE_LEAST);
	fit->noise_variance = exp((fit->noise_dof * log(measured) +
				   NOISE_USUAL_DOF * 2 * log(NOISE_USUAL)) /
				  dof);
	fit->noise_dof = dof;
}

/* Replicates become one row: their mean, weight 1/m; the spread within the rows is
 * the noise.  What came out far slower than the same settings did is left out. */
static void
gather(struct tuner_model *m, const struct pgt_tuner *t,
       const struct pgt_observation *const *used, size_t n, struct pgt_gp_fit *fit)
{
	double cap = worst_cost(t, used, n, m->base_cost);
	double *sum2 = pgt_xcalloc(n, sizeof(double)), within = 0, far = apart(used, n);

	for (size_t k = 0; k < n; k++) {
		const struct pgt_observation *o = used[k];
		size_t i = row_of(m, &t->space, o->value);
		double c = cost_of(o, cap), delta;

		if (i == m->n) {
			memcpy(&m->value[i * m->dims], o->value,
			       m->dims * sizeof(double));
			pgt_space_kernel_of(&t->space, o->value,
					    &m->kernel[i * m->width]);
			m->n++;
		}
		if (o->status == PGT_OUTCOME_OK)
			m->measured[m->n_measured++] = (struct pgt_gp_measured){i, c};
		if (m->weight[i] > 0 && !o->is_baseline && fabs(c - m->cost[i]) > far) {
			m->cost[i] = fmin(m->cost[i], c);
			m->weight[i] = 1;
			sum2[i] = 0;
			continue;
		}
		/* Welford; weight counts until the end. */
		m->weight[i]++;
		delta = c - m->cost[i];
		m->cost[i] += delta / m->weight[i];
		sum2[i] += delta * (c - m->cost[i]);
		m->bad[i] |= o->status != PGT_OUTCOME_OK;
		m->is_base[i] |= o->is_baseline;
	}
	for (size_t i = 0; i < m->n; i++) {
		within += sum2[i];
		fit->noise_dof += m->weight[i] - 1;
		/* The median resists the outlier that three measurements may hold. */
		if (m->is_base[i] && isfinite(m->base_cost))
			m->cost[i] = fmin(m->base_cost, cap);
		m->weight[i] = 1 / m->weight[i];
	}
	estimate_noise(within, fit);
	free(sum2);
}

double
tuner_model_prior_mean(void *model, const double *kernel)
{
	const struct tuner_model *m = model;

	return m->beta > 0 ? m->beta * pgt_warm_mean(m->warm, kernel) : 0;
}

void
tuner_model_predict(const struct tuner_model *m, size_t m_points, const double *kernel,
		    double *mean, double *sd)
{
	pgt_gp_predict(m->gp, m_points, kernel, mean, sd);
	for (size_t i = 0; m->beta > 0 && i < m_points; i++)
		mean[i] += m->beta * pgt_warm_mean(m->warm, &kernel[i * m->width]);
}

/* How additive the surface is, the data decide: the share of the greater posterior. */
static int
fit_best_share(struct tuner_model *m, const double *rest, struct pgt_gp_fit *fit,
	       struct pgt_err *err)
{
	static const double shares[] = {0, ADDITIVE};
	/* A suggestion must not take longer than 50 ms at 60 trials: many observations
	 * leave little to the start. */
	const int starts[] = {m->n > 40 ? 1 : 2, 1};

	for (size_t i = 0; i < PGT_LEN(shares); i++) {
		struct pgt_gp *gp;

		fit->additive = shares[i];
		fit->starts = starts[i];
		fit->tolerance = FIT_TOLERANCE;
		if (pgt_gp_new_fit(m->n, m->width, m->kernel, rest, m->weight, fit, &gp,
				   err) < 0) {
			pgt_gp_free(m->gp);
			m->gp = NULL;
			return -1;
		}
		if (m->gp &&
		    pgt_gp_log_posterior(gp) <= pgt_gp_log_posterior(m->gp)) {
			pgt_gp_free(gp);
			continue;
		}
		pgt_gp_free(m->gp);
		m->gp = gp;
	}
	return 0;
}

/* Costs and weights as they are when some measurements were slowed by something else.  A
 * rough fit tells which: what it predicts of each without it. */
static int
discount_delays(struct tuner_model *m, struct pgt_gp_fit *fit, double *rest,
		struct pgt_err *err)
{
	struct pgt_gp_measured *y = pgt_xcalloc(m->n_measured, sizeof(*y));
	struct pgt_gp *gp;
	size_t n = 0;
	int rc;

	for (size_t k = 0; k < m->n_measured; k++) {
		size_t i = m->measured[k].row;

		/* A failure has no cost; its row stays the worst. */
		if (!m->bad[i])
			y[n++] = (struct pgt_gp_measured){
			    i, m->measured[k].y -
				   tuner_model_prior_mean(m, &m->kernel[i * m->width])};
	}
	fit->additive = ADDITIVE;
	fit->starts = 1;
	fit->tolerance = FIT_TOLERANCE;
	rc = pgt_gp_new_fit(m->n, m->width, m->kernel, rest, m->weight, fit, &gp, err);
	if (rc == 0) {
		rc = pgt_gp_discount_delays(gp, m->kernel, &delays, n, y, rest, m->weight,
					    err);
		pgt_gp_free(gp);
	}
	free(y);
	return rc;
}

static int
fit_model(struct tuner_model *m, struct pgt_gp_fit *fit, struct pgt_err *err)
{
	double *rest = pgt_xcalloc(m->n, sizeof(double));
	int rc = 0;

	if (m->warm)
		m->beta = pgt_warm_slope(m->warm, m->n, m->width, m->kernel, m->cost);
	for (size_t i = 0; i < m->n; i++)
		rest[i] = m->cost[i] -
			  tuner_model_prior_mean(m, &m->kernel[i * m->width]);
	/* Without replicates nothing is known of noise, and delays are not told from it.
	 */
	if (fit->noise_dof > 0 && m->n > FEW_ROWS)
		rc = discount_delays(m, fit, rest, err);
	if (rc == 0)
		rc = fit_best_share(m, rest, fit, err);
	free(rest);
	return rc;
}

static void
choose_best(struct tuner_model *m)
{
	bool any = false;

	tuner_model_predict(m, m->n, m->kernel, m->mean, NULL);
	for (size_t i = 0; i < m->n; i++)
		if (!m->bad[i] && (!any || m->mean[i] < m->mean[m->best])) {
			m->best = i;
			any = true;
		}
}

/* Settings that are known to matter are expected to bend the surface sooner. */
static void
expect_lengths(const struct pgt_space *s, double *shift, struct pgt_gp_prior *prior)
{
	size_t settings = 0;

	for (size_t i = 0; i < s->n_dims; i++) {
		size_t end = i + 1 < s->n_dims ? s->kernel_at[i + 1] : s->n_kernel;
		double w = s->dims[i].knob ? pgt_heuristic_weight(s->dims[i].name) : 1;

		for (size_t k = s->kernel_at[i]; k < end; k++)
			shift[k] = -WEIGHT_TO_LENGTH * log(w);
		settings += s->dims[i].knob != NULL;
	}
	prior->len_shift = shift;
	if (settings == s->n_dims) {
		prior->len_mean += SETTING_LENGTH;
		prior->len_sd = SETTING_LENGTH_SD;
	}
}

int
tuner_model_new(const struct pgt_tuner *t, size_t n_obs, const atomic_bool *cancel,
		struct tuner_model **ret, struct pgt_err *err)
{
	struct tuner_model *m = pgt_xcalloc(1, sizeof(*m));
	const struct pgt_observation **used = pgt_xcalloc(n_obs, sizeof(*used));
	struct pgt_gp_fit fit = {.seed = t->opts.seed * 8 + STREAM_FIT, .cancel = cancel};
	double shift[PGT_SPACE_KERNEL];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < n_obs; i++)
		if (t->obs[i].status != PGT_OUTCOME_VOID)
			used[n++] = &t->obs[i];
	m->dims = t->space.n_dims;
	m->width = t->space.n_kernel;
	m->warm = t->warm;
	m->value = pgt_xcalloc(n * m->dims, sizeof(double));
	m->kernel = pgt_xcalloc(n * m->width, sizeof(double));
	m->cost = pgt_xcalloc(n, sizeof(double));
	m->weight = pgt_xcalloc(n, sizeof(double));
	m->mean = pgt_xcalloc(n, sizeof(double));
	m->bad = pgt_xcalloc(n, sizeof(bool));
	m->is_base = pgt_xcalloc(n, sizeof(bool));
	m->measured = pgt_xcalloc(n, sizeof(*m->measured));
	m->base_cost = tuner_baseline_median(t, n_obs);
	gather(m, t, used, n, &fit);
	free(used);
	pgt_gp_prior_default(&fit.prior, m->width);
	expect_lengths(&t->space, shift, &fit.prior);
	rc = m->n < 2 ? pgt_err_set(err, PGT_E_STATE, "too few trials for a model yet")
		      : fit_model(m, &fit, err);
	if (rc < 0) {
		tuner_model_free(m);
		return -1;
	}
	choose_best(m);
	*ret = m;
	return 0;
}

int
tuner_model_now(struct pgt_tuner *t, const atomic_bool *cancel, struct pgt_err *err)
{
	struct tuner_model *m;

	if (t->model && t->model_obs == t->n_obs)
		return 0;
	if (tuner_model_new(t, t->n_obs, cancel, &m, err) < 0)
		return -1;
	tuner_model_free(t->model);
	t->model = m;
	t->model_obs = t->n_obs;
	return 0;
}
