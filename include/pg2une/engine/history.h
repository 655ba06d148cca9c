/* Reading back what was kept.  The store thread answers with PGT_EV_HISTORY. */
#ifndef PG2UNE_ENGINE_HISTORY_H
#define PG2UNE_ENGINE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "pg2une/engine/kept.h"
#include "pg2une/store/store.h"

struct pgt_engine;
struct pgt_options;

/* An alert as it was kept; all text safe. */
struct pgt_kept_alert {
	int64_t onset_ms, detected_ms, cleared_ms; /* cleared_ms: 0 while open */
	int64_t queryid; /* metric "query"; else 0 */
	char metric[32], direction[8], severity[16], state[16];
	char cause[200]; /* the likeliest; "" none */
};

struct pgt_ev_history {
	int64_t from_ms, to_ms;
	int res_s; /* what a point covers */
	struct pgt_hist_point *points;
	size_t n;
	struct pgt_kept_alert *alerts; /* newest first */
	struct pgt_kept_change *changes;
	size_t n_alerts, n_changes;
	char message[256]; /* why it is not from the store; "" */
};
void pgt_ev_history_free(void *ev);

/* Ask for a range of the watched node, times in ms since the epoch. */
void pgt_engine_history(struct pgt_engine *e, int64_t from_ms, int64_t to_ms);

/* Where history is kept by these options: a path or a conninfo string, NULL for
 * none; the caller frees. */
char *pgt_history_where(const struct pgt_options *o);

/* How long what is kept, by these options. */
struct pgt_retention pgt_history_retention(const struct pgt_options *o);

/* The resolution to read for a range: the finest that still has it and makes at most
 * 1,440 points of it, which is more than a graph has columns. */
int pgt_history_resolution(const struct pgt_retention *keep, int64_t from_ms,
			   int64_t now_ms, int64_t span_ms);
/* The points of a range at that resolution, as means where there are more of them even
 * so; *ret_step_s is what each covers. */
int pgt_history_points(struct pgt_store *st, int64_t node, int res_s, int64_t from_ms,
		       int64_t to_ms, int *ret_step_s, struct pgt_hist_point **ret,
		       size_t *ret_n, struct pgt_err *err) PGT_MUST_CHECK;

#endif
