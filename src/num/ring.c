#include "pg2une/num/ring.h"

#include <stdlib.h>

#include "pg2une/base/mem.h"

void
pgt_ring_init(struct pgt_ring *r, size_t cap)
{
	r->cap = cap ? cap : 1;
	r->p = pgt_xcalloc(r->cap, sizeof(*r->p));
	r->len = r->head = 0;
}

void
pgt_ring_done(struct pgt_ring *r)
{
	free(r->p);
	*r = (struct pgt_ring){0};
}

void
pgt_ring_clear(struct pgt_ring *r)
{
	r->len = r->head = 0;
}

void
pgt_ring_put(struct pgt_ring *r, int64_t t_ns, double v)
{
	struct pgt_point *p;

	if (r->len < r->cap) {
		p = &r->p[(r->head + r->len++) % r->cap];
	} else {
		p = &r->p[r->head];
		r->head = (r->head + 1) % r->cap;
	}
	*p = (struct pgt_point){t_ns, v};
}

struct pgt_point
pgt_ring_at(const struct pgt_ring *r, size_t i)
{
	return r->p[(r->head + i) % r->cap];
}

size_t
pgt_ring_since(const struct pgt_ring *r, int64_t t_ns)
{
	size_t lo = 0, hi = r->len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pgt_ring_at(r, mid).t_ns < t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t
pgt_ring_values(const struct pgt_ring *r, size_t from, double *v, size_t max)
{
	size_t n = 0;

	for (size_t i = from; i < r->len && n < max; i++)
		v[n++] = pgt_ring_at(r, i).v;
	return n;
}
