/* The registry of screens and how each places its panels. */
#include "panel_priv.h"
#include "ui_priv.h"

static struct pgt_rect
rect(int y, int x, int h, int w)
{
	return (struct pgt_rect){y, x, h, w};
}

/* ---- overview ---- */

enum { MINI, TPS, LATENCY, SUMMARY, SESSIONS, WAITING, BLOCKED, TOP };

static void
overview_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int graphs, middle = 5, half = a.w / 2, third = a.w / 3;

	(void)ui;
	if (a.w < 60 || a.h < 11) {
		p[SUMMARY].spare = true;
		p[MINI].r = a;
		return;
	}
	p[MINI].spare = true;
	graphs = a.h >= 36 ? 8 : a.h >= 24 ? 5 : 4;
	p[TPS].r = rect(a.y, a.x, graphs, half);
	p[LATENCY].r = rect(a.y, a.x + half, graphs, a.w - half);
	a.y += graphs;
	a.h -= graphs;
	if (a.h >= 30)
		middle = 10;
	else if (a.h >= 22)
		middle = 7;
	if (a.w >= 96) {
		p[SESSIONS].r = rect(a.y, a.x, middle, third);
		p[WAITING].r = rect(a.y, a.x + third, middle, third);
		p[BLOCKED].r = rect(a.y, a.x + 2 * third, middle, a.w - 2 * third);
		p[SUMMARY].spare = true;
	} else {
		p[SESSIONS].spare = p[WAITING].spare = p[BLOCKED].spare = true;
		p[SUMMARY].r = rect(a.y, a.x, middle, a.w);
	}
	p[TOP].r = rect(a.y + middle, a.x, a.h - middle, a.w);
}

static const struct pgt_screen_ops overview = {
    .request = PGT_REQ_OVERVIEW,
    .title = "Overview",
    .panels = {[MINI] = &pgt_panel_mini, [TPS] = &pgt_panel_throughput,
	       [LATENCY] = &pgt_panel_latency, [SUMMARY] = &pgt_panel_summary,
	       [SESSIONS] = &pgt_panel_sessions, [WAITING] = &pgt_panel_waiting,
	       [BLOCKED] = &pgt_panel_blocked, [TOP] = &pgt_panel_top},
    .layout = overview_layout,
};

/* ---- one panel ---- */

static void
whole_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	(void)ui;
	p[0].r = a;
}

static const struct pgt_screen_ops activity = {
    .request = PGT_REQ_ACTIVITY,
    .title = "Activity",
    .panels = {&pgt_panel_activity, NULL},
    .layout = whole_layout,
};

static const struct pgt_screen_ops locks = {
    .request = PGT_REQ_LOCKS,
    .title = "Locks",
    .panels = {&pgt_panel_locks, NULL},
    .layout = whole_layout,
};

static const struct pgt_screen_ops queries = {
    .request = PGT_REQ_QUERIES,
    .title = "Queries",
    .panels = {&pgt_panel_queries, NULL},
    .layout = whole_layout,
};

/* ---- stacks: each panel gets its share of the rows, the least of them its
 * minimum; what does not fit is left to the zoom of the others ---- */

static void
stack(struct pgt_rect a, struct pgt_panel *p, const int *share, const int *least, int n)
{
	int total = 0, at = a.y, left = a.h;

	/* From the end, panels go until the rest have their minimum. */
	for (;;) {
		int need = 0;

		for (int i = 0; i < n; i++)
			need += least[i];
		if (need <= a.h || n == 1)
			break;
		n--;
	}
	for (int i = 0; i < n; i++)
		total += share[i];
	for (int i = 0; i < n; i++) {
		int h = i == n - 1 ? left : a.h * share[i] / total;
		int after = 0;

		for (int k = i + 1; k < n; k++)
			after += least[k];
		if (h < least[i])
			h = least[i];
		if (h > left - after && i < n - 1)
			h = left - after;
		p[i].r = rect(at, a.x, h, a.w);
		at += h;
		left -= h;
	}
}

static void
waits_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	(void)ui;
	stack(a, p, (const int[]){7, 3}, (const int[]){6, 6}, 2);
}

static const struct pgt_screen_ops waits = {
    .request = PGT_REQ_WAITS,
    .title = "Waits",
    .panels = {&pgt_panel_waits, &pgt_panel_wait_graph, NULL},
    .layout = waits_layout,
};

static void
io_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int top = a.h >= 30 ? 9 : 7, half = a.w * 2 / 5;

	(void)ui;
	if (a.h < 14 || a.w < 70) {
		stack(a, p, (const int[]){1, 2, 2}, (const int[]){4, 6, 5}, 3);
		return;
	}
	p[0].r = rect(a.y, a.x, top, half);
	p[1].r = rect(a.y, a.x + half, top, a.w - half);
	p[2].r = rect(a.y + top, a.x, a.h - top, a.w);
}

static const struct pgt_screen_ops io = {
    .request = PGT_REQ_IO,
    .title = "I/O",
    .panels = {&pgt_panel_wal, &pgt_panel_checkpoints, &pgt_panel_io, NULL},
    .layout = io_layout,
};

static void
replication_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	bool standby = ui->snap && ui->snap->node.in_recovery;

	p[3].spare = !standby;
	if (standby && a.h >= 9) {
		p[3].r = rect(a.y, a.x, 4, a.w);
		a.y += 4;
		a.h -= 4;
	}
	if (a.h >= 4)
		stack(a, p, (const int[]){2, 2, 3}, (const int[]){5, 4, 5}, 3);
}

static const struct pgt_screen_ops replication = {
    .request = PGT_REQ_REPLICATION,
    .title = "Replication",
    .panels = {&pgt_panel_replicas, &pgt_panel_slots, &pgt_panel_horizon,
	       &pgt_panel_receiver, NULL},
    .layout = replication_layout,
};

static void
tables_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	(void)ui;
	stack(a, p, (const int[]){5, 4, 2}, (const int[]){6, 6, 4}, 3);
}

static const struct pgt_screen_ops tables = {
    .request = PGT_REQ_TABLES,
    .title = "Tables",
    .panels = {&pgt_panel_tables, &pgt_panel_indexes, &pgt_panel_progress, NULL},
    .layout = tables_layout,
};

static void
host_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	(void)ui;
	stack(a, p, (const int[]){5, 5, 1}, (const int[]){7, 5, 4}, 3);
}

static const struct pgt_screen_ops host = {
    .request = PGT_REQ_HOST,
    .title = "Host",
    .panels = {&pgt_panel_host, &pgt_panel_databases, &pgt_panel_cost, NULL},
    .layout = host_layout,
};

static void
alerts_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	(void)ui;
	if (a.h >= 30) /* all four */
		stack(a, p, (const int[]){4, 3, 5, 2}, (const int[]){6, 5, 6, 5}, 4);
	else
		stack(a, p, (const int[]){4, 3, 4}, (const int[]){6, 5, 6}, 3);
}

static const struct pgt_screen_ops alerts = {
    .request = PGT_REQ_ALERTS,
    .title = "Alerts",
    .panels = {&pgt_panel_alerts, &pgt_panel_events, &pgt_panel_charts, &pgt_panel_rules,
	       NULL},
    .layout = alerts_layout,
};

static void
history_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int rows = a.h >= 40 ? 3 : 2, cols = a.w >= 150 ? 3 : 2, h, w, k = 0;

	(void)ui;
	if (a.w < 60 || a.h < 16) {
		stack(a, p, (const int[]){1, 1, 0, 0, 0, 0, 1},
		      (const int[]){4, 4, 4, 4, 4, 4, 4}, a.h >= 8 ? 2 : 1);
		return;
	}
	if (rows == 3 && cols == 3)
		rows = 2; /* there are six graphs */
	h = a.h * 3 / 5 / rows;
	w = a.w / cols;
	for (int y = 0; y < rows; y++)
		for (int x = 0; x < cols; x++, k++)
			p[k].r = rect(a.y + y * h, a.x + x * w, h,
				      x == cols - 1 ? a.w - x * w : w);
	p[6].r = rect(a.y + rows * h, a.x, a.h - rows * h, a.w);
}

static const struct pgt_screen_ops history = {
    .request = PGT_REQ_HISTORY,
    .title = "History",
    .panels = {&pgt_panel_past_tps, &pgt_panel_past_p99, &pgt_panel_past_active,
	       &pgt_panel_past_waiting, &pgt_panel_past_hit, &pgt_panel_past_wal,
	       &pgt_panel_past_rows, NULL},
    .layout = history_layout,
};

static void
changes_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int side = a.w >= 90 ? 28 : 0;

	/* what a crash left comes before all else */
	if (ui->change && ui->change->n_found > 0 &&
	    ui->change->stage <= PGT_FLOW_DRAFT) {
		p[1].spare = p[2].spare = ui->change->n_items == 0;
		if (side && a.h >= 10) {
			p[3].r = rect(a.y, a.x + a.w - side, a.h, side);
			a.w -= side;
		}
		stack(a, p, (const int[]){5, 2, 3}, (const int[]){8, 4, 4},
		      p[1].spare ? 1 : 3);
		return;
	}
	/* the server's figures stay in sight beside all stages */
	if (side && a.h >= 10) {
		p[3].r = rect(a.y, a.x + a.w - side, a.h, side);
		a.w -= side;
	}
	stack(a, p, (const int[]){3, 4, 4}, (const int[]){6, 5, 5}, 3);
}

static const struct pgt_screen_ops changes = {
    .request = PGT_REQ_CHANGES,
    .title = "Changes",
    .panels = {&pgt_panel_track, &pgt_panel_items, &pgt_panel_log, &pgt_panel_now, NULL},
    .layout = changes_layout,
};

static void
advice_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	(void)ui;
	stack(a, p, (const int[]){5, 6}, (const int[]){5, 6}, 2);
}

static const struct pgt_screen_ops advice = {
    .request = PGT_REQ_ADVICE,
    .title = "Recommendations",
    .panels = {&pgt_panel_advice, &pgt_panel_chosen, NULL},
    .layout = advice_layout,
};

static void
optimizer_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int top = a.h >= 36 ? 9 : a.h >= 28 ? 8 : 7, half = a.w / 2, charts;

	if (!ui->search || ui->search->n_settings == 0) {
		for (int i = 1; i < 5; i++)
			p[i].spare = true;
		p[0].r = a;
		return;
	}
	if (ui->search->opts.mode == PGT_TUNE_MODEL) { /* nothing is measured */
		p[1].spare = p[2].spare = p[4].spare = true;
		stack(a, p, (const int[]){1, 0, 0, 3}, (const int[]){6, 0, 0, 6}, 4);
		return;
	}
	if (a.w < 100 || a.h < 22) {
		stack(a, p, (const int[]){4, 5, 0, 5}, (const int[]){7, 7, 0, 7}, 4);
		return;
	}
	charts = (a.h - top) / 2;
	p[0].r = rect(a.y, a.x, top, a.w);
	p[1].r = rect(a.y + top, a.x, charts, half);
	p[2].r = rect(a.y + top, a.x + half, charts, a.w - half);
	p[3].r = rect(a.y + top + charts, a.x + half, a.h - top - charts, a.w - half);
	p[4].r = rect(a.y + top + charts, a.x, a.h - top - charts, half);
}

/* The effect's panel looks at the fourth one's row: see panel_effect.c. */
static const struct pgt_screen_ops optimizer = {
    .request = PGT_REQ_OPTIMIZER,
    .title = "Optimizer",
    .panels = {&pgt_panel_search, &pgt_panel_search_chart, &pgt_panel_effect,
	       &pgt_panel_knobs, &pgt_panel_trials, NULL},
    .layout = optimizer_layout,
};

static void
rollout_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int top = a.h >= 28 ? 8 : 7, nodes = 7, half = a.w / 2;

	if (!ui->rollout || !ui->rollout->id[0]) {
		for (int i = 1; i < 5; i++)
			p[i].spare = true;
		p[0].r = a;
		return;
	}
	if (a.w < 70 || a.h < 20) {
		stack(a, p, (const int[]){4, 3, 3, 5, 4}, (const int[]){7, 5, 5, 9, 5},
		      5);
		return;
	}
	p[0].r = rect(a.y, a.x, top, a.w);
	p[1].r = rect(a.y + top, a.x, nodes, half);
	p[2].r = rect(a.y + top, a.x + half, nodes, a.w - half);
	a.y += top + nodes;
	a.h -= top + nodes;
	if (a.w >= 100) {
		p[3].r = rect(a.y, a.x, a.h, half);
		p[4].r = rect(a.y, a.x + half, a.h, a.w - half);
	} else {
		p[3].r = rect(a.y, a.x, a.h, a.w);
	}
}

static const struct pgt_screen_ops rollout = {
    .request = PGT_REQ_ROLLOUT,
    .title = "Rollout",
    .panels = {&pgt_panel_rollout, &pgt_panel_ro_primary, &pgt_panel_ro_canary,
	       &pgt_panel_ro_evidence, &pgt_panel_ro_log, NULL},
    .layout = rollout_layout,
};

const struct pgt_screen_ops *const pgt_screens[] = {
    &overview, &activity, &locks,  &queries, &waits,   &io,        &replication, &tables,
    &host,     &history,  &alerts, &advice,  &changes, &optimizer, &rollout,     NULL,
};
