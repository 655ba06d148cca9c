#include "pg2une/detect/changepoint.h"

#include <math.h>
#include <stdlib.h>

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

/* Lag-one autocorrelation around each side's own mean, bounded to what shrinks. */
static double
within_phi(const double *x, size_t n, size_t tau, double ma, double mb)
{
	double c0 = 0, c1 = 0, phi;

	for (size_t i = 0; i < n; i++) {
		double d = x[i] - (i < tau ? ma : mb);

		c0 += d * d;
		if (i + 1 < n && i + 1 != tau)
			c1 += d * (x[i + 1] - (i + 1 < tau ? ma : mb));
	}
	phi = c0 > 0 ? c1 / c0 : 0;
	phi += (1 + 3 * phi) / (double)n; /* Kendall's small-sample bias */
	return fmin(fmax(phi, 0), 0.9);
}

struct finder {
	const double *x;
	const int64_t *t_ns;
	double alpha, min_magnitude;
	struct pgt_change_point *ret;
	size_t max, n;
};

static void
split(struct finder *f, size_t from, size_t n)
{
	const double *x = f->x + from;
	struct pgt_moments a = {0}, b = {0};
	struct pgt_test test;
	double shrink, phi, magnitude;
	size_t tau;

	if (n < 2 * MIN_SEGMENT)
		return;
	tau = best_split(x, n);
	for (size_t i = 0; i < n; i++)
		pgt_moments_add(i < tau ? &a : &b, x[i]);
	phi = within_phi(x, n, tau, a.mean, b.mean);
	/* n (1 - phi) / (1 + phi) independent points tell as much of a mean. */
	shrink = (1 - phi) / (1 + phi);
	if (!pgt_welch(fmax(2, a.n * shrink), a.mean, pgt_moments_var(&a),
		       fmax(2, b.n * shrink), b.mean, pgt_moments_var(&b), &test) ||
	    test.p > f->alpha)
		return;

	split(f, from, tau);
	magnitude = fabs(a.mean) > 0 ? fabs(b.mean / a.mean - 1) : INFINITY;
	if (f->n < f->max && magnitude >= f->min_magnitude)
		f->ret[f->n++] = (struct pgt_change_point){
		    .index = from + tau,
		    .t_ns = f->t_ns ? f->t_ns[from + tau] : 0,
		    .mean_before = a.mean,
		    .mean_after = b.mean,
		    .magnitude = magnitude,
		    .p = test.p};
	split(f, from + tau, n - tau);
}

size_t
pgt_changepoints(const double *x, const int64_t *t_ns, size_t n, double alpha,
		 double min_magnitude, struct pgt_change_point *ret, size_t max)
{
	struct finder f = {x, t_ns, alpha, min_magnitude, ret, max, 0};

	if (n < PGT_CHANGEPOINT_MIN_POINTS || n > PGT_CHANGEPOINT_MAX_POINTS)
		return 0;
	split(&f, 0, n);
	return f.n;
}
