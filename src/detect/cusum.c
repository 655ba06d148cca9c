#include "pg2une/detect/cusum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"

void
pgt_cusum_init(struct pgt_cusum *c, double k, double h, enum pgt_cusum_sides sides)
{
	*c = (struct pgt_cusum){.k = k, .h = h, .sides = sides};
}

void
pgt_cusum_reset(struct pgt_cusum *c)
{
	c->up = c->down = 0;
	c->up_len = c->down_len = 0;
}

int
pgt_cusum_step(struct pgt_cusum *c, double z)
{
	c->up = fmax(0, c->up + z - c->k);
	c->down = fmax(0, c->down - z - c->k);
	c->up_len = c->up > 0 ? c->up_len + 1 : 0;
	c->down_len = c->down > 0 ? c->down_len + 1 : 0;
	if ((c->sides & PGT_CUSUM_UP) && c->up >= c->h)
		return 1;
	if ((c->sides & PGT_CUSUM_DOWN) && c->down >= c->h)
		return -1;
	return 0;
}

/* Gauss-Legendre nodes and weights on [0, h]: Newton on P_n from Tricomi's start. */
static void
legendre(int n, double h, double *x, double *w)
{
	for (int i = 0; i < (n + 1) / 2; i++) {
		double z = cos(M_PI * (i + 0.75) / (n + 0.5)), dp = 0, dz = 1;

		for (int it = 0; it < 100 && fabs(dz) > 1e-15; it++) {
			double p = 1, prev = 0;

			for (int j = 1; j <= n; j++) {
				double next = ((2 * j - 1) * z * p - (j - 1) * prev) / j;

				prev = p;
				p = next;
			}
			dp = n * (z * p - prev) / (z * z - 1);
			dz = p / dp;
			z -= dz;
		}
		x[i] = 0.5 * h * (1 - z);
		x[n - 1 - i] = 0.5 * h * (1 + z);
		w[i] = w[n - 1 - i] = h / ((1 - z * z) * dp * dp);
	}
}

/* Solve a x = b in place by elimination with row exchange; a is n by n by rows. */
static void
solve(int n, double *a, double *b)
{
	for (int c = 0; c < n; c++) {
		int p = c;

		for (int r = c + 1; r < n; r++)
			if (fabs(a[r * n + c]) > fabs(a[p * n + c]))
				p = r;
		for (int j = c; j < n && p != c; j++) {
			double t = a[c * n + j];

			a[c * n + j] = a[p * n + j];
			a[p * n + j] = t;
		}
		if (p != c) {
			double t = b[c];

			b[c] = b[p];
			b[p] = t;
		}
		for (int r = c + 1; r < n; r++) {
			double f = a[r * n + c] / a[c * n + c];

			for (int j = c; j < n; j++)
				a[r * n + j] -= f * a[c * n + j];
			b[r] -= f * b[c];
		}
	}
	for (int r = n - 1; r >= 0; r--) {
		for (int j = r + 1; j < n; j++)
			b[r] -= a[r * n + j] * b[j];
		b[r] /= a[r * n + r];
	}
}

/* L(s) = 1 + L(0) Phi(k - s - d) + int_0^h L(y) phi(y + k - s - d) dy. */
double
pgt_cusum_arl(double k, double h, double shift)
{
	int n = 30 + (int)(5 * h), m = n + 1;
	double *x, *w, *a, *b, arl;

	if (!(h > 0) || !isfinite(h + k + shift))
		return h <= 0 ? 1 : NAN;
	x = pgt_xcalloc((size_t)m, sizeof(*x));
	w = pgt_xcalloc((size_t)m, sizeof(*w));
	a = pgt_xcalloc((size_t)(m * m), sizeof(*a));
	b = pgt_xcalloc((size_t)m, sizeof(*b));

	legendre(n, h, x + 1, w + 1); /* x[0] = 0 stands for the atom at zero */
	for (int i = 0; i < m; i++) {
		b[i] = 1;
		a[i * m] = -pgt_norm_cdf(k - x[i] - shift);
		for (int j = 1; j < m; j++)
			a[i * m + j] = -w[j] * pgt_norm_pdf(x[j] + k - x[i] - shift);
		a[i * m + i] += 1;
	}
	solve(m, a, b);
	arl = b[0];

	free(x);
	free(w);
	free(a);
	free(b);
	return arl;
}

double
pgt_cusum_arl_two_sided(double k, double h, double shift)
{
	return 1 / (1 / pgt_cusum_arl(k, h, shift) + 1 / pgt_cusum_arl(k, h, -shift));
}

double
pgt_cusum_arl_siegmund(double k, double h, double shift)
{
	double d = shift - k, b = h + 1.166;

	if (fabs(d) < 1e-6)
		return b * b;
	return (exp(-2 * d * b) + 2 * d * b - 1) / (2 * d * d);
}

/* log ARL grows almost linearly in h, so the secant in it converges in a few steps;
 * the bracket keeps it safe for small h. */
double
pgt_cusum_threshold(double k, double arl0)
{
	double lo = 0, hi = 1, flo, fhi, goal = log(arl0), h, f;

	if (!(arl0 > 2))
		return 0;
	flo = -goal;
	while ((fhi = log(pgt_cusum_arl(k, hi, 0)) - goal) < 0 && hi < 64) {
		lo = hi;
		flo = fhi;
		hi *= 2;
	}
	for (int i = 0; i < 60 && hi - lo > 1e-9; i++) {
		h = i % 3 == 2 ? 0.5 * (lo + hi) : lo - flo * (hi - lo) / (fhi - flo);
		f = log(pgt_cusum_arl(k, h, 0)) - goal;
		if (fabs(f) < 1e-9)
			return h;
		if (f < 0) {
			lo = h;
			flo = f;
		} else {
			hi = h;
			fhi = f;
		}
	}
	return 0.5 * (lo + hi);
}

double
pgt_cusum_budget(double budget_per_week, double bucket_s, double charts)
{
	return 7 * 86400 / bucket_s * charts / budget_per_week;
}
