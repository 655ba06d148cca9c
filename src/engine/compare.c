/* Two windows compared: pure arithmetic. */
#include <math.h>
#include <stdio.h>

#include "pg2une/engine/measure.h"
#include "pg2une/num/dist.h"

#define MARGIN	    0.10 /* reference/pg2une.md section 7: over 10% is a regression */
#define MIN_BUCKETS 4
#define MIN_LATENCY 3 /* statements are read less often: each point covers more */
#define MIX_MAX	    0.30
/* Of so many expected calls that none comes has a probability below 5% (Poisson). */
#define CALLS_SURE 3

struct series {
	double mean, var; /* of the logarithms */
	double n;	  /* effective */
	size_t points;
};

static double
value_of(const struct pgt_bucket *b, int which)
{
	return which == 0 ? b->tps : which == 1 ? b->mean_ms : b->p99_ms;
}

/* The variance of a mean of correlated points is that of fewer free ones:
 * n (1 - r) / (1 + r) for AR(1) (Bartlett 1946). */
static void
read_series(const struct pgt_window *w, int which, struct series *ret)
{
	double x[PGT_MEASURE_BUCKETS], sum = 0, m2 = 0, lag = 0, r;
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		double v = value_of(&w->bucket[i], which);

		if (v > 0)
			x[n++] = log(v);
	}
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	ret->points = n;
	ret->mean = n ? sum / (double)n : NAN;
	for (size_t i = 0; i < n; i++) {
		m2 += (x[i] - ret->mean) * (x[i] - ret->mean);
		if (i)
			lag += (x[i] - ret->mean) * (x[i - 1] - ret->mean);
	}
	ret->var = n > 1 ? m2 / (double)(n - 1) : NAN;
	r = m2 > 0 ? lag / m2 : 0;
	r = r < 0 ? 0 : r > 0.6 ? 0.6 : r;
	ret->n = (double)n * (1 - r) / (1 + r);
	if (ret->n < 2)
		ret->n = 2;
}

static struct pgt_change_pct
compare(const struct pgt_window *before, const struct pgt_window *after, int which)
{
	struct pgt_change_pct c = {NAN, NAN, NAN};
	struct series a, b;
	size_t least = which == 0 ? MIN_BUCKETS : MIN_LATENCY;
	double se2, df, d, t;

	read_series(before, which, &a);
	read_series(after, which, &b);
	if (a.points < least || b.points < least)
		return c;
	d = b.mean - a.mean;
	se2 = a.var / a.n + b.var / b.n;
	df = se2 * se2 /
	     (a.var * a.var / (a.n * a.n * (a.n - 1)) +
	      b.var * b.var / (b.n * b.n * (b.n - 1)));
	t = se2 > 0 ? pgt_t_quantile(0.975, df) * sqrt(se2) : 0;
	c.mid = expm1(d);
	c.lo = expm1(d - t);
	c.hi = expm1(d + t);
	return c;
}

static double
share_in(const struct pgt_window *w, int64_t key)
{
	for (size_t i = 0; i < w->n_keys; i++)
		if (w->key[i] == key)
			return w->share[i];
	return 0;
}

static double
mix_distance(const struct pgt_window *a, const struct pgt_window *b)
{
	double sum = 0;

	for (size_t i = 0; i < a->n_keys; i++)
		sum += fabs(a->share[i] - share_in(b, a->key[i]));
	for (size_t i = 0; i < b->n_keys; i++)
		if (share_in(a, b->key[i]) == 0)
			sum += b->share[i];
	return sum / 2;
}

double
pgt_window_mix_noise(const struct pgt_window *ref, const struct pgt_window *w)
{
	double sum = 0, var;

	if (!(ref->calls > 0) || !(w->calls > 0))
		return 0;
	var = 1 / ref->calls + 1 / w->calls;
	/* half the sum of E|normal| = sqrt(2/pi) standard deviations */
	for (size_t i = 0; i < ref->n_keys; i++)
		sum += sqrt(M_2_PI * ref->share[i] * (1 - ref->share[i]) * var);
	return sum / 2;
}

double
pgt_window_standard_ms(const struct pgt_window *ref, const struct pgt_window *w)
{
	double sum = 0, rest = 1, rest_ms = ref->mean_ms;
	double calls = fmin(ref->calls, w->calls);

	if (ref->n_keys == 0 || w->n_keys == 0)
		return w->mean_ms;
	for (size_t i = 0; i < ref->n_keys; i++) {
		double ms = ref->key_ms[i];
		size_t k = 0;

		rest -= ref->share[i];
		rest_ms -= ref->share[i] * ms;
		while (k < w->n_keys && w->key[k] != ref->key[i])
			k++;
		if (k < w->n_keys)
			ms = w->key_ms[k];
		else if (ref->share[i] * ms > 0.1 * ref->mean_ms &&
			 ref->share[i] * calls >= CALLS_SURE)
			return NAN;
		sum += ref->share[i] * ms;
	}
	/* What is too rare for the list, as it was. */
	return sum + (rest > 1e-9 ? fmax(0, rest_ms) : 0);
}

static void
judge(const struct pgt_window *before, const struct pgt_window *after,
      struct pgt_comparison *c)
{
	bool have_p99 = !isnan(c->p99.mid);
	/* Without statements there is no latency: then nothing is known of it. */
	const struct pgt_change_pct *lat = have_p99 ? &c->p99 : &c->mean;

	c->verdict = PGT_VERDICT_UNKNOWN;
	if (before->gaps > PGT_MEASURE_GAPS || after->gaps > PGT_MEASURE_GAPS)
		snprintf(c->text, sizeof(c->text),
			 "the server or its statistics were interrupted");
	else if (isnan(c->tps.mid) || isnan(lat->mid))
		snprintf(c->text, sizeof(c->text),
			 "too few samples (%zu before, %zu after)%s", before->n, after->n,
			 isnan(lat->mid)
			     ? ", too little of the latency (pg_stat_statements)"
			     : "");
	else if (c->mix_distance > MIX_MAX)
		snprintf(c->text, sizeof(c->text),
			 "another load: %.0f%% of the calls are of other statements",
			 100 * c->mix_distance);
	else {
		bool worse = c->tps.hi < -MARGIN || lat->lo > MARGIN;
		bool fine = c->tps.lo > -MARGIN && lat->hi < MARGIN;

		c->verdict = worse ? PGT_VERDICT_FAIL
			     : fine ? PGT_VERDICT_PASS
				    : PGT_VERDICT_INCONCLUSIVE;
		snprintf(c->text, sizeof(c->text),
			 "TPS %+.1f%% [%+.1f, %+.1f], p99~ %+.1f%% [%+.1f, %+.1f]",
			 100 * c->tps.mid, 100 * c->tps.lo, 100 * c->tps.hi,
			 100 * lat->mid, 100 * lat->lo, 100 * lat->hi);
	}
}

void
pgt_measure_compare(const struct pgt_window *before, const struct pgt_window *after,
		    struct pgt_comparison *ret)
{
	*ret = (struct pgt_comparison){
	    .tps = compare(before, after, 0),
	    .mean = compare(before, after, 1),
	    .p99 = compare(before, after, 2),
	    .mix_distance = mix_distance(before, after),
	};
	ret->improvement_pct = 100 * (0.6 * ret->tps.mid - 0.4 * ret->p99.mid);
	judge(before, after, ret);
}

static void
put_change(cJSON *top, const char *name, const struct pgt_change_pct *c)
{
	cJSON *o = pgt_json_obj(top, name);

	pgt_json_num(o, "change_pct", 100 * c->mid);
	pgt_json_num(o, "low_pct", 100 * c->lo);
	pgt_json_num(o, "high_pct", 100 * c->hi);
}

cJSON *
pgt_comparison_json(const struct pgt_comparison *c)
{
	cJSON *o = cJSON_CreateObject();

	pgt_json_str(o, "verdict", pgt_verdict_name(c->verdict));
	pgt_json_str(o, "text", c->text);
	pgt_json_num(o, "improvement_pct", c->improvement_pct);
	pgt_json_num(o, "mix_distance", c->mix_distance);
	put_change(o, "tps", &c->tps);
	put_change(o, "latency_mean", &c->mean);
	put_change(o, "latency_p99", &c->p99);
	return o;
}

cJSON *
pgt_window_json(const struct pgt_window *w)
{
	cJSON *o = cJSON_CreateObject();

	pgt_json_num(o, "tps", w->tps);
	pgt_json_num(o, "latency_mean", w->mean_ms);
	pgt_json_num(o, "latency_p99", w->p99_ms);
	pgt_json_num(o, "buffer_hit_ratio", w->hit_ratio);
	pgt_json_num(o, "temp_bytes", w->temp_bytes);
	pgt_json_i64(o, "samples", (int64_t)w->n);
	pgt_json_i64(o, "gaps", (int64_t)w->gaps);
	return o;
}
