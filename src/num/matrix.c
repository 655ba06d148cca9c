#include <lapacke.h>
#include <math.h>

#include "pg2une/num/matrix.h"

/* OpenBLAS only; other BLAS libraries have no threads to stop. */
extern void openblas_set_num_threads(int n) __attribute__((weak));

void
pgt_matrix_single_thread(void)
{
	if (openblas_set_num_threads)
		openblas_set_num_threads(1);
}

int
pgt_matrix_cholesky(size_t n, double *a, struct pgt_err *err)
{
	lapack_int info =
	    LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, a, (lapack_int)n);

	if (info != 0)
		return pgt_err_set(err, PGT_E_NUMERIC,
				   "matrix of order %zu is not positive definite (%d)", n,
				   (int)info);
	/* LAPACK lets a NaN pass. */
	for (size_t i = 0; i < n; i++)
		if (!isfinite(a[i * n + i]))
			return pgt_err_set(err, PGT_E_NUMERIC,
					   "matrix of order %zu has no finite factor", n);
	return 0;
}

void
pgt_matrix_chol_solve(size_t n, const double *l, size_t nrhs, double *b)
{
	LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, (lapack_int)nrhs, l,
			    (lapack_int)n, b, (lapack_int)n);
}

void
pgt_matrix_lower_solve(size_t n, const double *l, size_t nrhs, double *b)
{
	LAPACKE_dtrtrs_work(LAPACK_COL_MAJOR, 'L', 'N', 'N', (lapack_int)n,
			    (lapack_int)nrhs, l, (lapack_int)n, b, (lapack_int)n);
}

double
pgt_matrix_chol_logdet(size_t n, const double *l)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += log(l[i * n + i]);
	return 2 * sum;
}

int
pgt_matrix_chol_inverse(size_t n, double *l, struct pgt_err *err)
{
	lapack_int info =
	    LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, l, (lapack_int)n);

	if (info != 0)
		return pgt_err_set(err, PGT_E_NUMERIC,
				   "factor of order %zu is singular (%d)", n, (int)info);
	for (size_t j = 0; j < n; j++)
		for (size_t i = j + 1; i < n; i++)
			l[i * n + j] = l[j * n + i];
	return 0;
}

int
pgt_matrix_least_squares(size_t m, size_t n, double *a, double *b, struct pgt_err *err)
{
	lapack_int info = LAPACKE_dgels(LAPACK_COL_MAJOR, 'N', (lapack_int)m,
					(lapack_int)n, 1, a, (lapack_int)m, b,
					(lapack_int)m);
	double largest = 0;

	if (info != 0)
		return pgt_err_set(err, PGT_E_NUMERIC, "least squares: no solution (%d)",
				   (int)info);
	/* dgels only notices an exact zero; the diagonal of R tells the rest. */
	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs(a[i * m + i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs(a[i * m + i]) > largest * 1e-12))
			return pgt_err_set(err, PGT_E_NUMERIC,
					   "least squares: rank below %zu", n);
	return 0;
}

double
pgt_matrix_dot(size_t n, const double *x, const double *y)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	return sum;
}
