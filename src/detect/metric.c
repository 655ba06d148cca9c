#include "pg2une/detect/metric.h"

#include <math.h>
#include <stdlib.h>

#include "metric_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/baseline.h"
#include "pg2une/detect/selfstart.h"
#include "pg2une/num/moments.h"

#define CHART_BUCKETS 960 /* kept for charts: 4 h of 15 s */
#define TRAIL         128 /* residuals kept to date an onset */
#define AR_MEMORY     1000.0
#define AR_MIN        0.15 /* below, whitening costs more than it brings */
#define AR_MAX        0.60 /* above, wider buckets do better */
#define AR_ENOUGH     240  /* residuals behind a decision to widen */
#define AGG_MAX       8
#define LOAD_MEMORY   4000.0
#define LOAD_ENOUGH   120
#define LOAD_SD_MIN   0.02 /* log units: a steady load explains nothing */
#define LOAD_SLOPE    2.0
#define SD_MEMORY     4000.0
#define RECENT        0.15 /* weight of a bucket in the mean that may clear an alarm */
#define CALM_BUCKETS  8
#define CALM_FRACTION 0.4
#define POST_MIN      3    /* buckets that a shift must have been seen in */
#define EARLY_EFFECT  M_LN2 /* doubled or halved: all that is believed of a young chart */

struct accum {
	double sum, load;
	int n, n_load, bad;
	int64_t real_ns; /* wall time of the start */
};

struct pgt_metric_track {
	const struct pgt_metric_def *def;
	struct pgt_metric_config cfg;
	enum pgt_chart_phase phase;

	int agg; /* configured buckets in one used bucket */
	int64_t end_ns;
	struct accum acc;

	struct pgt_baseline *base;
	struct pgt_selfstart self;
	struct pgt_cusum cusum;
	struct pgt_level level_up, level_down; /* when C+, C- were last zero */
	double phi, ar_n, c0, c1, d_prev;
	bool have_prev;
	struct {
		double n, mx, my, sxx, sxy;
	} load;
	double slope, load_now;
	double value, z;

	struct pgt_ring values, cusums, trail;
	struct pgt_metric_alarm alarm;
	double pre_level, post_sum, recent;
	int64_t alarmed_ns;
	int calm, rest, skip, learned;
	bool near;
};

static void
set_threshold(struct pgt_metric_track *t)
{
	double h = t->cfg.h;

	/* Wider buckets are fewer: the budget per week is what stays. */
	if (t->cfg.arl0 > 0)
		h = pgt_cusum_threshold(t->cfg.k, t->cfg.arl0 / t->agg);
	pgt_cusum_init(&t->cusum, t->cfg.k, h, t->def->sides);
}

struct pgt_metric_track *
pgt_metric_new(const struct pgt_metric_def *def, const struct pgt_metric_config *cfg)
{
	struct pgt_metric_track *t = pgt_xcalloc(1, sizeof(*t));

	t->def = def;
	t->cfg = *cfg;
	t->agg = 1;
	t->base = pgt_baseline_new(cfg->level_gain);
	t->value = NAN;
	pgt_selfstart_init(&t->self, SD_MEMORY);
	set_threshold(t);
	pgt_ring_init(&t->values, CHART_BUCKETS);
	pgt_ring_init(&t->cusums, CHART_BUCKETS);
	pgt_ring_init(&t->trail, TRAIL);
	return t;
}

void
pgt_metric_free(struct pgt_metric_track *t)
{
	if (!t)
		return;
	pgt_baseline_free(t->base);
	pgt_ring_done(&t->values);
	pgt_ring_done(&t->cusums);
	pgt_ring_done(&t->trail);
	free(t);
}

/* Deviation of one bucket around the baseline. */
static double
marginal_sd(const struct pgt_metric_track *t)
{
	return fmax(sqrt(t->c0), t->def->min_sd);
}

/* ---- given the load -------------------------------------------------------- */

/* What the load explains of x.  A falling slope is never used: in a closed loop
 * throughput falls because latency rises, and would explain the harm away. */
static double
explained(const struct pgt_metric_track *t, double log_load)
{
	if (!t->def->given_load || isnan(log_load) || t->load.n < LOAD_ENOUGH)
		return 0;
	return t->slope * (log_load - t->load.mx);
}

static void
learn_load(struct pgt_metric_track *t, double log_load, double x)
{
	double w, dx, dy, var;

	if (!t->def->given_load || isnan(log_load))
		return;
	t->load.n = fmin(t->load.n + 1, LOAD_MEMORY);
	w = 1 / t->load.n;
	dx = log_load - t->load.mx;
	dy = x - t->load.my;
	t->load.mx += w * dx;
	t->load.my += w * dy;
	t->load.sxx = (1 - w) * (t->load.sxx + w * dx * dx);
	t->load.sxy = (1 - w) * (t->load.sxy + w * dx * dy);
	var = t->load.sxx;
	t->slope = var > LOAD_SD_MIN * LOAD_SD_MIN ? t->load.sxy / var : 0;
	t->slope = fmin(fmax(t->slope, 0), LOAD_SLOPE);
}

/* ---- autocorrelation ------------------------------------------------------- */

static bool
is_young(const struct pgt_metric_track *t)
{
	return t->phase == PGT_CHART_LEARNING && !t->def->late &&
	       t->learned >= t->cfg.early;
}

/* A young chart clips by what the standardisation knows: unclipped, a change so early
 * would at once be a good part of the level. */
static double
clip(const struct pgt_metric_track *t, double d)
{
	double sd = t->ar_n >= 20
			? marginal_sd(t)
			: fmax(sqrt(pgt_moments_var(&t->self.m)), t->def->min_sd);
	double most = t->cfg.winsor * sd;

	return t->ar_n >= 20 || is_young(t) ? fmin(fmax(d, -most), most) : d;
}

/* phi from the lag-one products; the correction undoes the small-sample bias
 * -(1 + 3 phi) / n (Kendall 1954). */
static void
learn_ar(struct pgt_metric_track *t, double d)
{
	double w, phi;

	t->ar_n = fmin(t->ar_n + 1, AR_MEMORY);
	w = 1 / t->ar_n;
	t->c0 += w * (d * d - t->c0);
	if (t->have_prev)
		t->c1 += w * (d * t->d_prev - t->c1);
	if (t->ar_n < 20 || !(t->c0 > 0))
		return;
	phi = t->c1 / t->c0;
	phi += (1 + 3 * phi) / t->ar_n;
	t->phi = phi < AR_MIN ? 0 : fmin(phi, AR_MAX);
}

/* A series too sluggish to whiten is looked at less often. */
static bool
widen(struct pgt_metric_track *t)
{
	if (t->ar_n < AR_ENOUGH || t->c1 < (AR_MAX + 0.05) * t->c0 || t->agg >= AGG_MAX)
		return false;
	/* Of a series that stands still, or nearly, the correlation says nothing. */
	if (t->c0 <= t->def->min_sd * t->def->min_sd)
		return false;
	t->agg *= 2;
	t->ar_n = t->c0 = t->c1 = t->phi = 0;
	t->have_prev = false;
	t->learned = 0;
	t->phase = PGT_CHART_LEARNING;
	pgt_selfstart_init(&t->self, SD_MEMORY);
	pgt_ring_clear(&t->trail);
	set_threshold(t);
	return true;
}

/* ---- alarms ---------------------------------------------------------------- */

/* The likeliest first bucket of the shift: for a shift of unknown size in noise of
 * known size the gain of likelihood is S^2 / 2m over the last m residuals. */
static size_t
onset_index(const struct pgt_metric_track *t, int dir, uint64_t len)
{
	size_t n = t->trail.len, best = n - 1, most = len + 5 < n ? (size_t)len + 5 : n;
	double sum = 0, gain = -1;

	for (size_t m = 1; m <= most; m++) {
		sum += dir * clip(t, pgt_ring_at(&t->trail, n - m).v);
		if (sum > 0 && sum * sum / (double)m > gain) {
			gain = sum * sum / (double)m;
			best = n - m;
		}
	}
	return best;
}

static double
relative(const struct pgt_metric_def *def, double current, double baseline)
{
	if (def->transform == PGT_TR_LOG && baseline > 0)
		return current / baseline - 1;
	return current - baseline;
}

/* Fill in the alarm that would be raised for direction dir. */
static void
describe(struct pgt_metric_track *t, int dir)
{
	uint64_t len = dir > 0 ? t->cusum.up_len : t->cusum.down_len;
	size_t from = onset_index(t, dir, len), n = t->trail.len - from;
	struct pgt_level then = dir > 0 ? t->level_up : t->level_down;
	int64_t at = pgt_ring_at(&t->trail, from).t_ns;
	double mid = pgt_baseline_at(t->base, at), sum = 0;
	/* The level has followed a little of the shift since: add that back. */
	double followed = pgt_baseline_level(t->base).level - then.level;

	for (size_t i = from; i < t->trail.len; i++)
		sum += pgt_ring_at(&t->trail, i).v;
	t->post_sum = sum;
	t->alarm = (struct pgt_metric_alarm){.direction = dir,
					     .onset_real_ns = at,
					     .post_n = (int)n,
					     .shift_sd = sum / (double)n /
							 marginal_sd(t)};
	if (then.n > 0 && len < TRAIL)
		mid -= followed;
	t->alarm.baseline = metric_backward(t->def, mid);
	t->alarm.current = metric_backward(t->def, mid + sum / (double)n);
	t->alarm.magnitude = relative(t->def, t->alarm.current, t->alarm.baseline);
}

/* A mean may be one bucket's doing: at least half of them must be off by this much. */
static bool
most_show_it(const struct pgt_metric_track *t, double off)
{
	size_t n = (size_t)t->alarm.post_n, shown = 0;

	for (size_t i = t->trail.len - n; i < t->trail.len; i++)
		shown += t->alarm.direction * pgt_ring_at(&t->trail, i).v >= off;
	return 2 * shown >= n;
}

static bool
matters(const struct pgt_metric_track *t)
{
	double shift = fabs(t->post_sum / t->alarm.post_n), least = t->def->min_effect;

	if (is_young(t))
		least = fmax(2 * least, EARLY_EFFECT);
	if (shift < least || !most_show_it(t, least / 2))
		return false;
	if (t->alarm.direction > 0)
		return t->alarm.current >= t->def->min_current;
	return !(t->def->max_current > 0) || t->alarm.current <= t->def->max_current;
}

static void
raise_alarm(struct pgt_metric_track *t)
{
	struct pgt_level then = t->alarm.direction > 0 ? t->level_up : t->level_down;

	t->phase = PGT_CHART_ALARMED;
	t->recent = t->post_sum / t->alarm.post_n;
	t->calm = 0;
	/* Forget what the level learned of the shift, and learn no more. */
	if (then.n > 0)
		pgt_baseline_set_level(t->base, then);
	t->near = false;
}

static void
end_alarm(struct pgt_metric_track *t)
{
	t->phase = PGT_CHART_REFRACTORY;
	t->rest = t->cfg.refractory;
	t->have_prev = false;
	pgt_cusum_reset(&t->cusum);
	pgt_ring_clear(&t->trail);
}

/* One bucket while alarmed: d against the frozen baseline. */
static enum pgt_metric_verdict
follow_alarm(struct pgt_metric_track *t, int64_t now_ns, int64_t real_ns, double d)
{
	double mid = pgt_baseline_at(t->base, real_ns), shift;

	t->post_sum += d;
	t->alarm.post_n++;
	shift = t->post_sum / t->alarm.post_n;
	t->alarm.current = metric_backward(t->def, mid + shift);
	t->alarm.magnitude = relative(t->def, t->alarm.current,
				      metric_backward(t->def, mid));
	t->alarm.shift_sd = shift / marginal_sd(t);
	t->recent += RECENT * (d - t->recent);
	t->calm = t->recent * t->alarm.direction < CALM_FRACTION * fabs(shift)
		      ? t->calm + 1
		      : 0;
	if (t->calm >= CALM_BUCKETS) {
		end_alarm(t);
		return PGT_MV_CLEARED;
	}
	if ((double)(now_ns - t->alarmed_ns) / 1e9 >= t->cfg.accept_s) {
		struct pgt_level l = pgt_baseline_level(t->base);

		l.level += t->recent;
		l.trend = 0;
		pgt_baseline_set_level(t->base, l);
		end_alarm(t);
		return PGT_MV_ACCEPTED;
	}
	return PGT_MV_BUCKET;
}

/* ---- buckets --------------------------------------------------------------- */

static void
learn(struct pgt_metric_track *t, int64_t real_ns, double mid, double d, double log_load,
      double x)
{
	pgt_baseline_learn(t->base, real_ns, mid + clip(t, d));
	learn_load(t, log_load, x);
	learn_ar(t, clip(t, d));
}

static enum pgt_metric_verdict
watch(struct pgt_metric_track *t, int64_t now_ns)
{
	int fired = pgt_cusum_step(&t->cusum, t->z), dir;
	double most;

	if (t->cusum.up_len == 0)
		t->level_up = pgt_baseline_level(t->base);
	if (t->cusum.down_len == 0)
		t->level_down = pgt_baseline_level(t->base);
	if (fired) {
		describe(t, fired);
		/* A sum that a drift too small to act on had filled, and one bucket far
		 * off: whether that one stands for more is seen in the next. */
		if (t->alarm.post_n < POST_MIN)
			return PGT_MV_BUCKET;
		if (matters(t)) {
			t->alarmed_ns = now_ns;
			raise_alarm(t);
			return PGT_MV_ALARM;
		}
		/* Real but too small to act on: let the baseline follow it. */
		pgt_cusum_reset(&t->cusum);
		return PGT_MV_BUCKET;
	}
	dir = (t->def->sides & PGT_CUSUM_UP) &&
		      (t->cusum.up >= t->cusum.down || t->def->sides == PGT_CUSUM_UP)
		  ? 1
		  : -1;
	most = dir > 0 ? t->cusum.up : t->cusum.down;
	t->near = false;
	if (most >= t->cusum.h - 2) {
		describe(t, dir);
		t->near = t->alarm.post_n >= POST_MIN && matters(t);
		t->alarmed_ns = now_ns;
	}
	return t->near ? PGT_MV_NEAR : PGT_MV_BUCKET;
}

static double
winsorise(const struct pgt_metric_track *t, double z)
{
	return fmin(fmax(z, -t->cfg.winsor), t->cfg.winsor);
}

/* One bucket of transformed value x. */
static enum pgt_metric_verdict
bucket(struct pgt_metric_track *t, int64_t now_ns, int64_t real_ns, double x,
       double log_load)
{
	double y = x - explained(t, log_load), mid = pgt_baseline_at(t->base, real_ns), d,
	       e;
	enum pgt_metric_verdict v = PGT_MV_BUCKET;

	if (isnan(mid)) {
		pgt_baseline_learn(t->base, real_ns, y);
		t->phase = PGT_CHART_LEARNING;
		return PGT_MV_BUCKET;
	}
	d = y - mid;
	pgt_ring_put(&t->trail, real_ns, d);
	e = t->have_prev ? d - t->phi * t->d_prev : NAN;
	if (t->phase == PGT_CHART_ALARMED) {
		t->z = winsorise(
		    t, pgt_selfstart_peek(&t->self, isnan(e) ? d : e, t->def->min_sd));
		t->d_prev = clip(t, d);
		t->have_prev = true;
		return follow_alarm(t, now_ns, real_ns, d);
	}
	if (!isnan(e)) {
		t->z = winsorise(
		    t, pgt_selfstart_step(&t->self, e, t->cfg.winsor, t->def->min_sd));
		t->learned++;
		if (t->phase == PGT_CHART_WATCHING)
			v = watch(t, now_ns);
		else if (t->rest > 0)
			t->rest--;
		else if (t->learned >= t->cfg.warmup)
			t->phase = PGT_CHART_WATCHING;
		else if (is_young(t))
			v = watch(t, now_ns);
	}
	if (v == PGT_MV_ALARM)
		return v;
	learn(t, real_ns, mid, d, log_load, x);
	t->d_prev = clip(t, d);
	t->have_prev = true;
	widen(t);
	return v;
}

static enum pgt_metric_verdict
close_bucket(struct pgt_metric_track *t)
{
	struct accum a = t->acc;
	enum pgt_metric_verdict v;
	double log_load, value;

	t->acc = (struct accum){0};
	if (a.n == 0 || a.n < a.bad) {
		t->have_prev = false;
		return PGT_MV_NONE;
	}
	value = a.sum / a.n;
	if (t->skip > 0) {
		t->skip--;
		return PGT_MV_NONE;
	}
	log_load = a.n_load ? log(a.load / a.n_load) : NAN;
	t->value = value;
	t->load_now = log_load;
	v = bucket(t, t->end_ns, a.real_ns, metric_forward(t->def, value), log_load);
	pgt_ring_put(&t->values, a.real_ns, value);
	pgt_ring_put(&t->cusums, a.real_ns, fmax(t->cusum.up, t->cusum.down));
	return v;
}

void
pgt_metric_past(struct pgt_metric_track *t, int64_t real_ns, double value)
{
	if (!t->def->given_load && isfinite(value))
		pgt_baseline_past(t->base, real_ns, metric_forward(t->def, value));
}

enum pgt_metric_verdict
pgt_metric_feed(struct pgt_metric_track *t, int64_t now_ns, int64_t real_ns, double value,
		bool valid, double load)
{
	int64_t width = (int64_t)(t->cfg.bucket_s * 1e9) * t->agg;
	enum pgt_metric_verdict v = PGT_MV_NONE;

	if (t->end_ns == 0)
		t->end_ns = (now_ns / width + 1) * width;
	if (now_ns >= t->end_ns) {
		v = close_bucket(t);
		width = (int64_t)(t->cfg.bucket_s * 1e9) *
			t->agg; /* it may have widened */
		if (now_ns >= t->end_ns + width)
			t->have_prev = false; /* a hole: no neighbour to correlate with */
		t->end_ns = (now_ns / width + 1) * width;
	}
	if (t->acc.n + t->acc.bad == 0)
		t->acc.real_ns = real_ns;
	if (!valid || !isfinite(value)) {
		t->acc.bad++;
		return v;
	}
	t->acc.n++;
	t->acc.sum += value;
	if (load > 0) {
		t->acc.n_load++;
		t->acc.load += load;
	}
	return v;
}

void
pgt_metric_disturbed(struct pgt_metric_track *t)
{
	t->acc = (struct accum){0};
	t->have_prev = false;
	if (t->phase == PGT_CHART_ALARMED)
		return;
	pgt_cusum_reset(&t->cusum);
	t->near = false;
	t->skip = t->cfg.settle;
}

struct pgt_metric_alarm
pgt_metric_alarm(const struct pgt_metric_track *t)
{
	return t->alarm;
}

bool
pgt_metric_force(struct pgt_metric_track *t)
{
	if (!t->near)
		return false;
	raise_alarm(t);
	return true;
}

/* ---- views ----------------------------------------------------------------- */

bool
pgt_metric_expected(const struct pgt_metric_track *t, int64_t real_ns, double *ret_mid,
		    double *ret_lo, double *ret_hi)
{
	double mid = pgt_baseline_at(t->base, real_ns), half = 1.96 * marginal_sd(t);

	if (isnan(mid) || t->ar_n < 20)
		return false;
	mid += explained(t, t->load_now);
	*ret_mid = metric_backward(t->def, mid);
	*ret_lo = metric_backward(t->def, mid - half);
	*ret_hi = metric_backward(t->def, mid + half);
	return true;
}

struct pgt_chart_state
pgt_metric_state(const struct pgt_metric_track *t)
{
	struct pgt_chart_state s = {
	    .phase = t->phase,
	    .value = t->value,
	    .expected = NAN,
	    .lo = NAN,
	    .hi = NAN,
	    .z = t->z,
	    .cusum_up = t->cusum.up,
	    .cusum_down = t->cusum.down,
	    .h = t->cusum.h,
	    .k = t->cusum.k,
	    .arl0 = t->cfg.arl0 > 0 ? t->cfg.arl0 / t->agg
				    : pgt_cusum_arl(t->cusum.k, t->cusum.h, 0),
	    .phi = t->phi,
	    .load_slope = t->slope,
	    .bucket_s = t->cfg.bucket_s * t->agg,
	    .n = t->self.m.n};
	size_t n = t->values.len;

	if (n > 0) {
		int64_t at = pgt_ring_at(&t->values, n - 1).t_ns;

		pgt_metric_expected(t, at, &s.expected, &s.lo, &s.hi);
		s.seasonal = !isnan(pgt_baseline_season(t->base, at));
	}
	return s;
}

const struct pgt_ring *
pgt_metric_buckets(const struct pgt_metric_track *t)
{
	return &t->values;
}

const struct pgt_ring *
pgt_metric_cusums(const struct pgt_metric_track *t)
{
	return &t->cusums;
}
