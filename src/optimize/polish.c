#include <math.h>
#include <string.h>

#include "pg2une/base/mem.h"

#include "acquire_priv.h"
#include "nlopt_priv.h"

#define MAX_EVALS 60

struct polish {
	const struct pgt_acquire *a;
	double kernel[PGT_SPACE_KERNEL];
	size_t n_free;
	size_t dim[PGT_SPACE_DIMS], at[PGT_SPACE_DIMS]; /* of the free coordinates */
};

/* logEI by the kernel coordinates: (dh(z) dz + d log sd), z = (best - mean)/sd. */
static double
log_ei(unsigned n, const double *x, double *grad, void *arg)
{
	struct polish *p = arg;
	double mean, sd, gm[PGT_SPACE_KERNEL], gs[PGT_SPACE_KERNEL], z, dh;

	for (unsigned i = 0; i < n; i++)
		p->kernel[p->at[i]] = x[i];
	pgt_gp_predict_grad(p->a->gp, p->kernel, &mean, &sd, gm, gs);
	z = (p->a->best - mean) / sd;
	dh = pgt_acquire_log_h_grad(z);
	for (unsigned i = 0; grad && i < n; i++) {
		size_t c = p->at[i];

		grad[i] = dh * (-gm[c] - z * gs[c]) / sd + gs[c] / sd;
	}
	return log(sd) + pgt_acquire_log_h(z);
}

/* Continuous coordinates move; booleans, enumerations and specials stay. */
static void
choose_free(struct polish *p, const struct pgt_acquired *cand, double *lo, double *hi,
	    double *x)
{
	const struct pgt_acquire *a = p->a;

	for (size_t i = 0; i < a->space->n_dims; i++) {
		const struct pgt_dim *d = &a->space->dims[i];
		double share = d->n_special ? PGT_SPACE_SPECIAL_SHARE : 0;
		size_t k = p->n_free;

		if ((d->kind != PGT_DIM_REAL && d->kind != PGT_DIM_INTEGER) ||
		    cand->unit[i] < share)
			continue;
		lo[k] = fmax(share, a->box_lo ? a->box_lo[i] : 0);
		hi[k] = a->box_hi ? a->box_hi[i] : 1;
		if (!(lo[k] < hi[k]))
			continue;
		x[k] = fmin(fmax(cand->unit[i], lo[k]), hi[k]);
		p->dim[k] = i;
		p->at[k] = a->space->kernel_at[i];
		p->n_free++;
	}
}

void
pgt_acquire_polish(const struct pgt_acquire *a, struct pgt_acquired *cand)
{
	struct polish p = {.a = a};
	double lo[PGT_SPACE_DIMS], hi[PGT_SPACE_DIMS], x[PGT_SPACE_DIMS], value;
	nlopt_opt opt;

	/* The transferred mean and the constraint have no gradient here. */
	if (a->prior_mean || a->constrained)
		return;
	/* a model was fitted with it before; without it the candidate stays as it is */
	if (pgt_nlopt_open(NULL) < 0)
		return;
	choose_free(&p, cand, lo, hi, x);
	if (p.n_free == 0)
		return;
	pgt_space_kernel_of(a->space, cand->value, p.kernel);
	opt = pgt_nlopt.create(NLOPT_LD_LBFGS, (unsigned)p.n_free);
	if (!opt)
		pgt_mem_abort();
	pgt_nlopt.set_max_objective(opt, log_ei, &p);
	pgt_nlopt.set_lower_bounds(opt, lo);
	pgt_nlopt.set_upper_bounds(opt, hi);
	pgt_nlopt.set_maxeval(opt, MAX_EVALS);
	pgt_nlopt.set_ftol_abs(opt, 1e-6);
	pgt_nlopt.optimize(opt, x, &value);
	pgt_nlopt.destroy(opt);
	for (size_t k = 0; k < p.n_free; k++)
		if (isfinite(x[k]))
			cand->unit[p.dim[k]] = x[k];
}
