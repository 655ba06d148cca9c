/* Recommendations, ranked, with their evidence. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

#define A struct pgt_advice

static const struct pgt_ev_advice *
advice_of(const void *ctx)
{
	return ((const struct pgt_ui *)ctx)->advice;
}

static enum pgt_advice_state
state_of(const void *row, const void *ctx)
{
	const struct pgt_ev_advice *ev = advice_of(ctx);

	return ev->state[(const A *)row - ev->list->items];
}

static const char *
state_name(enum pgt_advice_state s)
{
	static const char *const names[] = {"new", "seen", "accepted", "dismissed",
					    "snoozed"};

	return names[s];
}

static char *
effect_text(const A *a, char *buf, size_t size)
{
	if (isnan(a->effect_pct))
		snprintf(buf, size, "%s", a->effect_of ? a->effect_of : "-");
	else if (isnan(a->effect_lo) || isnan(a->effect_hi))
		snprintf(buf, size, "%+.0f%% %s", a->effect_pct,
			 a->effect_of ? a->effect_of : "");
	else
		snprintf(buf, size, "%+.0f%% [%.0f %.0f] %s", a->effect_pct, a->effect_lo,
			 a->effect_hi, a->effect_of ? a->effect_of : "");
	return buf;
}

static const char *
how_name(enum pgt_advice_how how)
{
	switch (how) {
	case PGT_HOW_ONLINE:
		return "online";
	case PGT_HOW_RELOAD:
		return "reload";
	case PGT_HOW_RESTART:
		return "restart";
	case PGT_HOW_HUMAN:
		return "by hand";
	}
	return "-";
}

PGT_NUMBER(rank, A, r->score, pgt_cell_num(cell, r->score, 1))
PGT_STRING(kind, A, pgt_advice_kind_name(r->kind), PGT_ROLE_TEXT)
PGT_STRING(title, A, r->title, PGT_ROLE_TEXT)
PGT_NUMBER(effect, A, -r->effect_pct,
	   (cell->text = effect_text(r, cell->buf, sizeof(cell->buf))))
PGT_NUMBER(sure, A, r->confidence,
	   pgt_cell_text(cell,
			 r->confidence == PGT_GRADE_HIGH ? PGT_ROLE_GOOD : PGT_ROLE_TEXT,
			 pgt_grade_name(r->confidence)))
PGT_STRING(how, A, how_name(r->how), PGT_ROLE_TEXT)

static const char *
state_key(const void *row, const void *ctx)
{
	return state_name(state_of(row, ctx));
}

static void
state_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	enum pgt_advice_state s = state_of(row, ctx);

	pgt_cell_text(cell,
		      s == PGT_ADVICE_ACCEPTED ? PGT_ROLE_GOOD
		      : s == PGT_ADVICE_NEW    ? PGT_ROLE_ACCENT
					       : PGT_ROLE_DIM,
		      state_name(s));
}

static size_t
advice_count(const void *ctx)
{
	const struct pgt_ev_advice *ev = advice_of(ctx);

	return ev && ev->list ? ev->list->n : 0;
}

static const void *
advice_row(const void *ctx, size_t i)
{
	return &advice_of(ctx)->list->items[i];
}

static uint64_t
advice_id(const void *row, const void *ctx)
{
	uint64_t h = 1469598103934665603u;

	(void)ctx;
	for (const char *p = ((const A *)row)->identity; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	return h;
}

static enum pgt_role
advice_role(const void *row, const void *ctx)
{
	enum pgt_advice_state s = state_of(row, ctx);

	return s == PGT_ADVICE_DISMISSED || s == PGT_ADVICE_SNOOZED ? PGT_ROLE_DIM
								    : PGT_ROLE_TEXT;
}

static const struct pgt_column columns[] = {
    PGT_COL_N(rank, "rank", 6, 6,
	      .help = "expected gain, weighted with confidence and risk"),
    PGT_COL_S(title, "recommendation", 44, 30, .help = "what to change"),
    PGT_COL_N(sure, "sure", 7, 18, .help = "how sure: high, medium or low"),
    PGT_COL_S(how, "needs", 8, 15, .help = "what applying it takes"),
    PGT_COL_S(state, "state", 9, 16, .help = "new, seen, accepted, dismissed, snoozed"),
    PGT_COL_S(kind, "kind", 8, 8, .help = "setting, index, query, vacuum, pooler, ..."),
    {.name = "expected effect",
     .width = -20,
     .prio = 14,
     .align = PGT_LEFT,
     .format = effect_fmt,
     .number = effect_key,
     .help = "with the interval it lies in"},
};

static const struct pgt_grid_ops advice_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .sort = -1,
    .count = advice_count,
    .row = advice_row,
    .id = advice_id,
    .row_role = advice_role,
    .empty = "there is nothing to recommend so far",
};

static bool
in_draft(const struct pgt_ui *ui, const A *a)
{
	for (size_t i = 0; ui->change && i < ui->change->n_items; i++)
		if (ui->change->items[i].sql && a->statement &&
		    strcmp(ui->change->items[i].sql, a->statement) == 0)
			return true;
	return false;
}

/* What was accepted becomes the draft; what only people can do is left to them. */
static void
draft_accepted(struct pgt_ui *ui)
{
	const struct pgt_ev_advice *ev = advice_of(ui);
	size_t taken = 0, by_hand = 0;
	struct pgt_err err = {0};

	for (size_t i = 0; ev && ev->list && i < ev->list->n; i++) {
		const A *a = &ev->list->items[i];
		cJSON *json;

		if (state_of(a, ui) != PGT_ADVICE_ACCEPTED)
			continue;
		if (!a->act.kind) {
			by_hand++;
			continue;
		}
		taken++;
		if (in_draft(ui, a))
			continue;
		json = pgt_advice_json(a);
		if (pgt_engine_change_add_json(
			ui->engine, cJSON_GetObjectItemCaseSensitive(json, "item"),
			&err) < 0) {
			cJSON_Delete(json);
			pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s: %s", a->title, err.msg);
			return;
		}
		cJSON_Delete(json);
	}
	if (taken)
		pgt_ui_goto(ui, PGT_REQ_CHANGES);
	if (by_hand)
		pgt_ui_notice(ui, PGT_NOTICE_WARN,
			      "%zu accepted can only be done by hand: Do tells how",
			      by_hand);
	else if (!taken)
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing is accepted: Space accepts");
}

static bool
advice_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const A *a = pgt_grid_current(&p->table, ui);
	enum pgt_advice_state s;

	if (!a || !ui->engine)
		return false;
	if (r == PGT_REQ_APPLY) {
		draft_accepted(ui);
		return true;
	}
	s = state_of(a, ui);
	if (r == PGT_REQ_TAG)
		s = s == PGT_ADVICE_ACCEPTED ? PGT_ADVICE_SEEN : PGT_ADVICE_ACCEPTED;
	else if (r == PGT_REQ_DISMISS)
		s = s == PGT_ADVICE_DISMISSED ? PGT_ADVICE_SEEN : PGT_ADVICE_DISMISSED;
	else if (r == PGT_REQ_SNOOZE)
		s = PGT_ADVICE_SNOOZED;
	else
		return false;
	pgt_engine_advice_mark(
	    ui->engine, a->identity, s,
	    s == PGT_ADVICE_SNOOZED ? pgt_clock_real_ns() + 7 * 86400 * PGT_NS_PER_S : 0);
	pgt_ui_notice(ui, PGT_NOTICE_INFO, "%s: %s", state_name(s), a->title);
	return true;
}

static void
advice_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_ev_advice *ev = ui->advice;
	int fresh = 0, dismissed = 0;

	for (size_t i = 0; ev && ev->list && i < ev->list->n; i++) {
		fresh += ev->state[i] == PGT_ADVICE_NEW;
		dismissed += ev->state[i] == PGT_ADVICE_DISMISSED;
	}
	snprintf(buf, size, "Recommendations %zu   new %d   dismissed %d%s",
		 advice_count(ui), fresh, dismissed,
		 ev && ev->collecting ? "   reading facts" : "");
}

#define SOURCE                                                                           \
	"Rules over this server's own figures, settings and schema; each row tells its " \
	"evidence, and what was not known lowers the confidence. Space accepts, d "      \
	"dismisses "                                                                     \
	"until the evidence changes, S snoozes for a week. A makes what was accepted "   \
	"the draft of a change."

const struct pgt_panel_ops pgt_panel_advice = {
    .name = "recommendations",
    .title = "Recommendations",
    .title_now = advice_title,
    .sections = PGT_SEC(STATEMENTS) | PGT_SEC(TABLES) | PGT_SEC(INDEXES) |
		PGT_SEC(SETTINGS),
    .main_section = PGT_SEC_BASIC,
    .table = &advice_grid,
    .request = advice_request,
    .hints = "tag=accept dismiss snooze apply=draft_accepted filter",
    .source = SOURCE,
};

/* ---- the chosen one ---- */

static void
put_one(const A *a, struct pgt_doc *d)
{
	char text[200];

	if (a->why)
		pgt_doc_field(d, "Why", PGT_ROLE_TEXT, "%s", a->why);
	pgt_doc_field(d, "Expected", PGT_ROLE_TEXT, "%s%s%s",
		      effect_text(a, text, sizeof(text)), a->effect_how ? "; " : "",
		      a->effect_how ? a->effect_how : "");
	if (a->costs)
		pgt_doc_field(d, "Costs", PGT_ROLE_TEXT, "%s", a->costs);
	if (a->statement)
		pgt_doc_field(d, "Do", PGT_ROLE_ACCENT, "%s", a->statement);
	if (a->undo)
		pgt_doc_field(d, "Undo", PGT_ROLE_TEXT, "%s", a->undo);
	if (a->not_if)
		pgt_doc_field(d, "Not if", PGT_ROLE_TEXT, "%s", a->not_if);
	pgt_doc_field(d, "Sure?", PGT_ROLE_TEXT, "%s%s%s", pgt_grade_name(a->confidence),
		      a->confidence_why ? ": " : "",
		      a->confidence_why ? a->confidence_why : "");
	if (a->blast)
		pgt_doc_field(d, "Touches", PGT_ROLE_TEXT, "%s", a->blast);
	for (size_t i = 0; i < a->n_evidence; i++)
		pgt_doc_field(d, i ? "" : "Evidence", PGT_ROLE_TEXT, "%s: %s",
			      a->evidence[i].what, a->evidence[i].value);
	if (a->source)
		pgt_doc_field(d, "Source", PGT_ROLE_DIM, "%s", a->source);
}

static void
chosen_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	    bool focused)
{
	const A *a = pgt_grid_current(&pgt_ui_screen(ui)->panels[0].table, ui);
	const struct pgt_ev_advice *ev = ui->advice;
	struct pgt_canvas in = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	in.r.x++;
	in.r.w -= 2;
	if (a)
		put_one(a, &doc);
	else if (ev && ev->message[0])
		pgt_doc_printf(&doc, PGT_ROLE_WARN, "%s", ev->message);
	for (size_t i = 0; !a && ev && ev->list && i < ev->list->n_notes; i++)
		pgt_doc_printf(&doc, PGT_ROLE_DIM, "%s", ev->list->notes[i]);
	pgt_doc_draw(&doc, &in);
	if (doc.rows > (size_t)doc.page)
		pgt_put(c, c->r.h - 1, c->r.w - 10, PGT_ROLE_DIM, " z: more ");
	pgt_doc_done(&doc);
}

const struct pgt_panel_ops pgt_panel_chosen = {
    .name = "evidence",
    .title = "Why, what, and the way back",
    .main_section = PGT_SEC_BASIC,
    .draw = chosen_draw,
    .source = SOURCE,
};
