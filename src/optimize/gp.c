#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/matrix.h"
#include "pg2une/optimize/gp.h"

#include "gp_priv.h"

#define SQRT5	     2.23606797749978969641
#define LOG_2PI	     1.83787706640934548356
#define PREDICT_BLOCK 256

void
pgt_gp_work_init(struct pgt_gp_work *w, size_t n, size_t d)
{
	w->z = pgt_xcalloc(n * d, sizeof(double));
	w->zt = pgt_xcalloc(n * d, sizeof(double));
	w->sum = pgt_xcalloc(2 * n, sizeof(double));
	w->k = pgt_xcalloc(n * n, sizeof(double));
	w->slope = pgt_xcalloc(n * n, sizeof(double));
	w->alpha = pgt_xcalloc(n, sizeof(double));
	w->inv_len = pgt_xcalloc(d, sizeof(double));
}

void
pgt_gp_work_done(struct pgt_gp_work *w)
{
	free(w->z);
	free(w->zt);
	free(w->sum);
	free(w->k);
	free(w->slope);
	free(w->alpha);
	free(w->inv_len);
}

/* Matern-5/2 of the squared scaled distance; *ret_slope is -2 dk/d(r^2), which all
 * derivatives are multiples of. */
static inline double
matern52(double r2, double *ret_slope)
{
	double s = SQRT5 * sqrt(r2), e = exp(-s);

	*ret_slope = 5.0 / 3.0 * (1 + s) * e;
	return (1 + s + s * s / 3.0) * e;
}

/* One term of the additive part: rational quadratic of shape 1, with the curvature of
 * the Matern at the origin; a division where the Matern takes an exponential. */
static inline double
rational(double t)
{
	return 1 / (1 + 5.0 / 6.0 * t);
}

static void
scale_rows(size_t n, size_t d, const double *x, const double *theta, double *inv_len,
	   double *z, double *zt)
{
	for (size_t c = 0; c < d; c++)
		inv_len[c] = exp(-theta[2 + c]);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < d; c++)
			zt[c * n + i] = z[i * d + c] = x[i * d + c] * inv_len[c];
}

/* One coordinate's part of the squared distances and of the additive terms. */
static void
add_coordinate(size_t n, double at, const double *restrict zt, bool additive,
	       double *restrict r2, double *restrict sum)
{
	for (size_t i = 0; i < n; i++)
		r2[i] += (at - zt[i]) * (at - zt[i]);
	for (size_t i = 0; additive && i < n; i++)
		sum[i] += rational((at - zt[i]) * (at - zt[i]));
}

/* k of the scaled point b and the points from on of the n in zt, times sf2; slope is
 * that of the Matern part, share included, or NULL.  work: 2n. */
static void
kernel_row(size_t from, size_t n, size_t d, const double *zt, const double *b,
	   double additive, double sf2, double *work, double *k, double *slope)
{
	double *r2 = work, *sum = work + n, share = additive / (double)d;

	memset(work, 0, 2 * n * sizeof(*work));
	for (size_t c = 0; c < d; c++)
		add_coordinate(n - from, b[c], &zt[c * n + from], additive > 0, r2, sum);
	for (size_t i = from; i < n; i++) {
		double s, m = matern52(r2[i - from], &s);

		k[i] = sf2 * ((1 - additive) * m + share * sum[i - from]);
		if (slope)
			slope[i] = sf2 * (1 - additive) * s;
	}
}

/* k of two scaled points, times sf2. */
static double
kernel_pair(size_t d, const double *a, const double *b, double additive, double sf2)
{
	double r2 = 0, sum = 0, slope;

	for (size_t c = 0; c < d; c++) {
		double t = (a[c] - b[c]) * (a[c] - b[c]);

		r2 += t;
		sum += rational(t);
	}
	return sf2 * ((1 - additive) * matern52(r2, &slope) + additive / (double)d * sum);
}

/* The lower triangle of the covariance and, when wanted, of its slopes. */
static void
covariance(struct pgt_gp_work *w, size_t n, size_t d, double additive, double sf2,
	   double sn2, const double *weight, bool slopes)
{
	for (size_t j = 0; j < n; j++) {
		w->k[j * n + j] = sf2 + sn2 * (weight ? weight[j] : 1);
		kernel_row(j + 1, n, d, w->zt, &w->z[j * d], additive, sf2, w->sum,
			   &w->k[j * n], slopes ? &w->slope[j * n] : NULL);
	}
}

/* Rasmussen and Williams eq. 5.9, w->k being K^-1 and w->alpha K^-1 y by now. */
static void
gradient(const struct pgt_gp_work *w, size_t n, size_t d, const double *y,
	 const double *weight, double additive, double sf2, double sn2, double *grad)
{
	double term = sf2 * additive / (double)d * 5.0 / 3.0;
	double yay = pgt_matrix_dot(n, y, w->alpha), noise = 0;

	memset(grad, 0, PGT_GP_THETA(d) * sizeof(*grad));
	for (size_t i = 0; i < n; i++)
		noise += (w->alpha[i] * w->alpha[i] - w->k[i * n + i]) * sn2 *
			 (weight ? weight[i] : 1);
	grad[1] = 0.5 * noise;
	/* sf2 dK/dsf2 = K - sn2 W: the trace needs no further sum. */
	grad[0] = 0.5 * (yay - (double)n) - grad[1];
	for (size_t j = 0; j < n; j++)
		for (size_t i = j + 1; i < n; i++) {
			double f = w->alpha[i] * w->alpha[j] - w->k[j * n + i];
			double s = f * w->slope[j * n + i];
			const double *a = &w->z[i * d], *b = &w->z[j * d];

			for (size_t c = 0; c < d; c++) {
				double t = (a[c] - b[c]) * (a[c] - b[c]);

				grad[2 + c] += s * t;
			}
			for (size_t c = 0; additive > 0 && c < d; c++) {
				double t = (a[c] - b[c]) * (a[c] - b[c]);
				double q = rational(t);

				grad[2 + c] += f * term * q * q * t;
			}
		}
}

int
pgt_gp_evaluate(struct pgt_gp_work *w, size_t n, size_t d, const double *x,
		const double *y, const double *weight, double additive,
		const double *theta, double *ret_lml, double *grad, struct pgt_err *err)
{
	double sf2 = exp(theta[0]), sn2 = exp(theta[1]), lml;

	scale_rows(n, d, x, theta, w->inv_len, w->z, w->zt);
	covariance(w, n, d, additive, sf2, sn2, weight, grad != NULL);
	if (pgt_matrix_cholesky(n, w->k, err) < 0)
		return -1;
	memcpy(w->alpha, y, n * sizeof(*y));
	pgt_matrix_chol_solve(n, w->k, 1, w->alpha);
	lml = -0.5 * pgt_matrix_dot(n, y, w->alpha) -
	      0.5 * pgt_matrix_chol_logdet(n, w->k) - 0.5 * (double)n * LOG_2PI;
	if (!isfinite(lml))
		return pgt_err_set(err, PGT_E_NUMERIC, "likelihood is not finite");
	if (grad) {
		if (pgt_matrix_chol_inverse(n, w->k, err) < 0)
			return -1;
		gradient(w, n, d, y, weight, additive, sf2, sn2, grad);
	}
	*ret_lml = lml;
	return 0;
}

int
pgt_gp_likelihood(size_t n, size_t d, const double *x, const double *y,
		  const double *noise_weight, double additive, const double *theta,
		  double *ret_lml, double *grad, struct pgt_err *err)
{
	struct pgt_gp_work w;
	int ret;

	pgt_gp_work_init(&w, n, d);
	ret = pgt_gp_evaluate(&w, n, d, x, y, noise_weight, additive, theta, ret_lml,
			      grad, err);
	pgt_gp_work_done(&w);
	return ret;
}

int
pgt_gp_new_fixed(size_t n, size_t d, const double *x, const double *y,
		 const double *noise_weight, double additive, const double *theta,
		 struct pgt_gp **ret, struct pgt_err *err)
{
	struct pgt_gp *gp = pgt_xcalloc(1, sizeof(*gp));
	struct pgt_gp_work w;
	int rc;

	gp->n = n;
	gp->d = d;
	gp->additive = additive;
	gp->y_sd = 1;
	pgt_gp_work_init(&w, n, d);
	gp->x = w.z;
	gp->xt = w.zt;
	gp->l = w.k;
	gp->alpha = w.alpha;
	gp->inv_len = w.inv_len;
	gp->y = pgt_xcalloc(n, sizeof(double));
	gp->weight = pgt_xcalloc(n, sizeof(double));
	gp->theta = pgt_xcalloc(PGT_GP_THETA(d), sizeof(double));
	memcpy(gp->y, y, n * sizeof(*y));
	for (size_t i = 0; i < n; i++)
		gp->weight[i] = noise_weight ? noise_weight[i] : 1;
	memcpy(gp->theta, theta, PGT_GP_THETA(d) * sizeof(*theta));
	gp->sf2 = exp(theta[0]);
	gp->sn2 = exp(theta[1]);
	rc = pgt_gp_evaluate(&w, n, d, x, y, noise_weight, additive, theta, &gp->lml,
			     NULL, err);
	free(w.slope);
	free(w.sum);
	if (rc < 0) {
		pgt_gp_free(gp);
		return -1;
	}
	*ret = gp;
	return 0;
}

void
pgt_gp_free(struct pgt_gp *gp)
{
	if (!gp)
		return;
	free(gp->x);
	free(gp->xt);
	free(gp->y);
	free(gp->weight);
	free(gp->theta);
	free(gp->inv_len);
	free(gp->l);
	free(gp->alpha);
	free(gp);
}

size_t
pgt_gp_n(const struct pgt_gp *gp)
{
	return gp->n;
}

size_t
pgt_gp_d(const struct pgt_gp *gp)
{
	return gp->d;
}

const double *
pgt_gp_theta(const struct pgt_gp *gp)
{
	return gp->theta;
}

double
pgt_gp_lml(const struct pgt_gp *gp)
{
	return gp->lml;
}

double
pgt_gp_log_posterior(const struct pgt_gp *gp)
{
	return gp->log_posterior;
}

double
pgt_gp_noise_sd(const struct pgt_gp *gp)
{
	return sqrt(gp->sn2) * gp->y_sd;
}

double
pgt_gp_y_mean(const struct pgt_gp *gp)
{
	return gp->y_mean;
}

double
pgt_gp_y_sd(const struct pgt_gp *gp)
{
	return gp->y_sd;
}

static void
predict_block(const struct pgt_gp *gp, size_t m, const double *x, double *kstar,
	      double *work, double *mean, double *sd)
{
	for (size_t c = 0; c < m; c++) {
		double *col = &kstar[c * gp->n], *z = work + 2 * gp->n;

		for (size_t q = 0; q < gp->d; q++)
			z[q] = x[c * gp->d + q] * gp->inv_len[q];
		kernel_row(0, gp->n, gp->d, gp->xt, z, gp->additive, gp->sf2, work, col,
			   NULL);
		mean[c] =
		    gp->y_mean + gp->y_sd * pgt_matrix_dot(gp->n, col, gp->alpha);
	}
	if (!sd)
		return;
	pgt_matrix_lower_solve(gp->n, gp->l, m, kstar);
	for (size_t c = 0; c < m; c++) {
		const double *col = &kstar[c * gp->n];
		double var = gp->sf2 - pgt_matrix_dot(gp->n, col, col);

		sd[c] = var > 0 ? sqrt(var) * gp->y_sd : 0;
	}
}

void
pgt_gp_predict(const struct pgt_gp *gp, size_t m, const double *x, double *mean,
	       double *sd)
{
	size_t block = m < PREDICT_BLOCK ? m : PREDICT_BLOCK;
	double *kstar = pgt_xcalloc(gp->n * block, sizeof(double));
	double *work = pgt_xcalloc(2 * gp->n + gp->d, sizeof(double));

	for (size_t at = 0; at < m; at += block) {
		size_t len = m - at < block ? m - at : block;

		predict_block(gp, len, &x[at * gp->d], kstar, work, &mean[at],
			      sd ? &sd[at] : NULL);
	}
	free(kstar);
	free(work);
}

void
pgt_gp_predict_step(const struct pgt_gp *gp, const double *a, const double *b,
		    double *ret_mean, double *ret_sd)
{
	size_t n = gp->n, d = gp->d;
	double *k = pgt_xcalloc(4 * n + 2 * d, sizeof(double));
	double *kb = k + n, *work = kb + n, *za = work + 2 * n, *zb = za + d;
	double kab, var;

	for (size_t c = 0; c < d; c++) {
		za[c] = a[c] * gp->inv_len[c];
		zb[c] = b[c] * gp->inv_len[c];
	}
	kernel_row(0, n, d, gp->xt, za, gp->additive, gp->sf2, work, k, NULL);
	kernel_row(0, n, d, gp->xt, zb, gp->additive, gp->sf2, work, kb, NULL);
	kab = kernel_pair(d, za, zb, gp->additive, gp->sf2);
	for (size_t i = 0; i < n; i++)
		kb[i] -= k[i];
	*ret_mean = gp->y_sd * pgt_matrix_dot(n, kb, gp->alpha);
	pgt_matrix_lower_solve(n, gp->l, 1, kb);
	var = 2 * (gp->sf2 - kab) - pgt_matrix_dot(n, kb, kb);
	*ret_sd = var > 0 ? sqrt(var) * gp->y_sd : 0;
	free(k);
}

void
pgt_gp_predict_grad(const struct pgt_gp *gp, const double *x, double *ret_mean,
		    double *ret_sd, double *grad_mean, double *grad_sd)
{
	size_t n = gp->n, d = gp->d;
	double *k = pgt_xcalloc(5 * n + d, sizeof(double));
	double *slope = k + n, *v = slope + n, *work = v + n, *z = work + 2 * n;
	double var, mean = 0;
	double term = gp->additive / (double)d * 5.0 / 3.0;

	for (size_t c = 0; c < d; c++) {
		z[c] = x[c] * gp->inv_len[c];
		grad_mean[c] = grad_sd[c] = 0;
	}
	kernel_row(0, n, d, gp->xt, z, gp->additive, 1, work, k, slope);
	for (size_t i = 0; i < n; i++) {
		k[i] *= gp->sf2;
		mean += k[i] * gp->alpha[i];
	}
	memcpy(v, k, n * sizeof(*v));
	pgt_matrix_chol_solve(n, gp->l, 1, v);
	var = gp->sf2 - pgt_matrix_dot(n, k, v);
	var = var > 1e-14 * gp->sf2 ? var : 1e-14 * gp->sf2;
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < d; c++) {
			double diff = z[c] - gp->x[i * d + c], s = slope[i], q, dk;

			if (gp->additive > 0) {
				q = rational(diff * diff);
				s += term * q * q;
			}
			dk = -gp->sf2 * s * diff;

			grad_mean[c] += gp->alpha[i] * dk;
			grad_sd[c] -= v[i] * dk;
		}
	*ret_mean = gp->y_mean + gp->y_sd * mean;
	*ret_sd = gp->y_sd * sqrt(var);
	for (size_t c = 0; c < d; c++) {
		grad_mean[c] *= gp->y_sd * gp->inv_len[c];
		grad_sd[c] *= gp->y_sd * gp->inv_len[c] / sqrt(var);
	}
	free(k);
}

int
pgt_gp_leave_one_out(const struct pgt_gp *gp, double *mean, double *sd,
		     struct pgt_err *err)
{
	size_t n = gp->n;
	double *inv = pgt_xcalloc(n * n, sizeof(double));

	memcpy(inv, gp->l, n * n * sizeof(*inv));
	if (pgt_matrix_chol_inverse(n, inv, err) < 0) {
		free(inv);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		double q = inv[i * n + i];

		mean[i] = gp->y_mean + gp->y_sd * (gp->y[i] - gp->alpha[i] / q);
		sd[i] = gp->y_sd / sqrt(q);
	}
	free(inv);
	return 0;
}
