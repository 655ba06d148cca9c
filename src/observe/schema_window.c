/* What happened between two readings of what is built: of the earlier one only the
 * counters are kept, a tenth of its size. */
#include <math.h>
#include <stdlib.h>

#include "pg2une/base/mem.h"
#include "schema_read_priv.h"

struct base_table {
	uint32_t oid;
	double ins, upd, del, seq_scan, seq_read;
};

struct base_statement {
	int64_t queryid;
	uint32_t userid;
	double calls, ms, rows, temp, read;
};

struct pgt_schema_base {
	struct pgt_sch_counters now;
	struct base_table *tables; /* by oid */
	size_t n_tables;
	struct base_statement *statements; /* by queryid, userid */
	size_t n_statements;
};

static int
by_oid(const void *a, const void *b)
{
	const struct base_table *x = a, *y = b;

	return (x->oid > y->oid) - (x->oid < y->oid);
}

static int
by_queryid(const void *a, const void *b)
{
	const struct base_statement *x = a, *y = b;

	if (x->queryid != y->queryid)
		return x->queryid > y->queryid ? 1 : -1;
	return (x->userid > y->userid) - (x->userid < y->userid);
}

struct pgt_schema_base *
pgt_schema_base_of(const struct pgt_schema *s)
{
	struct pgt_schema_base *b = pgt_xcalloc(1, sizeof(*b));
	size_t i;

	b->now = s->now;
	b->n_tables = s->n_tables;
	b->tables = pgt_xcalloc(b->n_tables, sizeof(*b->tables));
	for (i = 0; i < b->n_tables; i++) {
		const struct pgt_sch_table *t = &s->tables[i];

		b->tables[i] = (struct base_table){
		    t->oid, t->ins, t->upd, t->del, t->seq_scan, t->seq_read};
	}
	b->n_statements = s->n_statements;
	b->statements = pgt_xcalloc(b->n_statements, sizeof(*b->statements));
	for (i = 0; i < b->n_statements; i++) {
		const struct pgt_sch_statement *q = &s->statements[i];

		b->statements[i] = (struct base_statement){q->queryid,	    q->userid,
							   q->calls,	    q->total_ms,
							   q->rows,
							   q->temp_written, q->read};
	}
	qsort(b->tables, b->n_tables, sizeof(*b->tables), by_oid);
	qsort(b->statements, b->n_statements, sizeof(*b->statements), by_queryid);
	return b;
}

void
pgt_schema_base_free(struct pgt_schema_base *b)
{
	if (!b)
		return;
	free(b->tables);
	free(b->statements);
	free(b);
}

static void
statement_window(struct pgt_sch_statement *q, const struct pgt_schema_base *b)
{
	static const struct base_statement none;
	struct base_statement key = {.queryid = q->queryid, .userid = q->userid};
	const struct base_statement *was = bsearch(
	    &key, b->statements, b->n_statements, sizeof(*b->statements), by_queryid);

	/* a new entry began in the window; a smaller count was reset */
	if (!was || was->calls > q->calls)
		was = &none;
	q->calls_w = q->calls - was->calls;
	q->ms_w = q->total_ms - was->ms;
	q->rows_w = q->rows - was->rows;
	q->temp_w = q->temp_written - was->temp;
	q->read_w = q->read - was->read;
}

static void
table_window(struct pgt_sch_table *t, const struct pgt_schema_base *b, double seconds)
{
	struct base_table key = {.oid = t->oid};
	const struct base_table *was =
	    bsearch(&key, b->tables, b->n_tables, sizeof(*b->tables), by_oid);

	if (!was || was->ins > t->ins || was->seq_scan > t->seq_scan)
		return;
	t->ins_w = (t->ins - was->ins) / seconds;
	t->upd_w = (t->upd - was->upd) / seconds;
	t->del_w = (t->del - was->del) / seconds;
	t->seq_scan_w = (t->seq_scan - was->seq_scan) / seconds;
	t->seq_read_w = (t->seq_read - was->seq_read) / seconds;
}

void
sch_set_window(struct pgt_schema *s, const struct pgt_schema_base *prev)
{
	size_t i;

	s->before.at_s = NAN;
	for (i = 0; i < s->n_statements; i++) {
		struct pgt_sch_statement *q = &s->statements[i];

		q->calls_w = q->ms_w = q->rows_w = q->temp_w = q->read_w = NAN;
	}
	for (i = 0; i < s->n_tables; i++) {
		struct pgt_sch_table *t = &s->tables[i];

		t->ins_w = t->upd_w = t->del_w = t->seq_scan_w = t->seq_read_w = NAN;
	}
	if (!prev || !(s->now.at_s > prev->now.at_s) || s->now.xacts < prev->now.xacts)
		return;
	s->before = prev->now;
	s->window_s = s->now.at_s - prev->now.at_s;
	for (i = 0; i < s->n_statements; i++)
		statement_window(&s->statements[i], prev);
	for (i = 0; i < s->n_tables; i++)
		table_window(&s->tables[i], prev, s->window_s);
}
