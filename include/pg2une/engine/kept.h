/* Reading the history for commands: waits for the store.  One owner thread. */
#ifndef PG2UNE_ENGINE_KEPT_H
#define PG2UNE_ENGINE_KEPT_H

#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

struct pgt_options;
struct pgt_session;

/* Alerts of the session's node since a time, newest first, as pgt_alert_json() made
 * them; the caller frees.  PGT_E_STATE when no history is kept. */
int pgt_kept_alerts(struct pgt_session *s, const struct pgt_options *o,
		    int64_t since_real_ns, cJSON **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;

#endif
