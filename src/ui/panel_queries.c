#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

#define Q struct pgt_query

PGT_NUMBER(time, Q, r->time_pct,
	   (pgt_cell_num(cell, r->time_pct, 1),
	    pgt_cell_role_over(cell, r->time_pct, 40, 1e9)))
PGT_NUMBER(calls, Q, r->calls_ps, pgt_cell_num(cell, r->calls_ps, 1))
PGT_NUMBER(mean, Q, r->mean_ms, pgt_cell_num(cell, r->mean_ms, 2))
PGT_NUMBER(p99, Q, r->p99_ms, pgt_cell_ms(cell, r->p99_ms))
PGT_NUMBER(rows, Q, r->rows, pgt_cell_num(cell, r->rows, 1))
PGT_NUMBER(hit, Q, r->hit_ratio,
	   (pgt_cell_pct(cell, r->hit_ratio),
	    pgt_cell_role_over(cell, isnan(r->hit_ratio) ? 0 : 1 - r->hit_ratio, 0.1,
			       0.3)))
PGT_NUMBER(total, Q, r->total_ms, pgt_cell_num(cell, r->total_ms, 0))
PGT_NUMBER(temp, Q, (r->temp_read + r->temp_written) * 8192,
	   (pgt_cell_bytes(cell, (r->temp_read + r->temp_written) * 8192),
	    pgt_cell_role_over(cell, r->temp_read + r->temp_written, 1, 1e18)))
PGT_NUMBER(wal, Q, r->wal_bytes, pgt_cell_bytes(cell, r->wal_bytes))
PGT_NUMBER(io, Q, r->io_ms, pgt_cell_ms(cell, r->io_ms))
PGT_NUMBER(plan, Q, r->plan_ms, pgt_cell_ms(cell, r->plan_ms))
PGT_STRING(user, Q, r->user, PGT_ROLE_TEXT)
PGT_STRING(database, Q, r->database, PGT_ROLE_TEXT)

static const char *
text_key(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const Q *)row)->text;
}

static void
text_fmt(const void *row, const void *ctx, struct pgt_cell *cell)
{
	const Q *q = row;

	(void)ctx;
	if (q->text) {
		pgt_cell_text(cell, q->ours ? PGT_ROLE_DIM : PGT_ROLE_TEXT, q->text);
		return;
	}
	snprintf(cell->buf, sizeof(cell->buf), "queryid %lld", (long long)q->key.queryid);
	cell->text = cell->buf;
	cell->role = PGT_ROLE_DIM;
}

PGT_ROWS(queries, queries)

static uint64_t
queries_id(const void *row, const void *ctx)
{
	(void)ctx;
	return pgt_query_id(&((const Q *)row)->key);
}

static const struct pgt_column columns[] = {
    PGT_COL_N(time, "time%", 6, 12, .help = "share of all execution time in the window"),
    PGT_COL_N(calls, "calls/s", 9, 11,
	      .help = "calls that ended in the window, per second"),
    PGT_COL_N(mean, "mean ms", 9, 10, .help = "mean execution time in the window, exact"),
    PGT_COL_N(p99, "p99~ ms", 8, 8,
	      .help = "estimate from mean and deviation of the window"),
    PGT_COL_N(rows, "rows", 9, 6, .help = "rows returned or changed, per call"),
    PGT_COL_N(hit, "hit%", 6, 7, .help = "shared blocks found in the buffer cache"),
    PGT_COL_N(total, "total ms", 9, 4, .help = "execution time in the window"),
    PGT_COL_N(temp, "temp", 8, 3,
	      .help = "temporary blocks read and written in the window"),
    PGT_COL_N(wal, "wal", 8, 2, .help = "WAL written in the window"),
    PGT_COL_N(io, "io ms", 7, 2,
	      .help = "time reading and writing blocks: track_io_timing"),
    PGT_COL_N(plan, "plan ms", 8, 1,
	      .help = "planning time: pg_stat_statements.track_planning"),
    PGT_COL_S(database, "database", 10, 1, .help = "database it ran in"),
    PGT_COL_S(user, "user", 10, 1, .help = "role that ran it"),
    PGT_COL_S(text, "query", -44, 12, .help = "normalised text; constants are $1, $2"),
};

const struct pgt_grid_ops pgt_grid_queries = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .sort = 0,
    .count = queries_count,
    .row = queries_row,
    .id = queries_id,
    .empty = "no statement ended in the window",
};

static void
queries_title(const struct pgt_ui *ui, char *buf, size_t size)
{
	char a[32];

	if (ui->snap && ui->snap->statements_window_ns > 0)
		snprintf(buf, size, "Queries, last %s",
			 pgt_age((ui->snap->statements_window_ns + PGT_NS_PER_S / 2) /
				     PGT_NS_PER_S * PGT_NS_PER_S,
				 a, sizeof(a)));
	else
		snprintf(buf, size, "Queries");
}

static bool
queries_request(struct pgt_panel *p, struct pgt_ui *ui, enum pgt_request r)
{
	const Q *q = pgt_grid_current(&p->table, ui);

	if (!q || (r != PGT_REQ_OPEN && r != PGT_REQ_EXPLAIN))
		return false;
	pgt_page_open_query(ui, q);
	if (r == PGT_REQ_EXPLAIN)
		pgt_page_explain(ui, pgt_page_top(ui));
	return true;
}

static void
queries_source(const struct pgt_ui *ui, struct pgt_doc *doc)
{
	const struct pgt_snapshot *s = ui->snap;

	pgt_doc_field(doc, "entries", PGT_ROLE_TEXT, "%lld of at most %lld",
		      (long long)s->statements_total, (long long)s->statements_max);
	if (s->statements_dealloc > 0)
		pgt_doc_field(doc, "caution", PGT_ROLE_WARN,
			      "entries were thrown out in the window: raise "
			      "pg_stat_statements.max, or small ones are missing here");
}

#define SOURCE                                                                           \
	"pg_stat_statements: per (queryid, user, database, toplevel) the difference "    \
	"between "                                                                       \
	"two readings, over a window of 10 to 20 s, so that rare statements show too. "  \
	"Numbers "                                                                       \
	"are read without texts; texts only for rows on screen. mean is exact; p99~ is " \
	"an "                                                                            \
	"estimate from mean and deviation (log-normal), and from the ages of those "     \
	"seen "                                                                          \
	"running where there are enough. A statement counts when it ends: one "          \
	"that still runs is on the activity screen."

const struct pgt_panel_ops pgt_panel_queries = {
    .name = "queries",
    .title = "Queries",
    .title_now = queries_title,
    .sections = PGT_SEC(STATEMENTS),
    .main_section = PGT_SEC_STATEMENTS,
    .needs_section = true,
    .table = &pgt_grid_queries,
    .request = queries_request,
    .hints = "open=detail explain sort filter copy",
    .source = SOURCE,
    .source_more = queries_source,
};

const struct pgt_panel_ops pgt_panel_top = {
    .name = "top",
    .title = "Top queries",
    .title_now = queries_title,
    .sections = PGT_SEC(STATEMENTS),
    .main_section = PGT_SEC_STATEMENTS,
    .needs_section = true,
    .table = &pgt_grid_queries,
    .request = queries_request,
    .source = SOURCE,
    .source_more = queries_source,
};
