/* A ring of (time, value) points that forgets the oldest.  Owned by whoever
 * embeds it; one thread at a time. */
#ifndef PG2UNE_NUM_RING_H
#define PG2UNE_NUM_RING_H

#include <stddef.h>
#include <stdint.h>

struct pgt_point {
	int64_t t_ns;
	double v; /* NaN marks a gap */
};

struct pgt_ring {
	struct pgt_point *p;
	size_t cap, len, head; /* head: index of the oldest */
};

/* Room for cap >= 1 points. */
void pgt_ring_init(struct pgt_ring *r, size_t cap);
void pgt_ring_done(struct pgt_ring *r);
void pgt_ring_clear(struct pgt_ring *r);
void pgt_ring_put(struct pgt_ring *r, int64_t t_ns, double v);
/* Point i, 0 is the oldest, len - 1 the newest; i must be below len. */
struct pgt_point pgt_ring_at(const struct pgt_ring *r, size_t i);
/* Index of the first point with time >= t_ns (len when there is none); times must
 * have been put in ascending order. */
size_t pgt_ring_since(const struct pgt_ring *r, int64_t t_ns);
/* Copy the values of points from..len-1 into v, at most max; returns the number. */
size_t pgt_ring_values(const struct pgt_ring *r, size_t from, double *v, size_t max);

#endif
