/* Gaussian process regression: constant mean 0 on standardised targets, Matern-5/2
 * kernel with one length scale a dimension, Gaussian noise, hyperparameters at the
 * maximum of the posterior (MAP).
 *
 *   k(x,x') = sf2 [(1-a) (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r)
 *                  + a/d sum 1/(1 + 5/6 t)],  t = ((x-x')/l)^2, r^2 = sum t
 *   cov(y)  = k(X,X) + sn2 diag(w)
 *
 * With a = 0 that is the plain Matern-5/2.  The additive part (Duvenaud, Nickisch,
 * Rasmussen, "Additive Gaussian Processes", NeurIPS 2011; here rational quadratic
 * terms of shape 1) lets what is learned of one setting hold whatever the others are:
 * most settings scale throughput by factors, and costs are logarithms.
 *
 * Sources: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006),
 * eq. 4.17, 2.30, 5.8, 5.9; priors after Hvarfner, Hellsten, Nardi, "Vanilla Bayesian
 * Optimization Performs Great in High Dimensions" (ICML 2024), as tightened in
 * numerics B.4.  Owner: the creator; one thread at a time. */
#ifndef PG2UNE_OPTIMIZE_GP_H
#define PG2UNE_OPTIMIZE_GP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

/* Hyperparameters, all natural logarithms: theta[0] = log sf2, theta[1] = log sn2,
 * theta[2 + i] = log l_i; 2 + d of them. */
#define PGT_GP_THETA(d) ((d) + 2)
#define PGT_GP_DIMS	64 /* most dimensions of a fit */

struct pgt_gp_prior {
	double len_mean, len_sd;       /* of log l; mean is sqrt2 + log(d)/2 - shift */
	double signal_mean, signal_sd; /* of log sf2 */
	double noise_mean, noise_sd;   /* of log sn2 (standardised targets) */
	double noise_min;	       /* bounds of sn2 and l */
	double len_min, len_max;
	const double *len_shift; /* d: added to len_mean by dimension; NULL: none */
};

/* The defaults for d dimensions. */
void pgt_gp_prior_default(struct pgt_gp_prior *p, size_t d);

/* log p(y | X, theta) and its gradient (PGT_GP_THETA(d) values; NULL: not wanted).
 * x is n by d row-major.  noise_weight[i] scales sn2 for one point (1/m for a mean of
 * m measurements; NULL: all 1).  PGT_E_NUMERIC when the covariance is not positive
 * definite. */
PGT_MUST_CHECK int pgt_gp_likelihood(size_t n, size_t d, const double *x, const double *y,
				     const double *noise_weight, double additive,
				     const double *theta, double *ret_lml, double *grad,
				     struct pgt_err *err);

struct pgt_gp; /* a fitted process */

/* Condition on the data at the given theta; y is used as it is (no
 * standardisation).  The gp copies what it needs. */
PGT_MUST_CHECK int pgt_gp_new_fixed(size_t n, size_t d, const double *x, const double *y,
				    const double *noise_weight, double additive,
				    const double *theta, struct pgt_gp **ret,
				    struct pgt_err *err);

struct pgt_gp_fit {
	struct pgt_gp_prior prior;
	double additive; /* a: 0 to 1 */
	bool no_prior;	 /* plain maximum likelihood within the bounds */
	int starts;	 /* of the optimiser, default 3 */
	int max_evals;	 /* each, default 80 */
	double tolerance; /* of the log posterior; default 1e-7 */
	uint64_t seed;	 /* of the starts after the first */
	const double *theta_start; /* first start, or NULL: the prior's centre */
	double noise_variance; /* of one measurement, from replicates, y^2; 0: unknown */
	double noise_dof;      /* behind it; re-centres and narrows the noise prior */
	const atomic_bool *cancel; /* may be NULL; set: PGT_E_CANCELLED */
};

/* Standardise y, fit theta by L-BFGS (NLopt), condition.  Needs n >= 2. */
PGT_MUST_CHECK int pgt_gp_new_fit(size_t n, size_t d, const double *x, const double *y,
				  const double *noise_weight,
				  const struct pgt_gp_fit *fit, struct pgt_gp **ret,
				  struct pgt_err *err);
void pgt_gp_free(struct pgt_gp *gp);

size_t pgt_gp_n(const struct pgt_gp *gp);
size_t pgt_gp_d(const struct pgt_gp *gp);
const double *pgt_gp_theta(const struct pgt_gp *gp);
/* Log likelihood at theta, of the (standardised) targets, without the prior. */
double pgt_gp_lml(const struct pgt_gp *gp);
/* Log posterior density of theta, up to a constant of the prior: for comparing fits of
 * the same data and prior with different a. */
double pgt_gp_log_posterior(const struct pgt_gp *gp);
/* Standard deviation of the noise of one measurement, in units of y. */
double pgt_gp_noise_sd(const struct pgt_gp *gp);
double pgt_gp_y_mean(const struct pgt_gp *gp); /* standardisation: 0, 1 when fixed */
double pgt_gp_y_sd(const struct pgt_gp *gp);

/* Mean and standard deviation of the latent function (no noise) at m points, in
 * units of y.  sd may be NULL. */
void pgt_gp_predict(const struct pgt_gp *gp, size_t m, const double *x, double *mean,
		    double *sd);
/* How much the latent function is higher at b than at a, with the deviation of that
 * difference: of near points it is far smaller than either's own. */
void pgt_gp_predict_step(const struct pgt_gp *gp, const double *a, const double *b,
			 double *ret_mean, double *ret_sd);
/* At one point, with the gradients by x (d values each). */
void pgt_gp_predict_grad(const struct pgt_gp *gp, const double *x, double *ret_mean,
			 double *ret_sd, double *grad_mean, double *grad_sd);
/* Leave-one-out mean and sd (with noise) of every observation, in units of y
 * (Rasmussen and Williams eq. 5.12): how far the surrogate can be believed. */
PGT_MUST_CHECK int pgt_gp_leave_one_out(const struct pgt_gp *gp, double *mean, double *sd,
					struct pgt_err *err);

/* One measurement of a row of x; a row may have several, or none. */
struct pgt_gp_measured {
	size_t row;
	double y;
};

/* What else ran may slow a measurement but never hastens one: this share of them came
 * out higher by a delay, exponential of that mean (units of y). */
struct pgt_gp_delays {
	double share, mean;
};

/* What the measurements amount to when some may be delayed, given the others by gp:
 * targets and noise weights (n each, for another fit) in place of those that gp was
 * fitted to; rows without measurements keep theirs.  x is gp's own.  Nothing is
 * written on failure (PGT_E_NUMERIC). */
PGT_MUST_CHECK int pgt_gp_discount_delays(const struct pgt_gp *gp, const double *x,
					  const struct pgt_gp_delays *delays, size_t m,
					  const struct pgt_gp_measured *y, double *target,
					  double *weight, struct pgt_err *err);

#endif
