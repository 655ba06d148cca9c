/* The tabular CUSUM and its average run lengths.  Pure; any thread. */
#ifndef PG2UNE_DETECT_CUSUM_H
#define PG2UNE_DETECT_CUSUM_H

#include <stdint.h>

enum pgt_cusum_sides { PGT_CUSUM_UP = 1, PGT_CUSUM_DOWN = 2, PGT_CUSUM_BOTH = 3 };

struct pgt_cusum {
	double k, h; /* in sigmas: allowance (half the shift sought) and threshold */
	enum pgt_cusum_sides sides;
	double up, down;           /* C+ and C-, both >= 0 */
	uint64_t up_len, down_len; /* steps since each was zero: the onset's estimate */
};

void pgt_cusum_init(struct pgt_cusum *c, double k, double h, enum pgt_cusum_sides sides);
void pgt_cusum_reset(struct pgt_cusum *c);
/* Take one standardised value; +1 or -1 when that side reached h (the statistics
 * stay: the caller resets), else 0.  Page 1954. */
int pgt_cusum_step(struct pgt_cusum *c, double z);

/* Average run length from a zero start for iid N(shift, 1), one-sided (up): the
 * integral equation of Page, solved by Nystrom on Gauss-Legendre nodes. */
double pgt_cusum_arl(double k, double h, double shift);
/* 1/ARL = 1/ARL+ + 1/ARL- (van Dobben de Bruyn 1968). */
double pgt_cusum_arl_two_sided(double k, double h, double shift);
/* Siegmund 1985: quick, about 1 % high; h + 1.166. */
double pgt_cusum_arl_siegmund(double k, double h, double shift);
/* The one-sided threshold whose in-control run length is arl0 (from 2 up to 1e12). */
double pgt_cusum_threshold(double k, double arl0);
/* In-control run length, in buckets, that each of n one-sided charts needs so that
 * all together raise budget_per_week false alarms. */
double pgt_cusum_budget(double budget_per_week, double bucket_s, double charts);

#endif
