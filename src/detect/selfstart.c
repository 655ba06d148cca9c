#include "pg2une/detect/selfstart.h"

#include <math.h>

#include "pg2une/num/dist.h"

/* Winsorising at w makes E min(z^2, w^2) < 1; at w = 3 it is 0.99502.  Uncorrected, the
 * deviation would shrink by a little and so raise false alarms. */
static double
winsor_loss(double w)
{
	return 1 - 2 * (w * pgt_norm_pdf(w) + (1 - w * w) * pgt_norm_cdf(-w));
}

void
pgt_selfstart_init(struct pgt_selfstart *s, double n_max)
{
	*s = (struct pgt_selfstart){.n_max = n_max};
}

static double
deviation(const struct pgt_selfstart *s, double min_sd)
{
	double sd = sqrt(pgt_moments_var(&s->m));

	return sd > min_sd ? sd : min_sd;
}

double
pgt_selfstart_peek(const struct pgt_selfstart *s, double x, double min_sd)
{
	double n = s->m.n + 1, sd = deviation(s, min_sd), t, p;

	if (s->m.n < 2 || !(sd > 0))
		return 0;
	/* Hawkins: T ~ t(n - 2) after the factor; through its cdf to the normal. */
	t = (x - s->m.mean) / sd * sqrt((n - 1) / n);
	if (n > 1000 && fabs(t) < 6)
		return t; /* equal to 4 decimals by now */
	p = pgt_t_sf(fabs(t), n - 2);
	return p > 1e-300 ? copysign(-pgt_norm_quantile(p), t) : copysign(38, t);
}

double
pgt_selfstart_step(struct pgt_selfstart *s, double x, double win, double min_sd)
{
	double z = pgt_selfstart_peek(s, x, min_sd), d = x - s->m.mean;

	if (win > 0 && fabs(z) > win) {
		double sd = deviation(s, min_sd);

		x = s->m.mean + copysign(fmin(fabs(d), win * sd), d);
	}
	pgt_moments_add(&s->m, x);
	if (win > 0 && s->m.n > 2)
		s->m.m2 += (1 / winsor_loss(win) - 1) * (x - s->m.mean) * (x - s->m.mean);
	if (s->n_max > 0 && s->m.n > s->n_max) {
		s->m.m2 *= s->n_max / s->m.n;
		s->m.n = s->n_max;
	}
	return z;
}
