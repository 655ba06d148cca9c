/* Documents over the screen: the stack, keys, help and sources. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

struct pgt_page *
pgt_page_top(struct pgt_ui *ui)
{
	return ui->n_pages ? &ui->pages[ui->n_pages - 1] : NULL;
}

void
pgt_page_pop(struct pgt_ui *ui)
{
	struct pgt_page *p = pgt_page_top(ui);

	if (!p)
		return;
	pgt_doc_done(&p->doc);
	free(p->text);
	free(p->plan);
	free(p->database);
	memset(p, 0, sizeof(*p));
	ui->n_pages--;
	ui->dirty = true;
}

struct pgt_page *
pgt_page_push(struct pgt_ui *ui, const struct pgt_page_ops *ops)
{
	struct pgt_page *p;

	if (ui->n_pages == PGT_MAX_PAGES) {
		/* the oldest goes: Esc then still walks back through the rest */
		pgt_doc_done(&ui->pages[0].doc);
		free(ui->pages[0].text);
		free(ui->pages[0].plan);
		free(ui->pages[0].database);
		memmove(&ui->pages[0], &ui->pages[1],
			sizeof(ui->pages[0]) * (PGT_MAX_PAGES - 1));
		ui->n_pages--;
	}
	p = &ui->pages[ui->n_pages++];
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	snprintf(p->title, sizeof(p->title), "%s", ops->name);
	ui->dirty = true;
	return p;
}

static void
copy_page(struct pgt_ui *ui, const struct pgt_page *p)
{
	struct pgt_buf b;

	pgt_buf_init(&b, 64 << 10);
	if (p->text)
		pgt_buf_puts(&b, p->text);
	else
		for (size_t i = 0; i < p->doc.n; i++) {
			if (p->doc.lines[i].label)
				pgt_buf_printf(&b, "%s: ", p->doc.lines[i].label);
			pgt_buf_puts(&b, p->doc.lines[i].text);
			pgt_buf_putc(&b, '\n');
		}
	if (!b.overflow && pgt_screen_copy(pgt_buf_str(&b)))
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "copied %zu characters to the clipboard", b.len);
	else
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "too long for the clipboard");
	pgt_buf_done(&b);
}

bool
pgt_page_request(struct pgt_ui *ui, enum pgt_request r)
{
	struct pgt_page *p = pgt_page_top(ui);
	long page = p->doc.page > 1 ? p->doc.page - 1 : 1;

	if (p->ops->request && p->ops->request(p, ui, r))
		return true;
	if (r == PGT_REQ_UP)
		pgt_doc_scroll(&p->doc, -1);
	else if (r == PGT_REQ_DOWN || r == PGT_REQ_OPEN)
		pgt_doc_scroll(&p->doc, 1);
	else if (r == PGT_REQ_PAGE_UP)
		pgt_doc_scroll(&p->doc, -page);
	else if (r == PGT_REQ_PAGE_DOWN || r == PGT_REQ_TAG)
		pgt_doc_scroll(&p->doc, page);
	else if (r == PGT_REQ_FIRST)
		pgt_doc_scroll(&p->doc, -(long)p->doc.rows);
	else if (r == PGT_REQ_LAST)
		pgt_doc_scroll(&p->doc, (long)p->doc.rows);
	else if (r == PGT_REQ_SEARCH)
		pgt_prompt_open(ui, PGT_PROMPT_SEARCH);
	else if (r == PGT_REQ_FIND_NEXT || r == PGT_REQ_FIND_PREV) {
		if (!pgt_doc_find(&p->doc, r == PGT_REQ_FIND_PREV))
			pgt_ui_notice(ui, PGT_NOTICE_INFO, "no further match");
	} else if (r == PGT_REQ_COPY)
		copy_page(ui, p);
	else
		return false;
	return true;
}

void
pgt_page_draw(struct pgt_ui *ui, const struct pgt_canvas *c)
{
	struct pgt_page *p = pgt_page_top(ui);
	struct pgt_canvas in;
	char remark[64] = "";
	size_t last;

	/* The text first: it knows then how much of it there is. */
	in.r = (struct pgt_rect){c->r.y + 1, c->r.x + 2, c->r.h - 2, c->r.w - 4};
	in.selected = false;
	pgt_doc_draw(&p->doc, &in);
	last = p->doc.top + (size_t)p->doc.page;
	if (p->doc.rows > (size_t)p->doc.page && p->doc.page > 0)
		snprintf(remark, sizeof(remark), "%srows %zu-%zu of %zu",
			 last < p->doc.rows ? "more below, " : "", p->doc.top + 1,
			 last < p->doc.rows ? last : p->doc.rows, p->doc.rows);
	pgt_box(c, p->title, remark, PGT_ROLE_DIM, true);
}

/* ---- help, made from the key table ---- */

static void
help_columns(struct pgt_doc *doc, const struct pgt_panel *panel)
{
	const struct pgt_grid_ops *t = panel->ops->table;
	char heading[80];

	if (!t)
		return;
	snprintf(heading, sizeof(heading), "Columns of %s", panel->ops->title);
	pgt_doc_heading(doc, heading);
	for (int i = 0; i < t->n_columns; i++)
		pgt_doc_field(doc, t->columns[i].name, PGT_ROLE_TEXT, "%s",
			      t->columns[i].help ? t->columns[i].help : "");
}

static void
help_build(struct pgt_page *p, struct pgt_ui *ui)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);
	char key[16], key2[16], both[40];

	pgt_doc_reset(&p->doc);
	pgt_doc_line(&p->doc, PGT_ROLE_TEXT,
		     "Lower-case keys look, upper-case keys propose a change and always "
		     "ask first. "
		     "Esc goes back from anywhere.");
	for (int g = 0; g < PGT_GROUP_N; g++) {
		pgt_doc_heading(&p->doc, pgt_group_names[g]);
		for (int r = 1; r < PGT_REQ_N; r++) {
			const struct pgt_request_info *info = pgt_request_info(
			    (enum pgt_request)r);

			if (info->group != (enum pgt_request_group)g)
				continue;
			pgt_key_name(info->key, key, sizeof(key));
			snprintf(both, sizeof(both), "%s%s%s", key,
				 info->key2 > 32 ? "  " : "",
				 info->key2 > 32
				     ? pgt_key_name(info->key2, key2, sizeof(key2))
				     : "");
			pgt_doc_field(&p->doc, both, PGT_ROLE_TEXT, "%s", info->help);
		}
	}
	for (int i = 0; i < st->n_panels; i++)
		if (i == 0 || st->panels[i].ops->table != st->panels[i - 1].ops->table)
			help_columns(&p->doc, &st->panels[i]);
}

static const struct pgt_page_ops help_page = {
    .name = "Help",
    .build = help_build,
    .hints = "back search page-down copy",
};

void
pgt_page_open_help(struct pgt_ui *ui)
{
	struct pgt_page *p = pgt_page_top(ui);

	if (p && p->ops == &help_page) {
		pgt_page_pop(ui);
		return;
	}
	p = pgt_page_push(ui, &help_page);
	help_build(p, ui);
}

/* ---- where does it come from ---- */

static void
source_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_panel_ops *ops = p->panel;
	const struct pgt_section *s = pgt_ui_section(ui, ops->main_section);
	char a[32];

	pgt_doc_reset(&p->doc);
	pgt_doc_heading(&p->doc, "Source and method");
	pgt_doc_block(&p->doc, PGT_ROLE_TEXT, ops->source ? ops->source : "");
	if (ops->table && p->sort_column >= 0) {
		pgt_doc_heading(&p->doc, "Sorted by");
		pgt_doc_field(&p->doc, ops->table->columns[p->sort_column].name,
			      PGT_ROLE_TEXT, "%s",
			      ops->table->columns[p->sort_column].help);
	}
	if (!ui->snap || !s)
		return;
	pgt_doc_heading(&p->doc, "Now");
	pgt_doc_field(&p->doc, "section", PGT_ROLE_TEXT, "%s: %s",
		      pgt_section_names[ops->main_section],
		      !s->available ? "not available"
		      : s->partial  ? "partial"
				    : "complete");
	if (s->why)
		pgt_doc_field(&p->doc, "because", PGT_ROLE_WARN, "%s", s->why);
	if (s->fix)
		pgt_doc_field(&p->doc, "what to do", PGT_ROLE_TEXT, "%s", s->fix);
	if (s->taken_ns > 0 && ui->snap->mono_ns >= s->taken_ns)
		pgt_doc_field(&p->doc, "taken", PGT_ROLE_TEXT, "%s before this sample",
			      pgt_age(ui->snap->mono_ns - s->taken_ns, a, sizeof(a)));
	if (ui->snap->gap)
		pgt_doc_field(&p->doc, "gap", PGT_ROLE_WARN,
			      "this interval has no rates: nothing to compare with");
	else
		pgt_doc_field(&p->doc, "interval", PGT_ROLE_TEXT, "%s",
			      pgt_age(ui->snap->interval_ns, a, sizeof(a)));
	if (ops->source_more)
		ops->source_more(ui, &p->doc);
}

static const struct pgt_page_ops source_page = {
    .name = "Where it comes from",
    .build = source_build,
    .hints = "back search copy",
};

void
pgt_page_open_source(struct pgt_ui *ui, struct pgt_panel *panel)
{
	struct pgt_page *p = pgt_page_push(ui, &source_page);

	p->panel = panel->ops;
	p->sort_column = panel->ops->table ? panel->table.sort : -1;
	snprintf(p->title, sizeof(p->title), "Where it comes from: %s",
		 panel->ops->title ? panel->ops->title : "overview");
	source_build(p, ui);
}
