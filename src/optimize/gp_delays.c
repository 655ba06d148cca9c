/* Expectation propagation for measurements that something else may have slowed.  Each is
 * y = f + noise, or with some probability f + noise + an exponential delay: one-sided,
 * so that no Gaussian of whatever width fits it.  What a measurement amounts to beside
 * all others is replaced by the Gaussian in f of the same mean and variance, in turn,
 * until nothing moves much; those Gaussians are targets and noise weights of an ordinary
 * process.  Minka, "Expectation Propagation for Approximate Bayesian Inference" (UAI
 * 2001), section 3; Rasmussen and Williams (2006), section 3.6; moments in closed form,
 * since given f's cavity the delay is a normal truncated at 0. */
#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"
#include "pg2une/optimize/gp.h"

#include "gp_priv.h"

#define SWEEPS 4
#define DAMPING 0.7 /* of all sweeps but the first, or two may chase each other */
/* A measurement tells this part of an undisturbed one at least. */
#define LEAST_TOLD 0.0025
/* Tail of the truncation past which nothing changes but rounding. */
#define FAST_Z (-6.0)
#define SLOW_Z 30.0
#define SQRT_1_2PI 0.39894228040143267794

/* A Gaussian in f by its natural parameters: precision, and precision times mean. */
struct site {
	double precision, shift;
};

struct scale {
	double mean, sd; /* of the standardisation */
	double noise;	 /* variance of one measurement, standardised */
	double share, delay;
};

/* What y tells of f, of which all else says cavity. */
static struct site
site_of(const struct scale *s, struct site cavity, double y)
{
	double v = 1 / cavity.precision, m = cavity.shift * v, sigma = sqrt(v + s->noise);
	double k = v / (v + s->noise), r = y - m;
	double z = fmin(fmax(r / sigma - sigma / s->delay, FAST_Z), SLOW_Z);
	double hazard = SQRT_1_2PI * exp(-0.5 * z * z) / pgt_norm_cdf(z);
	double odds = s->share / (1 - s->share) * sigma / s->delay / hazard;
	double slowed = odds / (1 + odds), delay = sigma * (z + hazard);
	double delay_var = sigma * sigma * (1 - hazard * (z + hazard));
	double mean = m + k * (r - slowed * delay), var, least = LEAST_TOLD / s->noise;
	struct site told;

	var = v * (1 - k) + k * k * slowed * (delay_var + (1 - slowed) * delay * delay);
	told.precision = 1 / var - cavity.precision;
	told.shift = mean / var - cavity.shift;
	/* Two explanations can leave more doubt than there was: then it tells nothing. */
	return told.precision < least ? (struct site){least, least * mean} : told;
}

/* All sites once; target and weight of their rows follow.  loo_mean and loo_sd are with
 * noise, of the rows as they are now.  row: work of 2n. */
static void
sweep(const struct scale *s, size_t n, const double *loo_mean, const double *loo_sd,
      double damping, size_t m, const struct pgt_gp_measured *y, struct site *site,
      struct site *row, double *target, double *weight)
{
	struct site *next = row + n;

	for (size_t i = 0; i < n; i++)
		next[i] = row[i] = (struct site){0};
	for (size_t j = 0; j < m; j++) {
		row[y[j].row].precision += site[j].precision;
		row[y[j].row].shift += site[j].shift;
	}
	for (size_t j = 0; j < m; j++) {
		size_t i = y[j].row;
		double var = loo_sd[i] * loo_sd[i] - s->noise * weight[i];
		struct site cavity, told;

		var = fmax(var, 1e-8);
		cavity.precision = 1 / var + row[i].precision - site[j].precision;
		cavity.shift = loo_mean[i] / var + row[i].shift - site[j].shift;
		told = site_of(s, cavity, (y[j].y - s->mean) / s->sd);
		site[j].precision += damping * (told.precision - site[j].precision);
		site[j].shift += damping * (told.shift - site[j].shift);
		next[i].precision += site[j].precision;
		next[i].shift += site[j].shift;
	}
	for (size_t i = 0; i < n; i++)
		if (next[i].precision > 0) {
			target[i] = next[i].shift / next[i].precision;
			weight[i] = 1 / (next[i].precision * s->noise);
		}
}

/* To begin with, the measurements of a row share what the row tells. */
static void
start_sites(double noise, size_t n, const double *target, const double *weight, size_t m,
	    const struct pgt_gp_measured *y, struct site *site)
{
	size_t *count = pgt_xcalloc(n, sizeof(*count));

	for (size_t j = 0; j < m; j++)
		count[y[j].row]++;
	for (size_t j = 0; j < m; j++) {
		size_t i = y[j].row;

		site[j].precision = 1 / (weight[i] * noise * (double)count[i]);
		site[j].shift = site[j].precision * target[i];
	}
	free(count);
}

int
pgt_gp_discount_delays(const struct pgt_gp *gp, const double *x,
		       const struct pgt_gp_delays *delays, size_t m,
		       const struct pgt_gp_measured *y, double *target, double *weight,
		       struct pgt_err *err)
{
	size_t n = gp->n;
	struct scale s = {.mean = gp->y_mean, .sd = gp->y_sd, .noise = gp->sn2,
			  .share = delays->share, .delay = delays->mean / gp->y_sd};
	double *v = pgt_xcalloc(4 * n, sizeof(*v)), *w = v + n;
	struct site *site = pgt_xcalloc(m + 2 * n, sizeof(*site));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		v[i] = gp->y[i];
		w[i] = gp->weight[i];
	}
	start_sites(s.noise, n, v, w, m, y, site);
	for (int k = 0; rc == 0 && k < SWEEPS; k++) {
		struct pgt_gp *now;

		rc = pgt_gp_new_fixed(n, gp->d, x, v, w, gp->additive, gp->theta, &now,
				      err);
		if (rc < 0)
			break;
		rc = pgt_gp_leave_one_out(now, v + 2 * n, v + 3 * n, err);
		pgt_gp_free(now);
		if (rc == 0)
			sweep(&s, n, v + 2 * n, v + 3 * n, k ? DAMPING : 1, m, y, site,
			      site + m, v, w);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		target[i] = s.mean + s.sd * v[i];
		weight[i] = w[i];
	}
	free(v);
	free(site);
	return rc;
}
