/* The state behind the events that differences between snapshots tell of. */
#ifndef PGT_DETECT_WATCH_PRIV_H
#define PGT_DETECT_WATCH_PRIV_H

#include "pg2une/detect/detect.h"
#include "pg2une/observe/snapshot.h"

#define SEEN_MAX 256 /* names or pids remembered; beyond, the oldest go */

/* A ring of hashes already told of. */
struct seen {
	uint64_t hash[SEEN_MAX];
	size_t n, at;
};

struct watch_events {
	const struct pgt_snapshot *settings; /* last that held each; references */
	const struct pgt_snapshot *tables;
	int64_t start_real_ns, conf_load_real_ns, first_mono_ns;
	struct seen apps, queries, vacuums, ddl, ddl_rows, locks;
};

uint64_t watch_hash(uint64_t h, const void *data, size_t len);
void watch_events_feed(struct watch_events *e, const struct pgt_snapshot *s,
		       struct pgt_detect *d);
void watch_events_done(struct watch_events *e);

#endif
