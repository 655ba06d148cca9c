#include <stdio.h>

#include "pg2une/base/clock.h"
#include "pg2une/engine/alerts.h"

static void
put_time(cJSON *o, const char *name, int64_t real_ns)
{
	char buf[40];

	pgt_json_str(o, name,
		     real_ns > 0 ? pgt_clock_iso8601(real_ns, buf, sizeof(buf)) : NULL);
}

static void
put_id(cJSON *o, const char *name, int64_t id)
{
	char buf[24];

	/* As text: most JSON readers lose digits past 2^53. */
	snprintf(buf, sizeof(buf), "%lld", (long long)id);
	pgt_json_str(o, name, buf);
}

cJSON *
pgt_alert_json(const struct pgt_alert *a)
{
	cJSON *o = cJSON_CreateObject(), *causes;

	pgt_json_u64(o, "id", a->id);
	pgt_json_str(o, "state", pgt_alert_state_name(a->state));
	pgt_json_str(o, "family", pgt_family_name(a->family));
	pgt_json_str(o, "metric",
		     a->metric < PGT_METRIC__N ? pgt_metric_name(a->metric) : "query");
	if (a->queryid)
		put_id(o, "queryid", a->queryid);
	pgt_json_str(o, "direction", a->direction > 0 ? "up" : "down");
	pgt_json_bool(o, "degraded", a->degrade);
	pgt_json_str(o, "severity", pgt_severity_name(a->severity));
	put_time(o, "onset", a->onset_real_ns);
	put_time(o, "detected", a->detected_real_ns);
	put_time(o, "ended", a->ended_real_ns);
	pgt_json_num(o, "baseline", a->baseline);
	pgt_json_num(o, "current", a->current);
	pgt_json_num(o, "magnitude", a->magnitude);
	pgt_json_num(o, "confidence", a->confidence);
	pgt_json_bool(o, "acknowledged", a->acked);
	put_time(o, "silenced_until", a->silenced_until_real_ns);
	causes = pgt_json_arr(o, "causes");
	for (size_t i = 0; i < a->n_causes; i++) {
		cJSON *c = pgt_json_obj(causes, NULL);

		pgt_json_str(c, "kind", pgt_event_name(a->causes[i].event.kind));
		pgt_json_str(c, "text", a->causes[i].event.text);
		put_time(c, "at", a->causes[i].event.real_ns);
		pgt_json_num(c, "score", a->causes[i].score);
		pgt_json_num(c, "lead_s", (double)a->causes[i].lead_ns / 1e9);
	}
	return o;
}

static void
put_charts(cJSON *top, const struct pgt_ev_alerts *ev)
{
	cJSON *arr = pgt_json_arr(top, "charts");

	for (int m = 0; m < PGT_METRIC__N; m++) {
		const struct pgt_chart_state *c = &ev->charts[m];
		cJSON *o = pgt_json_obj(arr, NULL);

		pgt_json_str(o, "metric", pgt_metric_name((enum pgt_metric)m));
		pgt_json_str(o, "unit", pgt_metric_unit((enum pgt_metric)m));
		pgt_json_str(o, "phase", pgt_chart_phase_name(c->phase));
		pgt_json_num(o, "value", c->value);
		pgt_json_num(o, "expected", c->expected);
		pgt_json_num(o, "expected_low", c->lo);
		pgt_json_num(o, "expected_high", c->hi);
		pgt_json_num(o, "z", c->z);
		pgt_json_num(o, "cusum_up", c->cusum_up);
		pgt_json_num(o, "cusum_down", c->cusum_down);
		pgt_json_num(o, "h", c->h);
		pgt_json_num(o, "k", c->k);
		pgt_json_num(o, "average_run_length", c->arl0);
		pgt_json_num(o, "phi", c->phi);
		pgt_json_num(o, "bucket_s", c->bucket_s);
		if (!ev->forecast[m].known)
			continue;
		o = pgt_json_obj(o, "next_hour");
		pgt_json_num(o, "expected", ev->forecast[m].mid);
		pgt_json_num(o, "low", ev->forecast[m].lo);
		pgt_json_num(o, "high", ev->forecast[m].hi);
	}
}

static void
put_events(cJSON *top, const struct pgt_ev_alerts *ev)
{
	cJSON *arr = pgt_json_arr(top, "events");

	for (size_t i = 0; i < ev->n_events; i++) {
		cJSON *o = pgt_json_obj(arr, NULL);

		put_time(o, "at", ev->events[i].real_ns);
		pgt_json_str(o, "kind", pgt_event_name(ev->events[i].kind));
		pgt_json_str(o, "text", ev->events[i].text);
	}
}

static void
put_regressions(cJSON *top, const struct pgt_ev_alerts *ev)
{
	cJSON *arr = pgt_json_arr(top, "regressions");

	for (size_t i = 0; i < ev->n_regressions; i++) {
		const struct pgt_query_regression *r = &ev->regressions[i];
		cJSON *o = pgt_json_obj(arr, NULL);

		put_id(o, "queryid", r->queryid);
		pgt_json_num(o, "before_ms", r->before_ms);
		pgt_json_num(o, "after_ms", r->after_ms);
		pgt_json_num(o, "ratio", r->ratio);
		pgt_json_num(o, "q", r->q);
		pgt_json_num(o, "share", r->share);
		pgt_json_bool(o, "same_load", r->same_load);
		pgt_json_bool(o, "plan_change", r->plan_change);
		put_time(o, "since", r->since_real_ns);
	}
}

cJSON *
pgt_analysis_json(const struct pgt_ev_alerts *ev)
{
	cJSON *top = cJSON_CreateObject(), *o, *arr;

	put_time(top, "at", ev->real_ns);
	arr = pgt_json_arr(top, "alerts");
	for (size_t i = 0; i < ev->n_alerts; i++)
		pgt_json_item(arr, NULL, pgt_alert_json(&ev->alerts[i]));
	put_charts(top, ev);
	put_events(top, ev);
	o = pgt_json_obj(top, "confidence");
	pgt_json_num(o, "value", ev->confidence.value);
	pgt_json_bool(o, "high", ev->confidence.high);
	pgt_json_num(o, "cusum", ev->confidence.cusum);
	pgt_json_num(o, "usl", ev->confidence.usl);
	pgt_json_num(o, "change_point", ev->confidence.change_point);
	pgt_json_num(o, "seasonal", ev->confidence.seasonal);
	if (ev->usl.valid) {
		o = pgt_json_obj(top, "usl");
		pgt_json_num(o, "lambda", ev->usl.lambda);
		pgt_json_num(o, "sigma", ev->usl.sigma);
		pgt_json_num(o, "kappa", ev->usl.kappa);
		pgt_json_num(o, "peak", ev->usl.n_peak);
		pgt_json_num(o, "deviation", ev->usl.deviation);
	}
	put_regressions(top, ev);
	arr = pgt_json_arr(top, "actions");
	for (size_t i = 0; i < ev->n_actions; i++) {
		o = pgt_json_obj(arr, NULL);
		pgt_json_str(o, "action", ev->actions[i].name);
		pgt_json_bool(o, "should_act", ev->actions[i].act);
		pgt_json_bool(o, "ready", ev->actions[i].ready);
		pgt_json_str(o, "why", ev->actions[i].why);
	}
	pgt_json_bool(top, "suppressed", ev->suppressed);
	pgt_json_str(top, "facts", ev->facts);
	if (*ev->rules_message)
		pgt_json_str(top, "rules_message", ev->rules_message);
	if (*ev->store_message)
		pgt_json_str(top, "store_message", ev->store_message);
	return top;
}
