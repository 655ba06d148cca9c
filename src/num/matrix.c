#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "pg2une/base/dynlib.h"
#include "pg2une/base/mem.h"
#include "pg2une/num/matrix.h"

/* Only the search for settings has matrices: see base/dynlib.h. */
#define LAPACKE(F)                                                                       \
	F(LAPACKE_, dpotrf_work)                                                         \
	F(LAPACKE_, dpotrs_work) F(LAPACKE_, dtrtrs_work) F(LAPACKE_, dpotri_work)

static struct {
	LAPACKE(PGT_DYNLIB_MEMBER)
} lapacke;
static const char *const lapacke_names[] = {LAPACKE(PGT_DYNLIB_NAME)};
static struct pgt_dynlib lapacke_lib =
    PGT_DYNLIB("liblapacke.so.3", "liblapacke", lapacke_names, lapacke);

static pthread_once_t single_thread_once = PTHREAD_ONCE_INIT;

/* OpenBLAS only; other BLAS libraries have no threads to stop. */
static void
single_thread(void)
{
	void *fn = pgt_dynlib_optional(&lapacke_lib, "openblas_set_num_threads");
	void (*set_num_threads)(int n);

	memcpy(&set_num_threads, &fn, sizeof(fn));
	if (set_num_threads)
		set_num_threads(1);
}

static int
need_lapacke(struct pgt_err *err)
{
	if (pgt_dynlib_open(&lapacke_lib, err) < 0)
		return -1;
	pthread_once(&single_thread_once, single_thread);
	return 0;
}

int
pgt_matrix_cholesky(size_t n, double *a, struct pgt_err *err)
{
	lapack_int info;

	if (need_lapacke(err) < 0)
		return -1;
	info = lapacke.dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, a,
				   (lapack_int)n);
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
	lapacke.dpotrs_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, (lapack_int)nrhs, l,
			    (lapack_int)n, b, (lapack_int)n);
}

void
pgt_matrix_lower_solve(size_t n, const double *l, size_t nrhs, double *b)
{
	lapacke.dtrtrs_work(LAPACK_COL_MAJOR, 'L', 'N', 'N', (lapack_int)n,
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
	    lapacke.dpotri_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, l, (lapack_int)n);

	if (info != 0)
		return pgt_err_set(err, PGT_E_NUMERIC,
				   "factor of order %zu is singular (%d)", n, (int)info);
	for (size_t j = 0; j < n; j++)
		for (size_t i = j + 1; i < n; i++)
			l[i * n + j] = l[j * n + i];
	return 0;
}

/* Turn the column below and at its diagonal into a multiple of the first unit
 * vector, and all columns to its right, and b, along with it.  The sign keeps the
 * sum in v[0] from cancelling.  False when nothing is left of the column. */
static bool
reflect(size_t m, size_t n, size_t k, double *a, double *b)
{
	double *v = a + k * m + k, norm = 0, top = v[0], vv;

	for (size_t i = 0; i < m - k; i++)
		norm = hypot(norm, v[i]);
	if (!(norm > 0))
		return false;
	v[0] += top < 0 ? -norm : norm;
	vv = norm * (norm + fabs(top)); /* half of v'v */
	for (size_t j = k + 1; j <= n; j++) {
		double *x = j < n ? a + j * m + k : b + k;
		double f = pgt_matrix_dot(m - k, v, x) / vv;

		for (size_t i = 0; i < m - k; i++)
			x[i] -= f * v[i];
	}
	v[0] = top < 0 ? norm : -norm; /* now the diagonal of R */
	return true;
}

/* Householder's QR (Golub and Van Loan, Matrix Computations, algorithm 5.3.2): the
 * fits of a few columns that a console makes shall not load LAPACK. */
int
pgt_matrix_least_squares(size_t m, size_t n, double *a, double *b, struct pgt_err *err)
{
	double largest = 0;

	for (size_t k = 0; k < n; k++)
		if (!reflect(m, n, k, a, b))
			return pgt_err_set(err, PGT_E_NUMERIC,
					   "least squares: rank below %zu", n);
	for (size_t k = 0; k < n; k++)
		largest = fmax(largest, fabs(a[k * m + k]));
	for (size_t k = 0; k < n; k++)
		if (!(fabs(a[k * m + k]) > largest * 1e-12))
			return pgt_err_set(err, PGT_E_NUMERIC,
					   "least squares: rank below %zu", n);
	for (size_t k = n; k-- > 0;) {
		for (size_t j = k + 1; j < n; j++)
			b[k] -= a[j * m + k] * b[j];
		b[k] /= a[k * m + k];
	}
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
