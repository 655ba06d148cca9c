#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"

#include "acquire_priv.h"

#define CANDIDATES 2000
#define TOP	   5
#define ROUNDS	   12 /* of stochastic refinement ... */
#define WIDTH	   24 /* ... of this many neighbours */

struct pool {
	const struct pgt_acquire *a;
	struct pgt_random random;
	size_t cap, len;
	struct pgt_acquired *cand;
	double *kernel, *mean, *sd;
};

static bool
seen_before(const struct pgt_acquire *a, const double *value)
{
	const struct pgt_space *s = a->space;

	for (size_t i = 0; i < a->n_seen; i++) {
		const double *row = &a->seen[i * s->n_dims];
		size_t c = 0;

		while (c < s->n_dims && fabs(row[c] - value[c]) <=
					    1e-9 * (s->dims[c].hi - s->dims[c].lo))
			c++;
		if (c == s->n_dims)
			return true;
	}
	return false;
}

/* Put one point into the pool, snapped, unless it is inadmissible or known. */
static void
pool_add(struct pool *p, const double *unit)
{
	const struct pgt_acquire *a = p->a;
	size_t d = a->space->n_dims;
	struct pgt_acquired *c = &p->cand[p->len];

	if (p->len == p->cap)
		return;
	memcpy(c->unit, unit, d * sizeof(*unit));
	for (size_t i = 0; i < d; i++) {
		double lo = a->box_lo ? a->box_lo[i] : 0,
		       hi = a->box_hi ? a->box_hi[i] : 1;

		c->unit[i] = fmin(fmax(c->unit[i], lo), hi);
	}
	pgt_space_decode(a->space, c->unit, c->value);
	if (a->repair && !a->allowed(a->allowed_arg, c->value))
		a->repair(a->allowed_arg, &p->random, c->value);
	pgt_space_encode(a->space, c->value, c->unit);
	if ((a->allowed && !a->allowed(a->allowed_arg, c->value)) ||
	    seen_before(a, c->value))
		return;
	pgt_space_kernel_of(a->space, c->value, &p->kernel[p->len * a->space->n_kernel]);
	p->len++;
}

/* Predict and score what the pool holds from index from on. */
static void
pool_score(struct pool *p, size_t from)
{
	const struct pgt_acquire *a = p->a;
	size_t width = a->space->n_kernel;

	if (from == p->len)
		return;
	pgt_gp_predict(a->gp, p->len - from, &p->kernel[from * width], &p->mean[from],
		       &p->sd[from]);
	for (size_t i = from; i < p->len; i++) {
		struct pgt_acquired *c = &p->cand[i];

		c->mean = p->mean[i];
		c->sd = p->sd[i];
		if (a->prior_mean)
			c->mean += a->prior_mean(a->prior_arg, &p->kernel[i * width]);
		c->log_ei = pgt_acquire_log_ei(c->mean, c->sd, a->best);
		c->safe = !a->constrained ||
			  a->threshold - c->mean >= a->confidence * c->sd;
	}
}

/* Safe before unsafe; then more improvement; unsafe ones by how nearly safe. */
static int
better(const struct pgt_acquire *a, const struct pgt_acquired *x,
       const struct pgt_acquired *y)
{
	double mx, my;

	if (x->safe != y->safe)
		return x->safe;
	if (x->safe)
		return x->log_ei > y->log_ei;
	mx = a->threshold - x->mean - a->confidence * x->sd;
	my = a->threshold - y->mean - a->confidence * y->sd;
	return mx > my;
}

static double
uniform_in(struct pool *p, size_t i)
{
	const struct pgt_acquire *a = p->a;
	double lo = a->box_lo ? a->box_lo[i] : 0, hi = a->box_hi ? a->box_hi[i] : 1;

	return lo + (hi - lo) * pgt_random_uniform(&p->random);
}

/* Move one coordinate: a step of about scale, or anywhere for what has no order. */
static double
moved(struct pool *p, size_t i, double from, double scale)
{
	const struct pgt_dim *d = &p->a->space->dims[i];

	if (d->kind == PGT_DIM_BOOL)
		return from >= 0.5 ? 0 : 1;
	if (d->kind == PGT_DIM_ENUM)
		return pgt_random_uniform(&p->random);
	if (d->n_special && pgt_random_uniform(&p->random) < 0.2)
		return uniform_in(p, i);
	return from + scale * pgt_random_normal(&p->random);
}

static void
perturb(struct pool *p, const double *from, double scale, double coordinates, double *to)
{
	size_t d = p->a->space->n_dims, must = (size_t)pgt_random_below(&p->random, d);
	double share = coordinates / (double)d;

	memcpy(to, from, d * sizeof(*to));
	for (size_t i = 0; i < d; i++)
		if (i == must || pgt_random_uniform(&p->random) < share)
			to[i] = moved(p, i, from[i], scale);
}

static void
fill_global(struct pool *p, int n)
{
	const struct pgt_acquire *a = p->a;
	size_t d = a->space->n_dims;
	double u[PGT_SPACE_DIMS];
	struct pgt_sobol sobol;

	pgt_sobol_init(&sobol, d, &p->random);
	for (int k = 0; k < n; k++) {
		pgt_sobol_next(&sobol, u);
		for (size_t i = 0; i < d; i++) {
			double lo = a->box_lo ? a->box_lo[i] : 0;
			double hi = a->box_hi ? a->box_hi[i] : 1;

			u[i] = lo + (hi - lo) * u[i];
		}
		pool_add(p, u);
	}
}

static void
fill_local(struct pool *p, int n)
{
	static const double scales[] = {0.3, 0.1, 0.03, 0.01};
	double u[PGT_SPACE_DIMS];

	for (int k = 0; k < n; k++) {
		perturb(p, p->a->incumbent, scales[k % 4], k % 8 < 4 ? 3 : 1.5, u);
		pool_add(p, u);
	}
}

static size_t
best_of(const struct pool *p, size_t from)
{
	size_t best = from;

	for (size_t i = from + 1; i < p->len; i++)
		if (better(p->a, &p->cand[i], &p->cand[best]))
			best = i;
	return best;
}

/* Move the k best to the front of the pool. */
static void
select_top(struct pool *p, size_t k)
{
	for (size_t i = 0; i < k && i < p->len; i++) {
		size_t b = best_of(p, i);
		struct pgt_acquired tmp = p->cand[i];

		p->cand[i] = p->cand[b];
		p->cand[b] = tmp;
	}
}

/* Offer variations of cand until none helps at the finest scale. */
static void
refine(struct pool *p, struct pgt_acquired *cand)
{
	double scale = 0.1, u[PGT_SPACE_DIMS];

	p->len = 0;
	pgt_acquire_polish(p->a, cand);
	pool_add(p, cand->unit);
	pool_score(p, 0);
	for (int round = 0; round < ROUNDS; round++) {
		size_t from = p->len, b;
		const struct pgt_acquired *centre =
		    p->len ? &p->cand[best_of(p, 0)] : cand;
		struct pgt_acquired keep = *centre;

		for (int k = 0; k < WIDTH; k++) {
			perturb(p, keep.unit, scale, k % 2 ? 1 : 2, u);
			pool_add(p, u);
		}
		pool_score(p, from);
		if (p->len == 0)
			continue;
		b = best_of(p, 0);
		if (b < from)
			scale *= 0.5;
	}
}

int
pgt_acquire_next(const struct pgt_acquire *a, struct pgt_acquired *ret,
		 struct pgt_err *err)
{
	int n = a->candidates > 0 ? a->candidates : CANDIDATES;
	size_t cap = (size_t)n > 1 + ROUNDS * WIDTH ? (size_t)n : 1 + ROUNDS * WIDTH;
	struct pool p = {.a = a, .cap = cap};
	struct pgt_acquired top[TOP], best;
	size_t n_top;
	int rc = -1;

	pgt_random_init(&p.random, a->seed);
	p.cand = pgt_xcalloc(cap, sizeof(*p.cand));
	p.kernel = pgt_xcalloc(cap * a->space->n_kernel, sizeof(double));
	p.mean = pgt_xcalloc(2 * cap, sizeof(double));
	p.sd = p.mean + cap;
	fill_global(&p, a->incumbent ? n / 2 : n);
	if (a->incumbent)
		fill_local(&p, n - n / 2);
	pool_score(&p, 0);
	if (p.len == 0) {
		pgt_err_set(err, PGT_E_NOTFOUND,
			    "no admissible configuration is left untried");
		goto done;
	}
	select_top(&p, TOP);
	n_top = p.len < TOP ? p.len : TOP;
	memcpy(top, p.cand, n_top * sizeof(*top));
	best = top[0];
	for (size_t i = 0; i < n_top; i++) {
		size_t b;

		if (a->cancel && atomic_load(a->cancel)) {
			pgt_err_set(err, PGT_E_CANCELLED, "cancelled");
			goto done;
		}
		refine(&p, &top[i]);
		if (p.len && better(a, &p.cand[b = best_of(&p, 0)], &best))
			best = p.cand[b];
	}
	*ret = best;
	rc = 0;
done:
	free(p.cand);
	free(p.kernel);
	free(p.mean);
	return rc;
}
