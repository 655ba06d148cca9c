/* Two-sample tests and control of false discoveries.  Pure; any thread. */
#ifndef PG2UNE_NUM_RANKTEST_H
#define PG2UNE_NUM_RANKTEST_H

#include <stdbool.h>
#include <stddef.h>

struct pgt_test {
	double stat; /* t, or standardised U; positive when b lies above a */
	double df;   /* Welch-Satterthwaite; infinite for the rank test */
	double p;    /* two-sided */
};

/* Welch's unequal-variance t on (n, mean, sample variance); n may be an effective
 * number.  False below two points a side or when both variances are zero with
 * equal means. */
bool pgt_welch(double na, double mean_a, double var_a, double nb, double mean_b,
	       double var_b, struct pgt_test *ret);

/* Mann-Whitney with tie and continuity correction, normal approximation (good
 * from about 8 a side).  False when a side is empty or all values tie. */
bool pgt_mann_whitney(const double *a, size_t na, const double *b, size_t nb,
		      struct pgt_test *ret);

/* Benjamini & Hochberg 1995: q[i] is the adjusted p[i] (NaN p stays NaN and does
 * not count). */
void pgt_fdr_bh(const double *p, size_t n, double *q);

#endif
