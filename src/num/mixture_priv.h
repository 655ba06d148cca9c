/* A mixture of lognormals and single values in log time, and its quantiles: what
 * quantile.c and shape.c have alike. */
#ifndef PG2UNE_NUM_MIXTURE_PRIV_H
#define PG2UNE_NUM_MIXTURE_PRIV_H

#include <stddef.h>

/* In log time: a normal of mean mu, or a single value when s is 0. */
struct mix_part {
	double w, mu, s;
};

struct mixture {
	struct mix_part *part; /* the caller's, of enough parts */
	size_t n;
	double total;  /* calls */
	double smooth; /* of these, in parts with s > 0 */
	double lo, hi; /* log times that hold all but a sliver */
};

/* w calls with the median value; skipped unless both are above 0. */
void mix_add(struct mixture *m, double w, double value, double s);
/* A lognormal of this mean and variance: s^2 = ln(1 + var / mean^2). */
void mix_add_lognormal(struct mixture *m, double w, double mean, double var);
/* Share below the log time x, and the density there. */
double mix_part_cdf(const struct mix_part *p, double x, double *add_pdf);
double mix_cdf(const struct mixture *m, double x, double *ret_pdf);
/* The log time below which a share p of all calls lies. */
double mix_solve(const struct mixture *m, double p);
/* What an estimate from the moments alone has been off, relative. */
double mix_model_error(double p);

#endif
