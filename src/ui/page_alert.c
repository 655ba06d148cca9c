/* The page of one alert: what changed, since when, how sure, and why perhaps. */
#include <math.h>
#include <stdio.h>

#include "cell_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

static const struct pgt_alert *
find_alert(const struct pgt_ui *ui, uint64_t id)
{
	for (size_t i = 0; ui->alerts && i < ui->alerts->n_alerts; i++)
		if (ui->alerts->alerts[i].id == id)
			return &ui->alerts->alerts[i];
	return NULL;
}

static void
put_causes(const struct pgt_alert *a, struct pgt_doc *d)
{
	char lead[32], when[32], sure[32];

	pgt_doc_heading(d, "What may have caused it, most plausible first");
	if (a->n_causes == 0)
		pgt_doc_line(d, PGT_ROLE_DIM,
			     "Nothing that the console saw happened near the onset.");
	for (size_t i = 0; i < a->n_causes; i++) {
		const struct pgt_cause *c = &a->causes[i];

		pgt_doc_printf(d, i ? PGT_ROLE_TEXT : PGT_ROLE_ACCENT, "%s  %s: %s",
			       pgt_clock_hms(c->event.real_ns, when, sizeof(when)),
			       pgt_event_text(c->event.kind), c->event.text);
		pgt_doc_printf(d, PGT_ROLE_DIM, "          %s %s the change, rank %s",
			       pgt_age(c->lead_ns < 0 ? -c->lead_ns : c->lead_ns, lead,
				       sizeof(lead)),
			       c->lead_ns < 0 ? "after" : "before",
			       pgt_num(c->score, 2, sure, sizeof(sure)));
	}
}

static void
put_regressions(const struct pgt_ui *ui, const struct pgt_alert *a, struct pgt_doc *d)
{
	char x[32], y[32], z[32];

	if (ui->alerts->n_regressions == 0)
		return;
	pgt_doc_heading(d, "Statements that became slower");
	for (size_t i = 0; i < ui->alerts->n_regressions; i++) {
		const struct pgt_query_regression *r = &ui->alerts->regressions[i];

		pgt_doc_printf(d,
			       r->queryid == a->queryid ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
			       "queryid %lld  %s ms -> %s ms  %s%% of all time%s",
			       (long long)r->queryid, pgt_ms(r->before_ms, x, sizeof(x)),
			       pgt_ms(r->after_ms, y, sizeof(y)),
			       pgt_num(r->share * 100, 1, z, sizeof(z)),
			       r->plan_change ? "  plan change suspected" : "");
	}
}

static void
alert_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_alert *a = find_alert(ui, p->alert);
	struct pgt_doc *d = &p->doc;
	char x[256], y[32];

	pgt_doc_reset(d);
	if (!a) {
		pgt_doc_line(d, PGT_ROLE_DIM,
			     "This alert is no longer among the recent ones.");
		return;
	}
	pgt_doc_field(d, "what", PGT_ROLE_TITLE, "%s", pgt_alert_line(a, x, sizeof(x)));
	pgt_doc_field(d, "state", PGT_ROLE_TEXT, "%s%s%s%s",
		      pgt_alert_state_name(a->state), a->acked ? ", acknowledged" : "",
		      pgt_alert_is_silent(a) ? ", silent until " : "",
		      pgt_alert_is_silent(a)
			  ? pgt_clock_hms(a->silenced_until_real_ns, x, sizeof(x))
			  : "");
	pgt_doc_field(d, "noticed", PGT_ROLE_TEXT, "%s, %s after it began",
		      pgt_clock_hms(a->detected_real_ns, x, sizeof(x)),
		      pgt_age(a->detected_real_ns - a->onset_real_ns, y, sizeof(y)));
	pgt_doc_field(d, "expected", PGT_ROLE_TEXT, "%s %s, now %s",
		      pgt_num(a->baseline, 2, x, sizeof(x)),
		      a->metric < PGT_METRIC__N ? pgt_metric_unit(a->metric) : "ms",
		      pgt_num(a->current, 2, y, sizeof(y)));
	pgt_doc_field(d, "sure", PGT_ROLE_TEXT, "%s%%",
		      pgt_num(a->confidence * 100, 0, x, sizeof(x)));
	for (int m = 0; m < PGT_METRIC__N; m++)
		if (a->metrics >> m & 1 && m != (int)a->metric)
			pgt_doc_field(d, "together with", PGT_ROLE_TEXT, "%s",
				      pgt_metric_name((enum pgt_metric)m));
	put_causes(a, d);
	put_regressions(ui, a, d);
}

static bool
alert_request(struct pgt_page *p, struct pgt_ui *ui, enum pgt_request r)
{
	const struct pgt_alert *a = find_alert(ui, p->alert);

	return a && pgt_alert_request(ui, a, r);
}

static const struct pgt_page_ops alert_page = {
    .name = "Alert",
    .build = alert_build,
    .request = alert_request,
    .hints = "back dismiss=acknowledge snooze=silence copy",
};

void
pgt_page_open_alert(struct pgt_ui *ui, const struct pgt_alert *a)
{
	struct pgt_page *p = pgt_page_push(ui, &alert_page);

	p->alert = a->id;
	snprintf(p->title, sizeof(p->title), "Alert %llu", (unsigned long long)a->id);
	alert_build(p, ui);
}
