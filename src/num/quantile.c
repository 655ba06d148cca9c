#include "pg2une/num/quantile.h"

#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "mixture_priv.h"

static double
clamp(double x, double lo, double hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static void
add_class(struct mixture *m, const struct pgt_qclass *c)
{
	double var = c->var_ok && c->var >= 0 ? c->var : c->mean * c->mean;
	double n, mean, m2;

	if (!(c->n > 0) || !(c->mean > 0) || !isfinite(c->mean))
		return;
	if (c->n < 1.5) {
		mix_add(m, c->n, c->mean, 0);
	} else if (c->n < 2.5 && c->var_ok) {
		double half = fmin(sqrt(var), c->mean);

		mix_add(m, c->n / 2, fmax(c->mean - half, 1e-9 * c->mean), 0);
		mix_add(m, c->n / 2, c->mean + half, 0);
	} else if (c->minmax && c->n >= 2.5 && c->min > 0 && c->max >= c->min) {
		/* The extremes are known exactly: only the rest needs a model. */
		n = c->n - 2;
		mean = clamp((c->n * c->mean - c->min - c->max) / n, c->min, c->max);
		m2 = c->n * (var + c->mean * c->mean) - c->min * c->min -
		     c->max * c->max - n * mean * mean;
		mix_add(m, 1, c->min, 0);
		mix_add(m, 1, c->max, 0);
		mix_add_lognormal(m, n, mean, n < 1.5 ? 0 : fmax(0, m2 / n));
	} else {
		mix_add_lognormal(m, c->n, c->mean, var);
	}
}

/* Measured 90th percentile of the relative error over 60 scenarios against the sample's
 * truth (numerics, F: lognormal mixture at p50, p95, p99). */
double
mix_model_error(double p)
{
	static const double at[3] = {0.5, 0.95, 0.99}, err[3] = {0.28, 0.43, 0.46};

	for (int i = 0; i < 2; i++)
		if (p < at[i + 1])
			return err[i] + fmax(0, p - at[i]) / (at[i + 1] - at[i]) *
					    (err[i + 1] - err[i]);
	return err[2];
}

static struct pgt_quantile
quantile(const struct mixture *m, double p)
{
	double d = 0, x = mix_solve(m, p), se, spread;

	mix_cdf(m, x, &d);
	/* Standard error of a sample quantile, sqrt(p (1 - p) / n) / density, in log
	 * time; between two modes the density vanishes and so does knowledge: at most x
	 * 100. */
	se = m->smooth > 0 ? sqrt(p * (1 - p) / m->total) / d : 0;
	spread = m->smooth / m->total * log1p(mix_model_error(p));
	spread = fmin(sqrt(spread * spread + 1.645 * 1.645 * se * se), log(100));
	return (struct pgt_quantile){exp(x), exp(x - spread), exp(x + spread)};
}

bool
pgt_quantile_mixture(const struct pgt_qclass *c, size_t n, const double *p, size_t np,
		     struct pgt_quantile *ret)
{
	struct mixture m = {.lo = INFINITY, .hi = -INFINITY};

	m.part = pgt_xcalloc(3 * n + 1, sizeof(*m.part));
	for (size_t i = 0; i < n; i++)
		add_class(&m, &c[i]);
	for (size_t i = 0; i < np && m.n; i++)
		ret[i] = quantile(&m, p[i]);
	free(m.part);
	return m.n > 0;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
pgt_quantile_of(double *v, size_t n, double p)
{
	double at, frac;
	size_t i;

	if (n == 0)
		return NAN;
	qsort(v, n, sizeof(*v), by_value);
	at = p * (double)(n - 1);
	i = (size_t)at;
	frac = at - (double)i;
	return i + 1 < n ? v[i] + frac * (v[i + 1] - v[i]) : v[n - 1];
}
