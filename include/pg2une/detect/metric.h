/* One metric's pipeline: 1 s samples -> buckets -> log or logit -> given the load ->
 * minus the baseline -> AR(1) residual where it helps -> self-starting z -> winsorise
 * -> CUSUM, with a frozen baseline during an alarm and a rest after it.  One owner. */
#ifndef PG2UNE_DETECT_METRIC_H
#define PG2UNE_DETECT_METRIC_H

#include "pg2une/detect/cusum.h"
#include "pg2une/detect/result.h"
#include "pg2une/num/ring.h"

enum pgt_transform { PGT_TR_LOG, PGT_TR_LOGIT, PGT_TR_LINEAR };

struct pgt_metric_def {
	enum pgt_transform transform;
	enum pgt_cusum_sides sides; /* watched */
	enum pgt_cusum_sides bad;   /* a degradation */
	double floor;       /* LOG: added before the logarithm, in the metric's unit */
	double min_sd;      /* of a bucket, transformed units: below it nothing matters */
	double min_effect;  /* smallest shift worth an alarm, transformed units */
	double min_current; /* an upward alarm needs at least this, metric's unit */
	double max_current; /* a downward one at most this; 0: any */
	bool late;          /* no alarm while young */
	bool given_load;    /* judge by log(load): rising latency under rising load is no
			       news */
	double h_seed, k_seed; /* the profile of fixed thresholds */
};
/* NULL past the last. */
const struct pgt_metric_def *pgt_metric_def(enum pgt_metric m);

struct pgt_metric_config {
	double bucket_s;   /* 10..15 by default; 1 s is for display */
	double k;          /* allowance in deviations: 0.5 */
	double arl0;       /* in-control run length of one side in buckets: h is solved */
	double h;          /* used as it is when arl0 is 0 */
	double winsor;     /* 3 */
	double level_gain; /* weight of one bucket in the level: 0.005 */
	int early;         /* buckets before a doubling or halving may alarm: 8 */
	int warmup;        /* buckets before any alarm may be raised: 40 */
	int refractory;    /* buckets of rest after an alarm ended: 40 */
	int settle;        /* buckets ignored after a restart or reset: 8 */
	double accept_s;   /* an alarm this old is the new normal: 6 h */
};

struct pgt_metric_config pgt_metric_defaults(void);

enum pgt_metric_verdict {
	PGT_MV_NONE = 0,
	PGT_MV_BUCKET, /* a bucket was completed, nothing else */
	PGT_MV_ALARM,  /* a new alarm: see pgt_metric_alarm() */
	PGT_MV_NEAR,   /* at h - 2 or beyond: counts together with another family */
	PGT_MV_CLEARED,
	PGT_MV_ACCEPTED,
};

struct pgt_metric_alarm {
	int direction;
	int64_t onset_real_ns;
	double baseline, current; /* metric's unit; current: mean since the onset */
	double magnitude;         /* see struct pgt_alert */
	double shift_sd;          /* mean shift in marginal standard deviations */
	int post_n;               /* buckets since the onset */
};

struct pgt_metric_track;

/* cfg is copied, def is kept. */
struct pgt_metric_track *pgt_metric_new(const struct pgt_metric_def *def,
					const struct pgt_metric_config *cfg);
void pgt_metric_free(struct pgt_metric_track *t);
/* One sample.  load: a covariate (transactions or calls per second), <= 0 or NaN when
 * unknown.  An invalid sample is a gap.  now_ns is monotonic, real_ns the wall. */
enum pgt_metric_verdict pgt_metric_feed(struct pgt_metric_track *t, int64_t now_ns,
					int64_t real_ns, double value, bool valid,
					double load);
/* A ten-minute mean of an earlier time, in order, before the first sample: for the hours
 * of the week.  Metrics that are judged given the load learn nothing from it, as how they
 * go with the load is not known yet. */
void pgt_metric_past(struct pgt_metric_track *t, int64_t real_ns, double value);
/* A restart, failover or statistics reset: clears the sums, ignores `settle` buckets. */
void pgt_metric_disturbed(struct pgt_metric_track *t);
/* Details of the alarm that is on, or of the one that would be at NEAR. */
struct pgt_metric_alarm pgt_metric_alarm(const struct pgt_metric_track *t);
/* Raise the alarm that NEAR spoke of (fusion of families decided so); false when the
 * last bucket is no longer near. */
bool pgt_metric_force(struct pgt_metric_track *t);
/* .metric is left 0: the track does not know its name. */
struct pgt_chart_state pgt_metric_state(const struct pgt_metric_track *t);
/* Expected value and 95 % range of one bucket at a time, metric's unit; false while
 * nothing is known. */
bool pgt_metric_expected(const struct pgt_metric_track *t, int64_t real_ns,
			 double *ret_mid, double *ret_lo, double *ret_hi);
/* Completed buckets (metric's unit) and the larger of C+ and C-, for charts; time is
 * the wall's.  Borrowed. */
const struct pgt_ring *pgt_metric_buckets(const struct pgt_metric_track *t);
const struct pgt_ring *pgt_metric_cusums(const struct pgt_metric_track *t);

#endif
