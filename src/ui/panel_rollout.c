/* The rollout: its steps as a track, both nodes side by side, the gate's evidence as
 * it accumulates.  One that another console drives looks the same, without keys. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

#define SOURCE                                                                           \
	"Canary and primary are measured at the same moment and compared query by "      \
	"query. The bounds of the mean hold however often one looks; the tail and "      \
	"the errors are e-values: harm is proven when one reaches its limit. GO "        \
	"waits for C, unless the rollout goes on by itself; what stays undecided "       \
	"goes back. Traffic leaves the canary first on a rollback."

bool
pgt_rollout_under_way(const struct pgt_ui *ui)
{
	return ui->rollout && ui->rollout->id[0] &&
	       !pgt_ro_is_end(ui->rollout->view.state);
}

static bool
steered(const struct pgt_ui *ui)
{
	return ui->rollout && ui->rollout->ours && !ui->read_only;
}

/* ---- the track ---- */

static const char *
state_name(enum pgt_ro_state s)
{
	static const char *const names[] = {
	    [PGT_RO_PLAN] = "plan",
	    [PGT_RO_PREFLIGHT] = "preflight",
	    [PGT_RO_CANARY] = "waiting for the canary",
	    [PGT_RO_APPLY] = "applying on the canary",
	    [PGT_RO_STEP] = "step",
	    [PGT_RO_PROMOTE] = "promoting to the primary",
	    [PGT_RO_RETURN] = "traffic returns",
	    [PGT_RO_ROLLBACK] = "ROLLING BACK",
	    [PGT_RO_DONE] = "done: promoted",
	    [PGT_RO_ROLLED_BACK] = "rolled back",
	    [PGT_RO_STUCK] = "STUCK: a person must act",
	    [PGT_RO_NOTHING] = "ended before anything was changed",
	};

	return names[s];
}

static int
put_stage(const struct pgt_canvas *c, int x, const char *name, int at)
{
	static const enum pgt_role roles[] = {PGT_ROLE_DIM, PGT_ROLE_ACCENT,
					      PGT_ROLE_GOOD, PGT_ROLE_BAD};
	static const enum pgt_glyph glyphs[] = {PGT_G_RING, PGT_G_HALF, PGT_G_DOT,
						PGT_G_CROSS};

	if (x + pgt_cells(name) + 3 > c->r.w)
		return c->r.w;
	x = pgt_put(c, 0, x, at == 1 ? PGT_ROLE_ACCENT : PGT_ROLE_DIM, name) + 1;
	return pgt_put(c, 0, x, roles[at], pgt_glyph(glyphs[at])) + 2;
}

/* 0 ahead, 1 here, 2 passed, 3 failed here */
static int
where(const struct pgt_ev_rollout *r, enum pgt_ro_state st)
{
	enum pgt_ro_state now = r->view.state;

	if (now == PGT_RO_DONE)
		return 2;
	if (now >= PGT_RO_ROLLBACK)
		return 0;
	return now == st ? 1 : now > st ? 2 : 0;
}

static int
where_step(const struct pgt_ev_rollout *r, int i)
{
	enum pgt_ro_state now = r->view.state;
	bool last = i + 1 == r->n_steps || !r->view.steps[i + 1].entered;

	if (now == PGT_RO_STEP)
		return i == r->view.step ? 1 : i < r->view.step ? 2 : 0;
	if (!r->view.steps[i].entered)
		return 0;
	return now >= PGT_RO_ROLLBACK && now != PGT_RO_DONE && last ? 3 : 2;
}

static void
put_track(const struct pgt_canvas *c, const struct pgt_ev_rollout *r)
{
	char name[24];
	int x = 1;

	if (!r->direct) {
		x = put_stage(c, x, "canary", where(r, PGT_RO_CANARY));
		x = put_stage(c, x, "apply", where(r, PGT_RO_APPLY));
		for (int i = 0; i < r->n_steps && i < PGT_RO_STEPS_MAX; i++) {
			snprintf(name, sizeof(name), "%.3g%%", r->view.steps[i].pct);
			x = put_stage(c, x, name, where_step(r, i));
		}
	}
	x = put_stage(c, x, "promote", where(r, PGT_RO_PROMOTE));
	put_stage(c, x, "return", where(r, PGT_RO_RETURN));
}

static void
put_time(struct pgt_doc *d, const struct pgt_ev_rollout *r)
{
	char a[32], b[32];

	if (r->view.state != PGT_RO_STEP && r->view.state != PGT_RO_RETURN)
		return;
	pgt_fmt_duration(r->left_ns / PGT_NS_PER_S * PGT_NS_PER_S, a, sizeof(a));
	if (r->max_left_ns >= 0)
		pgt_fmt_duration(r->max_left_ns / PGT_NS_PER_S * PGT_NS_PER_S, b,
				 sizeof(b));
	pgt_doc_field(d, "time", PGT_ROLE_TEXT, "%s%s%s%s",
		      r->left_ns > 0 ? a : "least time is over",
		      r->left_ns > 0 ? " to the step's least time" : "",
		      r->max_left_ns >= 0 ? "; goes back as undecided in " : "",
		      r->max_left_ns >= 0 ? b : "");
}

static const char *
next_word(const struct pgt_ui *ui, const struct pgt_ev_rollout *r)
{
	const struct pgt_rollout_view *v = &r->view;

	if (pgt_ro_is_end(v->state))
		return v->state == PGT_RO_STUCK ? "see the log for what to do by hand"
						: "";
	if (r->lost)
		return "its driver is gone or silent; its guard takes traffic and "
		       "changes back";
	if (!steered(ui))
		return "watched from here; only its driver's console has its keys";
	if (v->holding)
		return "held at this step: C goes on, R rolls back";
	if (v->awaiting)
		return "the gate says GO: C goes on, H stays, R rolls back";
	if (v->confirmed)
		return "confirmed: goes on at the next GO; H stays, R rolls back";
	if (v->state == PGT_RO_STEP)
		return r->auto_go
			   ? "goes on by itself; H stays, R rolls back"
			   : "C goes on once the gate says GO; H stays, R rolls back";
	return v->state == PGT_RO_ROLLBACK ? "traffic first, then the changes"
					   : "R rolls back";
}

static void
put_none(struct pgt_doc *d, const struct pgt_ui *ui)
{
	pgt_doc_line(d, PGT_ROLE_TEXT, "No rollout is known on this host.");
	pgt_doc_line(d, PGT_ROLE_DIM,
		     "A rollout carries a draft change from a canary to the primary, "
		     "step by step, and goes back by itself when it hurts. Name its plan "
		     "(router, canary, steps) with \"rollout = FILE\" in the "
		     "configuration; A on the draft (c) then offers it. \"pg2une rollout "
		     "start\" does the same from the command line, and is seen here.");
	if (ui->read_only)
		pgt_doc_line(d, PGT_ROLE_WARN,
			     "This console is read-only: it only watches.");
}

static void
track_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	   bool focused)
{
	const struct pgt_ev_rollout *r = ui->rollout;
	struct pgt_canvas rest = *c;
	struct pgt_doc doc = {0};
	bool bad;

	(void)p;
	(void)focused;
	rest.r.x++;
	rest.r.w -= 2;
	if (!r || !r->id[0]) {
		put_none(&doc, ui);
		pgt_doc_draw(&doc, &rest);
		pgt_doc_done(&doc);
		return;
	}
	put_track(c, r);
	rest.r.y++;
	rest.r.h--;
	bad = r->view.state == PGT_RO_ROLLBACK || r->view.state == PGT_RO_STUCK ||
	      r->view.state == PGT_RO_ROLLED_BACK || r->lost;
	if (r->view.state == PGT_RO_STEP)
		pgt_doc_field(&doc, "state", PGT_ROLE_ACCENT,
			      "step %d of %d, %.3g%% of the reads%s%s", r->view.step + 1,
			      r->n_steps, r->view.pct, r->view.holding ? ", held" : "",
			      r->view.awaiting ? ", waits for C" : "");
	else
		pgt_doc_field(&doc, "state",
			      bad                            ? PGT_ROLE_BAD
			      : r->view.state == PGT_RO_DONE ? PGT_ROLE_GOOD
							     : PGT_ROLE_ACCENT,
			      "%s", state_name(r->view.state));
	if (r->view.reason[0])
		pgt_doc_field(&doc, "because", PGT_ROLE_WARN, "%s", r->view.reason);
	put_time(&doc, r);
	pgt_doc_field(&doc, "driver", PGT_ROLE_DIM, "%s%s%s%s", r->who,
		      r->ours ? ", this console"
		      : strcmp(r->source, "server") == 0
			  ? ", as the primary tells"
			  : ", another console on this host",
		      r->router[0] ? "; router " : "", r->router);
	pgt_doc_line(&doc, r->view.awaiting ? PGT_ROLE_WARN : PGT_ROLE_DIM,
		     next_word(ui, r));
	pgt_doc_draw(&doc, &rest);
	pgt_doc_done(&doc);
}

static void
track_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_ev_rollout *r = ui->rollout;

	if (!r || !r->id[0])
		snprintf(buf, size, "Rollout");
	else
		snprintf(buf, size, "Rollout %.8s of change %.8s   %.60s", r->id,
			 r->changeset, r->target);
}

static void
track_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	*buf = '\0';
	*role = PGT_ROLE_WARN;
	if (!pgt_rollout_under_way(ui))
		return;
	if (ui->rollout->lost)
		snprintf(buf, size, "driver lost");
	else if (!steered(ui))
		snprintf(buf, size, "watching");
	else
		snprintf(buf, size, "R roll back");
}

static bool
rollout_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	(void)p;
	if (r == PGT_REQ_CONFIRM && pgt_rollout_under_way(ui))
		pgt_flow_rollout_confirm(ui);
	else
		return false;
	return true;
}

/* Its driver's keys only where they do something. */
static const char *
rollout_hints(const struct pgt_ui *ui)
{
	return pgt_rollout_under_way(ui) && steered(ui)
		   ? "confirm=go_on hold rollback next-panel=panel source"
		   : "next-panel=panel source";
}

const struct pgt_panel_ops pgt_panel_rollout = {
    .name = "rollout",
    .title = "Rollout",
    .title_now = track_title,
    .remark = track_remark,
    .main_section = PGT_SEC_BASIC,
    .draw = track_draw,
    .request = rollout_request,
    .hints_now = rollout_hints,
    .source = SOURCE,
};

/* ---- the nodes ---- */

static enum pgt_role
against(double v, double other, double margin)
{
	return isnan(v) || isnan(other) || other <= 0 ? PGT_ROLE_TEXT
	       : v > other * (1 + margin)             ? PGT_ROLE_WARN
						      : PGT_ROLE_GOOD;
}

static void
put_latency(const struct pgt_canvas *c, int y, const struct pgt_rollout_node *n,
	    const struct pgt_rollout_node *other)
{
	const double v[] = {n->p50_ms, n->p95_ms, n->p99_ms, n->mean_ms};
	const double o[] = {other ? other->p50_ms : NAN, other ? other->p95_ms : NAN,
			    other ? other->p99_ms : NAN, other ? other->mean_ms : NAN};
	static const char *const names[] = {"p50~", "p95~", "p99~", "mean"};
	char a[32];
	int x = 1;

	for (int i = 0; i < 4; i++)
		x = pgt_panel_pair(
		    c, y, x, names[i], other ? against(v[i], o[i], 0.1) : PGT_ROLE_TEXT,
		    "%s%s", pgt_ms(v[i], a, sizeof(a)), i == 3 ? " ms" : "");
}

static void
put_machine(const struct pgt_canvas *c, int y, const struct pgt_rollout_node *n)
{
	char a[32];
	int x = 1;

	if (!isnan(n->cpu_pct))
		x = pgt_panel_pair(c, y, x, "cpu", PGT_ROLE_TEXT, "%s%%",
				   pgt_num(n->cpu_pct, 0, a, sizeof(a)));
	if (!isnan(n->mem_available_pct))
		x = pgt_panel_pair(
		    c, y, x, "memory free",
		    n->mem_available_pct < 10 ? PGT_ROLE_BAD : PGT_ROLE_TEXT, "%s%%",
		    pgt_num(n->mem_available_pct, 0, a, sizeof(a)));
	if (!isnan(n->disk_free_pct))
		pgt_panel_pair(c, y, x, "disk free",
			       n->disk_free_pct < 10 ? PGT_ROLE_BAD : PGT_ROLE_TEXT,
			       "%s%%", pgt_num(n->disk_free_pct, 0, a, sizeof(a)));
}

static void
put_sessions(const struct pgt_canvas *c, int y, const struct pgt_rollout_node *n)
{
	char a[32];
	int x = 1;

	if (n->conns >= 0)
		x = pgt_panel_pair(c, y, x, "from the router", PGT_ROLE_TEXT, "%d",
				   n->conns);
	if (n->backends >= 0 && n->backends_max > 0)
		pgt_panel_pair(c, y, x, "sessions", PGT_ROLE_TEXT, "%s of %d",
			       pgt_count(n->backends, a, sizeof(a)), n->backends_max);
}

static void
node_draw(const struct pgt_ui *ui, const struct pgt_canvas *c, enum pgt_ro_side side)
{
	const struct pgt_ev_rollout *r = ui->rollout;
	const struct pgt_rollout_node *n, *other = NULL;
	char a[32], b[32];
	int x, y = 3;

	if (!r || !r->id[0] || (r->direct && side == PGT_RO_CANARY_SIDE)) {
		pgt_put(c, 0, 1, PGT_ROLE_DIM,
			r && r->direct ? "direct: there is no canary"
				       : "not measured yet");
		return;
	}
	n = &r->node[side];
	if (side == PGT_RO_CANARY_SIDE)
		other = &r->node[PGT_RO_PRIMARY];
	if (!n->up) {
		pgt_put(c, 0, 1, PGT_ROLE_BAD, "no answer");
		return;
	}
	pgt_panel_pair(c, 0,
		       pgt_panel_pair(c, 0, 1, "", PGT_ROLE_ACCENT, "%s tps",
				      pgt_num(n->tps, n->tps < 100, a, sizeof(a))),
		       "calls", PGT_ROLE_TEXT, "%s", pgt_num(n->calls, 0, b, sizeof(b)));
	put_latency(c, 1, n, other);
	x = pgt_panel_pair(c, 2, 1, "errors",
			   n->errors > 0 ? PGT_ROLE_BAD : PGT_ROLE_GOOD, "%s",
			   pgt_num(n->errors, 0, a, sizeof(a)));
	if (other && !isnan(n->lag_bytes))
		x = pgt_panel_pair(c, 2, x, "lag",
				   r->lag_limit_bytes > 0 &&
					   n->lag_bytes > r->lag_limit_bytes
				       ? PGT_ROLE_BAD
				       : PGT_ROLE_TEXT,
				   "%s", pgt_bytes(n->lag_bytes, a, sizeof(a)));
	if (other && !isnan(n->lag_ms))
		pgt_panel_pair(c, 2, x, "", PGT_ROLE_TEXT, "%s ms",
			       pgt_ms(n->lag_ms, a, sizeof(a)));
	put_sessions(c, y++, n);
	put_machine(c, y, n);
}

static void
node_title(const struct pgt_ui *ui, enum pgt_ro_side side, char *buf, size_t size)
{
	const struct pgt_rollout_node *n = ui->rollout ? &ui->rollout->node[side] : NULL;
	const char *what = side == PGT_RO_PRIMARY ? "Primary" : "Canary";
	bool swapped = ui->rollout && ui->rollout->view.swapped;
	char a[32];

	if (!n || !n->label[0])
		snprintf(buf, size, "%s", what);
	else
		snprintf(buf, size, "%s %.40s   %s%% of calls%s", what, n->label,
			 pgt_num(n->share_pct, 1, a, sizeof(a)),
			 swapped && side == PGT_RO_PRIMARY ? ", judged now" : "");
}

static void
primary_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	     bool focused)
{
	(void)p;
	(void)focused;
	node_draw(ui, c, PGT_RO_PRIMARY);
}

static void
canary_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	    bool focused)
{
	(void)p;
	(void)focused;
	node_draw(ui, c, PGT_RO_CANARY_SIDE);
}

static void
primary_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	node_title(ui, PGT_RO_PRIMARY, buf, size);
}

static void
canary_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	node_title(ui, PGT_RO_CANARY_SIDE, buf, size);
}

const struct pgt_panel_ops pgt_panel_ro_primary = {
    .name = "primary",
    .title = "Primary",
    .title_now = primary_title,
    .main_section = PGT_SEC_BASIC,
    .draw = primary_draw,
    .request = rollout_request,
    .hints_now = rollout_hints,
    .source = SOURCE,
};

const struct pgt_panel_ops pgt_panel_ro_canary = {
    .name = "canary",
    .title = "Canary",
    .title_now = canary_title,
    .main_section = PGT_SEC_BASIC,
    .draw = canary_draw,
    .request = rollout_request,
    .hints_now = rollout_hints,
    .source = SOURCE,
};

/* ---- the evidence ---- */

/* "-21% [-29 -12]  at most +10%  ✓" */
static void
put_bound(struct pgt_doc *d, const char *label, double v, double lo, double hi,
	  double limit)
{
	bool known = isfinite(v), proven = isfinite(hi) && hi <= limit,
	     broken = isfinite(lo) && lo > limit;
	char range[48] = "";

	if (!known)
		return pgt_doc_field(d, label, PGT_ROLE_DIM,
				     "not yet known; at most %+.0f%%", limit * 100);
	if (isfinite(lo) && isfinite(hi))
		snprintf(range, sizeof(range), " [%+.0f %+.0f]", lo * 100, hi * 100);
	pgt_doc_field(d, label,
		      proven   ? PGT_ROLE_GOOD
		      : broken ? PGT_ROLE_BAD
			       : PGT_ROLE_TEXT,
		      "%+.0f%%%s  at most %+.0f%% %s", v * 100, range, limit * 100,
		      proven   ? pgt_glyph(PGT_G_CHECK)
		      : broken ? pgt_glyph(PGT_G_CROSS)
			       : "open");
}

static void
put_evalue(struct pgt_doc *d, const char *label, double e, double limit, const char *of)
{
	if (!isfinite(e) || !(limit > 0))
		return;
	pgt_doc_field(d, label, e >= limit ? PGT_ROLE_BAD : PGT_ROLE_TEXT,
		      "evidence of %s %.1f of %.0f%s", of, e, limit,
		      e >= limit ? ": proven" : "");
}

static void
evidence_doc(struct pgt_doc *d, const struct pgt_ev_rollout *r)
{
	static const enum pgt_role roles[] = {PGT_ROLE_DIM, PGT_ROLE_GOOD, PGT_ROLE_BAD,
					      PGT_ROLE_WARN};
	const struct pgt_gate_evidence *e = &r->view.evidence;
	char a[32], b[32];

	pgt_doc_field(d, "gate", roles[e->verdict], "%s%s%s",
		      e->verdict == PGT_GATE_GO ? "GO"
						: pgt_gate_verdict_names[e->verdict],
		      r->evidence_reason[0] ? ": " : "", r->evidence_reason);
	put_bound(d, "mean", e->mean_ratio, e->mean_lo, e->mean_hi, e->margin);
	if (isfinite(e->tail_ratio))
		pgt_doc_field(d, "tail", PGT_ROLE_TEXT, "%s%+.0f%% slow calls",
			      r->tail_estimated ? "~" : "", e->tail_ratio * 100);
	put_evalue(d, "", e->tail_e_harm, e->tail_limit, "harm");
	put_evalue(d, "errors", e->error_e, e->error_limit, "more errors");
	pgt_doc_field(d, "calls", PGT_ROLE_TEXT, "canary %s, primary %s",
		      pgt_num(e->canary_calls, 0, a, sizeof(a)),
		      pgt_num(e->primary_calls, 0, b, sizeof(b)));
	pgt_doc_field(d, "buckets", e->stale_buckets ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		      "%d%s", e->buckets, e->stale_buckets ? ", some stale" : "");
	if (r->starved_limit > 0 && r->starved > 0)
		pgt_doc_field(d, "share", PGT_ROLE_WARN,
			      "below half of its due in %d of %d buckets in a row",
			      r->starved, r->starved_limit);
	if (r->control[0])
		pgt_doc_field(d, "against", PGT_ROLE_DIM, "%s", r->control);
}

static void
evidence_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	      bool focused)
{
	struct pgt_canvas in = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	in.r.x++;
	in.r.w -= 2;
	if (ui->rollout && ui->rollout->id[0])
		evidence_doc(&doc, ui->rollout);
	pgt_doc_draw(&doc, &in);
	pgt_doc_done(&doc);
}

const struct pgt_panel_ops pgt_panel_ro_evidence = {
    .name = "evidence",
    .title = "Evidence: canary against primary",
    .main_section = PGT_SEC_BASIC,
    .draw = evidence_draw,
    .request = rollout_request,
    .hints_now = rollout_hints,
    .source = SOURCE,
};

/* ---- what happened ---- */

static void
steps_doc(struct pgt_doc *d, const struct pgt_ev_rollout *r)
{
	char a[32], b[32], label[16];

	for (int i = 0; i < r->n_steps && i < PGT_RO_STEPS_MAX; i++) {
		if (!r->view.steps[i].entered)
			continue;
		snprintf(label, sizeof(label), "%.3g%%", r->view.steps[i].pct);
		pgt_doc_field(d, label, PGT_ROLE_TEXT, "achieved %s%%, %s, %s",
			      pgt_num(r->view.steps[i].achieved_pct, 1, a, sizeof(a)),
			      pgt_gate_verdict_names[r->view.steps[i].verdict],
			      pgt_fmt_duration(r->view.steps[i].took_ns / PGT_NS_PER_S *
						   PGT_NS_PER_S,
					       b, sizeof(b)));
	}
}

static void
log_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c, bool focused)
{
	const struct pgt_ev_rollout *r = ui->rollout;
	struct pgt_canvas in = *c;
	struct pgt_doc doc = {0};

	(void)p;
	(void)focused;
	in.r.x++;
	in.r.w -= 2;
	if (r && r->id[0]) {
		steps_doc(&doc, r);
		for (int i = 0; i < PGT_RO_LOG; i++)
			if (r->log[i][0])
				pgt_doc_line(&doc, PGT_ROLE_TEXT, r->log[i]);
	}
	doc.top = 1u << 20; /* the newest is at the end */
	pgt_doc_draw(&doc, &in);
	pgt_doc_done(&doc);
}

const struct pgt_panel_ops pgt_panel_ro_log = {
    .name = "rollout-log",
    .title = "Steps and log",
    .main_section = PGT_SEC_BASIC,
    .draw = log_draw,
    .request = rollout_request,
    .hints_now = rollout_hints,
    .source = SOURCE,
};
