/* Detection over snapshots, on the engine thread: what the detectors say, what the
 * rules propose, and the operator's command on an alert. */
#ifndef PG2UNE_ENGINE_WATCH_PRIV_H
#define PG2UNE_ENGINE_WATCH_PRIV_H

#include "pg2une/detect/detect.h"
#include "pg2une/detect/watch.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/observe/snapshot.h"
#include "pg2une/store/store.h"

struct pgt_options;

/* ---- alert_hook.c: the operator's command on a new alert ---- */

struct pgt_engine;
struct pgt_alert_hook;
/* NULL for a NULL command; every call takes NULL. */
struct pgt_alert_hook *pgt_alert_hook_new(struct pgt_engine *e, const char *command);
void pgt_alert_hook_free(struct pgt_alert_hook *h);
void pgt_alert_hook_feed(struct pgt_alert_hook *h, const struct pgt_ev_alerts *ev,
			 const struct pgt_node *node);

/* ---- watch.c ---- */

struct pgt_watcher;
struct pgt_watcher *pgt_watcher_new(const struct pgt_options *o);
void pgt_watcher_free(struct pgt_watcher *w);
/* Why the user's rules are not in force; "" */
const char *pgt_watcher_rules_message(const struct pgt_watcher *w);
/* NULL when there is nothing new to tell, else an event for the face. */
struct pgt_ev_alerts *pgt_watcher_feed(struct pgt_watcher *w,
				       const struct pgt_snapshot *s);
size_t pgt_watcher_texts(const struct pgt_watcher *w, struct pgt_query_key *ret,
			 size_t max);
/* The minute of statements that the last feed completed; 0 rows if none did. */
const struct pgt_hist_query *pgt_watcher_minute(const struct pgt_watcher *w,
						size_t *ret_n);
/* What an earlier run kept of this node: ten-minute points in order. */
void pgt_watcher_past(struct pgt_watcher *w, const struct pgt_hist_point *p, size_t n);
/* What is to be kept of it; NULL when the alert is over. */
const struct pgt_attend *pgt_watcher_ack(struct pgt_watcher *w, uint64_t id);
const struct pgt_attend *pgt_watcher_silence(struct pgt_watcher *w, uint64_t id,
					     int64_t until_real_ns);
/* What the history keeps of such words, this console's and others'. */
void pgt_watcher_attend(struct pgt_watcher *w, const struct pgt_attend *words, size_t n);
/* There is news beside the detectors': an event with the next snapshot. */
void pgt_watcher_hurry(struct pgt_watcher *w);
/* A run (optimizer, change, rollout; manual ones too) began or ended. */
void pgt_watcher_run(struct pgt_watcher *w, bool active, int64_t real_ns);

#endif
