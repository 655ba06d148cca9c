/* Reproducible pseudo-random numbers and space-filling designs.  A generator
 * belongs to its caller, holds no global state and gives the same stream for the
 * same seed on every machine.  Not for secrets.
 *
 * Generator: xoshiro256** 1.0, seeded through splitmix64 (Blackman and Vigna,
 * "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021;
 * public domain reference code at prng.di.unimi.it). */
#ifndef PG2UNE_NUM_RANDOM_H
#define PG2UNE_NUM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct pgt_random {
	uint64_t s[4];
};

void pgt_random_init(struct pgt_random *r, uint64_t seed);
/* An independent stream of the same seed: equal (seed, stream), equal numbers. */
void pgt_random_init_stream(struct pgt_random *r, uint64_t seed, uint64_t stream);

uint64_t pgt_random_u64(struct pgt_random *r);
/* Uniform on [0,1), 53 bits. */
double pgt_random_uniform(struct pgt_random *r);
/* Uniform on 0..n-1 without modulo bias (Lemire 2019); n > 0. */
uint64_t pgt_random_below(struct pgt_random *r, uint64_t n);
/* Standard normal, by the polar method (Marsaglia and Bray 1964). */
double pgt_random_normal(struct pgt_random *r);
/* Exponential of mean 1. */
double pgt_random_exponential(struct pgt_random *r);
/* perm[0..n-1] becomes a uniformly chosen permutation of 0..n-1 (Fisher-Yates). */
void pgt_random_permutation(struct pgt_random *r, size_t n, size_t *perm);
/* n points of d dimensions on [0,1)^d, row-major: each of the n strata of each
 * dimension holds exactly one point (McKay, Beckman, Conover 1979). */
void pgt_random_lhs(struct pgt_random *r, size_t n, size_t d, double *points);

/* Scrambled Sobol sequence.  Direction numbers: Joe and Kuo, "Constructing Sobol
 * sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30
 * (2008), set new-joe-kuo-6.21201.  Scrambling: random linear matrix scramble and
 * digital shift (Matousek 1998), drawn from r.  Dimensions past
 * PGT_SOBOL_DIMS are filled with plain uniform numbers of the same seed. */
#define PGT_SOBOL_DIMS 32
#define PGT_SOBOL_BITS 32

struct pgt_sobol {
	size_t d;
	uint32_t count;
	uint32_t v[PGT_SOBOL_DIMS][PGT_SOBOL_BITS]; /* scrambled directions */
	uint32_t x[PGT_SOBOL_DIMS];
	struct pgt_random rest;
};

/* r may be NULL: the plain sequence, beginning with the origin. */
void pgt_sobol_init(struct pgt_sobol *s, size_t d, struct pgt_random *r);
/* The next point, on [0,1)^d. */
void pgt_sobol_next(struct pgt_sobol *s, double *point);

#endif
