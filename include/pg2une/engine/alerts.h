/* What detection and the rules say now: payload of PGT_EV_ALERTS.  The face owns
 * the event and what it points to; nothing in it changes. */
#ifndef PG2UNE_ENGINE_ALERTS_H
#define PG2UNE_ENGINE_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/json.h"
#include "pg2une/detect/result.h"

struct pgt_engine;

struct pgt_ev_action { /* a proposal of the rules */
	char name[32];
	bool act, ready;
	char *why; /* the proof, several lines */
};

struct pgt_ev_alerts {
	int64_t real_ns;
	struct pgt_alert *alerts; /* open and recent, newest last */
	size_t n_alerts;
	struct pgt_event *events; /* of about the last hour, as noticed, newest last */
	size_t n_events;
	struct pgt_chart_state charts[PGT_METRIC__N];
	struct {
		bool known;
		double mid, lo, hi; /* of the next hour */
	} forecast[PGT_METRIC__N];
	struct pgt_confidence confidence;
	struct pgt_usl usl; /* valid says whether there is one */
	struct pgt_query_regression *regressions;
	size_t n_regressions;
	struct pgt_ev_action actions[4];
	size_t n_actions;
	bool suppressed;	/* the rules wait for the cooldown */
	char *facts;		/* all facts, one a line; NULL before the first round */
	char rules_message[256]; /* why the user's rules are not in force; "" */
	char store_message[256]; /* why history is not being kept; "" */
};
void pgt_ev_alerts_free(void *ev);

/* The operator's word on an alert; until 0 for an acknowledgement.  Taken by the
 * engine thread; the next PGT_EV_ALERTS shows it. */
void pgt_engine_alert_ack(struct pgt_engine *e, uint64_t id);
void pgt_engine_alert_silence(struct pgt_engine *e, uint64_t id, int64_t until_real_ns);

/* As JSON, for the command line and the service: the caller owns the tree. */
cJSON *pgt_alert_json(const struct pgt_alert *a);
cJSON *pgt_analysis_json(const struct pgt_ev_alerts *ev);

#endif
