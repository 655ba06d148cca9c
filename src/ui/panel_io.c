/* WAL, checkpoints, reads and writes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/mem.h"

static struct pgt_canvas
below(const struct pgt_canvas *c, int rows)
{
	struct pgt_canvas g = *c;

	g.r.y += rows;
	g.r.h -= rows;
	return g;
}

static void
span_remark(const struct pgt_ui *ui, char *buf, size_t size, enum pgt_role *role)
{
	(void)ui;
	(void)role;
	snprintf(buf, size, "5 min");
}

/* ---- WAL ---- */

static void
wal_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c, bool focused)
{
	const struct pgt_rates *r = &ui->snap->rate;
	struct pgt_canvas g = below(c, 2);
	double fpi = r->wal_records > 0 ? r->wal_fpi / r->wal_records : NAN;
	char a[32];
	int x;

	(void)p;
	(void)focused;
	x = pgt_panel_pair(c, 0, 1, "written", PGT_ROLE_ACCENT, "%s/s",
			   pgt_bytes(r->wal_bytes, a, sizeof(a)));
	pgt_panel_pair(c, 0, x, "records", PGT_ROLE_TEXT, "%s/s",
		       pgt_num(r->wal_records, 0, a, sizeof(a)));
	x = pgt_panel_pair(c, 1, 1, "full pages",
			   fpi > 0.3 ? PGT_ROLE_WARN : PGT_ROLE_TEXT, "%s/s",
			   pgt_num(r->wal_fpi, 0, a, sizeof(a)));
	pgt_panel_pair(c, 1, x, "of records", PGT_ROLE_TEXT, "%s%%",
		       pgt_pct(fpi, a, sizeof(a)));
	pgt_panel_graph(ui, &g, PGT_SERIES_WAL, PGT_ROLE_GRAPH, 0);
}

const struct pgt_panel_ops pgt_panel_wal = {
    .name = "wal",
    .title = "WAL",
    .sections = PGT_SEC(WAL),
    .main_section = PGT_SEC_WAL,
    .needs_section = true,
    .draw = wal_draw,
    .remark = span_remark,
    .source =
	"pg_stat_wal (14 and later), else the distance between two WAL positions: per "
	"second of the interval. Full pages are written at the first change of a page "
	"after a "
	"checkpoint: many of them mean that checkpoints come too often (max_wal_size).",
};

/* ---- checkpoints and the writers ---- */

static void
checkpoints_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
		 bool focused)
{
	const struct pgt_rates *r = &ui->snap->rate;
	double timeout = pgt_snapshot_setting_num(ui->snap, "checkpoint_timeout");
	double max_wal = pgt_snapshot_setting_num(ui->snap, "max_wal_size");
	struct pgt_canvas g = below(c, 4);
	char a[32], b[32], d[32];
	int x;

	(void)p;
	(void)focused;
	x = pgt_panel_pair(c, 0, 1, "timed", PGT_ROLE_TEXT, "%s",
			   pgt_num(r->checkpoints_timed, 0, a, sizeof(a)));
	x = pgt_panel_pair(c, 0, x, "requested",
			   r->checkpoints_req > 0 ? PGT_ROLE_WARN : PGT_ROLE_TEXT, "%s",
			   pgt_num(r->checkpoints_req, 0, a, sizeof(a)));
	if (!isnan(timeout))
		pgt_panel_pair(c, 0, x, "every", PGT_ROLE_DIM, "%ss / %s",
			       pgt_num(timeout, 0, a, sizeof(a)),
			       pgt_bytes(max_wal * 1048576, b, sizeof(b)));
	x = pgt_panel_pair(c, 1, 1, "write", PGT_ROLE_TEXT, "%s ms",
			   pgt_num(r->checkpoint_write_ms, 0, a, sizeof(a)));
	pgt_panel_pair(c, 1, x, "sync", PGT_ROLE_TEXT, "%s ms",
		       pgt_num(r->checkpoint_sync_ms, 0, a, sizeof(a)));
	pgt_put(c, 2, 1, PGT_ROLE_DIM, "written by");
	x = pgt_panel_pair(c, 2, 12, "checkpoints", PGT_ROLE_TEXT, "%s/s",
			   pgt_bytes(r->buffers_checkpoint * 8192, a, sizeof(a)));
	x = pgt_panel_pair(c, 2, x, "bgwriter", PGT_ROLE_TEXT, "%s/s",
			   pgt_bytes(r->buffers_clean * 8192, b, sizeof(b)));
	pgt_panel_pair(c, 2, x, "sessions", PGT_ROLE_TEXT, "%s/s",
		       pgt_bytes(r->buffers_backend * 8192, d, sizeof(d)));
	x = pgt_panel_pair(c, 3, 1, "allocated", PGT_ROLE_TEXT, "%s/s",
			   pgt_bytes(r->buffers_alloc * 8192, a, sizeof(a)));
	pgt_panel_pair(c, 3, x, "read", PGT_ROLE_TEXT, "%s/s",
		       pgt_bytes(r->blks_read * 8192, a, sizeof(a)));
	pgt_panel_graph(ui, &g, PGT_SERIES_WRITE, PGT_ROLE_GRAPH2, 0);
}

const struct pgt_panel_ops pgt_panel_checkpoints = {
    .name = "checkpoints",
    .title = "Checkpoints and writers",
    .sections = PGT_SEC(WAL) | PGT_SEC(SETTINGS),
    .main_section = PGT_SEC_WAL,
    .needs_section = true,
    .draw = checkpoints_draw,
    .source = "pg_stat_checkpointer and pg_stat_bgwriter (17 and later), else "
	      "pg_stat_bgwriter: "
	      "checkpoints of the interval and what wrote pages, per second. A requested "
	      "checkpoint "
	      "mostly means that max_wal_size was reached. Pages written by sessions "
	      "mean that the "
	      "writers did not keep up; from 17 on that figure is in pg_stat_io.",
};

/* ---- pg_stat_io ---- */

#define I struct pgt_io

PGT_STRING(backend, I, r->backend, PGT_ROLE_TEXT)
PGT_STRING(object, I, r->object, PGT_ROLE_TEXT)
PGT_STRING(context, I, r->context, PGT_ROLE_TEXT)
PGT_NUMBER(reads, I, r->reads, pgt_cell_num(cell, r->reads, 1))
PGT_NUMBER(read_bytes, I, r->read_bytes, pgt_cell_bytes(cell, r->read_bytes))
PGT_NUMBER(writes, I, r->writes, pgt_cell_num(cell, r->writes, 1))
PGT_NUMBER(write_bytes, I, r->write_bytes, pgt_cell_bytes(cell, r->write_bytes))
PGT_NUMBER(extends, I, r->extends, pgt_cell_num(cell, r->extends, 1))
PGT_NUMBER(fsyncs, I, r->fsyncs, pgt_cell_num(cell, r->fsyncs, 1))
PGT_NUMBER(evictions, I, r->evictions, pgt_cell_num(cell, r->evictions, 1))
PGT_NUMBER(hits, I, r->hits, pgt_cell_short(cell, r->hits))
PGT_NUMBER(read_ms, I, r->read_ms, pgt_cell_ms(cell, r->read_ms))
PGT_NUMBER(write_ms, I, r->write_ms, pgt_cell_ms(cell, r->write_ms))
PGT_NUMBER(fsync_ms, I, r->fsync_ms, pgt_cell_ms(cell, r->fsync_ms))

PGT_ROWS(io, io)

static uint64_t
io_id(const void *row, const void *ctx)
{
	(void)ctx;
	return (uint64_t)((const I *)row - pgt_snap_of(ctx)->io) + 1;
}

static const struct pgt_column columns[] = {
    PGT_COL_S(backend, "process", 20, 20, .help = "kind of process"),
    PGT_COL_S(object, "object", 13, 8, .help = "relation or temporary relation"),
    PGT_COL_S(context, "context", 10, 12, .help = "normal, vacuum, bulkread, bulkwrite"),
    PGT_COL_N(reads, "reads/s", 9, 15, .help = "read operations"),
    PGT_COL_N(read_bytes, "read", 9, 14, .help = "bytes read per second"),
    PGT_COL_N(read_ms, "read ms", 8, 6, .help = "ms per second, with track_io_timing"),
    PGT_COL_N(writes, "writes/s", 9, 15, .help = "write operations"),
    PGT_COL_N(write_bytes, "written", 9, 14, .help = "bytes written per second"),
    PGT_COL_N(write_ms, "write ms", 9, 6, .help = "ms per second, with track_io_timing"),
    PGT_COL_N(extends, "extends", 8, 7, .help = "relations grown, operations per second"),
    PGT_COL_N(fsyncs, "fsyncs", 7, 7, .help = "fsync per second"),
    PGT_COL_N(fsync_ms, "fsync ms", 9, 4, .help = "ms per second, with track_io_timing"),
    PGT_COL_N(evictions, "evicts", 8, 9, .help = "pages thrown out to make room"),
    PGT_COL_N(hits, "hits/s", 7, 9, .help = "found in the buffer cache"),
};

static const struct pgt_grid_ops io_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = 7,
    .count = io_count,
    .row = io_row,
    .id = io_id,
    .empty = "no input or output in the interval",
};

const struct pgt_panel_ops pgt_panel_io = {
    .name = "io",
    .title = "Who reads and writes",
    .sections = PGT_SEC(IO),
    .main_section = PGT_SEC_IO,
    .needs_section = true,
    .table = &io_grid,
    .source =
	"pg_stat_io (16 and later): differences of the interval, per second, by kind of "
	"process. read is from the kernel, not always from the disk. Times need "
	"track_io_timing.",
};
