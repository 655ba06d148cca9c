#include "pg2une/num/quantile.h"

#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"

/* In log time: a normal of mean mu, or a single value when s is 0. */
struct part {
	double w, mu, s;
};

struct mixture {
	struct part *part;
	size_t n;
	double total;  /* calls */
	double smooth; /* of these, in parts with s > 0 */
	double lo, hi; /* log times that hold all but a sliver */
};

static void
add_part(struct mixture *m, double w, double value, double s)
{
	double mu = log(value);

	if (!(w > 0) || !(value > 0))
		return;
	m->part[m->n++] = (struct part){w, mu, s};
	m->total += w;
	if (s > 0)
		m->smooth += w;
	m->lo = fmin(m->lo, mu - 9 * s);
	m->hi = fmax(m->hi, mu + 9 * s);
}

/* A lognormal of this mean and variance: s^2 = ln(1 + var / mean^2). */
static void
add_lognormal(struct mixture *m, double w, double mean, double var)
{
	double s2 = log1p(var / (mean * mean));

	add_part(m, w, mean * exp(-0.5 * s2), s2 > 1e-12 ? sqrt(s2) : 0);
}

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
		add_part(m, c->n, c->mean, 0);
	} else if (c->n < 2.5 && c->var_ok) {
		double half = fmin(sqrt(var), c->mean);

		add_part(m, c->n / 2, fmax(c->mean - half, 1e-9 * c->mean), 0);
		add_part(m, c->n / 2, c->mean + half, 0);
	} else if (c->minmax && c->n >= 2.5 && c->min > 0 && c->max >= c->min) {
		/* The extremes are known exactly: only the rest needs a model. */
		n = c->n - 2;
		mean = clamp((c->n * c->mean - c->min - c->max) / n, c->min, c->max);
		m2 = c->n * (var + c->mean * c->mean) - c->min * c->min -
		     c->max * c->max - n * mean * mean;
		add_part(m, 1, c->min, 0);
		add_part(m, 1, c->max, 0);
		add_lognormal(m, n, mean, n < 1.5 ? 0 : fmax(0, m2 / n));
	} else {
		add_lognormal(m, c->n, c->mean, var);
	}
}

static double
cdf(const struct mixture *m, double x, double *ret_pdf)
{
	double f = 0, d = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct part *p = &m->part[i];
		double z = x - p->mu;

		if (p->s > 0) {
			z /= p->s;
			if (z > 8) {
				f += p->w;
			} else if (z > -8) {
				f += p->w * pgt_norm_cdf(z);
				d += p->w / p->s * pgt_norm_pdf(z);
			}
		} else if (z >= 0) {
			f += p->w;
		}
	}
	*ret_pdf = d / m->total;
	return f / m->total;
}

/* Newton within a bracket that always shrinks: single values make steps in the cdf,
 * where only halving gets on. */
static double
solve(const struct mixture *m, double p, double *ret_pdf)
{
	double lo = m->lo - 1e-9, hi = m->hi + 1e-9, x = 0.5 * (lo + hi), d = 0;
	double width = hi - lo;

	for (int i = 0; i < 200 && hi - lo > 1e-10; i++) {
		double f = cdf(m, x, &d), next, step;

		if (f < p)
			lo = x;
		else
			hi = x;
		next = x - (f - p) / d;
		step = fabs(next - x);
		/* Every third step halves, unless Newton is closing in by itself. */
		if (!(next > lo && next < hi) || (i % 3 == 2 && step > 0.25 * width))
			next = 0.5 * (lo + hi);
		else if (step < 1e-9)
			return next;
		width = hi - lo;
		x = next;
	}
	cdf(m, hi, ret_pdf ? ret_pdf : &d);
	return hi;
}

/* Measured 90th percentile of the relative error over 60 scenarios against the sample's
 * truth (numerics, F: lognormal mixture at p50, p95, p99). */
static double
model_error(double p)
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
	double d = 0, x = solve(m, p, &d), se, spread;

	cdf(m, x, &d);
	/* Standard error of a sample quantile, sqrt(p (1 - p) / n) / density, in log
	 * time; between two modes the density vanishes and so does knowledge: at most x
	 * 100. */
	se = m->smooth > 0 ? sqrt(p * (1 - p) / m->total) / d : 0;
	spread = m->smooth / m->total * log1p(model_error(p));
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
