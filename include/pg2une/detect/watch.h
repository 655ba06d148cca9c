/* Feeds detection from snapshots: numbers to the charts, differences between snapshots
 * to the list of possible causes, statements minute by minute to the judgement of
 * queries.  Owned by the engine's thread; holds a reference to the last snapshot. */
#ifndef PG2UNE_DETECT_WATCH_H
#define PG2UNE_DETECT_WATCH_H

#include "pg2une/detect/detect.h"
#include "pg2une/num/moments.h"
#include "pg2une/observe/snapshot.h"

struct pgt_watch;

struct pgt_watch *pgt_watch_new(void);
void pgt_watch_free(struct pgt_watch *w);
/* The next snapshot of the same cluster; returns how many alerts changed. */
int pgt_watch_feed(struct pgt_watch *w, const struct pgt_snapshot *s,
    struct pgt_detect *d);

/* One statement's minute: exact moments and what it did. */
struct pgt_watch_row {
	struct pgt_query_key key;
	struct pgt_moments m; /* ms */
	bool var_ok;
	double rows, blks_hit, blks_read, temp_written;
};
/* The minute that the last feed completed; 0 rows when none did.  Borrowed until the
 * next feed. */
const struct pgt_watch_row *pgt_watch_minute(const struct pgt_watch *w, size_t *ret_n);

/* The plain numbers of one snapshot; NaN for what it does not know. */
void pgt_watch_sample(const struct pgt_snapshot *s, struct pgt_detect_sample *ret);
/* A statement's key, from user, database, queryid and level. */
uint64_t pgt_watch_query_key(const struct pgt_query_key *k);

#endif
