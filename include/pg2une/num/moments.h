/* Count, mean and variance: running (Welford), pooled (Chan), and of the interval
 * between two readings of a cumulative view.  Pure; any thread. */
#ifndef PG2UNE_NUM_MOMENTS_H
#define PG2UNE_NUM_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct pgt_moments {
	double n, mean, m2; /* m2: sum of squared deviations from mean */
};

/* Welford 1962; Chan, Golub, LeVeque 1983 for the pooled form. */
void pgt_moments_add(struct pgt_moments *m, double x);
void pgt_moments_merge(struct pgt_moments *m, const struct pgt_moments *other);
/* Sample variance (n - 1); 0 below two points. */
double pgt_moments_var(const struct pgt_moments *m);

/* One reading of a pg_stat_statements row: times in ms since the row's reset;
 * stddev is the population's, as the extension computes it. */
struct pgt_stmt_reading {
	int64_t calls;
	double total_ms, mean_ms, stddev_ms;
};

struct pgt_interval {
	double n;       /* calls within the interval */
	double mean_ms; /* exact up to rounding of total_ms */
	double var_ms2; /* population variance; meaningful only if var_ok */
	double var_err; /* bound on the relative error of var_ms2 from cancellation */
	bool var_ok;    /* var_err <= 0.2 */
};

/* What happened between two readings of the same row.  False when nothing did or
 * when calls or total went back (a reset): *ret is then untouched.
 * Formula: M2 = n2 s2^2 - n1 s1^2 - (md - m1)^2 n1 nd / n2 (Chan, solved for the
 * second part).  Two nearly equal numbers cancel in it, so the guard bounds the
 * rounding that the server's running sums have gathered. */
bool pgt_moments_interval(const struct pgt_stmt_reading *before,
			  const struct pgt_stmt_reading *after, struct pgt_interval *ret);

#endif
