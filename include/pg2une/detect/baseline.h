/* What a metric is expected to be now: the median of the same hour of the week once
 * two weeks are known, on top of it (or alone, before) a level with trend that
 * follows slowly.  Works in transformed units.  One owner. */
#ifndef PG2UNE_DETECT_BASELINE_H
#define PG2UNE_DETECT_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#define PGT_HOURS_PER_WEEK 168
#define PGT_BASELINE_WEEKS 4 /* medians are over the last four weeks */

struct pgt_baseline;

/* lambda: weight of one new bucket in the level, 0..1. */
struct pgt_baseline *pgt_baseline_new(double lambda);
void pgt_baseline_free(struct pgt_baseline *b);
/* Expected value at real_ns (before learning that bucket); NaN while nothing is known. */
double pgt_baseline_at(const struct pgt_baseline *b, int64_t real_ns);
/* The seasonal part alone; NaN before two weeks. */
double pgt_baseline_season(const struct pgt_baseline *b, int64_t real_ns);
/* Learn one bucket.  Frozen: the seasonal medians still learn nothing. */
void pgt_baseline_learn(struct pgt_baseline *b, int64_t real_ns, double x);
/* Ten-minute values of an earlier time, in order, before anything is learned: the season
 * alone.  A constant error in them is the level's to make good. */
void pgt_baseline_past(struct pgt_baseline *b, int64_t real_ns, double x);
/* Level and trend as they are now, to restore after a change was found later. */
struct pgt_level {
	double level, trend, n;
};
struct pgt_level pgt_baseline_level(const struct pgt_baseline *b);
void pgt_baseline_set_level(struct pgt_baseline *b, struct pgt_level l);

#endif
