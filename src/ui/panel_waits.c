#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/mem.h"

#define W struct pgt_wait

/* What the common ones mean and where to look next; the manual's table "Wait
 * Events" lists them all. */
static const struct {
	const char *type, *event, *meaning;
} meanings[] = {
    {"CPU", NULL, "running, or waiting for a processor"},
    {"Lock", "transactionid", "another transaction has changed the row: 3 locks"},
    {"Lock", "tuple", "queue for a row that several want: 3 locks"},
    {"Lock", "relation", "a table lock: DDL, LOCK or TRUNCATE: 3 locks"},
    {"Lock", "virtualxid", "an index that is built concurrently waits for old snapshots"},
    {"Lock", "extend", "several add pages to one table at once"},
    {"Lock", "advisory", "the application's own lock"},
    {"Lock", NULL, "a heavyweight lock: 3 locks"},
    {"LWLock", "WALWrite", "queue for writing WAL: slow disk or many small commits"},
    {"LWLock", "WALInsert", "queue for WAL space in memory: wal_buffers"},
    {"LWLock", "BufferContent", "many use the same page at once"},
    {"LWLock", "BufferMapping", "cache misses by many sessions: shared_buffers"},
    {"LWLock", "LockManager",
     "many locks: partitions, or short statements by the thousand"},
    {"LWLock", "ProcArray", "many snapshots: connections or subtransactions"},
    {"LWLock", "SubtransSLRU", "savepoints or exception blocks in long transactions"},
    {"LWLock", "MultiXactOffsetSLRU", "rows locked by several: foreign keys, FOR SHARE"},
    {"LWLock", NULL, "a short lock of the server itself"},
    {"IO", "DataFileRead", "reads from disk or the kernel's cache: 6 i/o"},
    {"IO", "DataFileWrite",
     "a session writes pages itself: checkpoints, bgwriter: 6 i/o"},
    {"IO", "DataFileExtend", "tables grow"},
    {"IO", "DataFileSync", "fsync of data: a checkpoint"},
    {"IO", "WALSync", "fsync of WAL at commit: the disk's latency"},
    {"IO", "WalSync", "fsync of WAL at commit: the disk's latency"},
    {"IO", "WALWrite", "writing WAL"},
    {"IO", "WalWrite", "writing WAL"},
    {"IO", "BufFileRead", "temporary files: work_mem"},
    {"IO", "BufFileWrite", "temporary files: work_mem"},
    {"IO", NULL, "a file operation"},
    {"IPC", "SyncRep", "commit waits for a synchronous standby: 7 replication"},
    {"IPC", "ParallelFinish", "a leader waits for its workers"},
    {"IPC", "BgWorkerShutdown", "parallel workers end"},
    {"IPC", NULL, "waits for another process of the server"},
    {"Client", "ClientRead", "the client's turn: it has the connection, not the work"},
    {"Client", "ClientWrite", "the client or network takes the result slowly"},
    {"Client", NULL, "waits for the client"},
    {"Timeout", "VacuumDelay", "vacuum rests: vacuum_cost_delay"},
    {"Timeout", "PgSleep", "pg_sleep()"},
    {"Timeout", NULL, "a deliberate pause"},
    {"BufferPin", NULL, "a cursor holds the page that vacuum needs"},
    {"Extension", NULL, "inside an extension"},
    {"Activity", NULL, "a background process without work"},
};

static const char *
meaning_of(const W *w)
{
	for (size_t i = 0; i < PGT_LEN(meanings); i++)
		if (strcmp(w->type, meanings[i].type) == 0 &&
		    (!meanings[i].event ||
		     (w->event && strcmp(w->event, meanings[i].event) == 0)))
			return meanings[i].meaning;
	return "";
}

static enum pgt_role
wait_role(const W *w)
{
	return strcmp(w->type, "Lock") == 0  ? PGT_ROLE_WARN
	       : strcmp(w->type, "CPU") == 0 ? PGT_ROLE_GOOD
					     : PGT_ROLE_GRAPH;
}

PGT_STRING(type, W, r->type, wait_role(r))
PGT_STRING(event, W, r->event && * r->event ? r->event : "running", PGT_ROLE_TEXT)
PGT_NUMBER(sessions, W, r->sessions, pgt_cell_num(cell, r->sessions, 1))
PGT_NUMBER(now, W, r->now, pgt_cell_int(cell, r->now))
PGT_STRING(meaning, W, meaning_of(r), PGT_ROLE_DIM)

static double
total_of(const void *ctx)
{
	const struct pgt_snapshot *s = pgt_snap_of(ctx);
	double total = 0;

	for (size_t i = 0; i < s->n_waits; i++)
		total += s->waits[i].sessions;
	return total;
}

static double
share_key(const void *row, const void *ctx)
{
	double total = total_of(ctx);

	return total > 0 ? ((const W *)row)->sessions / total : NAN;
}

static void
share_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	pgt_cell_pct(cell, share_key(row, ctx));
}

static void
bar_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const struct pgt_snapshot *s = pgt_snap_of(ctx);
	double max = 0;

	for (size_t i = 0; i < s->n_waits; i++)
		if (s->waits[i].sessions > max)
			max = s->waits[i].sessions;
	cell->text = "";
	cell->role = wait_role(row);
	cell->bar = max > 0 ? ((const W *)row)->sessions / max : 0;
}

PGT_ROWS(waits, waits)

static uint64_t
waits_id(const void *row, const void *ctx)
{
	const W *w = row;
	uint64_t h = 1469598103934665603u;

	(void)ctx;
	for (const char *p = w->type; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	for (const char *p = w->event ? w->event : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	return h;
}

static const struct pgt_column columns[] = {
    PGT_COL_S(type, "type", 10, 20, .help = "wait_event_type; CPU: no wait"),
    PGT_COL_S(event, "event", 22, 20, .help = "wait_event"),
    PGT_COL_N(sessions, "sessions", 9, 20,
	      .help = "active sessions in it, averaged over 10 s"),
    PGT_COL_N(share, "share%", 7, 10, .help = "of all active sessions"),
    {.name = "",
     .width = 20,
     .prio = 5,
     .align = PGT_LEFT,
     .format = bar_fmt,
     .help = "sessions as a bar"},
    PGT_COL_N(now, "now", 5, 8, .help = "sessions in it at the last sample"),
    PGT_COL_S(meaning, "what it means, where to look", -20, 9, .help = "in a few words"),
};

static const struct pgt_grid_ops waits_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 2,
    .sort = 2,
    .count = waits_count,
    .row = waits_row,
    .id = waits_id,
    .empty = "nobody runs or waits",
};

#define SOURCE                                                                           \
	"wait_event_type and wait_event of active sessions in pg_stat_activity, "        \
	"averaged "                                                                      \
	"over the samples of the last 10 s. CPU: active and waiting for nothing that "   \
	"the "                                                                           \
	"server names. A sample sees only that instant: with n samples a wait that "     \
	"holds a "                                                                       \
	"session for a share p of the time is seen with an error of about "              \
	"sqrt(p(1-p)/n)."

/* Enter: the sessions in this wait. */
static bool
waits_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const W *w = pgt_grid_current(&p->table, ui);
	char expr[160];

	if (r != PGT_REQ_OPEN || !w)
		return false;
	if (strcmp(w->type, "CPU") == 0)
		snprintf(expr, sizeof(expr), "\\tactive\\tCPU\\t");
	else
		snprintf(expr, sizeof(expr), "\\t%s:%s\\t", w->type,
			 w->event ? w->event : "");
	if (!pgt_ui_goto(ui, PGT_REQ_ACTIVITY))
		return false;
	p = pgt_ui_focus(ui);
	if (pgt_grid_filter(&p->table, expr, NULL) == 0)
		pgt_grid_update(&p->table, ui);
	return true;
}

const struct pgt_panel_ops pgt_panel_waits = {
    .name = "waits",
    .title = "Waits",
    .sections = PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_ACTIVITY,
    .needs_section = true,
    .table = &waits_grid,
    .request = waits_request,
    .source = SOURCE,
};

static void
graph_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	   bool focused)
{
	const struct pgt_sessions *s = &ui->snap->sessions;
	struct pgt_canvas left = *c, right = *c;
	int x;

	(void)p;
	(void)focused;
	left.r.y++;
	left.r.h--;
	left.r.w = c->r.w / 2 - 1;
	right.r.x += c->r.w / 2;
	right.r.w -= c->r.w / 2;
	x = pgt_panel_pair(c, 0, 1, "active", PGT_ROLE_ACCENT, "%d", s->active);
	pgt_panel_pair(c, 0, x, "of", PGT_ROLE_TEXT, "%d", s->total);
	pgt_panel_pair(&right, 0, 1, "waiting",
		       s->blocked ? PGT_ROLE_WARN : PGT_ROLE_ACCENT, "%d   blocked %d",
		       s->waiting, s->blocked);
	right.r.y++;
	right.r.h--;
	pgt_panel_graph(ui, &left, PGT_SERIES_ACTIVE, PGT_ROLE_GRAPH, 0);
	pgt_panel_graph(ui, &right, PGT_SERIES_WAITING, PGT_ROLE_GRAPH2, 0);
}

static void
graph_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)ui;
	(void)role;
	snprintf(buf, size, "5 min");
}

const struct pgt_panel_ops pgt_panel_wait_graph = {
    .name = "wait-graph",
    .title = "Active and waiting sessions",
    .sections = PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_ACTIVITY,
    .needs_section = true,
    .draw = graph_draw,
    .remark = graph_remark,
    .source = SOURCE,
};
