/* What else happened around an onset.  Pure; any thread. */
#ifndef PG2UNE_DETECT_CAUSE_H
#define PG2UNE_DETECT_CAUSE_H

#include "pg2une/detect/result.h"

/* Rank events as causes of a change of family that began at onset_real_ns, known to
 * +-onset_err_ns; best first into ret, at most max.  Score: how often such an event
 * does that (a table in cause.c) * its weight * nearness in time; an event after the
 * onset's error is no cause. */
size_t pgt_causes_rank(const struct pgt_event *ev, size_t n, enum pgt_family family,
		       int64_t onset_real_ns, int64_t onset_err_ns, struct pgt_cause *ret,
		       size_t max);

#endif
