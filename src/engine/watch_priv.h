/* Detection over snapshots, on the engine thread: what happened between two of
 * them, what the detectors say, what the rules propose. */
#ifndef PG2UNE_ENGINE_WATCH_PRIV_H
#define PG2UNE_ENGINE_WATCH_PRIV_H

#include "pg2une/detect/detect.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/observe/snapshot.h"
#include "pg2une/store/store.h"

struct pgt_options;

/* ---- happenings.c: what happened between two snapshots ---- */

struct pgt_happenings;
struct pgt_happenings *pgt_happenings_new(void);
void pgt_happenings_free(struct pgt_happenings *h);
/* Tells d of each event; remembers s for the next call. */
void pgt_happenings_feed(struct pgt_happenings *h, struct pgt_detect *d,
			 const struct pgt_snapshot *s);
/* New statements whose text would tell whether they are DDL; at most max. */
size_t pgt_happenings_texts(const struct pgt_happenings *h, struct pgt_query_key *ret,
			    size_t max);

/* ---- alert_hook.c: the operator's command on a new alert ---- */

struct pgt_engine;
struct pgt_alert_hook;
/* NULL for a NULL command; every call takes NULL. */
struct pgt_alert_hook *pgt_alert_hook_new(struct pgt_engine *e, const char *command);
void pgt_alert_hook_free(struct pgt_alert_hook *h);
void pgt_alert_hook_feed(struct pgt_alert_hook *h, const struct pgt_ev_alerts *ev,
			 const struct pgt_node *node);

/* ---- watch.c ---- */

struct pgt_watch;
struct pgt_watch *pgt_watch_new(const struct pgt_options *o);
void pgt_watch_free(struct pgt_watch *w);
/* NULL when there is nothing new to tell, else an event for the face. */
struct pgt_ev_alerts *pgt_watch_feed(struct pgt_watch *w, const struct pgt_snapshot *s);
size_t pgt_watch_texts(const struct pgt_watch *w, struct pgt_query_key *ret, size_t max);
/* The minute of statements that the last feed completed; 0 rows if none did. */
const struct pgt_hist_query *pgt_watch_minute(const struct pgt_watch *w, size_t *ret_n);
void pgt_watch_ack(struct pgt_watch *w, uint64_t id);
void pgt_watch_silence(struct pgt_watch *w, uint64_t id, int64_t until_real_ns);
/* A run (optimizer, change, rollout; manual ones too) began or ended. */
void pgt_watch_run(struct pgt_watch *w, bool active, int64_t real_ns);

#endif
