/* The whole of detection for one server: metrics, fusion of families, confirmation,
 * causes, alerts.  No I/O, no clock: all comes in by argument.  Owned by the engine's
 * thread. */
#ifndef PG2UNE_DETECT_DETECT_H
#define PG2UNE_DETECT_DETECT_H

#include "pg2une/detect/metric.h"
#include "pg2une/detect/regression.h"
#include "pg2une/detect/result.h"

enum pgt_detect_profile {
	PGT_PROFILE_BUDGET = 0, /* thresholds solved from the false-alarm budget */
	PGT_PROFILE_SEED, /* h 4.0 k 0.5; hit ratio 3.0/0.3: about 100 false alarms a week
			   */
};

struct pgt_detect_config {
	enum pgt_detect_profile profile;
	double budget_per_week; /* over all charts: 1 */
	double bucket_s;        /* 15 */
	size_t alerts_max;      /* kept: 128 */
	struct pgt_regression_config regression;
};

/* One second's plain numbers.  NaN marks what is not known. */
struct pgt_detect_sample {
	int64_t now_ns, real_ns;
	double value[PGT_METRIC__N];
	double load; /* covariate: calls or transactions per second; NaN unknown */
};

struct pgt_detect;

struct pgt_detect_config pgt_detect_defaults(void);
struct pgt_detect *pgt_detect_new(const struct pgt_detect_config *cfg);
void pgt_detect_free(struct pgt_detect *d);

/* Returns how many alerts were opened, ended or changed. */
int pgt_detect_feed(struct pgt_detect *d, const struct pgt_detect_sample *s);
/* Ten-minute means of an earlier time, in order: what an earlier run kept.  For the
 * hours of the week and for the forecast; nothing else learns from it. */
struct pgt_detect_past {
	int64_t real_ns;
	double value[PGT_METRIC__N]; /* NaN: not known */
};
void pgt_detect_past(struct pgt_detect *d, const struct pgt_detect_past *p, size_t n);
/* Per-statement intervals, about once a minute. */
int pgt_detect_feed_queries(struct pgt_detect *d, int64_t real_ns, double seconds,
			    const struct pgt_query_interval *q, size_t n);
/* Something happened; it is remembered for an hour as a possible cause.  RESTART,
 * FAILOVER and STATS_RESET also make the charts settle. */
void pgt_detect_event(struct pgt_detect *d, const struct pgt_event *ev);
/* What is remembered, in the order in which it was noticed.  Borrowed until the next. */
const struct pgt_event *pgt_detect_events(const struct pgt_detect *d, size_t *ret_n);

/* Newest last.  Borrowed until the next feed. */
const struct pgt_alert *pgt_detect_alerts(const struct pgt_detect *d, size_t *ret_n);
/* The operator's word on an open alert and its kind, to keep and to share; NULL when no
 * such alert is open.  A silence until 0 ends one.  Borrowed until the next word. */
const struct pgt_attend *pgt_detect_ack(struct pgt_detect *d, uint64_t id,
					int64_t now_real_ns);
const struct pgt_attend *pgt_detect_silence(struct pgt_detect *d, uint64_t id,
					    int64_t until_real_ns, int64_t now_real_ns);
/* A word that was kept, or said in another console; false: nothing new. */
bool pgt_detect_attend(struct pgt_detect *d, const struct pgt_attend *word);

/* For the analysis page and the rules. */
struct pgt_chart_state pgt_detect_chart(const struct pgt_detect *d, enum pgt_metric m);
const struct pgt_metric_track *pgt_detect_track(const struct pgt_detect *d,
						enum pgt_metric m);
struct pgt_confidence pgt_detect_confidence(const struct pgt_detect *d);
const struct pgt_usl *pgt_detect_usl(const struct pgt_detect *d);
/* Of the last run (each 5 minutes over 30): points of one metric, NULL if none. */
const struct pgt_change_point *pgt_detect_changepoints(const struct pgt_detect *d,
						       enum pgt_metric m, size_t *ret_n);
const struct pgt_query_regression *pgt_detect_regressions(const struct pgt_detect *d,
							  size_t *ret_n);
/* Expected value and 95 % range of a bucket at a past or present time, for drawing behind
 * a graph; false while nothing is known. */
bool pgt_detect_expected(const struct pgt_detect *d, enum pgt_metric m, int64_t real_ns,
			 double *ret_mid, double *ret_lo, double *ret_hi);
/* Forecast of the hour that begins h >= 1 hours after the last full one, with a 95 %
 * range; false below two days of data.  Renewed each 30 minutes. */
bool pgt_detect_forecast(const struct pgt_detect *d, enum pgt_metric m, size_t h,
			 double *ret_mid, double *ret_lo, double *ret_hi);
/* The forecast of the hour after the one that real_ns is in. */
bool pgt_detect_next_hour(const struct pgt_detect *d, enum pgt_metric m, int64_t real_ns,
			  double *ret_mid, double *ret_lo, double *ret_hi);
/* |value / expected - 1| by the seasonal baseline or forecast; NaN while unknown. */
double pgt_detect_seasonal(const struct pgt_detect *d, enum pgt_metric m);

#endif
