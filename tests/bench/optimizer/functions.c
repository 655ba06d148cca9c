#include <math.h>

#include "functions.h"

static double
scaled(double u, double lo, double hi)
{
	return lo + u * (hi - lo);
}

static double
branin(size_t d, const double *u)
{
	double x = scaled(u[0], -5, 10), y = scaled(u[1], 0, 15);
	double a = y - 5.1 / (4 * M_PI * M_PI) * x * x + 5 / M_PI * x - 6;

	(void)d;
	return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x) + 10;
}

/* Log-transformed, as is usual in this literature. */
static double
goldstein_price(size_t d, const double *u)
{
	double x = scaled(u[0], -2, 2), y = scaled(u[1], -2, 2), a = x + y + 1;
	double b = 2 * x - 3 * y;

	(void)d;
	return log((1 + a * a *
			    (19 - 14 * x + 3 * x * x - 14 * y + 6 * x * y + 3 * y * y)) *
		   (30 + b * b *
			     (18 - 32 * x + 12 * x * x + 48 * y - 36 * x * y +
			      27 * y * y)));
}

static const double hart_c[4] = {1, 1.2, 3, 3.2};

static double
hartmann3(size_t d, const double *u)
{
	static const double a[4][3] = {{3, 10, 30}, {.1, 10, 35}, {3, 10, 30}, {.1, 10, 35}};
	static const double p[4][3] = {{.3689, .1170, .2673},
				       {.4699, .4387, .7470},
				       {.1091, .8732, .5547},
				       {.0381, .5743, .8828}};
	double sum = 0;

	for (int i = 0; i < 4; i++) {
		double e = 0;

		for (size_t j = 0; j < d; j++)
			e += a[i][j] * (u[j] - p[i][j]) * (u[j] - p[i][j]);
		sum -= hart_c[i] * exp(-e);
	}
	return sum;
}

static double
hartmann6(size_t d, const double *u)
{
	static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
				       {.05, 10, 17, .1, 8, 14},
				       {3, 3.5, 1.7, 10, 17, 8},
				       {17, 8, .05, 10, .1, 14}};
	static const double p[4][6] = {{.1312, .1696, .5569, .0124, .8283, .5886},
				       {.2329, .4135, .8307, .3736, .1004, .9991},
				       {.2348, .1451, .3522, .2883, .3047, .6650},
				       {.4047, .8828, .8732, .5743, .1091, .0381}};
	double sum = 0;

	for (int i = 0; i < 4; i++) {
		double e = 0;

		for (size_t j = 0; j < d; j++)
			e += a[i][j] * (u[j] - p[i][j]) * (u[j] - p[i][j]);
		sum -= hart_c[i] * exp(-e);
	}
	return sum;
}

/* The minimum is moved off the centre, to another place in each dimension. */
static double
ackley(size_t d, const double *u)
{
	double s2 = 0, sc = 0;

	for (size_t i = 0; i < d; i++) {
		double shift = 0.15 + 0.7 * fmod(0.618033988749895 * (double)(i + 1), 1);
		double x = 65.536 * (u[i] - shift);

		s2 += x * x;
		sc += cos(2 * M_PI * x);
	}
	return 20 + M_E - 20 * exp(-0.2 * sqrt(s2 / (double)d)) - exp(sc / (double)d);
}

static double
levy(size_t d, const double *u)
{
	double w = 1 + (scaled(u[0], -10, 10) - 1) / 4, s = sin(M_PI * w);
	double sum = s * s, last;

	for (size_t i = 0; i + 1 < d; i++) {
		w = 1 + (scaled(u[i], -10, 10) - 1) / 4;
		s = sin(M_PI * w + 1);
		sum += (w - 1) * (w - 1) * (1 + 10 * s * s);
	}
	last = 1 + (scaled(u[d - 1], -10, 10) - 1) / 4;
	s = sin(2 * M_PI * last);
	return sum + (last - 1) * (last - 1) * (1 + s * s);
}

/* On [-2.048, 2.048], log(1 + f). */
static double
rosenbrock(size_t d, const double *u)
{
	double sum = 0;

	for (size_t i = 0; i + 1 < d; i++) {
		double x = scaled(u[i], -2.048, 2.048), y = scaled(u[i + 1], -2.048, 2.048);

		sum += 100 * (y - x * x) * (y - x * x) + (1 - x) * (1 - x);
	}
	return log1p(sum);
}

/* Per dimension, so that the scale does not grow with d. */
static double
styblinski_tang(size_t d, const double *u)
{
	double sum = 0;

	for (size_t i = 0; i < d; i++) {
		double x = scaled(u[i], -5, 5);

		sum += x * x * x * x - 16 * x * x + 5 * x;
	}
	return sum / 2 / (double)d;
}

/* Sixteen dimensions of which four matter: Hartmann-6's cousin of inert settings. */
static double
hidden4(size_t d, const double *u)
{
	static const double at[4] = {0.2, 0.7, 0.4, 0.85};
	double sum = 0;

	for (size_t i = 0; i < 4; i++) {
		double x = u[i * d / 4] - at[i];

		sum += (double)(1 << i) * x * x;
	}
	return sqrt(sum);
}

static double
dixon_price(size_t d, const double *u)
{
	double x = scaled(u[0], -10, 10), sum = (x - 1) * (x - 1);

	for (size_t i = 1; i < d; i++) {
		double prev = x;

		x = scaled(u[i], -10, 10);
		sum += (double)(i + 1) * (2 * x * x - prev) * (2 * x * x - prev);
	}
	return log1p(sum);
}

const struct test_function test_functions[] = {
    {"Branin 2", 2, 0.39788735772973816, branin, 0.0077, 0.0003},
    {"Hartmann 6", 6, -3.32236801141551, hartmann6, 0.92, 0.12},
    {"Ackley 5 shifted", 5, 0, ackley, 16.9, 7.0},
    {"Ackley 10 shifted", 10, 0, ackley, 19.4, 17.6},
    {"Levy 10", 10, 0, levy, 28.0, 19.6},
    {"log Goldstein-Price 2", 2, 1.0986122886681098, goldstein_price, 0, 0},
    {"Hartmann 3", 3, -3.86278214782076, hartmann3, 0, 0},
    {"log Rosenbrock 4", 4, 0, rosenbrock, 0, 0},
    {"Styblinski-Tang 8", 8, -39.16616570377142, styblinski_tang, 0, 0},
    {"log Dixon-Price 12", 12, 0, dixon_price, 0, 0},
    {"Hidden-4 16", 16, 0, hidden4, 0, 0},
    {"Levy 16", 16, 0, levy, 0, 0},
};
const size_t test_functions_n = sizeof(test_functions) / sizeof(test_functions[0]);
