/* Slow second opinions: change points, scalability, forecast. */
#ifndef PGT_DETECT_CONFIRM_PRIV_H
#define PGT_DETECT_CONFIRM_PRIV_H

#include "pg2une/detect/forecast.h"
#include "pg2une/detect/metric.h"
#include "pg2une/detect/result.h"

#define CONFIRM_POINTS 8   /* change points kept per metric */
#define HOURS_KEPT     504 /* three weeks */

struct hourly {
	struct pgt_ring hours; /* log means of full hours; time: the hour's start */
	int64_t hour;
	double sum;
	int n;
	struct pgt_holt_winters hw; /* n 0: none */
	int64_t hw_after;           /* start of the last hour that it knows */
};

struct confirm {
	int64_t next_ns, next_forecast_ns;
	struct pgt_change_point point[PGT_METRIC__N][CONFIRM_POINTS];
	size_t n_points[PGT_METRIC__N];
	struct pgt_usl usl;
	struct hourly hourly[PGT_METRIC__N];
};

void confirm_init(struct confirm *c);
void confirm_done(struct confirm *c);
/* Called at each second; the work is done each 5 and 30 minutes.  True when it was. */
bool confirm_feed(struct confirm *c, struct pgt_metric_track *const *track,
		  int64_t now_ns, int64_t real_ns, const double *value);
/* Ten-minute means of earlier hours, in order, between the two; what this hour has so far
 * stays.  The forecast is made anew at the end. */
void confirm_past_begin(struct confirm *c, struct hourly *ret_now);
void confirm_past(struct confirm *c, int64_t real_ns, const double *value);
void confirm_past_end(struct confirm *c, const struct hourly *now);
double confirm_change_magnitude(const struct confirm *c);
bool confirm_forecast(const struct confirm *c, enum pgt_metric m, size_t h, double *mid,
		      double *lo, double *hi);

#endif
