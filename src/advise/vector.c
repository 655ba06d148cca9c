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
	return strcmp(op, "<=>") == 0   ? "vector_cosine_ops"
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

/* Of IVFFlat: rows / 1000 to a million, then the square root (pgvector, README). */
static double
ivf_lists(double rows)
{
	return fmax(rows <= 1e6 ? rows / 1000 : sqrt(rows), 10);
}

struct search { /* one ORDER BY distance */
	const struct pgt_sch_statement *q;
	const struct adv_block *b;
	const struct pgt_sch_table *t;
	const struct pgt_sch_column *col;
	int rel;
	const char *op;
	double kept;                       /* rows that the other conditions leave */
	const char *filter;                /* the most selective column of them; NULL */
	const struct pgt_sch_index *ann;   /* that serves it; NULL */
	const struct pgt_sch_index *other; /* on the column, for another operator */
};

static void
what_filters(const struct adv_ctx *c, struct search *s)
{
	double best = 1;

	s->kept = adv_rows(s->t);
	for (int i = 0; i < s->b->n_preds; i++) {
		const struct adv_pred *p = &s->b->pred[i];
		const struct pgt_sch_column *col = adv_column(c, s->t->oid, p->att);
		double nd = adv_distinct(s->t, col);

		if (p->rel != s->rel || (p->op != OP_EQ && p->op != OP_IN) || !(nd > 1))
			continue;
		s->kept /= nd;
		if (1 / nd < best) {
			best = 1 / nd;
			s->filter = col->q_name;
		}
	}
}

static const char *
vector_schema(const struct adv_ctx *c)
{
	for (size_t i = 0; i < c->s->n_extensions; i++)
		if (strcmp(c->s->extensions[i].name, "vector") == 0)
			return c->s->extensions[i].q_schema;
	return "public";
}

static bool
has_iterative_scan(const struct adv_ctx *c)
{
	for (size_t i = 0; i < c->s->n_extensions; i++) {
		const struct pgt_sch_extension *e = &c->s->extensions[i];

		if (strcmp(e->name, "vector") == 0 && e->version)
			return strncmp(e->version, "0.", 2) != 0 ||
			       strtol(e->version + 2, NULL, 10) >= 8;
	}
	return false;
}

/* Vectors of other widths go by an expression: which, the application knows. */
static void
too_wide(struct adv_ctx *c, struct pgt_advice *a, const struct search *s, int dims)
{
	a->title = adv_text(c, "Make %s.%s indexable: %d dimensions", s->t->name,
			    s->col->name, dims);
	a->table = NULL;
}

static const char *
missing_why(struct adv_ctx *c, const struct search *s, int dims, double need, double mem)
{
	double ram = c->host.ram_bytes;

	if (dims > 2000)
		return "A vector of more than 2,000 dimensions cannot be indexed: use "
		       "halfvec (to 4,000) or fewer dimensions.";
	if (s->other)
		return adv_text(c,
				"%s is there, but for another operator (%s): an index "
				"serves only the one of its operator class.",
				s->other->name, s->other->opclass[0]);
	if (ram > 0 && need > 0.75 * ram)
		return adv_text(
		    c,
		    "The graph would not fit into the machine's %s: take halfvec, "
		    "or IVFFlat with lists = %.0f and probes = %.0f, built "
		    "after the table is filled.",
		    adv_bytes(c, ram), ivf_lists(adv_rows(s->t)),
		    ceil(sqrt(ivf_lists(adv_rows(s->t)))));
	return need > mem
		   ? adv_text(c,
			      "Set maintenance_work_mem to %s for the build: a graph "
			      "that does not fit into it is built many times slower.",
			      adv_bytes(c, 1.1 * need))
		   : "";
}

static void
missing(struct adv_ctx *c, const struct search *s)
{
	int dims = dimensions(s->col);
	double rows = adv_rows(s->t), need = hnsw_bytes(rows, dims > 0 ? dims : 768);
	double mem = adv_setting(c, "maintenance_work_mem");
	const char *schema = vector_schema(c), *cls = class_of(s->op), *rest;
	struct pgt_advice *a;

	if (rows < adv_rule(c, "index", "min_rows") || !s->col->q_name || !schema)
		return;
	if (s->filter && s->kept < adv_rule(c, "vector", "exact_rows")) {
		adv_note(c,
			 "%s is searched by distance among about %s rows that %s leaves: "
			 "exact search over those is right, a vector index is not",
			 s->t->name, adv_count(c, s->kept), s->filter);
		return;
	}
	a = adv_new(c, PGT_ADVICE_VECTOR, 30 + 0.6 * adv_time_pct(c, s->q),
		    "vector:%s.%s(%s)", s->t->schema, s->t->name, s->col->name);
	rest = adv_text(c, "USING hnsw (%s %s.%s)", s->col->q_name, schema, cls);
	a->title = adv_sql(c, "title_create", "table", s->t->name, "what",
			   adv_text(c, "USING hnsw (%s %s)", s->col->name, cls), NULL);
	if (dims > 2000)
		too_wide(c, a, s, dims);
	else
		adv_index_act(c, a, s->t, adv_index_name(c, s->t, s->col->name), rest);
	a->queryid = s->q->queryid;
	adv_evidence(c, a, adv_short_sql(c, s->q->text), "%.1f%% of query time",
		     adv_time_pct(c, s->q));
	adv_evidence(c, a, "index", "~%s; maintenance_work_mem %s", adv_bytes(c, need),
		     adv_bytes(c, mem));
	adv_evidence(c, a, "table", "%s, and %s of TOAST, where vectors lie",
		     adv_bytes(c, s->t->bytes), adv_bytes(c, s->t->toast_bytes));
	a->why = adv_text(c,
			  "Statements order %s rows of %s by %s and read them all%s. %s",
			  adv_count(c, rows), s->t->name, s->op,
			  s->other ? "" : ": no vector index exists",
			  missing_why(c, s, dims, need, mem));
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

/* ---- an index that answers short ---- */

/* A database's setting, since a SET of a session is lost or shared behind a pooler. */
static void
for_database(struct adv_ctx *c, struct pgt_advice *a, const char *name, const char *value)
{
	a->how = PGT_HOW_ONLINE;
	a->proposed = adv_text(c, "%s = %s for database %s", name, value, c->s->database);
	a->act = (struct pgt_advice_act){.kind = "database_setting",
					 .name = name,
					 .value = value,
					 .database = c->s->database};
	a->costs = "each search reads more of the graph; behind a pooler in transaction "
		   "mode use this or SET LOCAL, never SET";
	a->blast = "new sessions of the database";
	a->source = "https://github.com/pgvector/pgvector#query-options";
}

static void
short_answers(struct adv_ctx *c, const struct search *s)
{
	double ef = adv_setting(c, "hnsw.ef_search"), seen, want;
	struct pgt_advice *a;

	if (strcmp(s->ann->am, "hnsw") != 0 || !s->b->limit)
		return;
	ef = ef > 0 ? ef : adv_rule(c, "vector", "ef_search");
	seen = s->q->rows / fmax(s->q->calls, 1);
	/* a search returns at most ef_search rows: just so many is the limit at work */
	if (seen < 0.95 * ef || seen > 1.05 * ef)
		return;
	want = fmin(ceil(2.5 * ef / 10) * 10, 1000);
	a = adv_new(c, PGT_ADVICE_VECTOR, 42, "vector:ef_search:%lld",
		    (long long)s->q->queryid);
	a->title = adv_text(c, "Raise hnsw.ef_search %.0f -> %.0f: answers are cut", ef,
			    want);
	a->queryid = s->q->queryid;
	a->current = adv_text(c, "hnsw.ef_search = %.0f", ef);
	for_database(c, a, "hnsw.ef_search", adv_text(c, "%.0f", want));
	adv_evidence(c, a, adv_short_sql(c, s->q->text), "%.1f rows a call, %s calls",
		     seen, adv_count(c, adv_calls(c, s->q)));
	a->why = adv_text(
	    c,
	    "A search by %s returns at most hnsw.ef_search = %.0f rows, and this one "
	    "returns %.1f on average: its LIMIT is cut. ef_search should be at least the "
	    "LIMIT.",
	    s->ann->name, ef, seen);
	adv_effect(a, "rows a search returns", 50, 0, 100 * (want / ef - 1),
		   "the LIMIT itself is not known");
	adv_sure(c, a, PGT_GRADE_MEDIUM, "rows a call against the limit of the index");
	a->not_if = "the LIMIT is just that number";
}

static void
filtered(struct adv_ctx *c, const struct search *s)
{
	struct pgt_advice *a;
	double share = s->kept / fmax(adv_rows(s->t), 1);

	if (!s->filter || share > adv_rule(c, "vector", "filter_share"))
		return;
	a = adv_new(c, PGT_ADVICE_VECTOR, 40, "vector:filter:%s.%s(%s)", s->t->schema,
		    s->t->name, s->col->name);
	a->title = adv_text(c, "Let searches of %s by %s look further", s->t->name,
			    s->filter);
	a->queryid = s->q->queryid;
	adv_evidence(c, a, adv_short_sql(c, s->q->text), "%.1f rows a call",
		     s->q->rows / fmax(s->q->calls, 1));
	adv_evidence(c, a, "rows that the filter leaves", "%s of %s",
		     adv_count(c, s->kept), adv_count(c, adv_rows(s->t)));
	if (has_iterative_scan(c) && strcmp(s->ann->am, "hnsw") == 0)
		for_database(c, a, "hnsw.iterative_scan", "strict_order");
	else
		a->proposed =
		    "a partial index or partitions by the filter; 0.8 and later "
		    "have iterative scans";
	a->source = "https://github.com/pgvector/pgvector#filtering";
	a->why = adv_text(
	    c,
	    "The index finds the nearest of all rows and %s is checked after it: where "
	    "it keeps %.1f%%, most of what was found is thrown away and fewer rows come "
	    "than LIMIT asks for.",
	    s->filter, 100 * share);
	adv_sure(c, a, PGT_GRADE_MEDIUM, "parsed; share of the filter from pg_stats");
	a->not_if = s->kept < adv_rule(c, "vector", "exact_rows")
			? "an index on the filter with exact search is better still"
			: "few values of the filter are asked for: a partial index each";
}

static void
look_at(struct adv_ctx *c, struct search *s)
{
	size_t n;
	const struct pgt_sch_index *ix;

	s->t = s->b->rel[s->rel].table;
	s->col = adv_column(c, s->t->oid, s->b->sort[0].att);
	s->op = s->b->sort[0].distance;
	if (!s->col || !is_vector(s->col))
		return;
	ix = adv_indexes(c, s->t->oid, &n);
	for (size_t m = 0; m < n; m++) {
		if (!is_ann(&ix[m]) || !ix[m].valid || ix[m].att[0] != s->b->sort[0].att)
			continue;
		if (ix[m].opclass[0] && strcmp(ix[m].opclass[0], class_of(s->op)) == 0)
			s->ann = &ix[m];
		else
			s->other = &ix[m];
	}
	what_filters(c, s);
	if (!s->ann) {
		missing(c, s);
		return;
	}
	short_answers(c, s);
	filtered(c, s);
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
			struct search s = {.q = &c->s->statements[i], .b = p->block[k]};

			if (!s.b->n_sorts || !s.b->sort[0].distance)
				continue;
			s.rel = s.b->sort[0].rel;
			look_at(c, &s);
		}
	}
}

/* ---- what is there ---- */

/* "... WITH (lists='100')" */
static void
lists(struct adv_ctx *c, const struct pgt_sch_index *ix, const struct pgt_sch_table *t)
{
	const char *at = ix->definition ? strstr(ix->definition, "lists=") : NULL;
	double now = at ? strtod(at + 6 + (at[6] == '\''), NULL) : 100;
	double want = ceil(ivf_lists(adv_rows(t)));
	struct pgt_advice *a;

	if (adv_rows(t) < 10000 || !(now > 0) || (want / now < 4 && now / want < 4))
		return;
	a = adv_new(c, PGT_ADVICE_VECTOR, 28, "vector:lists:%s.%s", ix->schema, ix->name);
	a->title = adv_text(c, "Build %s anew with lists = %.0f", ix->name, want);
	a->current = adv_text(c, "lists = %.0f", now);
	a->proposed = adv_text(c, "lists = %.0f, ivfflat.probes = %.0f", want,
			       ceil(sqrt(want)));
	adv_evidence(c, a, "rows", "%s: %.0f a list", adv_count(c, adv_rows(t)),
		     adv_rows(t) / now);
	a->why = adv_text(
	    c,
	    "%s divides %s rows into %.0f lists; rows / 1000 to a million and the root "
	    "above, here %.0f, keep a search short. Probes of about the root of the "
	    "lists "
	    "keep its recall.",
	    ix->name, adv_count(c, adv_rows(t)), now, want);
	adv_sure(c, a, PGT_GRADE_MEDIUM, "pgvector's own rule; recall was not measured");
	adv_effect(a, "rows read by a probe", 100 * (now / want - 1), -99, 400,
		   "rows in a list");
	a->source = "https://github.com/pgvector/pgvector#ivfflat";
}

/* Vacuum repairs the graph element by element: after much churn a new one is cheaper, and
 * before the vacuum. */
static void
churned(struct adv_ctx *c, const struct pgt_sch_index *ix, const struct pgt_sch_table *t)
{
	double gone = t->dead > 0 ? t->dead : 0, share = gone / fmax(adv_rows(t), 1);
	struct pgt_advice *a;

	if (adv_rows(t) < 10000 || !(share >= adv_rule(c, "vector", "churn_share")) ||
	    !ix->q_name)
		return;
	a = adv_new(c, PGT_ADVICE_VECTOR, 44, "index_reindex:%s.%s", ix->schema,
		    ix->name);
	a->title = adv_sql(c, "title_reindex", "index",
			   adv_text(c, "%s.%s", ix->schema, ix->name), "what",
			   "before the vacuum", NULL);
	a->statement = adv_sql(c, "index_reindex", "index", ix->q_name, NULL);
	a->act = (struct pgt_advice_act){.kind = "index_reindex",
					 .name = ix->name,
					 .schema = ix->schema,
					 .database = c->s->database};
	a->how = PGT_HOW_ONLINE;
	adv_evidence(c, a, "dead rows", "%s of %s", adv_count(c, gone),
		     adv_count(c, adv_rows(t)));
	a->why = adv_text(c,
			  "%.0f%% of the rows of %s are dead: vacuum would mend the "
			  "graph of %s element "
			  "by element, which takes longer than building it. REINDEX "
			  "CONCURRENTLY first, "
			  "then VACUUM.",
			  100 * share, t->name, ix->name);
	adv_effect(a, "time of the next vacuum", -70, -95, -20,
		   "a new graph has no dead "
		   "elements");
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "dead rows are counted; the vacuum was not seen");
	a->costs = adv_text(c, "%s of disk while it is built", adv_bytes(c, ix->bytes));
	a->blast = "readers and writers go on; the build waits for older transactions";
	a->source = "https://github.com/pgvector/pgvector#vacuuming";
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
	for (size_t i = 0; i < c->s->n_indexes; i++) {
		const struct pgt_sch_index *ix = &c->s->indexes[i];
		const struct pgt_sch_table *t = adv_table(c, ix->table);

		if (!t || !ix->valid || !is_ann(ix))
			continue;
		if (strcmp(ix->am, "ivfflat") == 0)
			lists(c, ix, t);
		else
			churned(c, ix, t);
	}
}
