#include "pg2une/detect/regression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/num/dist.h"
#include "pg2une/num/ranktest.h"

#define WINDOW_MAX      8
#define CLEAR_ROUNDS    2
#define CONFIRM_P       1e-3 /* in a second window that shares nothing with the first */
#define OBVIOUS_P       1e-6 /* needs no second window */
#define SUSPECT_P       0.01 /* below, an interval does not reach the baseline */
#define ACCEPT_MEMORIES 4    /* a day, at the default memory */
#define PLAN_RATIO      2.0  /* such a jump within one window smells of another plan */

/* One interval of a statement: log mean, and the sampling variance of that, by the
 * delta method var / (n mean^2). */
struct point {
	double calls, seconds, time_ms, log_mean, var;
};

struct query {
	uint64_t key;
	int64_t queryid, last_real_ns;
	struct point window[WINDOW_MAX]; /* oldest first */
	int n_window;

	/* Baseline: mean of log means, between-interval variance, call rate; fading. */
	double n, mean, m2, sampling, rate;
	bool regressed;
	int suspect; /* rounds since control first let it pass */
	int calm;
	int64_t since_real_ns;

	/* this round's judgement */
	double p, ratio, rate_now, share;
};

struct pgt_regressions {
	struct pgt_regression_config cfg;
	struct query *q; /* sorted by key */
	size_t n, cap;
	struct pgt_query_regression *found;
	size_t n_found;
};

struct pgt_regression_config
pgt_regression_defaults(void)
{
	return (struct pgt_regression_config){.fdr = 0.05,
					      .min_ratio = 1.20,
					      .min_share = 0.01,
					      .min_calls = 5,
					      .window = 3,
					      .min_baseline = 5,
					      .baseline_s = 6 * 3600,
					      .max_queries = 2000};
}

struct pgt_regressions *
pgt_regressions_new(const struct pgt_regression_config *cfg)
{
	struct pgt_regressions *r = pgt_xcalloc(1, sizeof(*r));

	r->cfg = *cfg;
	if (r->cfg.window < 1)
		r->cfg.window = 1;
	if (r->cfg.window > WINDOW_MAX)
		r->cfg.window = WINDOW_MAX;
	return r;
}

void
pgt_regressions_free(struct pgt_regressions *r)
{
	if (!r)
		return;
	free(r->q);
	free(r->found);
	free(r);
}

void
pgt_regressions_disturbed(struct pgt_regressions *r)
{
	for (size_t i = 0; i < r->n; i++)
		r->q[i].n_window = 0;
}

static size_t
lower_bound(const struct pgt_regressions *r, uint64_t key)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->q[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
drop_oldest(struct pgt_regressions *r)
{
	size_t at = 0;

	for (size_t i = 1; i < r->n; i++)
		if (r->q[i].last_real_ns < r->q[at].last_real_ns)
			at = i;
	memmove(&r->q[at], &r->q[at + 1], (r->n - at - 1) * sizeof(*r->q));
	r->n--;
}

static struct query *
find(struct pgt_regressions *r, uint64_t key)
{
	size_t at = lower_bound(r, key);

	if (at < r->n && r->q[at].key == key)
		return &r->q[at];
	if (r->n >= r->cfg.max_queries) {
		drop_oldest(r);
		at = lower_bound(r, key);
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->q = pgt_xreallocarray(r->q, r->cap, sizeof(*r->q));
	}
	memmove(&r->q[at + 1], &r->q[at], (r->n - at) * sizeof(*r->q));
	r->n++;
	r->q[at] = (struct query){.key = key, .p = NAN};
	return &r->q[at];
}

/* ---- baseline --------------------------------------------------------------- */

static void
graduate(struct query *q, const struct point *pt, double keep)
{
	double d;

	if (q->n == 0) { /* first, or learning anew */
		q->mean = pt->log_mean;
		q->m2 = q->sampling = q->rate = 0;
	}
	d = pt->log_mean - q->mean;
	q->n = q->n * keep + 1;
	q->mean += d / q->n;
	q->m2 = q->m2 * keep + d * (pt->log_mean - q->mean);
	q->sampling += (pt->var - q->sampling) / q->n;
	q->rate += (pt->calls / pt->seconds - q->rate) / q->n;
}

/* Variance between intervals beyond what sampling explains.  The floor of 2 % stands
 * for what no baseline of a few minutes can know. */
static double
overdispersion(const struct query *q)
{
	double between = q->n > 1 ? q->m2 / (q->n - 1) : 0;

	return fmax(between - q->sampling, 0.02 * 0.02);
}

/* ---- judgement -------------------------------------------------------------- */

static void
judge(const struct pgt_regressions *r, struct query *q, double all_ms)
{
	double calls = 0, seconds = 0, time_ms = 0, mean = 0, var = 0, extra, v_now,
	       v_was, t, df;

	q->p = NAN;
	for (int i = 0; i < q->n_window; i++) {
		const struct point *pt = &q->window[i];

		calls += pt->calls;
		seconds += pt->seconds;
		time_ms += pt->time_ms;
		mean += pt->log_mean;
		var += pt->var;
	}
	q->share = all_ms > 0 ? time_ms / all_ms : 0;
	if (q->n_window < r->cfg.window || q->n < r->cfg.min_baseline ||
	    calls < r->cfg.min_calls)
		return;
	mean /= q->n_window;
	extra = overdispersion(q);
	v_now = var / q->n_window / q->n_window + extra / q->n_window;
	v_was = (extra + q->sampling) / q->n;
	t = (mean - q->mean) / sqrt(v_now + v_was);
	/* The between-interval variance is what is known least: Welch-Satterthwaite with
	 * its degrees of freedom. */
	df = (v_now + v_was) * (v_now + v_was) /
	     (extra * extra * (1.0 / q->n_window + 1 / q->n) *
	      (1.0 / q->n_window + 1 / q->n)) *
	     (q->n - 1);
	q->p = pgt_t_sf(t, fmax(1, df));
	q->ratio = exp(mean - q->mean);
	q->rate_now = calls / seconds;
}

static void
report(struct pgt_regressions *r, struct query *q, double adjusted)
{
	double calls_ratio = q->rate > 0 ? q->rate_now / q->rate : INFINITY;
	bool same_load = fabs(calls_ratio - 1) <= 0.5;

	r->found[r->n_found++] = (struct pgt_query_regression){
	    .key = q->key,
	    .queryid = q->queryid,
	    .before_ms = exp(q->mean),
	    .after_ms = exp(q->mean) * q->ratio,
	    .ratio = q->ratio,
	    .p = q->p,
	    .q = adjusted,
	    .share = q->share,
	    .calls_ratio = calls_ratio,
	    .same_load = same_load,
	    .plan_change = same_load && q->ratio >= PLAN_RATIO,
	    .since_real_ns = q->since_real_ns};
}

/* False discovery control holds for one look, and there is one each minute: so what it
 * lets pass must show once more in a window of its own, unless it is obvious. */
static bool
confirmed(const struct pgt_regressions *r, struct query *q, double adjusted)
{
	bool large = q->ratio >= r->cfg.min_ratio && q->share >= r->cfg.min_share;

	if (!large || q->p > SUSPECT_P)
		q->suspect = 0;
	else if (q->suspect > 0 || adjusted <= r->cfg.fdr)
		q->suspect++;
	if (q->suspect == 0)
		return false;
	return q->p <= OBVIOUS_P || (q->suspect > r->cfg.window && q->p <= CONFIRM_P);
}

/* It ends after two windows' worth of calm, so that noise at the border does not
 * flicker. */
static void
decide(struct pgt_regressions *r, struct query *q, double adjusted,
       int64_t window_start_ns)
{
	if (isnan(q->p))
		return;
	if (q->regressed && (double)(window_start_ns - q->since_real_ns) / 1e9 >
				ACCEPT_MEMORIES * r->cfg.baseline_s) {
		q->regressed = false;
		q->n = 0; /* the new normal: learn anew */
		return;
	}
	if (!q->regressed) {
		bool first = q->suspect == 0;

		q->regressed = confirmed(r, q, adjusted);
		if (first && q->suspect > 0)
			q->since_real_ns = window_start_ns;
		q->calm = 0;
	} else {
		q->calm = q->ratio < 1 + (r->cfg.min_ratio - 1) / 2 ? q->calm + 1 : 0;
		if (q->calm >= CLEAR_ROUNDS * r->cfg.window)
			q->regressed = false;
		q->suspect = 0;
	}
	if (q->regressed)
		report(r, q, adjusted);
}

static int
by_weight(const void *a, const void *b)
{
	const struct pgt_query_regression *x = a, *y = b;
	double wx = x->share * (x->ratio - 1), wy = y->share * (y->ratio - 1);

	return (wx < wy) - (wx > wy);
}

static void
push(struct pgt_regressions *r, struct query *q, const struct point *pt, double keep)
{
	if (q->n_window == r->cfg.window) {
		/* The oldest leaves the window.  It is past only if nothing was amiss. */
		if (!q->regressed && !(q->p < SUSPECT_P && q->ratio > 1.05))
			graduate(q, &q->window[0], keep);
		memmove(q->window, q->window + 1,
			(size_t)(q->n_window - 1) * sizeof(*pt));
		q->n_window--;
	}
	q->window[q->n_window++] = *pt;
}

void
pgt_regressions_feed(struct pgt_regressions *r, int64_t real_ns, double seconds,
		     const struct pgt_query_interval *in, size_t n)
{
	double keep = exp(-seconds / r->cfg.baseline_s), all_ms = 0, *p, *adjusted;

	if (!(seconds > 0))
		return;
	for (size_t i = 0; i < n; i++) {
		const struct pgt_query_interval *v = &in[i];
		struct point pt = {.calls = v->calls,
				   .seconds = seconds,
				   .time_ms = v->calls * v->mean_ms};
		struct query *q;

		if (!(v->calls > 0) || !(v->mean_ms > 0) || !isfinite(v->mean_ms))
			continue;
		pt.log_mean = log(v->mean_ms);
		/* Without a variance assume a coefficient of variation of 1. */
		pt.var = (v->var_ok ? v->var_ms2 / (v->mean_ms * v->mean_ms) : 1) /
			 v->calls;
		q = find(r, v->key);
		q->queryid = v->queryid;
		q->last_real_ns = real_ns;
		push(r, q, &pt, keep);
	}

	for (size_t i = 0; i < r->n; i++)
		if (r->q[i].last_real_ns == real_ns)
			for (int j = 0; j < r->q[i].n_window; j++)
				all_ms += r->q[i].window[j].time_ms;
	p = pgt_xcalloc(2 * r->n + 1, sizeof(*p));
	adjusted = p + r->n;
	for (size_t i = 0; i < r->n; i++) {
		if (r->q[i].last_real_ns == real_ns)
			judge(r, &r->q[i], all_ms);
		p[i] = r->q[i].last_real_ns == real_ns ? r->q[i].p : NAN;
	}
	pgt_fdr_bh(p, r->n, adjusted);
	r->found = pgt_xreallocarray(r->found, r->n + 1, sizeof(*r->found));
	r->n_found = 0;
	for (size_t i = 0; i < r->n; i++)
		if (r->q[i].last_real_ns == real_ns)
			decide(r, &r->q[i], adjusted[i],
			       real_ns - (int64_t)(r->cfg.window * seconds * 1e9));
	free(p);
	qsort(r->found, r->n_found, sizeof(*r->found), by_weight);
}

const struct pgt_query_regression *
pgt_regressions_get(const struct pgt_regressions *r, size_t *ret_n)
{
	*ret_n = r->n_found;
	return r->found;
}
