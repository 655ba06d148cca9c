#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/mem.h"

/* ---- standbys ---- */

#define R struct pgt_replica

PGT_STRING(name, R, r->name, PGT_ROLE_TEXT)
PGT_STRING(client, R, r->client, PGT_ROLE_TEXT)
PGT_STRING(state, R, r->state,
	   r->state &&strcmp(r->state, "streaming") == 0 ? PGT_ROLE_GOOD : PGT_ROLE_WARN)
PGT_STRING(sync, R, r->sync_state, PGT_ROLE_TEXT)
PGT_STRING(rslot, R, r->slot, PGT_ROLE_TEXT)
PGT_NUMBER(rpid, R, r->pid,
	   (snprintf(cell->buf, sizeof(cell->buf), "%d", r->pid), cell->text = cell->buf))
PGT_NUMBER(sent, R, r->sent_lag_bytes, pgt_cell_bytes(cell, r->sent_lag_bytes))
PGT_NUMBER(write, R, r->write_lag_bytes, pgt_cell_bytes(cell, r->write_lag_bytes))
PGT_NUMBER(flush, R, r->flush_lag_bytes, pgt_cell_bytes(cell, r->flush_lag_bytes))
PGT_NUMBER(replay, R, r->replay_lag_bytes,
	   (pgt_cell_bytes(cell, r->replay_lag_bytes),
	    pgt_cell_role_over(cell, r->replay_lag_bytes, 16777216, 268435456)))
PGT_NUMBER(replay_ms, R, r->replay_lag_ms, pgt_cell_ms(cell, r->replay_lag_ms))

PGT_ROWS(replicas, replicas)

static uint64_t
replicas_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const R *)row)->pid;
}

static const struct pgt_column replica_columns[] = {
    PGT_COL_S(name, "standby", 16, 20, .help = "application_name of the receiver"),
    PGT_COL_S(client, "address", 16, 8, .help = "where it connects from"),
    PGT_COL_S(state, "state", 10, 15, .help = "streaming, catchup, startup, backup"),
    PGT_COL_S(sync, "sync", 9, 10, .help = "async, sync, potential or quorum"),
    PGT_COL_N(sent, "unsent", 9, 9, .help = "WAL not yet sent"),
    PGT_COL_N(write, "unwritten", 10, 5, .help = "sent and not yet written there"),
    PGT_COL_N(flush, "unflushed", 10, 6, .help = "not yet flushed there"),
    PGT_COL_N(replay, "unreplayed", 11, 18, .help = "not yet replayed there"),
    PGT_COL_N(replay_ms, "lag~ ms", 8, 14,
	      .help = "replay_lag; unknown when nothing was written lately"),
    PGT_COL_S(rslot, "slot", 12, 6, .help = "its replication slot"),
    PGT_COL_N(rpid, "pid", 8, 3, .help = "the sender's process"),
};

static const struct pgt_grid_ops replicas_grid = {
    .columns = replica_columns,
    .n_columns = PGT_LEN(replica_columns),
    .frozen = 1,
    .sort = 7,
    .count = replicas_count,
    .row = replicas_row,
    .id = replicas_id,
    .empty = "no standby is connected",
};

const struct pgt_panel_ops pgt_panel_replicas = {
    .name = "standbys",
    .title = "Standbys",
    .sections = PGT_SEC(REPLICATION),
    .main_section = PGT_SEC_REPLICATION,
    .needs_section = true,
    .table = &replicas_grid,
    .source = "pg_stat_replication; the distances are differences of WAL positions, "
	      "exact at the "
	      "sample. replay_lag keeps its last value when nothing is written: then the "
	      "time is left "
	      "out and the bytes tell. Needs pg_monitor for other roles' rows.",
};

/* ---- slots ---- */

#define S struct pgt_slot

PGT_STRING(sname, S, r->name, r->active ? PGT_ROLE_TEXT : PGT_ROLE_WARN)
PGT_STRING(stype, S, r->type, PGT_ROLE_TEXT)
PGT_STRING(sdb, S, r->database, PGT_ROLE_TEXT)
PGT_STRING(status, S, r->wal_status,
	   !r->wal_status || strcmp(r->wal_status, "reserved") == 0 ? PGT_ROLE_TEXT
	   : strcmp(r->wal_status, "extended") == 0                 ? PGT_ROLE_WARN
								    : PGT_ROLE_BAD)
PGT_STRING(active, S, r->active ? "active" : "ABANDONED",
	   r->active ? PGT_ROLE_GOOD : PGT_ROLE_BAD)
PGT_STRING(plugin, S, r->plugin, PGT_ROLE_TEXT)
PGT_NUMBER(retained, S, r->retained_bytes,
	   (pgt_cell_bytes(cell, r->retained_bytes),
	    pgt_cell_role_over(cell, r->retained_bytes, 1073741824, 1073741824 * 10.0)))
PGT_NUMBER(sxmin, S, r->xmin_age < 0 ? NAN : (double)r->xmin_age,
	   pgt_cell_int(cell, r->xmin_age))
PGT_NUMBER(scat, S, r->catalog_xmin_age < 0 ? NAN : (double)r->catalog_xmin_age,
	   pgt_cell_int(cell, r->catalog_xmin_age))

PGT_ROWS(slots, slots)

static uint64_t
slots_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const S *)row - pgt_snap_of(ctx)->slots) + 1;
}

static const struct pgt_column slot_columns[] = {
    PGT_COL_S(sname, "slot", 20, 20, .help = "name of the replication slot"),
    PGT_COL_S(active, "in use", 10, 18, .help = "whether anybody consumes it"),
    PGT_COL_N(retained, "keeps WAL", 10, 17, .help = "WAL that is kept for it"),
    PGT_COL_S(status, "wal status", 11, 12,
	      .help = "reserved, extended, unreserved, lost"),
    PGT_COL_S(stype, "type", 9, 8, .help = "physical or logical"),
    PGT_COL_S(sdb, "database", 10, 4, .help = "of a logical slot"),
    PGT_COL_S(plugin, "plugin", 10, 3, .help = "output plugin of a logical slot"),
    PGT_COL_N(sxmin, "xmin age", 10, 9, .help = "transactions it holds back vacuum by"),
    PGT_COL_N(scat, "catalog xmin", 13, 5, .help = "the same for the system catalogue"),
};

static const struct pgt_grid_ops slots_grid = {
    .columns = slot_columns,
    .n_columns = PGT_LEN(slot_columns),
    .frozen = 1,
    .sort = 2,
    .count = slots_count,
    .row = slots_row,
    .id = slots_id,
    .empty = "there is no replication slot",
};

const struct pgt_panel_ops pgt_panel_slots = {
    .name = "slots",
    .title = "Slots",
    .sections = PGT_SEC(REPLICATION),
    .main_section = PGT_SEC_REPLICATION,
    .needs_section = true,
    .table = &slots_grid,
    .source =
	"pg_replication_slots; kept WAL is the distance from restart_lsn to the present "
	"position. A slot that nobody uses keeps WAL until the disk is full.",
};

/* ---- what holds back vacuum ---- */

#define H struct pgt_horizon

PGT_STRING(kind, H, r->kind, PGT_ROLE_TEXT)
PGT_STRING(who, H, r->who, PGT_ROLE_TEXT)
PGT_NUMBER(hpid, H, r->pid,
	   (snprintf(cell->buf, sizeof(cell->buf), r->pid > 0 ? "%d" : "-", r->pid),
	    cell->text = cell->buf))
PGT_NUMBER(hxmin, H, (double)r->xmin_age,
	   (pgt_cell_int(cell, r->xmin_age),
	    pgt_cell_role_over(cell, (double)r->xmin_age, 1e6, 1e8)))
PGT_NUMBER(hage, H, r->age_ns < 0 ? NAN : (double)r->age_ns,
	   pgt_cell_age(cell, r->age_ns))

PGT_ROWS(horizon, horizon)

static uint64_t
horizon_id(const void *row, const void *ctx)
{
	const H *h = row;

	return h->pid > 0 ? (uint64_t)h->pid
			  : UINT64_C(1) << 40 | (uint64_t)(h - pgt_snap_of(ctx)->horizon);
}

static const struct pgt_column horizon_columns[] = {
    PGT_COL_S(kind, "what", 10, 20,
	      .help = "backend, slot, prepared transaction or standby"),
    PGT_COL_N(hpid, "pid", 8, 10, .help = "process, when it is one"),
    PGT_COL_N(hxmin, "xmin age", 12, 19,
	      .help = "transactions whose dead rows must stay"),
    PGT_COL_N(hage, "for", 9, 15, .help = "how long"),
    PGT_COL_S(who, "who", -16, 18, .help = "user, slot or prepared transaction"),
};

static const struct pgt_grid_ops horizon_grid = {
    .columns = horizon_columns,
    .n_columns = PGT_LEN(horizon_columns),
    .sort = 2,
    .count = horizon_count,
    .row = horizon_row,
    .id = horizon_id,
    .empty = "nothing holds back vacuum",
};

static bool
horizon_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const H *h = pgt_grid_current(&p->table, ui);
	const struct pgt_activity *a = h && h->pid > 0 ? pgt_find_session(ui, h->pid)
						       : NULL;

	if (!a)
		return false;
	if (r == PGT_REQ_OPEN)
		pgt_page_open_session(ui, a);
	else if (r == PGT_REQ_WHATIF)
		pgt_page_open_whatif(ui, a->pid);
	else if (r == PGT_REQ_CANCEL || r == PGT_REQ_TERMINATE)
		pgt_flow_signal(ui,
				r == PGT_REQ_CANCEL ? PGT_CMD_CANCEL : PGT_CMD_TERMINATE,
				a->pid, a->backend_start_us);
	else
		return false;
	return true;
}

const struct pgt_panel_ops pgt_panel_horizon = {
    .name = "horizon",
    .title = "What holds back vacuum",
    .sections = PGT_SEC(HORIZON) | PGT_SEC(ACTIVITY),
    .main_section = PGT_SEC_HORIZON,
    .needs_section = true,
    .table = &horizon_grid,
    .request = horizon_request,
    .source =
	"backend_xmin of pg_stat_activity, xmin of slots and of standbys with feedback, "
	"prepared transactions: the oldest keeps the dead rows of all later ones.",
};

/* ---- on a standby ---- */

static void
receiver_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	      bool focused)
{
	const struct pgt_receiver *r = &ui->snap->receiver;
	char a[32], b[32];
	int x;

	(void)p;
	(void)focused;
	if (!ui->snap->node.in_recovery) {
		pgt_put(c, 0, 1, PGT_ROLE_DIM,
			"this node is a primary: it receives nothing");
		return;
	}
	if (!r->present) {
		pgt_put(c, 0, 1, PGT_ROLE_BAD,
			"no WAL receiver runs: not connected to a primary");
		return;
	}
	x = pgt_panel_pair(c, 0, 1, "from", PGT_ROLE_TEXT, "%s:%d",
			   r->sender_host ? r->sender_host : "?", r->sender_port);
	x = pgt_panel_pair(c, 0, x, "state",
			   r->status && strcmp(r->status, "streaming") == 0
			       ? PGT_ROLE_GOOD
			       : PGT_ROLE_WARN,
			   "%s", r->status ? r->status : "?");
	pgt_panel_pair(c, 0, x, "slot", PGT_ROLE_TEXT, "%s", r->slot ? r->slot : "-");
	x = pgt_panel_pair(c, 1, 1, "not received", PGT_ROLE_TEXT, "%s",
			   pgt_bytes(r->receive_lag_bytes, a, sizeof(a)));
	x = pgt_panel_pair(c, 1, x, "not replayed", PGT_ROLE_TEXT, "%s",
			   pgt_bytes(r->replay_lag_bytes, b, sizeof(b)));
	x = pgt_panel_pair(c, 1, x, "behind", PGT_ROLE_ACCENT, "%s ms",
			   pgt_num(r->replay_delay_ms, 0, a, sizeof(a)));
	x = pgt_panel_pair(c, 1, x, "conflicts",
			   r->conflicts > 0 ? PGT_ROLE_WARN : PGT_ROLE_TEXT, "%s",
			   pgt_num(r->conflicts, 0, a, sizeof(a)));
	if (r->replay_paused)
		pgt_panel_pair(c, 1, x, "replay", PGT_ROLE_BAD, "PAUSED");
}

const struct pgt_panel_ops pgt_panel_receiver = {
    .name = "receiver",
    .title = "This node receives",
    .sections = PGT_SEC(REPLICATION),
    .main_section = PGT_SEC_REPLICATION,
    .needs_section = true,
    .draw = receiver_draw,
    .source = "pg_stat_wal_receiver, the positions received and replayed, and the age of "
	      "the last "
	      "transaction replayed. When all that was received is replayed, there is no "
	      "delay.",
};
