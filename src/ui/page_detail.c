/* Pages of one session, one statement, and what ending a session would free. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

/* ---- plans ---- */

static void
plan_lines(const struct pgt_page *p, struct pgt_doc *doc)
{
	if (p->ticket) {
		pgt_doc_heading(doc, "Plan");
		pgt_doc_line(doc, PGT_ROLE_DIM, "asking the server");
	} else if (p->plan_err.code != PGT_E_NONE) {
		pgt_doc_heading(doc, "Plan");
		pgt_doc_printf(doc, PGT_ROLE_WARN, "%s", p->plan_err.msg);
	} else if (p->plan) {
		pgt_doc_heading(doc, "Plan (EXPLAIN; the statement was not executed)");
		pgt_doc_block(doc, PGT_ROLE_TEXT, p->plan);
	}
}

void
pgt_page_explain(struct pgt_ui *ui, struct pgt_page *p)
{
	if (p->ticket)
		return;
	free(p->plan);
	p->plan = NULL;
	pgt_err_clear(&p->plan_err);
	if (!ui->engine)
		pgt_err_set(&p->plan_err, PGT_E_STATE, "there is no connection");
	else
		p->ticket = pgt_engine_explain(ui->engine,
					       p->key.queryid ? &p->key : NULL, p->text,
					       p->database, &p->plan_err);
	if (p->ticket)
		ui->jobs++;
	p->ops->build(p, ui);
	/* The plan is at the end: show it. */
	pgt_doc_scroll(&p->doc, (long)p->doc.rows);
}

void
pgt_page_result(struct pgt_ui *ui, const struct pgt_ev_result *r)
{
	for (int i = 0; i < ui->n_pages; i++) {
		struct pgt_page *p = &ui->pages[i];

		if (p->ticket != r->ticket)
			continue;
		p->ticket = 0;
		if (r->ok && r->text)
			p->plan = pgt_xstrdup(r->text);
		else
			p->plan_err = r->err;
		p->ops->build(p, ui);
	}
}

/* ---- a session ---- */

static void
session_locks(const struct pgt_ui *ui, const struct pgt_page *p, struct pgt_doc *doc)
{
	const struct pgt_snapshot *s = ui->snap;
	char a[32];

	for (size_t i = 0; i < s->n_locks; i++) {
		const struct pgt_lock *l = &s->locks[i];

		if (l->pid != p->pid)
			continue;
		if (l->parent >= 0)
			pgt_doc_field(doc, "blocked by", PGT_ROLE_BAD,
				      "%d for %s, %s on %s", s->locks[l->parent].pid,
				      pgt_age(l->wait_ns, a, sizeof(a)),
				      l->mode ? l->mode : "a lock",
				      l->object      ? l->object
				      : l->lock_type ? l->lock_type
						     : "?");
		if (l->victims > 0)
			pgt_doc_field(doc, "blocks", PGT_ROLE_BAD,
				      "%d session%s; x tells what ending it would free",
				      l->victims, l->victims == 1 ? "" : "s");
		return;
	}
}

static void
session_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_activity *a = pgt_find_session(ui, p->pid);
	struct pgt_doc *d = &p->doc;
	char x[32], y[32];

	pgt_doc_reset(d);
	if (!a || a->backend_start_us != p->backend_start_us) {
		pgt_doc_printf(d, PGT_ROLE_WARN, "Session %d has ended.", p->pid);
		if (p->text) {
			pgt_doc_heading(d, "Its last statement");
			pgt_doc_block(d, PGT_ROLE_TEXT, p->text);
		}
		plan_lines(p, d);
		return;
	}
	if (a->query && (!p->text || strcmp(p->text, a->query) != 0) && !p->plan &&
	    !p->ticket) {
		free(p->text);
		p->text = pgt_xstrdup(a->query);
	}
	pgt_doc_field(d, "pid", PGT_ROLE_TITLE, "%d%s%s", a->pid,
		      a->leader_pid ? "  worker of " : "",
		      a->leader_pid ? pgt_num(a->leader_pid, 0, x, sizeof(x)) : "");
	pgt_doc_field(d, "who", PGT_ROLE_TEXT, "%s @ %s", a->user ? a->user : "-",
		      a->database ? a->database : "-");
	pgt_doc_field(d, "from", PGT_ROLE_TEXT, "%s  app %s",
		      a->client && *a->client ? a->client : "local",
		      a->app && *a->app ? a->app : "-");
	pgt_doc_field(d, "state", PGT_ROLE_TEXT, "%s for %s",
		      a->state          ? a->state
		      : a->backend_type ? a->backend_type
					: "hidden",
		      pgt_age(a->state_age_ns, x, sizeof(x)));
	pgt_doc_field(d, "wait", a->wait_type ? PGT_ROLE_WARN : PGT_ROLE_TEXT, "%s%s%s",
		      a->wait_type ? a->wait_type : "none: on CPU",
		      a->wait_type ? ":" : "",
		      a->wait_type && a->wait_event ? a->wait_event : "");
	pgt_doc_field(d, "transaction", PGT_ROLE_TEXT, "%s old, statement %s",
		      pgt_age(a->xact_age_ns, x, sizeof(x)),
		      pgt_age(a->query_age_ns, y, sizeof(y)));
	if (a->xmin_age >= 0)
		pgt_doc_field(d, "horizon", PGT_ROLE_TEXT,
			      "keeps vacuum from the last %s transactions",
			      pgt_num((double)a->xmin_age, 0, x, sizeof(x)));
	if (!isnan(a->cpu_pct))
		pgt_doc_field(d, "machine", PGT_ROLE_TEXT, "cpu %s%%  reads %s/s",
			      pgt_num(a->cpu_pct, 0, x, sizeof(x)),
			      pgt_bytes(a->read_bps, y, sizeof(y)));
	session_locks(ui, p, d);
	pgt_doc_heading(d, a->state && strncmp(a->state, "idle", 4) == 0
			       ? "Last statement"
			       : "Statement");
	pgt_doc_block(d, p->text ? PGT_ROLE_TEXT : PGT_ROLE_DIM,
		      p->text ? p->text
			      : "hidden: needs pg_read_all_stats or pg_monitor");
	plan_lines(p, d);
}

static bool
session_request(struct pgt_page *p, struct pgt_ui *ui, enum pgt_request r)
{
	if (r == PGT_REQ_CANCEL || r == PGT_REQ_TERMINATE)
		pgt_flow_signal(ui,
				r == PGT_REQ_CANCEL ? PGT_CMD_CANCEL : PGT_CMD_TERMINATE,
				p->pid, p->backend_start_us);
	else if (r == PGT_REQ_WHATIF)
		pgt_page_open_whatif(ui, p->pid);
	else if (r == PGT_REQ_EXPLAIN && p->text)
		pgt_page_explain(ui, p);
	else
		return false;
	return true;
}

static const struct pgt_page_ops session_page = {
    .name = "Session",
    .build = session_build,
    .request = session_request,
    .hints = "back explain what-if copy cancel terminate",
};

void
pgt_page_open_session(struct pgt_ui *ui, const struct pgt_activity *a)
{
	struct pgt_page *p = pgt_page_push(ui, &session_page);

	p->pid = a->pid;
	p->backend_start_us = a->backend_start_us;
	p->database = a->database ? pgt_xstrdup(a->database) : NULL;
	snprintf(p->title, sizeof(p->title), "Session %d", a->pid);
	session_build(p, ui);
}

/* ---- a statement ---- */

static void
query_figures(const struct pgt_query *q, struct pgt_doc *d)
{
	char x[32], y[32], z[32];

	pgt_doc_field(d, "share", PGT_ROLE_TEXT, "%s%% of execution time, %s calls/s",
		      pgt_num(q->time_pct, 1, x, sizeof(x)),
		      pgt_num(q->calls_ps, 1, y, sizeof(y)));
	pgt_doc_field(d, "time", PGT_ROLE_TEXT, "mean %s ms  deviation %s  p99~ %s",
		      pgt_ms(q->mean_ms, x, sizeof(x)),
		      pgt_ms(sqrt(q->var_ms2), y, sizeof(y)),
		      pgt_ms(q->p99_ms, z, sizeof(z)));
	pgt_doc_field(d, "rows", PGT_ROLE_TEXT, "%s per call",
		      pgt_num(q->rows, 1, x, sizeof(x)));
	pgt_doc_field(d, "blocks", PGT_ROLE_TEXT, "hit %s%%  read %s  dirtied %s",
		      pgt_pct(q->hit_ratio, x, sizeof(x)),
		      pgt_num(q->shared_read, 0, y, sizeof(y)),
		      pgt_num(q->shared_dirtied, 0, z, sizeof(z)));
	pgt_doc_field(d, "temporary", q->temp_written > 0 ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		      "written %s  read %s",
		      pgt_bytes(q->temp_written * 8192, x, sizeof(x)),
		      pgt_bytes(q->temp_read * 8192, y, sizeof(y)));
	pgt_doc_field(d, "wal", PGT_ROLE_TEXT, "%s in the window",
		      pgt_bytes(q->wal_bytes, x, sizeof(x)));
	pgt_doc_field(d, "other time", PGT_ROLE_TEXT,
		      "i/o %s ms  planning %s ms  jit %s ms",
		      pgt_ms(q->io_ms, x, sizeof(x)), pgt_ms(q->plan_ms, y, sizeof(y)),
		      pgt_ms(q->jit_ms, z, sizeof(z)));
}

static void
query_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_query *q = pgt_find_query(ui, &p->key);
	struct pgt_doc *d = &p->doc;

	pgt_doc_reset(d);
	pgt_doc_field(d, "queryid", PGT_ROLE_DIM, "%lld%s", (long long)p->key.queryid,
		      p->key.toplevel ? "" : "  inside a function");
	if (q) {
		if (!p->text && q->text)
			p->text = pgt_xstrdup(q->text);
		pgt_doc_field(d, "ran as", PGT_ROLE_TEXT, "%s @ %s",
			      q->user ? q->user : "-", q->database ? q->database : "-");
		query_figures(q, d);
	} else {
		pgt_doc_line(d, PGT_ROLE_WARN, "It did not end in the present window.");
	}
	pgt_doc_heading(d, "Statement");
	pgt_doc_block(d, p->text ? PGT_ROLE_TEXT : PGT_ROLE_DIM,
		      p->text ? p->text : "asking the server for its text");
	plan_lines(p, d);
}

static bool
query_request(struct pgt_page *p, struct pgt_ui *ui, enum pgt_request r)
{
	if (r != PGT_REQ_EXPLAIN)
		return false;
	pgt_page_explain(ui, p);
	return true;
}

static const struct pgt_page_ops query_page = {
    .name = "Statement",
    .build = query_build,
    .request = query_request,
    .hints = "back explain copy search",
};

void
pgt_page_open_query(struct pgt_ui *ui, const struct pgt_query *q)
{
	struct pgt_page *p = pgt_page_push(ui, &query_page);

	p->key = q->key;
	p->database = q->database ? pgt_xstrdup(q->database) : NULL;
	query_build(p, ui);
}

/* ---- what if this session ended ---- */

static void
whatif_victims(const struct pgt_ui *ui, size_t root, struct pgt_doc *d)
{
	const struct pgt_snapshot *s = ui->snap;
	int direct = 0, behind = 0;
	char a[32];

	for (size_t i = root + 1;
	     i < s->n_locks && s->locks[i].depth > s->locks[root].depth; i++) {
		if (s->locks[i].parent == (int)root)
			direct++;
		else
			behind++;
	}
	pgt_doc_field(d, "sets free", direct ? PGT_ROLE_GOOD : PGT_ROLE_TEXT,
		      "%d session%s that wait%s for it directly", direct,
		      direct == 1 ? "" : "s", direct == 1 ? "s" : "");
	pgt_doc_field(d, "may free", PGT_ROLE_TEXT,
		      "%d more that wait behind those, as those finish", behind);
	if (direct > 1)
		pgt_doc_line(
		    d, PGT_ROLE_DIM,
		    "Those that want the same lock in conflicting modes get it one after "
		    "the other, in the order of the queue.");
	pgt_doc_heading(d, "Freed first");
	for (size_t i = root + 1;
	     i < s->n_locks && s->locks[i].depth > s->locks[root].depth; i++) {
		const struct pgt_lock *l = &s->locks[i];

		if (l->parent != (int)root)
			continue;
		pgt_doc_printf(d, PGT_ROLE_TEXT, "%-8d waits %-8s %s%s%s", l->pid,
			       pgt_age(l->wait_ns, a, sizeof(a)), l->mode ? l->mode : "",
			       l->object ? " on " : "", l->object ? l->object : "");
	}
}

static void
whatif_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_activity *a = pgt_find_session(ui, p->pid);
	const struct pgt_snapshot *s = ui->snap;
	struct pgt_doc *d = &p->doc;
	size_t i = 0;
	char x[32];

	pgt_doc_reset(d);
	while (i < s->n_locks && s->locks[i].pid != p->pid)
		i++;
	if (!a && i == s->n_locks) {
		pgt_doc_printf(d, PGT_ROLE_WARN, "Session %d has ended.", p->pid);
		return;
	}
	pgt_doc_line(d, PGT_ROLE_DIM,
		     "An estimate from what is seen now; nothing is done.");
	if (a && a->xact_age_ns >= 0)
		pgt_doc_field(d, "rolls back", PGT_ROLE_WARN,
			      "its transaction of %s; the client of %s must do it again",
			      pgt_age(a->xact_age_ns, x, sizeof(x)),
			      a->app && *a->app ? a->app
			      : a->user         ? a->user
						: "it");
	else
		pgt_doc_field(d, "rolls back", PGT_ROLE_GOOD,
			      "nothing: it is in no transaction");
	if (i < s->n_locks && s->locks[i].victims > 0)
		whatif_victims(ui, i, d);
	else
		pgt_doc_field(d, "sets free", PGT_ROLE_TEXT, "nobody: it blocks no one");
	if (a && a->state && strncmp(a->state, "idle", 4) == 0 && a->xact_age_ns >= 0)
		pgt_doc_field(
		    d, "note", PGT_ROLE_WARN,
		    "cancel (K) does nothing to an idle session; terminate (T) ends it");
	if (a && a->xmin_age > 0)
		pgt_doc_field(d, "vacuum", PGT_ROLE_TEXT,
			      "its horizon of %s transactions is let go",
			      pgt_num((double)a->xmin_age, 0, x, sizeof(x)));
}

static bool
whatif_request(struct pgt_page *p, struct pgt_ui *ui, enum pgt_request r)
{
	if (r != PGT_REQ_CANCEL && r != PGT_REQ_TERMINATE)
		return false;
	pgt_flow_signal(ui, r == PGT_REQ_CANCEL ? PGT_CMD_CANCEL : PGT_CMD_TERMINATE,
			p->pid, p->backend_start_us);
	return true;
}

static const struct pgt_page_ops whatif_page = {
    .name = "What if",
    .build = whatif_build,
    .request = whatif_request,
    .hints = "back copy cancel terminate",
};

void
pgt_page_open_whatif(struct pgt_ui *ui, int pid)
{
	const struct pgt_activity *a = pgt_find_session(ui, pid);
	struct pgt_page *p = pgt_page_push(ui, &whatif_page);

	p->pid = pid;
	p->backend_start_us = a ? a->backend_start_us : 0;
	snprintf(p->title, sizeof(p->title), "What if session %d ended", pid);
	whatif_build(p, ui);
}
