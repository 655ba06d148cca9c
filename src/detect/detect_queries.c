/* Alerts of single statements: opened, told and ended as their regressions come and go.
 */
#include <math.h>
#include <stdio.h>

#include "detect_priv.h"

static struct pgt_alert *
query_alert(struct pgt_detect *d, uint64_t key)
{
	for (size_t i = 0; i < d->n_alerts; i++)
		if (d->alert[i].state == PGT_ALERT_OPEN &&
		    d->alert[i].family == PGT_FAMILY_QUERY &&
		    d->alert[i].query_key == key)
			return &d->alert[i];
	return NULL;
}

static void
open_query_alert(struct pgt_detect *d, const struct pgt_query_regression *r,
		 int64_t real_ns)
{
	struct pgt_alert *a = &d->alert[pgt_detect_new_alert(d)];

	a->metric = PGT_METRIC__N;
	a->family = PGT_FAMILY_QUERY;
	a->query_key = r->key;
	a->queryid = r->queryid;
	a->direction = 1;
	a->degrade = true;
	a->onset_real_ns = r->since_real_ns;
	a->detected_real_ns = real_ns;
	a->severity = r->share >= 0.2 && r->ratio >= 2 ? PGT_SEV_CRITICAL
						       : PGT_SEV_WARNING;
	pgt_detect_rank_causes(d, a);
	attends_apply(&d->attends, a);
}

/* Told once, perhaps a window after the alert: the jump's full size shows only when
 * the window holds nothing else. */
static void
tell_plan_change(struct pgt_detect *d, const struct pgt_query_regression *r)
{
	struct pgt_event ev = {.kind = PGT_EVENT_PLAN_CHANGE,
			       .real_ns = r->since_real_ns,
			       .queryid = r->queryid,
			       .weight = 1};

	for (size_t i = 0; i < d->n_events; i++)
		if (d->event[i].kind == ev.kind && d->event[i].queryid == ev.queryid &&
		    d->event[i].real_ns == ev.real_ns)
			return;
	snprintf(ev.text, sizeof(ev.text),
		 "query %lld from %.3g to %.3g ms at the same load",
		 (long long)r->queryid, r->before_ms, r->after_ms);
	pgt_detect_event(d, &ev);
}

int
pgt_detect_feed_queries(struct pgt_detect *d, int64_t real_ns, double seconds,
			const struct pgt_query_interval *q, size_t n)
{
	const struct pgt_query_regression *r;
	int changed = 0;
	size_t n_r;

	pgt_regressions_feed(d->queries, real_ns, seconds, q, n);
	r = pgt_regressions_get(d->queries, &n_r);
	for (size_t i = 0; i < n_r; i++) {
		struct pgt_alert *a = query_alert(d, r[i].key);

		if (!a) {
			open_query_alert(d, &r[i], real_ns);
			a = query_alert(d, r[i].key);
			changed++;
		}
		if (!a)
			continue;
		if (r[i].plan_change)
			tell_plan_change(d, &r[i]);
		a->baseline = r[i].before_ms;
		a->current = r[i].after_ms;
		a->magnitude = r[i].ratio - 1;
		a->confidence = fmin(1, 1 - r[i].q);
	}
	for (size_t i = 0; i < d->n_alerts; i++) {
		struct pgt_alert *a = &d->alert[i];
		bool still = false;

		if (a->state != PGT_ALERT_OPEN || a->family != PGT_FAMILY_QUERY)
			continue;
		for (size_t j = 0; j < n_r && !still; j++)
			still = r[j].key == a->query_key;
		if (still)
			continue;
		a->state = PGT_ALERT_CLEARED;
		a->ended_real_ns = real_ns;
		changed++;
	}
	return changed;
}
