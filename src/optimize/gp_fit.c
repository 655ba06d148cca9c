#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/gp.h"

#include "gp_priv.h"
#include "nlopt_priv.h"

void
pgt_gp_prior_default(struct pgt_gp_prior *p, size_t d)
{
	*p = (struct pgt_gp_prior){
	    /* Shorter than numerics B.4 by 0.4: better on the simulated server. */
	    .len_mean = M_SQRT2 + 0.5 * log((double)d) - 2.4,
	    .len_sd = 1.2,
	    .signal_mean = 0,
	    .signal_sd = 1,
	    /* Wider than published: replicates narrow it, and quiet servers exist. */
	    .noise_mean = -6,
	    .noise_sd = 2,
	    .noise_min = 1e-6,
	    .len_min = 0.02,
	    .len_max = 100,
	};
}

struct fit_state {
	struct pgt_gp_work work;
	size_t n, d;
	const double *x, *y, *weight;
	const struct pgt_gp_fit *fit;
	struct pgt_gp_prior prior;
	nlopt_opt opt;
	double *best_theta, best; /* the best seen, whatever the optimiser returns */
};

static double
normal_term(double v, double mean, double sd, double *grad)
{
	double z = (v - mean) / sd;

	*grad -= z / sd;
	return -0.5 * z * z;
}

static double
len_mean(const struct pgt_gp_prior *p, size_t dim)
{
	return p->len_mean + (p->len_shift ? p->len_shift[dim] : 0);
}

/* Log posterior up to a constant; NLopt maximises it. */
static double
objective(unsigned n_theta, const double *theta, double *grad, void *arg)
{
	struct fit_state *s = arg;
	const struct pgt_gp_prior *p = &s->prior;
	double g[PGT_GP_THETA(PGT_GP_DIMS)], value;

	if (s->fit->cancel && atomic_load(s->fit->cancel))
		pgt_nlopt.force_stop(s->opt);
	if (pgt_gp_evaluate(&s->work, s->n, s->d, s->x, s->y, s->weight,
			    s->fit->additive, theta, &value, g, NULL) < 0) {
		/* Singular here: a slope of 0 and a very bad value turn L-BFGS back. */
		if (grad)
			memset(grad, 0, n_theta * sizeof(*grad));
		return -1e10;
	}
	if (!s->fit->no_prior) {
		value += normal_term(theta[0], p->signal_mean, p->signal_sd, &g[0]);
		value += normal_term(theta[1], p->noise_mean, p->noise_sd, &g[1]);
		for (unsigned i = 2; i < n_theta; i++)
			value += normal_term(theta[i], len_mean(p, i - 2), p->len_sd,
					     &g[i]);
	}
	if (value > s->best) {
		s->best = value;
		memcpy(s->best_theta, theta, n_theta * sizeof(*theta));
	}
	if (grad)
		memcpy(grad, g, n_theta * sizeof(*g));
	return value;
}

static void
bounds(const struct fit_state *s, double *lo, double *hi)
{
	const struct pgt_gp_prior *p = &s->prior;

	lo[0] = log(1e-3);
	hi[0] = log(1e3);
	lo[1] = log(p->noise_min);
	hi[1] = log(10);
	for (size_t i = 0; i < s->d; i++) {
		lo[2 + i] = log(p->len_min);
		hi[2 + i] = log(p->len_max);
	}
}

static void
start_point(const struct fit_state *s, int k, struct pgt_random *r, const double *lo,
	    const double *hi, double *theta)
{
	const struct pgt_gp_prior *p = &s->prior;
	size_t n_theta = PGT_GP_THETA(s->d);
	bool given = s->fit->theta_start != NULL;

	for (size_t i = 0; i < n_theta; i++) {
		double mean = i == 0   ? p->signal_mean
			      : i == 1 ? p->noise_mean
				       : len_mean(p, i - 2);
		double sd = i == 0 ? p->signal_sd : i == 1 ? p->noise_sd : p->len_sd;

		theta[i] = given && k == 0 ? s->fit->theta_start[i] : mean;
		if (k > (given ? 1 : 0))
			theta[i] += sd * pgt_random_normal(r);
		theta[i] = fmin(fmax(theta[i], lo[i]), hi[i]);
	}
}

static int
maximise(struct fit_state *s, struct pgt_err *err)
{
	size_t n_theta = PGT_GP_THETA(s->d);
	int starts = s->fit->starts > 0 ? s->fit->starts : 3;
	double lo[PGT_GP_THETA(PGT_GP_DIMS)], hi[PGT_GP_THETA(PGT_GP_DIMS)];
	double theta[PGT_GP_THETA(PGT_GP_DIMS)], value;
	struct pgt_random r;

	if (pgt_nlopt_open(err) < 0)
		return -1;
	bounds(s, lo, hi);
	pgt_random_init(&r, s->fit->seed);
	s->opt = pgt_nlopt.create(NLOPT_LD_LBFGS, (unsigned)n_theta);
	if (!s->opt)
		pgt_mem_abort();
	pgt_nlopt.set_max_objective(s->opt, objective, s);
	pgt_nlopt.set_lower_bounds(s->opt, lo);
	pgt_nlopt.set_upper_bounds(s->opt, hi);
	pgt_nlopt.set_maxeval(s->opt, s->fit->max_evals > 0 ? s->fit->max_evals : 80);
	pgt_nlopt.set_ftol_abs(s->opt, s->fit->tolerance > 0 ? s->fit->tolerance : 1e-7);
	s->best = -HUGE_VAL;
	for (int k = 0; k < starts; k++) {
		start_point(s, k, &r, lo, hi, theta);
		/* Failures of the line search still leave the best point seen. */
		pgt_nlopt.optimize(s->opt, theta, &value);
		if (s->fit->cancel && atomic_load(s->fit->cancel))
			break;
	}
	pgt_nlopt.destroy(s->opt);
	if (s->fit->cancel && atomic_load(s->fit->cancel))
		return pgt_err_set(err, PGT_E_CANCELLED, "cancelled");
	if (!(s->best > -1e9))
		return pgt_err_set(err, PGT_E_NUMERIC,
				   "no hyperparameters fit %zu points", s->n);
	return 0;
}

static void
standardise(size_t n, const double *y, double *out, double *ret_mean, double *ret_sd)
{
	double mean = 0, var = 0;

	for (size_t i = 0; i < n; i++)
		mean += y[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		var += (y[i] - mean) * (y[i] - mean) / (double)n;
	*ret_mean = mean;
	*ret_sd = var > 0 ? sqrt(var) : 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (y[i] - mean) / *ret_sd;
}

/* log of a variance estimated with dof degrees of freedom has a standard deviation
 * of about sqrt(2/dof). */
static void
centre_noise(struct pgt_gp_prior *p, const struct pgt_gp_fit *fit, double y_sd)
{
	if (!(fit->noise_variance > 0) || !(fit->noise_dof > 0))
		return;
	p->noise_mean = log(fmax(fit->noise_variance / (y_sd * y_sd), p->noise_min));
	p->noise_sd = fmin(p->noise_sd, sqrt(2 / fit->noise_dof));
}

int
pgt_gp_new_fit(size_t n, size_t d, const double *x, const double *y,
	       const double *noise_weight, const struct pgt_gp_fit *fit,
	       struct pgt_gp **ret, struct pgt_err *err)
{
	struct fit_state s = {.n = n, .d = d, .x = x, .weight = noise_weight, .fit = fit};
	double *ys, mean, sd;
	struct pgt_gp *gp;
	int rc;

	if (d > PGT_GP_DIMS)
		return pgt_err_set(err, PGT_E_LIMIT, "%zu dimensions are too many", d);
	if (n < 2)
		return pgt_err_set(err, PGT_E_NUMERIC, "%zu points are too few to fit",
				   n);
	ys = pgt_xcalloc(n, sizeof(double));
	standardise(n, y, ys, &mean, &sd);
	s.y = ys;
	s.prior = fit->prior;
	centre_noise(&s.prior, fit, sd);
	s.best_theta = pgt_xcalloc(PGT_GP_THETA(d), sizeof(double));
	pgt_gp_work_init(&s.work, n, d);
	rc = maximise(&s, err);
	if (rc == 0)
		rc = pgt_gp_new_fixed(n, d, x, ys, noise_weight, fit->additive,
				      s.best_theta, &gp, err);
	if (rc == 0) {
		gp->log_posterior = s.best;
		gp->y_mean = mean;
		gp->y_sd = sd;
		*ret = gp;
	}
	pgt_gp_work_done(&s.work);
	free(s.best_theta);
	free(ys);
	return rc;
}
