/* The page of one table: its figures, its vacuum state, its indexes. */
#include <math.h>
#include <stdio.h>

#include "cell_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "ui_priv.h"

static const struct pgt_table *
find_table(const struct pgt_ui *ui, uint32_t oid)
{
	for (size_t i = 0; ui->snap && i < ui->snap->n_tables; i++)
		if (ui->snap->tables[i].oid == oid)
			return &ui->snap->tables[i];
	return NULL;
}

static const char *
since(int64_t s, char *buf, size_t size)
{
	char age[32];

	if (s < 0)
		return "never";
	snprintf(buf, size, "%s ago", pgt_age(s * PGT_NS_PER_S, age, sizeof(age)));
	return buf;
}

static void
put_vacuum(const struct pgt_table *t, struct pgt_doc *d)
{
	char a[48], b[32];

	pgt_doc_heading(d, "Vacuum");
	pgt_doc_field(d, "dead rows", PGT_ROLE_TEXT, "%s; autovacuum comes at %s",
		      pgt_num((double)t->dead, 0, a, sizeof(a)),
		      pgt_num(t->vacuum_threshold, 0, b, sizeof(b)));
	pgt_doc_field(d, "vacuumed", t->last_vacuum_s < 0 ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		      "%s", since(t->last_vacuum_s, a, sizeof(a)));
	pgt_doc_field(d, "analyzed",
		      t->last_analyze_s < 0 ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		      "%s, %s rows changed since", since(t->last_analyze_s, a, sizeof(a)),
		      pgt_num((double)t->mod_since_analyze, 0, b, sizeof(b)));
	pgt_doc_field(d, "frozen", t->xid_age > 500000000 ? PGT_ROLE_WARN : PGT_ROLE_TEXT,
		      "%s transactions ago",
		      pgt_num((double)t->xid_age, 0, a, sizeof(a)));
}

static void
put_indexes(const struct pgt_ui *ui, const struct pgt_table *t, struct pgt_doc *d)
{
	char a[32], b[32];
	int n = 0;

	pgt_doc_heading(d, "Indexes");
	for (size_t i = 0; i < ui->snap->n_indexes; i++) {
		const struct pgt_index *x = &ui->snap->indexes[i];

		if (x->table_oid != t->oid)
			continue;
		n++;
		pgt_doc_printf(d, x->valid ? PGT_ROLE_TEXT : PGT_ROLE_BAD,
			       "%-28s %9s  %9s scans/s%s%s", x->name,
			       pgt_bytes(x->size_bytes, a, sizeof(a)),
			       pgt_num(x->scans, 1, b, sizeof(b)),
			       x->unique ? "  unique" : "", x->valid ? "" : "  INVALID");
		if (x->definition)
			pgt_doc_printf(d, PGT_ROLE_DIM, "  %s", x->definition);
	}
	if (n == 0)
		pgt_doc_line(d, PGT_ROLE_DIM,
			     t->n_indexes > 0 ? "not measured yet, or hidden"
					      : "it has none");
}

static void
table_build(struct pgt_page *p, struct pgt_ui *ui)
{
	const struct pgt_table *t = find_table(ui, p->oid);
	struct pgt_doc *d = &p->doc;
	char a[32], b[32], c[32];

	pgt_doc_reset(d);
	if (!t) {
		pgt_doc_line(d, PGT_ROLE_WARN,
			     "It is not among the most active tables now.");
		return;
	}
	pgt_doc_field(d, "table", PGT_ROLE_TITLE, "%s.%s in %s", t->schema, t->name,
		      t->database ? t->database : "-");
	pgt_doc_field(d, "size", PGT_ROLE_TEXT, "~%s, ~%s rows",
		      pgt_bytes(t->size_bytes, a, sizeof(a)),
		      pgt_num((double)t->live, 0, b, sizeof(b)));
	pgt_doc_field(d, "read", PGT_ROLE_TEXT,
		      "%s sequential scans/s (%s rows/s), %s index scans/s",
		      pgt_num(t->seq_scan, 1, a, sizeof(a)),
		      pgt_num(t->seq_read, 0, b, sizeof(b)),
		      pgt_num(t->idx_scan, 1, c, sizeof(c)));
	pgt_doc_field(d, "written", PGT_ROLE_TEXT,
		      "insert %s/s  update %s/s  delete %s/s",
		      pgt_num(t->ins, 1, a, sizeof(a)), pgt_num(t->upd, 1, b, sizeof(b)),
		      pgt_num(t->del, 1, c, sizeof(c)));
	pgt_doc_field(d, "hot updates", PGT_ROLE_TEXT, "%s%%",
		      pgt_pct(t->upd > 0 ? t->hot_upd / t->upd : NAN, a, sizeof(a)));
	pgt_doc_field(d, "hit", PGT_ROLE_TEXT, "%s%%",
		      pgt_pct(t->hit_ratio, a, sizeof(a)));
	put_vacuum(t, d);
	put_indexes(ui, t, d);
}

static const struct pgt_page_ops table_page = {
    .name = "Table",
    .build = table_build,
    .hints = "back copy search",
};

void
pgt_page_open_table(struct pgt_ui *ui, const struct pgt_table *t)
{
	struct pgt_page *p = pgt_page_push(ui, &table_page);

	p->oid = t->oid;
	snprintf(p->title, sizeof(p->title), "Table %.120s", t->name);
	table_build(p, ui);
}
