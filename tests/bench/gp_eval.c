/* Evaluates the Gaussian process on problems from stdin, for comparison with another
 * implementation (tests/e2e/test_gp_sklearn.py).  All numbers in hexadecimal floats.
 *   eval n d m, theta, X (n d), y (n), Xnew (m d)   -> lml, gradient, mean, sd
 *   fit n d starts, len_min len_max noise_min, X, y -> greatest log likelihood */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/matrix.h"
#include "pg2une/optimize/gp.h"

static double *
read_numbers(size_t n)
{
	double *v = pgt_xcalloc(n, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		if (scanf("%la", &v[i]) != 1)
			exit(2);
	return v;
}

static void
print_numbers(const char *what, size_t n, const double *v)
{
	printf("%s", what);
	for (size_t i = 0; i < n; i++)
		printf(" %a", v[i]);
	printf("\n");
}

static int
eval(size_t n, size_t d, size_t m, struct pgt_err *err)
{
	double *theta = read_numbers(PGT_GP_THETA(d)), *x = read_numbers(n * d);
	double *y = read_numbers(n), *xnew = read_numbers(m * d), lml;
	double *grad = pgt_xcalloc(PGT_GP_THETA(d), sizeof(double));
	double *mean = pgt_xcalloc(2 * m, sizeof(double)), *sd = mean + m;
	struct pgt_gp *gp;

	if (pgt_gp_likelihood(n, d, x, y, NULL, 0, theta, &lml, grad, err) < 0 ||
	    pgt_gp_new_fixed(n, d, x, y, NULL, 0, theta, &gp, err) < 0)
		return -1;
	pgt_gp_predict(gp, m, xnew, mean, sd);
	print_numbers("lml", 1, &lml);
	print_numbers("grad", PGT_GP_THETA(d), grad);
	print_numbers("mean", m, mean);
	print_numbers("sd", m, sd);
	pgt_gp_free(gp);
	free(theta);
	free(x);
	free(y);
	free(xnew);
	free(grad);
	free(mean);
	return 0;
}

static int
fit(size_t n, size_t d, size_t starts, struct pgt_err *err)
{
	double *bounds = read_numbers(3), *x = read_numbers(n * d), *y = read_numbers(n);
	struct pgt_gp_fit f = {
	    .no_prior = true, .starts = (int)starts, .max_evals = 300, .seed = 1};
	struct pgt_gp *gp;
	double lml;

	pgt_gp_prior_default(&f.prior, d);
	f.prior.len_min = bounds[0];
	f.prior.len_max = bounds[1];
	f.prior.noise_min = bounds[2];
	if (pgt_gp_new_fit(n, d, x, y, NULL, &f, &gp, err) < 0)
		return -1;
	lml = pgt_gp_lml(gp);
	print_numbers("lml", 1, &lml);
	pgt_gp_free(gp);
	free(bounds);
	free(x);
	free(y);
	return 0;
}

int
main(void)
{
	struct pgt_err err = {0};
	char what[8];
	size_t n, d, m;
	while (scanf("%7s %zu %zu %zu", what, &n, &d, &m) == 4) {
		int rc = strcmp(what, "eval") == 0 ? eval(n, d, m, &err)
						   : fit(n, d, m, &err);

		if (rc < 0) {
			fprintf(stderr, "gp_eval: %s\n", err.msg);
			return 1;
		}
	}
	return 0;
}
