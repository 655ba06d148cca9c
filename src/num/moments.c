#include "pg2une/num/moments.h"

#include <float.h>
#include <math.h>

void
pgt_moments_add(struct pgt_moments *m, double x)
{
	double d = x - m->mean;

	m->n += 1;
	m->mean += d / m->n;
	m->m2 += d * (x - m->mean);
}

void
pgt_moments_merge(struct pgt_moments *m, const struct pgt_moments *other)
{
	double n = m->n + other->n;
	double d = other->mean - m->mean;

	if (other->n <= 0)
		return;
	m->m2 += other->m2 + d * d * m->n * other->n / n;
	m->mean += d * other->n / n;
	m->n = n;
}

double
pgt_moments_var(const struct pgt_moments *m)
{
	return m->n > 1 ? m->m2 / (m->n - 1) : 0;
}

/* Rounding that a running sum of squares gathers: each of n additions errs by half
 * an ulp of the sum, at random, so it grows with sqrt(n) (measured: F of the numerics).
 */
static double
sum_rounding(double sum, double n)
{
	return DBL_EPSILON * (4 + 0.5 * sqrt(n)) * fabs(sum);
}

bool
pgt_moments_interval(const struct pgt_stmt_reading *before,
		     const struct pgt_stmt_reading *after, struct pgt_interval *ret)
{
	double n1 = (double)before->calls, n2 = (double)after->calls, nd = n2 - n1;
	double sum1 = n1 * before->stddev_ms * before->stddev_ms;
	double sum2 = n2 * after->stddev_ms * after->stddev_ms;
	double dt = after->total_ms - before->total_ms;
	struct pgt_interval r = {.n = nd};
	double gap, cross, m2, err, err_mean;

	if (after->calls <= before->calls || before->calls < 0 || dt < 0)
		return false;
	if (!isfinite(dt) || !isfinite(sum2) || !isfinite(sum1))
		return false;

	/* From the totals, not the means: those cancel too and lose more digits. */
	r.mean_ms = dt / nd;
	if (nd == 1) {
		r.var_ok = true;
		*ret = r;
		return true;
	}
	gap = n1 > 0 ? r.mean_ms - before->total_ms / n1 : 0;
	cross = n1 > 0 ? gap * gap * n1 * nd / n2 : 0;
	m2 = sum2 - sum1 - cross;
	err_mean = sum_rounding(after->total_ms, nd) / nd;
	err = sum_rounding(sum2, nd) + 2 * DBL_EPSILON * (sum1 + sum2) +
	      DBL_EPSILON * cross +
	      2 * fabs(gap) * err_mean * (n1 > 0 ? n1 * nd / n2 : 0);
	if (m2 <= 0) {
		/* All calls alike is possible; a sum below its own error is noise. */
		r.var_ok = err <= 1e-6 * r.mean_ms * r.mean_ms * nd;
		r.var_err = r.var_ok ? 0 : INFINITY;
	} else {
		r.var_ms2 = m2 / nd;
		r.var_err = err / m2;
		r.var_ok = r.var_err <= 0.2;
	}
	*ret = r;
	return true;
}
