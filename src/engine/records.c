#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
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

/* identity "alert:latency" or "alert:query:QUERYID", the end of a silence, and as
 * evidence when it was said and what is acknowledged, in ms. */
#define ATTEND "alert:"

void
pgt_records_attend(struct pgt_history *h, const struct pgt_node *node,
		   const struct pgt_attend *w)
{
	char identity[64], until[24], evidence[48];
	const char *cols[] = {identity, until, evidence, "attended"};

	if (w->family == PGT_FAMILY_QUERY)
		snprintf(identity, sizeof(identity), ATTEND "%s:%lld",
			 pgt_family_name(w->family), (long long)w->queryid);
	else
		snprintf(identity, sizeof(identity), ATTEND "%s",
			 pgt_family_name(w->family));
	snprintf(until, sizeof(until), "%lld", MS(w->silenced_until_real_ns));
	snprintf(evidence, sizeof(evidence), "%lld %lld", MS(w->said_real_ns),
		 MS(w->acked_real_ns));
	pgt_history_record(h, node, PGT_REC_DISMISSAL, cols, 4);
}

/* Milliseconds as text, to ns. */
static bool
take_ns(const char *s, int64_t *ret)
{
	if (!pgt_parse_i64(s, ret) || *ret < 0 || *ret > INT64_MAX / PGT_NS_PER_MS)
		return false;
	*ret *= PGT_NS_PER_MS;
	return true;
}

/* In the order of dismissal_get.sql; false: no such word. */
static bool
attend_of(const char *const *cells, int n, struct pgt_attend *ret)
{
	struct pgt_attend w = {.queryid = 0};
	char family[64], said[48], *rest;

	if (n < 4 || !cells[0] || !cells[1] || !cells[2] ||
	    strncmp(cells[0], ATTEND, strlen(ATTEND)) != 0)
		return false;
	pgt_str_copy(family, sizeof(family), cells[0] + strlen(ATTEND));
	rest = strchr(family, ':');
	if (rest) {
		*rest++ = '\0';
		if (!pgt_parse_i64(rest, &w.queryid))
			return false;
	}
	pgt_str_copy(said, sizeof(said), cells[2]);
	rest = strchr(said, ' ');
	if (!rest)
		return false;
	*rest++ = '\0';
	if (!pgt_family_parse(family, &w.family) || !take_ns(said, &w.said_real_ns) ||
	    !take_ns(rest, &w.acked_real_ns) ||
	    !take_ns(cells[1], &w.silenced_until_real_ns))
		return false;
	*ret = w;
	return true;
}

struct attend_list {
	struct pgt_attend *item;
	size_t n;
};

static int
on_attend(void *ctx, const char *const *cells, int n)
{
	struct attend_list *l = ctx;
	struct pgt_attend w;

	if (!attend_of(cells, n, &w))
		return 0;
	l->item = pgt_xreallocarray(l->item, l->n + 1, sizeof(*l->item));
	l->item[l->n++] = w;
	return 0;
}

int
pgt_records_attends(struct pgt_store *st, int64_t node, struct pgt_attend **ret,
		    size_t *ret_n, struct pgt_err *err)
{
	struct attend_list l = {0};

	if (pgt_store_get_records(st, node, PGT_REC_DISMISSAL, 0, on_attend, &l,
				  err) < 0) {
		free(l.item);
		return -1;
	}
	*ret = l.item;
	*ret_n = l.n;
	return 0;
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
