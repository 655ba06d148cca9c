#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/num/matrix.h"
#include "pg2une/num/random.h"

enum { N = 12 };

static void
spd(struct pgt_random *r, double *a)
{
	double g[N * N];

	for (int i = 0; i < N * N; i++)
		g[i] = pgt_random_normal(r);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i * N + j] = i == j ? 0.5 : 0;
			for (int k = 0; k < N; k++)
				a[i * N + j] += g[i * N + k] * g[j * N + k];
		}
}

static void
factor_solve_inverse(void **state)
{
	double a[N * N], l[N * N], b[N * 2], x[N * 2], inv[N * N], half[N], q = 0, h = 0;
	struct pgt_random r;

	(void)state;
	pgt_random_init(&r, 1);
	spd(&r, a);
	memcpy(l, a, sizeof(a));
	assert_int_equal(pgt_matrix_cholesky(N, l, NULL), 0);
	for (int i = 0; i < N; i++)
		for (int j = 0; j <= i; j++) {
			double s = 0;

			for (int k = 0; k <= j; k++)
				s += l[k * N + i] * l[k * N + j];
			assert_true(fabs(s - a[j * N + i]) < 1e-11);
		}

	for (int i = 0; i < 2 * N; i++)
		x[i] = b[i] = pgt_random_normal(&r);
	pgt_matrix_chol_solve(N, l, 2, x);
	for (int c = 0; c < 2; c++)
		for (int i = 0; i < N; i++) {
			double s = 0;

			for (int k = 0; k < N; k++)
				s += a[k * N + i] * x[c * N + k];
			assert_true(fabs(s - b[c * N + i]) < 1e-10);
		}

	/* b' A^-1 b by both ways. */
	memcpy(half, b, sizeof(half));
	pgt_matrix_lower_solve(N, l, 1, half);
	q = pgt_matrix_dot(N, b, x);
	h = pgt_matrix_dot(N, half, half);
	assert_true(fabs(q - h) < 1e-10 * fabs(q));

	memcpy(inv, l, sizeof(l));
	assert_int_equal(pgt_matrix_chol_inverse(N, inv, NULL), 0);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			double s = 0;

			for (int k = 0; k < N; k++)
				s += a[k * N + i] * inv[j * N + k];
			assert_true(fabs(s - (i == j)) < 1e-10);
		}
}

static void
logdet_of_a_known_matrix(void **state)
{
	/* det [[4,2],[2,3]] = 8 */
	double a[4] = {4, 2, 2, 3};

	(void)state;
	assert_int_equal(pgt_matrix_cholesky(2, a, NULL), 0);
	assert_true(fabs(pgt_matrix_chol_logdet(2, a) - log(8)) < 1e-14);
}

static void
refuses_what_is_not_positive(void **state)
{
	double a[4] = {1, 2, 2, 1}, nan_a[4] = {NAN, 0, 0, 1};
	struct pgt_err err = {0};

	(void)state;
	assert_int_equal(pgt_matrix_cholesky(2, a, &err), -1);
	assert_int_equal(err.code, PGT_E_NUMERIC);
	assert_int_equal(pgt_matrix_cholesky(2, nan_a, &err), -1);
}

static void
least_squares(void **state)
{
	/* y = 3 - 2 t exactly at t = 0..4, then a rank-deficient twin. */
	double a[10], b[5], c[10] = {1, 1, 1, 1, 1, 2, 2, 2, 2, 2};
	struct pgt_err err = {0};

	(void)state;
	for (int i = 0; i < 5; i++) {
		a[i] = 1;
		a[5 + i] = i;
		b[i] = 3 - 2 * i;
	}
	assert_int_equal(pgt_matrix_least_squares(5, 2, a, b, NULL), 0);
	assert_true(fabs(b[0] - 3) < 1e-12 && fabs(b[1] + 2) < 1e-12);
	assert_int_equal(pgt_matrix_least_squares(5, 2, c, b, &err), -1);
	assert_int_equal(err.code, PGT_E_NUMERIC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(factor_solve_inverse),
	    cmocka_unit_test(logdet_of_a_known_matrix),
	    cmocka_unit_test(refuses_what_is_not_positive),
	    cmocka_unit_test(least_squares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
