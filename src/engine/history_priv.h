/* The store thread: everything that is kept goes through here, in batches.  A
 * store that fails is retried while what waits is kept in memory, up to a bound;
 * nothing else ever waits for it. */
#ifndef PG2UNE_ENGINE_HISTORY_PRIV_H
#define PG2UNE_ENGINE_HISTORY_PRIV_H

#include "pg2une/base/json.h"
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

/* The ten-minute points come with what operators said of alerts, and that comes each half
 * minute again, as PGT_LM_ATTEND: other consoles share the store. */

/* Why history is not being kept just now, "" when it is; for the loop's thread. */
void pgt_history_trouble(struct pgt_history *h, char *buf, size_t size);

/* history_read.c: the answer where none is kept, or of a node that is not known yet. */
void pgt_history_nothing(struct pgt_engine *e, int64_t from_ms, int64_t to_ms);
/* Metrics that were kept as JSON: "tps 257, p99 1.49 ms"; "" none. */
void pgt_kept_metrics(const char *json, char *buf, size_t size);
/* A row of alert_get.sql; body is its JSON or NULL. */
struct pgt_kept_alert;
void pgt_kept_alert_of(const char *const *cells, const cJSON *body,
		       struct pgt_kept_alert *ret);
/* Is a among them already?  Consoles that share a store each keep what they notice. */
bool pgt_kept_alert_known(const struct pgt_kept_alert *list, size_t n,
			  const struct pgt_kept_alert *a);
#define PGT_KEPT_ALERT_COLS 11
/* Points, alerts and changes of ev's range and resolution. */
struct pgt_ev_history;
int pgt_history_fill(struct pgt_store *st, int64_t node, struct pgt_ev_history *ev,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* ---- records.c: what becomes a record, from what the engine knows ---- */

struct pgt_ev_alerts;
void pgt_records_alerts(struct pgt_history *h, const struct pgt_node *node,
			const struct pgt_ev_alerts *ev);
/* An operator's word on a kind of alert, beside the dismissals of advice. */
struct pgt_attend;
void pgt_records_attend(struct pgt_history *h, const struct pgt_node *node,
			const struct pgt_attend *word);
/* All that are kept of a node; the caller frees them. */
int pgt_records_attends(struct pgt_store *st, int64_t node, struct pgt_attend **ret,
			size_t *ret_n, struct pgt_err *err) PGT_MUST_CHECK;
/* Settings that changed since last (NULL: all that differ from their default). */
void pgt_records_settings(struct pgt_history *h, const struct pgt_snapshot *last,
			  const struct pgt_snapshot *now);

#endif
