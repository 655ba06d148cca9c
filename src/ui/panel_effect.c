/* What the search has learnt: which settings matter, the effect of each, and the
 * pages of a trial and of a setting. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart_priv.h"
#include "panel_priv.h"
#include "pg2une/base/knobs.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

#define SETTINGS_PANEL 3 /* of the optimizer screen: see screens.c */
#define SOURCE                                                                           \
	"From the Gaussian process over all trials. \"Matters\" is the share of what "   \
	"the model explains that this setting alone explains. The curve is the "         \
	"predicted gain when only this setting moves from the best configuration; the "  \
	"dotted band holds 95%. Where nothing was tried near, the band is wide: "        \
	"believe "                                                                       \
	"it less there."

#define ST struct pgt_tune_setting

static const struct pgt_ev_optimize *
search_of(const void *ctx)
{
	return ((const struct pgt_ui *)ctx)->search;
}

/* ---- which settings matter ---- */

static void
share_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	double share = ((const ST *)row)->importance;

	(void)ctx;
	pgt_cell_pct(cell, share);
	cell->role = share >= 0.1 ? PGT_ROLE_ACCENT : PGT_ROLE_DIM;
}

static double
share_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const ST *)row)->importance;
}

static const char *
proposed(const ST *s)
{
	return s->differs ? s->proposed : "";
}

/* As it is called in full; of an index, table and columns. */
static const char *
full_name(const ST *s)
{
	return *s->label ? s->label : s->name;
}

static void
name_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const ST *s = row;
	const char *text = s->name;

	(void)ctx;
	if (*s->label) /* width 0: nothing is drawn, and nothing cut */
		text = cell->width == 0
			       ? s->label
			       : pgt_search_index_label(s->label, cell->width, cell->buf,
							sizeof(cell->buf));
	pgt_cell_text(cell, s->differs ? PGT_ROLE_ACCENT : PGT_ROLE_TEXT, text);
}

static const char *
name_key(const void *row, const void *ctx)
{
	(void)ctx;
	return full_name(row);
}

static const char *
trade_of(const ST *s)
{
	return s->kind == PGT_TUNE_INDEX ? s->why : s->effect;
}

PGT_STRING(now, ST, r->kind == PGT_TUNE_SETTING ? r->current : "absent", PGT_ROLE_TEXT)
PGT_STRING(prop, ST, proposed(r), PGT_ROLE_ACCENT)
PGT_STRING(needs, ST,
	   r->restart                   ? "restart"
	   : r->kind == PGT_TUNE_INDEX ? "build"
	   : r->kind == PGT_TUNE_HINT  ? "app"
					: "reload",
	   r->restart ? PGT_ROLE_WARN : PGT_ROLE_DIM)
PGT_STRING(trade, ST, trade_of(r), PGT_ROLE_DIM)

static size_t
settings_count(const void *ctx)
{
	return search_of(ctx) ? search_of(ctx)->n_settings : 0;
}

static const void *
settings_row(const void *ctx, size_t i)
{
	return &search_of(ctx)->settings[i];
}

static uint64_t
settings_id(const void *row, const void *ctx)
{
	return (uint64_t)((const ST *)row - search_of(ctx)->settings) + 1;
}

static const struct pgt_column columns[] = {
    PGT_COL_S(name, "setting", -28, 30, .help = "what was searched"),
    PGT_COL_N(share, "matters %", 10, 28, .help = "share of what the model explains"),
    PGT_COL_S(now, "now", 10, 20, .help = "the value before the search"),
    PGT_COL_S(prop, "proposed", 10, 24, .help = "where the proposal differs"),
    PGT_COL_S(needs, "needs", 8, 12, .help = "what putting it in force takes"),
    PGT_COL_S(trade, "what it trades", -24, 8, .help = "what is given for what"),
};

static const struct pgt_grid_ops settings_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = 1,
    .count = settings_count,
    .row = settings_row,
    .id = settings_id,
    .empty = "no search so far",
};

static bool
settings_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const ST *s = pgt_grid_current(&p->table, ui);

	if (r == PGT_REQ_OPEN && s)
		pgt_page_open_knob(ui, (uint32_t)(s - ui->search->settings));
	else if (r == PGT_REQ_APPLY)
		pgt_flow_search_go(ui);
	else
		return false;
	return true;
}

const struct pgt_panel_ops pgt_panel_knobs = {
    .name = "settings",
    .title = "Settings: which matter, and the proposal",
    .main_section = PGT_SEC_BASIC,
    .table = &settings_grid,
    .request = settings_request,
    .hints = "open=detail",
    .hints_now = pgt_search_keys,
    .source = SOURCE,
};

/* ---- the effect of one ---- */

static double
axis(const ST *s, double v)
{
	return s->slice_log && v > 0 ? log2(v) : v;
}

static char *
value_text(const ST *s, double v, char *buf, size_t size)
{
	const struct pgt_knob *k = pgt_knob_find(s->name);

	if (k) {
		pgt_knob_format(k, v, buf, size);
		/* between two values of the grain: not to ten digits */
		if (strchr(buf, '.') && strspn(buf, "-.0123456789") == strlen(buf))
			snprintf(buf, size, "%.4g", v);
		return buf;
	}
	pgt_str_copy(buf, size, v < 0.5 ? "without" : "with");
	return buf;
}

/* Where the curve is at the value that text says; false when it is not on it. */
static bool
on_curve(const ST *s, const char *text, struct pgt_chart_point *r)
{
	const struct pgt_knob *k = pgt_knob_find(s->name);
	double v, f;

	if (s->kind != PGT_TUNE_SETTING)
		v = strcmp(text, "absent") != 0;
	else if (!k || !*text || pgt_knob_parse(k, text, 1, &v, NULL) < 0)
		return false;
	v = axis(s, v);
	for (size_t i = 0; i + 1 < s->n_slice; i++) {
		double a = axis(s, s->slice_x[i]), b = axis(s, s->slice_x[i + 1]);

		if (v < a - 1e-9 || v > b + 1e-9)
			continue;
		f = b > a ? (v - a) / (b - a) : 0;
		r->x = v;
		r->y = s->slice_gain[i] + f * (s->slice_gain[i + 1] - s->slice_gain[i]);
		r->lo = r->hi = NAN;
		return true;
	}
	return false;
}

static const ST *
chosen(const struct pgt_ui *ui)
{
	const struct pgt_screen_state *st = &ui->screens[ui->screen];

	return ui->search ? pgt_grid_current(&st->panels[SETTINGS_PANEL].table, ui)
			  : NULL;
}

static void
draw_curve(const ST *s, const struct pgt_canvas *c)
{
	struct pgt_chart_point points[2] = {{0}};
	double x[PGT_LEN(s->slice_x)];
	struct pgt_chart ch = {.x = x, .y = s->slice_gain, .lo = s->slice_lo,
			       .hi = s->slice_hi, .n = s->n_slice,
			       .role = PGT_ROLE_GRAPH, .points = points, .unit = "%",
			       .gain = true};
	struct pgt_canvas g = *c;
	char a[40];

	for (size_t i = 0; i < s->n_slice; i++)
		x[i] = axis(s, s->slice_x[i]);
	ch.x0 = x[0];
	ch.x1 = x[s->n_slice - 1];
	if (on_curve(s, s->current, &points[ch.n_points])) {
		points[ch.n_points].glyph = PGT_G_RING;
		points[ch.n_points++].role = PGT_ROLE_TEXT;
	}
	if (s->differs && on_curve(s, s->proposed, &points[ch.n_points])) {
		points[ch.n_points].glyph = PGT_G_DOT;
		points[ch.n_points++].role = PGT_ROLE_GOOD;
	}
	g.r.h--;
	g.r.w--;
	pgt_chart(&g, &ch, NULL);
	pgt_put(c, g.r.h, pgt_chart_column(&g, &ch, ch.x0), PGT_ROLE_DIM,
		value_text(s, s->slice_x[0], a, sizeof(a)));
	value_text(s, s->slice_x[s->n_slice - 1], a, sizeof(a));
	pgt_put(c, g.r.h, g.r.w - pgt_cells(a), PGT_ROLE_DIM, a);
}

static void
effect_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	    bool focused)
{
	const ST *s = chosen(ui);
	struct pgt_canvas in = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	if (s && s->n_slice > 1) {
		draw_curve(s, c);
		return;
	}
	in.r.x++;
	in.r.w -= 2;
	if (!s)
		pgt_doc_line(&doc, PGT_ROLE_DIM,
			     "the effect of the chosen setting, once there are trials");
	else
		pgt_doc_printf(&doc, PGT_ROLE_DIM,
			       "no curve for %s: %s", full_name(s),
			       isnan(s->importance)
				   ? "the model has too few trials"
				   : "it hardly matters here, as far as is known");
	if (s && trade_of(s)[0])
		pgt_doc_line(&doc, PGT_ROLE_TEXT, trade_of(s));
	pgt_doc_draw(&doc, &in);
	pgt_doc_done(&doc);
}

static void
effect_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const ST *s = chosen(ui);

	if (s && *s->label)
		snprintf(buf, size, "Effect of an index on %s", s->label);
	else if (s)
		snprintf(buf, size, "Effect of %s", s->name);
	else
		snprintf(buf, size, "Effect of one setting");
}

static void
effect_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	const ST *s = chosen(ui);
	struct pgt_chart_point ignored;

	*buf = '\0';
	*role = PGT_ROLE_DIM;
	if (!s || s->n_slice < 2)
		return;
	if (on_curve(s, s->current, &ignored))
		snprintf(buf, size, "%s now", pgt_glyph(PGT_G_RING));
	else if (*s->current) /* outside of what is searched, or a value apart */
		snprintf(buf, size, "now %s: not on it", s->current);
	if (s->differs && on_curve(s, s->proposed, &ignored))
		snprintf(buf + strlen(buf), size - strlen(buf), "  %s proposed",
			 pgt_glyph(PGT_G_DOT));
}

static bool
effect_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	struct pgt_screen_state *st = pgt_ui_screen(ui);

	(void)p;
	if (r == PGT_REQ_APPLY) {
		pgt_flow_search_go(ui);
		return true;
	}
	/* Up and down go through the settings, whose curve this is. */
	if (r != PGT_REQ_UP && r != PGT_REQ_DOWN)
		return false;
	pgt_grid_move(&st->panels[SETTINGS_PANEL].table, ui, r == PGT_REQ_UP ? -1 : 1);
	return true;
}

const struct pgt_panel_ops pgt_panel_effect = {
    .name = "effect",
    .title = "Effect of one setting",
    .title_now = effect_title,
    .remark = effect_remark,
    .main_section = PGT_SEC_BASIC,
    .draw = effect_draw,
    .request = effect_request,
    .hints = "up=setting",
    .hints_now = pgt_search_keys,
    .source = SOURCE,
};

/* ---- pages ---- */

static void
trial_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_tune_trial *t = NULL;
	struct pgt_doc *d = &p->doc;
	char a[64];

	pgt_doc_reset(d);
	for (size_t i = 0; ui->search && i < ui->search->n_trials; i++)
		if (ui->search->trials[i].id == (int)p->oid)
			t = &ui->search->trials[i];
	if (!t) {
		pgt_doc_line(d, PGT_ROLE_WARN, "It belongs to an earlier search.");
		return;
	}
	pgt_doc_field(d, "trial", PGT_ROLE_TITLE, "%d, %s: %s", t->id, t->what,
		      t->status);
	if (t->note[0])
		pgt_doc_field(d, "note", PGT_ROLE_WARN, "%s", t->note);
	if (t->why[0])
		pgt_doc_field(d, "because", PGT_ROLE_TEXT, "%s", t->why);
	pgt_doc_field(d, "gain", PGT_ROLE_TEXT, "%s",
		      pgt_search_gain(t->gain_pct, NAN, NAN, a, sizeof(a)));
	pgt_doc_field(d, "expected", PGT_ROLE_TEXT, "%s",
		      pgt_search_gain(t->guess_pct, t->guess_lo, t->guess_hi, a,
				      sizeof(a)));
	pgt_doc_field(d, "tps", PGT_ROLE_TEXT, "%s",
		      pgt_num(t->tps, 1, a, sizeof(a)));
	pgt_doc_field(d, "mean", PGT_ROLE_TEXT, "%s ms",
		      pgt_ms(t->mean_ms, a, sizeof(a)));
	pgt_doc_field(d, "p99", PGT_ROLE_TEXT, "~%s ms", pgt_ms(t->p99_ms, a, sizeof(a)));
	pgt_doc_heading(d, "What differed from the baseline");
	if (strcmp(t->what, "baseline") == 0) {
		pgt_doc_line(d, PGT_ROLE_DIM, "nothing");
		return;
	}
	for (const char *s = t->config; *s;) {
		/* "[no nestloop in query 4711]": a name with spaces */
		size_t n = *s == '[' ? strcspn(s, "]") + 1 : strcspn(s, " ");

		n = strnlen(s, n); /* it may have been cut */
		pgt_doc_printf(d, PGT_ROLE_TEXT, "%.*s", (int)n, s);
		s += n;
		s += *s == ' ';
	}
	if (!t->config[0])
		pgt_doc_line(d, PGT_ROLE_DIM, "nothing");
}

static const struct pgt_page_ops trial_page = {
    .name = "Trial",
    .build = trial_build,
    .hints = "back copy",
};

void
pgt_page_open_trial(struct pgt_ui *ui, int id)
{
	struct pgt_page *p = pgt_page_push(ui, &trial_page);

	p->oid = (uint32_t)id;
	trial_build(p, ui);
}

/* What a hint is, and who puts it in. */
static void
put_hint(struct pgt_doc *d, const ST *s)
{
	pgt_doc_field(d, "statement", PGT_ROLE_TEXT, "%s", s->query);
	pgt_doc_field(d, "query id", PGT_ROLE_DIM, "%lld", (long long)s->queryid);
	pgt_doc_field(d, "because", PGT_ROLE_TEXT, "%s", s->why);
	if (!isnan(s->cost_pct))
		pgt_doc_field(d, "planner", PGT_ROLE_DIM,
			      "thinks it %+.0f%% dearer: it would not do otherwise",
			      s->cost_pct);
	pgt_doc_heading(d, s->differs
			       ? "Work for the application: nothing is applied here"
			       : "What it would take in the application");
	pgt_doc_field(d, "pg_hint_plan", PGT_ROLE_ACCENT, "%s before the statement",
		      s->comment);
	pgt_doc_field(d, "without", PGT_ROLE_ACCENT, "%s in its transaction", s->effect);
}

static void
put_index(struct pgt_doc *d, const ST *s)
{
	pgt_doc_field(d, "statement", PGT_ROLE_TEXT, "%s", s->effect);
	if (*s->why)
		pgt_doc_field(d, "costs", PGT_ROLE_TEXT, "%s", s->why);
	if (!isnan(s->cost_pct))
		pgt_doc_field(d, "planner", PGT_ROLE_DIM,
			      "reckons %+.0f%% for its statement", s->cost_pct);
}

static void
knob_build(struct pgt_page *p, struct pgt_ui *ui)
{
	static const char *const needs_words[] = {
	    [PGT_TUNE_SETTING] = "a reload",
	    [PGT_TUNE_INDEX] = "to be built",
	    [PGT_TUNE_HINT] = "a change of the application",
	};
	struct pgt_doc *d = &p->doc;
	char a[64], b[40];
	const ST *s;

	pgt_doc_reset(d);
	if (!ui->search || p->oid >= ui->search->n_settings) {
		pgt_doc_line(d, PGT_ROLE_WARN, "It belongs to an earlier search.");
		return;
	}
	s = &ui->search->settings[p->oid];
	pgt_doc_field(d, s->kind == PGT_TUNE_INDEX ? "index" : "setting", PGT_ROLE_TITLE,
		      "%s", full_name(s));
	pgt_doc_field(d, "now", PGT_ROLE_TEXT, "%s", s->current);
	if (s->differs)
		pgt_doc_field(d, "proposed", PGT_ROLE_ACCENT, "%s", s->proposed);
	pgt_doc_field(d, "matters", PGT_ROLE_TEXT, "%s%%",
		      pgt_pct(s->importance, a, sizeof(a)));
	pgt_doc_field(d, "needs", s->restart ? PGT_ROLE_WARN : PGT_ROLE_TEXT, "%s",
		      s->restart ? "a restart" : needs_words[s->kind]);
	if (s->kind == PGT_TUNE_HINT)
		put_hint(d, s);
	else if (s->kind == PGT_TUNE_INDEX)
		put_index(d, s);
	else if (s->effect[0])
		pgt_doc_field(d, "trades", PGT_ROLE_TEXT, "%s", s->effect);
	if (s->n_slice == 0)
		return;
	pgt_doc_heading(d, "Predicted gain by its value alone, with 95%");
	for (size_t i = 0; i < s->n_slice; i++)
		if (i == 0 || s->slice_x[i] > s->slice_x[i - 1] ||
		    s->slice_x[i] < s->slice_x[i - 1]) /* one of two: not many times */
			pgt_doc_field(d, value_text(s, s->slice_x[i], b, sizeof(b)),
			      PGT_ROLE_TEXT, "~%s",
			      pgt_search_gain(s->slice_gain[i], s->slice_lo[i],
					      s->slice_hi[i], a, sizeof(a)));
}

static const struct pgt_page_ops knob_page = {
    .name = "Setting",
    .build = knob_build,
    .hints = "back copy",
};

void
pgt_page_open_knob(struct pgt_ui *ui, uint32_t index)
{
	struct pgt_page *p = pgt_page_push(ui, &knob_page);

	p->oid = index;
	knob_build(p, ui);
}
