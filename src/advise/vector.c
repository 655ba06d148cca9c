/* pgvector: an index where there is none, one that does not fit, one that cannot be used.
 */
#include <stdlib.h>
#include <string.h>

#include "index_priv.h"

#define DOC "https://github.com/pgvector/pgvector#indexing"

static int
dimensions(const struct pgt_sch_column *col)
{
	const char *open = strstr(col->type, "vector(");

	if (!open)
		open = strstr(col->type, "halfvec(");
	open = open ? strchr(open, '(') : NULL;
	return open ? (int)strtol(open + 1, NULL, 10) : 0;
}

static bool
is_vector(const struct pgt_sch_column *col)
{
	const char *dot = strrchr(col->type, '.'), *name = dot ? dot + 1 : col->type;

	return strncmp(name, "vector", 6) == 0 || strncmp(name, "halfvec", 7) == 0;
}

static const char *
class_of(const char *op)
{
	return strcmp(op, "<=>") == 0 ? "vector_cosine_ops"
	       : strcmp(op, "<#>") == 0 ? "vector_ip_ops"
					: "vector_l2_ops";
}

static bool
is_ann(const struct pgt_sch_index *ix)
{
	return strcmp(ix->am, "hnsw") == 0 || strcmp(ix->am, "ivfflat") == 0;
}

/* Of HNSW: an element with its neighbours (m = 16) on pages of 8 kB; at most a page each
 * from about 1,900 dimensions on.  pgvector src/hnsw.h. */
static double
hnsw_bytes(double rows, int dims)
{
	double element = 4.0 * dims + 8 + 60 + 16 * 2 * 6 * 1.1;
	double per_page = fmax(floor((PAGE - 100) / element), 1);

	return rows / per_page * PAGE;
}

static void
missing(struct adv_ctx *c, const struct pgt_sch_statement *q,
	const struct pgt_sch_table *t, const struct pgt_sch_column *col, const char *op)
{
	int dims = dimensions(col);
	double rows = adv_rows(t), need = hnsw_bytes(rows, dims > 0 ? dims : 768);
	double mem = adv_setting(c, "maintenance_work_mem");
	const char *rest, *schema = "public";
	struct pgt_advice *a;

	for (size_t i = 0; i < c->s->n_extensions; i++)
		if (strcmp(c->s->extensions[i].name, "vector") == 0)
			schema = c->s->extensions[i].q_schema;
	if (rows < adv_rule(c, "index", "min_rows") || !col->q_name || !schema)
		return;
	a = adv_new(c, PGT_ADVICE_VECTOR, 30 + 0.6 * adv_time_pct(c, q),
		    "vector:%s.%s(%s)", t->schema, t->name, col->name);
	rest = adv_text(c, "USING hnsw (%s %s.%s)", col->q_name, schema, class_of(op));
	a->title = adv_sql(c, "title_create", "table", t->name, "what",
			   adv_text(c, "USING hnsw (%s %s)", col->name, class_of(op)),
			   NULL);
	if (dims > 2000)
		a->title = adv_text(c, "Make %s.%s indexable: %d dimensions", t->name,
				    col->name, dims);
	else
		adv_index_act(c, a, t, adv_index_name(c, t, col->name), rest);
	a->queryid = q->queryid;
	adv_evidence(c, a, adv_short_sql(c, q->text), "%.1f%% of query time",
		     adv_time_pct(c, q));
	adv_evidence(c, a, "index", "~%s; maintenance_work_mem %s", adv_bytes(c, need),
		     adv_bytes(c, mem));
	a->why = adv_text(
	    c,
	    "Statements order %s rows of %s by %s and read them all: no vector index "
	    "exists. %s",
	    adv_count(c, rows), t->name, op,
	    dims > 2000 ? "A vector of more than 2,000 dimensions cannot be indexed: use "
			  "halfvec (to 4,000) or fewer dimensions."
	    : need > mem ? "Raise maintenance_work_mem for the build, else it is slow."
			 : "");
	adv_effect(a, "its time", -95, -99.9, -50,
		   "an approximate search reads a few hundred elements");
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "parsed; recall becomes approximate, which the application must "
		 "accept");
	a->costs = adv_text(
	    c,
	    "~%s, slow inserts; results are approximate (hnsw.ef_search at least the "
	    "LIMIT)",
	    adv_bytes(c, need));
	a->not_if = "a filter leaves few rows: exact search over those is better";
	a->source = DOC;
}

static void
searches(struct adv_ctx *c)
{
	for (size_t i = 0; i < c->s->n_statements; i++) {
		const struct adv_parsed *p;

		if (adv_time_pct(c, &c->s->statements[i]) < 1)
			continue;
		p = adv_parse(c, i);
		for (int k = 0; k < p->n_blocks; k++) {
			const struct adv_block *b = p->block[k];
			const struct pgt_sch_table *t;
			const struct pgt_sch_column *col;
			const struct pgt_sch_index *ix;
			bool served = false;
			size_t n;

			if (!b->n_sorts || !b->sort[0].distance)
				continue;
			t = b->rel[b->sort[0].rel].table;
			col = adv_column(c, t->oid, b->sort[0].att);
			ix = adv_indexes(c, t->oid, &n);
			for (size_t m = 0; m < n; m++)
				served |= is_ann(&ix[m]) && ix[m].valid &&
					  ix[m].att[0] == b->sort[0].att &&
					  ix[m].opclass[0] &&
					  strcmp(ix[m].opclass[0],
						 class_of(b->sort[0].distance)) == 0;
			if (col && is_vector(col) && !served)
				missing(c, &c->s->statements[i], t, col,
					b->sort[0].distance);
		}
	}
}

/* An index that does not fit the cache answers at the speed of the disk. */
static void
too_large(struct adv_ctx *c)
{
	double shared = adv_setting(c, "shared_buffers"), cache;

	cache = c->host.ram_bytes > 0 ? 0.75 * c->host.ram_bytes : shared;
	for (size_t i = 0; i < c->s->n_indexes; i++) {
		const struct pgt_sch_index *ix = &c->s->indexes[i];
		struct pgt_advice *a;

		if (strcmp(ix->am, "hnsw") != 0 || !ix->valid || !(cache > 0) ||
		    ix->bytes < 64 * MB || ix->bytes < (ix->bytes > cache ? 0 : shared))
			continue;
		a = adv_new(c, PGT_ADVICE_VECTOR, ix->bytes > cache ? 55 : 35,
			    "vector:size:%s.%s", ix->schema, ix->name);
		a->title = adv_text(c, "HNSW index %s is larger than the cache",
				    ix->name);
		adv_evidence(c, a, "index", "%s", adv_bytes(c, ix->bytes));
		adv_evidence(c, a, "shared_buffers", "%s", adv_bytes(c, shared));
		a->why = adv_text(
		    c,
		    "%s has %s; shared_buffers has %s%s. A search follows links over the "
		    "whole graph, so what is not cached is read at random. halfvec "
		    "halves it.",
		    ix->name, adv_bytes(c, ix->bytes), adv_bytes(c, shared),
		    c->host.ram_bytes > 0 ? adv_text(c, " and the machine %s",
						     adv_bytes(c, c->host.ram_bytes))
					  : "");
		adv_effect(a, "size of the index", -45, -50, -30,
			   "two bytes a dimension instead of four");
		adv_sure(c, a, c->host.ram_bytes > 0 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
			 "sizes");
		a->costs = "an index on a cast to halfvec, some precision";
		a->source = DOC;
	}
}

void
adv_vector(struct adv_ctx *c)
{
	if (!c->s->has_vector)
		return;
	searches(c);
	too_large(c);
}
