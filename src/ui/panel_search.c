/* The optimizer: how far the search is, its history as a chart and as a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart_priv.h"
#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

#define SOURCE                                                                           \
	"A Bayesian search in a thread of its own. Each trial is an ordinary guarded "   \
	"change: written, measured, taken back. A gain is against the baseline, which "  \
	"is measured again and again; [ ] is the 95% interval. \"Expected\" is what "    \
	"the "                                                                           \
	"model predicted before the trial. A proposal is compared with the baseline in " \
	"turns (ABBA) before it is shown as measured."

static const struct pgt_ev_optimize *
search_of(const void *ctx)
{
	return ((const struct pgt_ui *)ctx)->search;
}

static bool
goes_on(const struct pgt_ev_optimize *s)
{
	return s->state == PGT_TUNE_RUNNING || s->state == PGT_TUNE_PAUSED ||
	       s->state == PGT_TUNE_STOPPING;
}

bool
pgt_search_running(const struct pgt_ui *ui)
{
	return ui->search && goes_on(ui->search);
}

static enum pgt_role
gain_role(double pct)
{
	return isnan(pct) ? PGT_ROLE_DIM
	       : pct > 0  ? PGT_ROLE_GOOD
	       : pct < -8 ? PGT_ROLE_BAD /* the limit that no trial may fall below */
			  : PGT_ROLE_TEXT;
}

/* ---- how far it is ---- */

static void
put_idle(struct pgt_doc *d, const struct pgt_ui *ui)
{
	pgt_doc_line(d, PGT_ROLE_TEXT,
		     "No search is under way. A search tries settings, measures each, "
		     "takes each back, and ends in a proposal; it changes nothing for "
		     "good.");
	pgt_doc_field(d, "live", PGT_ROLE_TEXT,
		      "on this server: settings that need only a reload, one at a time, "
		      "abandoned at once when it hurts");
	pgt_doc_field(d, "canary", PGT_ROLE_TEXT,
		      "on a standby that takes a share of the reads");
	pgt_doc_field(d, "rehearsal", PGT_ROLE_TEXT,
		      "on a throwaway copy of the server, on this machine");
	pgt_doc_field(d, "model", PGT_ROLE_TEXT,
		      "rules of thumb, at once; nothing is measured");
	if (ui->read_only)
		pgt_doc_line(d, PGT_ROLE_WARN,
			     "This console is read-only: nothing is tried from here.");
	else
		pgt_doc_field(d, "A", PGT_ROLE_ACCENT, "choose and start");
}

static void
put_now(struct pgt_doc *d, const struct pgt_ev_optimize *s)
{
	char guess[64], since[32] = "";

	if (!s->now[0] && !s->now_began_mono_ns)
		return;
	if (s->now_began_mono_ns > 0)
		pgt_fmt_duration((pgt_clock_mono_ns() - s->now_began_mono_ns) /
				     PGT_NS_PER_S * PGT_NS_PER_S,
				 since, sizeof(since));
	/* What changes comes first: the settings are many, and what does not fit is cut.
	 */
	pgt_doc_field(d, "now", PGT_ROLE_TEXT, "%s%s%s%s%s%s", *since ? "for " : "",
		      since, isnan(s->now_guess_pct) ? "" : "   expected ~",
		      isnan(s->now_guess_pct)
			  ? ""
			  : pgt_search_gain(s->now_guess_pct, s->now_guess_lo,
					    s->now_guess_hi, guess, sizeof(guess)),
		      *since ? "   " : "", s->now[0] ? s->now : "the baseline again");
	if (s->now_why[0])
		pgt_doc_field(d, "because", PGT_ROLE_DIM, "%s", s->now_why);
}

/* Whether anything but the present settings was tried. */
static bool
tried_any(const struct pgt_ev_optimize *s)
{
	for (size_t i = 0; i < s->n_trials; i++)
		if (strcmp(s->trials[i].what, "baseline") != 0)
			return true;
	return false;
}

static void
put_best(struct pgt_doc *d, const struct pgt_ev_optimize *s)
{
	char times[40] = "", gain[64];

	if (s->best < 0 || (size_t)s->best >= s->n_trials) {
		if (s->n_trials > 0)
			pgt_doc_field(d, "best", PGT_ROLE_DIM, "%s",
				      tried_any(s) ? "nothing beats the baseline"
						   : "only the baseline was measured");
		return;
	}
	if (s->best_times > 1)
		snprintf(times, sizeof(times), ", the mean of %d", s->best_times);
	pgt_doc_field(d, "best", PGT_ROLE_GOOD, "%s   trial %d%s: %s",
		      pgt_search_gain(s->best_pct, NAN, NAN, gain, sizeof(gain)),
		      s->trials[s->best].id, times, s->trials[s->best].config);
}

static void
put_proposal(struct pgt_doc *d, const struct pgt_ev_optimize *s)
{
	char gain[64], how[96] = "", sure[24];

	if (!s->have_proposal)
		return;
	if (s->keep_baseline) {
		pgt_doc_field(d, "proposal", PGT_ROLE_TEXT,
			      s->state == PGT_TUNE_DONE
				  ? "keep what is there: nothing was measurably better"
			      : tried_any(s)
				  ? "none so far: nothing was measurably better"
				  : "none so far");
		return;
	}
	if (isnan(s->gain_pct)) {
		pgt_doc_field(d, "proposal", PGT_ROLE_ACCENT,
			      "by rules of thumb, not measured");
		return;
	}
	if (s->pairs > 0)
		snprintf(how, sizeof(how), "measured in %d pair%s",
			 s->pairs, s->pairs == 1 ? "" : "s");
	else
		snprintf(how, sizeof(how), "predicted, not yet compared");
	pgt_doc_field(d, "proposal", s->pairs > 0 ? PGT_ROLE_GOOD : PGT_ROLE_TEXT,
		      "%s%s   %s   %s", s->pairs > 0 ? "" : "~",
		      pgt_search_gain(s->gain_pct, s->gain_lo, s->gain_hi, gain,
				      sizeof(gain)),
		      how, pgt_search_sure(s->confidence, sure, sizeof(sure)));
}

static void
put_hints(struct pgt_doc *d, const struct pgt_ev_optimize *s)
{
	for (size_t i = 0; i < s->n_settings; i++) {
		const struct pgt_tune_setting *h = &s->settings[i];

		if (h->differs && h->kind == PGT_TUNE_HINT)
			pgt_doc_field(d, "application", PGT_ROLE_ACCENT, "%s before %s",
				      h->comment, h->query);
	}
}

static const char *
next_word(const struct pgt_ui *ui, const struct pgt_ev_optimize *s)
{
	if (ui->read_only)
		return "read-only: watched, not steered";
	switch (s->state) {
	case PGT_TUNE_RUNNING:
		return "H pauses between trials   X stops   R takes it back at once";
	case PGT_TUNE_PAUSED:
		return "H goes on   X stops   nothing of the search is on the server now";
	case PGT_TUNE_STOPPING:
		return "stopping: the trial is taken back";
	case PGT_TUNE_DONE:
		return !pgt_search_proposes(s) ? "A searches anew"
		       : pgt_search_changes(s) > 0
			   ? "A makes the proposal a draft change, or searches anew"
			   : "the proposal is work for the application; A searches anew";
	case PGT_TUNE_FAILED:
	case PGT_TUNE_IDLE:
		return "A searches anew";
	}
	return "";
}

static void
put_progress(const struct pgt_canvas *c, const struct pgt_ev_optimize *s)
{
	static const struct {
		const char *name;
		enum pgt_role role;
	} states[] = {
	    [PGT_TUNE_IDLE] = {"idle", PGT_ROLE_DIM},
	    [PGT_TUNE_RUNNING] = {"running", PGT_ROLE_ACCENT},
	    [PGT_TUNE_PAUSED] = {"paused", PGT_ROLE_WARN},
	    [PGT_TUNE_STOPPING] = {"stopping", PGT_ROLE_WARN},
	    [PGT_TUNE_DONE] = {"done", PGT_ROLE_GOOD},
	    [PGT_TUNE_FAILED] = {"ended", PGT_ROLE_BAD},
	};
	char text[64], left[32];
	int x = pgt_put(c, 0, 1, states[s->state].role, states[s->state].name) + 2, w;

	if (s->total <= 0)
		return;
	x = pgt_put(c, 0, x, PGT_ROLE_DIM, "trial") + 1;
	x = pgt_putf(c, 0, x, PGT_ROLE_TEXT, "%d of %d", s->done, s->total) + 2;
	w = c->r.w - x - 34;
	if (w >= 10) {
		pgt_bar(c, 0, x, w, PGT_ROLE_GRAPH, s->done, s->total);
		x += w + 2;
	}
	if (s->phase[0] && goes_on(s))
		x = pgt_put(c, 0, x, PGT_ROLE_DIM, s->phase) + 2;
	if (s->eta_ns < 0 || s->state != PGT_TUNE_RUNNING)
		return;
	pgt_fmt_duration(s->eta_ns / PGT_NS_PER_S * PGT_NS_PER_S, left, sizeof(left));
	snprintf(text, sizeof(text), "~%s left", left);
	if (x + pgt_cells(text) < c->r.w)
		pgt_put(c, 0, x, PGT_ROLE_TEXT, text);
}

static void
search_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	    bool focused)
{
	const struct pgt_ev_optimize *s = ui->search;
	struct pgt_canvas rest = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	rest.r.x++;
	rest.r.w -= 2;
	if (!s || s->state == PGT_TUNE_IDLE) {
		put_idle(&doc, ui);
		pgt_doc_draw(&doc, &rest);
		pgt_doc_done(&doc);
		return;
	}
	put_progress(c, s);
	rest.r.y++;
	rest.r.h--;
	if (s->state == PGT_TUNE_FAILED) { /* why, whole, before all else */
		pgt_doc_field(&doc, "note", PGT_ROLE_WARN, "%s", s->text);
		pgt_doc_line(&doc, PGT_ROLE_DIM, next_word(ui, s));
	}
	put_best(&doc, s);
	put_proposal(&doc, s);
	put_hints(&doc, s);
	put_now(&doc, s);
	if (s->state != PGT_TUNE_FAILED) {
		pgt_doc_line(&doc, PGT_ROLE_DIM, next_word(ui, s));
		if (s->text[0])
			pgt_doc_field(&doc, "note", PGT_ROLE_TEXT, "%s", s->text);
		/* Many settings would push out what comes after them. */
		doc.terse = pgt_doc_height(&doc, rest.r.w) > (size_t)rest.r.h;
	}
	pgt_doc_draw(&doc, &rest);
	pgt_doc_done(&doc);
}

static void
search_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_ev_optimize *s = ui->search;

	if (!s || s->state == PGT_TUNE_IDLE)
		snprintf(buf, size, "Optimizer");
	else if (s->opts.mode == PGT_TUNE_MODEL)
		snprintf(buf, size, "Optimizer   model");
	else
		snprintf(buf, size, "Optimizer   %s, for %s",
			 pgt_search_mode_name(s->opts.mode),
			 pgt_search_objective_name(s->opts.objective));
}

static bool
search_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	(void)p;
	if (r == PGT_REQ_APPLY)
		pgt_flow_search_go(ui);
	else
		return false;
	return true;
}

const struct pgt_panel_ops pgt_panel_search = {
    .name = "search",
    .title = "Optimizer",
    .title_now = search_title,
    .sections = PGT_SEC(SETTINGS),
    .main_section = PGT_SEC_BASIC,
    .draw = search_draw,
    .request = search_request,
    .hints_now = pgt_search_keys,
    .source = SOURCE,
};

/* ---- the history as a chart ---- */

static void
point_of(const struct pgt_ev_optimize *s, size_t i, struct pgt_chart_point *r)
{
	const struct pgt_tune_trial *t = &s->trials[i];
	bool ok = strcmp(t->status, "ok") == 0;

	*r = (struct pgt_chart_point){.x = (double)i + 1, .y = t->gain_pct, NAN, NAN};
	if (!ok) {
		r->y = 0;
		r->glyph = PGT_G_CROSS;
		r->role = strcmp(t->status, "void") == 0 ? PGT_ROLE_DIM : PGT_ROLE_BAD;
	} else if ((int)i == s->best) {
		r->glyph = PGT_G_DOT;
		r->role = PGT_ROLE_GOOD;
	} else {
		r->glyph = strcmp(t->what, "baseline") ? PGT_G_RING : PGT_G_BULLET;
		r->role = PGT_ROLE_TEXT;
	}
}

static void
history_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	     bool focused)
{
	const struct pgt_ev_optimize *s = ui->search;
	struct pgt_canvas g = *c;
	struct pgt_chart_point *points;
	double *x, *best;
	struct pgt_chart ch = {
	    .role = PGT_ROLE_GRAPH, .steps = true, .unit = "%", .gain = true, .x0 = 1};

	(void)p;
	(void)focused;
	if (!s || s->n_trials == 0) {
		pgt_put(c, 0, 1, PGT_ROLE_DIM, "no trial so far");
		return;
	}
	points = pgt_xcalloc(s->n_trials + 1, sizeof(*points));
	x = pgt_xcalloc(2 * s->n_trials, sizeof(*x));
	best = x + s->n_trials;
	for (size_t i = 0; i < s->n_trials; i++) {
		point_of(s, i, &points[i]);
		x[i] = (double)i + 1;
		best[i] = isnan(s->trials[i].best_pct) ? 0 : s->trials[i].best_pct;
	}
	ch.n_points = s->n_trials;
	if (pgt_search_running(ui) && !isnan(s->now_guess_pct))
		points[ch.n_points++] =
		    (struct pgt_chart_point){.x = (double)s->n_trials + 1,
					     .y = s->now_guess_pct,
					     .lo = s->now_guess_lo,
					     .hi = s->now_guess_hi,
					     .glyph = PGT_G_HALF,
					     .role = PGT_ROLE_ACCENT};
	ch.x = x;
	ch.y = best;
	ch.n = s->n_trials;
	ch.points = points;
	ch.x1 = (double)s->n_trials + 1 > s->total ? (double)s->n_trials + 1 : s->total;
	g.r.h--;
	g.r.w--;
	pgt_chart(&g, &ch, NULL);
	pgt_put(c, g.r.h, pgt_chart_column(&g, &ch, 1), PGT_ROLE_DIM, "1");
	pgt_putf(c, g.r.h, g.r.w - 10, PGT_ROLE_DIM, "trial %4.0f", ch.x1);
	free(points);
	free(x);
}

static void
history_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)ui;
	snprintf(buf, size, "%s best  %s trial  %s failed", pgt_glyph(PGT_G_DOT),
		 pgt_glyph(PGT_G_RING), pgt_glyph(PGT_G_CROSS));
	*role = PGT_ROLE_DIM;
}

const struct pgt_panel_ops pgt_panel_search_chart = {
    .name = "search-history",
    .title = "Gain over the baseline, trial by trial",
    .remark = history_remark,
    .main_section = PGT_SEC_BASIC,
    .draw = history_draw,
    .request = search_request,
    .hints_now = pgt_search_keys,
    .source = SOURCE,
};

/* ---- the trials ---- */

#define T struct pgt_tune_trial

static void
gain_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const T *t = row;

	(void)ctx;
	pgt_search_gain(t->gain_pct, NAN, NAN, cell->buf, sizeof(cell->buf));
	pgt_cell_text(cell, gain_role(t->gain_pct), cell->buf);
}

static double
gain_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const T *)row)->gain_pct;
}

static void
guess_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const T *t = row;

	(void)ctx;
	pgt_search_gain(t->guess_pct, t->guess_lo, t->guess_hi, cell->buf,
			sizeof(cell->buf));
	pgt_cell_text(cell, PGT_ROLE_DIM, cell->buf);
}

static double
guess_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const T *)row)->guess_pct;
}

static const char *
tried(const T *t)
{
	return t->note[0]                             ? t->note
	       : t->config[0]                         ? t->config
	       : strcmp(t->what, "baseline") == 0 ? "as it was"
						      : "the same as the baseline";
}

PGT_NUMBER(id, T, r->id, pgt_cell_int(cell, r->id))
PGT_NUMBER(tps, T, r->tps, pgt_cell_num(cell, r->tps, r->tps < 100))
PGT_NUMBER(mean, T, r->mean_ms, pgt_cell_ms(cell, r->mean_ms))
PGT_NUMBER(p99, T, r->p99_ms, pgt_cell_ms(cell, r->p99_ms))
PGT_STRING(what, T, r->what, PGT_ROLE_DIM)
PGT_STRING(status, T, r->status,
	   strcmp(r->status, "ok") == 0     ? PGT_ROLE_TEXT
	   : strcmp(r->status, "void") == 0 ? PGT_ROLE_DIM
					    : PGT_ROLE_WARN)
PGT_STRING(config, T, tried(r), PGT_ROLE_TEXT)

static size_t
trials_count(const void *ctx)
{
	return search_of(ctx) ? search_of(ctx)->n_trials : 0;
}

static const void *
trials_row(const void *ctx, size_t i)
{
	const struct pgt_ev_optimize *s = search_of(ctx);

	return &s->trials[s->n_trials - 1 - i]; /* the newest first */
}

static uint64_t
trials_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const T *)row)->id + 1;
}

static enum pgt_role
trials_role(const void *row, const void *ctx)
{
	const struct pgt_ev_optimize *s = search_of(ctx);

	return s->best >= 0 && row == &s->trials[s->best] ? PGT_ROLE_ACCENT
							  : PGT_ROLE_TEXT;
}

static const struct pgt_column columns[] = {
    PGT_COL_N(id, "trial", 5, 30, .help = "its number, the newest first"),
    PGT_COL_N(gain, "gain", 8, 28, .help = "against the baseline, measured"),
    PGT_COL_N(guess, "expected", 22, 10,
	      .help = "what the model said before, with its 95% interval"),
    PGT_COL_N(tps, "tps", 8, 12, .help = "transactions a second in its window"),
    PGT_COL_N(mean, "mean ms", 8, 14, .help = "mean latency of statements"),
    PGT_COL_N(p99, "p99~ ms", 8, 11, .help = "p99 latency, estimated"),
    PGT_COL_S(what, "phase", 9, 8, .help = "baseline, heuristic, search, final"),
    PGT_COL_S(status, "result", 9, 16,
	      .help = "ok, failed, abandoned (it hurt) or void (another load)"),
    PGT_COL_S(config, "what was tried", -20, 20,
	      .help = "the settings that differ from the baseline, or why it failed"),
};

static const struct pgt_grid_ops trials_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = -1,
    .count = trials_count,
    .row = trials_row,
    .id = trials_id,
    .row_role = trials_role,
    .empty = "no trial so far",
};

static bool
trials_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const T *t = pgt_grid_current(&p->table, ui);

	if (r == PGT_REQ_OPEN && t) {
		pgt_page_open_trial(ui, t->id);
		return true;
	}
	return search_request(p, ui, r);
}

const struct pgt_panel_ops pgt_panel_trials = {
    .name = "trials",
    .title = "Trials",
    .main_section = PGT_SEC_BASIC,
    .table = &trials_grid,
    .request = trials_request,
    .hints = "open=detail sort",
    .hints_now = pgt_search_keys,
    .source = SOURCE,
};
