#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/num/random.h"

/* xoshiro256** after splitmix64 of 42, from the reference code. */
static void
known_stream(void **state)
{
	struct pgt_random r = {{1, 2, 3, 4}};

	(void)state;
	/* The first outputs for the state {1,2,3,4}, published with rand_xoshiro. */
	assert_true(pgt_random_u64(&r) == UINT64_C(11520));
	assert_true(pgt_random_u64(&r) == UINT64_C(0));
	assert_true(pgt_random_u64(&r) == UINT64_C(1509978240));
	assert_true(pgt_random_u64(&r) == UINT64_C(1215971899390074240));
}

static void
streams_differ_and_repeat(void **state)
{
	struct pgt_random a, b, c;

	(void)state;
	pgt_random_init_stream(&a, 7, 1);
	pgt_random_init_stream(&b, 7, 1);
	pgt_random_init_stream(&c, 7, 2);
	for (int i = 0; i < 100; i++) {
		uint64_t x = pgt_random_u64(&a);

		assert_true(x == pgt_random_u64(&b));
		assert_true(x != pgt_random_u64(&c));
	}
}

static void
moments(void **state)
{
	enum { N = 200000 };
	double su = 0, sn = 0, sn2 = 0, sn4 = 0, se = 0;
	struct pgt_random r;

	(void)state;
	pgt_random_init(&r, 1);
	for (int i = 0; i < N; i++) {
		double u = pgt_random_uniform(&r), z = pgt_random_normal(&r);

		assert_true(u >= 0 && u < 1);
		su += u;
		sn += z;
		sn2 += z * z;
		sn4 += z * z * z * z;
		se += pgt_random_exponential(&r);
	}
	/* Within five standard errors. */
	assert_true(fabs(su / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
	assert_true(fabs(sn / N) < 5 / sqrt(N));
	assert_true(fabs(sn2 / N - 1) < 5 * sqrt(2.0 / N));
	assert_true(fabs(sn4 / N - 3) < 5 * sqrt(96.0 / N));
	assert_true(fabs(se / N - 1) < 5 / sqrt(N));
}

static void
below_is_uniform(void **state)
{
	int hits[7] = {0};
	struct pgt_random r;
	double chi2 = 0;

	(void)state;
	pgt_random_init(&r, 3);
	for (int i = 0; i < 70000; i++)
		hits[pgt_random_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		chi2 += (hits[i] - 10000.0) * (hits[i] - 10000.0) / 10000;
	assert_true(chi2 < 22.46); /* 99.9% of chi-square with 6 degrees */
}

static void
permutation_is_one(void **state)
{
	size_t perm[50];
	int first[5] = {0};
	struct pgt_random r;

	(void)state;
	pgt_random_init(&r, 5);
	pgt_random_permutation(&r, 50, perm);
	for (size_t want = 0; want < 50; want++) {
		int seen = 0;

		for (size_t i = 0; i < 50; i++)
			seen += perm[i] == want;
		assert_int_equal(seen, 1);
	}
	for (int i = 0; i < 5000; i++) {
		pgt_random_permutation(&r, 5, perm);
		first[perm[0]]++;
	}
	for (int i = 0; i < 5; i++)
		assert_true(abs(first[i] - 1000) < 150);
}

static void
lhs_fills_every_stratum(void **state)
{
	enum { N = 13, D = 4 };
	double p[N * D];
	struct pgt_random r;

	(void)state;
	pgt_random_init(&r, 9);
	pgt_random_lhs(&r, N, D, p);
	for (int k = 0; k < D; k++) {
		int seen[N] = {0};

		for (int i = 0; i < N; i++)
			seen[(int)(p[i * D + k] * N)]++;
		for (int i = 0; i < N; i++)
			assert_int_equal(seen[i], 1);
	}
}

/* Point 1000 of the plain sequence, times 1024, as SciPy 1.10.1 gives it
 * (scipy.stats.qmc.Sobol(32, scramble=False), same direction numbers). */
static void
sobol_agrees_with_scipy(void **state)
{
	static const int want[32] = {225, 99,  531, 693, 287,  929, 47,	 921, 513, 71,	87,
				     261, 165, 393, 147, 379,  737, 353, 1015, 743, 535, 563,
				     973, 553, 597, 929, 41,   1003, 61, 349, 151, 149};
	struct pgt_sobol s;
	double p[32];

	(void)state;
	pgt_sobol_init(&s, 32, NULL);
	for (int i = 0; i <= 1000; i++)
		pgt_sobol_next(&s, p);
	for (int k = 0; k < 32; k++)
		assert_int_equal((int)(p[k] * 1024), want[k]);
}

/* Scrambling keeps the net: 256 points hit each of 256 strata once a dimension, and
 * each 16 by 16 cell of the first two. */
static void
sobol_scrambled_is_a_net(void **state)
{
	static int seen[32][256], cell[256];
	struct pgt_random r;
	struct pgt_sobol s;
	double p[34];

	(void)state;
	pgt_random_init(&r, 11);
	pgt_sobol_init(&s, 34, &r);
	for (int i = 0; i < 256; i++) {
		pgt_sobol_next(&s, p);
		for (int k = 0; k < 32; k++)
			seen[k][(int)(p[k] * 256)]++;
		cell[(int)(p[0] * 16) * 16 + (int)(p[1] * 16)]++;
		assert_true(p[33] >= 0 && p[33] < 1);
	}
	for (int i = 0; i < 256; i++) {
		assert_int_equal(cell[i], 1);
		for (int k = 0; k < 32; k++)
			assert_int_equal(seen[k][i], 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_stream),
	    cmocka_unit_test(streams_differ_and_repeat),
	    cmocka_unit_test(moments),
	    cmocka_unit_test(below_is_uniform),
	    cmocka_unit_test(permutation_is_one),
	    cmocka_unit_test(lhs_fills_every_stratum),
	    cmocka_unit_test(sobol_agrees_with_scipy),
	    cmocka_unit_test(sobol_scrambled_is_a_net),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
