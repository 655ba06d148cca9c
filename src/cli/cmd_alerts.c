/* alerts: what the history keeps.  analysis: the detectors and the rules, live. */
#include <poll.h>
#include <stdio.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/engine/engine.h"
#include "pg2une/engine/kept.h"
#include "pg2une/engine/session.h"

#define DEFAULT_SINCE_NS (7 * 86400 * PGT_NS_PER_S)
#define DEFAULT_FOR_NS	 (30 * PGT_NS_PER_S)

/* ---- alerts ---- */

static const struct pgt_column alert_columns[] = {
    {"onset", "onset", PGT_CELL_TEXT},
    {"severity", "severity", PGT_CELL_TEXT},
    {"metric", "metric", PGT_CELL_TEXT},
    {"direction", "direction", PGT_CELL_TEXT},
    {"baseline", "was", PGT_CELL_NUM},
    {"current", "became", PGT_CELL_NUM},
    {"confidence", "confidence", PGT_CELL_PCT},
    {"state", "state", PGT_CELL_TEXT},
    {"cause", "first cause candidate", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view alert_views[] = {
    {"alerts", "Alerts", alert_columns, "no alert was kept in this time", 0},
    {0},
};
static const struct pgt_option alert_options[] = {
    {.name = "since",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .help = "how far to look back (7d)"},
    {0},
};

static int
run_alerts(struct pgt_cmd *c, struct pgt_err *err)
{
	int64_t since = pgt_cmd_int(c, "since");
	struct pgt_session *s;
	cJSON *list, *a;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_kept_alerts(s, c->options,
			     pgt_clock_real_ns() - (since > 0 ? since : DEFAULT_SINCE_NS),
			     &list, err);
	pgt_session_close(s);
	if (rc < 0)
		return -1;
	cJSON_ArrayForEach(a, list) {
		const cJSON *first =
		    cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(a, "causes"), 0);
		const char *text = NULL;

		pgt_json_get_str(first, "text", &text);
		pgt_json_str(a, "cause", text);
	}
	c->data = cJSON_CreateObject();
	pgt_json_item(c->data, "alerts", list);
	c->views = alert_views;
	return 0;
}

const struct pgt_cmd_ops pgt_cmd_alerts = {
    .name = "alerts",
    .group = "Noticing",
    .summary = "alerts that the console has kept for this server",
    .details =
	"Read from the history (--store), where the console and analysis put them.",
    .examples = "alerts --since 1d\nalerts --format json",
    .opts = alert_options,
    .run = run_alerts,
};

/* ---- analysis ---- */

static const struct pgt_column chart_columns[] = {
    {"metric", "metric", PGT_CELL_TEXT},
    {"phase", "state", PGT_CELL_TEXT},
    {"value", "value", PGT_CELL_NUM},
    {"expected_low", "expected from", PGT_CELL_NUM},
    {"expected_high", "to", PGT_CELL_NUM},
    {"cusum_up", "cusum up", PGT_CELL_NUM},
    {"cusum_down", "down", PGT_CELL_NUM},
    {"h", "threshold", PGT_CELL_NUM},
    {0},
};
static const struct pgt_column action_columns[] = {
    {"action", "action", PGT_CELL_TEXT},
    {"should_act", "now", PGT_CELL_BOOL},
    {"why", "why", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view analysis_views[] = {
    {"alerts", "Alerts", alert_columns, "no alert", 0},
    {"charts", "Charts", chart_columns, NULL, 0},
    {"actions", "Proposed by the rules", action_columns, "nothing is proposed", 0},
    {0},
};
static const struct pgt_option analysis_options[] = {
    {.name = "for",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .help = "how long to watch (30s); the charts learn for some minutes"},
    {0},
};

/* What a screen would put into its status bar. */
static void
tell_notice(const struct pgt_ev_notice *n)
{
	if (n->level != PGT_NOTICE_INFO)
		fprintf(stderr, "pg2une: %s\n", n->text);
}

/* The newest event when time is up. */
static int
watch(struct pgt_engine *e, int64_t for_ns, cJSON **ret, struct pgt_err *err)
{
	struct pgt_mailbox *mb = pgt_engine_events(e);
	struct pollfd p = {.fd = pgt_mailbox_fd(mb), .events = POLLIN};
	int64_t until = pgt_clock_mono_ns() + for_ns;
	const struct pgt_ev_link *link;
	struct pgt_msg *m;
	cJSON *last = NULL;
	bool any = false;

	while (pgt_clock_mono_ns() < until) {
		poll(&p, 1, 200);
		while ((m = pgt_mailbox_take(mb))) {
			link = m->data;
			any |= m->type == PGT_EV_SNAPSHOT;
			if (m->type == PGT_EV_ALERTS) {
				cJSON_Delete(last);
				last = pgt_analysis_json(m->data);
			} else if (m->type == PGT_EV_NOTICE) {
				tell_notice(m->data);
			} else if (m->type == PGT_EV_LINK && !link->up &&
				   *link->message) {
				pgt_err_set(err, PGT_E_CONN, "%s: %s", link->target,
					    link->message);
				if (link->final || !any) /* it was never there */
					until = 0;
			}
			pgt_msg_free(m);
		}
	}
	if (!last)
		return err && err->code
			   ? -1
			   : pgt_err_set(err, PGT_E_TIMEOUT, "no sample came in time");
	pgt_err_clear(err);
	*ret = last;
	return 0;
}

static int
run_analysis(struct pgt_cmd *c, struct pgt_err *err)
{
	int64_t for_ns = pgt_cmd_int(c, "for");
	struct pgt_engine *e;
	int rc;

	if (pgt_engine_new(c->options, &e, err) < 0)
		return -1;
	rc = watch(e, for_ns > 0 ? for_ns : DEFAULT_FOR_NS, &c->data, err);
	pgt_engine_free(e);
	c->views = analysis_views;
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_analysis = {
    .name = "analysis",
    .group = "Noticing",
    .summary = "what the detectors and the rules say, after watching for a while",
    .examples = "analysis --for 10min\nanalysis --format json",
    .opts = analysis_options,
    .run = run_analysis,
};
