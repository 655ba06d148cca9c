#include <math.h>
#include <stddef.h>

#include "metric_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/metric.h"

/* Floors keep an idle or tiny series from alarming on nothing: min_sd is the least
 * relative noise of a bucket that is believed, min_effect the least change that a
 * person would act on (log units: 0.10 is 10 %), min_current the least absolute value
 * of an upward alarm, max_current the most of a downward one: 0.9999 to 0.999 is ten
 * times the misses, and nothing.  Late are those that go with checkpoints (full-page
 * images come after each) or with a cache that warms: three minutes have not seen a
 * cycle. Seeds: the reference's h 4.0 k 0.5 (tps, p99) and 3.0 / 0.3 (hit ratio),
 * extended to the rest. */
static const struct pgt_metric_def defs[PGT_METRIC__N] = {
    [PGT_METRIC_TPS] = {.transform = PGT_TR_LOG,
			.sides = PGT_CUSUM_BOTH,
			.bad = PGT_CUSUM_DOWN,
			.floor = 1,
			.min_sd = 0.02,
			.min_effect = 0.10,
			.h_seed = 4,
			.k_seed = 0.5},
    [PGT_METRIC_LATENCY_MEAN] = {.transform = PGT_TR_LOG,
				 .sides = PGT_CUSUM_UP,
				 .bad = PGT_CUSUM_UP,
				 .floor = 0.01,
				 .min_sd = 0.02,
				 .min_effect = 0.10,
				 .given_load = true,
				 .h_seed = 4,
				 .k_seed = 0.5},
    [PGT_METRIC_LATENCY_P99] = {.transform = PGT_TR_LOG,
				.sides = PGT_CUSUM_UP,
				.bad = PGT_CUSUM_UP,
				.floor = 0.05,
				.min_sd = 0.03,
				.min_effect = 0.15,
				.given_load = true,
				.h_seed = 4,
				.k_seed = 0.5},
    [PGT_METRIC_HIT_RATIO] = {.transform = PGT_TR_LOGIT,
			      .sides = PGT_CUSUM_DOWN,
			      .bad = PGT_CUSUM_DOWN,
			      .min_sd = 0.05,
			      .min_effect = 0.30,
			      .max_current = 0.995,
			      .late = true,
			      .h_seed = 3,
			      .k_seed = 0.3},
    [PGT_METRIC_LOCK_WAITS] = {.transform = PGT_TR_LOG,
			       .sides = PGT_CUSUM_UP,
			       .bad = PGT_CUSUM_UP,
			       .floor = 1,
			       .min_sd = 0.10,
			       .min_effect = 0.40,
			       .min_current = 1,
			       .h_seed = 4,
			       .k_seed = 0.5},
    [PGT_METRIC_ACTIVE_SESSIONS] = {.transform = PGT_TR_LOG,
				    .sides = PGT_CUSUM_BOTH,
				    .bad = PGT_CUSUM_UP,
				    .floor = 2,
				    .min_sd = 0.05,
				    .min_effect = 0.25,
				    .min_current = 3,
				    .h_seed = 4,
				    .k_seed = 0.5},
    [PGT_METRIC_TEMP_BYTES] = {.transform = PGT_TR_LOG,
			       .sides = PGT_CUSUM_UP,
			       .bad = PGT_CUSUM_UP,
			       .floor = 1 << 20,
			       .min_sd = 0.10,
			       .min_effect = 0.40,
			       .min_current = 1 << 20,
			       .late = true,
			       .h_seed = 4,
			       .k_seed = 0.5},
    [PGT_METRIC_WAL_BYTES] = {.transform = PGT_TR_LOG,
			      .sides = PGT_CUSUM_UP,
			      .bad = PGT_CUSUM_UP,
			      .floor = 1 << 16,
			      .min_sd = 0.05,
			      .min_effect = 0.30,
			      .min_current = 1 << 18,
			      .late = true,
			      .h_seed = 4,
			      .k_seed = 0.5},
    [PGT_METRIC_REPLICATION_LAG] = {.transform = PGT_TR_LOG,
				    .sides = PGT_CUSUM_UP,
				    .bad = PGT_CUSUM_UP,
				    .floor = 0.5,
				    .min_sd = 0.10,
				    .min_effect = 0.50,
				    .min_current = 1,
				    .h_seed = 4,
				    .k_seed = 0.5},
    [PGT_METRIC_ERROR_RATE] = {.transform = PGT_TR_LOG,
			       .sides = PGT_CUSUM_UP,
			       .bad = PGT_CUSUM_UP,
			       .floor = 0.2,
			       .min_sd = 0.10,
			       .min_effect = 0.50,
			       .min_current = 0.2,
			       .h_seed = 4,
			       .k_seed = 0.5},
};

const struct pgt_metric_def *
pgt_metric_def(enum pgt_metric m)
{
	return (unsigned)m < PGT_METRIC__N ? &defs[m] : NULL;
}

double
metric_forward(const struct pgt_metric_def *def, double v)
{
	switch (def->transform) {
	case PGT_TR_LOG:
		return log(fmax(v, 0) + def->floor);
	case PGT_TR_LOGIT:
		v = fmin(fmax(v, 1e-4), 1 - 1e-4);
		return log(v / (1 - v));
	case PGT_TR_LINEAR:
		break;
	}
	return v;
}

double
metric_backward(const struct pgt_metric_def *def, double x)
{
	switch (def->transform) {
	case PGT_TR_LOG:
		return fmax(0, exp(x) - def->floor);
	case PGT_TR_LOGIT:
		return 1 / (1 + exp(-x));
	case PGT_TR_LINEAR:
		break;
	}
	return x;
}

struct pgt_metric_config
pgt_metric_defaults(void)
{
	return (struct pgt_metric_config){.bucket_s = 15,
					  .k = 0.5,
					  .arl0 = 40320 * 10,
					  .winsor = 3,
					  .level_gain = 0.005,
					  .early = 8,
					  .warmup = 40,
					  .refractory = 40,
					  .settle = 8,
					  .accept_s = 6 * 3600};
}
