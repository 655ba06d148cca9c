/* The guided change: the track of its stages, its items, checks and log, and what
 * the server does meanwhile. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

/* ---- the track ---- */

static bool
reached(const struct pgt_ev_change *c, enum pgt_flow_stage s)
{
	return c->stage > s && c->stage < PGT_FLOW_ROLLBACK;
}

static int
put_track(const struct pgt_canvas *c, const struct pgt_ev_change *ev)
{
	static const enum pgt_flow_stage track[] = {PGT_FLOW_DRAFT,    PGT_FLOW_DRY_RUN,
						    PGT_FLOW_APPLY,    PGT_FLOW_VERIFY,
						    PGT_FLOW_VALIDATE, PGT_FLOW_CONFIRM};
	bool good = ev->stage == PGT_FLOW_CONFIRMED;
	int x = 1;

	for (size_t i = 0; i < PGT_LEN(track); i++) {
		bool here = ev->stage == track[i], past = good || reached(ev, track[i]);

		x = pgt_put(c, 0, x, here ? PGT_ROLE_ACCENT : PGT_ROLE_DIM,
			    pgt_flow_stage_name(track[i])) +
		    1;
		x = pgt_put(c, 0, x,
			    past   ? PGT_ROLE_GOOD
			    : here ? PGT_ROLE_ACCENT
				   : PGT_ROLE_DIM,
			    pgt_glyph(past   ? PGT_G_DOT
				      : here ? PGT_G_HALF
					     : PGT_G_RING)) +
		    2;
	}
	if (ev->stage >= PGT_FLOW_ROLLBACK)
		pgt_put(c, 0, x,
			good                           ? PGT_ROLE_GOOD
			: ev->stage == PGT_FLOW_FENCED ? PGT_ROLE_BAD
						       : PGT_ROLE_WARN,
			pgt_flow_stage_name(ev->stage));
	return 1;
}

static const char *
next_word(const struct pgt_ev_change *ev)
{
	if (ev->busy)
		return "working";
	switch (ev->stage) {
	case PGT_FLOW_NONE:
		return "nothing is being changed; :set NAME VALUE puts a setting into "
		       "the draft";
	case PGT_FLOW_DRAFT:
		return "A runs the dry run; nothing is asked of the server before";
	case PGT_FLOW_DRY_RUN:
		return "A applies it, guarded; R leaves it";
	case PGT_FLOW_APPLY:
	case PGT_FLOW_VERIFY:
	case PGT_FLOW_VALIDATE:
		return "R rolls back at once";
	case PGT_FLOW_CONFIRM:
		return "C makes it permanent; R rolls back; without a word it goes back "
		       "by itself";
	case PGT_FLOW_ROLLBACK:
		return "going back";
	case PGT_FLOW_CONFIRMED:
		return "permanent";
	case PGT_FLOW_ROLLED_BACK:
		return "everything is as it was";
	case PGT_FLOW_FENCED:
		return "a person must act";
	case PGT_FLOW_REFUSED:
		return ev->n_items > 1 ? "nothing was written; d takes an item out and "
					 "makes the rest a draft"
				       : "nothing was written";
	}
	return "";
}

/* What a crash left: whose, where it stopped, and each item as it is now. */
static void
put_found(struct pgt_doc *d, const struct pgt_flow_found *f, bool first, bool read_only)
{
	char begun[40];

	pgt_clock_iso8601(f->begun_real_ns, begun, sizeof(begun));
	pgt_doc_printf(d, PGT_ROLE_BAD, "%s An unfinished change was found",
		       pgt_glyph(PGT_G_WARN));
	pgt_doc_field(d, "change", PGT_ROLE_TEXT, "%.8s on %s, begun %s by %s", f->id,
		      f->target, begun, f->who);
	pgt_doc_field(d, "lost at", PGT_ROLE_TEXT, "\"%s\"; %s%s%s", f->phase, f->state,
		      f->why[0] ? ": " : "", f->why);
	for (size_t i = 0; i < f->n_items; i++)
		pgt_doc_field(d, i ? "" : "items",
			      strstr(f->items[i].state, "ours") ? PGT_ROLE_WARN
								: PGT_ROLE_TEXT,
			      "%s  %s  %s", f->items[i].label,
			      f->items[i].value[0] ? f->items[i].value : "unset",
			      f->items[i].state);
	if (f->unread[0])
		pgt_doc_field(d, "items", PGT_ROLE_WARN, "%s", f->unread);
	if (!first)
		return;
	if (read_only)
		pgt_doc_line(d, PGT_ROLE_DIM,
			     "Read-only: another console rolls it back or keeps it.");
	else
		pgt_doc_line(d, PGT_ROLE_ACCENT,
			     "R roll back (do this when in doubt)   C keep what was "
			     "written   Enter inspect again");
}

static void
track_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	   bool focused)
{
	const struct pgt_ev_change *ev = ui->change;
	struct pgt_canvas rest = *c;
	struct pgt_doc doc = {0};
	char left[32];
	bool early;
	int64_t ns;

	(void)p;
	(void)focused;
	if (!ev) {
		pgt_put(c, 0, 1, PGT_ROLE_DIM, "nothing is being changed");
		return;
	}
	early = ev->stage == PGT_FLOW_REFUSED || ev->stage == PGT_FLOW_CONFIRM;
	for (size_t i = 0; i < ev->n_found; i++)
		put_found(&doc, &ev->found[i], i == 0, ui->read_only);
	if (ev->stage != PGT_FLOW_NONE) {
		put_track(c, ev);
		rest.r.y++;
		rest.r.h--;
	}
	ns = ev->guard_deadline_mono_ns - pgt_clock_mono_ns();
	if (ev->guard_deadline_mono_ns > 0 && ev->stage < PGT_FLOW_CONFIRMED)
		pgt_doc_printf(&doc,
			       ns < 60 * PGT_NS_PER_S ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
			       "Guard armed: goes back by itself in %s",
			       pgt_age(ns < 0 ? 0 : ns / PGT_NS_PER_S * PGT_NS_PER_S,
				       left, sizeof(left)));
	/* Where a word is wanted, it comes before what may be long. */
	if (early)
		pgt_doc_line(&doc, PGT_ROLE_DIM, next_word(ev));
	if (ev->verdict[0] && ev->verdict_text[0]) /* else it came to none */
		pgt_doc_printf(&doc,
			       strcmp(ev->verdict, "pass") == 0 ? PGT_ROLE_GOOD
								: PGT_ROLE_WARN,
			       "%s: %s", ev->verdict, ev->verdict_text);
	if (ev->text[0])
		pgt_doc_printf(&doc, PGT_ROLE_TEXT, "%s", ev->text);
	if (!early)
		pgt_doc_line(&doc, PGT_ROLE_DIM, next_word(ev));
	rest.r.x++;
	rest.r.w--;
	pgt_doc_draw(&doc, &rest);
	pgt_doc_done(&doc);
}

static void
track_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_ev_change *ev = ui->change;

	if (!ev || !ev->short_id[0])
		snprintf(buf, size, "Change");
	else
		snprintf(buf, size, "Change %s   %zu item%s", ev->short_id, ev->n_items,
			 ev->n_items == 1 ? "" : "s");
}

static void
track_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	*buf = '\0';
	if (ui->change && pgt_flow_rollback_possible(ui)) {
		snprintf(buf, size, "R roll back");
		*role = PGT_ROLE_WARN;
	}
}

static bool
change_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	if (r == PGT_REQ_APPLY) {
		pgt_flow_change_go(ui);
	} else if (r == PGT_REQ_CONFIRM) {
		pgt_flow_change_confirm(ui);
	} else if (r == PGT_REQ_OPEN && p->ops == &pgt_panel_track && ui->engine &&
		   ui->change && ui->change->n_found > 0) {
		pgt_engine_change_inspect(ui->engine);
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "looking at the server again");
	} else if (r == PGT_REQ_DISMISS && p->ops->table && ui->engine && ui->change &&
		   (ui->change->stage == PGT_FLOW_DRAFT ||
		    ui->change->stage == PGT_FLOW_REFUSED) &&
		   ui->change->n_items > 0) {
		pgt_engine_change_remove(ui->engine, p->table.order[p->table.cur]);
	} else {
		return false;
	}
	return true;
}

const struct pgt_panel_ops pgt_panel_track = {
    .name = "change",
    .title = "Change",
    .title_now = track_title,
    .remark = track_remark,
    .main_section = PGT_SEC_BASIC,
    .draw = track_draw,
    .request = change_request,
    .hints = "apply=dry_run,_apply confirm rollback open=inspect next-panel=items",
    .source = "The change pipeline: each stage writes its intent to the journal before "
	      "it acts. A "
	      "guard process with its own connection takes everything back at the "
	      "deadline, or when "
	      "this console dies. Only values that are still ours are restored.",
};

/* ---- items ---- */

#define I struct pgt_flow_item

static void
state_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	static const struct {
		enum pgt_glyph glyph;
		enum pgt_role role;
	} looks[] = {{PGT_G_RING, PGT_ROLE_DIM},
		     {PGT_G_RIGHT, PGT_ROLE_ACCENT},
		     {PGT_G_CHECK, PGT_ROLE_GOOD},
		     {PGT_G_CROSS, PGT_ROLE_BAD},
		     {PGT_G_LEFT, PGT_ROLE_WARN}};
	enum pgt_flow_item_state s = ((const I *)row)->state;

	(void)ctx;
	pgt_cell_text(cell, looks[s].role, pgt_glyph(looks[s].glyph));
}

PGT_STRING(label, I, r->label, PGT_ROLE_TEXT)
PGT_STRING(was, I, r->was, PGT_ROLE_DIM)

#define SHORTENED_MAX 80 /* cells; a wider column needs it less, and buf is small */

/* Of a statement "... ON t USING btree (c)": t(c); "" when it is no index's. */
static void
index_label(const char *sql, char *buf, size_t size)
{
	const char *on = strstr(sql, " ON "), *open = on ? strstr(on, " (") : NULL;

	buf[0] = '\0';
	if (!open || !strstr(on, " USING "))
		return;
	on += strlen(" ON ");
	on += pgt_str_starts(on, "public.") ? strlen("public.") : 0;
	snprintf(buf, size, "%.*s%s", (int)strcspn(on, " ("), on, open + 1);
}

static size_t
after_word(const char *sql)
{
	size_t n = strcspn(sql, " ");

	return n + (sql[n] == ' ');
}

/* What does not fit gives way where all are alike, in the first word or two; of an index
 * table and columns stay. */
static const char *
short_sql(const char *sql, int width, char *buf, size_t size)
{
	size_t word = after_word(sql), skip = word + after_word(sql + word), say = 0;
	char label[300], text[96];
	int room;

	if (width < 12 || width > SHORTENED_MAX || pgt_cells(sql) <= width)
		return sql;
	index_label(sql, label, sizeof(label));
	if (*label && width > (int)skip + 24)
		say = skip;
	room = width - (int)say - 1;
	if (*label) {
		pgt_search_index_label(label, room, text, sizeof(text));
	} else {
		if (pgt_cells(sql + word) <= room)
			skip = word;
		pgt_squeeze(sql + skip, strlen(sql + skip), (size_t)room, text,
			    sizeof(text));
	}
	snprintf(buf, size, "%.*s", (int)say, sql);
	pgt_str_copy(buf + strlen(buf), size - strlen(buf), pgt_glyph(PGT_G_ELLIPSIS));
	pgt_str_copy(buf + strlen(buf), size - strlen(buf), text);
	return buf;
}

#define PGT_SQL(name, role)                                                              \
	static const char *name##_key(const void *row, const void *ctx)                  \
	{                                                                                \
		(void)ctx;                                                               \
		return ((const I *)row)->name;                                           \
	}                                                                                \
	static void name##_fmt(const void *row, const void *ctx, struct pgt_cell *cell)  \
	{                                                                                \
		const char *sql = ((const I *)row)->name;                                \
		(void)ctx;                                                               \
		pgt_cell_text(cell, role,                                                \
			      sql ? short_sql(sql, cell->width, cell->buf,               \
					      sizeof(cell->buf))                         \
				  : NULL);                                               \
	}
PGT_SQL(sql, PGT_ROLE_TEXT)
PGT_SQL(inverse, PGT_ROLE_DIM)

static size_t
items_count(const void *ctx)
{
	const struct pgt_ev_change *ev = ((const struct pgt_ui *)ctx)->change;

	return ev ? ev->n_items : 0;
}

static const void *
items_row(const void *ctx, size_t i)
{
	return &((const struct pgt_ui *)ctx)->change->items[i];
}

static uint64_t
items_id(const void *row, const void *ctx)
{
	return (uint64_t)((const I *)row - ((const struct pgt_ui *)ctx)->change->items) +
	       1;
}

static const struct pgt_column columns[] = {
    {.name = "",
     .width = 2,
     .prio = 30,
     .align = PGT_LEFT,
     .format = state_fmt,
     .help = "waiting, under way, done, failed, taken back"},
    PGT_COL_S(sql, "statement", 44, 25, .help = "exact statement"),
    PGT_COL_S(was, "was", 12, 15, .help = "the value before"),
    PGT_COL_S(label, "item", 20, 5, .help = "what is changed"),
    PGT_COL_S(inverse, "way back", -20, 20, .help = "exact statement that undoes it"),
};

static const struct pgt_grid_ops items_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .sort = -1,
    .count = items_count,
    .row = items_row,
    .id = items_id,
    .empty = "the draft is empty",
};

static bool
items_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const I *i = pgt_grid_current(&p->table, ui);

	if (r == PGT_REQ_OPEN && i) {
		pgt_page_open_item(ui, p->table.order[p->table.cur]);
		return true;
	}
	return change_request(p, ui, r);
}

const struct pgt_panel_ops pgt_panel_items = {
    .name = "items",
    .title = "Items",
    .main_section = PGT_SEC_BASIC,
    .table = &items_grid,
    .request = items_request,
    .hints = "open=statements apply=dry_run,_apply confirm rollback dismiss=remove",
    .source =
	"The changeset, in the order in which it is applied; it is taken back in the "
	"opposite order. Enter shows the exact statements.",
};

/* ---- checks and log ---- */

static void
log_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c, bool focused)
{
	static const enum pgt_role roles[] = {PGT_ROLE_GOOD, PGT_ROLE_TEXT, PGT_ROLE_WARN,
					      PGT_ROLE_BAD};
	const struct pgt_ev_change *ev = ui->change;
	struct pgt_canvas g = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	if (!ev)
		return;
	g.r.x++; /* as all panels */
	g.r.w--;
	for (size_t i = 0; i < ev->n_checks; i++) {
		int s = ev->checks[i].severity;

		pgt_doc_printf(&doc, roles[s >= 0 && s <= 3 ? s : 3], "%s %s",
			       pgt_glyph(s == 0   ? PGT_G_CHECK
					 : s == 3 ? PGT_G_CROSS
						  : PGT_G_WARN),
			       ev->checks[i].text);
		if (ev->checks[i].fix)
			pgt_doc_printf(&doc, PGT_ROLE_DIM, "    %s", ev->checks[i].fix);
	}
	for (size_t i = 0; i < ev->n_log; i++)
		pgt_doc_printf(&doc, PGT_ROLE_TEXT, "%s", ev->log[i]);
	if (ev->export_only && ev->script) {
		pgt_doc_heading(&doc,
				"This server takes no ALTER SYSTEM: run this by hand");
		pgt_doc_block(&doc, PGT_ROLE_TEXT, ev->script);
	}
	if (doc.n == 0)
		pgt_doc_line(&doc, PGT_ROLE_DIM, "no checks and no log so far");
	doc.top = 1u << 20; /* the newest is at the end */
	pgt_doc_draw(&doc, &g);
	pgt_doc_done(&doc);
}

const struct pgt_panel_ops pgt_panel_log = {
    .name = "log",
    .title = "Checks and log",
    .main_section = PGT_SEC_BASIC,
    .draw = log_draw,
    .request = change_request,
    .hints = "apply=dry_run,_apply confirm rollback next-panel=panel",
    .source = "The findings of the dry run, and the journal's steps as they happen.",
};

/* ---- the server meanwhile ---- */

static void
now_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c, bool focused)
{
	const struct pgt_snapshot *s = ui->snap;
	struct pgt_canvas g = *c;
	char a[32];

	(void)p;
	(void)focused;
	pgt_panel_pair(c, 0, 1, "tps", PGT_ROLE_ACCENT, "%s",
		       pgt_num(s->rate.tps, s->rate.tps < 100, a, sizeof(a)));
	pgt_panel_pair(c, 1, 1, "p99~", PGT_ROLE_ACCENT, "%s ms",
		       pgt_ms(s->latency.p99_ms, a, sizeof(a)));
	pgt_panel_pair(c, 2, 1, "blocked",
		       s->sessions.blocked > 0 ? PGT_ROLE_BAD : PGT_ROLE_TEXT, "%s",
		       pgt_count(s->sessions.blocked, a, sizeof(a)));
	g.r.y += 3;
	g.r.h -= 3;
	pgt_panel_graph(ui, &g, PGT_SERIES_TPS, PGT_ROLE_GRAPH, 0);
}

const struct pgt_panel_ops pgt_panel_now = {
    .name = "now",
    .title = "Now",
    .sections = PGT_SEC(BASIC) | PGT_SEC(STATEMENTS),
    .main_section = PGT_SEC_BASIC,
    .needs_section = true,
    .draw = now_draw,
    .request = change_request,
    .source = "The same figures as on the overview.",
};
