/* From keys to what they ask for, and doing it: dialog, prompt, page, panel and
 * table each get a chance, in this order. */
#include <stdlib.h>
#include <string.h>

#include "dialog_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

static void
set_interval(struct pgt_ui *ui, int step)
{
	static const int64_t ms[] = {200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
	int at = 0, n = (int)PGT_LEN(ms);

	while (at < n - 1 && ms[at] * PGT_NS_PER_MS < ui->interval_ns)
		at++;
	if (step < 0 && ms[at] * PGT_NS_PER_MS > ui->interval_ns)
		at++; /* between two steps: down to the lower one */
	at += step;
	if (at < 0 || at >= n) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "the interval is 0.2 s to 60 s");
		return;
	}
	ui->interval_ns = ms[at] * PGT_NS_PER_MS;
	if (ui->engine)
		pgt_engine_set_interval(ui->engine, ui->interval_ns);
	ui->dirty = true;
}

static void
toggle_pause(struct pgt_ui *ui)
{
	ui->paused = !ui->paused;
	if (ui->engine)
		pgt_engine_pause(ui->engine, ui->paused);
	if (!ui->paused && ui->engine)
		pgt_engine_kick(ui->engine);
	ui->dirty = true;
}

static void
step_focus(struct pgt_ui *ui, int delta)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);

	pgt_ui_layout(ui); /* tells which are spare */
	for (int i = 1; i <= st->n_panels; i++) {
		int k = (st->focus + (delta * i) % st->n_panels + st->n_panels) %
			st->n_panels;

		if (!st->panels[k].spare) {
			st->focus = st->wish = k;
			st->tabbed = true;
			break;
		}
	}
}

static void
copy_row(struct pgt_ui *ui)
{
	struct pgt_panel *p = pgt_ui_focus(ui);
	const void *row = p->ops->table ? pgt_grid_current(&p->table, ui) : NULL;
	struct pgt_buf b;

	if (!row) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "there is no row to copy");
		return;
	}
	pgt_buf_init(&b, 64 << 10);
	if (p->ops->table == &pgt_grid_queries && ((const struct pgt_query *)row)->text)
		pgt_buf_puts(&b, ((const struct pgt_query *)row)->text);
	else
		pgt_grid_row_text(&p->table, row, ui, &b);
	if (pgt_screen_copy(pgt_buf_str(&b)))
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "copied %zu characters to the clipboard", b.len);
	pgt_buf_done(&b);
}

static void
find(struct pgt_ui *ui, bool backwards)
{
	struct pgt_panel *p = pgt_ui_focus(ui);

	if (!p->ops->table || !p->table.search)
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "nothing to search for: / begins a search");
	else if (!pgt_grid_find(&p->table, ui, backwards, false))
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "no match for %s",
			      p->table.search_text);
}

static bool
table_request(struct pgt_ui *ui, enum pgt_request r)
{
	struct pgt_panel *p = pgt_ui_focus(ui);
	struct pgt_grid *t = &p->table;
	long page = t->body.h > 1 ? t->body.h - 1 : 1;

	if (!p->ops->table)
		return false;
	if (r == PGT_REQ_UP)
		pgt_grid_move(t, ui, -1);
	else if (r == PGT_REQ_DOWN)
		pgt_grid_move(t, ui, 1);
	else if (r == PGT_REQ_PAGE_UP)
		pgt_grid_move(t, ui, -page);
	else if (r == PGT_REQ_PAGE_DOWN)
		pgt_grid_move(t, ui, page);
	else if (r == PGT_REQ_FIRST)
		pgt_grid_select(t, ui, 0);
	else if (r == PGT_REQ_LAST)
		pgt_grid_select(t, ui, t->n ? t->n - 1 : 0);
	else if (r == PGT_REQ_LEFT)
		pgt_grid_pan(t, -1);
	else if (r == PGT_REQ_RIGHT)
		pgt_grid_pan(t, 1);
	else if (r == PGT_REQ_SORT_PREV)
		pgt_grid_sort_step(t, -1);
	else if (r == PGT_REQ_SORT_NEXT)
		pgt_grid_sort_step(t, 1);
	else if (r == PGT_REQ_REVERSE)
		pgt_grid_sort_by(t, t->sort < 0 ? 0 : t->sort, !t->descending);
	else if (r == PGT_REQ_SORT_MENU)
		pgt_flow_sort(ui);
	else if (r == PGT_REQ_TAG)
		pgt_grid_tag(t, ui);
	else
		return false;
	pgt_grid_update(t, ui);
	ui->dirty = true;
	return true;
}

/* Esc and q: one step back.  False when there is nothing to go back from. */
static bool
go_back(struct pgt_ui *ui, bool filters_too)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);
	struct pgt_panel *p = pgt_ui_focus(ui);

	ui->dirty = true;
	if (ui->n_pages) {
		pgt_page_pop(ui);
		return true;
	}
	if (st->zoom)
		return st->zoom = false, true;
	if (st->tabbed) { /* from a panel that only Tab shows */
		int at = st->focus;

		st->tabbed = false;
		pgt_ui_layout(ui);
		if (st->focus != at)
			return true;
	}
	if (filters_too && p->ops->table && (p->table.filter || p->table.search)) {
		if (pgt_grid_filter(&p->table, NULL, NULL) < 0 ||
		    pgt_grid_search(&p->table, NULL, NULL) < 0)
			return false;
		pgt_grid_update(&p->table, ui);
		return true;
	}
	return false;
}

/* R, from anywhere: what is under way goes back. */
static void
roll_back(struct pgt_ui *ui)
{
	if (pgt_rollout_under_way(ui) && ui->rollout->ours)
		pgt_flow_rollout_rollback(ui);
	else if (!pgt_flow_rollback_possible(ui) && pgt_search_running(ui) &&
		 !ui->read_only)
		pgt_flow_search_restore(ui);
	else
		pgt_flow_change_rollback(ui);
}

static void
hold(struct pgt_ui *ui)
{
	if (ui->read_only)
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "read-only: nothing is steered here");
	else if (pgt_rollout_under_way(ui) && ui->rollout->ours)
		pgt_flow_rollout_hold(ui);
	else if (pgt_search_running(ui))
		pgt_flow_search_hold(ui);
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "there is nothing to hold now");
}

static bool
general_request(struct pgt_ui *ui, enum pgt_request r)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);

	if (r == PGT_REQ_QUIT) {
		if (!go_back(ui, false))
			ui->quit = pgt_flow_may_quit(ui);
	} else if (r == PGT_REQ_BACK) {
		go_back(ui, true);
	} else if (r == PGT_REQ_HELP) {
		pgt_page_open_help(ui);
	} else if (r == PGT_REQ_PALETTE) {
		pgt_prompt_open(ui, PGT_PROMPT_COMMAND);
	} else if (r == PGT_REQ_REDRAW) {
		pgt_screen_repaint();
	} else if (r == PGT_REQ_PAUSE) {
		toggle_pause(ui);
	} else if (r == PGT_REQ_SLOWER || r == PGT_REQ_FASTER) {
		set_interval(ui, r == PGT_REQ_SLOWER ? 1 : -1);
	} else if (r == PGT_REQ_INCIDENT) {
		pgt_incident_write(ui);
	} else if (r == PGT_REQ_CLUSTERS) {
		pgt_flow_clusters(ui);
	} else if (r == PGT_REQ_ROLLBACK) {
		roll_back(ui);
	} else if (r == PGT_REQ_HOLD) {
		hold(ui);
	} else if (r == PGT_REQ_STOP) {
		pgt_flow_search_stop(ui);
	} else if (r == PGT_REQ_PSQL) {
		pgt_flow_psql(ui);
	} else if (r == PGT_REQ_ZOOM && !ui->n_pages) {
		st->zoom = !st->zoom;
	} else if (r == PGT_REQ_NEXT || r == PGT_REQ_PREV) {
		step_focus(ui, r == PGT_REQ_NEXT ? 1 : -1);
	} else {
		return false;
	}
	ui->dirty = true;
	return true;
}

static void
panel_request(struct pgt_ui *ui, enum pgt_request r)
{
	struct pgt_panel *p = pgt_ui_focus(ui);

	if (p->ops->request && ui->snap && p->ops->request(p, ui, r)) {
		ui->dirty = true;
		return;
	}
	if (table_request(ui, r))
		return;
	if (r == PGT_REQ_FILTER || r == PGT_REQ_SEARCH) {
		if (p->ops->table)
			pgt_prompt_open(ui, r == PGT_REQ_FILTER ? PGT_PROMPT_FILTER
								: PGT_PROMPT_SEARCH);
		else
			pgt_ui_notice(ui, PGT_NOTICE_INFO,
				      "this panel has no rows: Tab goes to one that has");
	} else if (r == PGT_REQ_FIND_NEXT || r == PGT_REQ_FIND_PREV) {
		find(ui, r == PGT_REQ_FIND_PREV);
	} else if (r == PGT_REQ_COPY) {
		copy_row(ui);
	} else if (r == PGT_REQ_SOURCE) {
		pgt_page_open_source(ui, p);
	} else if (r == PGT_REQ_APPLY || r == PGT_REQ_CONFIRM) {
		pgt_ui_goto(ui, PGT_REQ_CHANGES);
	} else if (r == PGT_REQ_CANCEL || r == PGT_REQ_TERMINATE ||
		   r == PGT_REQ_EXPLAIN || r == PGT_REQ_WHATIF) {
		pgt_ui_notice(
		    ui, PGT_NOTICE_INFO, "%s needs a %s: choose one on screen %s",
		    pgt_request_info(r)->name,
		    r == PGT_REQ_EXPLAIN ? "statement" : "session",
		    r == PGT_REQ_EXPLAIN ? "4 queries" : "2 activity or 3 locks");
	}
}

void
pgt_ui_request(struct pgt_ui *ui, enum pgt_request r)
{
	const struct pgt_request_info *info = pgt_request_info(r);

	if (!info)
		return;
	ui->notice.text[0] = '\0';
	ui->dirty = true;
	if (info->group == PGT_GROUP_SCREENS) {
		pgt_ui_goto(ui, r);
		return;
	}
	if (general_request(ui, r))
		return;
	if (ui->n_pages) {
		pgt_page_request(ui, r);
		return;
	}
	panel_request(ui, r);
}

static void
on_mouse(struct pgt_ui *ui, const struct pgt_mouse *m)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);

	if (m->action == PGT_MOUSE_UP || m->action == PGT_MOUSE_DOWN) {
		for (int i = 0; i < 3; i++)
			pgt_ui_request(ui, m->action == PGT_MOUSE_UP ? PGT_REQ_UP
								     : PGT_REQ_DOWN);
		return;
	}
	if (ui->n_pages)
		return;
	for (int i = 0; i < st->n_panels; i++) {
		struct pgt_rect r = st->panels[i].r;

		if (r.h <= 0 || m->y < r.y || m->y >= r.y + r.h || m->x < r.x ||
		    m->x >= r.x + r.w)
			continue;
		st->focus = st->wish = i;
		ui->dirty = true;
		if (st->panels[i].ops->table &&
		    pgt_grid_click(&st->panels[i].table, ui, m->y, m->x))
			pgt_grid_update(&st->panels[i].table, ui);
		if (m->action == PGT_MOUSE_DOUBLE)
			pgt_ui_request(ui, PGT_REQ_OPEN);
		return;
	}
}

void
pgt_ui_key(struct pgt_ui *ui, int key, const struct pgt_mouse *m)
{
	enum pgt_request r;

	if (ui->dialog) {
		if (key != PGT_KEY_MOUSE)
			pgt_dialog_key(ui, key);
		ui->dirty = true;
		return;
	}
	if (ui->prompt.kind != PGT_PROMPT_NONE) {
		if (key != PGT_KEY_MOUSE)
			pgt_prompt_key(ui, key);
		ui->dirty = true;
		return;
	}
	if (key == PGT_KEY_MOUSE) {
		on_mouse(ui, m);
		return;
	}
	r = pgt_request_of_key(key);
	if (r != PGT_REQ_NONE)
		pgt_ui_request(ui, r);
}
