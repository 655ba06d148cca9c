/* The registry of screens and how each places its panels. */
#include "panel_priv.h"
#include "ui_priv.h"

static struct pgt_rect
rect(int y, int x, int h, int w)
{
	return (struct pgt_rect){y, x, h, w};
}

/* ---- overview ---- */

static void
overview_layout(struct pgt_ui *ui, struct pgt_rect a, struct pgt_panel *p)
{
	int graphs, middle = 5, half = a.w / 2, third = a.w / 3;

	(void)ui;
	if (a.w < 60 || a.h < 11) {
		p[6].r = a;
		return;
	}
	graphs = a.h >= 36 ? 8 : a.h >= 24 ? 5 : 4;
	p[0].r = rect(a.y, a.x, graphs, half);
	p[1].r = rect(a.y, a.x + half, graphs, a.w - half);
	a.y += graphs;
	a.h -= graphs;
	if (a.h >= 30)
		middle = 10;
	else if (a.h >= 22)
		middle = 7;
	if (a.w >= 96) {
		p[2].r = rect(a.y, a.x, middle, third);
		p[3].r = rect(a.y, a.x + third, middle, third);
		p[4].r = rect(a.y, a.x + 2 * third, middle, a.w - 2 * third);
	} else {
		p[5].r = rect(a.y, a.x, middle, a.w);
	}
	p[7].r = rect(a.y + middle, a.x, a.h - middle, a.w);
}

static const struct pgt_screen_ops overview = {
    .request = PGT_REQ_OVERVIEW,
    .title = "Overview",
    .panels = {&pgt_panel_throughput, &pgt_panel_latency, &pgt_panel_sessions,
	       &pgt_panel_waiting, &pgt_panel_blocked, &pgt_panel_summary,
	       &pgt_panel_mini, &pgt_panel_top, NULL},
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

const struct pgt_screen_ops *const pgt_screens[] = {
    &overview, &activity, &locks, &queries, NULL,
};
