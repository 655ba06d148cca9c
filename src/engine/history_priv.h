/* The store thread: everything that is kept goes through here, in batches.  A
 * store that fails is retried while what waits is kept in memory, up to a bound;
 * nothing else ever waits for it. */
#ifndef PG2UNE_ENGINE_HISTORY_PRIV_H
#define PG2UNE_ENGINE_HISTORY_PRIV_H

#include "pg2une/engine/engine.h"
#include "pg2une/store/store.h"

struct pgt_history;

/* Starts the thread; NULL when option "store" is "none". */
struct pgt_history *pgt_history_new(struct pgt_engine *e);
/* Writes what waits and joins. */
void pgt_history_free(struct pgt_history *h);

/* Each is legal with h == NULL, copies what it needs and never waits. */
void pgt_history_snapshot(struct pgt_history *h, const struct pgt_snapshot *s);
void pgt_history_queries(struct pgt_history *h, const struct pgt_snapshot *s,
			 const struct pgt_hist_query *q, size_t n);
void pgt_history_record(struct pgt_history *h, const struct pgt_node *node,
			enum pgt_record rec, const char *const *cols, int n);
/* Answered by PGT_EV_HISTORY. */
void pgt_history_read(struct pgt_history *h, const struct pgt_node *node, int64_t from_ms,
		      int64_t to_ms);

/* The ten-minute points of a month, to the engine's thread as PGT_LM_PAST; nothing when
 * there are none. */
void pgt_history_past(struct pgt_history *h, const struct pgt_node *node);

/* Why history is not being kept just now, "" when it is; for the loop's thread. */
void pgt_history_trouble(struct pgt_history *h, char *buf, size_t size);

/* history_read.c: the answer where none is kept, or of a node that is not known yet. */
void pgt_history_nothing(struct pgt_engine *e, int64_t from_ms, int64_t to_ms);
/* Points, alerts and changes of ev's range and resolution. */
struct pgt_ev_history;
int pgt_history_fill(struct pgt_store *st, int64_t node, struct pgt_ev_history *ev,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* ---- records.c: what becomes a record, from what the engine knows ---- */

struct pgt_ev_alerts;
void pgt_records_alerts(struct pgt_history *h, const struct pgt_node *node,
			const struct pgt_ev_alerts *ev);
/* Settings that changed since last (NULL: all that differ from their default). */
void pgt_records_settings(struct pgt_history *h, const struct pgt_snapshot *last,
			  const struct pgt_snapshot *now);

#endif
