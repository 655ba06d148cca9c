#include "pg2une/detect/changepoint.h"

#include <math.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/moments.h"
#include "pg2une/num/ranktest.h"

#define MIN_SEGMENT 5

/* 2mn/(m+n) * (mean |x-y| across) - ... with alpha 1, from the three sums of distances:
 * Q = mn/(m+n) (2 A/(mn) - 2 B/(m(m-1)) - 2 C/(n(n-1))), B and C over unordered pairs. */
static double
energy(double across, double before, double after, double m, double n)
{
	double e = 2 * across / (m * n);

	if (m > 1)
		e -= 2 * before / (m * (m - 1));
	if (n > 1)
		e -= 2 * after / (n * (n - 1));
	return m * n / (m + n) * e;
}

double
pgt_energy_stat(const double *x, size_t n, size_t tau)
{
	double across = 0, before = 0, after = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n; j++) {
			double d = fabs(x[i] - x[j]);

			if (j < tau)
				before += d;
			else if (i >= tau)
				after += d;
			else
				across += d;
		}
	}
	return energy(across, before, after, (double)tau, (double)(n - tau));
}

/* The split of x with the largest Q.  Moving one point over the border moves its row
 * of distances between the sums, so all splits together cost O(n^2). */
static size_t
best_split(const double *x, size_t n)
{
	double across = 0, before = 0, after = 0, best_q = -INFINITY;
	size_t best = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			after += fabs(x[i] - x[j]);
	for (size_t tau = 1; tau + MIN_SEGMENT <= n; tau++) {
		double left = 0, right = 0, q;

		for (size_t j = 0; j + 1 < tau; j++)
			left += fabs(x[tau - 1] - x[j]);
		for (size_t j = tau; j < n; j++)
			right += fabs(x[tau - 1] - x[j]);
		before += left;
		after -= right;
		across += right - left;
		q = energy(across, before, after, (double)tau, (double)(n - tau));
		if (tau >= MIN_SEGMENT && q > best_q) {
			best_q = q;
			best = tau;
		}
	}
	return best;
}

#define MAX_CANDIDATES (PGT_CHANGEPOINT_MAX_POINTS / MIN_SEGMENT)
#define WEAK_P         0.01
#define PRIOR_N        10

/* Borders of segments: cut[0] = 0, ..., cut[n] = length. */
struct cuts {
	size_t cut[MAX_CANDIDATES + 2];
	size_t n;
};

static struct pgt_moments
segment(const double *x, size_t from, size_t to)
{
	struct pgt_moments m = {0};

	for (size_t i = from; i < to; i++)
		pgt_moments_add(&m, x[i]);
	return m;
}

/* Candidates: split at the best place as long as a plain Welch test is weakly for it. */
static void
split(const double *x, size_t from, size_t to, struct cuts *c)
{
	struct pgt_moments a, b;
	struct pgt_test test;
	size_t tau;

	if (to - from < 2 * MIN_SEGMENT || c->n > MAX_CANDIDATES)
		return;
	tau = from + best_split(x + from, to - from);
	a = segment(x, from, tau);
	b = segment(x, tau, to);
	if (!pgt_welch(a.n, a.mean, pgt_moments_var(&a), b.n, b.mean, pgt_moments_var(&b),
		       &test) ||
	    test.p > WEAK_P)
		return;
	split(x, from, tau, c);
	c->cut[c->n++] = tau;
	split(x, tau, to, c);
}

/* What the segments leave: their common variance, and its lag-one autocorrelation
 * bounded to what shrinks. */
struct rest {
	double var, phi;
};

static struct rest
leftover(const double *x, const struct cuts *c)
{
	double c0 = 0, c1 = 0, phi, len = (double)c->cut[c->n];

	for (size_t s = 0; s < c->n; s++) {
		double mean = segment(x, c->cut[s], c->cut[s + 1]).mean;

		for (size_t i = c->cut[s]; i < c->cut[s + 1]; i++) {
			c0 += (x[i] - mean) * (x[i] - mean);
			if (i + 1 < c->cut[s + 1])
				c1 += (x[i] - mean) * (x[i + 1] - mean);
		}
	}
	phi = c0 > 0 ? c1 / c0 : 0;
	/* Kendall's small-sample bias, once for each mean that was fitted. */
	phi += (1 + 3 * phi) * (double)c->n / len;
	return (struct rest){c0 / (len - (double)c->n), fmin(fmax(phi, 0), 0.9)};
}

/* The variance of a handful of points, picked because they look alike, is too small:
 * lean on the common one as if it had been seen PRIOR_N times. */
static double
steady_var(const struct pgt_moments *m, double common)
{
	return (m->m2 + PRIOR_N * common) / (m->n - 1 + PRIOR_N);
}

/* p of border i between its two segments.  n (1 - phi) / (1 + phi) independent points
 * tell as much of a mean; Bonferroni, because the best of all places was taken. */
static double
border_p(const double *x, const struct cuts *c, size_t i, struct rest rest,
	 struct pgt_change_point *ret)
{
	struct pgt_moments a = segment(x, c->cut[i - 1], c->cut[i]);
	struct pgt_moments b = segment(x, c->cut[i], c->cut[i + 1]);
	double shrink = (1 - rest.phi) / (1 + rest.phi),
	       places = a.n + b.n - 2 * MIN_SEGMENT + 1;
	struct pgt_test test;

	if (!pgt_welch(fmax(2, a.n * shrink), a.mean, steady_var(&a, rest.var),
		       fmax(2, b.n * shrink), b.mean, steady_var(&b, rest.var), &test))
		return 1;
	ret->index = c->cut[i];
	ret->mean_before = a.mean;
	ret->mean_after = b.mean;
	ret->magnitude = fabs(a.mean) > 0 ? fabs(b.mean / a.mean - 1) : INFINITY;
	ret->p = fmin(1, test.p * places);
	return ret->p;
}

/* Drop the border that says least until all that stay are significant and large enough:
 * neighbours grow then and are judged anew. */
static void
prune(const double *x, struct cuts *c, double alpha, double min_magnitude)
{
	while (c->n > 1) {
		struct rest rest = leftover(x, c);
		double worst = 0;
		size_t at = 0;

		for (size_t i = 1; i < c->n; i++) {
			struct pgt_change_point cp = {0};
			double p = border_p(x, c, i, rest, &cp), bad;

			bad = p > alpha ? 1 + p
			      : cp.magnitude < min_magnitude
				  ? 1 - cp.magnitude / min_magnitude
				  : 0;
			if (bad > worst) {
				worst = bad;
				at = i;
			}
		}
		if (at == 0)
			return;
		memmove(&c->cut[at], &c->cut[at + 1], (c->n - at) * sizeof(c->cut[0]));
		c->n--;
	}
}

size_t
pgt_changepoints(const double *x, const int64_t *t_ns, size_t n, double alpha,
		 double min_magnitude, struct pgt_change_point *ret, size_t max)
{
	struct cuts c = {.n = 1}; /* cut[0] is 0 */
	size_t len = 0;
	struct rest rest;

	if (n < PGT_CHANGEPOINT_MIN_POINTS || n > PGT_CHANGEPOINT_MAX_POINTS)
		return 0;
	split(x, 0, n, &c);
	c.cut[c.n] = n;
	prune(x, &c, alpha, min_magnitude);
	for (size_t i = 1; i < c.n; i++) /* its neighbours may have gone since */
		c.cut[i] = c.cut[i - 1] +
			   best_split(x + c.cut[i - 1], c.cut[i + 1] - c.cut[i - 1]);
	rest = leftover(x, &c);
	for (size_t i = 1; i < c.n && len < max; i++) {
		struct pgt_change_point cp = {0};

		if (border_p(x, &c, i, rest, &cp) > alpha || cp.magnitude < min_magnitude)
			continue;
		cp.t_ns = t_ns ? t_ns[cp.index] : 0;
		ret[len++] = cp;
	}
	return len;
}
