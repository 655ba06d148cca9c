#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/mem.h"

#define L struct pgt_lock

static const struct pgt_activity *
session_of(const L *l, const void *ctx)
{
	const struct pgt_snapshot *s = pgt_snap_of(ctx);

	return l->activity >= 0 && (size_t)l->activity < s->n_activity
		   ? &s->activity[l->activity]
		   : NULL;
}

/* True when a later row has the same parent: the branch goes on. */
static bool
has_sibling_below(const struct pgt_snapshot *s, const L *l)
{
	for (const L *n = l + 1; n < s->locks + s->n_locks; n++) {
		if (n->depth < l->depth)
			return false;
		if (n->depth == l->depth)
			return true;
	}
	return false;
}

static void
tree_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const struct pgt_snapshot *s = pgt_snap_of(ctx);
	const L *l = row, *up = l;
	const char *parts[8];
	int n = 0;
	size_t at = 0;

	if (l->depth > 0)
		parts[n++] = pgt_glyph(has_sibling_below(s, l) ? PGT_G_BRANCH
							       : PGT_G_LAST);
	while (up->parent >= 0 && (size_t)up->parent < s->n_locks && n < 7) {
		up = &s->locks[up->parent];
		if (up->depth > 0)
			parts[n++] = has_sibling_below(s, up) ? pgt_glyph(PGT_G_TRUNK)
							      : "  ";
	}
	while (n > 0)
		at += (size_t)snprintf(cell->buf + at, sizeof(cell->buf) - at, "%s",
				       parts[--n]);
	snprintf(cell->buf + at, sizeof(cell->buf) - at, "%d%s", l->pid,
		 l->soft ? " (queued)" : "");
	cell->text = cell->buf;
	cell->role = l->depth == 0 ? PGT_ROLE_BAD : PGT_ROLE_TEXT;
}

static double
order_key(const void *row, const void *ctx)
{
	return (double)((const L *)row - pgt_snap_of(ctx)->locks);
}

PGT_NUMBER(victims, L, r->victims, pgt_cell_int(cell, r->victims))
PGT_NUMBER(waited, L, r->wait_ns < 0 ? NAN : (double)r->wait_ns,
	   (pgt_cell_age(cell, r->wait_ns),
	    pgt_cell_role_over(cell, (double)r->wait_ns, 5e9, 30e9)))
PGT_STRING(mode, L, r->mode, PGT_ROLE_TEXT)
PGT_STRING(object, L, r->object ? r->object : r->lock_type, PGT_ROLE_TEXT)

static void
state_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const struct pgt_activity *a = session_of(row, ctx);
	const char *s = a ? a->state : NULL;
	bool idle = s && strncmp(s, "idle", 4) == 0;

	if (s && strcmp(s, "idle in transaction") == 0)
		s = "idle in tx";
	pgt_cell_text(cell, idle ? PGT_ROLE_WARN : PGT_ROLE_TEXT, s);
}

static const char *
state_key(const void *row, const void *ctx)
{
	const struct pgt_activity *a = session_of(row, ctx);

	return a ? a->state : NULL;
}

static void
xact_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const struct pgt_activity *a = session_of(row, ctx);

	pgt_cell_age(cell, a ? a->xact_age_ns : -1);
}

static double
xact_key(const void *row, const void *ctx)
{
	const struct pgt_activity *a = session_of(row, ctx);

	return a && a->xact_age_ns >= 0 ? (double)a->xact_age_ns : NAN;
}

static const char *
who_key(const void *row, const void *ctx)
{
	const struct pgt_activity *a = session_of(row, ctx);

	return a ? (a->app && *a->app ? a->app : a->user) : NULL;
}

static void
who_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const struct pgt_activity *a = session_of(row, ctx);

	if (!a || !a->user) {
		pgt_cell_text(cell, PGT_ROLE_DIM, NULL);
		return;
	}
	cell->text = who_key(row, ctx);
}

static const char *
text_key(const void *row, const void *ctx)
{
	const struct pgt_activity *a = session_of(row, ctx);

	return a ? a->query : NULL;
}

static void
text_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	pgt_cell_text(cell, PGT_ROLE_TEXT, text_key(row, ctx));
}

PGT_ROWS(locks, locks)

static uint64_t
locks_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const L *)row)->pid;
}

static const struct pgt_column columns[] = {
    {.name = "blocker / victims",
     .width = 20,
     .prio = 20,
     .align = PGT_LEFT,
     .ascending = true,
     .format = tree_fmt,
     .number = order_key,
     .help = "a root blocks and waits for nobody; below it who waits for it"},
    PGT_COL_N(victims, "blocks", 7, 9,
	      .help = "sessions that wait behind it, all levels"),
    PGT_COL_N(waited, "waits", 8, 15, .help = "how long it has been waiting"),
    PGT_COL_S(state, "state", 11, 10, .help = "state of the session"),
    PGT_COL_N(xact, "tx age", 8, 8, .help = "age of its transaction"),
    PGT_COL_S(who, "app/user", 12, 7, .help = "application_name, or the role"),
    PGT_COL_S(object, "waits for", 20, 9, .help = "what is locked"),
    PGT_COL_S(mode, "mode", 20, 4, .help = "lock mode it asks for"),
    PGT_COL_S(text, "query", -16, 12, .help = "statement, the last one when idle"),
};

const struct pgt_grid_ops pgt_grid_locks = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = -1,
    .count = locks_count,
    .row = locks_row,
    .id = locks_id,
    .empty = "nobody waits for a lock",
};

static bool
locks_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const L *l = pgt_grid_current(&p->table, ui);
	const struct pgt_activity *a = l ? session_of(l, ui) : NULL;

	if (!l)
		return false;
	if (r == PGT_REQ_WHATIF) {
		pgt_page_open_whatif(ui, l->pid);
		return true;
	}
	if (r != PGT_REQ_OPEN && r != PGT_REQ_CANCEL && r != PGT_REQ_TERMINATE)
		return false;
	if (!a) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN,
			      "session %d is not visible to this role or not a session",
			      l->pid);
		return true;
	}
	if (r == PGT_REQ_OPEN)
		pgt_page_open_session(ui, a);
	else
		pgt_flow_signal(ui,
				r == PGT_REQ_CANCEL ? PGT_CMD_CANCEL : PGT_CMD_TERMINATE,
				a->pid, a->backend_start_us);
	return true;
}

static void
locks_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	int roots = 0, victims = 0;

	for (size_t i = 0; ui->snap && i < ui->snap->n_locks; i++) {
		roots += ui->snap->locks[i].depth == 0;
		victims += ui->snap->locks[i].depth > 0;
	}
	if (roots)
		snprintf(buf, size, "Locks: %d root blocker%s, %d blocked", roots,
			 roots == 1 ? "" : "s", victims);
	else
		snprintf(buf, size, "Locks");
}

const struct pgt_panel_ops pgt_panel_locks = {
    .name = "locks",
    .title = "Locks",
    .title_now = locks_title,
    .sections = PGT_SEC(LOCKS) | PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_LOCKS,
    .needs_section = true,
    .table = &pgt_grid_locks,
    .request = locks_request,
    .hints = "open=detail what-if filter cancel terminate",
    .source =
	"pg_blocking_pids() for the sessions that wait for a lock, and pg_locks for what "
	"they ask for; the wait's age is waitstart (14 and later), else the statement's "
	"age. A "
	"session with several blockers is shown below the first. (queued): the blocker "
	"holds "
	"nothing that conflicts, it only stands before in the queue.",
};
