#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/objective.h"

#include "tuner_priv.h"

#define INDEX_POINTS 256

int
pgt_tuner_best(struct pgt_tuner *t, double *value, double *ret_cost, double *ret_sd,
	       struct pgt_err *err)
{
	const struct tuner_model *m;

	if (tuner_model_now(t, NULL, err) < 0)
		return -1;
	m = t->model;
	memcpy(value, &m->value[m->best * m->dims], m->dims * sizeof(*value));
	tuner_model_predict(m, 1, &m->kernel[m->best * m->width], ret_cost, ret_sd);
	return 0;
}

int
pgt_tuner_slice(struct pgt_tuner *t, size_t dim, size_t points, struct pgt_slice *ret,
		struct pgt_err *err)
{
	double u[PGT_SPACE_DIMS], value[PGT_SPACE_DIMS], kernel[PGT_SPACE_KERNEL];
	const struct tuner_model *m;
	struct pgt_slice s = {0};
	double mean, sd, base;

	if (dim >= t->space.n_dims || points < 2 || points > PGT_LEN(s.value))
		return pgt_err_set(err, PGT_E_USAGE, "no such slice");
	if (tuner_model_now(t, NULL, err) < 0)
		return -1;
	m = t->model;
	base = isnan(m->base_cost) ? m->mean[m->best] : m->base_cost;
	pgt_space_encode(&t->space, &m->value[m->best * m->dims], u);
	s.m = points;
	for (size_t i = 0; i < points; i++) {
		u[dim] = (double)i / (double)(points - 1);
		pgt_space_decode(&t->space, u, value);
		pgt_space_kernel_of(&t->space, value, kernel);
		tuner_model_predict(m, 1, kernel, &mean, &sd);
		s.value[i] = value[dim];
		s.gain_pct[i] = pgt_objective_gain_pct(base, mean);
		s.lo_pct[i] = pgt_objective_gain_pct(base, mean + 1.96 * sd);
		s.hi_pct[i] = pgt_objective_gain_pct(base, mean - 1.96 * sd);
	}
	*ret = s;
	return 0;
}

/* Jansen's estimator: half the mean square change when one coordinate is redrawn. */
int
pgt_tuner_importance(struct pgt_tuner *t, double *share, struct pgt_err *err)
{
	size_t d = t->space.n_dims, w = t->space.n_kernel;
	double a[PGT_SPACE_DIMS], kernel[2 * PGT_SPACE_KERNEL], mean[2], total = 0;
	double sum[PGT_SPACE_DIMS] = {0};
	struct pgt_random r;
	struct pgt_sobol sobol;

	if (tuner_model_now(t, NULL, err) < 0)
		return -1;
	pgt_random_init_stream(&r, t->opts.seed, STREAM_REPORT);
	pgt_sobol_init(&sobol, d, &r);
	for (int k = 0; k < INDEX_POINTS; k++) {
		pgt_sobol_next(&sobol, a);
		pgt_space_kernel(&t->space, a, kernel);
		tuner_model_predict(t->model, 1, kernel, &mean[0], NULL);
		for (size_t i = 0; i < d; i++) {
			double keep = a[i];

			a[i] = pgt_random_uniform(&r);
			pgt_space_kernel(&t->space, a, &kernel[w]);
			tuner_model_predict(t->model, 1, &kernel[w], &mean[1], NULL);
			sum[i] += (mean[0] - mean[1]) * (mean[0] - mean[1]);
			a[i] = keep;
		}
	}
	for (size_t i = 0; i < d; i++)
		total += sum[i];
	for (size_t i = 0; i < d; i++)
		share[i] = total > 0 ? sum[i] / total : 1.0 / (double)d;
	return 0;
}
