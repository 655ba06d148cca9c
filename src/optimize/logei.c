#include <math.h>

#include "pg2une/optimize/acquire.h"

#define LOG_SQRT_2PI 0.91893853320467274178
#define FAR	     (-12.0) /* the asymptotic series is exact to rounding from here */

static double
normal_cdf(double z)
{
	return 0.5 * erfc(-z * M_SQRT1_2);
}

/* sum over k >= first of (-1)^k (2k-1)!! / z^(2k): the expansion of Mills' ratio. */
static double
mills_series(double z, int first)
{
	double z2 = z * z, term = 1, sum = first ? 0 : 1;

	for (int k = 1; k < 60; k++) {
		double next = -term * (2 * k - 1) / z2;

		if (fabs(next) >= fabs(term) || fabs(next) < 1e-18 * fabs(sum))
			break;
		term = next;
		sum += term;
	}
	return sum;
}

/* phi + z Phi = phi (1 - |z| Mills(|z|)) = phi (1/z^2 - 3/z^4 + 15/z^6 - ...). */
double
pgt_acquire_log_h(double z)
{
	double log_phi = -0.5 * z * z - LOG_SQRT_2PI;

	if (z > -1)
		return log(exp(log_phi) + z * normal_cdf(z));
	if (z > FAR)
		return log_phi + log1p(z * normal_cdf(z) / exp(log_phi));
	return log_phi + log(-mills_series(z, 1));
}

/* Phi / (phi + z Phi) */
double
pgt_acquire_log_h_grad(double z)
{
	if (z > FAR)
		return normal_cdf(z) / exp(pgt_acquire_log_h(z));
	return mills_series(z, 0) / (-z * -mills_series(z, 1));
}

double
pgt_acquire_log_ei(double mean, double sd, double best)
{
	if (!(sd > 0))
		return best > mean ? log(best - mean) : -HUGE_VAL;
	return log(sd) + pgt_acquire_log_h((best - mean) / sd);
}
