/* Counters of things that have an identity (tables, indexes, databases, I/O
 * rows): rates between two readings of the same thing.  A thing that is new, or
 * whose counters went back or were reset, has no rate yet. */
#ifndef PG2UNE_OBSERVE_REL_PRIV_H
#define PG2UNE_OBSERVE_REL_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBS_REL_MAX 16

struct obs_rel;

struct obs_rel *obs_rel_new(void);
void obs_rel_free(struct obs_rel *r);
void obs_rel_forget(struct obs_rel *r);
/* A new reading at this time and statistics epoch; then one call a thing. */
void obs_rel_begin(struct obs_rel *r, int64_t mono_ns, int64_t epoch_us);
/* Differences of n counters since the last reading into d (NAN without one);
 * returns the seconds between, NAN without one. */
double obs_rel_delta(struct obs_rel *r, uint64_t id, const double *v, double *d,
		     size_t n);
/* Ends the reading: things that were not seen are dropped. */
void obs_rel_end(struct obs_rel *r);

#endif
