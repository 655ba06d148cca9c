/* The incident bundle: what this console knows, in one file to send or to keep.  It is
 * put together here and written by the engine, since a slow disk must not stop us. */
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/snapshot_json.h"
#include "ui_priv.h"

#define POINTS 300 /* seconds of history */

static const struct {
	enum pgt_series series;
	const char *name;
} series[] = {
    {PGT_SERIES_TPS, "tps"},         {PGT_SERIES_P50, "p50_ms"},
    {PGT_SERIES_P95, "p95_ms"},      {PGT_SERIES_P99, "p99_ms"},
    {PGT_SERIES_HIT, "hit_ratio"},   {PGT_SERIES_ACTIVE, "active"},
    {PGT_SERIES_WAITING, "waiting"}, {PGT_SERIES_BLOCKED, "blocked"},
    {PGT_SERIES_WAL, "wal_bps"},     {PGT_SERIES_LAG, "lag_bytes"},
};

static void
put_lines(cJSON *o, const char *name, const char *text)
{
	cJSON *arr = pgt_json_arr(o, name);

	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = pgt_xstrndup(text, n);

		pgt_json_str(arr, NULL, line);
		free(line);
		text += n + (text[n] == '\n');
	}
}

static void
put_history(cJSON *o, const struct pgt_ui *ui)
{
	float v[POINTS];
	cJSON *h = pgt_json_obj(o, "history"), *arr;
	int odd, width = 1;

	for (size_t i = 0; i < PGT_LEN(series); i++) {
		width = pgt_plot_points(ui->history, series[i].series, POINTS, v, POINTS,
					&odd);
		arr = pgt_json_arr(h, series[i].name);
		for (size_t k = 0; k < POINTS; k++)
			pgt_json_num(arr, NULL, (double)v[k]);
	}
	pgt_json_i64(h, "seconds_a_point", width);
}

static void
put_alerts(cJSON *o, const struct pgt_ev_alerts *ev)
{
	cJSON *arr = pgt_json_arr(o, "alerts"), *a;
	char text[240], at[40];

	for (size_t i = 0; ev && i < ev->n_alerts; i++) {
		a = cJSON_CreateObject();
		pgt_clock_iso8601(ev->alerts[i].onset_real_ns, at, sizeof(at));
		pgt_json_str(a, "since", at);
		pgt_json_str(a, "what",
			     pgt_alert_line(&ev->alerts[i], text, sizeof(text)));
		if (ev->alerts[i].n_causes)
			pgt_json_str(a, "cause", ev->alerts[i].causes[0].event.text);
		pgt_json_item(arr, NULL, a);
	}
}

static void
put_runs(cJSON *o, const struct pgt_ui *ui)
{
	const struct pgt_ev_change *c = ui->change;
	cJSON *change, *arr;

	if (c && c->stage != PGT_FLOW_NONE) {
		change = pgt_json_obj(o, "change");
		pgt_json_str(change, "id", c->id);
		pgt_json_str(change, "stage", pgt_flow_stage_name(c->stage));
		arr = pgt_json_arr(change, "statements");
		for (size_t i = 0; i < c->n_items; i++)
			pgt_json_str(arr, NULL, c->items[i].sql);
		arr = pgt_json_arr(change, "log");
		for (size_t i = 0; i < c->n_log; i++)
			pgt_json_str(arr, NULL, c->log[i]);
	}
	if (ui->rollout && ui->rollout->id[0])
		pgt_json_item(o, "rollout", pgt_rollout_event_json(ui->rollout));
	arr = pgt_json_arr(o, "recommendations");
	for (size_t i = 0; ui->advice && ui->advice->list && i < ui->advice->list->n; i++)
		pgt_json_str(arr, NULL, ui->advice->list->items[i].title);
}

char *
pgt_incident_text(const struct pgt_ui *ui)
{
	cJSON *o = cJSON_CreateObject();
	char at[40], *screen = pgt_screen_text(), *text;

	pgt_clock_iso8601(pgt_clock_real_ns(), at, sizeof(at));
	pgt_json_str(o, "what", "pg2une incident bundle");
	pgt_json_str(o, "at", at);
	pgt_json_str(o, "server", ui->link.target);
	put_lines(o, "screen", screen ? screen : "");
	put_alerts(o, ui->alerts);
	put_runs(o, ui);
	put_history(o, ui);
	if (ui->snap)
		pgt_json_item(o, "snapshot", pgt_snapshot_json(ui->snap));
	text = pgt_json_print(o, true);
	cJSON_Delete(o);
	free(screen);
	return text;
}

void
pgt_incident_write(struct pgt_ui *ui)
{
	char at[40], *dir, *path;

	if (!ui->engine || !ui->snap) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "nothing is known yet to be written");
		return;
	}
	pgt_clock_iso8601(pgt_clock_real_ns(), at, sizeof(at));
	for (char *p = at; *p; p++)
		*p = *p == ':' || *p == '.' ? '-' : *p;
	dir = pgt_file_state_dir();
	path = pgt_xasprintf("%s/incidents/%s.json", dir, at);
	pgt_engine_keep(ui->engine, path, pgt_incident_text(ui));
	free(path);
	free(dir);
}
