/* The overview's own panels: throughput, latency, sessions and waits as figures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/str.h"

static enum pgt_role
hit_role(double hit)
{
	return hit < 0.9 ? PGT_ROLE_BAD : hit < 0.97 ? PGT_ROLE_WARN : PGT_ROLE_TEXT;
}

static struct pgt_canvas
below(const struct pgt_canvas *c, int rows)
{
	struct pgt_canvas g = *c;

	g.r.y += rows;
	g.r.h -= rows;
	return g;
}

/* ---- throughput ---- */

static void
throughput_figures(const struct pgt_snapshot *s, const struct pgt_canvas *c)
{
	double rollback = s->rate.tps > 0 ? s->rate.rollbacks / s->rate.tps : 0;
	char a[32];
	int x;

	x = pgt_put(c, 0, 1, PGT_ROLE_ACCENT,
		    pgt_num(s->rate.tps, s->rate.tps < 100, a, sizeof(a)));
	x = pgt_put(c, 0, x + 1, PGT_ROLE_DIM, "tps") + 3;
	x = pgt_panel_pair(c, 0, x, "hit", hit_role(s->rate.hit_ratio), "%s%%",
			   pgt_pct(s->rate.hit_ratio, a, sizeof(a)));
	x = pgt_panel_pair(
	    c, 0, x, "rollback", rollback > 0.1 ? PGT_ROLE_WARN : PGT_ROLE_TEXT, "%s%%",
	    pgt_num(isnan(s->rate.tps) ? NAN : rollback * 100, 1, a, sizeof(a)));
	pgt_panel_pair(c, 0, x, "temp",
		       s->rate.temp_bytes > 10 * 1048576.0 ? PGT_ROLE_WARN
							   : PGT_ROLE_TEXT,
		       "%s/s", pgt_bytes(s->rate.temp_bytes, a, sizeof(a)));
}

static void
throughput_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
		bool focused)
{
	struct pgt_canvas g = below(c, 1);

	(void)p;
	(void)focused;
	throughput_figures(ui->snap, c);
	pgt_panel_graph(ui, &g, PGT_SERIES_TPS, PGT_ROLE_GRAPH, 0);
}

static void
span_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)ui;
	(void)role;
	snprintf(buf, size, "5 min");
}

const struct pgt_panel_ops pgt_panel_throughput = {
    .name = "throughput",
    .title = "Throughput",
    .sections = PGT_SEC(BASIC),
    .main_section = PGT_SEC_BASIC,
    .needs_section = true,
    .draw = throughput_draw,
    .remark = span_remark,
    .source =
	"tps: xact_commit + xact_rollback of pg_stat_database over all databases, the "
	"difference between two samples by the time between them. A statistics reset, a "
	"restart "
	"or a counter that runs backwards voids the interval: no rate is shown then.\n"
	"hit: blks_hit / (blks_hit + blks_read) of the interval, not since the reset. A "
	"hit in "
	"the kernel's cache counts as a read here.\n"
	"rollback: xact_rollback by all transactions. temp: temp_bytes written per "
	"second.\n"
	"Error: exact counts; a backend reports its counters at most once a second (10 s "
	"when it "
	"is idle on 15 and later), so single seconds can lag.",
};

/* ---- latency ---- */

static void
latency_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	static const char *const methods[] = {"", "moments", "moments+ages", "slow log"};
	const struct pgt_latency *l;

	*buf = '\0';
	if (!ui->snap)
		return;
	l = &ui->snap->latency;
	if (l->method == PGT_LAT_NONE)
		return;
	if (isnan(l->p99_err))
		snprintf(buf, size, "%s", methods[l->method]);
	else
		snprintf(buf, size, "%s %s%.0f%%", methods[l->method],
			 pgt_glyph(PGT_G_PLUSMINUS), l->p99_err * 100);
	(void)role;
}

static void
latency_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	     bool focused)
{
	const struct pgt_latency *l = &ui->snap->latency;
	struct pgt_canvas g = below(c, 1);
	char a[32];
	int x = 1;

	(void)p;
	(void)focused;
	if (l->method == PGT_LAT_NONE && isnan(l->mean_ms)) {
		struct pgt_doc doc = {0};

		pgt_doc_line(&doc, PGT_ROLE_DIM,
			     l->note ? l->note : "no statements in the window");
		g = *c;
		g.r.x++;
		g.r.w--;
		pgt_doc_draw(&doc, &g);
		pgt_doc_done(&doc);
		return;
	}
	x = pgt_panel_pair(c, 0, x, "p50", PGT_ROLE_TEXT, "%s",
			   pgt_ms(l->p50_ms, a, sizeof(a)));
	x = pgt_panel_pair(c, 0, x, "p95", PGT_ROLE_TEXT, "%s",
			   pgt_ms(l->p95_ms, a, sizeof(a)));
	x = pgt_panel_pair(c, 0, x, "p99", PGT_ROLE_ACCENT, "%s",
			   pgt_ms(l->p99_ms, a, sizeof(a)));
	pgt_panel_pair(c, 0, x, "mean", PGT_ROLE_TEXT, "%s",
		       pgt_ms(l->mean_ms, a, sizeof(a)));
	pgt_panel_graph(ui, &g, PGT_SERIES_P99, PGT_ROLE_GRAPH2, 0);
}

static void
latency_source(const struct pgt_ui *ui, struct pgt_doc *doc)
{
	const struct pgt_latency *l = &ui->snap->latency;
	char a[32], b[32];

	pgt_doc_field(doc, "window", PGT_ROLE_TEXT, "%s, %s statements",
		      pgt_age(l->window_ns, a, sizeof(a)),
		      pgt_num(l->calls, 0, b, sizeof(b)));
	pgt_doc_field(doc, "band p50", PGT_ROLE_TEXT, "%s%s%%",
		      pgt_glyph(PGT_G_PLUSMINUS),
		      pgt_num(l->p50_err * 100, 0, a, sizeof(a)));
	pgt_doc_field(doc, "band p95", PGT_ROLE_TEXT, "%s%s%%",
		      pgt_glyph(PGT_G_PLUSMINUS),
		      pgt_num(l->p95_err * 100, 0, a, sizeof(a)));
	pgt_doc_field(doc, "band p99", PGT_ROLE_TEXT, "%s%s%%",
		      pgt_glyph(PGT_G_PLUSMINUS),
		      pgt_num(l->p99_err * 100, 0, a, sizeof(a)));
	if (l->note)
		pgt_doc_field(doc, "caution", PGT_ROLE_WARN, "%s", l->note);
}

const struct pgt_panel_ops pgt_panel_latency = {
    .name = "latency",
    .title = "Latency ~ ms",
    .sections = PGT_SEC(STATEMENTS),
    .main_section = PGT_SEC_STATEMENTS,
    .needs_section = true,
    .draw = latency_draw,
    .remark = latency_remark,
    .source_more = latency_source,
    .source =
	"Estimates (~) of the time on the server per statement; the server keeps no "
	"percentiles. The mean is exact.\n"
	"moments: each statement's calls, mean, standard deviation and greatest call, "
	"from pg_stat_statements, weigh laws that have these moments (one log-normal, "
	"two "
	"modes of many shares and widths); the percentile is that of their mixture, the "
	"band how far they differ.\n"
	"moments+ages: of statements of 1 ms and more, the ages of those seen running in "
	"pg_stat_activity in the last minutes weigh the laws too: a statement with two "
	"plans or a cache that misses shows.\n"
	"What sessions were active beyond execution (parse, plan, commit) is known in "
	"sum "
	"since 14 and spread over the calls.\n"
	"Time in the network and in a pooler's queue is not in it. The graph is p99.",
};

/* ---- sessions ---- */

static void
sessions_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_sessions *s = ui->snap ? &ui->snap->sessions : NULL;

	if (s && s->max_connections > 0)
		snprintf(buf, size, "Sessions %d/%d", s->total, s->max_connections);
	else
		snprintf(buf, size, "Sessions");
}

static void
sessions_counts(const struct pgt_snapshot *snap, const struct pgt_canvas *c, int y)
{
	const struct pgt_sessions *s = &snap->sessions;
	int in_tx = s->idle_in_tx < 0 ? -1 : s->idle_in_tx + s->idle_in_tx_aborted, x;
	char a[32];

	x = pgt_panel_pair(c, y, 1, "active", s->active ? PGT_ROLE_TEXT : PGT_ROLE_DIM,
			   "%s", pgt_count(s->active, a, sizeof(a)));
	x = pgt_panel_pair(c, y, x, "idle", PGT_ROLE_TEXT, "%s",
			   pgt_count(s->idle, a, sizeof(a)));
	x = pgt_panel_pair(c, y, x, "in-tx",
			   s->oldest_idle_in_tx_ns > 60 * PGT_NS_PER_S ? PGT_ROLE_WARN
								       : PGT_ROLE_TEXT,
			   "%s%s", pgt_count(in_tx, a, sizeof(a)),
			   s->oldest_idle_in_tx_ns > 60 * PGT_NS_PER_S ? " !" : "");
	pgt_panel_pair(c, y, x, "waiting", s->blocked ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		       "%s", pgt_count(s->waiting, a, sizeof(a)));
}

static void
sessions_oldest(const struct pgt_snapshot *snap, const struct pgt_canvas *c, int y)
{
	const struct pgt_sessions *s = &snap->sessions;
	char a[32];

	if (s->oldest_tx_ns < 0)
		pgt_panel_pair(c, y, 1, "oldest tx", PGT_ROLE_DIM, "none");
	else
		pgt_panel_pair(c, y, 1, "oldest tx",
			       s->oldest_tx_ns > 300 * PGT_NS_PER_S  ? PGT_ROLE_BAD
			       : s->oldest_tx_ns > 60 * PGT_NS_PER_S ? PGT_ROLE_WARN
								     : PGT_ROLE_TEXT,
			       "%s by %d", pgt_age(s->oldest_tx_ns, a, sizeof(a)),
			       s->oldest_tx_pid);
}

static void
sessions_wal(const struct pgt_snapshot *snap, const struct pgt_canvas *c, int y)
{
	char a[32];
	int x;

	x = pgt_panel_pair(c, y, 1, "deadlocks",
			   snap->rate.deadlocks > 0 ? PGT_ROLE_BAD : PGT_ROLE_TEXT, "%s",
			   pgt_num(snap->rate.deadlocks, 0, a, sizeof(a)));
	pgt_panel_pair(c, y, x, "wal", PGT_ROLE_TEXT, "%s/s",
		       pgt_bytes(snap->rate.wal_bytes, a, sizeof(a)));
}

static void
sessions_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	      bool focused)
{
	const struct pgt_sessions *s = &ui->snap->sessions;
	struct pgt_canvas g = below(c, 4);
	char a[32];

	(void)p;
	(void)focused;
	sessions_counts(ui->snap, c, 0);
	sessions_oldest(ui->snap, c, 1);
	sessions_wal(ui->snap, c, 2);
	if (c->r.h > 3 && s->oldest_query_ns >= 0)
		pgt_panel_pair(c, 3, 1, "longest query", PGT_ROLE_TEXT, "%s by %d",
			       pgt_age(s->oldest_query_ns, a, sizeof(a)),
			       s->oldest_query_pid);
	if (c->r.h > 5)
		pgt_panel_graph(ui, &g, PGT_SERIES_ACTIVE, PGT_ROLE_GRAPH, 0);
}

static bool
sessions_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	(void)p;
	return r == PGT_REQ_OPEN && pgt_ui_goto(ui, PGT_REQ_ACTIVITY);
}

const struct pgt_panel_ops pgt_panel_sessions = {
    .name = "sessions",
    .title = "Sessions",
    .title_now = sessions_title,
    .sections = PGT_SEC(BASIC) | PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_ACTIVITY,
    .needs_section = true,
    .draw = sessions_draw,
    .request = sessions_request,
    .source =
	"pg_stat_activity at the moment of the sample: client backends by state against "
	"max_connections. waiting leaves out ClientRead, which is the client's turn.\n"
	"oldest tx: the greatest now() - xact_start. deadlocks: of the interval, from "
	"pg_stat_database. wal: pg_stat_wal or the distance between two WAL positions.",
};

/* ---- waiting ---- */

static void
waiting_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	     bool focused)
{
	const struct pgt_snapshot *s = ui->snap;
	double max = 0;
	int rows = c->r.h, label = c->r.w > 36 ? 22 : 14;
	char text[128], a[32];

	(void)p;
	(void)focused;
	if (s->n_waits == 0)
		pgt_put(c, 0, 1, PGT_ROLE_DIM, "nobody runs or waits");
	for (size_t i = 0; i < s->n_waits; i++)
		if (s->waits[i].sessions > max)
			max = s->waits[i].sessions;
	for (int i = 0; i < rows && (size_t)i < s->n_waits; i++) {
		const struct pgt_wait *w = &s->waits[i];
		bool lock = strcmp(w->type, "Lock") == 0,
		     cpu = strcmp(w->type, "CPU") == 0;

		if (i == rows - 1 && s->n_waits > (size_t)rows) {
			pgt_putf(c, i, 1, PGT_ROLE_DIM, "%zu more: 5 waits",
				 s->n_waits - (size_t)i);
			break;
		}
		if (w->event && *w->event)
			snprintf(text, sizeof(text), "%s:%s", w->type, w->event);
		else
			snprintf(text, sizeof(text), "%s", w->type);
		pgt_put_fit(c, i, 1, label, PGT_LEFT,
			    lock ? PGT_ROLE_WARN : PGT_ROLE_TEXT, text, 0);
		pgt_bar(c, i, label + 2, c->r.w - label - 9,
			lock  ? PGT_ROLE_WARN
			: cpu ? PGT_ROLE_GOOD
			      : PGT_ROLE_GRAPH,
			w->sessions, max);
		pgt_put_fit(c, i, c->r.w - 7, 6, PGT_RIGHT, PGT_ROLE_TEXT,
			    pgt_num(w->sessions, 1, a, sizeof(a)), 0);
	}
}

static void
waiting_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)ui;
	(void)role;
	snprintf(buf, size, "sessions, 10 s");
}

static bool
waiting_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	(void)p;
	return r == PGT_REQ_OPEN && pgt_ui_goto(ui, PGT_REQ_WAITS);
}

const struct pgt_panel_ops pgt_panel_waiting = {
    .name = "waiting",
    .title = "Waiting",
    .sections = PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_ACTIVITY,
    .needs_section = true,
    .draw = waiting_draw,
    .remark = waiting_remark,
    .request = waiting_request,
    .source =
	"wait_event_type and wait_event of active sessions in pg_stat_activity, averaged "
	"over the samples of the last 10 s. CPU: active and waiting for nothing that the "
	"server "
	"names. A sample sees only what is going on at that instant: rare short waits "
	"are missed.",
};

/* ---- blocked ---- */

static void
blocked_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_snapshot *s = ui->snap;
	int64_t worst = -1;
	char a[32];

	if (!s || s->sessions.blocked <= 0) {
		snprintf(buf, size, "Blocked");
		return;
	}
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].wait_ns > worst)
			worst = s->locks[i].wait_ns;
	snprintf(buf, size, "Blocked %d%s%s", s->sessions.blocked,
		 worst >= 0 ? ", worst " : "",
		 worst >= 0 ? pgt_age(worst, a, sizeof(a)) : "");
}

static void
blocked_row(const struct pgt_snapshot *s, const struct pgt_lock *l,
	    const struct pgt_canvas *c, int y)
{
	const struct pgt_activity *a = l->activity >= 0 &&
					       (size_t)l->activity < s->n_activity
					   ? &s->activity[l->activity]
					   : NULL;
	int x = 1 + 2 * (l->depth < 6 ? l->depth : 6);
	char age[32];

	if (l->depth > 0)
		pgt_put(c, y, x - 2, PGT_ROLE_DIM, pgt_glyph(PGT_G_LAST));
	x = pgt_putf(c, y, x, l->depth == 0 ? PGT_ROLE_BAD : PGT_ROLE_TEXT, "%d",
		     l->pid) +
	    1;
	if (l->depth == 0)
		pgt_putf(c, y, x, PGT_ROLE_TEXT, "%s %s app=%s",
			 a && a->state ? a->state : "hidden",
			 a && a->xact_age_ns >= 0
			     ? pgt_age(a->xact_age_ns, age, sizeof(age))
			     : "",
			 a && a->app && *a->app ? a->app : "-");
	else
		pgt_putf(c, y, x, PGT_ROLE_TEXT, "%s %s%s",
			 pgt_age(l->wait_ns, age, sizeof(age)),
			 l->soft ? "(queued) " : "",
			 l->object      ? l->object
			 : l->lock_type ? l->lock_type
					: "");
}

static void
blocked_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	     bool focused)
{
	const struct pgt_snapshot *s = ui->snap;

	(void)p;
	(void)focused;
	if (s->n_locks == 0) {
		pgt_putf(c, 0, 1, PGT_ROLE_GOOD, "%s nobody waits for a lock",
			 pgt_glyph(PGT_G_CHECK));
		return;
	}
	for (int i = 0; i < c->r.h && (size_t)i < s->n_locks; i++) {
		if (i == c->r.h - 1 && s->n_locks > (size_t)c->r.h) {
			pgt_putf(c, i, 1, PGT_ROLE_DIM, "%s%zu more: 3 locks",
				 pgt_glyph(PGT_G_LAST), s->n_locks - (size_t)i);
			break;
		}
		blocked_row(s, &s->locks[i], c, i);
	}
}

static bool
blocked_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	(void)p;
	return r == PGT_REQ_OPEN && pgt_ui_goto(ui, PGT_REQ_LOCKS);
}

const struct pgt_panel_ops pgt_panel_blocked = {
    .name = "blocked",
    .title = "Blocked",
    .title_now = blocked_title,
    .sections = PGT_SEC(LOCKS) | PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_LOCKS,
    .needs_section = true,
    .draw = blocked_draw,
    .request = blocked_request,
    .source =
	"pg_blocking_pids() of the sessions that wait for a lock, with pg_locks for the "
	"object and mode. A root blocks others and waits for nobody. (queued) marks a "
	"blocker that "
	"only stands before in the queue and holds nothing yet.",
};

/* ---- where there is no room ---- */

static void
summary_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	     bool focused)
{
	const struct pgt_snapshot *s = ui->snap;
	struct pgt_canvas left = *c, right = *c;

	(void)p;
	(void)focused;
	left.r.w = c->r.w / 2;
	right.r.x += left.r.w;
	right.r.w -= left.r.w;
	sessions_counts(s, &left, 0);
	sessions_oldest(s, &left, 1);
	sessions_wal(s, &left, 2);
	if (s->n_locks) {
		right.r.h = c->r.h;
		blocked_draw(p, ui, &right, false);
	} else {
		waiting_draw(p, ui, &right, false);
	}
}

static void
summary_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	char blocked[80];

	sessions_title(ui, buf, size);
	if (ui->snap && ui->snap->sessions.blocked > 0) {
		size_t n = strlen(buf);

		blocked_title(ui, blocked, sizeof(blocked));
		snprintf(buf + n, size - n, "   %s", blocked);
	}
}

const struct pgt_panel_ops pgt_panel_summary = {
    .name = "summary",
    .title = "Sessions",
    .title_now = summary_title,
    .sections = PGT_SEC(BASIC) | PGT_SEC(ACTIVITY) | PGT_SEC(LOCKS),
    .main_section = PGT_SEC_ACTIVITY,
    .needs_section = true,
    .draw = summary_draw,
    .request = sessions_request,
    .source = "pg_stat_activity at the moment of the sample; at the right the waits of "
	      "the last "
	      "10 s, or who blocks whom when somebody is blocked (pg_blocking_pids()).",
};

static void
mini_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	  bool focused)
{
	const struct pgt_snapshot *s = ui->snap;
	struct pgt_canvas g = below(c, 4);
	char a[32];
	int x;

	(void)p;
	(void)focused;
	x = pgt_panel_pair(c, 0, 1, "tps", PGT_ROLE_ACCENT, "%s",
			   pgt_num(s->rate.tps, s->rate.tps < 100, a, sizeof(a)));
	pgt_panel_pair(c, 0, x, "hit", hit_role(s->rate.hit_ratio), "%s%%",
		       pgt_pct(s->rate.hit_ratio, a, sizeof(a)));
	x = pgt_panel_pair(c, 1, 1, "p99~", PGT_ROLE_ACCENT, "%s ms",
			   pgt_ms(s->latency.p99_ms, a, sizeof(a)));
	pgt_panel_pair(c, 1, x, "p50~", PGT_ROLE_TEXT, "%s",
		       pgt_ms(s->latency.p50_ms, a, sizeof(a)));
	x = pgt_panel_pair(c, 2, 1, "active", PGT_ROLE_TEXT, "%d/%d", s->sessions.active,
			   s->sessions.total);
	pgt_panel_pair(c, 2, x, "blocked",
		       s->sessions.blocked ? PGT_ROLE_BAD : PGT_ROLE_TEXT, "%d",
		       s->sessions.blocked);
	sessions_oldest(s, c, 3);
	pgt_panel_graph(ui, &g, PGT_SERIES_TPS, PGT_ROLE_GRAPH, 0);
}

const struct pgt_panel_ops pgt_panel_mini = {
    .name = "mini",
    .sections = PGT_SEC(BASIC) | PGT_SEC(ACTIVITY) | PGT_SEC(STATEMENTS) | PGT_SEC(LOCKS),
    .main_section = PGT_SEC_BASIC,
    .draw = mini_draw,
    .source =
	"The overview's most telling figures; a larger terminal shows them with their "
	"graphs and sources.",
};
