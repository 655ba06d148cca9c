#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/num/matrix.h"
#include "pg2une/num/random.h"
#include "pg2une/optimize/acquire.h"
#include "pg2une/optimize/gp.h"

enum { N = 25, D = 4 };

struct data {
	double x[N * D], y[N], w[N], theta[PGT_GP_THETA(D)];
};

static void
make(struct data *p)
{
	struct pgt_random r;

	pgt_random_init(&r, 4);
	for (int i = 0; i < N; i++) {
		for (int c = 0; c < D; c++)
			p->x[i * D + c] = pgt_random_uniform(&r);
		p->y[i] = sin(5 * p->x[i * D]) + p->x[i * D + 1] +
			  0.1 * pgt_random_normal(&r);
		p->w[i] = 1.0 / (double)(1 + i % 3);
	}
	p->theta[0] = 0.3;
	p->theta[1] = -3;
	for (int c = 0; c < D; c++)
		p->theta[2 + c] = -1 + 0.4 * c;
}

/* Analytic against central differences, for the plain and the additive kernel. */
static void
likelihood_gradient(void **state)
{
	static const double shares[] = {0, 0.6};
	struct data p;

	(void)state;
	make(&p);
	for (int k = 0; k < 2; k++) {
		double grad[PGT_GP_THETA(D)], up, down, lml;

		assert_int_equal(pgt_gp_likelihood(N, D, p.x, p.y, p.w, shares[k], p.theta,
						   &lml, grad, NULL), 0);
		for (int i = 0; i < PGT_GP_THETA(D); i++) {
			double keep = p.theta[i], h = 1e-5;

			p.theta[i] = keep + h;
			assert_int_equal(pgt_gp_likelihood(N, D, p.x, p.y, p.w, shares[k],
							   p.theta, &up, NULL, NULL), 0);
			p.theta[i] = keep - h;
			assert_int_equal(pgt_gp_likelihood(N, D, p.x, p.y, p.w, shares[k],
							   p.theta, &down, NULL, NULL), 0);
			p.theta[i] = keep;
			assert_true(fabs((up - down) / (2 * h) - grad[i]) <
				    1e-6 * (1 + fabs(grad[i])));
		}
	}
}

static void
prediction_gradient(void **state)
{
	struct data p;

	(void)state;
	make(&p);
	for (int k = 0; k < 2; k++) {
		double x[D] = {0.31, 0.62, 0.17, 0.83}, gm[D], gs[D], mean, sd;
		struct pgt_gp *gp;

		assert_int_equal(pgt_gp_new_fixed(N, D, p.x, p.y, NULL, 0.6 * k, p.theta,
						  &gp, NULL), 0);
		pgt_gp_predict_grad(gp, x, &mean, &sd, gm, gs);
		for (int c = 0; c < D; c++) {
			double m[2], s[2], keep = x[c], h = 1e-5;

			x[c] = keep + h;
			pgt_gp_predict(gp, 1, x, &m[0], &s[0]);
			x[c] = keep - h;
			pgt_gp_predict(gp, 1, x, &m[1], &s[1]);
			x[c] = keep;
			assert_true(fabs((m[0] - m[1]) / (2 * h) - gm[c]) < 1e-6);
			assert_true(fabs((s[0] - s[1]) / (2 * h) - gs[c]) < 1e-6);
		}
		pgt_gp_free(gp);
	}
}

/* Leave-one-out in closed form against really leaving one out. */
static void
leave_one_out(void **state)
{
	double mean[N], sd[N], x[N * D], y[N], m, s;
	struct pgt_gp *all, *rest;
	struct data p;

	(void)state;
	make(&p);
	assert_int_equal(pgt_gp_new_fixed(N, D, p.x, p.y, NULL, 0, p.theta, &all, NULL), 0);
	assert_int_equal(pgt_gp_leave_one_out(all, mean, sd, NULL), 0);
	memcpy(x, p.x, sizeof(x));
	memcpy(y, p.y, sizeof(y));
	memcpy(&x[7 * D], &p.x[(N - 1) * D], D * sizeof(double));
	y[7] = p.y[N - 1];
	assert_int_equal(pgt_gp_new_fixed(N - 1, D, x, y, NULL, 0, p.theta, &rest, NULL), 0);
	pgt_gp_predict(rest, 1, &p.x[7 * D], &m, &s);
	assert_true(fabs(m - mean[7]) < 1e-10);
	assert_true(fabs(sqrt(s * s + exp(p.theta[1])) - sd[7]) < 1e-10);
	pgt_gp_free(all);
	pgt_gp_free(rest);
}

/* A step's deviation is of the joint posterior: what is known of one end after the other
 * was seen tells how the two vary together. */
static void
step_is_joint(void **state)
{
	double x[(N + 1) * D], y[N + 1], w[N + 1], q[2 * D], mean[2], sd[2], m, s, cov, after;
	struct pgt_gp *gp, *seen;
	struct data p;

	(void)state;
	make(&p);
	for (int additive = 0; additive < 2; additive++) {
		assert_int_equal(pgt_gp_new_fixed(N, D, p.x, p.y, NULL, 0.5 * additive,
						  p.theta, &gp, NULL), 0);
		for (size_t i = 0; i < 2 * D; i++)
			q[i] = 0.3 + 0.05 * (double)i;
		pgt_gp_predict(gp, 2, q, mean, sd);
		pgt_gp_predict_step(gp, q, &q[D], &m, &s);
		assert_true(fabs(m - (mean[1] - mean[0])) < 1e-10);
		memcpy(x, p.x, sizeof(p.x));
		memcpy(y, p.y, sizeof(p.y));
		memcpy(&x[N * D], q, D * sizeof(double));
		y[N] = mean[0];
		for (int i = 0; i <= N; i++)
			w[i] = i < N ? 1 : 1e-10;
		assert_int_equal(pgt_gp_new_fixed(N + 1, D, x, y, w, 0.5 * additive,
						  p.theta, &seen, NULL), 0);
		pgt_gp_predict(seen, 1, &q[D], &m, &after);
		/* var(b) - var(b | a) = cov^2 / var(a) */
		cov = (sd[0] * sd[0] + sd[1] * sd[1] - s * s) / 2;
		assert_true(fabs(cov) > 1e-3 * sd[0] * sd[1]);
		assert_true(fabs(cov * cov -
				 (sd[1] * sd[1] - after * after) * sd[0] * sd[0]) <
			    1e-6 * cov * cov);
		pgt_gp_predict_step(gp, q, q, &m, &s);
		assert_true(m == 0 && s < 1e-6);
		pgt_gp_free(gp);
		pgt_gp_free(seen);
	}
}

/* A fit recovers the noise and calls the inert dimensions inert. */
static void
fit_learns(void **state)
{
	enum { M = 60 };
	double x[M * 3], y[M], q[3] = {0.4, 0.5, 0.5}, mean, sd;
	struct pgt_gp_fit fit = {.seed = 1, .starts = 5};
	struct pgt_random r;
	struct pgt_gp *gp;

	(void)state;
	pgt_random_init(&r, 8);
	pgt_random_lhs(&r, M, 3, x);
	for (int i = 0; i < M; i++)
		y[i] = 100 + 10 * sin(6 * x[i * 3]) + 0.5 * pgt_random_normal(&r);
	pgt_gp_prior_default(&fit.prior, 3);
	assert_int_equal(pgt_gp_new_fit(M, 3, x, y, NULL, &fit, &gp, NULL), 0);
	assert_true(pgt_gp_noise_sd(gp) > 0.3 && pgt_gp_noise_sd(gp) < 0.8);
	assert_true(pgt_gp_theta(gp)[2] < pgt_gp_theta(gp)[3] - 1);
	assert_true(pgt_gp_theta(gp)[2] < pgt_gp_theta(gp)[4] - 1);
	pgt_gp_predict(gp, 1, q, &mean, &sd);
	assert_true(fabs(mean - (100 + 10 * sin(2.4))) < 4 * sd + 0.2);
	pgt_gp_free(gp);
}

static void
fit_refuses_and_cancels(void **state)
{
	double x[2] = {0, 1}, y[2] = {1, 2};
	atomic_bool stop = true;
	struct pgt_gp_fit fit = {.cancel = &stop};
	struct pgt_err err = {0};
	struct pgt_gp *gp = NULL;

	(void)state;
	pgt_gp_prior_default(&fit.prior, 1);
	assert_int_equal(pgt_gp_new_fit(1, 1, x, y, NULL, &fit, &gp, &err), -1);
	assert_int_equal(err.code, PGT_E_NUMERIC);
	assert_int_equal(pgt_gp_new_fit(2, 1, x, y, NULL, &fit, &gp, &err), -1);
	assert_int_equal(err.code, PGT_E_CANCELLED);
	assert_null(gp);
	/* Equal targets are no reason to fail. */
	y[1] = 1;
	fit.cancel = NULL;
	assert_int_equal(pgt_gp_new_fit(2, 1, x, y, NULL, &fit, &gp, &err), 0);
	pgt_gp_free(gp);
}

/* Reference values in 50-digit arithmetic. */
static void
log_ei_values(void **state)
{
	(void)state;
	assert_true(fabs(pgt_acquire_log_h(-100) - -5010.1296) < 1e-4);
	assert_true(fabs(pgt_acquire_log_h(0) - log(0.3989422804014327)) < 1e-14);
	assert_true(fabs(pgt_acquire_log_h(2) - log(2.0084907026168297)) < 1e-13);
	assert_true(fabs(pgt_acquire_log_h(-2) - log(0.0084907026168297)) < 1e-10);
	assert_true(isfinite(pgt_acquire_log_h(-1e4)));
	assert_true(isfinite(pgt_acquire_log_h(-1e8)));
	/* E max(0, b - f) with f ~ N(m, s). */
	assert_true(fabs(pgt_acquire_log_ei(3, 2, 3) - log(2 * 0.3989422804014327)) < 1e-14);
	assert_true(pgt_acquire_log_ei(1, 0, 3) == log(2));
}

/* No seam where the formulas change over, and the slope is the slope. */
static void
log_ei_is_smooth(void **state)
{
	static const double at[] = {-1, -12};

	(void)state;
	for (int i = 0; i < 2; i++) {
		double a = pgt_acquire_log_h(at[i] - 1e-9), b = pgt_acquire_log_h(at[i] + 1e-9);

		assert_true(fabs(b - a - 2e-9 * pgt_acquire_log_h_grad(at[i])) < 1e-9);
	}
	for (double z = -40; z < 5; z += 0.37) {
		double h = 1e-5;
		double slope = (pgt_acquire_log_h(z + h) - pgt_acquire_log_h(z - h)) / (2 * h);

		assert_true(fabs(slope - pgt_acquire_log_h_grad(z)) <
			    1e-5 * (1 + fabs(slope)));
	}
}

/* Of a smooth line some measurements are far above: the others say which, and what those
 * say of the line is hardly heard; what lies on it is heard as before. */
static void
delays_are_discounted(void **state)
{
	enum { M = 20 };
	static const struct pgt_gp_delays delays = {0.1, 0.3};
	double x[M], y[M], target[M], weight[M], line[M], mean;
	double theta[] = {0, 2 * log(0.03), log(0.5)};
	struct pgt_gp_measured told[M];
	struct pgt_random r;
	struct pgt_gp *gp;

	(void)state;
	pgt_random_init(&r, 8);
	for (size_t i = 0; i < M; i++) {
		x[i] = (double)i / M;
		line[i] = sin(3 * x[i]);
		y[i] = line[i] + 0.03 * pgt_random_normal(&r);
		y[i] += i == 4 ? 0.3 : i == 12 ? 0.6 : 0;
		told[i] = (struct pgt_gp_measured){i, y[i]};
	}
	assert_int_equal(pgt_gp_new_fixed(M, 1, x, y, NULL, 0, theta, &gp, NULL), 0);
	pgt_gp_predict(gp, 1, &x[12], &mean, NULL);
	assert_true(mean > line[12] + 0.1);
	assert_int_equal(pgt_gp_discount_delays(gp, x, &delays, M, told, target, weight,
						NULL), 0);
	pgt_gp_free(gp);
	for (size_t i = 0; i < M; i++) {
		assert_true(weight[i] > 0);
		assert_true(i == 4 || i == 12 ? weight[i] > 5 : weight[i] < 4);
	}
	assert_int_equal(pgt_gp_new_fixed(M, 1, x, target, weight, 0, theta, &gp, NULL), 0);
	for (size_t i = 0; i < M; i++) {
		pgt_gp_predict(gp, 1, &x[i], &mean, NULL);
		assert_true(fabs(mean - line[i]) < 0.07);
	}
	pgt_gp_free(gp);
}

/* Of two measurements of one point the slower is the doubtful one; where none is delayed
 * and the share is next to nothing, all stays what it was; a row without any keeps what
 * it had. */
static void
delays_of_replicates(void **state)
{
	static const struct pgt_gp_delays some = {0.2, 0.3}, none = {1e-9, 0.3};
	double x[] = {0, 0.3, 0.6, 1}, y[] = {0.2, 0.01, -0.02, 0.5};
	double theta[] = {0, 2 * log(0.03), log(1)}, target[4], weight[4];
	struct pgt_gp_measured told[] = {{0, 0}, {0, 0.4}, {1, 0.01}, {2, -0.02}};
	double had[] = {0.5, 1, 1, 1};
	struct pgt_gp *gp;

	(void)state;
	assert_int_equal(pgt_gp_new_fixed(4, 1, x, y, had, 0, theta, &gp, NULL), 0);
	assert_int_equal(pgt_gp_discount_delays(gp, x, &some, 4, told, target, weight, NULL),
			 0);
	assert_true(fabs(target[0]) < 0.03);
	assert_true(weight[0] > 0.5);
	assert_true(target[3] == 0.5 && weight[3] == 1);
	told[1].y = 0.02;
	assert_int_equal(pgt_gp_discount_delays(gp, x, &none, 4, told, target, weight, NULL),
			 0);
	assert_true(fabs(target[0] - 0.01) < 1e-4 && fabs(weight[0] - 0.5) < 1e-3);
	assert_true(fabs(target[1] - 0.01) < 1e-4 && fabs(weight[1] - 1) < 1e-3);
	pgt_gp_free(gp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(likelihood_gradient),
	    cmocka_unit_test(prediction_gradient),
	    cmocka_unit_test(leave_one_out),
	    cmocka_unit_test(step_is_joint),
	    cmocka_unit_test(delays_are_discounted),
	    cmocka_unit_test(delays_of_replicates),
	    cmocka_unit_test(fit_learns),
	    cmocka_unit_test(fit_refuses_and_cancels),
	    cmocka_unit_test(log_ei_values),
	    cmocka_unit_test(log_ei_is_smooth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
