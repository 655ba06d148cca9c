#include "pg2une/num/ranktest.h"

#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"

bool
pgt_welch(double na, double mean_a, double var_a, double nb, double mean_b, double var_b,
	  struct pgt_test *ret)
{
	double sa = var_a / na, sb = var_b / nb, s = sa + sb;
	struct pgt_test r;

	if (!(na >= 2 && nb >= 2))
		return false;
	if (!(s > 0)) {
		if (!(s == 0) || mean_a == mean_b)
			return false;
		*ret = (struct pgt_test){mean_b > mean_a ? INFINITY : -INFINITY,
					 na + nb - 2, 0};
		return true;
	}
	r.stat = (mean_b - mean_a) / sqrt(s);
	r.df = s * s / (sa * sa / (na - 1) + sb * sb / (nb - 1));
	r.p = 2 * pgt_t_sf(fabs(r.stat), r.df);
	*ret = r;
	return true;
}

struct ranked {
	double v;
	size_t i;
};

static int
by_value(const void *a, const void *b)
{
	double x = ((const struct ranked *)a)->v, y = ((const struct ranked *)b)->v;

	return (x > y) - (x < y);
}

bool
pgt_mann_whitney(const double *a, size_t na, const double *b, size_t nb,
		 struct pgt_test *ret)
{
	size_t n = na + nb;
	struct ranked *r;
	double rank_b = 0, ties = 0, u, mean, var, d;

	if (na == 0 || nb == 0)
		return false;
	r = pgt_xcalloc(n, sizeof(*r));
	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){i < na ? a[i] : b[i - na], i};
	qsort(r, n, sizeof(*r), by_value);
	for (size_t i = 0, j; i < n; i = j) {
		double t;

		for (j = i + 1; j < n && r[j].v == r[i].v; j++)
			;
		t = (double)(j - i);
		ties += t * t * t - t;
		for (size_t k = i; k < j; k++)
			if (r[k].i >= na)
				rank_b += 0.5 * (double)(i + j + 1);
	}
	free(r);

	u = rank_b - 0.5 * (double)nb * (double)(nb + 1);
	mean = 0.5 * (double)na * (double)nb;
	var = (double)na * (double)nb / 12 *
	      ((double)(n + 1) - ties / ((double)n * (double)(n - 1)));
	if (!(var > 0))
		return false;
	d = fabs(u - mean) - 0.5; /* continuity */
	ret->stat = copysign(d > 0 ? d / sqrt(var) : 0, u - mean);
	ret->df = INFINITY;
	ret->p = fmin(1, 2 * pgt_norm_cdf(-fabs(ret->stat)));
	return true;
}

void
pgt_fdr_bh(const double *p, size_t n, double *q)
{
	struct ranked *r = pgt_xcalloc(n ? n : 1, sizeof(*r));
	double least = 1;
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		q[i] = NAN;
		if (!isnan(p[i]))
			r[m++] = (struct ranked){p[i], i};
	}
	qsort(r, m, sizeof(*r), by_value);
	for (size_t i = m; i-- > 0;) {
		double v = r[i].v * (double)m / (double)(i + 1);

		least = fmin(least, v);
		q[r[i].i] = least;
	}
	free(r);
}
