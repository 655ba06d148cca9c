/* Distributions.  Pure; any thread. */
#ifndef PG2UNE_NUM_DIST_H
#define PG2UNE_NUM_DIST_H

double pgt_norm_pdf(double x);
double pgt_norm_cdf(double x);      /* erfc: accurate in both tails */
double pgt_norm_quantile(double p); /* Wichura 1988, AS 241, PPND16: 1e-16 */
/* Regularised incomplete beta I_x(a, b): continued fraction DLMF 8.17.22, Lentz. */
double pgt_beta_inc(double a, double b, double x);
double pgt_t_cdf(double t, double df);      /* Student */
double pgt_t_sf(double t, double df);       /* upper tail, accurate when small */
double pgt_t_quantile(double p, double df); /* Newton on the cdf, kept in a bracket */

#endif
