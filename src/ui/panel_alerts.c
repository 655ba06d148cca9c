/* What the detector says: alerts, its charts, and what the rules conclude. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

#define A struct pgt_alert

static const struct pgt_ev_alerts *
alerts_of(const void *ctx)
{
	return ((const struct pgt_ui *)ctx)->alerts;
}

bool
pgt_alert_is_silent(const struct pgt_alert *a)
{
	return a->state == PGT_ALERT_OPEN &&
	       a->silenced_until_real_ns > pgt_clock_real_ns();
}

const struct pgt_alert *
pgt_ui_worst_alert(const struct pgt_ui *ui)
{
	const struct pgt_alert *worst = NULL;

	for (size_t i = 0; ui->alerts && i < ui->alerts->n_alerts; i++) {
		const A *a = &ui->alerts->alerts[i];

		if (a->state != PGT_ALERT_OPEN || a->acked || !a->degrade ||
		    pgt_alert_is_silent(a))
			continue;
		if (!worst || a->severity >= worst->severity)
			worst = a;
	}
	return worst;
}

static const char *
what_of(const A *a)
{
	return a->metric < PGT_METRIC__N ? pgt_metric_name(a->metric)
					 : pgt_family_name(a->family);
}

/* Relative for most, in points for ratios. */
static char *
change_of(const A *a, char *buf, size_t size)
{
	const char *sign = a->magnitude >= 0 ? "+" : "";

	if (isnan(a->magnitude) || isinf(a->magnitude))
		snprintf(buf, size, a->direction > 0 ? "up" : "down");
	else if (a->metric == PGT_METRIC_HIT_RATIO)
		snprintf(buf, size, "%s%.1f pt", sign, a->magnitude * 100);
	else if (a->magnitude > 9.99)
		snprintf(buf, size, "x%.0f", a->magnitude + 1);
	else
		snprintf(buf, size, "%s%.0f%%", sign, a->magnitude * 100);
	return buf;
}

char *
pgt_alert_line(const struct pgt_alert *a, char *buf, size_t size)
{
	char change[32], when[32];

	snprintf(buf, size, "%s %s since %s, %s", what_of(a),
		 change_of(a, change, sizeof(change)),
		 pgt_clock_hms(a->onset_real_ns, when, sizeof(when)),
		 pgt_severity_name(a->severity));
	return buf;
}

/* ---- the list ---- */

static enum pgt_role
severity_role(const A *a)
{
	if (a->state != PGT_ALERT_OPEN || a->acked || pgt_alert_is_silent(a))
		return PGT_ROLE_DIM;
	if (!a->degrade)
		return PGT_ROLE_GOOD;
	return a->severity == PGT_SEV_CRITICAL  ? PGT_ROLE_BAD
	       : a->severity == PGT_SEV_WARNING ? PGT_ROLE_WARN
						: PGT_ROLE_TEXT;
}

static char *
value_text(enum pgt_metric m, double v, char *buf, size_t size)
{
	if (m == PGT_METRIC_HIT_RATIO)
		return pgt_pct(v, buf, size);
	if (m == PGT_METRIC_TEMP_BYTES || m == PGT_METRIC_WAL_BYTES)
		return pgt_bytes(v, buf, size);
	if (m == PGT_METRIC_LATENCY_MEAN || m == PGT_METRIC_LATENCY_P99)
		return pgt_ms(v, buf, size);
	return pgt_num(v, fabs(v) < 100 ? 1 : 0, buf, size);
}

static const char *
state_text(const A *a, char *buf, size_t size)
{
	char when[32];

	if (!pgt_alert_is_silent(a))
		return a->acked && a->state == PGT_ALERT_OPEN
			   ? "acknowledged"
			   : pgt_alert_state_name(a->state);
	pgt_clock_hms(a->silenced_until_real_ns, when, sizeof(when));
	snprintf(buf, size, "silent %.5s", when);
	return buf;
}

PGT_NUMBER(onset, A, (double)r->onset_real_ns,
	   (cell->text = pgt_clock_hms(r->onset_real_ns, cell->buf, sizeof(cell->buf))))
PGT_NUMBER(severity, A, (double)r->severity + (r->state == PGT_ALERT_OPEN ? 10 : 0),
	   pgt_cell_text(cell, severity_role(r), pgt_severity_name(r->severity)))
PGT_STRING(what, A, what_of(r), severity_role(r))
PGT_NUMBER(change, A, r->magnitude,
	   (cell->text = change_of(r, cell->buf, sizeof(cell->buf)),
	    cell->role = severity_role(r)))
PGT_NUMBER(before, A, r->baseline,
	   (cell->text = value_text(r->metric, r->baseline, cell->buf,
				    sizeof(cell->buf))))
PGT_NUMBER(now, A, r->current,
	   (cell->text = value_text(r->metric, r->current, cell->buf, sizeof(cell->buf))))
PGT_NUMBER(sure, A, r->confidence, pgt_cell_num(cell, r->confidence * 100, 0))
PGT_STRING(cause, A, r->n_causes ? r->causes[0].event.text : "no cause was seen",
	   r->n_causes ? PGT_ROLE_TEXT : PGT_ROLE_DIM)
static const char *
state_key(const void *row, const void *ctx)
{
	(void)ctx;
	return pgt_alert_state_name(((const A *)row)->state);
}

static void
state_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const A *a = row;
	bool heard = a->state == PGT_ALERT_OPEN && !a->acked && !pgt_alert_is_silent(a);

	(void)ctx;
	cell->text = state_text(a, cell->buf, sizeof(cell->buf));
	cell->role = heard ? PGT_ROLE_TEXT : PGT_ROLE_DIM;
}

static size_t
alerts_count(const void *ctx)
{
	return alerts_of(ctx) ? alerts_of(ctx)->n_alerts : 0;
}

static const void *
alerts_row(const void *ctx, size_t i)
{
	return &alerts_of(ctx)->alerts[i];
}

static uint64_t
alerts_id(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const A *)row)->id;
}

static const struct pgt_column alert_columns[] = {
    PGT_COL_N(onset, "since", 8, 20,
	      .help = "when the change began, not when it was noticed"),
    PGT_COL_N(severity, "severity", 9, 18, .help = "info, warning or critical"),
    PGT_COL_S(what, "what", 17, 19, .help = "the measure that changed first"),
    PGT_COL_N(change, "change", 8, 17, .help = "against what was expected"),
    PGT_COL_N(before, "expected", 9, 8, .help = "before, in the measure's unit"),
    PGT_COL_N(now, "now", 9, 9, .help = "mean since it began"),
    PGT_COL_N(sure, "sure%", 6, 10, .help = "confidence of the detector"),
    PGT_COL_S(state, "state", 12, 12,
	      .help = "open, acknowledged, silent until, cleared, accepted as normal"),
    PGT_COL_S(cause, "likely cause", -20, 16,
	      .help = "the best ranked event near the onset"),
};

static const struct pgt_grid_ops alerts_grid = {
    .columns = alert_columns,
    .n_columns = PGT_LEN(alert_columns),
    .frozen = 1,
    .sort = 0,
    .count = alerts_count,
    .row = alerts_row,
    .id = alerts_id,
    .empty = "nothing has changed that would be worth an alert",
};

void
pgt_alert_silence(struct pgt_ui *ui, const struct pgt_alert *a, int64_t for_ns)
{
	int64_t until = for_ns > 0 ? pgt_clock_real_ns() + for_ns : 0;
	const char *kind = pgt_family_name(a->family);
	char when[32];

	if (a->state != PGT_ALERT_OPEN) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "this alert is over");
		return;
	}
	pgt_engine_alert_silence(ui->engine, a->id, until);
	if (until)
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "%s alerts are silent until %s; S again ends it", kind,
			      pgt_clock_hms(until, when, sizeof(when)));
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "%s alerts are told again", kind);
}

bool
pgt_alert_request(struct pgt_ui *ui, const struct pgt_alert *a, enum pgt_request r)
{
	if (!ui->engine || (r != PGT_REQ_DISMISS && r != PGT_REQ_SNOOZE))
		return false;
	if (r == PGT_REQ_SNOOZE) {
		pgt_alert_silence(ui, a,
				  pgt_alert_is_silent(a) ? 0 : 3600 * PGT_NS_PER_S);
	} else if (a->state != PGT_ALERT_OPEN) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "this alert is over");
	} else {
		pgt_engine_alert_ack(ui->engine, a->id);
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "acknowledged");
	}
	return true;
}

const struct pgt_alert *
pgt_ui_current_alert(struct pgt_ui *ui)
{
	struct pgt_panel *p = pgt_ui_focus(ui);
	uint64_t id = ui->n_pages ? pgt_page_top(ui)->alert : 0;

	for (size_t i = 0; id && ui->alerts && i < ui->alerts->n_alerts; i++)
		if (ui->alerts->alerts[i].id == id)
			return &ui->alerts->alerts[i];
	return !ui->n_pages && p->ops == &pgt_panel_alerts
		   ? pgt_grid_current(&p->table, ui)
		   : NULL;
}

static bool
alerts_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const A *a = pgt_grid_current(&p->table, ui);

	if (!a)
		return false;
	if (r != PGT_REQ_OPEN)
		return pgt_alert_request(ui, a, r);
	pgt_page_open_alert(ui, a);
	return true;
}

static void
alerts_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	char quiet[32] = "";
	int open = 0, silent = 0;

	for (size_t i = 0; ui->alerts && i < ui->alerts->n_alerts; i++) {
		open += ui->alerts->alerts[i].state == PGT_ALERT_OPEN;
		silent += pgt_alert_is_silent(&ui->alerts->alerts[i]);
	}
	if (silent)
		snprintf(quiet, sizeof(quiet), "   silent %d", silent);
	snprintf(buf, size, "Alerts   open %d%s   all %zu%s%s", open, quiet,
		 ui->alerts ? ui->alerts->n_alerts : 0,
		 ui->alerts && *ui->alerts->rules_message ? "   built-in rules" : "",
		 ui->alerts && *ui->alerts->store_message ? "   history not kept" : "");
}

const struct pgt_panel_ops pgt_panel_alerts = {
    .name = "alerts",
    .title = "Alerts",
    .title_now = alerts_title,
    .main_section = PGT_SEC_BASIC,
    .table = &alerts_grid,
    .request = alerts_request,
    .hints = "open=why dismiss=acknowledge snooze=silence filter",
    .source = "Sequential tests (CUSUM) on ten measures, adjusted for the hour of the "
	      "week, for load "
	      "and for each measure's own memory; thresholds are solved so that all "
	      "charts together "
	      "raise at most the accepted number of false alarms a week (false-alarms). "
	      "Measures of "
	      "one family that change together are one alert. Causes are events near the "
	      "onset, by "
	      "rank of plausibility, which is no probability.",
};

/* ---- what happened ---- */

#define E struct pgt_event

PGT_NUMBER(at, E, (double)r->real_ns,
	   (cell->text = pgt_clock_hms(r->real_ns, cell->buf, sizeof(cell->buf))))
PGT_STRING(event, E, pgt_event_text(r->kind),
	   r->kind == PGT_EVENT_LOCK_PILEUP || r->kind == PGT_EVENT_RESTART ||
		   r->kind == PGT_EVENT_FAILOVER
	       ? PGT_ROLE_WARN
	       : PGT_ROLE_TEXT)
PGT_STRING(text, E, r->text, PGT_ROLE_TEXT)

static size_t
events_count(const void *ctx)
{
	return alerts_of(ctx) ? alerts_of(ctx)->n_events : 0;
}

static const void *
events_row(const void *ctx, size_t i)
{
	return &alerts_of(ctx)->events[i];
}

static uint64_t
events_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const E *)row)->real_ns;
}

static const struct pgt_column event_columns[] = {
    PGT_COL_N(at, "at", 9, 20, .help = "when it happened, UTC"),
    PGT_COL_S(event, "what happened", 30, 18, .help = "kind of event"),
    PGT_COL_S(text, "which", -30, 15, .help = "the setting, statement or session"),
};

static const struct pgt_grid_ops events_grid = {
    .columns = event_columns,
    .n_columns = PGT_LEN(event_columns),
    .frozen = 1,
    .sort = 0,
    .count = events_count,
    .row = events_row,
    .id = events_id,
    .empty = "nothing that could change the server was seen",
};

const struct pgt_panel_ops pgt_panel_events = {
    .name = "events",
    .title = "What happened",
    .main_section = PGT_SEC_BASIC,
    .table = &events_grid,
    .source =
	"Settings, reloads, restarts, failovers, new applications and statements, plan "
	"changes, checkpoints, autovacuum, DDL, resets, and queues behind a lock that "
	"stand for two seconds (one session: five), of about the last hour. Candidates "
	"for the causes of an alert; graphs mark settings, restarts, DDL and queues.",
};

/* ---- the charts ---- */

#define C struct pgt_chart_state

PGT_STRING(metric, C, pgt_metric_name(r->metric), PGT_ROLE_TEXT)
PGT_STRING(phase, C, pgt_chart_phase_name(r->phase),
	   r->phase == PGT_CHART_ALARMED    ? PGT_ROLE_BAD
	   : r->phase == PGT_CHART_WATCHING ? PGT_ROLE_GOOD
					    : PGT_ROLE_DIM)
PGT_NUMBER(value, C, r->value,
	   (cell->text = value_text(r->metric, r->value, cell->buf, sizeof(cell->buf))))
PGT_NUMBER(expected, C, r->expected,
	   (cell->text = value_text(r->metric, r->expected, cell->buf,
				    sizeof(cell->buf))))
PGT_NUMBER(lo, C, r->lo,
	   (cell->text = value_text(r->metric, r->lo, cell->buf, sizeof(cell->buf))))
PGT_NUMBER(hi, C, r->hi,
	   (cell->text = value_text(r->metric, r->hi, cell->buf, sizeof(cell->buf))))
PGT_NUMBER(z, C, r->z, pgt_cell_num(cell, r->z, 2))
PGT_NUMBER(up, C, r->cusum_up,
	   (pgt_cell_num(cell, r->cusum_up, 1),
	    pgt_cell_role_over(cell, r->cusum_up, r->h / 2, r->h)))
PGT_NUMBER(down, C, r->cusum_down,
	   (pgt_cell_num(cell, r->cusum_down, 1),
	    pgt_cell_role_over(cell, r->cusum_down, r->h / 2, r->h)))
PGT_NUMBER(limit, C, r->h, pgt_cell_num(cell, r->h, 1))
PGT_NUMBER(buckets, C, r->n, pgt_cell_num(cell, r->n, 0))

static double
next_of(const C *r, const void *ctx)
{
	return alerts_of(ctx)->forecast[r->metric].known
		   ? alerts_of(ctx)->forecast[r->metric].mid
		   : NAN;
}

static double
next_key(const void *row, const void *ctx)
{
	return next_of(row, ctx);
}

static void
next_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	cell->text = value_text(((const C *)row)->metric, next_of(row, ctx), cell->buf,
				sizeof(cell->buf));
	cell->role = PGT_ROLE_DIM;
}

static size_t
charts_count(const void *ctx)
{
	return alerts_of(ctx) ? PGT_METRIC__N : 0;
}

static const void *
charts_row(const void *ctx, size_t i)
{
	return &alerts_of(ctx)->charts[i];
}

static uint64_t
charts_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const C *)row)->metric + 1;
}

static const struct pgt_column chart_columns[] = {
    PGT_COL_S(metric, "measure", 17, 20, .help = "what is watched"),
    PGT_COL_S(phase, "chart", 11, 18, .help = "learning, watching, alarmed, refractory"),
    PGT_COL_N(value, "now", 10, 17, .help = "last bucket"),
    PGT_COL_N(expected, "expected", 10, 16, .help = "for this hour and this load"),
    PGT_COL_N(lo, "from", 9, 12, .help = "lower end of the 95% range"),
    PGT_COL_N(hi, "to", 9, 12, .help = "upper end of the 95% range"),
    PGT_COL_N(z, "z", 7, 8, .help = "standardised distance of the last bucket"),
    PGT_COL_N(up, "sum up", 8, 10, .help = "CUSUM upwards"),
    PGT_COL_N(down, "sum down", 9, 10, .help = "CUSUM downwards"),
    PGT_COL_N(limit, "limit", 7, 9, .help = "an alarm at this sum"),
    PGT_COL_N(next, "next hour", 10, 8,
	      .help = "forecast of the next hour, from two days of history on"),
    PGT_COL_N(buckets, "seen", 7, 4, .help = "buckets behind it"),
};

static const struct pgt_grid_ops charts_grid = {
    .columns = chart_columns,
    .n_columns = PGT_LEN(chart_columns),
    .frozen = 1,
    .sort = -1,
    .count = charts_count,
    .row = charts_row,
    .id = charts_id,
    .empty = "the detector has not spoken yet",
};

const struct pgt_panel_ops pgt_panel_charts = {
    .name = "charts",
    .title = "What is watched",
    .main_section = PGT_SEC_BASIC,
    .table = &charts_grid,
    .source =
	"The detector's charts, one a measure. It watches after it has learnt enough "
	"buckets; during an alarm the expectation stands still.",
};

/* ---- the rules ---- */

static void
rules_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	   bool focused)
{
	const struct pgt_ev_alerts *ev = ui->alerts;
	struct pgt_canvas g = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	if (!ev) {
		pgt_put(c, 0, 1, PGT_ROLE_DIM, "the rules have not spoken yet");
		return;
	}
	if (ev->rules_message[0])
		pgt_doc_printf(&doc, PGT_ROLE_WARN, "%s", ev->rules_message);
	if (ev->store_message[0])
		pgt_doc_printf(&doc, PGT_ROLE_WARN, "history: %s", ev->store_message);
	if (ev->n_actions == 0)
		pgt_doc_line(&doc, PGT_ROLE_DIM, "no rule calls for anything");
	for (size_t i = 0; i < ev->n_actions; i++) {
		pgt_doc_printf(&doc,
			       ev->actions[i].ready ? PGT_ROLE_ACCENT : PGT_ROLE_TEXT,
			       "%s: %s%s", ev->actions[i].name,
			       ev->actions[i].act ? "act" : "propose",
			       ev->actions[i].ready ? ""
			       : ev->suppressed     ? " (waits for the cooldown)"
						    : " (not yet)");
		if (ev->actions[i].why)
			pgt_doc_block(&doc, PGT_ROLE_DIM, ev->actions[i].why);
	}
	g.r.x++;
	g.r.w--;
	pgt_doc_draw(&doc, &g);
	pgt_doc_done(&doc);
}

const struct pgt_panel_ops pgt_panel_rules = {
    .name = "rules",
    .title = "What the rules conclude",
    .main_section = PGT_SEC_BASIC,
    .draw = rules_draw,
    .source =
	"Decision rules in Datalog over the facts of this round; each conclusion comes "
	"with its proof.",
};
