/* When a window has seen enough.  Pure. */
#ifndef PG2UNE_ENGINE_MEASURE_PRIV_H
#define PG2UNE_ENGINE_MEASURE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pgt_measure_least { /* pgt_measure_extend() */
	double calls;
	size_t buckets;
	int64_t most_ns;
};

/* A window of window_ns that lasted so_far_ns and holds so many calls and closed
 * buckets need not go on. */
bool pgt_measure_enough(const struct pgt_measure_least *least, double calls,
			size_t buckets, int64_t window_ns, int64_t so_far_ns);

#endif
