/* What the detectors of this build make of a history that was kept: its seconds go
 * through them again.  By hand:
 *   replay HISTORY.db    one line an alert, then how long it was and how many there were */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/detect.h"
#include "pg2une/engine/history.h"
#include "pg2une/store/store.h"

static void
feed(struct pgt_detect *d, const struct pgt_hist_point *p, int phase)
{
	struct pgt_detect_sample s = {.now_ns = p->t_ms * PGT_NS_PER_MS + phase * PGT_NS_PER_S,
				      .real_ns = p->t_ms * PGT_NS_PER_MS,
				      .load = p->v[PGT_H_TPS]};

	for (int m = 0; m < PGT_METRIC__N; m++)
		s.value[m] = NAN;
	s.value[PGT_METRIC_TPS] = p->v[PGT_H_TPS];
	s.value[PGT_METRIC_LATENCY_MEAN] = p->v[PGT_H_MEAN];
	s.value[PGT_METRIC_LATENCY_P99] = p->v[PGT_H_P99];
	s.value[PGT_METRIC_HIT_RATIO] = p->v[PGT_H_HIT];
	s.value[PGT_METRIC_LOCK_WAITS] = p->v[PGT_H_BLOCKED];
	s.value[PGT_METRIC_ACTIVE_SESSIONS] = p->v[PGT_H_ACTIVE];
	s.value[PGT_METRIC_TEMP_BYTES] = p->v[PGT_H_TEMP];
	s.value[PGT_METRIC_WAL_BYTES] = p->v[PGT_H_WAL];
	s.value[PGT_METRIC_ERROR_RATE] = p->v[PGT_H_ERRORS];
	pgt_detect_feed(d, &s);
}

static size_t
replay(const struct pgt_hist_point *p, size_t n, int phase)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_detect *d = pgt_detect_new(&cfg);
	const struct pgt_alert *a;
	char when[40];
	size_t alerts;

	for (size_t i = 0; i < n; i++)
		feed(d, &p[i], phase);
	a = pgt_detect_alerts(d, &alerts);
	for (size_t i = 0; i < alerts; i++)
		printf("  phase %d: %s %s %s %+.3f\n", phase,
		       pgt_clock_iso8601(a[i].detected_real_ns, when, sizeof(when)),
		       pgt_metric_name(a[i].metric), a[i].direction > 0 ? "up" : "down",
		       a[i].magnitude);
	pgt_detect_free(d);
	return alerts;
}

int
main(int argc, char **argv)
{
	struct pgt_hist_point *p;
	struct pgt_err err = {0};
	struct pgt_store *st;
	size_t n, alerts = 0;

	/* the one node of a history that one console kept */
	if (argc != 2 || pgt_store_open(argv[1], &st, &err) < 0 ||
	    pgt_store_get_system(st, 1, 1, 0, INT64_MAX, &p, &n, &err) < 0) {
		fprintf(stderr, "replay HISTORY.db: %s\n", err.msg);
		return 2;
	}
	/* where a bucket of 15 s begins is chance: each second is tried */
	for (int phase = 0; phase < 15; phase++)
		alerts += replay(p, n, phase);
	printf("%zu alerts in 15 replays of %.1f minutes\n", alerts,
	       n ? (double)(p[n - 1].t_ms - p[0].t_ms) / 60000 : 0);
	free(p);
	pgt_store_close(st);
	return 0;
}
