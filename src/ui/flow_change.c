/* The words that move a change: each is asked for, production by its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_priv.h"
#include "dialog_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/options.h"
#include "ui_priv.h"

enum word { GO, ROLLOUT, CONFIRM, ROLLBACK, RECOVER_BACK, RECOVER_KEEP, QUIT };

bool
pgt_flow_rollback_possible(const struct pgt_ui *ui)
{
	return ui->change && ((ui->change->stage >= PGT_FLOW_DRY_RUN &&
			       ui->change->stage <= PGT_FLOW_CONFIRM) ||
			      ui->change->n_found > 0);
}

static void
say(struct pgt_ui *ui, enum word w)
{
	struct pgt_err err = {0};
	int rc = 0;

	if (!ui->engine) {
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "there is no connection");
		return;
	}
	switch (w) {
	case GO:
		rc = pgt_engine_change_go(ui->engine, &err);
		break;
	case ROLLOUT:
		rc = pgt_engine_change_rollout(ui->engine, &err);
		break;
	case CONFIRM:
		rc = pgt_engine_change_confirm(ui->engine, &err);
		break;
	case ROLLBACK:
		pgt_engine_change_rollback(ui->engine, "asked for at the console");
		break;
	case RECOVER_BACK:
	case RECOVER_KEEP:
		if (!ui->change || ui->change->n_found == 0)
			return;
		rc = pgt_engine_change_recover(ui->engine, ui->change->found[0].id,
					       w == RECOVER_KEEP, &err);
		break;
	case QUIT:
		ui->quit = true;
		break;
	}
	if (rc < 0)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s", err.msg);
}

static void
on_typed(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	(void)text;
	if (choice == 0)
		say(ui, *(const enum word *)arg);
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing was done");
}

static void
on_answer(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	static const char *const lines[] = {
	    "This is production. Type the cluster's name:"};
	enum word w = *(const enum word *)arg, *copy;
	const char *name = ui->snap && ui->snap->node.name ? ui->snap->node.name : "";

	(void)text;
	if (w == GO && choice == 2) { /* only a draft has a third button */
		w = ROLLOUT;
		choice = 1;
	}
	if (choice != 1) {
		if (w != QUIT)
			pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing was done");
		return;
	}
	/* Only what writes: a way back is never made harder. */
	if ((w != GO && w != ROLLOUT) || !pgt_ui_is_production(ui) || !*name ||
	    !ui->change || (w == GO && ui->change->stage != PGT_FLOW_DRY_RUN)) {
		say(ui, w);
		return;
	}
	copy = pgt_xmalloc(sizeof(*copy));
	*copy = w;
	pgt_dialog_type(ui, lines, 1, name, on_typed, copy);
}

static void
ask(struct pgt_ui *ui, enum word w, const char *const *lines, int n, const char *yes)
{
	const char *buttons[3] = {"Leave it", yes, "Roll out by a canary"};
	bool canary = w == GO && ui->change->stage == PGT_FLOW_DRAFT && ui->opts &&
		      pgt_options_str(ui->opts, "rollout");
	enum word *arg = pgt_xmalloc(sizeof(*arg));

	*arg = w;
	pgt_dialog_confirm(ui, lines, n, buttons, canary ? 3 : 2, on_answer, arg);
}

static const char *
where(const struct pgt_ui *ui)
{
	return ui->snap && ui->snap->node.name ? ui->snap->node.name : "this server";
}

void
pgt_flow_change_go(struct pgt_ui *ui)
{
	const struct pgt_ev_change *ev = ui->change;
	bool dry = ev && ev->stage == PGT_FLOW_DRAFT;
	char line[2][160];
	const char *lines[2] = {line[0], line[1]};

	if (ui->read_only) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "read-only: nothing is changed here");
		return;
	}
	if (!ev || !ev->can_go) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "there is nothing to apply now");
		return;
	}
	snprintf(line[0], sizeof(line[0]), "%s %zu item%s on %.60s%s?",
		 dry ? "Dry run of" : "Apply", ev->n_items, ev->n_items == 1 ? "" : "s",
		 where(ui), pgt_ui_is_production(ui) ? " (PRODUCTION)" : "");
	snprintf(line[1], sizeof(line[1]), "%s",
		 dry ? "effect  reads settings and privileges; writes nothing"
		     : "effect  writes, guarded: goes back by itself unless confirmed");
	ask(ui, GO, lines, 2, dry ? "Dry run" : "Apply");
}

void
pgt_flow_change_confirm(struct pgt_ui *ui)
{
	const struct pgt_ev_change *ev = ui->change;
	char line[2][160];
	const char *lines[2] = {line[0], line[1]};

	if (ui->read_only) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN,
			      "read-only: nothing is kept from here");
		return;
	}
	if (ev && ev->n_found > 0 && ev->stage <= PGT_FLOW_DRAFT) {
		snprintf(line[0], sizeof(line[0]),
			 "Keep the unfinished change %.8s on %.60s?", ev->found[0].id,
			 where(ui));
		snprintf(line[1], sizeof(line[1]),
			 "effect  what it wrote becomes permanent");
		ask(ui, RECOVER_KEEP, lines, 2, "Keep it");
		return;
	}
	if (!ev || ev->stage != PGT_FLOW_CONFIRM) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "there is nothing to confirm now");
		return;
	}
	snprintf(line[0], sizeof(line[0]), "Confirm change %.12s on %.60s?", ev->short_id,
		 where(ui));
	snprintf(line[1], sizeof(line[1]), "effect  permanent; the guard is disarmed");
	ask(ui, CONFIRM, lines, 2, "Confirm");
}

void
pgt_flow_change_rollback(struct pgt_ui *ui)
{
	const struct pgt_ev_change *ev = ui->change;
	bool found = ev && ev->n_found > 0 && ev->stage <= PGT_FLOW_DRAFT;
	char line[2][160];
	const char *lines[2] = {line[0], line[1]};

	if (ui->read_only) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN,
			      "read-only: nothing is rolled back from here");
		return;
	}
	if (!pgt_flow_rollback_possible(ui)) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "there is nothing to roll back");
		return;
	}
	snprintf(line[0], sizeof(line[0]), "Roll back change %.8s on %.60s?",
		 found ? ev->found[0].id : ev->short_id, where(ui));
	snprintf(line[1], sizeof(line[1]),
		 "effect  each value that is still ours goes back");
	ask(ui, found ? RECOVER_BACK : ROLLBACK, lines, 2, "Roll back");
}

/* What would be cut short by leaving; NULL when nothing would. */
static const char *const *
unfinished(const struct pgt_ui *ui)
{
	static const char *const search[] = {
	    "A search for settings is under way.",
	    "effect  its trial is taken back, the proposal is not made"};
	static const char *const change[] = {
	    "A change is not confirmed.",
	    "effect  its guard takes it back at the deadline"};
	static const char *const rollout[] = {
	    "A rollout is under way.",
	    "effect  its guards take traffic and changes back"};
	/* From the first stage that may write: before the engine itself counts one. */
	bool running = ui->change && ui->change->stage >= PGT_FLOW_APPLY &&
		       ui->change->stage <= PGT_FLOW_ROLLBACK;

	if (running || pgt_engine_change_pending(ui->engine))
		return change;
	if (pgt_rollout_under_way(ui) && ui->rollout->ours)
		return rollout;
	return pgt_search_running(ui) && !ui->read_only ? search : NULL;
}

bool
pgt_flow_may_quit(struct pgt_ui *ui)
{
	const char *const *lines = ui->engine ? unfinished(ui) : NULL;

	if (!lines)
		return true;
	ask(ui, QUIT, lines, 2, "Leave the console");
	return false;
}

/* ":set NAME VALUE" */
void
pgt_flow_change_set(struct pgt_ui *ui, const char *words, struct pgt_err *err)
{
	size_t n = strcspn(words, " =");
	char name[128];
	const char *value = words + n + strspn(words + n, " =");

	if (ui->read_only) {
		pgt_err_set(err, PGT_E_DENIED, "read-only: nothing is changed here");
		return;
	}
	if (n == 0 || n >= sizeof(name) || !*value) {
		pgt_err_set(err, PGT_E_USAGE, ":set NAME VALUE");
		return;
	}
	memcpy(name, words, n);
	name[n] = '\0';
	if (!ui->engine) {
		pgt_err_set(err, PGT_E_STATE, "there is no connection");
		return;
	}
	if (pgt_engine_change_add_setting(ui->engine, name, value, "typed at the console",
					  err) == 0)
		pgt_ui_goto(ui, PGT_REQ_CHANGES);
}

/* ---- the page of one item: exact statements ---- */

static void
item_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_flow_item *i;
	struct pgt_doc *d = &p->doc;

	pgt_doc_reset(d);
	if (!ui->change || p->oid >= ui->change->n_items) {
		pgt_doc_line(d, PGT_ROLE_WARN, "It is no longer part of the change.");
		return;
	}
	i = &ui->change->items[p->oid];
	pgt_doc_field(d, "item", PGT_ROLE_TITLE, "%s", i->label ? i->label : "-");
	if (i->was)
		pgt_doc_field(d, "was", PGT_ROLE_TEXT, "%s", i->was);
	if (i->why)
		pgt_doc_field(d, "why", PGT_ROLE_TEXT, "%s", i->why);
	pgt_doc_heading(d, "Statement");
	pgt_doc_block(d, PGT_ROLE_TEXT, i->sql ? i->sql : "-");
	pgt_doc_heading(d, "The way back");
	pgt_doc_block(d, PGT_ROLE_TEXT,
		      i->inverse ? i->inverse : "known after the dry run");
}

static const struct pgt_page_ops item_page = {
    .name = "Item",
    .build = item_build,
    .hints = "back copy",
};

void
pgt_page_open_item(struct pgt_ui *ui, uint32_t index)
{
	struct pgt_page *p = pgt_page_push(ui, &item_page);

	p->oid = index;
	item_build(p, ui);
}
