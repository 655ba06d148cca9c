#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/engine/alerts.h"

#define MS(ns) ((long long)((ns) / PGT_NS_PER_MS))

static void
put_alert(struct pgt_history *h, const struct pgt_node *node, const struct pgt_alert *a)
{
	char id[96], onset[24], found[24], ended[24], conf[32], mag[32];
	cJSON *json = pgt_alert_json(a);
	char *body = pgt_json_print(json, false);
	/* The detector's numbers start at 1 with each start of the program. */
	const char *cols[] = {
	    id,
	    onset,
	    found,
	    a->ended_real_ns ? ended : NULL,
	    a->metric < PGT_METRIC__N ? pgt_metric_name(a->metric) : "query",
	    a->direction > 0 ? "up" : "down",
	    pgt_severity_name(a->severity),
	    conf,
	    mag,
	    a->acked ? "acknowledged" : pgt_alert_state_name(a->state),
	    body,
	};

	snprintf(id, sizeof(id), "%.16s-%lld-%llu", node->node_id,
		 MS(a->detected_real_ns), (unsigned long long)a->id);
	snprintf(onset, sizeof(onset), "%lld", MS(a->onset_real_ns));
	snprintf(found, sizeof(found), "%lld", MS(a->detected_real_ns));
	snprintf(ended, sizeof(ended), "%lld", MS(a->ended_real_ns));
	snprintf(conf, sizeof(conf), "%.6g", a->confidence);
	snprintf(mag, sizeof(mag), "%.6g", a->magnitude);
	pgt_history_record(h, node, PGT_REC_ALERT, cols, 11);
	free(body);
	cJSON_Delete(json);
}

void
pgt_records_alerts(struct pgt_history *h, const struct pgt_node *node,
		   const struct pgt_ev_alerts *ev)
{
	if (!h || !node->node_id)
		return;
	/* Open ones may have grown; ended ones are written while they are fresh. */
	for (size_t i = 0; i < ev->n_alerts; i++)
		if (ev->alerts[i].state == PGT_ALERT_OPEN ||
		    ev->real_ns - ev->alerts[i].ended_real_ns < 60 * PGT_NS_PER_S)
			put_alert(h, node, &ev->alerts[i]);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void
pgt_records_settings(struct pgt_history *h, const struct pgt_snapshot *last,
		     const struct pgt_snapshot *now)
{
	const struct pgt_section *sec = &now->section[PGT_SEC_SETTINGS];
	char t[24];

	if (!h || !sec->available ||
	    (last && last->section[PGT_SEC_SETTINGS].taken_ns == sec->taken_ns))
		return;
	snprintf(t, sizeof(t), "%lld", MS(now->real_ns));
	for (size_t i = 0; i < now->n_settings; i++) {
		const struct pgt_setting *s = &now->settings[i];
		const struct pgt_setting *was =
		    last && last->n_settings ? pgt_snapshot_setting(last, s->name) : NULL;
		const char *cols[] = {t,       s->name,   s->value,
				      s->unit, s->source, s->sourcefile};

		if (was ? same_text(was->value, s->value)
			: same_text(s->value, s->boot_value))
			continue;
		pgt_history_record(h, &now->node, PGT_REC_SETTING, cols, 6);
	}
}
