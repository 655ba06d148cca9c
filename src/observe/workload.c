#include <math.h>

#include "pg2une/base/clock.h"
#include "pg2une/observe/workload.h"

#define SMOOTH_S      10.0
#define TEMP_BPS_OLAP (100e6 / 60) /* 100 MB within the minute between two polls */

/* Exponential average by time, so that the sampling interval does not matter;
 * of logarithms, so that one huge value does not outweigh a minute. */
static void
smooth(double *avg, double x, double dt_s, bool first)
{
	if (!isfinite(x))
		return;
	if (first || !isfinite(*avg))
		*avg = x;
	else
		*avg = expm1(log1p(*avg) + (log1p(fmax(0, x)) - log1p(*avg)) *
					       (1 - exp(-dt_s / SMOOTH_S)));
}

static enum pgt_workload
verdict(const struct pgt_workload_state *w)
{
	int oltp = 2 * (w->tps > 100) + (w->active > 50);
	int olap = 2 * (w->p99_ms > 100) + 2 * (w->temp_bps > TEMP_BPS_OLAP);

	if (oltp > olap + 1)
		return PGT_WORKLOAD_OLTP;
	if (olap > oltp + 1)
		return PGT_WORKLOAD_OLAP;
	return PGT_WORKLOAD_MIXED;
}

enum pgt_workload
pgt_workload_step(struct pgt_workload_state *w, const struct pgt_workload_input *in)
{
	bool first = w->last_ns == 0;
	double dt = first ? 0 : (double)(in->mono_ns - w->last_ns) / (double)PGT_NS_PER_S;
	enum pgt_workload v;

	if (!isfinite(in->tps))
		return w->now; /* nothing measured: nothing changes */
	if (first)
		w->tps = w->active = w->p99_ms = w->temp_bps = NAN;
	smooth(&w->tps, in->tps, dt, first);
	smooth(&w->active, in->active, dt, first);
	smooth(&w->p99_ms, in->p99_ms, dt, first);
	smooth(&w->temp_bps, in->temp_bytes_ps, dt, first);
	w->last_ns = in->mono_ns;

	v = verdict(w);
	if (v != w->candidate || first) {
		w->candidate = v;
		w->since_ns = in->mono_ns;
	}
	if (w->now == PGT_WORKLOAD_UNKNOWN ||
	    in->mono_ns - w->since_ns >= PGT_WORKLOAD_HOLD_NS)
		w->now = w->candidate;
	return w->now;
}
