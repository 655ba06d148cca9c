/* What the graphs show: one value a second of a few measures, for an hour.
 * Filled from snapshots; an interval without rates leaves a gap. */
#ifndef PG2UNE_UI_PLOT_PRIV_H
#define PG2UNE_UI_PLOT_PRIV_H

#include <stddef.h>
#include <stdint.h>

struct pgt_snapshot;
struct pgt_ev_alerts;

enum pgt_series {
	PGT_SERIES_TPS,
	PGT_SERIES_P50,
	PGT_SERIES_P95,
	PGT_SERIES_P99,
	PGT_SERIES_HIT,
	PGT_SERIES_ACTIVE,
	PGT_SERIES_WAITING,
	PGT_SERIES_BLOCKED,
	PGT_SERIES_WAL,
	PGT_SERIES_READ,
	PGT_SERIES_WRITE,
	PGT_SERIES_CPU,
	PGT_SERIES_LAG,
	PGT_SERIES_TPS_LO, /* the range that the detector expects */
	PGT_SERIES_TPS_HI,
	PGT_SERIES_P99_LO,
	PGT_SERIES_P99_HI,
	PGT_SERIES_N
};

struct pgt_plot;

struct pgt_plot *pgt_plot_new(void);
void pgt_plot_free(struct pgt_plot *h);
/* alerts may be NULL. */
void pgt_plot_add(struct pgt_plot *h, const struct pgt_snapshot *s,
		  const struct pgt_ev_alerts *alerts);

/* Fill out[n], newest last, with points so wide that n of them span at least
 * span_s seconds.  *ret_odd: the newest point is the first of its pair (struct
 * pgt_graph's shift).  Returns the width of a point in seconds. */
int pgt_plot_points(const struct pgt_plot *h, enum pgt_series series, int span_s,
		    float *out, size_t n, int *ret_odd);
/* The same points in time, true where an alert or event began. */
void pgt_plot_mark(struct pgt_plot *h, int64_t mono_ns);
void pgt_plot_marks(const struct pgt_plot *h, int span_s, unsigned char *out, size_t n);

#endif
