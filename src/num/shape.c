#include "pg2une/num/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixture_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/num/dist.h"

#define KEPT	  16	/* laws of one class that go into the mixture */
#define KEPT_MIN  1e-3	/* below that share of the best a law is left out */
#define PRIOR_ONE 0.5	/* of the single lognormal, before anything is known */
/* A bound is worth no more than so many calls: no real law is one of ours, and the
 * more calls there are the more its least difference would decide. */
#define BOUND_CALLS 500.0
/* Error of the best law against samples of other laws than ours, relative (half a
 * 90 % band), where ages tell (tests/unit/num/test_shape.c). */
#define AGES_ERR  0.12
#define AGES_MANY 20 /* calls seen that are enough for that */

static const double weights[] = {.004, .006, .008, .0105, .014, .018, .024, .032,
				 .042, .056, .075, .1,	  .13,	.16,  .2,   .25,
				 .3,   .36,  .43,  .5,	  .58,	.66};
static const double spreads[] = {.05, .15, .4, .9}; /* of the quick and the slow mode */

#define LAWS_MAX (1 + PGT_LEN(weights) * PGT_LEN(spreads) * PGT_LEN(spreads))

struct law {
	double p; /* log of the weight, later the weight */
	size_t n;
	struct mix_part part[2]; /* shares of the calls */
};

/* ---- ages ---- */

static double
bin_edge(size_t i)
{
	return i == 0 ? 0 : pow(1.5, (double)i - 1);
}

void
pgt_ages_add(struct pgt_ages *a, double age_ms, bool again)
{
	size_t i = 0;

	while (i + 1 < PGT_AGE_BINS && age_ms >= bin_edge(i + 1))
		i++;
	a->bin[i]++;
	a->n++;
	a->n_calls += !again;
}

void
pgt_ages_fade(struct pgt_ages *a, double factor)
{
	for (size_t i = 0; i < PGT_AGE_BINS; i++)
		a->bin[i] *= factor;
	a->n *= factor;
	a->n_calls *= factor;
}

/* E[min(D, x)] of a lognormal: what lies under its survival up to x. */
static double
limited(const struct mix_part *p, double mean, double x)
{
	double z = (log(x) - p->mu) / p->s;

	return mean * pgt_norm_cdf(z - p->s) + x * pgt_norm_cdf(-z);
}

/* Ages above the greatest call ever are of calls that hang: not among those counted. */
static size_t
bins_of(const struct pgt_shape *c)
{
	size_t n = PGT_AGE_BINS;

	while (n > 1 && ((c->ceil > 0 && bin_edge(n - 1) > c->ceil + c->over) ||
			 c->ages->bin[n - 1] <= 0))
		n--;
	return n;
}

/* A sample sees an age with the density P(D > a) / E[D].  Sightings of the same call
 * are worth one. */
static double
log_of_ages(const struct law *l, const struct pgt_shape *c)
{
	double mean[2] = {0}, all = 0, below = 0, next, sum = 0;
	size_t bins = bins_of(c), i, k;
	const struct pgt_ages *a = c->ages;

	for (k = 0; k < l->n; k++) {
		mean[k] = exp(l->part[k].mu + 0.5 * l->part[k].s * l->part[k].s);
		all += l->part[k].w * mean[k];
	}
	for (i = 0; i < bins; i++, below = next) {
		next = i + 1 == PGT_AGE_BINS ? all : 0;
		for (k = 0; i + 1 < PGT_AGE_BINS && k < l->n; k++)
			next += l->part[k].w *
				limited(&l->part[k], mean[k], bin_edge(i + 1));
		/* one age in a hundred may be of something else */
		sum += a->bin[i] * log(0.99 * fmax(0, next - below) / all +
				       0.01 / PGT_AGE_BINS);
	}
	return sum * fmin(1, a->n_calls / a->n);
}

/* ---- the dictionary ---- */

static struct mix_part
part_of(double w, double mean, double s)
{
	return (struct mix_part){w, log(mean) - 0.5 * s * s, s};
}

static void
law_one(const struct pgt_shape *c, double var, struct law *l)
{
	double s = sqrt(fmax(log1p(var / (c->mean * c->mean)), 1e-6));

	*l = (struct law){.p = log(PRIOR_ONE), .n = 1, .part = {part_of(1, c->mean, s)}};
}

/* Two modes with the class's mean and variance, a share w in the slow one: the means
 * follow, m1 = (m - w m2) / (1 - w) and a1 (1 - w) m1^2 + a2 w m2^2 = v + m^2 with
 * a = exp(s^2).  False when there are none, or hardly apart. */
static bool
law_two(const struct pgt_shape *c, double var, double w, double s1, double s2,
	struct law *l)
{
	double a1 = exp(s1 * s1), a2 = exp(s2 * s2), m = c->mean, m1, m2, root;
	double q = a1 / (1 - w), a = q * w * w + a2 * w, b = -2 * q * w * m;

	root = b * b - 4 * a * (q * m * m - var - m * m);
	if (!(root > 0))
		return false;
	m2 = (sqrt(root) - b) / (2 * a);
	m1 = (m - w * m2) / (1 - w);
	if (!(m1 > 0) || m2 < 2 * m1)
		return false;
	*l = (struct law){.n = 2, .part = {part_of(1 - w, m1, s1), part_of(w, m2, s2)}};
	return true;
}

/* No call was above the greatest ever.  (The least ever tells as much of sharp modes,
 * but where the law has an edge, as most have, it speaks for the wrong ones.) */
static double
log_of_bound(const struct law *l, const struct pgt_shape *c)
{
	double n = fmin(c->n, BOUND_CALLS), above = 0;

	for (size_t k = 0; c->ceil > 0 && k < l->n; k++)
		above += l->part[k].w *
			 pgt_norm_cdf((l->part[k].mu - log(c->ceil)) / l->part[k].s);
	return n * log1p(-fmin(above, 1 - 1e-9));
}

/* What the moments leave out makes each call longer by as much as it makes them
 * longer on average: the usual call in its length, the interrupted one in how often
 * that happens; the mean stays exact, and the variance grows with the time. */
static void
law_over(const struct pgt_shape *c, struct law *l)
{
	double r = 1 + c->over / c->mean, w, mean, var;
	struct mix_part *p = l->part;

	if (!(c->over > 0))
		return;
	if (l->n == 1) {
		var = expm1(p->s * p->s) * c->mean * c->mean * r;
		mean = c->mean * r;
		p[0] = part_of(1, mean, sqrt(log1p(var / (mean * mean))));
		return;
	}
	w = fmin(r * p[1].w, fmax(0.5, p[1].w));
	mean = exp(p[1].mu + 0.5 * p[1].s * p[1].s);
	mean = fmax((c->mean * r - w * mean) / (1 - w), 1e-3 * c->mean);
	p[0] = part_of(1 - w, mean, p[0].s);
	p[1].w = w;
}

/* How far the ages count, 0 to 1: all of it from PGT_AGES_MEAN_MS on.  Nothing here
 * jumps as a class crosses a threshold: the charts that watch p99 would take that for
 * a change of the server. */
static double
trust_ages(const struct pgt_shape *c)
{
	double trust = 2 * (c->mean + c->over) / PGT_AGES_MEAN_MS - 1;

	if (c->plain || !c->ages || !(c->ages->n > 0) || !(trust > 0))
		return 0;
	return fmin(1, trust);
}

static int
by_weight(const void *a, const void *b)
{
	const struct law *x = a, *y = b;

	return (x->p < y->p) - (x->p > y->p);
}

static void
weigh(const struct pgt_shape *c, double prior, struct law *l)
{
	double trust = trust_ages(c);

	l->p = prior + log_of_bound(l, c);
	law_over(c, l);
	if (trust > 0)
		l->p += trust * log_of_ages(l, c);
}

/* The laws of this class that are worth keeping, the likeliest first, with weights
 * that sum up to 1. */
static size_t
laws_of(const struct pgt_shape *c, struct law *l)
{
	double var = c->var_ok && c->var >= 0 ? c->var : c->mean * c->mean, sum = 0;
	size_t n = 0, i, j, k;

	law_one(c, var, &l[n++]);
	for (i = 0; !c->plain && c->n > 2.5 && i < PGT_LEN(weights); i++)
		for (j = 0; j < PGT_LEN(spreads); j++)
			for (k = 0; k < PGT_LEN(spreads); k++)
				n += law_two(c, var, weights[i], spreads[j], spreads[k],
					     &l[n]);
	for (i = 0; i < n; i++)
		weigh(c, log(i == 0 ? PRIOR_ONE : (1 - PRIOR_ONE) / (double)(n - 1)),
		      &l[i]);
	qsort(l, n, sizeof(*l), by_weight);
	for (i = 0; i < n && i < KEPT && l[i].p > l[0].p + log(KEPT_MIN); i++)
		sum += exp(l[i].p - l[0].p);
	n = i;
	for (k = n; k-- > 0;)
		l[k].p = exp(l[k].p - l[0].p) / sum;
	return n;
}

/* ---- all classes ---- */

struct shaped {
	double n;
	size_t first, n_laws;
};

struct shapes {
	struct shaped *of;
	size_t n;
	struct law *law;
	struct mixture mix;
	double aged; /* calls of classes whose ages weighed in, as far as they did */
	bool by_ages;
};

static void
shapes_add(struct shapes *s, const struct pgt_shape *c)
{
	struct law l[LAWS_MAX];
	struct shaped *of = &s->of[s->n];
	size_t i, k;

	if (!(c->n > 0) || !(c->mean > 0) || !isfinite(c->mean))
		return;
	of->n = c->n;
	of->first = s->n ? of[-1].first + of[-1].n_laws : 0;
	of->n_laws = laws_of(c, l);
	memcpy(&s->law[of->first], l, of->n_laws * sizeof(*l));
	if (trust_ages(c) > 0) {
		s->aged += c->n * trust_ages(c) * fmin(1, c->ages->n_calls / AGES_MANY);
		s->by_ages |= c->ages->n_calls >= PGT_AGES_MIN;
	}
	s->n++;
	for (i = 0; i < of->n_laws; i++)
		for (k = 0; k < l[i].n; k++)
			mix_add(&s->mix, c->n * l[i].p * l[i].part[k].w,
				exp(l[i].part[k].mu), l[i].part[k].s);
}

static double
law_cdf(const struct law *l, double x)
{
	double f = 0;

	for (size_t k = 0; k < l->n; k++)
		f += l->part[k].w * mix_part_cdf(&l->part[k], x, NULL);
	return f;
}

/* How far the laws that are left differ about the share below x, and how far a sample
 * strays: variance of that share. */
static double
share_var(const struct shapes *s, double x, double p)
{
	double sum = p * (1 - p) / s->mix.total;

	for (size_t i = 0; i < s->n; i++) {
		const struct shaped *of = &s->of[i];
		double mean = 0, square = 0, share = of->n / s->mix.total;

		for (size_t k = of->first; k < of->first + of->n_laws; k++) {
			double f = law_cdf(&s->law[k], x);

			mean += s->law[k].p * f;
			square += s->law[k].p * f * f;
		}
		sum += share * share * fmax(0, square - mean * mean);
	}
	return sum;
}

/* The share moves by its standard deviation, on the logit's scale, which keeps it
 * within 0 and 1; the band is what the percentile makes of it. */
static struct pgt_quantile
shape_quantile(const struct shapes *s, double p)
{
	double x = mix_solve(&s->mix, p), move, odds = p / (1 - p), lo, hi, err;

	move = exp(1.645 * sqrt(share_var(s, x, p)) / (p * (1 - p)));
	lo = mix_solve(&s->mix, odds / move / (1 + odds / move));
	hi = mix_solve(&s->mix, fmin(odds * move / (1 + odds * move), 1 - 1e-6));
	err = s->aged / s->mix.total;
	err = log1p(err * AGES_ERR + (1 - err) * mix_model_error(p));
	return (struct pgt_quantile){exp(x), exp(x - hypot(x - lo, err)),
				     exp(x + hypot(hi - x, err))};
}

bool
pgt_shape_quantiles(const struct pgt_shape *c, size_t n, const double *p, size_t np,
		    struct pgt_quantile *ret, bool *ret_by_ages)
{
	struct shapes s = {.mix = {.lo = INFINITY, .hi = -INFINITY}};
	size_t i, laws = 0;

	for (i = 0; i < n; i++)
		laws += c[i].plain ? 1 : KEPT;
	s.of = pgt_xcalloc(n + 1, sizeof(*s.of));
	s.law = pgt_xcalloc(laws + 1, sizeof(*s.law));
	s.mix.part = pgt_xcalloc(2 * laws + 1, sizeof(*s.mix.part));
	for (i = 0; i < n; i++)
		shapes_add(&s, &c[i]);
	for (i = 0; i < np && s.n; i++)
		ret[i] = shape_quantile(&s, p[i]);
	if (s.n)
		*ret_by_ages = s.by_ages;
	i = s.n;
	free(s.mix.part);
	free(s.law);
	free(s.of);
	return i > 0;
}
