#include "pg2une/detect/usl.h"

#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/matrix.h"

/* The columns of N/X = a + b (N-1) + c N (N-1), a = 1/lambda, b = sigma/lambda,
 * c = kappa/lambda. */
static double
column(int j, double n)
{
	return j == 0 ? 1 : j == 1 ? n - 1 : n * (n - 1);
}

/* Least squares of 1 = (X/N) f(N), so that each point's relative error counts alike,
 * with the columns in mask; coef of the others is 0.  The sum of squares, or infinity
 * when it does not work out or a coefficient is negative. */
static double
fit_subset(const double *n, const double *x, size_t len, unsigned mask, double *coef)
{
	double *a = pgt_xcalloc(len * 3, sizeof(*a)), *b = pgt_xcalloc(len, sizeof(*b));
	double scale[3] = {0}, sse = 0;
	size_t k = 0;

	for (int j = 0; j < 3; j++) {
		coef[j] = 0;
		if (!(mask & 1u << j))
			continue;
		for (size_t i = 0; i < len; i++)
			scale[j] = fmax(scale[j], fabs(x[i] / n[i] * column(j, n[i])));
		for (size_t i = 0; i < len && scale[j] > 0; i++)
			a[k * len + i] = x[i] / n[i] * column(j, n[i]) / scale[j];
		k++;
	}
	for (size_t i = 0; i < len; i++)
		b[i] = 1;
	if (len < k || pgt_matrix_least_squares(len, k, a, b, NULL) < 0) {
		sse = INFINITY;
		goto out;
	}
	k = 0;
	for (int j = 0; j < 3; j++) {
		if (mask & 1u << j)
			coef[j] = b[k++] / scale[j];
		if (!(coef[j] >= 0))
			sse = INFINITY;
	}
	for (size_t i = 0; i < len; i++) {
		double f = 0;

		for (int j = 0; j < 3; j++)
			f += coef[j] * column(j, n[i]);
		sse += (1 - x[i] / n[i] * f) * (1 - x[i] / n[i] * f);
	}
out:
	free(a);
	free(b);
	return sse;
}

double
pgt_usl_at(const struct pgt_usl *u, double n)
{
	return u->lambda * n / (1 + u->sigma * (n - 1) + u->kappa * n * (n - 1));
}

static double
r_squared(const struct pgt_usl *u, const double *n, const double *x, size_t len)
{
	double mean = 0, res = 0, tot = 0;

	for (size_t i = 0; i < len; i++)
		mean += x[i] / (double)len;
	for (size_t i = 0; i < len; i++) {
		double e = x[i] - pgt_usl_at(u, n[i]);

		res += e * e;
		tot += (x[i] - mean) * (x[i] - mean);
	}
	return tot > 0 ? 1 - res / tot : 0;
}

static size_t
distinct(const double *n, size_t len)
{
	size_t k = 0;

	for (size_t i = 0; i < len && k < 3; i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = fabs(n[i] - n[j]) <= 0.05 * n[i];
		k += !seen;
	}
	return k;
}

void
pgt_usl_fit(const double *n, const double *x, size_t len, struct pgt_usl *ret)
{
	double *un = pgt_xcalloc(len + 1, sizeof(*un)),
	       *ux = pgt_xcalloc(len + 1, sizeof(*ux));
	struct pgt_usl u = {.deviation = NAN};
	double best = INFINITY, coef[3], c[3] = {0};

	for (size_t i = 0; i < len; i++) {
		if (!(n[i] >= 1) || !(x[i] > 0) || !isfinite(n[i] + x[i]))
			continue;
		un[u.points] = n[i];
		ux[u.points++] = x[i];
	}
	if (u.points < PGT_USL_MIN_POINTS || distinct(un, u.points) < 3)
		goto out;
	/* Non-negative least squares by trying each set of free coefficients. */
	for (unsigned mask = 1; mask < 8; mask += 2) {
		double sse = fit_subset(un, ux, u.points, mask, coef);

		if (sse < best) {
			best = sse;
			for (int j = 0; j < 3; j++)
				c[j] = coef[j];
		}
	}
	if (!isfinite(best) || !(c[0] > 0))
		goto out;
	u.valid = true;
	u.lambda = 1 / c[0];
	u.sigma = c[1] / c[0];
	u.kappa = c[2] / c[0];
	u.n_peak = u.kappa > 0 ? sqrt(fmax(0, 1 - u.sigma) / u.kappa) : INFINITY;
	u.r2 = r_squared(&u, un, ux, u.points);
	u.deviation = ux[u.points - 1] / pgt_usl_at(&u, un[u.points - 1]) - 1;
out:
	free(un);
	free(ux);
	*ret = u;
}
