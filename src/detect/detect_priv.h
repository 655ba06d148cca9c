/* One detector's state, shared by detect.c and detect_queries.c. */
#ifndef PG2UNE_DETECT_DETECT_PRIV_H
#define PG2UNE_DETECT_DETECT_PRIV_H

#include "attend_priv.h"
#include "confirm_priv.h"
#include "pg2une/detect/detect.h"

#define EVENTS_MAX 256

struct pgt_detect {
	struct pgt_detect_config cfg;
	struct pgt_metric_track *track[PGT_METRIC__N];
	int64_t near_ns[PGT_METRIC__N]; /* last time at h - 2; 0 never */
	double load;

	struct pgt_alert *alert; /* oldest first */
	uint32_t *active;        /* metrics of each alert still alarmed */
	size_t n_alerts;
	uint64_t last_id;

	struct pgt_event event[EVENTS_MAX];
	size_t n_events;

	struct pgt_regressions *queries;
	struct confirm confirm;
	struct attends attends;
};

/* The index of a new open alert; when there is no room, the oldest ended one goes. */
size_t pgt_detect_new_alert(struct pgt_detect *d);
/* What happened near a's onset, the most plausible first. */
void pgt_detect_rank_causes(struct pgt_detect *d, struct pgt_alert *a);

#endif
