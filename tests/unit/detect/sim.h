/* Reproducible noise for simulations: splitmix64 and Marsaglia's polar method. */
#ifndef TESTS_UNIT_DETECT_SIM_H
#define TESTS_UNIT_DETECT_SIM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct sim {
	uint64_t s;
	double spare;
	bool have;
};

static inline double
sim_uniform(struct sim *r)
{
	uint64_t z = r->s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static inline double
sim_normal(struct sim *r)
{
	double u, v, s;

	if (r->have) {
		r->have = false;
		return r->spare;
	}
	do {
		u = 2 * sim_uniform(r) - 1;
		v = 2 * sim_uniform(r) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	s = sqrt(-2 * log(s) / s);
	r->spare = v * s;
	r->have = true;
	return u * s;
}

#endif
