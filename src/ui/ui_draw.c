#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialog_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

#define MIN_ROWS 4
#define MIN_COLS 20

/* Rows below the header that say why there is no connection. */
static int
banner_rows(const struct pgt_ui *ui, int cols)
{
	int cells;

	if (!ui->have_link || ui->link.up || !ui->link.message[0])
		return 0;
	cells = pgt_cells(ui->link.message) + (ui->link.final ? 50 : 27);
	return cells <= cols ? 1 : cells <= 2 * cols ? 2 : 3;
}

static struct pgt_rect
area_of(const struct pgt_ui *ui)
{
	int rows = pgt_screen_rows(), cols = pgt_screen_cols();
	int top = 1 + (rows >= 12 ? banner_rows(ui, cols) : 0);
	int bottom = rows >= 8 ? 2 : 1;

	return (struct pgt_rect){top, 0, rows - top - bottom, cols};
}

static void
fix_focus(struct pgt_screen_state *st)
{
	if (st->tabbed && !st->panels[st->focus].spare)
		return;
	st->tabbed = false;
	for (int i = 0; i < st->n_panels; i++) {
		int k = (st->wish + i) % st->n_panels;

		if (st->panels[k].r.h > 0) {
			st->focus = k;
			return;
		}
	}
}

void
pgt_ui_layout(struct pgt_ui *ui)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);
	struct pgt_rect area = area_of(ui);

	for (int i = 0; i < st->n_panels; i++) {
		st->panels[i].r = (struct pgt_rect){0, 0, 0, 0};
		st->panels[i].spare = false;
	}
	if (area.h < 1 || area.w < 4)
		return;
	st->ops->layout(ui, area, st->panels);
	fix_focus(st);
	/* One that the layout has no room for takes it all while it is looked at. */
	if (st->zoom || st->panels[st->focus].r.h <= 0) {
		for (int i = 0; i < st->n_panels; i++)
			st->panels[i].r = (struct pgt_rect){0, 0, 0, 0};
		st->panels[st->focus].r = area;
	}
	for (int i = 0; i < st->n_panels; i++)
		if (st->panels[i].r.h > 0 && st->panels[i].ops->table)
			pgt_grid_update(&st->panels[i].table, ui);
}

/* ---- what is on screen is what is measured ---- */

static void
want_texts(struct pgt_ui *ui)
{
	const struct pgt_screen_state *st = pgt_ui_screen(ui);
	struct pgt_query_key keys[200];
	uint64_t hash = ui->snap->seq;
	size_t n = 0;

	for (int i = 0; i < st->n_panels; i++) {
		const struct pgt_panel *p = &st->panels[i];

		if (p->r.h <= 0 || p->ops->table != &pgt_grid_queries)
			continue;
		for (size_t k = 0; k < (size_t)p->table.body.h && n < PGT_LEN(keys);
		     k++) {
			const struct pgt_query *q = pgt_grid_at(&p->table, ui,
								p->table.top + k);

			if (q && !q->text)
				keys[n++] = q->key;
		}
	}
	for (int i = 0; i < ui->n_pages && n < PGT_LEN(keys); i++)
		if (ui->pages[i].key.queryid && !ui->pages[i].text)
			keys[n++] = ui->pages[i].key;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ pgt_query_id(&keys[i])) * UINT64_C(0x9e3779b97f4a7c15);
	if (n == 0 || hash == ui->wanted_texts)
		return;
	ui->wanted_texts = hash;
	pgt_engine_want_texts(ui->engine, keys, n);
}

/* Rollouts that others drive: looked for at the start, on their screen, and while
 * one is under way. */
static void
want_rollouts(struct pgt_ui *ui)
{
	bool want = pgt_ui_screen(ui)->ops->request == PGT_REQ_ROLLOUT ||
		    pgt_rollout_under_way(ui) || !ui->snap || ui->snap->seq < 5;

	if (want == ui->watching)
		return;
	ui->watching = want;
	pgt_engine_rollout_watch(ui->engine, want);
}

void
pgt_ui_want(struct pgt_ui *ui)
{
	const struct pgt_screen_state *st = pgt_ui_screen(ui);
	unsigned bits = 0;

	if (!ui->engine)
		return;
	for (int i = 0; i < st->n_panels; i++)
		if (st->panels[i].r.h > 0)
			bits |= st->panels[i].ops->sections;
	if (bits != ui->wanted) {
		ui->wanted = bits;
		pgt_engine_want(ui->engine, bits);
	}
	want_rollouts(ui);
	if (ui->snap)
		want_texts(ui);
}

/* ---- drawing ---- */

static void
draw_unavailable(const struct pgt_canvas *c, const struct pgt_section *s)
{
	struct pgt_canvas g = *c;
	struct pgt_doc doc = {0};

	g.r.x++;
	g.r.w--;
	pgt_doc_printf(&doc, PGT_ROLE_WARN, "%s not available: %s", pgt_glyph(PGT_G_WARN),
		       s->why ? s->why : "the server does not offer it");
	if (s->fix)
		pgt_doc_printf(&doc, PGT_ROLE_TEXT, "What to do: %s", s->fix);
	pgt_doc_draw(&doc, &g);
	pgt_doc_done(&doc);
}

static void
panel_remark(const struct pgt_ui *ui, const struct pgt_panel *p, char *buf, size_t size,
	     enum pgt_role *role)
{
	const struct pgt_section *s = pgt_ui_section(ui, p->ops->main_section);

	*buf = '\0';
	*role = PGT_ROLE_DIM;
	if (p->ops->remark)
		p->ops->remark(ui, buf, size, role);
	else if (p->ops->table)
		pgt_grid_remark(&p->table, buf, size);
	if (p->ops->needs_section && s && s->available && s->partial) {
		size_t n = strlen(buf);

		snprintf(buf + n, size - n, "%spartial: w tells why", n ? "  " : "");
		*role = PGT_ROLE_WARN;
	}
}

/* On the lower edge of a table's frame: how many columns do not fit. */
static void
draw_more_columns(const struct pgt_grid *t, const struct pgt_canvas *frame)
{
	char text[48];
	int w;

	if (t->hidden == 0 && t->hscroll == 0)
		return;
	snprintf(text, sizeof(text), " %s%d more column%s %s ",
		 t->hscroll ? pgt_glyph(PGT_G_LEFT) : "", t->hidden,
		 t->hidden == 1 ? "" : "s", pgt_glyph(PGT_G_RIGHT));
	w = pgt_cells(text);
	if (w + 4 < frame->r.w)
		pgt_put(frame, frame->r.h - 1, frame->r.w - w - 2, PGT_ROLE_DIM, text);
}

static void
draw_content(struct pgt_ui *ui, struct pgt_panel *p, const struct pgt_canvas *in,
	     bool focused)
{
	const struct pgt_section *s = pgt_ui_section(ui, p->ops->main_section);

	if (p->ops->needs_section && !s->available && s->taken_ns == 0 && !s->why)
		pgt_put(in, 0, 1, PGT_ROLE_DIM, "not measured yet");
	else if (p->ops->needs_section && !s->available)
		draw_unavailable(in, s);
	else if (p->ops->draw)
		p->ops->draw(p, ui, in, focused);
	else
		pgt_grid_draw(&p->table, ui, in, focused);
}

static void
draw_panel(struct pgt_ui *ui, struct pgt_panel *p, bool focused)
{
	struct pgt_canvas c = {.r = p->r}, in = c;
	bool boxed = p->ops->title || p->ops->title_now;
	char remark[120], title[120];
	enum pgt_role role;

	if (boxed)
		in.r = (struct pgt_rect){c.r.y + 1, c.r.x + 1, c.r.h - 2, c.r.w - 2};
	if (in.r.h < 1 || in.r.w < 2)
		return;
	/* The content first: a table knows then where it is. */
	draw_content(ui, p, &in, focused);
	if (!boxed)
		return;
	panel_remark(ui, p, remark, sizeof(remark), &role);
	if (p->ops->title_now)
		p->ops->title_now(ui, title, sizeof(title));
	else
		snprintf(title, sizeof(title), "%s", p->ops->title);
	pgt_box(&c, title, remark, role, focused);
	if (p->ops->table)
		draw_more_columns(&p->table, &c);
}

/* Before the first sample: who we are trying to reach, and what came of it. */
static void
draw_connecting(const struct pgt_ui *ui, const struct pgt_canvas *area)
{
	int w = area->r.w < 72 ? area->r.w : 72, h = area->r.h < 9 ? area->r.h : 9;
	struct pgt_canvas c = {.r = {area->r.y + (area->r.h - h) / 2,
				     area->r.x + (area->r.w - w) / 2, h, w}};
	struct pgt_doc doc = {0};
	int64_t now = pgt_clock_mono_ns();

	c = pgt_box(&c, "Connecting", "", PGT_ROLE_DIM, true);
	c.r.x++;
	c.r.w -= 2;
	if (!ui->have_link || !ui->link.target[0]) {
		pgt_doc_line(&doc, PGT_ROLE_DIM, "opening the connection");
	} else {
		pgt_doc_field(&doc, "server", PGT_ROLE_TEXT, "%s", ui->link.target);
		if (ui->link.up)
			pgt_doc_field(&doc, "state", PGT_ROLE_GOOD,
				      "connected, waiting for the first sample");
		else if (ui->link.message[0])
			pgt_doc_field(&doc, "problem", PGT_ROLE_BAD, "%s",
				      ui->link.message);
		else
			pgt_doc_field(&doc, "state", PGT_ROLE_TEXT, "connecting");
		if (!ui->link.up && ui->link.final)
			pgt_doc_field(&doc, "retry", PGT_ROLE_WARN,
				      "none under way: this needs you");
		else if (!ui->link.up && ui->link.next_try_ns > now)
			pgt_doc_field(
			    &doc, "retry", PGT_ROLE_DIM, "in %llds, attempt %d",
			    (long long)((ui->link.next_try_ns - now) / PGT_NS_PER_S + 1),
			    ui->link.attempts + 1);
	}
	pgt_doc_draw(&doc, &c);
	pgt_doc_done(&doc);
}

static void
draw_banner(const struct pgt_ui *ui, int rows)
{
	struct pgt_canvas c = {.r = {1, 0, rows, pgt_screen_cols()}};
	struct pgt_doc doc = {0};
	int64_t since = pgt_clock_mono_ns() - ui->link.since_ns;

	pgt_doc_printf(&doc, PGT_ROLE_BAD, " %s no connection for %llds: %s%s",
		       pgt_glyph(PGT_G_WARN), (long long)(since / PGT_NS_PER_S),
		       ui->link.message, ui->link.final ? " (no retry under way)" : "");
	pgt_doc_draw(&doc, &c);
	pgt_doc_done(&doc);
}

static void
draw_panels(struct pgt_ui *ui)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);
	struct pgt_rect area = area_of(ui);
	struct pgt_canvas c = {.r = area};

	if (area.h < 1)
		return;
	if (area.y > 1)
		draw_banner(ui, area.y - 1);
	if (!ui->snap) {
		draw_connecting(ui, &c);
		return;
	}
	if (ui->n_pages) {
		pgt_page_draw(ui, &c);
		return;
	}
	for (int i = 0; i < st->n_panels; i++)
		if (st->panels[i].r.h > 0)
			draw_panel(ui, &st->panels[i], i == st->focus);
}

void
pgt_ui_draw(struct pgt_ui *ui)
{
	int rows = pgt_screen_rows(), cols = pgt_screen_cols();
	struct pgt_canvas line = {.r = {0, 0, 1, cols}}, area;

	pgt_screen_begin();
	if (rows < MIN_ROWS || cols < MIN_COLS) {
		pgt_put(&line, 0, 0, PGT_ROLE_WARN, "too small");
		line.r.y = 1;
		if (rows > 1)
			pgt_put(&line, 0, 0, PGT_ROLE_DIM, "40x10 is enough");
		pgt_screen_end();
		pgt_screen_flush();
		return;
	}
	pgt_ui_layout(ui);
	pgt_header_draw(ui, &line);
	draw_panels(ui);
	area.r = area_of(ui);
	area.selected = false;
	if (ui->prompt.kind == PGT_PROMPT_COMMAND)
		pgt_palette_draw(ui, &area);
	line.r.y = rows - (rows >= 8 ? 2 : 1);
	if (ui->prompt.kind != PGT_PROMPT_NONE)
		pgt_prompt_draw(ui, &line);
	else
		pgt_status_draw(ui, &line);
	if (rows >= 8) {
		line.r.y = rows - 1;
		pgt_hints_draw(ui, &line);
	}
	pgt_screen_end();
	pgt_dialog_draw(ui);
	pgt_screen_flush();
	pgt_ui_want(ui);
	ui->dirty = false;
}
