#include "pg2une/detect/forecast.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Component form (Hyndman & Athanasopoulos, Forecasting: Principles and Practice,
 * 2nd ed., 7.3): trend weight on the change of the level, season weight on the
 * one-step error. */
void
pgt_holt_winters_run(struct pgt_holt_winters *hw, const double *y, size_t n)
{
	size_t m = hw->period > 1 ? hw->period : 1, k = 0;
	double sse = 0;

	for (size_t t = 0; t < n; t++) {
		double s = hw->period > 1 ? hw->season[k] : 0;
		double ahead = hw->level + hw->trend, e = y[t] - ahead - s, level;

		sse += e * e;
		level = ahead + hw->alpha * e;
		hw->trend += hw->beta * (level - hw->level - hw->trend);
		hw->level = level;
		if (hw->period > 1)
			hw->season[k] = s + hw->gamma * e;
		k = (k + 1) % m;
	}
	/* Turn the ring so that season[0] is the next step's. */
	if (k > 0 && hw->period > 1) {
		double turned[PGT_FORECAST_MAX_PERIOD];

		for (size_t i = 0; i < m; i++)
			turned[i] = hw->season[(i + k) % m];
		memcpy(hw->season, turned, m * sizeof(*turned));
	}
	hw->sse = sse;
	hw->n = n;
	hw->sigma = n > 0 ? sqrt(sse / (double)n) : 0;
}

/* Start: a line through the means of the first two periods, and what is left of both. */
static void
start(struct pgt_holt_winters *hw, const double *y)
{
	size_t m = hw->period;
	double a = 0, b = 0, mid;

	if (m <= 1) {
		hw->trend = (y[4] - y[0]) / 4;
		hw->level = (y[0] + y[1] + y[2] + y[3] + y[4]) / 5 - 3 * hw->trend;
		return;
	}
	for (size_t i = 0; i < m; i++) {
		a += y[i] / (double)m;
		b += y[m + i] / (double)m;
	}
	hw->trend = (b - a) / (double)m;
	mid = 0.5 * ((double)m + 1); /* the first period's mean stands at its middle */
	hw->level = a - mid * hw->trend;
	for (size_t i = 0; i < m; i++) {
		double at = hw->level + hw->trend * (double)(i + 1);

		hw->season[i] = 0.5 * (y[i] - at + y[m + i] - at - hw->trend * (double)m);
	}
}

static double
sse_of(const struct pgt_holt_winters *from, const double *p, const double *y, size_t n)
{
	struct pgt_holt_winters hw = *from;

	for (int i = 0; i < 3; i++)
		if (!(p[i] >= 0 && p[i] <= 1))
			return INFINITY;
	if (p[2] > 1 - p[0]) /* beyond, the component form is not stable */
		return INFINITY;
	hw.alpha = p[0];
	hw.beta = p[1];
	hw.gamma = p[2];
	pgt_holt_winters_run(&hw, y, n);
	return isfinite(hw.sse) ? hw.sse : INFINITY;
}

/* Compass search: try each direction, halve the step when none is better.  Three
 * bounded parameters and a smooth valley need nothing finer, and it always ends. */
static double
descend(const struct pgt_holt_winters *from, double *p, const double *y, size_t n)
{
	double best = sse_of(from, p, y, n);
	int dims = from->period > 1 ? 3 : 2;

	for (double step = 0.1; step > 2e-4; step /= 2) {
		bool moved = true;

		for (int tries = 0; moved && tries < 40; tries++) {
			moved = false;
			for (int i = 0; i < 2 * dims; i++) {
				double q[3] = {p[0], p[1], p[2]}, sse;

				q[i / 2] += i % 2 ? step : -step;
				q[i / 2] = fmin(fmax(q[i / 2], 0), 1);
				sse = sse_of(from, q, y, n);
				if (sse < best) {
					best = sse;
					memcpy(p, q, sizeof(q));
					moved = true;
				}
			}
		}
	}
	return best;
}

int
pgt_holt_winters_fit(const double *y, size_t n, size_t period,
		     struct pgt_holt_winters *ret, struct pgt_err *err)
{
	static const double starts[][3] = {
	    {0.3, 0.05, 0.1}, {0.1, 0.01, 0.3}, {0.8, 0.1, 0.1}};
	struct pgt_holt_winters hw = {.period = period > 1 ? period : 1};
	double best = INFINITY, p[3] = {0};

	if (period > PGT_FORECAST_MAX_PERIOD)
		return pgt_err_set(err, PGT_E_LIMIT, "period %zu is longer than %d",
				   period, PGT_FORECAST_MAX_PERIOD);
	if (n < 10 || n < 2 * hw.period)
		return pgt_err_set(err, PGT_E_NUMERIC,
				   "a forecast needs two periods and 10 points, not %zu",
				   n);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(y[i]))
			return pgt_err_set(err, PGT_E_NUMERIC, "point %zu is missing", i);

	start(&hw, y);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		double q[3] = {starts[i][0], starts[i][1], starts[i][2]}, sse;

		if (hw.period == 1)
			q[2] = 0;
		sse = descend(&hw, q, y, n);
		if (sse < best) {
			best = sse;
			memcpy(p, q, sizeof(q));
		}
	}
	hw.alpha = p[0];
	hw.beta = p[1];
	hw.gamma = p[2];
	pgt_holt_winters_run(&hw, y, n);
	/* Three weights were fitted. */
	hw.sigma = sqrt(hw.sse / (double)(n - 3));
	*ret = hw;
	return 0;
}

/* Variance of step h: sigma^2 (1 + sum_{j<h} c_j^2), c_j = alpha + alpha beta j
 * + gamma [j mod m = 0] (Hyndman et al. 2008, table 6.1, beta there is alpha beta). */
void
pgt_holt_winters_at(const struct pgt_holt_winters *hw, size_t h, double z, double *mid,
		    double *lo, double *hi)
{
	double var = 1, at = hw->level + hw->trend * (double)h, half;

	if (hw->period > 1)
		at += hw->season[(h - 1) % hw->period];
	for (size_t j = 1; j < h; j++) {
		double c = hw->alpha * (1 + hw->beta * (double)j);

		if (hw->period > 1 && j % hw->period == 0)
			c += hw->gamma;
		var += c * c;
	}
	half = z * hw->sigma * sqrt(var);
	*mid = at;
	*lo = at - half;
	*hi = at + half;
}
