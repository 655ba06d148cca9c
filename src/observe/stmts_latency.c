/* Percentiles of all calls, and of one entry's, from what the entries counted in the
 * longer window and from the ages that the samples saw. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/num/moments.h"
#include "pg2une/num/shape.h"
#include "stmts_priv.h"

#define UNSURE_MAX 1.0 /* relative half-width of a band that says something */
#define CALLS_MIN  20  /* below that a p99 is the maximum of a few */
#define SHAPED_MAX 24  /* classes, by calls, that are worth more than a lognormal */

static bool
entry_shape(const struct obs_stmts *st, const struct obs_entry *e, int base,
	    struct pgt_shape *ret)
{
	/* the deviation that belongs to the base reading is kept for the
	 * percentiles only; their window is the longer one */
	const struct obs_moment *b = &e->base->lat[base];
	struct pgt_stmt_reading x = {(int64_t)b->calls, b->total, 0, b->stddev};
	struct pgt_stmt_reading y = {(int64_t)e->calls, e->base->cur[S_TOTAL], 0,
				     e->base->cur[S_STDDEV]};
	struct pgt_interval iv;

	if (!pgt_moments_interval(&x, &y, &iv))
		return false;
	*ret = (struct pgt_shape){.n = iv.n,
				  .mean = iv.mean_ms,
				  .var = iv.var_ms2,
				  .var_ok = iv.var_ok,
				  .ceil = e->base->cur[S_MAX],
				  .ages = obs_ages_of(st, &e->key)};
	return true;
}

double
obs_stmts_p99(const struct obs *o, const struct obs_entry *e, int base, double *ret_var)
{
	static const double p = 0.99;
	struct obs_base *b = e->base;
	struct pgt_quantile q;
	struct pgt_shape s;
	bool by_ages;

	if (b->p99_ns == o->stmts->taken_ns) {
		*ret_var = b->var_ms2;
		return b->p99_ms;
	}
	b->p99_ns = o->stmts->taken_ns;
	b->p99_ms = b->var_ms2 = NAN;
	if (entry_shape(o->stmts, e, base, &s) && s.var_ok) {
		b->var_ms2 = s.var;
		s.plain = !s.ages; /* there are many rows */
		if (s.n >= CALLS_MIN &&
		    pgt_shape_quantiles(&s, 1, &p, 1, &q, &by_ages))
			b->p99_ms = q.value;
	}
	*ret_var = b->var_ms2;
	return b->p99_ms;
}

/* ---- all calls ---- */

static size_t
latency_classes(const struct obs_stmts *st, int base, struct pgt_shape *c,
		double *ret_calls, double *ret_total)
{
	size_t i, n = 0;

	*ret_calls = *ret_total = 0;
	for (i = 0; i < st->n_used; i++) {
		const struct obs_entry *e = &st->entries[i];

		if (e->ours || !e->base || !entry_shape(st, e, base, &c[n]))
			continue;
		*ret_calls += c[n].n;
		*ret_total += c[n].n * c[n].mean;
		n++;
	}
	return n;
}

/* pg_stat_statements counts execution alone.  What sessions were active beyond it
 * (parsing, planning, commit, waiting for a CPU) is known in sum, since 14, from
 * pg_stat_database.active_time: its mean goes to every call. */
static double
add_overhead(const struct obs_stmts *st, int base, struct pgt_shape *c, size_t n)
{
	double active = st->last_active_ms - st->lat.active_ms[base], exec = 0, calls = 0;
	size_t i;

	for (i = 0; i < st->n_used; i++) {
		const struct obs_entry *e = &st->entries[i];

		if (!e->base || e->calls <= e->base->lat[base].calls)
			continue;
		exec += e->base->cur[S_TOTAL] - e->base->lat[base].total;
		calls += e->calls - e->base->lat[base].calls;
	}
	if (!(active > exec) || !(calls >= CALLS_MIN))
		return 0; /* NAN too: before 14, or the first reading */
	for (i = 0; i < n; i++)
		c[i].over = (active - exec) / calls;
	return (active - exec) / calls;
}

static int
by_calls(const void *a, const void *b)
{
	const struct pgt_shape *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

/* Half the band, relative.  How over_ms, known in sum only, is spread over the calls
 * is a guess: half of it counts as unsure. */
static double
band(const struct pgt_quantile *q, double over_ms)
{
	double model;

	if (!(q->value > 0))
		return NAN;
	model = fmax(q->hi - q->value, q->value - q->lo) / q->value;
	return hypot(model, 0.5 * fmin(over_ms / q->value, 1));
}

/* Past a factor of two either way it is no measurement: better nothing. */
static void
say(const struct pgt_quantile *q, double over_ms, double *ret_ms, double *ret_err)
{
	*ret_err = band(q, over_ms);
	*ret_ms = *ret_err <= UNSURE_MAX ? q->value : NAN;
}

static void
tell(struct pgt_shape *c, size_t n, double over, struct pgt_latency *l)
{
	static const double p[3] = {0.50, 0.95, 0.99};
	struct pgt_quantile q[3];
	bool by_ages;
	size_t i;

	qsort(c, n, sizeof(*c), by_calls);
	for (i = SHAPED_MAX; i < n; i++)
		c[i].plain = true;
	if (!pgt_shape_quantiles(c, n, p, 3, q, &by_ages)) {
		l->note = "too little to tell";
		return;
	}
	say(&q[0], over, &l->p50_ms, &l->p50_err);
	say(&q[1], over, &l->p95_ms, &l->p95_err);
	say(&q[2], over, &l->p99_ms, &l->p99_err);
	l->method = by_ages ? PGT_LAT_AGES : PGT_LAT_MIXTURE;
	l->note = over > 0 ? "execution, and the mean of parsing, planning and commit"
			   : "execution alone: without parsing, planning and commit";
	if (isnan(l->p50_ms) || isnan(l->p95_ms) || isnan(l->p99_ms))
		l->note = "some percentiles cannot be told within a factor of two";
	if (l->calls < CALLS_MIN)
		l->note = "few statements: the upper percentiles say little";
}

/* Once a reading: between two of them nothing that it stands on changes. */
void
obs_stmts_latency(struct obs *o, struct pgt_latency *ret)
{
	struct obs_stmts *st = o->stmts;
	int64_t window = 2 * o->opts.statements_window_ns;
	int base = obs_gen_base(&st->lat, st->taken_ns, window);
	struct pgt_shape *c;
	double total, over;
	size_t n;

	if (st->latency_ns != st->taken_ns) {
		st->latency = *ret;
		st->latency_ns = st->taken_ns;
		c = pgt_xcalloc(st->n_used + 1, sizeof(*c));
		n = latency_classes(st, base, c, &st->latency.calls, &total);
		over = add_overhead(st, base, c, n);
		st->latency.window_ns = st->taken_ns - st->lat.at_ns[base];
		if (st->latency.calls < 1) {
			st->latency.note = "no statements in the window";
		} else {
			st->latency.mean_ms = total / st->latency.calls + over;
			tell(c, n, over, &st->latency);
		}
		free(c);
	}
	*ret = st->latency;
}
