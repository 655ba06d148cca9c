#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "pg2une/rollout/gate.h"

/* Mixing variance of the confidence sequence, in units of 1/variance of the log
 * ratio: reference/numerics.md section E.2. */
#define RHO 200.0
/* How alpha is split: the tail needs most, since it sees one call in a hundred. */
#define ALPHA_MEAN   0.2
#define ALPHA_TAIL   0.7
#define ALPHA_ERRORS 0.1
/* A canary that serves less than this part of its due starves. */
#define STARVED 0.5
/* Of what is no mean of many: a control of another time, a share. */
#define DEVIATIONS 3.0

const char *const pgt_gate_verdict_names[4] = {"unknown", "go", "no-go", "extend"};

/* Rate ratios that count as harm, and as better: section E.1, with fewer above 3,
 * which any of these finds at once. */
static const double harm[] = {1.2, 1.4, 1.7, 2.5, 5};
static const double better[] = {0.9, 0.8, 0.7, 0.6, 0.45, 0.3};

/* Slow calls come in bursts, a stall makes many at once: no bucket adds more to the log e
 * of the tail than this part of its limit.  It keeps the promise, since it only takes. */
#define BUCKET_PART 0.5

struct eprocess { /* log e of each alternative */
	double log_harm[PGT_LEN(harm)], log_better[PGT_LEN(better)];
	double canary, primary;		    /* counts */
	double canary_calls, primary_calls; /* behind them */
};

struct pgt_gate {
	struct pgt_gate_config cfg;
	double share;
	int step_buckets, buckets, stale, starved;
	double step_calls, canary_calls, primary_calls;
	/* the mean: sums of 1/v, D/v, D^2/v over buckets */
	double w, wd, wdd;
	/* of this step: calls that the share meant for the canary, and its own */
	double due, served;
	struct history {
		double w, wd, sd;
		int buckets;
	} history;
	struct eprocess tail, errors;
	const char *stop; /* a hard stop that was seen */
};

void
pgt_gate_defaults(struct pgt_gate_config *c)
{
	*c = (struct pgt_gate_config){
	    .alpha = 0.05,
	    .latency_margin = 0.10,
	    .throughput_margin = 0.10,
	    .min_calls = 2000,
	    .min_buckets = 3,
	    .min_bucket_calls = 10,
	    .noise_sd = 0.03,
	    .max_lag_bytes = 64.0 * 1024 * 1024,
	    .starved_buckets = 3,
	    .min_memory_pct = 3,
	    .min_disk_pct = 3,
	    .max_connections_pct = 95,
	};
}

struct pgt_gate *
pgt_gate_new(const struct pgt_gate_config *c)
{
	struct pgt_gate *g = pgt_xcalloc(1, sizeof(*g));

	g->cfg = *c;
	return g;
}

void
pgt_gate_free(struct pgt_gate *g)
{
	free(g);
}

void
pgt_gate_step(struct pgt_gate *g, double share)
{
	g->share = share;
	g->step_buckets = 0;
	g->step_calls = 0;
	g->starved = 0;
	g->due = g->served = 0;
	g->history = (struct history){0};
}

double
pgt_gate_margin(const struct pgt_gate_config *c, double share)
{
	double m = share > 0 ? c->latency_margin / 2 / share : 1;

	return fmin(1, fmax(c->latency_margin, m));
}

/* ---- mean ---- */

static bool
usable(const struct pgt_gate *g, const struct pgt_gate_stratum *s)
{
	return s->canary_n >= g->cfg.min_bucket_calls &&
	       s->primary_n >= g->cfg.min_bucket_calls && s->canary_mean > 0 &&
	       s->primary_mean > 0 && s->canary_var >= 0 && s->primary_var >= 0;
}

/* Log ratio of the means, each statement by its share of the time; false: nothing to
 * compare. */
static bool
ratio_of(const struct pgt_gate *g, const struct pgt_gate_bucket *b, double *ret_d,
	 double *ret_v)
{
	double weight = 0, d = 0, v = 0;

	for (size_t i = 0; i < b->n_strata; i++)
		if (usable(g, &b->strata[i]))
			weight += b->strata[i].primary_n * b->strata[i].primary_mean;
	if (!(weight > 0))
		return false;
	for (size_t i = 0; i < b->n_strata; i++) {
		const struct pgt_gate_stratum *s = &b->strata[i];
		double w;

		if (!usable(g, s))
			continue;
		w = s->primary_n * s->primary_mean / weight;
		d += w * log(s->canary_mean / s->primary_mean);
		/* delta method: var(log mean) = var / (n mean^2) */
		v += w * w *
		     (s->canary_var / (s->canary_n * s->canary_mean * s->canary_mean) +
		      s->primary_var /
			  (s->primary_n * s->primary_mean * s->primary_mean));
	}
	*ret_d = d;
	*ret_v = v + g->cfg.noise_sd * g->cfg.noise_sd;
	return true;
}

static void
add_mean(struct pgt_gate *g, const struct pgt_gate_bucket *b)
{
	double d, v;

	if (!ratio_of(g, b, &d, &v))
		return;
	g->w += 1 / v;
	g->wd += d / v;
	g->wdd += d * d / v;
	g->buckets++;
	g->step_buckets++;
}

static void
add_history(struct pgt_gate *g, const struct pgt_gate_bucket *b)
{
	struct history *h = &g->history;
	double d, v;

	if (!ratio_of(g, b, &d, &v))
		return;
	h->w += 1 / v;
	h->wd += d / v;
	h->sd = fmax(h->sd, fmax(b->control_sd, g->cfg.noise_sd));
	h->buckets++;
	g->step_buckets++;
}

static double
history_radius(const struct history *h)
{
	return DEVIATIONS * sqrt(1 / h->w + h->sd * h->sd);
}

/* How much more the buckets scatter than their variances say; at least 1. */
static double
dispersion(const struct pgt_gate *g)
{
	double mean, chi2;

	if (g->buckets < 3)
		return 1;
	mean = g->wd / g->w;
	chi2 = g->wdd - g->w * mean * mean;
	return fmax(1, chi2 / (g->buckets - 1));
}

/* Half-width of the two-sided sequence at error a. */
static double
radius(const struct pgt_gate *g, double a)
{
	double w = g->w / dispersion(g);

	return sqrt((w + RHO) / (w * w) * (2 * log(1 / a) + log((w + RHO) / RHO)));
}

/* ---- counts ---- */

/* A bucket adds most at most to a log e. */
static void
add_counts(struct eprocess *e, double canary, double primary, double canary_calls,
	   double primary_calls, double most)
{
	double w = canary_calls / (canary_calls + primary_calls);

	if (!(w > 0 && w < 1) || !isfinite(canary) || !isfinite(primary))
		return;
	e->canary += canary;
	e->primary += primary;
	e->canary_calls += canary_calls;
	e->primary_calls += primary_calls;
	for (size_t i = 0; i < PGT_LEN(harm); i++)
		e->log_harm[i] +=
		    fmin(most, canary * log(harm[i]) -
				   (canary + primary) * log1p(w * (harm[i] - 1)));
	for (size_t i = 0; i < PGT_LEN(better); i++)
		e->log_better[i] +=
		    fmin(most, canary * log(better[i]) -
				   (canary + primary) * log1p(w * (better[i] - 1)));
}

/* log of the mean of exp(x). */
static double
log_mean_exp(const double *x, size_t n)
{
	double top = x[0], sum = 0;

	for (size_t i = 1; i < n; i++)
		top = fmax(top, x[i]);
	for (size_t i = 0; i < n; i++)
		sum += exp(x[i] - top);
	return top + log(sum / (double)n);
}

/* ---- buckets ---- */

static void
add_share(struct pgt_gate *g, double canary, double primary,
	  const struct pgt_gate_bucket *b)
{
	double calls = canary + primary, due = calls * b->share;

	g->canary_calls += canary;
	g->primary_calls += primary;
	g->step_calls += canary;
	g->due += due;
	g->served += canary;
	/* A slow canary starves itself: its connections are busy, so fewer calls come
	 * to it than its share of the connections means. */
	if (due >= g->cfg.min_bucket_calls && canary < STARVED * due &&
	    !(b->canary_conn_share < STARVED * b->share))
		g->starved++;
	else
		g->starved = 0;
}

static const char *
hard_stop(const struct pgt_gate *g, const struct pgt_gate_bucket *b)
{
	if (b->write_refused)
		return "a write reached the canary: the pool is not read-only";
	if (b->resources_short)
		return "the canary runs out of memory, disk or connections";
	if (g->cfg.max_lag_bytes > 0 && b->lag_bytes > g->cfg.max_lag_bytes)
		return "the canary lags behind the primary";
	if (g->starved >= g->cfg.starved_buckets)
		return "the canary serves less than half of its share: it starves itself";
	return NULL;
}

static void
bucket_calls(const struct pgt_gate_bucket *b, double *ret_canary, double *ret_primary)
{
	*ret_canary = b->historical ? b->calls_canary : 0;
	*ret_primary = b->historical ? b->calls_primary : 0;
	for (size_t i = 0; i < b->n_strata && !b->historical; i++) {
		*ret_canary += b->strata[i].canary_n;
		*ret_primary += b->strata[i].primary_n;
	}
}

void
pgt_gate_add(struct pgt_gate *g, const struct pgt_gate_bucket *b)
{
	double canary = 0, primary = 0;

	if (b->stale) {
		g->stale++;
		/* what is known for sure still counts */
		if (!g->stop && b->write_refused)
			g->stop = hard_stop(g, b);
		return;
	}
	g->stale = 0;
	bucket_calls(b, &canary, &primary);
	add_share(g, canary, primary, b);
	if (b->historical) {
		add_history(g, b);
	} else {
		add_mean(g, b);
		add_counts(&g->tail, b->canary_slow, b->primary_slow, canary, primary,
			   -BUCKET_PART * log(ALPHA_TAIL * g->cfg.alpha));
		add_counts(&g->errors, b->canary_errors, b->primary_errors, canary,
			   primary, INFINITY);
	}
	if (!g->stop)
		g->stop = hard_stop(g, b);
}

/* ---- the verdict ---- */

/* Served for certain less than its due, at this step. */
static bool
throughput_fell(const struct pgt_gate *g)
{
	double slack = PGT_GATE_SHARE_SLACK / fmax(g->share, PGT_GATE_SHARE_SLACK), sd;

	if (!(g->share > 0 && g->share < 1) || g->step_buckets < g->cfg.min_buckets ||
	    !(g->served > 0 && g->due > g->cfg.min_bucket_calls))
		return false;
	sd = sqrt(1 / g->served + 1 / g->due + slack * slack);
	return log(g->served / g->due) + DEVIATIONS * sd <
	       log1p(-g->cfg.throughput_margin);
}

static const char *
harm_seen(const struct pgt_gate *g, const struct pgt_gate_evidence *e)
{
	const struct history *h = &g->history;

	if (g->stop)
		return g->stop;
	if (e->error_e >= e->error_limit)
		/* which of the two, the server does not count */
		return e->historical ? "transactions fail more often with the change"
				     : "transactions fail more often on the canary: by "
				       "the change, or as writes reach it";
	if (e->tail_e_harm >= e->tail_limit)
		return "slow calls are more frequent with the change";
	if (g->buckets >= g->cfg.min_buckets && g->w > 0 &&
	    g->wd / g->w - radius(g, ALPHA_MEAN * g->cfg.alpha) >
		log1p(g->cfg.latency_margin))
		return "slower with the change than the margin allows";
	if (throughput_fell(g))
		return "the canary serves less of its due than the margin allows";
	if (h->buckets >= g->cfg.min_buckets &&
	    h->wd / h->w - history_radius(h) > log1p(g->cfg.latency_margin))
		return "under the whole load it is slower than the primary was before";
	return NULL;
}

/* No control at the same moment: within the margin, give or take what such a control
 * varies by, is all that can be asked. */
static void
judge_history(const struct pgt_gate *g, struct pgt_gate_evidence *e)
{
	e->verdict = PGT_GATE_EXTEND;
	if (log1p(e->mean_ratio) < log1p(g->cfg.latency_margin) + g->history.sd) {
		e->verdict = PGT_GATE_GO;
		e->reason = "carries the whole load as the primary did before";
	} else {
		e->reason = "not within the margin of what the primary did before";
	}
}

static void
judge(const struct pgt_gate *g, struct pgt_gate_evidence *e)
{
	double limit = log1p(e->margin);
	bool mean_ok = e->buckets > 0 && log1p(e->mean_hi) < limit;
	bool tail_better = e->tail_e_better >= e->tail_limit;
	const char *harm_text = harm_seen(g, e);

	e->verdict = PGT_GATE_NO_GO;
	if (harm_text) {
		e->reason = harm_text;
	} else if (g->stale > 0) {
		e->verdict = PGT_GATE_UNKNOWN;
		e->reason = "one side cannot be measured now";
	} else if (g->step_buckets < g->cfg.min_buckets) {
		e->verdict = PGT_GATE_UNKNOWN;
		e->reason = "too few samples at this step";
	} else if (g->history.buckets > 0) {
		judge_history(g, e);
	} else if (!mean_ok) {
		e->verdict = PGT_GATE_EXTEND;
		e->reason = "the interval of the mean still reaches the margin";
	} else if (!tail_better &&
		   g->step_calls < g->cfg.min_calls * fmin(1, 2 * g->share)) {
		e->verdict = PGT_GATE_EXTEND;
		e->reason = "too few calls to know the tail";
	} else {
		e->verdict = PGT_GATE_GO;
		e->reason = "not worse than the margin";
	}
}

struct pgt_gate_evidence
pgt_gate_look(const struct pgt_gate *g)
{
	double alpha = g->cfg.alpha;
	struct pgt_gate_evidence e = {
	    .mean_ratio = NAN,
	    .mean_lo = NAN,
	    .mean_hi = NAN,
	    .tail_ratio = NAN,
	    .achieved_share = NAN,
	    .margin = pgt_gate_margin(&g->cfg, g->share),
	    .tail_limit = 1 / (ALPHA_TAIL * alpha),
	    .error_limit = 1 / (ALPHA_ERRORS * alpha),
	    .tail_e_harm = exp(log_mean_exp(g->tail.log_harm, PGT_LEN(harm))),
	    .tail_e_better = exp(log_mean_exp(g->tail.log_better, PGT_LEN(better))),
	    .error_e = exp(log_mean_exp(g->errors.log_harm, PGT_LEN(harm))),
	    .canary_calls = g->canary_calls,
	    .primary_calls = g->primary_calls,
	    .buckets = g->buckets,
	    .stale_buckets = g->stale,
	    .starved = g->starved,
	};
	double all = g->canary_calls + g->primary_calls;

	if (g->buckets > 0) {
		double mid = g->wd / g->w, r = radius(g, ALPHA_MEAN * alpha);

		e.mean_ratio = expm1(mid);
		e.mean_lo = expm1(mid - r);
		e.mean_hi = expm1(mid + r);
	}
	e.historical = g->history.buckets > 0;
	if (e.historical) {
		double mid = g->history.wd / g->history.w,
		       r = history_radius(&g->history);

		e.mean_ratio = expm1(mid);
		e.mean_lo = expm1(mid - r);
		e.mean_hi = expm1(mid + r);
	}
	if (all > 0)
		e.achieved_share = g->canary_calls / all;
	if (g->tail.canary_calls > 0 && g->tail.primary > 0)
		e.tail_ratio = g->tail.canary / g->tail.canary_calls /
				   (g->tail.primary / g->tail.primary_calls) -
			       1;
	judge(g, &e);
	return e;
}
