#include <string.h>

#include "pg2une/num/random.h"

/* Joe and Kuo, new-joe-kuo-6.21201, rows 2..32: degree of the primitive polynomial,
 * its inner coefficients, the initial direction numbers. */
static const struct {
	uint8_t degree, coeff;
	uint8_t m[7];
} joe_kuo[PGT_SOBOL_DIMS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
};

static void
plain_directions(size_t dim, uint32_t *v)
{
	unsigned s;

	if (dim == 0) {
		for (unsigned i = 0; i < PGT_SOBOL_BITS; i++)
			v[i] = UINT32_C(1) << (31 - i);
		return;
	}
	s = joe_kuo[dim - 1].degree;
	for (unsigned i = 0; i < s; i++)
		v[i] = (uint32_t)joe_kuo[dim - 1].m[i] << (31 - i);
	for (unsigned i = s; i < PGT_SOBOL_BITS; i++) {
		v[i] = v[i - s] ^ (v[i - s] >> s);
		for (unsigned k = 1; k < s; k++)
			if (joe_kuo[dim - 1].coeff >> (s - 1 - k) & 1)
				v[i] ^= v[i - k];
	}
}

/* Multiply each direction by one random lower-triangular bit matrix with a unit
 * diagonal: keeps the net, loses the sequence's known flaws. */
static void
scramble(uint32_t *v, struct pgt_random *r)
{
	uint32_t row[PGT_SOBOL_BITS];

	for (unsigned b = 0; b < PGT_SOBOL_BITS; b++) {
		uint32_t above = b ? ~UINT32_C(0) << (32 - b) : 0;

		row[b] = ((uint32_t)(pgt_random_u64(r) >> 32) & above) |
			 UINT32_C(1) << (31 - b);
	}
	for (unsigned i = 0; i < PGT_SOBOL_BITS; i++) {
		uint32_t out = 0;

		for (unsigned b = 0; b < PGT_SOBOL_BITS; b++)
			out |= (uint32_t)__builtin_parity(v[i] & row[b]) << (31 - b);
		v[i] = out;
	}
}

void
pgt_sobol_init(struct pgt_sobol *s, size_t d, struct pgt_random *r)
{
	memset(s, 0, sizeof(*s));
	s->d = d;
	for (size_t k = 0; k < d && k < PGT_SOBOL_DIMS; k++) {
		plain_directions(k, s->v[k]);
		if (r) {
			scramble(s->v[k], r);
			s->x[k] = (uint32_t)(pgt_random_u64(r) >> 32);
		}
	}
	pgt_random_init(&s->rest, r ? pgt_random_u64(r) : 0);
}

void
pgt_sobol_next(struct pgt_sobol *s, double *point)
{
	/* Gray code order (Antonov and Saleev 1979): one exclusive-or a dimension. */
	unsigned bit = s->count == UINT32_MAX ? 0 : (unsigned)__builtin_ctz(~s->count);

	for (size_t k = 0; k < s->d; k++) {
		if (k >= PGT_SOBOL_DIMS) {
			point[k] = pgt_random_uniform(&s->rest);
			continue;
		}
		point[k] = s->x[k] * 0x1.0p-32;
		s->x[k] ^= s->v[k][bit];
	}
	s->count++;
}
