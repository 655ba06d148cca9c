#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"

/* ---- the machine ---- */

static void
gauge(const struct pgt_canvas *c, int y, const char *label, double share,
      const char *text)
{
	enum pgt_role role = share > 0.9    ? PGT_ROLE_BAD
			     : share > 0.75 ? PGT_ROLE_WARN
					    : PGT_ROLE_GOOD;
	int bar = c->r.w > 60 ? 24 : 12;

	pgt_put(c, y, 1, PGT_ROLE_DIM, label);
	pgt_bar(c, y, 8, bar, role, share, 1);
	pgt_put(c, y, 8 + bar + 1, PGT_ROLE_TEXT, text);
}

static void
host_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	  bool focused)
{
	const struct pgt_host *h = &ui->snap->host;
	struct pgt_canvas g = *c;
	char text[160], a[32], b[32], d[32], e[32], f[32];

	(void)p;
	(void)focused;
	snprintf(text, sizeof(text), "%s%% of %d  load %s  user %s sys %s wait %s",
		 pgt_num(100 - h->cpu_idle_pct, 0, a, sizeof(a)), h->n_cpus,
		 pgt_num(h->load1, 1, f, sizeof(f)),
		 pgt_num(h->cpu_user_pct, 0, b, sizeof(b)),
		 pgt_num(h->cpu_sys_pct, 0, d, sizeof(d)),
		 pgt_num(h->cpu_iowait_pct, 0, e, sizeof(e)));
	gauge(c, 0, "cpu", (100 - h->cpu_idle_pct) / 100, text);
	snprintf(text, sizeof(text), "%s of %s in use  swap %s",
		 pgt_bytes(h->mem_total - h->mem_available, a, sizeof(a)),
		 pgt_bytes(h->mem_total, b, sizeof(b)),
		 pgt_bytes(h->swap_used, d, sizeof(d)));
	gauge(c, 1, "memory", h->mem_total > 0 ? 1 - h->mem_available / h->mem_total : 0,
	      text);
	snprintf(text, sizeof(text), "%s%% busy  read %s/s  write %s/s  %s",
		 pgt_num(h->disk_util_pct, 0, a, sizeof(a)),
		 pgt_bytes(h->disk_read_bps, b, sizeof(b)),
		 pgt_bytes(h->disk_write_bps, d, sizeof(d)),
		 h->storage ? h->storage : "");
	if (isnan(h->disk_util_pct) && isnan(h->disk_read_bps))
		snprintf(text, sizeof(text), "not told: no device of its own");
	gauge(c, 2, "disk", h->disk_util_pct / 100, text);
	snprintf(text, sizeof(text), "%s free of %s",
		 pgt_bytes(h->data_free, a, sizeof(a)),
		 pgt_bytes(h->data_total, b, sizeof(b)));
	gauge(c, 3, "data", h->data_total > 0 ? 1 - h->data_free / h->data_total : 0,
	      text);
	pgt_panel_pair(c, 4, 1, "net", PGT_ROLE_TEXT, "in %s/s  out %s/s",
		       pgt_bytes(h->net_rx_bps, a, sizeof(a)),
		       pgt_bytes(h->net_tx_bps, b, sizeof(b)));
	g.r.y += 5;
	g.r.h -= 5;
	pgt_panel_graph(ui, &g, PGT_SERIES_CPU, PGT_ROLE_GRAPH, 100);
}

const struct pgt_panel_ops pgt_panel_host = {
    .name = "host",
    .title = "Machine",
    .sections = PGT_SEC(HOST),
    .main_section = PGT_SEC_HOST,
    .needs_section = true,
    .draw = host_draw,
    .source =
	"/proc and statvfs of this machine, read only when the server runs on it. cpu is "
	"of all cores together; the graph is cpu, 0 to 100%.",
};

/* ---- databases ---- */

#define D struct pgt_database

PGT_STRING(name, D, r->name, PGT_ROLE_TEXT)
PGT_NUMBER(backends, D, r->backends, pgt_cell_int(cell, r->backends))
PGT_NUMBER(tps, D, r->tps, pgt_cell_num(cell, r->tps, 1))
PGT_NUMBER(rollback, D, r->rollback_pct, pgt_cell_num(cell, r->rollback_pct, 1))
PGT_NUMBER(hit, D, r->hit_ratio, pgt_cell_pct(cell, r->hit_ratio))
PGT_NUMBER(temp, D, r->temp_bytes, pgt_cell_bytes(cell, r->temp_bytes))
PGT_NUMBER(size, D, r->size_bytes, pgt_cell_bytes(cell, r->size_bytes))
PGT_NUMBER(xid, D, (double)r->xid_age,
	   (pgt_cell_short(cell, (double)r->xid_age),
	    pgt_cell_role_over(cell, (double)r->xid_age, 5e8, 1.5e9)))
PGT_NUMBER(mxid, D, (double)r->mxid_age, pgt_cell_short(cell, (double)r->mxid_age))

PGT_ROWS(databases, databases)

static uint64_t
databases_id(const void *row, const void *ctx)
{
	(void)ctx;
	return ((const D *)row)->oid;
}

static const struct pgt_column columns[] = {
    PGT_COL_S(name, "database", 22, 20, .help = "name"),
    PGT_COL_N(backends, "sessions", 9, 15, .help = "connected sessions"),
    PGT_COL_N(tps, "tps", 9, 18, .help = "transactions per second of the interval"),
    PGT_COL_N(rollback, "rollback%", 10, 12, .help = "of the transactions"),
    PGT_COL_N(hit, "hit%", 7, 14, .help = "of the interval"),
    PGT_COL_N(temp, "temp/s", 9, 10, .help = "temporary bytes written per second"),
    PGT_COL_N(size, "size", 9, 9,
	      .help = "on demand only: the server must look at every file"),
    PGT_COL_N(xid, "xid age", 8, 11, .help = "age of datfrozenxid; wraparound at 2.1 G"),
    PGT_COL_N(mxid, "mxid age", 9, 5, .help = "age of datminmxid"),
};

static const struct pgt_grid_ops databases_grid = {
    .columns = columns,
    .n_columns = PGT_LEN(columns),
    .frozen = 1,
    .sort = 2,
    .count = databases_count,
    .row = databases_row,
    .id = databases_id,
    .empty = "no database is visible",
};

const struct pgt_panel_ops pgt_panel_databases = {
    .name = "databases",
    .title = "Databases",
    .sections = PGT_SEC(DATABASES),
    .main_section = PGT_SEC_DATABASES,
    .needs_section = true,
    .table = &databases_grid,
    .source = "pg_stat_database and pg_database: differences of the interval.",
};

/* ---- what this console costs ---- */

static void
cost_draw(struct pgt_panel *p, struct pgt_ui *ui, const struct pgt_canvas *c,
	  bool focused)
{
	const struct pgt_cost *k = &ui->snap->cost;
	char a[32], b[32];
	int x;

	(void)p;
	(void)focused;
	x = pgt_panel_pair(c, 0, 1, "server", PGT_ROLE_TEXT,
			   "%s ms a sample, %s%% of a core",
			   pgt_ms(k->server_ms, a, sizeof(a)),
			   pgt_num(k->server_cpu_pct, 2, b, sizeof(b)));
	pgt_panel_pair(c, 0, x, "here", PGT_ROLE_TEXT, "%s%% of a core",
		       pgt_num(k->client_cpu_pct, 2, a, sizeof(a)));
	x = pgt_panel_pair(c, 1, 1, "round", PGT_ROLE_TEXT, "%s ms",
			   pgt_ms(k->tick_ms, a, sizeof(a)));
	x = pgt_panel_pair(c, 1, x, "statements", PGT_ROLE_TEXT, "%d", k->statements);
	x = pgt_panel_pair(c, 1, x, "received", PGT_ROLE_TEXT, "%s",
			   pgt_bytes((double)k->bytes, a, sizeof(a)));
	pgt_panel_pair(c, 1, x, "every", k->backed_off ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		       "%s%s", pgt_age(k->effective_interval_ns, a, sizeof(a)),
		       k->backed_off ? " (slowed: the server is busy)" : "");
}

const struct pgt_panel_ops pgt_panel_cost = {
    .name = "cost",
    .title = "What this console costs",
    .sections = PGT_SEC(BASIC),
    .main_section = PGT_SEC_BASIC,
    .draw = cost_draw,
    .source =
	"server: execution time of the sample's own statements, as measured by the "
	"time from the first to the last result where pg_stat_statements does not tell. "
	"here: processor time of this process over the last 10 s. Past 4 x the 95th "
	"percentile of a round, or 5% of a server core, the interval is lengthened.",
};
