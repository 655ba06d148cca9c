#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

/* ---- tables ---- */

#define T struct pgt_table

static double
dead_ratio(const T *t)
{
	return t->live + t->dead > 0 ? (double)t->dead / (double)(t->live + t->dead) : 0;
}

static void
full_name(struct pgt_cell *cell, const char *schema, const char *name)
{
	if (schema && strcmp(schema, "public") != 0)
		snprintf(cell->buf, sizeof(cell->buf), "%s.%s", schema,
			 name ? name : "?");
	else
		snprintf(cell->buf, sizeof(cell->buf), "%s", name ? name : "?");
	cell->text = cell->buf;
}

static const char *
tname_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const T *)row)->name;
}

static void
tname_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	(void)ctx;
	full_name(cell, ((const T *)row)->schema, ((const T *)row)->name);
}

PGT_NUMBER(seq, T, r->seq_scan, pgt_cell_num(cell, r->seq_scan, 1))
PGT_NUMBER(seqrows, T, r->seq_read,
	   (pgt_cell_short(cell, r->seq_read),
	    pgt_cell_role_over(cell, r->seq_read, 1e5, 1e7)))
PGT_NUMBER(idx, T, r->idx_scan, pgt_cell_num(cell, r->idx_scan, 1))
PGT_NUMBER(ins, T, r->ins, pgt_cell_num(cell, r->ins, 1))
PGT_NUMBER(upd, T, r->upd, pgt_cell_num(cell, r->upd, 1))
PGT_NUMBER(del, T, r->del, pgt_cell_num(cell, r->del, 1))
PGT_NUMBER(hot, T, r->upd > 0 ? r->hot_upd / r->upd : NAN,
	   pgt_cell_pct(cell, r->upd > 0 ? r->hot_upd / r->upd : NAN))
PGT_NUMBER(hit, T, r->hit_ratio, pgt_cell_pct(cell, r->hit_ratio))
PGT_NUMBER(live, T, (double)r->live, pgt_cell_short(cell, (double)r->live))
PGT_NUMBER(dead, T, (double)r->dead,
	   (pgt_cell_short(cell, (double)r->dead),
	    pgt_cell_role_over(cell, dead_ratio(r) * ((double)r->dead > 1000), 0.2, 0.5)))
PGT_NUMBER(deadpct, T, dead_ratio(r), pgt_cell_pct(cell, dead_ratio(r)))
PGT_NUMBER(size, T, r->size_bytes, pgt_cell_bytes(cell, r->size_bytes))
PGT_NUMBER(due, T, r->vacuum_threshold > 0 ? (double)r->dead / r->vacuum_threshold : NAN,
	   (pgt_cell_pct(cell, r->vacuum_threshold > 0
				   ? (double)r->dead / r->vacuum_threshold
				   : NAN),
	    pgt_cell_role_over(
		cell, r->vacuum_threshold > 0 ? (double)r->dead / r->vacuum_threshold : 0,
		1, 3)))
PGT_NUMBER(vac, T, r->last_vacuum_s < 0 ? INFINITY : (double)r->last_vacuum_s,
	   (r->last_vacuum_s < 0 ? pgt_cell_text(cell, PGT_ROLE_DIM, "never")
				 : pgt_cell_age(cell, r->last_vacuum_s *PGT_NS_PER_S)))
PGT_NUMBER(ana, T, r->last_analyze_s < 0 ? INFINITY : (double)r->last_analyze_s,
	   (r->last_analyze_s < 0 ? pgt_cell_text(cell, PGT_ROLE_DIM, "never")
				  : pgt_cell_age(cell, r->last_analyze_s *PGT_NS_PER_S)))
PGT_NUMBER(xid, T, (double)r->xid_age,
	   (pgt_cell_short(cell, (double)r->xid_age),
	    pgt_cell_role_over(cell, (double)r->xid_age, 5e8, 1.5e9)))

PGT_ROWS(tables, tables)

static uint64_t
tables_id(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const T *)row)->oid;
}

static const struct pgt_column table_columns[] = {
    PGT_COL_S(tname, "table", 26, 30, .help = "schema only when it is not public"),
    PGT_COL_N(size, "size~", 9, 20, .help = "with TOAST, from relpages: an estimate"),
    PGT_COL_N(live, "rows~", 7, 16, .help = "live rows, as the statistics believe"),
    PGT_COL_N(dead, "dead~", 7, 18, .help = "dead rows, as the statistics believe"),
    PGT_COL_N(deadpct, "dead%", 6, 12, .help = "dead of all rows"),
    PGT_COL_N(due, "due%", 6, 13,
	      .help = "dead rows against the count at which autovacuum comes"),
    PGT_COL_N(seq, "seq/s", 7, 15, .help = "sequential scans"),
    PGT_COL_N(seqrows, "seq rows", 9, 14,
	      .help = "rows read by sequential scans, per second"),
    PGT_COL_N(idx, "idx/s", 9, 11, .help = "index scans"),
    PGT_COL_N(ins, "ins/s", 7, 9, .help = "rows inserted"),
    PGT_COL_N(upd, "upd/s", 7, 10, .help = "rows updated"),
    PGT_COL_N(del, "del/s", 7, 8, .help = "rows deleted"),
    PGT_COL_N(hot, "hot%", 6, 7, .help = "updates that touched no index"),
    PGT_COL_N(hit, "hit%", 6, 6, .help = "heap blocks found in the buffer cache"),
    PGT_COL_N(vac, "vacuumed", 9, 8, .help = "age of the last vacuum, automatic or not"),
    PGT_COL_N(ana, "analyzed", 9, 5, .help = "age of the last analyze, automatic or not"),
    PGT_COL_N(xid, "xid age", 8, 6, .help = "age of relfrozenxid; wraparound at 2.1 G"),
};

static const struct pgt_grid_ops tables_grid = {
    .columns = table_columns,
    .n_columns = PGT_LEN(table_columns),
    .frozen = 1,
    .sort = 1,
    .count = tables_count,
    .row = tables_row,
    .id = tables_id,
    .empty = "no table is visible",
};

static bool
tables_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const T *t = pgt_grid_current(&p->table, ui);

	if (r != PGT_REQ_OPEN || !t)
		return false;
	pgt_page_open_table(ui, t);
	return true;
}

static void
slow_remark(const struct pgt_ui *ui, enum pgt_section_id id, char *buf, size_t size)
{
	const struct pgt_section *s = pgt_ui_section(ui, id);
	char a[32];

	*buf = '\0';
	if (s && s->available && s->taken_ns > 0 && ui->snap->mono_ns > s->taken_ns)
		snprintf(buf, size, "taken %s ago",
			 pgt_age((ui->snap->mono_ns - s->taken_ns) / (10 * PGT_NS_PER_S) *
				     (10 * PGT_NS_PER_S),
				 a, sizeof(a)));
}

static void
tables_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)role;
	slow_remark(ui, PGT_SEC_TABLES, buf, size);
}

const struct pgt_panel_ops pgt_panel_tables = {
    .name = "tables",
    .title = "Tables",
    .sections = PGT_SEC(TABLES),
    .main_section = PGT_SEC_TABLES,
    .needs_section = true,
    .table = &tables_grid,
    .request = tables_request,
    .remark = tables_remark,
    .hints = "open=detail sort filter next-panel=indexes",
    .source = "pg_stat_user_tables and pg_class of the connected database, the most "
	      "active ones; "
	      "rates are over the table section's own, slower interval. Sizes come from "
	      "relpages, which "
	      "vacuum and analyze keep: estimates. due% = dead rows / "
	      "(autovacuum_vacuum_threshold + "
	      "scale_factor x rows), with the table's own settings.",
};

/* ---- indexes ---- */

#define X struct pgt_index

static const char *
iname_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const X *)row)->name;
}

static void
iname_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	(void)ctx;
	full_name(cell, ((const X *)row)->schema, ((const X *)row)->name);
}

static const char *
kind_of(const X *x)
{
	return !x->valid       ? "INVALID"
	       : x->primary    ? "primary"
	       : x->constraint ? "constraint"
	       : x->unique     ? "unique"
			       : "";
}

PGT_STRING(itable, X, r->table, PGT_ROLE_TEXT)
PGT_STRING(kind, X, kind_of(r), r->valid ? PGT_ROLE_TEXT : PGT_ROLE_BAD)
PGT_NUMBER(isize, X, r->size_bytes, pgt_cell_bytes(cell, r->size_bytes))
PGT_NUMBER(scans, X, r->scans, pgt_cell_num(cell, r->scans, 1))
PGT_NUMBER(total, X, (double)r->scans_total,
	   (pgt_cell_short(cell, (double)r->scans_total),
	    cell->role = r->scans_total == 0 && !r->unique ? PGT_ROLE_WARN : cell->role))
PGT_NUMBER(since, X, (double)r->stats_age_s,
	   pgt_cell_age(cell, r->stats_age_s < 0 ? -1 : r->stats_age_s * PGT_NS_PER_S))
PGT_STRING(definition, X, r->definition, PGT_ROLE_DIM)

PGT_ROWS(indexes, indexes)

static uint64_t
indexes_id(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const X *)row)->oid;
}

static const struct pgt_column index_columns[] = {
    PGT_COL_S(iname, "index", 28, 30, .help = "schema only when it is not public"),
    PGT_COL_S(itable, "table", 20, 10, .help = "the table it is on"),
    PGT_COL_N(isize, "size~", 9, 20, .help = "from relpages: an estimate"),
    PGT_COL_N(scans, "scans/s", 8, 18, .help = "index scans"),
    PGT_COL_N(total, "all scans", 10, 16,
	      .help = "since the statistics' reset, on this node only"),
    PGT_COL_N(since, "counted", 9, 9, .help = "how long the counters have run"),
    PGT_COL_S(kind, "kind", 10, 15, .help = "primary, unique, constraint, INVALID"),
    PGT_COL_S(definition, "definition", -16, 14, .help = "as the server prints it"),
};

static const struct pgt_grid_ops indexes_grid = {
    .columns = index_columns,
    .n_columns = PGT_LEN(index_columns),
    .frozen = 1,
    .sort = 2,
    .count = indexes_count,
    .row = indexes_row,
    .id = indexes_id,
    .empty = "no index is visible",
};

static void
indexes_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)role;
	slow_remark(ui, PGT_SEC_INDEXES, buf, size);
}

const struct pgt_panel_ops pgt_panel_indexes = {
    .name = "indexes",
    .title = "Indexes",
    .sections = PGT_SEC(INDEXES),
    .main_section = PGT_SEC_INDEXES,
    .needs_section = true,
    .table = &indexes_grid,
    .remark = indexes_remark,
    .source =
	"pg_stat_user_indexes, pg_index and pg_class. An index without scans here may "
	"still "
	"serve on a standby, uphold a constraint or be young: counted tells how long.",
};

/* ---- what is under way ---- */

#define P struct pgt_progress

PGT_NUMBER(ppid, P, r->pid,
	   (snprintf(cell->buf, sizeof(cell->buf), "%d", r->pid), cell->text = cell->buf))
PGT_STRING(command, P, r->command, PGT_ROLE_TEXT)
PGT_STRING(phase, P, r->phase, PGT_ROLE_TEXT)
PGT_STRING(relation, P, r->relation, PGT_ROLE_TEXT)
PGT_NUMBER(done, P, r->total > 0 ? r->done / r->total : NAN,
	   pgt_cell_pct(cell, r->total > 0 ? r->done / r->total : NAN))
PGT_NUMBER(page, P, (double)r->age_ns, pgt_cell_age(cell, r->age_ns))

static void
pbar_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const P *p = row;

	(void)ctx;
	cell->text = "";
	cell->role = PGT_ROLE_GRAPH;
	cell->bar = p->total > 0 ? p->done / p->total : 0;
}

PGT_ROWS(progress, progress)

static uint64_t
progress_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const P *)row)->pid;
}

static const struct pgt_column progress_columns[] = {
    PGT_COL_N(ppid, "pid", 8, 20, .help = "process"),
    PGT_COL_S(command, "command", 20, 19, .help = "vacuum, analyze, index, copy, backup"),
    PGT_COL_S(relation, "on", 22, 18, .help = "relation"),
    PGT_COL_S(phase, "phase", 24, 15, .help = "phase"),
    PGT_COL_N(done, "done%", 6, 17, .help = "of the phase's own measure"),
    {.name = "",
     .width = 16,
     .prio = 3,
     .align = PGT_LEFT,
     .format = pbar_fmt,
     .help = "done as a bar"},
    PGT_COL_N(page, "for", 8, 14, .help = "how long it has run"),
};

static const struct pgt_grid_ops progress_grid = {
    .columns = progress_columns,
    .n_columns = PGT_LEN(progress_columns),
    .sort = 6,
    .count = progress_count,
    .row = progress_row,
    .id = progress_id,
    .empty = "no vacuum, analyze, index build, copy or backup runs",
};

const struct pgt_panel_ops pgt_panel_progress = {
    .name = "progress",
    .title = "Under way",
    .sections = PGT_SEC(PROGRESS),
    .main_section = PGT_SEC_PROGRESS,
    .needs_section = true,
    .table = &progress_grid,
    .source =
	"pg_stat_progress_vacuum, _analyze, _create_index, _cluster, _copy, _basebackup.",
};
