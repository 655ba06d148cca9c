#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/optimize/objective.h"

#define MAX_RATE_RATIO	1.3
#define MAX_READ_DIFF	0.10
#define MAX_MIX_DISTANCE 0.25

static double *
weight_of(struct pgt_objective *o, const char *name, size_t len)
{
	if (len == 3 && strncmp(name, "tps", 3) == 0)
		return &o->w_tps;
	if (len == 4 && strncmp(name, "mean", 4) == 0)
		return &o->w_mean;
	if (len == 3 && strncmp(name, "p99", 3) == 0)
		return &o->w_p99;
	return NULL;
}

int
pgt_objective_parse(const char *text, struct pgt_objective *ret, struct pgt_err *err)
{
	struct pgt_objective o = {0};
	const char *p = text;

	for (;;) {
		size_t len = strcspn(p, "=,");
		double *w = weight_of(&o, p, len), v = 1;

		if (!w || *w > 0)
			goto fail;
		p += len;
		if (*p == '=') {
			char *end;

			v = strtod(p + 1, &end);
			if (end == p + 1 || !isfinite(v) || v <= 0)
				goto fail;
			p = end;
		}
		*w = v;
		if (*p == '\0')
			break;
		if (*p++ != ',')
			goto fail;
	}
	*ret = o;
	return 0;
fail:
	return pgt_err_set(err, PGT_E_PARSE,
			   "objective \"%.60s\": expected tps, mean, p99 or weights such "
			   "as tps=0.6,p99=0.4",
			   text);
}

int
pgt_objective_cost(const struct pgt_objective *o, const struct pgt_measure *m,
		   double *ret, struct pgt_err *err)
{
	const struct {
		const char *what;
		double weight, value, sign;
	} parts[] = {
	    {"throughput", o->w_tps, m->tps, -1},
	    {"mean latency", o->w_mean, m->mean_ms, 1},
	    {"p99 latency", o->w_p99, m->p99_ms, 1},
	};
	double sum = 0, cost = 0;

	for (size_t i = 0; i < PGT_LEN(parts); i++) {
		if (!(parts[i].weight > 0))
			continue;
		if (!(parts[i].value > 0) || !isfinite(parts[i].value))
			return pgt_err_set(err, PGT_E_NUMERIC, "%s was not measured",
					   parts[i].what);
		sum += parts[i].weight;
		cost += parts[i].weight * parts[i].sign * log(parts[i].value);
	}
	if (!(sum > 0))
		return pgt_err_set(err, PGT_E_NUMERIC, "the objective weighs nothing");
	*ret = cost / sum;
	return 0;
}

double
pgt_objective_gain_pct(double baseline_cost, double cost)
{
	return 100 * expm1(baseline_cost - cost);
}

/* Larger over smaller; 1 when either is unknown. */
static double
ratio(double a, double b)
{
	if (!(a > 0) || !(b > 0))
		return 1;
	return a > b ? a / b : b / a;
}

static double
total_variation(const struct pgt_measure *a, const struct pgt_measure *b)
{
	size_t n = a->n_mix < b->n_mix ? a->n_mix : b->n_mix;
	double diff = 0, rest_a = 1, rest_b = 1;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		diff += fabs(a->mix[i] - b->mix[i]);
		rest_a -= a->mix[i];
		rest_b -= b->mix[i];
	}
	return 0.5 * (diff + fabs(rest_a - rest_b));
}

bool
pgt_measure_comparable(const struct pgt_measure *baseline,
		       const struct pgt_measure *trial, char *why, size_t why_size)
{
	double tv = total_variation(baseline, trial);

	if (ratio(baseline->offered_per_s, trial->offered_per_s) > MAX_RATE_RATIO) {
		snprintf(why, why_size, "offered load %.4g/s against %.4g/s",
			 trial->offered_per_s, baseline->offered_per_s);
		return false;
	}
	if (ratio(baseline->active, trial->active) > MAX_RATE_RATIO) {
		snprintf(why, why_size, "%.1f active sessions against %.1f",
			 trial->active, baseline->active);
		return false;
	}
	if (fabs(baseline->read_share - trial->read_share) > MAX_READ_DIFF) {
		snprintf(why, why_size, "%.0f%% reads against %.0f%%",
			 100 * trial->read_share, 100 * baseline->read_share);
		return false;
	}
	if (tv > MAX_MIX_DISTANCE) {
		snprintf(why, why_size, "another mix of statements (%.0f%% differ)",
			 100 * tv);
		return false;
	}
	return true;
}
