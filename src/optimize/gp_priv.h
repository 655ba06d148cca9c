#ifndef PG2UNE_OPTIMIZE_GP_PRIV_H
#define PG2UNE_OPTIMIZE_GP_PRIV_H

#include "pg2une/optimize/gp.h"

struct pgt_gp {
	size_t n, d;
	double *x;	/* n by d, row-major, divided by the length scales */
	double *xt;	/* the same, d by n */
	double *y;	/* standardised */
	double *weight; /* of the noise, n */
	double *theta;
	double *inv_len; /* d */
	double *l;	 /* Cholesky factor, n by n */
	double *alpha;	 /* K^-1 y */
	double additive;
	double log_posterior, lml, y_mean, y_sd, sf2, sn2;
};

/* What one evaluation of the likelihood works in; reused from one to the next. */
struct pgt_gp_work {
	double *z;     /* n by d: x over length scales */
	double *zt; /* d by n: the same, so that loops over points are over neighbours */
	double *sum;   /* 2n: of one row of the kernel */
	double *k;     /* n by n: covariance, then its factor, then its inverse */
	double *slope; /* n by n: derivative factor of the kernel by log length */
	double *alpha;
	double *inv_len;
};

void pgt_gp_work_init(struct pgt_gp_work *w, size_t n, size_t d);
void pgt_gp_work_done(struct pgt_gp_work *w);
int pgt_gp_evaluate(struct pgt_gp_work *w, size_t n, size_t d, const double *x,
		    const double *y, const double *weight, double additive,
		    const double *theta, double *ret_lml, double *grad,
		    struct pgt_err *err);

#endif
