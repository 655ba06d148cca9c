#include "mixture_priv.h"

#include <math.h>

#include "pg2une/num/dist.h"

void
mix_add(struct mixture *m, double w, double value, double s)
{
	double mu = log(value);

	if (!(w > 0) || !(value > 0))
		return;
	m->part[m->n++] = (struct mix_part){w, mu, s};
	m->total += w;
	if (s > 0)
		m->smooth += w;
	m->lo = fmin(m->lo, mu - 9 * s);
	m->hi = fmax(m->hi, mu + 9 * s);
}

void
mix_add_lognormal(struct mixture *m, double w, double mean, double var)
{
	double s2 = log1p(var / (mean * mean));

	mix_add(m, w, mean * exp(-0.5 * s2), s2 > 1e-12 ? sqrt(s2) : 0);
}

double
mix_part_cdf(const struct mix_part *p, double x, double *add_pdf)
{
	double z = x - p->mu;

	if (p->s <= 0)
		return z >= 0;
	z /= p->s;
	if (z > 8)
		return 1;
	if (z < -8)
		return 0;
	if (add_pdf)
		*add_pdf += p->w / p->s * pgt_norm_pdf(z);
	return pgt_norm_cdf(z);
}

double
mix_cdf(const struct mixture *m, double x, double *ret_pdf)
{
	double f = 0, d = 0;

	for (size_t i = 0; i < m->n; i++)
		f += m->part[i].w * mix_part_cdf(&m->part[i], x, &d);
	if (ret_pdf)
		*ret_pdf = d / m->total;
	return f / m->total;
}

/* Newton within a bracket that always shrinks: single values make steps in the cdf,
 * where only halving gets on. */
double
mix_solve(const struct mixture *m, double p)
{
	double lo = m->lo - 1e-9, hi = m->hi + 1e-9, x = 0.5 * (lo + hi), d = 0;
	double width = hi - lo;

	for (int i = 0; i < 200 && hi - lo > 1e-10; i++) {
		double f = mix_cdf(m, x, &d), next, step;

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
	return hi;
}
