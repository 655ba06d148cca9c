/* Dense symmetric positive definite linear algebra on LAPACK.  Matrices are
 * column-major, n by n, leading dimension n; of a factor only the lower triangle
 * counts.  Any thread.  LAPACK is opened by the first factorisation, which tells
 * PGT_E_UNSUPPORTED when it is not there; what works on a factor may come only after
 * one.  It runs single-threaded here (the matrices are small, and the order of sums
 * must not vary between runs). */
#ifndef PG2UNE_NUM_MATRIX_H
#define PG2UNE_NUM_MATRIX_H

#include <stddef.h>

#include "pg2une/base/err.h"

/* a (lower triangle) becomes its Cholesky factor.  PGT_E_NUMERIC when a is not
 * positive definite; a is then garbage. */
PGT_MUST_CHECK int pgt_matrix_cholesky(size_t n, double *a, struct pgt_err *err);

/* b (n by nrhs) becomes the solution of L L' x = b. */
void pgt_matrix_chol_solve(size_t n, const double *l, size_t nrhs, double *b);

/* b (n by nrhs) becomes the solution of L x = b. */
void pgt_matrix_lower_solve(size_t n, const double *l, size_t nrhs, double *b);

/* log det(L L'). */
double pgt_matrix_chol_logdet(size_t n, const double *l);

/* l becomes the whole symmetric inverse of L L'. */
PGT_MUST_CHECK int pgt_matrix_chol_inverse(size_t n, double *l, struct pgt_err *err);

/* Least squares: minimise |A x - b|, A m by n column-major with m >= n and full
 * rank.  a and b are destroyed; x is the first n of b.  PGT_E_NUMERIC when A is
 * rank-deficient. */
PGT_MUST_CHECK int pgt_matrix_least_squares(size_t m, size_t n, double *a, double *b,
					    struct pgt_err *err);

double pgt_matrix_dot(size_t n, const double *x, const double *y);

#endif
