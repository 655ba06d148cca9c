#include "pg2une/num/dist.h"

#include <float.h>
#include <math.h>

double
pgt_norm_pdf(double x)
{
	return exp(-0.5 * x * x) * 0.39894228040143267794;
}

double
pgt_norm_cdf(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

static double
ratio7(double r, const double *num, const double *den)
{
	double a = num[7], b = den[7];

	for (int i = 6; i >= 0; i--) {
		a = a * r + num[i];
		b = b * r + den[i];
	}
	return a / b;
}

/* Coefficients of AS 241, PPND16 (Applied Statistics 37, 1988, 477-484). */
double
pgt_norm_quantile(double p)
{
	static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
				    1.9715909503065514427e+3, 1.3731693765509461125e+4,
				    4.5921953931549871457e+4, 6.7265770927008700853e+4,
				    3.3430575583588128105e+4, 2.5090809287301226727e+3};
	static const double b[8] = {1.0,
				    4.2313330701600911252e+1,
				    6.8718700749205790830e+2,
				    5.3941960214247511077e+3,
				    2.1213794301586595867e+4,
				    3.9307895800092710610e+4,
				    2.8729085735721942674e+4,
				    5.2264952788528545610e+3};
	static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
				    5.76949722146069140550e0,  3.64784832476320460504e0,
				    1.27045825245236838258e0,  2.41780725177450611770e-1,
				    2.27238449892691845833e-2, 7.74545014278341407640e-4};
	static const double d[8] = {1.0,
				    2.05319162663775882187e0,
				    1.67638483018380384940e0,
				    6.89767334985100004550e-1,
				    1.48103976427480074590e-1,
				    1.51986665636164571966e-2,
				    5.47593808499534494600e-4,
				    1.05075007164441684324e-9};
	static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
				    1.78482653991729133580e0,  2.96560571828504891230e-1,
				    2.65321895265761230930e-2, 1.24266094738807843860e-3,
				    2.71155556874348757815e-5, 2.01033439929228813265e-7};
	static const double f[8] = {1.0,
				    5.99832206555887937690e-1,
				    1.36929880922735805310e-1,
				    1.48753612908506148525e-2,
				    7.86869131145613259100e-4,
				    1.84631831751005468180e-5,
				    1.42151175831644588870e-7,
				    2.04426310338993978564e-15};
	double q = p - 0.5, r, x;

	if (!(p > 0 && p < 1))
		return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
	if (fabs(q) <= 0.425)
		return q * ratio7(0.180625 - q * q, a, b);
	r = sqrt(-log(q < 0 ? p : 1 - p));
	x = r <= 5 ? ratio7(r - 1.6, c, d) : ratio7(r - 5, e, f);
	return q < 0 ? -x : x;
}

/* The continued fraction of DLMF 8.17.22 by Lentz's method; converges fast for
 * x < (a + 1) / (a + b + 2). */
static double
beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	h = d;
	for (int m = 1; m < 1000; m++) {
		double am = a + 2 * m, del = 1;
		double num[2] = {m * (b - m) * x / ((am - 1) * am),
				 -(a + m) * (a + b + m) * x / (am * (am + 1))};

		for (int i = 0; i < 2; i++) {
			d = 1 + num[i] * d;
			c = 1 + num[i] / c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = fabs(c) < tiny ? tiny : c;
			del = c * d;
			h *= del;
		}
		if (fabs(del - 1) < 2 * DBL_EPSILON)
			break;
	}
	return h;
}

/* y must be 1 - x: passed apart, since near 1 the subtraction would lose it. */
static double
beta_inc(double a, double b, double x, double y)
{
	double front;

	if (x <= 0 || y <= 0)
		return x <= 0 ? 0 : 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, y) / b;
}

double
pgt_beta_inc(double a, double b, double x)
{
	return beta_inc(a, b, x, 1 - x);
}

double
pgt_t_sf(double t, double df)
{
	double tail;

	if (isnan(t) || !(df > 0))
		return NAN;
	/* The difference to the normal is below 1e-9 there, and lgamma's rounding
	 * would be larger. */
	if (df > 1e9)
		return pgt_norm_cdf(-t);
	tail = 0.5 * beta_inc(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t));
	return t >= 0 ? tail : 1 - tail;
}

double
pgt_t_cdf(double t, double df)
{
	return pgt_t_sf(-t, df);
}

/* Density, for Newton's step. */
static double
t_pdf(double t, double df)
{
	return exp(lgamma((df + 1) / 2) - lgamma(df / 2) -
		   (df + 1) / 2 * log1p(t * t / df)) /
	       sqrt(df * M_PI);
}

double
pgt_t_quantile(double p, double df)
{
	double lo = 0, hi = 1, q = p < 0.5 ? p : 1 - p, t;

	if (!(p > 0 && p < 1) || !(df > 0))
		return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
	if (df > 1e9)
		return pgt_norm_quantile(p);
	if (p == 0.5)
		return 0;
	while (pgt_t_sf(hi, df) > q && hi < 1e300)
		hi *= 2;
	t = -pgt_norm_quantile(q);
	for (int i = 0; i < 200 && hi - lo > 4 * DBL_EPSILON * hi; i++) {
		double next, gap = pgt_t_sf(t, df) - q;

		if (gap > 0)
			lo = t;
		else
			hi = t;
		next = t + gap / t_pdf(t, df);
		if (fabs(next - t) <= 2 * DBL_EPSILON * t)
			break;
		t = next > lo && next < hi ? next : 0.5 * (lo + hi);
	}
	return p < 0.5 ? -t : t;
}
