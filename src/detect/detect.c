#include "pg2une/detect/detect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/detect/cause.h"
#include "pg2une/detect/confidence.h"

#define NEAR_BUCKETS  5
#define CAUSE_NS      (1800 * PGT_NS_PER_S) /* an alert this old takes no new causes */
#define SEASONAL_LAST 4                     /* buckets whose mean is compared */

struct pgt_detect_config
pgt_detect_defaults(void)
{
	return (struct pgt_detect_config){.budget_per_week = 1,
					  .bucket_s = 15,
					  .alerts_max = 128,
					  .regression = pgt_regression_defaults()};
}

struct pgt_detect *
pgt_detect_new(const struct pgt_detect_config *cfg)
{
	struct pgt_detect *d = pgt_xcalloc(1, sizeof(*d));
	double sides = 0;

	d->cfg = *cfg;
	d->cfg.alerts_max = cfg->alerts_max ? cfg->alerts_max : 1;
	d->alert = pgt_xcalloc(d->cfg.alerts_max, sizeof(*d->alert));
	d->active = pgt_xcalloc(d->cfg.alerts_max, sizeof(*d->active));
	d->queries = pgt_regressions_new(&cfg->regression);
	confirm_init(&d->confirm);
	for (int m = 0; m < PGT_METRIC__N; m++)
		sides += pgt_metric_def(m)->sides == PGT_CUSUM_BOTH ? 2 : 1;
	for (int m = 0; m < PGT_METRIC__N; m++) {
		const struct pgt_metric_def *def = pgt_metric_def(m);
		struct pgt_metric_config mc = pgt_metric_defaults();

		mc.bucket_s = cfg->bucket_s;
		mc.arl0 = pgt_cusum_budget(cfg->budget_per_week, cfg->bucket_s, sides);
		if (cfg->profile == PGT_PROFILE_SEED) {
			mc.arl0 = 0;
			mc.h = def->h_seed;
			mc.k = def->k_seed;
		}
		d->track[m] = pgt_metric_new(def, &mc);
	}
	return d;
}

void
pgt_detect_free(struct pgt_detect *d)
{
	if (!d)
		return;
	for (int m = 0; m < PGT_METRIC__N; m++)
		pgt_metric_free(d->track[m]);
	confirm_done(&d->confirm);
	pgt_regressions_free(d->queries);
	free(d->alert);
	free(d->active);
	free(d);
}

/* ---- alerts ------------------------------------------------------------------- */

size_t
pgt_detect_new_alert(struct pgt_detect *d)
{
	size_t at = d->n_alerts;

	if (at == d->cfg.alerts_max) {
		/* The oldest ended one goes; when all are open, the oldest. */
		at = 0;
		for (size_t i = 0;
		     i < d->n_alerts && d->alert[at].state == PGT_ALERT_OPEN; i++)
			at = i;
		if (d->alert[at].state == PGT_ALERT_OPEN)
			at = 0;
		memmove(&d->alert[at], &d->alert[at + 1],
			(d->n_alerts - at - 1) * sizeof(*d->alert));
		memmove(&d->active[at], &d->active[at + 1],
			(d->n_alerts - at - 1) * sizeof(*d->active));
		at = --d->n_alerts;
	}
	d->n_alerts++;
	d->alert[at] = (struct pgt_alert){.id = ++d->last_id, .state = PGT_ALERT_OPEN};
	d->active[at] = 0;
	return at;
}

void
pgt_detect_rank_causes(struct pgt_detect *d, struct pgt_alert *a)
{
	int64_t err = (int64_t)(2 * d->cfg.bucket_s * 1e9);

	if (a->family == PGT_FAMILY_QUERY) /* judged by minutes, not by buckets */
		err = 90 * PGT_NS_PER_S;
	a->n_causes = pgt_causes_rank(d->event, d->n_events, a->family, a->onset_real_ns,
				      err, a->causes, PGT_ALERT_CAUSES);
}

static enum pgt_severity
severity(const struct pgt_alert *a)
{
	if (!a->degrade)
		return PGT_SEV_INFO;
	/* Twice as slow, half the throughput, or errors and locks out of nothing. */
	if (a->magnitude >= 1 || (a->direction < 0 && a->magnitude <= -0.5))
		return PGT_SEV_CRITICAL;
	return PGT_SEV_WARNING;
}

static void
copy_figures(struct pgt_detect *d, struct pgt_alert *a, enum pgt_metric m)
{
	struct pgt_metric_alarm al = pgt_metric_alarm(d->track[m]);
	enum pgt_severity sev;

	a->baseline = al.baseline;
	a->current = al.current;
	a->magnitude = al.magnitude;
	sev = severity(a);
	a->severity = sev > a->severity ? sev : a->severity;
}

static void
open_alert(struct pgt_detect *d, enum pgt_metric m, int64_t real_ns)
{
	struct pgt_metric_alarm al = pgt_metric_alarm(d->track[m]);
	enum pgt_family f = pgt_metric_family(m);
	enum pgt_cusum_sides bad = pgt_metric_def(m)->bad;
	bool degrade = bad & (al.direction > 0 ? PGT_CUSUM_UP : PGT_CUSUM_DOWN);
	struct pgt_alert *a;
	size_t at;

	for (at = 0; at < d->n_alerts; at++) {
		a = &d->alert[at];
		if (a->state != PGT_ALERT_OPEN || a->family != f)
			continue;
		/* One event: another metric of the family joins. */
		a->metrics |= 1u << m;
		d->active[at] |= 1u << m;
		if (al.onset_real_ns < a->onset_real_ns)
			a->onset_real_ns = al.onset_real_ns;
		if (degrade && !a->degrade) { /* the bad news leads */
			a->degrade = true;
			a->metric = m;
			a->direction = al.direction;
			copy_figures(d, a, m);
		}
		pgt_detect_rank_causes(d, a);
		return;
	}
	at = pgt_detect_new_alert(d);
	a = &d->alert[at];
	d->active[at] = 1u << m;
	a->metric = m;
	a->family = f;
	a->metrics = 1u << m;
	a->direction = al.direction;
	a->degrade = degrade;
	a->onset_real_ns = al.onset_real_ns;
	a->detected_real_ns = real_ns;
	copy_figures(d, a, m);
	pgt_detect_rank_causes(d, a);
	attends_apply(&d->attends, a);
}

static void
end_metric(struct pgt_detect *d, enum pgt_metric m, enum pgt_alert_state state,
	   int64_t real_ns)
{
	for (size_t i = 0; i < d->n_alerts; i++) {
		struct pgt_alert *a = &d->alert[i];

		if (a->state != PGT_ALERT_OPEN || !(d->active[i] & 1u << m))
			continue;
		d->active[i] &= ~(1u << m);
		if (d->active[i])
			continue;
		a->state = state;
		a->ended_real_ns = real_ns;
	}
}

/* Two families near their thresholds within a few buckets are as much as one beyond:
 * raise both. */
static int
fuse_near(struct pgt_detect *d, int64_t now_ns, int64_t real_ns)
{
	int64_t within = (int64_t)(NEAR_BUCKETS * d->cfg.bucket_s * 1e9);
	uint32_t families = 0;
	int raised = 0;

	for (int m = 0; m < PGT_METRIC__N; m++)
		if (d->near_ns[m] && now_ns - d->near_ns[m] <= within)
			families |= 1u << pgt_metric_family(m);
	if ((families & (families - 1)) == 0)
		return 0;
	for (int m = 0; m < PGT_METRIC__N; m++) {
		if (!d->near_ns[m] || !pgt_metric_force(d->track[m]))
			continue;
		d->near_ns[m] = 0;
		open_alert(d, m, real_ns);
		raised++;
	}
	return raised;
}

static unsigned
open_families(const struct pgt_detect *d)
{
	uint32_t set = 0;

	for (size_t i = 0; i < d->n_alerts; i++)
		if (d->alert[i].state == PGT_ALERT_OPEN && d->alert[i].degrade &&
		    d->alert[i].family != PGT_FAMILY_QUERY)
			set |= 1u << d->alert[i].family;
	return (unsigned)__builtin_popcount(set);
}

static void
refresh_open(struct pgt_detect *d)
{
	double confidence = pgt_detect_confidence(d).value;

	for (size_t i = 0; i < d->n_alerts; i++) {
		struct pgt_alert *a = &d->alert[i];

		if (a->state != PGT_ALERT_OPEN)
			continue;
		a->confidence = confidence;
		if (a->family != PGT_FAMILY_QUERY && (d->active[i] & 1u << a->metric))
			copy_figures(d, a, a->metric);
	}
}

int
pgt_detect_feed(struct pgt_detect *d, const struct pgt_detect_sample *s)
{
	int changed = 0;
	bool bucket = false;

	d->load = s->load;
	for (int m = 0; m < PGT_METRIC__N; m++) {
		enum pgt_metric_verdict v = pgt_metric_feed(d->track[m], s->now_ns,
							    s->real_ns, s->value[m],
							    !isnan(s->value[m]), s->load);

		bucket |= v != PGT_MV_NONE;
		switch (v) {
		case PGT_MV_ALARM:
			d->near_ns[m] = s->now_ns; /* counts for its family as well */
			open_alert(d, m, s->real_ns);
			changed++;
			break;
		case PGT_MV_NEAR:
			d->near_ns[m] = s->now_ns;
			break;
		case PGT_MV_CLEARED:
			end_metric(d, m, PGT_ALERT_CLEARED, s->real_ns);
			changed++;
			break;
		case PGT_MV_ACCEPTED:
			end_metric(d, m, PGT_ALERT_ACCEPTED, s->real_ns);
			changed++;
			break;
		case PGT_MV_NONE:
		case PGT_MV_BUCKET:
			break;
		}
	}
	if (bucket)
		changed += fuse_near(d, s->now_ns, s->real_ns);
	bucket |= confirm_feed(&d->confirm, d->track, s->now_ns, s->real_ns, s->value);
	if (bucket)
		refresh_open(d);
	return changed;
}

/* ---- events, operator ----------------------------------------------------------- */

void
pgt_detect_event(struct pgt_detect *d, const struct pgt_event *ev)
{
	if (d->n_events == EVENTS_MAX) {
		memmove(d->event, d->event + 1, (EVENTS_MAX - 1) * sizeof(*d->event));
		d->n_events--;
	}
	d->event[d->n_events++] = *ev;
	if (ev->kind == PGT_EVENT_RESTART || ev->kind == PGT_EVENT_FAILOVER ||
	    ev->kind == PGT_EVENT_STATS_RESET) {
		for (int m = 0; m < PGT_METRIC__N; m++)
			pgt_metric_disturbed(d->track[m]);
		pgt_regressions_disturbed(d->queries);
	}
	for (size_t i = 0; i < d->n_alerts; i++)
		if (d->alert[i].state == PGT_ALERT_OPEN &&
		    ev->real_ns - d->alert[i].detected_real_ns < CAUSE_NS)
			pgt_detect_rank_causes(d, &d->alert[i]);
}

const struct pgt_event *
pgt_detect_events(const struct pgt_detect *d, size_t *ret_n)
{
	*ret_n = d->n_events;
	return d->event;
}

static struct pgt_alert *
by_id(struct pgt_detect *d, uint64_t id)
{
	for (size_t i = 0; i < d->n_alerts; i++)
		if (d->alert[i].id == id && d->alert[i].state == PGT_ALERT_OPEN)
			return &d->alert[i];
	return NULL;
}

bool
pgt_detect_attend(struct pgt_detect *d, const struct pgt_attend *word)
{
	if (!attends_put(&d->attends, word))
		return false;
	for (size_t i = 0; i < d->n_alerts; i++)
		attends_apply(&d->attends, &d->alert[i]);
	return true;
}

/* What holds of a's kind so far, said anew. */
static struct pgt_attend
word_on(const struct pgt_detect *d, const struct pgt_alert *a, int64_t now_real_ns)
{
	const struct pgt_attend *was = attends_of(&d->attends, a);
	struct pgt_attend w = {.family = a->family, .queryid = a->queryid};

	if (was)
		w = *was;
	w.said_real_ns = now_real_ns > w.said_real_ns ? now_real_ns : w.said_real_ns + 1;
	return w;
}

const struct pgt_attend *
pgt_detect_ack(struct pgt_detect *d, uint64_t id, int64_t now_real_ns)
{
	const struct pgt_alert *a = by_id(d, id);
	struct pgt_attend w;

	if (!a)
		return NULL;
	w = word_on(d, a, now_real_ns);
	w.acked_real_ns = now_real_ns;
	pgt_detect_attend(d, &w);
	return attends_of(&d->attends, a);
}

const struct pgt_attend *
pgt_detect_silence(struct pgt_detect *d, uint64_t id, int64_t until_real_ns,
		   int64_t now_real_ns)
{
	const struct pgt_alert *a = by_id(d, id);
	struct pgt_attend w;

	if (!a)
		return NULL;
	w = word_on(d, a, now_real_ns);
	w.silenced_until_real_ns = until_real_ns;
	pgt_detect_attend(d, &w);
	return attends_of(&d->attends, a);
}

/* ---- views -------------------------------------------------------------------- */

const struct pgt_alert *
pgt_detect_alerts(const struct pgt_detect *d, size_t *ret_n)
{
	*ret_n = d->n_alerts;
	return d->alert;
}

struct pgt_chart_state
pgt_detect_chart(const struct pgt_detect *d, enum pgt_metric m)
{
	struct pgt_chart_state s = pgt_metric_state(d->track[m]);

	s.metric = m;
	return s;
}

const struct pgt_metric_track *
pgt_detect_track(const struct pgt_detect *d, enum pgt_metric m)
{
	return d->track[m];
}

double
pgt_detect_seasonal(const struct pgt_detect *d, enum pgt_metric m)
{
	const struct pgt_ring *r = pgt_metric_buckets(d->track[m]);
	const struct hourly *hr = &d->confirm.hourly[m];
	struct pgt_chart_state s = pgt_metric_state(d->track[m]);
	double sum = 0, mid = s.expected, lo, hi, v;
	int64_t at;

	if (r->len < SEASONAL_LAST)
		return NAN;
	at = pgt_ring_at(r, r->len - 1).t_ns;
	for (size_t i = r->len - SEASONAL_LAST; i < r->len; i++)
		sum += pgt_ring_at(r, i).v;
	if (!s.seasonal &&
	    !confirm_forecast(&d->confirm, m,
			      (size_t)((at - hr->hw_after) / (3600 * PGT_NS_PER_S)), &mid,
			      &lo, &hi))
		return NAN;
	v = fabs(sum / SEASONAL_LAST / mid - 1);
	return mid > 0 && isfinite(v) ? v : NAN;
}

struct pgt_confidence
pgt_detect_confidence(const struct pgt_detect *d)
{
	static const enum pgt_metric judged[] = {PGT_METRIC_TPS, PGT_METRIC_LATENCY_P99,
						 PGT_METRIC_HIT_RATIO};
	struct pgt_evidence e = {
	    .cusum_families = open_families(d),
	    .usl = &d->confirm.usl,
	    .change_magnitude = confirm_change_magnitude(&d->confirm)};

	for (size_t i = 0; i < PGT_LEN(judged); i++) {
		double v = pgt_detect_seasonal(d, judged[i]);

		if (v > e.seasonal_deviation)
			e.seasonal_deviation = v;
	}
	return pgt_confidence(&e);
}

const struct pgt_usl *
pgt_detect_usl(const struct pgt_detect *d)
{
	return &d->confirm.usl;
}

const struct pgt_change_point *
pgt_detect_changepoints(const struct pgt_detect *d, enum pgt_metric m, size_t *ret_n)
{
	*ret_n = d->confirm.n_points[m];
	return *ret_n ? d->confirm.point[m] : NULL;
}

const struct pgt_query_regression *
pgt_detect_regressions(const struct pgt_detect *d, size_t *ret_n)
{
	return pgt_regressions_get(d->queries, ret_n);
}

bool
pgt_detect_expected(const struct pgt_detect *d, enum pgt_metric m, int64_t real_ns,
		    double *ret_mid, double *ret_lo, double *ret_hi)
{
	return pgt_metric_expected(d->track[m], real_ns, ret_mid, ret_lo, ret_hi);
}

bool
pgt_detect_forecast(const struct pgt_detect *d, enum pgt_metric m, size_t h,
		    double *ret_mid, double *ret_lo, double *ret_hi)
{
	return confirm_forecast(&d->confirm, m, h, ret_mid, ret_lo, ret_hi);
}

bool
pgt_detect_next_hour(const struct pgt_detect *d, enum pgt_metric m, int64_t real_ns,
		     double *ret_mid, double *ret_lo, double *ret_hi)
{
	const int64_t hour = 3600 * PGT_NS_PER_S;
	int64_t ahead = (real_ns - d->confirm.hourly[m].hw_after) / hour + 1;

	return ahead > 0 &&
	       confirm_forecast(&d->confirm, m, (size_t)ahead, ret_mid, ret_lo, ret_hi);
}

void
pgt_detect_past(struct pgt_detect *d, const struct pgt_detect_past *p, size_t n)
{
	struct hourly now[PGT_METRIC__N];
	int64_t until;

	confirm_past_begin(&d->confirm, now);
	until = now[0].hour ? (now[0].hour + 1) * 3600 * PGT_NS_PER_S : INT64_MAX;
	for (size_t i = 0; i < n && p[i].real_ns < until; i++) {
		confirm_past(&d->confirm, p[i].real_ns, p[i].value);
		for (int m = 0; m < PGT_METRIC__N; m++)
			pgt_metric_past(d->track[m], p[i].real_ns, p[i].value[m]);
	}
	confirm_past_end(&d->confirm, now);
}
