#include <math.h>
#include <string.h>

#include "pg2une/num/random.h"

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void
pgt_random_init(struct pgt_random *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

void
pgt_random_init_stream(struct pgt_random *r, uint64_t seed, uint64_t stream)
{
	uint64_t mixed = stream + UINT64_C(0x632be59bd9b4e019);

	pgt_random_init(r, seed ^ splitmix64(&mixed));
}

uint64_t
pgt_random_u64(struct pgt_random *r)
{
	uint64_t *s = r->s;
	uint64_t ret = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return ret;
}

double
pgt_random_uniform(struct pgt_random *r)
{
	return (double)(pgt_random_u64(r) >> 11) * 0x1.0p-53;
}

uint64_t
pgt_random_below(struct pgt_random *r, uint64_t n)
{
	__extension__ typedef unsigned __int128 u128;
	u128 m = (u128)pgt_random_u64(r) * n;

	if ((uint64_t)m < n) {
		uint64_t least = -n % n;

		while ((uint64_t)m < least)
			m = (u128)pgt_random_u64(r) * n;
	}
	return (uint64_t)(m >> 64);
}

double
pgt_random_normal(struct pgt_random *r)
{
	double u, v, q;

	do {
		u = 2 * pgt_random_uniform(r) - 1;
		v = 2 * pgt_random_uniform(r) - 1;
		q = u * u + v * v;
	} while (q >= 1 || q == 0);
	return u * sqrt(-2 * log(q) / q);
}

double
pgt_random_exponential(struct pgt_random *r)
{
	return -log1p(-pgt_random_uniform(r));
}

void
pgt_random_permutation(struct pgt_random *r, size_t n, size_t *perm)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = (size_t)pgt_random_below(r, i + 1);

		perm[i] = perm[j];
		perm[j] = i;
	}
}

void
pgt_random_lhs(struct pgt_random *r, size_t n, size_t d, double *points)
{
	for (size_t k = 0; k < d; k++) {
		/* Fisher-Yates inside the column saves a permutation array. */
		for (size_t i = 0; i < n; i++) {
			size_t j = (size_t)pgt_random_below(r, i + 1);

			points[i * d + k] = points[j * d + k];
			points[j * d + k] = (double)i;
		}
		for (size_t i = 0; i < n; i++) {
			double *p = &points[i * d + k];

			*p = (*p + pgt_random_uniform(r)) / (double)n;
		}
	}
}
