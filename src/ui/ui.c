#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialog_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/engine/options.h"
#include "ui_priv.h"

#define NOTICE_NS (8 * PGT_NS_PER_S)

static void
init_screen(struct pgt_ui *ui, struct pgt_screen_state *st,
	    const struct pgt_screen_ops *ops)
{
	st->ops = ops;
	st->focus = -1;
	for (int i = 0; ops->panels[i]; i++) {
		struct pgt_panel *p = &st->panels[st->n_panels++];

		p->ops = ops->panels[i];
		if (p->ops->table) {
			pgt_grid_init(&p->table, p->ops->table);
			pgt_grid_update(&p->table, ui);
			if (st->focus < 0)
				st->focus = i;
		}
	}
	if (st->focus < 0)
		st->focus = 0;
	st->wish = st->focus;
}

void
pgt_ui_init(struct pgt_ui *ui, struct pgt_engine *e, const struct pgt_options *o)
{
	memset(ui, 0, sizeof(*ui));
	ui->engine = e;
	ui->opts = o;
	ui->history = pgt_plot_new();
	ui->interval_ns = PGT_NS_PER_S;
	if (o) {
		ui->environment = pgt_options_str(o, "environment");
		ui->cluster = pgt_options_str(o, "name");
		ui->read_only = pgt_options_bool(o, "read-only");
		ui->interval_ns = pgt_options_int(o, "interval");
	}
	for (int i = 0; pgt_screens[i]; i++)
		init_screen(ui, &ui->screens[ui->n_screens++], pgt_screens[i]);
	ui->dirty = true;
}

void
pgt_ui_done(struct pgt_ui *ui)
{
	pgt_dialog_close(ui);
	while (ui->n_pages)
		pgt_page_pop(ui);
	for (int i = 0; i < ui->n_screens; i++)
		for (int k = 0; k < ui->screens[i].n_panels; k++)
			if (ui->screens[i].panels[k].ops->table)
				pgt_grid_done(&ui->screens[i].panels[k].table);
	pgt_plot_free(ui->history);
	pgt_past_done(&ui->past);
	pgt_snapshot_unref(ui->snap);
	pgt_ev_alerts_free(ui->alerts);
	if (ui->change)
		pgt_ev_change_free(ui->change);
	if (ui->advice)
		pgt_ev_advice_free(ui->advice);
	if (ui->search)
		pgt_ev_optimize_free(ui->search);
	free(ui->rollout);
	memset(&ui->prompt, 0, sizeof(ui->prompt));
}

struct pgt_screen_state *
pgt_ui_screen(struct pgt_ui *ui)
{
	return &ui->screens[ui->screen];
}

struct pgt_panel *
pgt_ui_focus(struct pgt_ui *ui)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);

	return &st->panels[st->focus];
}

bool
pgt_ui_goto(struct pgt_ui *ui, enum pgt_request screen)
{
	for (int i = 0; i < ui->n_screens; i++)
		if (ui->screens[i].ops->request == screen) {
			while (ui->n_pages)
				pgt_page_pop(ui);
			if (i != ui->screen)
				ui->last_screen = ui->screen;
			ui->screen = i;
			ui->screens[i].zoom = false;
			ui->dirty = true;
			return true;
		}
	return false;
}

void
pgt_ui_notice(struct pgt_ui *ui, enum pgt_notice_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ui->notice.text, sizeof(ui->notice.text), fmt, ap);
	va_end(ap);
	ui->notice.level = level;
	ui->notice_until_ns = pgt_clock_mono_ns() + NOTICE_NS;
	ui->dirty = true;
}

const struct pgt_section *
pgt_ui_section(const struct pgt_ui *ui, enum pgt_section_id id)
{
	return ui->snap ? &ui->snap->section[id] : NULL;
}

static void
update_rows(struct pgt_ui *ui)
{
	for (int i = 0; i < ui->n_screens; i++)
		for (int k = 0; k < ui->screens[i].n_panels; k++) {
			struct pgt_panel *p = &ui->screens[i].panels[k];

			/* Others catch up when their screen is opened: see
			 * pgt_ui_layout(). */
			if (p->ops->table && i == ui->screen)
				pgt_grid_update(&p->table, ui);
		}
	for (int i = 0; i < ui->n_pages; i++)
		if (ui->pages[i].ops->build)
			ui->pages[i].ops->build(&ui->pages[i], ui);
}

void
pgt_ui_snapshot(struct pgt_ui *ui, const struct pgt_snapshot *take_snap)
{
	pgt_plot_add(ui->history, take_snap, ui->alerts);
	if (ui->paused && ui->snap) { /* one that was under way when it was paused */
		pgt_snapshot_unref(take_snap);
		return;
	}
	pgt_snapshot_unref(ui->snap);
	ui->snap = take_snap;
	update_rows(ui);
	ui->dirty = true;
}

static void
on_link(struct pgt_ui *ui, const struct pgt_ev_link *l)
{
	bool was_up = ui->have_link && ui->link.up;

	ui->link = *l;
	ui->have_link = true;
	ui->dirty = true;
	if (was_up && !l->up)
		pgt_plot_mark(ui->history, pgt_clock_mono_ns());
	if (l->needs_password && ui->prompt.kind == PGT_PROMPT_NONE)
		pgt_prompt_open(ui, PGT_PROMPT_PASSWORD);
}

/* What changes a server, and what stops it, is marked as well. */
static void
mark_events(struct pgt_ui *ui, const struct pgt_ev_alerts *now)
{
	static const unsigned marked = 1u << PGT_EVENT_SETTING | 1u << PGT_EVENT_RESTART |
				       1u << PGT_EVENT_FAILOVER | 1u << PGT_EVENT_DDL |
				       1u << PGT_EVENT_LOCK_PILEUP;
	int64_t newest = ui->event_real_ns;

	for (size_t i = 0; now && ui->snap && i < now->n_events; i++) {
		const struct pgt_event *ev = &now->events[i];

		if (ev->real_ns > newest)
			newest = ev->real_ns;
		if (ev->real_ns > ui->event_real_ns && marked >> ev->kind & 1)
			pgt_plot_mark(ui->history, ui->snap->mono_ns -
						       (ui->snap->real_ns - ev->real_ns));
	}
	ui->event_real_ns = newest;
}

/* Alerts that were not there before are marked in the graphs, where they began. */
static void
on_alerts(struct pgt_ui *ui, struct pgt_msg *msg)
{
	struct pgt_ev_alerts *now = msg->data, *old = ui->alerts;
	uint64_t newest = 0;
	bool bell = false;

	msg->data = NULL;
	msg->free_data = NULL;
	for (size_t i = 0; old && i < old->n_alerts; i++)
		if (old->alerts[i].id > newest)
			newest = old->alerts[i].id;
	for (size_t i = 0; now && ui->snap && i < now->n_alerts; i++) {
		const struct pgt_alert *a = &now->alerts[i];

		if (a->id <= newest)
			continue;
		pgt_plot_mark(ui->history,
			      ui->snap->mono_ns - (ui->snap->real_ns - a->onset_real_ns));
		bell |= a->state == PGT_ALERT_OPEN && a->degrade &&
			a->silenced_until_real_ns <= now->real_ns;
	}
	mark_events(ui, now);
	pgt_ev_alerts_free(old);
	ui->alerts = now;
	update_rows(ui);
	ui->dirty = true;
	if (bell && old && ui->opts && pgt_options_bool(ui->opts, "bell"))
		pgt_screen_bell();
}

static void
on_change(struct pgt_ui *ui, struct pgt_msg *msg)
{
	bool first = !ui->change;

	if (ui->change)
		pgt_ev_change_free(ui->change);
	ui->change = msg->data;
	msg->data = NULL;
	msg->free_data = NULL;
	update_rows(ui);
	ui->dirty = true;
	/* What a crash left comes before everything else. */
	if (first && ui->change && ui->change->n_found > 0)
		pgt_ui_goto(ui, PGT_REQ_CHANGES);
}

static void
on_advice(struct pgt_ui *ui, struct pgt_msg *msg)
{
	if (ui->advice)
		pgt_ev_advice_free(ui->advice);
	ui->advice = msg->data;
	msg->data = NULL;
	msg->free_data = NULL;
	update_rows(ui);
	ui->dirty = true;
}

static void
on_search(struct pgt_ui *ui, struct pgt_msg *msg)
{
	if (ui->search)
		pgt_ev_optimize_free(ui->search);
	ui->search = msg->data;
	msg->data = NULL;
	msg->free_data = NULL;
	update_rows(ui);
	ui->dirty = true;
}

static void
on_rollout(struct pgt_ui *ui, struct pgt_msg *msg)
{
	bool was = pgt_rollout_under_way(ui);

	free(ui->rollout);
	ui->rollout = msg->data;
	msg->data = NULL;
	msg->free_data = NULL;
	ui->dirty = true;
	if (was || !pgt_rollout_under_way(ui))
		return;
	if (ui->rollout->ours)
		pgt_ui_goto(ui, PGT_REQ_ROLLOUT);
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "%.60s drives a rollout of %.60s: t watches it",
			      ui->rollout->who, ui->rollout->target);
}

static void
on_result(struct pgt_ui *ui, const struct pgt_ev_result *r)
{
	if (ui->jobs > 0)
		ui->jobs--;
	switch (r->command) {
	case PGT_CMD_CANCEL:
	case PGT_CMD_TERMINATE:
		if (r->ok)
			pgt_ui_notice(ui, PGT_NOTICE_INFO, "%s",
				      r->text ? r->text
				      : r->command == PGT_CMD_CANCEL
					  ? "statement cancelled"
					  : "session ended");
		else
			pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s", r->err.msg);
		break;
	case PGT_CMD_EXPLAIN:
	case PGT_CMD_TEXT:
		pgt_page_result(ui, r);
		break;
	case PGT_CMD_NONE:
		break;
	}
	ui->dirty = true;
}

void
pgt_ui_event(struct pgt_ui *ui, struct pgt_msg *take_msg)
{
	const struct pgt_snapshot *snap;

	switch ((enum pgt_event_type)take_msg->type) {
	case PGT_EV_SNAPSHOT:
		snap = take_msg->data;
		take_msg->data = NULL;
		take_msg->free_data = NULL;
		if (snap)
			pgt_ui_snapshot(ui, snap);
		break;
	case PGT_EV_LINK:
		on_link(ui, take_msg->data);
		break;
	case PGT_EV_RESULT:
		on_result(ui, take_msg->data);
		break;
	case PGT_EV_NOTICE: {
		const struct pgt_ev_notice *n = take_msg->data;

		pgt_ui_notice(ui, n->level, "%s", n->text);
		break;
	}
	case PGT_EV_ALERTS:
		on_alerts(ui, take_msg);
		break;
	case PGT_EV_CHANGE:
		on_change(ui, take_msg);
		break;
	case PGT_EV_ADVICE:
		on_advice(ui, take_msg);
		break;
	case PGT_EV_OPTIMIZE:
		on_search(ui, take_msg);
		break;
	case PGT_EV_ROLLOUT:
		on_rollout(ui, take_msg);
		break;
	case PGT_EV_HISTORY:
		pgt_past_event(ui, take_msg);
		break;
	}
	pgt_msg_free(take_msg);
}

const struct pgt_activity *
pgt_find_session(const struct pgt_ui *ui, int pid)
{
	for (size_t i = 0; ui->snap && i < ui->snap->n_activity; i++)
		if (ui->snap->activity[i].pid == pid)
			return &ui->snap->activity[i];
	return NULL;
}

uint64_t
pgt_query_id(const struct pgt_query_key *k)
{
	uint64_t h = (uint64_t)k->queryid;

	h = (h ^ k->userid) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 29 ^ k->dbid) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32 ^ k->toplevel;
}

const struct pgt_query *
pgt_find_query(const struct pgt_ui *ui, const struct pgt_query_key *k)
{
	for (size_t i = 0; ui->snap && i < ui->snap->n_queries; i++)
		if (pgt_query_id(&ui->snap->queries[i].key) == pgt_query_id(k))
			return &ui->snap->queries[i];
	return NULL;
}
