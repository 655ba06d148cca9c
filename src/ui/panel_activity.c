#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

#define A struct pgt_activity

static double
age_key(int64_t ns)
{
	return ns < 0 ? NAN : (double)ns;
}

static enum pgt_role
state_role(const A *a)
{
	if (a->blocked_by > 0)
		return PGT_ROLE_BAD;
	if (!a->state || strcmp(a->state, "idle") == 0 || a->is_ours)
		return PGT_ROLE_DIM;
	if (strncmp(a->state, "idle in", 7) == 0)
		return PGT_ROLE_WARN;
	return PGT_ROLE_TEXT;
}

PGT_NUMBER(pid, A, r->pid,
	   (snprintf(cell->buf, sizeof(cell->buf), "%d", r->pid), cell->text = cell->buf))
PGT_STRING(user, A, r->user, PGT_ROLE_TEXT)
PGT_STRING(database, A, r->database, PGT_ROLE_TEXT)
PGT_STRING(app, A, r->app, PGT_ROLE_TEXT)
PGT_STRING(client, A, r->client && * r->client ? r->client : "local", PGT_ROLE_TEXT)
PGT_NUMBER(xact, A, age_key(r->xact_age_ns),
	   (pgt_cell_age(cell, r->xact_age_ns),
	    pgt_cell_role_over(cell, age_key(r->xact_age_ns), 60e9, 300e9)))
PGT_NUMBER(query, A, age_key(r->query_age_ns), pgt_cell_age(cell, r->query_age_ns))
PGT_NUMBER(blockers, A, r->blocked_by,
	   (pgt_cell_int(cell, r->blocked_by),
	    pgt_cell_role_over(cell, r->blocked_by, 1e9, 1)))
PGT_NUMBER(cpu, A, r->cpu_pct, pgt_cell_num(cell, r->cpu_pct, 0))
PGT_NUMBER(xmin, A, r->xmin_age < 0 ? NAN : (double)r->xmin_age,
	   pgt_cell_int(cell, r->xmin_age))
PGT_NUMBER(read, A, r->read_bps, pgt_cell_bytes(cell, r->read_bps))

static void
state_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const A *a = row;
	const char *s = a->state;

	(void)ctx;
	if (!a->is_client && !s)
		s = a->backend_type;
	if (s && strcmp(s, "idle in transaction") == 0)
		s = "idle in tx";
	else if (s && strcmp(s, "idle in transaction (aborted)") == 0)
		s = "idle in tx !";
	pgt_cell_text(cell, state_role(a), s ? s : "hidden");
}

static const char *
wait_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const A *)row)->wait_type;
}

static void
wait_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const A *a = row;

	(void)ctx;
	cell->text = cell->buf;
	if (!a->wait_type) {
		snprintf(cell->buf, sizeof(cell->buf), "%s",
			 a->state && strcmp(a->state, "active") == 0 ? "CPU" : "");
		cell->role = PGT_ROLE_GOOD;
		return;
	}
	snprintf(cell->buf, sizeof(cell->buf), "%s:%s", a->wait_type,
		 a->wait_event ? a->wait_event : "");
	cell->role = strcmp(a->wait_type, "Lock") == 0     ? PGT_ROLE_BAD
		     : strcmp(a->wait_type, "Client") == 0 ? PGT_ROLE_DIM
							   : PGT_ROLE_TEXT;
}

static const char *
text_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const A *)row)->query;
}

static void
text_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const A *a = row;
	bool past = a->state && strncmp(a->state, "idle", 4) == 0;

	(void)ctx;
	if (!a->query)
		pgt_cell_text(cell, PGT_ROLE_DIM,
			      a->is_client ? "hidden by privilege" : "");
	else
		pgt_cell_text(cell, past || a->is_ours ? PGT_ROLE_DIM : PGT_ROLE_TEXT,
			      a->query);
}

/* What deserves the eye: blocked, then old transactions, running, idle. */
static double
rank_key(const void *row, const void *ctx)
{
	const A *a = row;
	double age = a->xact_age_ns > 0 ? (double)a->xact_age_ns / 1e9 : 0;

	(void)ctx;
	if (a->blocked_by > 0)
		return 4e9 + age;
	if (a->is_ours || !a->is_client)
		return -1;
	if (a->state && strcmp(a->state, "idle") == 0)
		return 0;
	return 2e9 + age;
}

PGT_ROWS(activity, activity)

static uint64_t
activity_id(const void *row, const void *ctx)
{
	const A *a = row;

	(void)ctx;
	return (uint64_t)a->backend_start_us * 4194304u + (uint64_t)a->pid;
}

static const struct pgt_column columns[] = {
    {.name = "pid",
     .width = 7,
     .prio = 20,
     .align = PGT_RIGHT,
     .ascending = true,
     .format = pid_fmt,
     .number = pid_key,
     .help = "process id of the backend"},
    PGT_COL_S(user, "user", 10, 5, .help = "role"),
    PGT_COL_S(database, "database", 10, 4, .help = "database"),
    PGT_COL_S(app, "app", 12, 6, .help = "application_name"),
    PGT_COL_S(client, "client", 13, 2, .help = "address of the client"),
    {.name = "state",
     .width = 12,
     .prio = 15,
     .align = PGT_LEFT,
     .format = state_fmt,
     .number = rank_key,
     .help = "state; sorted: blocked, then the oldest transactions, then idle"},
    PGT_COL_S(wait, "wait", 18, 12, .help = "wait event; CPU when it waits for nothing"),
    PGT_COL_N(blockers, "blk", 4, 7, .help = "number of sessions that block it"),
    PGT_COL_N(xact, "tx age", 8, 10, .help = "age of its transaction"),
    PGT_COL_N(query, "age", 8, 9, .help = "age of its statement"),
    PGT_COL_N(cpu, "cpu%", 5, 4, .help = "of one core; /proc, when the server is local"),
    PGT_COL_N(read, "read/s", 8, 1, .help = "bytes read from disk; /proc, when local"),
    PGT_COL_N(xmin, "xmin age", 9, 1,
	      .help = "transactions that it holds back vacuum by"),
    PGT_COL_S(text, "query", -24, 20, .help = "statement, the last one when idle"),
};

const struct pgt_grid_ops pgt_grid_activity = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = 5,
    .count = activity_count,
    .row = activity_row,
    .id = activity_id,
    .empty = "no sessions are visible",
};

static void
activity_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	const struct pgt_sessions *s = ui->snap ? &ui->snap->sessions : NULL;

	if (!s)
		snprintf(buf, size, "Activity");
	else
		snprintf(
		    buf, size,
		    "Activity %d/%d   active %d   in tx %d   waiting %d   blocked %d",
		    s->total, s->max_connections, s->active,
		    s->idle_in_tx + s->idle_in_tx_aborted, s->waiting, s->blocked);
}

static bool
activity_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const A *a = pgt_grid_current(&p->table, ui);

	if (!a)
		return false;
	if (r == PGT_REQ_CANCEL || r == PGT_REQ_TERMINATE) {
		pgt_flow_signal(ui,
				r == PGT_REQ_CANCEL ? PGT_CMD_CANCEL : PGT_CMD_TERMINATE,
				a->pid, a->backend_start_us);
	} else if (r == PGT_REQ_WHATIF) {
		pgt_page_open_whatif(ui, a->pid);
	} else if (r == PGT_REQ_OPEN || r == PGT_REQ_EXPLAIN) {
		pgt_page_open_session(ui, a);
		if (r == PGT_REQ_EXPLAIN)
			pgt_page_explain(ui, pgt_page_top(ui));
	} else {
		return false;
	}
	return true;
}

const struct pgt_panel_ops pgt_panel_activity = {
    .name = "activity",
    .title = "Activity",
    .title_now = activity_title,
    .sections = PGT_SEC(ACTIVITY) | PGT_WANT_IDLE,
    .main_section = PGT_SEC_ACTIVITY,
    .needs_section = true,
    .table = &pgt_grid_activity,
    .request = activity_request,
    .hints = "open=detail explain what-if sort filter cancel terminate",
    .source =
	"pg_stat_activity at the moment of the sample. Other roles' statements need "
	"pg_monitor or pg_read_all_stats. cpu% and read/s come from /proc of the backend "
	"and only "
	"when the server runs on this machine. Background processes and this console's "
	"own "
	"sessions are dim.",
};
