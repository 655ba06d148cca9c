/* Standardise a series whose mean and deviation are not known beforehand
 * (Hawkins 1987): each value is judged by those before it, and the t statistic is
 * turned into an exactly N(0,1) one.  Holds the in-control run length from the third
 * point on, where a plug-in mean and deviation would not. */
#ifndef PG2UNE_DETECT_SELFSTART_H
#define PG2UNE_DETECT_SELFSTART_H

#include "pg2une/num/moments.h"

struct pgt_selfstart {
	struct pgt_moments m;
	double n_max; /* beyond, the oldest fade (0: never) */
};

void pgt_selfstart_init(struct pgt_selfstart *s, double n_max);
/* z of x by what came before, then learn x, pulled in to win deviations when win > 0;
 * min_sd bounds the deviation from below (0 for none).  0 for the first two. */
double pgt_selfstart_step(struct pgt_selfstart *s, double x, double win, double min_sd);
/* The same without learning (frozen baseline). */
double pgt_selfstart_peek(const struct pgt_selfstart *s, double x, double min_sd);

#endif
