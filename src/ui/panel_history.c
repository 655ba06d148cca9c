/* What was kept: hours and weeks of the main figures, with the alerts and changes of
 * that time.  The store thread reads it; here it is asked for, cut to the width of
 * the screen and drawn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

static const struct {
	const char *name;
	int64_t span_s;
} ranges[] = {
    {"5 minutes", 300},	 {"1 hour", 3600},     {"6 hours", 6 * 3600},
    {"12 hours", 43200}, {"1 day", 86400},     {"3 days", 3 * 86400},
    {"1 week", 604800},	 {"30 days", 2592000},
};
#define FIRST_RANGE 1
/* Asked anew so often that the newest point moves by less than a cell or two. */
#define REFRESH_OF(span_s) ((span_s) * PGT_NS_PER_S / 200 + 2 * PGT_NS_PER_S)
#define LOST_NS (15 * PGT_NS_PER_S) /* an answer that did not come */

static int64_t
now_ms(void)
{
	return pgt_clock_real_ns() / PGT_NS_PER_MS;
}

/* "11-21 17:05", or with seconds for short ranges. */
static char *
stamp(int64_t ms, bool seconds, char *buf, size_t size)
{
	char iso[40];

	pgt_clock_iso8601(ms * PGT_NS_PER_MS, iso, sizeof(iso));
	snprintf(buf, size, "%.5s %.*s", iso + 5, seconds ? 8 : 5, iso + 11);
	return buf;
}

/* ---- asking ---- */

static void
ask(struct pgt_ui *ui)
{
	struct pgt_past *p = &ui->past;
	int64_t to = p->to_ms ? p->to_ms : now_ms();

	if (!ui->engine)
		return;
	p->waiting = true;
	p->stale = false;
	p->asked_mono_ns = pgt_clock_mono_ns();
	pgt_engine_history(ui->engine, to - ranges[p->range].span_s * 1000, to);
}

void
pgt_past_refresh(struct pgt_ui *ui)
{
	struct pgt_past *p = &ui->past;
	int64_t age = pgt_clock_mono_ns() - p->asked_mono_ns;

	if (p->asked_mono_ns == 0)
		p->range = FIRST_RANGE;
	if (p->waiting ? age > LOST_NS
		       : p->asked_mono_ns == 0 || p->stale ||
			     (p->to_ms == 0 && !ui->paused &&
			      age > REFRESH_OF(ranges[p->range].span_s)))
		ask(ui);
}

static void
choose(struct pgt_ui *ui, int range, int64_t to_ms)
{
	struct pgt_past *p = &ui->past;

	p->range = range;
	p->to_ms = to_ms < now_ms() ? to_ms : 0;
	p->stale = true; /* an answer that is under way is of another range */
	pgt_past_refresh(ui);
}

static bool
past_request(struct pgt_panel *panel, struct pgt_ui *ui, enum pgt_request r)
{
	struct pgt_past *p = &ui->past;
	int64_t step = ranges[p->range].span_s * 500, to = p->to_ms ? p->to_ms : now_ms();
	const struct pgt_past_row *row;

	if (r == PGT_REQ_LEFT) {
		choose(ui, p->range, to - step);
	} else if (r == PGT_REQ_RIGHT) {
		choose(ui, p->range, to + step);
	} else if (r == PGT_REQ_SORT_PREV && p->range > 0) {
		choose(ui, p->range - 1, p->to_ms ? to : INT64_MAX);
	} else if (r == PGT_REQ_SORT_NEXT && p->range + 1 < (int)PGT_LEN(ranges)) {
		choose(ui, p->range + 1, p->to_ms ? to : INT64_MAX);
	} else if (r == PGT_REQ_SORT_PREV || r == PGT_REQ_SORT_NEXT) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "ranges go from %s to %s",
			      ranges[0].name, ranges[PGT_LEN(ranges) - 1].name);
	} else if (r == PGT_REQ_OPEN && panel->ops->table) {
		row = pgt_grid_current(&panel->table, ui);
		if (row)
			pgt_page_open_kept(ui, row);
	} else {
		return false;
	}
	return true;
}

/* ---- the answer ---- */

void
pgt_past_done(struct pgt_past *p)
{
	if (p->ev)
		pgt_ev_history_free(p->ev);
	free(p->rows);
	p->ev = NULL;
	p->rows = NULL;
	p->n_rows = 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct pgt_past_row *x = a, *y = b;

	return (x->ms < y->ms) - (x->ms > y->ms);
}

void
pgt_past_event(struct pgt_ui *ui, struct pgt_msg *take_from)
{
	struct pgt_past *p = &ui->past;
	struct pgt_ev_history *ev = take_from->data;

	p->waiting = false;
	if (p->stale) { /* not what is asked for any more */
		pgt_past_refresh(ui);
		return;
	}
	take_from->data = NULL;
	take_from->free_data = NULL;
	pgt_past_done(p);
	p->ev = ev;
	p->rows = pgt_xcalloc(ev->n_alerts + ev->n_changes + 1, sizeof(*p->rows));
	for (size_t i = 0; i < ev->n_alerts; i++)
		p->rows[p->n_rows++] = (struct pgt_past_row){
		    .alert = &ev->alerts[i], .ms = ev->alerts[i].onset_ms};
	for (size_t i = 0; i < ev->n_changes; i++)
		p->rows[p->n_rows++] = (struct pgt_past_row){
		    .change = &ev->changes[i], .ms = ev->changes[i].begun_ms};
	qsort(p->rows, p->n_rows, sizeof(*p->rows), by_time);
	for (int i = 0; i < pgt_ui_screen(ui)->n_panels; i++)
		if (pgt_ui_screen(ui)->panels[i].ops == &pgt_panel_past_rows)
			pgt_grid_update(&pgt_ui_screen(ui)->panels[i].table, ui);
	ui->dirty = true;
}

/* ---- graphs ---- */

static const struct figure {
	const struct pgt_panel_ops *ops;
	enum pgt_hist_col col;
	enum pgt_series scale;
} figures[] = {
    {&pgt_panel_past_tps, PGT_H_TPS, PGT_SERIES_TPS},
    {&pgt_panel_past_p99, PGT_H_P99, PGT_SERIES_P99},
    {&pgt_panel_past_active, PGT_H_ACTIVE, PGT_SERIES_ACTIVE},
    {&pgt_panel_past_waiting, PGT_H_WAITING, PGT_SERIES_WAITING},
    {&pgt_panel_past_hit, PGT_H_HIT, PGT_SERIES_HIT},
    {&pgt_panel_past_wal, PGT_H_WAL, PGT_SERIES_WAL},
};

/* Means over n steps of the range; a point of 60 s fills the steps of its minute. */
static void
cut(const struct pgt_ev_history *ev, enum pgt_hist_col col, float *out, size_t n)
{
	double span = (double)(ev->to_ms - ev->from_ms), step = span / (double)n;
	static int count[1024];

	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		count[i] = 0;
	}
	for (size_t i = 0; i < ev->n; i++) {
		double at = (double)(ev->points[i].t_ms - ev->from_ms);
		long a = (long)(at / step);
		long b = (long)((at + ev->res_s * 1000.0 - 1) / step);

		if (isnan(ev->points[i].v[col]))
			continue;
		for (long k = a < 0 ? 0 : a; k <= b && k < (long)n; k++) {
			out[k] += (float)ev->points[i].v[col];
			count[k]++;
		}
	}
	for (size_t i = 0; i < n; i++)
		out[i] = count[i] ? out[i] / (float)count[i] : NAN;
}

static void
mark(const struct pgt_past *p, unsigned char *out, size_t n)
{
	double span = (double)(p->ev->to_ms - p->ev->from_ms);

	memset(out, 0, n);
	for (size_t i = 0; i < p->n_rows; i++) {
		double at = (double)(p->rows[i].ms - p->ev->from_ms) / span;

		if (at >= 0 && at < 1)
			out[(size_t)(at * (double)n)] = 1;
	}
}

static void
graph_draw(struct pgt_panel *panel, struct pgt_ui *ui, const struct pgt_canvas *c,
	   bool focused)
{
	const struct pgt_past *p = &ui->past;
	const struct figure *f = figures;
	float values[1024];
	unsigned char marks[1024];
	size_t n = (size_t)c->r.w * 2;
	struct pgt_graph g = {.values = values, .marks = marks, .shift = false};

	(void)focused;
	pgt_past_refresh(ui);
	if (n > PGT_LEN(values))
		n = PGT_LEN(values);
	if (!p->ev || p->ev->n == 0) {
		pgt_put(c, 0, 1, PGT_ROLE_DIM,
			!p->ev		     ? "reading"
			: p->ev->message[0] ? p->ev->message
					     : "nothing was kept of this time");
		return;
	}
	while (f->ops != panel->ops)
		f++;
	cut(p->ev, f->col, values, n);
	mark(p, marks, n);
	g.n = n;
	g.role = f->col == PGT_H_P99	    ? PGT_ROLE_WARN
		 : f->col == PGT_H_WAITING ? PGT_ROLE_BAD
					    : PGT_ROLE_GRAPH;
	g.top = f->col == PGT_H_HIT ? 1 : 0;
	pgt_panel_scale(c, f->scale, pgt_graph(c, &g));
}

static void
put_title(const struct pgt_ui *ui, const char *what, char *buf, size_t size)
{
	snprintf(buf, size, "%s   %s", what, ranges[ui->past.range].name);
}

static void
range_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	const struct pgt_ev_history *ev = ui->past.ev;
	bool secs = ev && ev->to_ms - ev->from_ms < 3600 * 1000;
	char a[24], b[24];

	*buf = '\0';
	if (!ev)
		return;
	snprintf(buf, size, "%s to %s", stamp(ev->from_ms, secs, a, sizeof(a)),
		 ui->past.to_ms == 0 ? "now" : stamp(ev->to_ms, secs, b, sizeof(b)));
	*role = ui->past.to_ms ? PGT_ROLE_ACCENT : PGT_ROLE_DIM;
}

#define HINTS "left=earlier right=later sort-previous=shorter sort-next=longer"
#define SOURCE                                                                           \
	"The history: a point a second for an hour, each 10 s for a day, each minute "   \
	"and each ten minutes for a month, as keep-1s, keep-10s and keep-1min say; "     \
	"means over what a dot covers. Lines mark where alerts began and changes were "  \
	"made. Left and right go half a range, < and > change it. Times are UTC."

#define GRAPH(nm, what)                                                                  \
	static void nm##_title(const struct pgt_ui *ui, char *buf, size_t size)          \
	{                                                                                \
		put_title(ui, what, buf, size);                                          \
	}                                                                                \
	const struct pgt_panel_ops pgt_panel_past_##nm = {                               \
	    .name = "past-" #nm,                                                         \
	    .title = what,                                                               \
	    .title_now = nm##_title,                                                     \
	    .remark = range_remark,                                                      \
	    .main_section = PGT_SEC_BASIC,                                               \
	    .draw = graph_draw,                                                          \
	    .request = past_request,                                                     \
	    .hints = HINTS,                                                              \
	    .source = SOURCE,                                                            \
	}

GRAPH(tps, "TPS");
GRAPH(p99, "p99~ ms");
GRAPH(active, "Active");
GRAPH(waiting, "Waiting");
GRAPH(hit, "Hit ratio");
GRAPH(wal, "WAL/s");

/* ---- what happened ---- */

#define R struct pgt_past_row

static enum pgt_role
past_role(const R *r)
{
	if (r->alert)
		return r->alert->cleared_ms			       ? PGT_ROLE_DIM
		       : strcmp(r->alert->severity, "critical") == 0 ? PGT_ROLE_BAD
								       : PGT_ROLE_WARN;
	return strcmp(r->change->outcome, "confirmed") == 0 ? PGT_ROLE_GOOD
	       : strcmp(r->change->outcome, "fenced") == 0  ? PGT_ROLE_BAD
							     : PGT_ROLE_TEXT;
}

static const char *
alert_words(const R *r, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s", r->alert->metric, r->alert->direction);
	return buf;
}

static const char *
what_key(const void *row, const void *ctx)
{
	const R *r = row;

	(void)ctx;
	return r->alert ? r->alert->metric : r->change->what;
}

static void
what_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const R *r = row;

	(void)ctx;
	cell->text = r->alert ? alert_words(r, cell->buf, sizeof(cell->buf))
			      : r->change->what;
	cell->role = PGT_ROLE_TEXT;
}

PGT_NUMBER(when, R, r->ms,
	   (cell->text = stamp(r->ms, false, cell->buf, sizeof(cell->buf))))
PGT_STRING(kind, R, r->alert ? "alert" : "change", past_role(r))
PGT_STRING(outcome, R, r->alert ? r->alert->state : r->change->outcome, past_role(r))
PGT_STRING(result, R, r->alert ? r->alert->cause : r->change->result, PGT_ROLE_DIM)
PGT_STRING(before, R, r->alert ? "" : r->change->before, PGT_ROLE_DIM)
PGT_STRING(after, R, r->alert ? "" : r->change->after, PGT_ROLE_DIM)
PGT_STRING(who, R, r->alert ? "" : r->change->who, PGT_ROLE_DIM)

static size_t
rows_count(const void *ctx)
{
	return ((const struct pgt_ui *)ctx)->past.n_rows;
}

static const void *
rows_row(const void *ctx, size_t i)
{
	return &((const struct pgt_ui *)ctx)->past.rows[i];
}

static uint64_t
rows_id(const void *row, const void *ctx)
{
	const R *r = row;

	(void)ctx;
	return (uint64_t)r->ms * 2 + (r->change != NULL) + 1;
}

static const struct pgt_column columns[] = {
    PGT_COL_N(when, "began", 11, 30, .help = "onset of an alert, begin of a change; UTC"),
    PGT_COL_S(kind, "kind", 6, 25, .help = "alert, or a change made with pg2une"),
    PGT_COL_S(what, "what", 34, 28, .help = "measure and direction; old and new value"),
    PGT_COL_S(outcome, "outcome", 12, 26, .help = "state of an alert; end of a change"),
    PGT_COL_S(who, "by", 18, 10, .help = "who ran the change"),
    PGT_COL_S(before, "before", 24, 12, .help = "measured before the change"),
    PGT_COL_S(after, "after", 24, 13, .help = "measured after it"),
    PGT_COL_S(result, "cause or result", -30, 15,
	      .help = "likeliest cause of an alert; what came of a change"),
};

static const struct pgt_grid_ops rows_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = -1,
    .count = rows_count,
    .row = rows_row,
    .id = rows_id,
    .empty = "no alert and no change in this time",
};

static void
rows_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_ev_history *ev = ui->past.ev;

	snprintf(buf, size, "Alerts %zu, changes %zu%s", ev ? ev->n_alerts : 0,
		 ev ? ev->n_changes : 0,
		 ev && ev->message[0] ? "   history not kept: from memory only" : "");
}

const struct pgt_panel_ops pgt_panel_past_rows = {
    .name = "past",
    .title = "Alerts and changes",
    .title_now = rows_title,
    .main_section = PGT_SEC_BASIC,
    .table = &rows_grid,
    .request = past_request,
    .hints = "open=all_of_it " HINTS " filter",
    .source = "The alerts that were kept, and every change that was run from this "
	      "console, the command line or a rollout; with a shared history those of "
	      "other hosts too. `pg2une alerts` and `pg2une change history` list the "
	      "same.",
};

/* ---- one of them ---- */

static const struct pgt_page_ops kept_page = {
    .name = "Kept",
    .hints = "back copy search",
};

static void
put_alert(struct pgt_doc *d, const struct pgt_kept_alert *a)
{
	char t[24];

	pgt_doc_field(d, "measure", PGT_ROLE_TITLE, "%s %s", a->metric, a->direction);
	pgt_doc_field(d, "began", PGT_ROLE_TEXT, "%s",
		      stamp(a->onset_ms, true, t, sizeof(t)));
	pgt_doc_field(d, "noticed", PGT_ROLE_TEXT, "%s",
		      stamp(a->detected_ms, true, t, sizeof(t)));
	if (a->cleared_ms)
		pgt_doc_field(d, "ended", PGT_ROLE_TEXT, "%s",
			      stamp(a->cleared_ms, true, t, sizeof(t)));
	pgt_doc_field(d, "severity", PGT_ROLE_TEXT, "%s", a->severity);
	pgt_doc_field(d, "state", PGT_ROLE_TEXT, "%s", a->state);
	pgt_doc_field(d, "likeliest cause", PGT_ROLE_TEXT, "%s",
		      a->cause[0] ? a->cause : "none was seen");
}

static void
put_change(struct pgt_doc *d, const struct pgt_kept_change *c)
{
	char t[24];

	pgt_doc_field(d, "what", PGT_ROLE_TITLE, "%s", c->what);
	pgt_doc_field(d, "outcome", PGT_ROLE_TEXT, "%s", c->outcome);
	pgt_doc_field(d, "by", PGT_ROLE_TEXT, "%s", c->who);
	pgt_doc_field(d, "begun", PGT_ROLE_TEXT, "%s",
		      stamp(c->begun_ms, true, t, sizeof(t)));
	pgt_doc_field(d, "ended", PGT_ROLE_TEXT, "%s",
		      stamp(c->ended_ms, true, t, sizeof(t)));
	pgt_doc_field(d, "before", PGT_ROLE_TEXT, "%s",
		      c->before[0] ? c->before : "not measured");
	pgt_doc_field(d, "after", PGT_ROLE_TEXT, "%s",
		      c->after[0] ? c->after : "not measured");
	pgt_doc_field(d, "result", PGT_ROLE_TEXT, "%s", c->result);
	pgt_doc_field(d, "changeset", PGT_ROLE_DIM, "%s", c->id);
	pgt_doc_line(d, PGT_ROLE_DIM, "On the host that ran it, `pg2une change show` has "
				      "its journal.");
}

void
pgt_page_open_kept(struct pgt_ui *ui, const struct pgt_past_row *r)
{
	struct pgt_page *p = pgt_page_push(ui, &kept_page);

	snprintf(p->title, sizeof(p->title), r->alert ? "Alert, as it was kept"
						      : "Change, as it was kept");
	if (r->alert)
		put_alert(&p->doc, r->alert);
	else
		put_change(&p->doc, r->change);
}
