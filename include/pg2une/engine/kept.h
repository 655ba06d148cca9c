/* The history for commands: waits for the store.  One owner thread. */
#ifndef PG2UNE_ENGINE_KEPT_H
#define PG2UNE_ENGINE_KEPT_H

#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_options;
struct pgt_session;

/* A change that was run, from wherever; all text safe. */
struct pgt_kept_change {
	char id[40];
	int64_t begun_ms, ended_ms; /* since the epoch, UTC */
	char who[128], what[400];
	char outcome[64];	 /* an ending of change/replay.h, or the phase it is in */
	char before[64], after[64]; /* what was measured; "" nothing */
	char result[320];	 /* verdict, or why it went back */
};
/* Of a row of change_get.sql. */
void pgt_kept_change_of(const char *const *cells, int n, struct pgt_kept_change *ret);
/* Measured by others than the change itself, by a rollout: JSON objects with "tps",
 * "latency_p99", and a line of text. */
struct pgt_kept_measured {
	const char *before, *after, *text;
};
/* Put what the journal of changeset id says into the history; nothing when there is no
 * journal or no history is kept.  m may be NULL: as it was measured for the change. */
int pgt_kept_change(const struct pgt_options *o, const char *id,
		    const struct pgt_kept_measured *m,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* Changes of the session's node since a time, newest first, by the members of struct
 * pgt_kept_change; the caller frees.  PGT_E_STATE when no history is kept. */
int pgt_kept_changes(struct pgt_session *s, const struct pgt_options *o,
		     int64_t since_real_ns, cJSON **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* Searches and rollouts of the session's node since a time, newest first: id, begun,
 * ended, kind (search or rollout), mode, action, status, config, before, after,
 * improvement_pct, steps; the caller frees. */
int pgt_kept_runs(struct pgt_session *s, const struct pgt_options *o,
		  int64_t since_real_ns, cJSON **ret,
		  struct pgt_err *err) PGT_MUST_CHECK;

/* Alerts of the session's node since a time, newest first, as pgt_alert_json() made
 * them; the caller frees.  PGT_E_STATE when no history is kept. */
int pgt_kept_alerts(struct pgt_session *s, const struct pgt_options *o,
		    int64_t since_real_ns, cJSON **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;

#endif
