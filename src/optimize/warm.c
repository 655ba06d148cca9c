#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "pg2une/optimize/gp.h"
#include "pg2une/optimize/warm.h"

struct pgt_warm {
	struct pgt_gp *gp;
};

static double
logit(double p)
{
	p = fmin(fmax(p, 0.001), 0.999);
	return log(p / (1 - p));
}

void
pgt_warm_features(const struct pgt_warm_workload *w, double *features)
{
	/* The divisors make 1 a clear difference: three times the rate, an e-fold of
	 * the odds, ten times the spill or the rows. */
	features[0] = logit(w->read_share);
	features[1] = logit(w->hit_ratio) / 2;
	features[2] = log10(1 + fmax(w->temp_bytes_per_tx, 0) / 1024);
	features[3] = log10(1 + fmax(w->rows_per_call, 0));
	features[4] = log(1 + fmax(w->tx_per_s, 0)) / log(3);
	features[5] = log(1 + fmax(w->active, 0)) / log(3);
}

double
pgt_warm_distance(size_t n, const double *a, const double *b)
{
	double sum = 0;

	if (n == 0)
		return HUGE_VAL;
	for (size_t i = 0; i < n; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sqrt(sum / (double)n);
}

int
pgt_warm_new(const struct pgt_space *s, size_t n, const double *value, const double *cost,
	     uint64_t seed, struct pgt_warm **ret, struct pgt_err *err)
{
	struct pgt_gp_fit fit = {.seed = seed, .starts = 2};
	struct pgt_gp *gp;
	double *x;
	int rc;

	if (n < 5)
		return pgt_err_set(err, PGT_E_NUMERIC,
				   "%zu earlier observations are too few", n);
	x = pgt_xcalloc(n * s->n_kernel, sizeof(double));
	for (size_t i = 0; i < n; i++)
		pgt_space_kernel_of(s, &value[i * s->n_dims], &x[i * s->n_kernel]);
	pgt_gp_prior_default(&fit.prior, s->n_kernel);
	rc = pgt_gp_new_fit(n, s->n_kernel, x, cost, NULL, &fit, &gp, err);
	free(x);
	if (rc < 0)
		return -1;
	*ret = pgt_xcalloc(1, sizeof(**ret));
	(*ret)->gp = gp;
	return 0;
}

void
pgt_warm_free(struct pgt_warm *w)
{
	if (!w)
		return;
	pgt_gp_free(w->gp);
	free(w);
}

double
pgt_warm_mean(const struct pgt_warm *w, const double *kernel)
{
	double mean;

	pgt_gp_predict(w->gp, 1, kernel, &mean, NULL);
	return (mean - pgt_gp_y_mean(w->gp)) / pgt_gp_y_sd(w->gp);
}

double
pgt_warm_slope(const struct pgt_warm *w, size_t n, size_t width, const double *kernel,
	       const double *cost)
{
	double *m, mm = 0, mc = 0, sxx = 0, sxy = 0, syy = 0, r, slope = 0;

	if (n < 4)
		return 0; /* nothing earned yet */
	m = pgt_xcalloc(n, sizeof(double));
	for (size_t i = 0; i < n; i++) {
		m[i] = pgt_warm_mean(w, &kernel[i * width]);
		mm += m[i] / (double)n;
		mc += cost[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		sxx += (m[i] - mm) * (m[i] - mm);
		sxy += (m[i] - mm) * (cost[i] - mc);
		syy += (cost[i] - mc) * (cost[i] - mc);
	}
	free(m);
	if (!(sxx > 0) || !(syy > 0) || sxy <= 0)
		return 0;
	/* Shrunken by how much of the variance the past explains. */
	r = sxy / sqrt(sxx * syy);
	slope = sxy / sxx;
	return r > 0.3 ? slope * r * r : 0;
}
