/* Candidates for indexes, from what statements ask and what they cost. */
#include <stdlib.h>
#include <string.h>

#include "index_priv.h"

#define CANDS_MAX   400
#define SEL_DEFAULT 0.005 /* selfuncs.h DEFAULT_EQ_SEL */
#define SEL_RANGE                                                                        \
	0.1 /* between DEFAULT_INEQ_SEL 1/3 and DEFAULT_RANGE_INEQ_SEL 0.005             \
	     */

struct finder {
	struct adv_ctx *c;
	struct cand *cand;
	size_t n;
};

static bool
is_op(enum adv_op op, const char *name)
{
	return op == OP_RANGE ? *name == '<' || *name == '>' : strcmp(name, "=") == 0;
}

/* What pg_qualstats saw filters of a column keep; NAN: too little or nothing. */
static double
seen_share(const struct adv_ctx *c, const struct pgt_sch_table *t, int att,
	   enum adv_op op)
{
	double looked = 0, gone = 0;

	for (size_t i = 0; i < c->s->n_quals; i++) {
		const struct pgt_sch_qual *q = &c->s->quals[i];

		if (q->table != t->oid || q->attnum != att || !q->op || !is_op(op, q->op))
			continue;
		looked += q->executions;
		gone += q->filtered;
	}
	return looked >= 1000 ? fmax(1 - gone / looked, 1 / fmax(adv_rows(t), 1)) : NAN;
}

/* Share of the rows that the predicate keeps. */
static double
selectivity(const struct adv_ctx *c, const struct pgt_sch_table *t, int att,
	    enum adv_op op, bool *guessed)
{
	const struct pgt_sch_column *col = adv_column(c, t->oid, att);
	double nd = adv_distinct(t, col),
	       nulls = col && col->has_stats ? col->null_frac : NAN;

	if (op == OP_NULL || op == OP_NOT_NULL) {
		if (!isfinite(nulls))
			*guessed = true;
		nulls = isfinite(nulls) ? nulls : 0.5;
		return op == OP_NULL ? nulls : 1 - nulls;
	}
	if (op == OP_TRUE || op == OP_FALSE)
		return 0.5;
	if (op == OP_RANGE || (op == OP_EQ && !isfinite(nd))) {
		double seen = seen_share(c, t, att, op);

		if (isfinite(seen))
			return seen;
	}
	if (op == OP_RANGE)
		return SEL_RANGE;
	if (!isfinite(nd)) {
		*guessed = true;
		return SEL_DEFAULT;
	}
	nd = fmin(fmax((1 - (isfinite(nulls) ? nulls : 0)) / fmax(nd, 1), 1e-12), 1);
	return op == OP_IN ? fmin(5 * nd, 1) : nd;
}

static bool
is_equal(enum adv_op op)
{
	return op == OP_EQ || op == OP_IN || op == OP_JOIN;
}

static int
key_of(const struct cand *x, int att)
{
	for (int i = 0; i < x->n; i++)
		if (x->key[i].att == att)
			return i;
	return -1;
}

static void
add_key(struct cand *x, int att)
{
	if (x->n < CAND_KEYS && key_of(x, att) < 0)
		x->key[x->n++] = (struct cand_key){.att = att};
}

/* Equality columns of a relation, most selective first. */
static void
equality_keys(const struct adv_ctx *c, const struct adv_block *b, int rel, bool joins,
	      struct cand *x, double *rows)
{
	const struct pgt_sch_table *t = b->rel[rel].table;

	for (int round = 0; round < CAND_KEYS - 1; round++) {
		double best = 2;
		int att = 0;
		enum adv_op best_op = 0;

		for (int i = 0; i < b->n_preds; i++) {
			const struct adv_pred *p = &b->pred[i];
			bool unsure = false;
			double sel;

			if (p->rel != rel || !is_equal(p->op) || key_of(x, p->att) >= 0 ||
			    (p->op == OP_JOIN && !joins))
				continue;
			sel = selectivity(c, t, p->att, p->op, &unsure);
			/* IN goes after plain equality: a later key cannot keep its order
			 */
			if (p->op == OP_IN)
				sel += 1e-6;
			if (sel < best) {
				best = sel;
				att = p->att;
				best_op = p->op;
			}
		}
		if (!att)
			return;
		x->joins |= best_op == OP_JOIN;
		*rows *= selectivity(c, t, att, best_op, &x->guessed);
		/* once few rows are left another column only makes the index larger */
		add_key(x, att);
		if (*rows < 3)
			return;
	}
}

static bool
sort_keys(const struct adv_block *b, int rel, struct cand *x)
{
	int n = x->n;

	if (!b->n_sorts || b->sort_unknown || b->group || b->aggregate)
		return false;
	for (int i = 0; i < b->n_sorts; i++)
		if (b->sort[i].rel != rel || b->sort[i].distance)
			return false;
	for (int i = 0; i < b->n_preds; i++)
		if (b->pred[i].rel == rel && b->pred[i].op == OP_IN)
			return false;
	for (int i = 0; i < b->n_sorts && x->n < CAND_KEYS; i++) {
		if (key_of(x, b->sort[i].att) >= 0)
			continue;
		add_key(x, b->sort[i].att);
		x->key[x->n - 1].desc = b->sort[i].desc;
		x->key[x->n - 1].nulls_first = b->sort[i].nulls_first;
		x->key[x->n - 1].nulls_last = b->sort[i].nulls_last;
	}
	/* all the other way round is the same index read backwards */
	for (int i = n; i < x->n; i++)
		if (x->key[i].desc != x->key[n].desc)
			return true;
	for (int i = n; i < x->n; i++)
		if (!x->key[i].nulls_first && !x->key[i].nulls_last)
			x->key[i].desc = false;
	return true;
}

static void
range_key(const struct adv_ctx *c, const struct adv_block *b, int rel, struct cand *x,
	  double *rows)
{
	for (int i = 0; i < b->n_preds; i++)
		if (b->pred[i].rel == rel && b->pred[i].op == OP_RANGE &&
		    key_of(x, b->pred[i].att) < 0) {
			*rows *= selectivity(c, b->rel[rel].table, b->pred[i].att,
					     OP_RANGE, &x->guessed);
			add_key(x, b->pred[i].att);
			return;
		}
}

/* A condition that no parameter changes and that keeps few rows. */
static void
partial(struct adv_ctx *c, const struct adv_block *b, int rel, struct cand *x,
	double *rows)
{
	for (int i = 0; i < b->n_preds; i++) {
		const struct adv_pred *p = &b->pred[i];
		const struct pgt_sch_column *col;
		bool unsure = false;
		double sel;

		if (p->rel != rel || (p->op != OP_NULL && p->op != OP_NOT_NULL))
			continue;
		col = adv_column(c, x->t->oid, p->att);
		sel = selectivity(c, x->t, p->att, p->op, &unsure);
		if (!col || !col->q_name || unsure || sel > 0.3)
			continue;
		x->predicate = adv_text(c, "%s IS %sNULL", col->q_name,
					p->op == OP_NULL ? "" : "NOT ");
		*rows *= sel;
		if (x->n == 0)
			add_key(x, p->att);
		return;
	}
}

/* Does a valid index already lead to about as few rows? */
static bool
is_served(const struct adv_ctx *c, const struct adv_block *b, int rel,
	  const struct cand *x, double rows_then, bool sorted)
{
	size_t n;
	const struct pgt_sch_index *ix = adv_indexes(c, x->t->oid, &n);

	for (size_t i = 0; i < n; i++) {
		double rows = adv_rows(x->t);
		int matched = 0;

		if (!ix[i].valid || ix[i].predicate || strcmp(ix[i].am, x->am) != 0)
			continue;
		for (int k = 0; k < ix[i].n_keys && k < PGT_SCHEMA_KEYS; k++) {
			bool unsure = false, hit = false, equal = false;
			double sel = 1;

			for (int p = 0; p < b->n_preds; p++)
				if (b->pred[p].rel == rel &&
				    b->pred[p].att == ix[i].att[k] &&
				    (is_equal(b->pred[p].op) ||
				     b->pred[p].op == OP_RANGE)) {
					hit = true;
					equal |= is_equal(b->pred[p].op);
					sel = fmin(sel,
						   selectivity(c, x->t, ix[i].att[k],
							       b->pred[p].op, &unsure));
				}
			if (!hit && !(sorted && key_of(x, ix[i].att[k]) == k))
				break;
			matched++;
			rows *= sel;
			if (hit && !equal)
				break;
		}
		if (matched >= x->n ||
		    (!sorted && matched && rows <= fmax(20, 4 * rows_then)))
			return true;
		if (ix[i].unique && matched == ix[i].n_keys)
			return true;
	}
	return false;
}

/* Small columns that are read besides the keys, when they are all that is read. */
static void
covering(const struct adv_ctx *c, const struct adv_block *b, int rel, struct cand *x)
{
	double width = 0;
	int n = 0;

	if (b->star || x->t->kind != 'r' || x->rows_then < 200 || x->t->upd > x->t->ins)
		return;
	for (int i = 0; i < b->n_used; i++) {
		const struct pgt_sch_column *col = adv_column(c, x->t->oid,
							      b->used[i].att);

		if (b->used[i].rel != rel || key_of(x, b->used[i].att) >= 0)
			continue;
		if (!col || !col->has_stats || n == 3)
			return;
		width += col->avg_width;
		x->include[n++] = b->used[i].att;
	}
	x->n_include = width <= 24 ? n : 0;
}

static bool
same_keys(const struct cand *a, const struct cand *b, int n)
{
	for (int i = 0; i < n; i++)
		if (a->key[i].att != b->key[i].att || a->key[i].desc != b->key[i].desc ||
		    a->key[i].lower != b->key[i].lower)
			return false;
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void
join_queries(struct cand *to, const struct cand *from)
{
	to->time_pct += from->time_pct;
	to->gain_pct += from->gain_pct;
	to->ms += from->ms;
	to->calls += from->calls;
	for (int i = 0; i < from->n_q && to->n_q < CAND_QUERIES; i++)
		to->q[to->n_q++] = from->q[i];
}

/* The longer of two that begin alike serves both. */
static void
keep(struct finder *f, const struct cand *x)
{
	for (size_t i = 0; i < f->n; i++) {
		struct cand *y = &f->cand[i];
		int n = x->n < y->n ? x->n : y->n;

		if (y->t != x->t || strcmp(y->am, x->am) != 0 ||
		    !same_text(y->predicate, x->predicate) ||
		    !same_text(y->opclass, x->opclass) || !same_keys(x, y, n))
			continue;
		if (x->n > y->n) {
			struct cand longer = *x;

			join_queries(&longer, y);
			*y = longer;
		} else {
			join_queries(y, x);
		}
		return;
	}
	if (f->n < CANDS_MAX)
		f->cand[f->n++] = *x;
}

/* Blocks of an index scan that fetches so many rows: a descent, and a page a row unless
 * the rows stand together. */
static double
blocks_for(const struct adv_ctx *c, const struct cand *x, double rows)
{
	const struct pgt_sch_column *col = adv_column(c, x->t->oid, x->key[0].att);
	double corr = col && isfinite(col->correlation) ? fabs(col->correlation) : 0;
	double pages = fmax(x->t->bytes / PAGE, 1),
	       per_page = fmax(adv_rows(x->t) / pages, 1);
	double apart = fmin(rows, pages), together = rows / per_page;

	return 4 + corr * corr * together + (1 - corr * corr) * apart;
}

static void
weigh(struct finder *f, struct cand *x, const struct pgt_sch_statement *q, double rows,
      bool stops_early)
{
	const struct adv_ctx *c = f->c;
	double calls = q->calls, now = (q->hit + q->read) / fmax(calls, 1);
	double seen = q->rows / fmax(calls, 1), gain;

	if (stops_early)
		rows = fmin(rows, 1.5 * seen + 1);
	x->rows_then = fmax(rows, 1);
	x->blocks_now = now;
	x->blocks_then = blocks_for(c, x, x->rows_then);
	x->time_pct = adv_time_pct(c, q);
	x->ms = adv_ms(c, q);
	x->calls = adv_calls(c, q);
	x->q[0] = q;
	x->n_q = 1;
	/* rows in memory cost by the row, not by the page: the slower of both ways */
	gain = 1 - fmax(x->blocks_then / fmax(now, 1),
			x->rows_then / fmax(adv_rows(x->t), 1));
	x->gain_pct = x->time_pct * fmin(fmax(gain, 0), 0.995);
	if (gain > 0.5 && now > 50)
		keep(f, x);
}

/* ---- btree ---- */

static void
btree(struct finder *f, const struct adv_block *b, int rel,
      const struct pgt_sch_statement *q, bool joins)
{
	struct cand x = {.t = b->rel[rel].table, .am = "btree", .opclass = ""};
	double rows = adv_rows(x.t), before;
	bool ordered = true;

	equality_keys(f->c, b, rel, joins, &x, &rows);
	before = rows;
	for (int i = 0; i < x.n; i++)
		ordered &= !x.joins;
	partial(f->c, b, rel, &x, &rows);
	if (b->limit && ordered && b->n_rels == 1)
		x.sorts = sort_keys(b, rel, &x);
	if (!x.sorts)
		range_key(f->c, b, rel, &x, &rows);
	if (!x.n || (x.n == 1 && before == adv_rows(x.t) && !x.sorts && !x.predicate &&
		     rows > 0.2 * adv_rows(x.t)))
		return;
	if (is_served(f->c, b, rel, &x, rows, x.sorts))
		return;
	x.rows_then = rows;
	covering(f->c, b, rel, &x);
	/* a time series in order of time: a thousandth of the size does */
	if (x.n == 1 && !x.sorts && !x.predicate && before == adv_rows(x.t) &&
	    adv_rows(x.t) > 1e6) {
		const struct pgt_sch_column *col = adv_column(f->c, x.t->oid,
							      x.key[0].att);

		if (col && col->has_stats && fabs(col->correlation) > 0.99)
			x.am = "brin";
	}
	weigh(f, &x, q, rows, x.sorts && b->limit);
}

/* ---- other access methods ---- */

static const char *
gin_class(const struct pgt_sch_column *col, enum adv_op op, bool trgm)
{
	if (op == OP_CONTAINS && strcmp(col->type, "jsonb") == 0)
		return "jsonb_path_ops";
	if (op == OP_CONTAINS && col->category == 'A')
		return "";
	if (op == OP_MATCH && strcmp(col->type, "tsvector") == 0)
		return "";
	if ((op == OP_LIKE || op == OP_ILIKE) && col->category == 'S' && trgm)
		return "gin_trgm_ops";
	return NULL;
}

static const char *
trgm_class(struct adv_ctx *c)
{
	for (size_t i = 0; i < c->s->n_extensions; i++)
		if (strcmp(c->s->extensions[i].name, "pg_trgm") == 0 &&
		    c->s->extensions[i].q_schema)
			return adv_text(c, "%s.gin_trgm_ops",
					c->s->extensions[i].q_schema);
	return "gin_trgm_ops";
}

static bool
has_index(const struct adv_ctx *c, const struct pgt_sch_table *t, int att, const char *am)
{
	size_t n;
	const struct pgt_sch_index *ix = adv_indexes(c, t->oid, &n);

	for (size_t i = 0; i < n; i++)
		for (int k = 0; ix[i].valid && k < ix[i].n_keys && k < PGT_SCHEMA_KEYS;
		     k++)
			if (ix[i].att[k] == att &&
			    (strcmp(ix[i].am, am) == 0 || strcmp(ix[i].am, "gist") == 0))
				return true;
	return false;
}

static void
gin(struct finder *f, const struct adv_block *b, const struct adv_pred *p,
    const struct pgt_sch_statement *q)
{
	const struct pgt_sch_table *t = b->rel[p->rel].table;
	const struct pgt_sch_column *col = adv_column(f->c, t->oid, p->att);
	struct cand x = {.t = t, .am = "gin"};

	if (!col || has_index(f->c, t, p->att, "gin"))
		return;
	x.opclass = gin_class(col, p->op, f->c->s->has_trgm);
	if (!x.opclass) {
		if ((p->op == OP_LIKE || p->op == OP_ILIKE) &&
		    adv_time_pct(f->c, q) > 5 && !f->c->s->has_trgm)
			adv_note(
			    f->c,
			    "%s is searched with LIKE (%.0f%% of query time): with the "
			    "extension pg_trgm an index for it would be proposed",
			    t->name, adv_time_pct(f->c, q));
		return;
	}
	if (p->op == OP_LIKE || p->op == OP_ILIKE) {
		x.opclass = trgm_class(f->c);
		x.unsure_pattern = true;
	}
	x.guessed = true;
	add_key(&x, p->att);
	weigh(f, &x, q, fmax(q->rows / fmax(q->calls, 1) * 2, 0.001 * adv_rows(t)),
	      false);
}

static void
lower(struct finder *f, const struct adv_block *b, const struct adv_pred *p,
      const struct pgt_sch_statement *q)
{
	const struct pgt_sch_table *t = b->rel[p->rel].table;
	struct cand x = {.t = t, .am = "btree", .opclass = ""};
	size_t n;
	const struct pgt_sch_index *ix = adv_indexes(f->c, t->oid, &n);
	bool unsure = false;
	double sel = selectivity(f->c, t, p->att, OP_EQ, &unsure);

	for (size_t i = 0; i < n; i++)
		if (ix[i].valid && ix[i].expressions &&
		    strstr(ix[i].expressions, "lower("))
			return;
	x.guessed = unsure;
	add_key(&x, p->att);
	x.key[0].lower = true;
	weigh(f, &x, q, sel * adv_rows(t), false);
}

static void
look_at(struct finder *f, const struct adv_block *b, const struct pgt_sch_statement *q)
{
	double min_rows = adv_rule(f->c, "index", "min_rows");

	for (int rel = 0; rel < b->n_rels; rel++) {
		const struct pgt_sch_table *t = b->rel[rel].table;

		if (adv_rows(t) < min_rows || !t->q_name || t->kind == 'm')
			continue;
		btree(f, b, rel, q, false);
		if (b->n_rels > 1)
			btree(f, b, rel, q, true);
		for (int i = 0; i < b->n_preds; i++) {
			if (b->pred[i].rel != rel)
				continue;
			if (b->pred[i].op == OP_CONTAINS || b->pred[i].op == OP_MATCH ||
			    b->pred[i].op == OP_LIKE || b->pred[i].op == OP_ILIKE)
				gin(f, b, &b->pred[i], q);
			if (b->pred[i].op == OP_LOWER)
				lower(f, b, &b->pred[i], q);
		}
	}
}

static int
by_gain(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	return (x->gain_pct < y->gain_pct) - (x->gain_pct > y->gain_pct);
}

/* Two joins of one statement name both sides: the better candidate of a statement and
 * table is enough for now; the other comes back when it still hurts. */
static bool
overlaps(const struct finder *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->cand[k].n_q && f->cand[k].q[0] == f->cand[i].q[0] &&
		    f->cand[k].t == f->cand[i].t)
			return true;
	return false;
}

void
adv_index_missing(struct adv_ctx *c)
{
	struct finder f = {.c = c};
	double min_pct = adv_rule(c, "index", "min_time_pct");

	if (!c->s->has_pgss || c->s->in_recovery || !c->s->n_statements)
		return;
	f.cand = pgt_xcalloc(CANDS_MAX, sizeof(*f.cand));
	for (size_t i = 0; i < c->s->n_statements; i++) {
		const struct pgt_sch_statement *q = &c->s->statements[i];
		const struct adv_parsed *p;

		if (adv_time_pct(c, q) < min_pct / 10 || !(adv_calls(c, q) > 0))
			continue;
		p = adv_parse(c, i);
		for (int k = 0; k < p->n_blocks; k++)
			look_at(&f, p->block[k], q);
	}
	qsort(f.cand, f.n, sizeof(*f.cand), by_gain);
	for (size_t i = 0; i < f.n; i++)
		if (f.cand[i].gain_pct >= min_pct && !overlaps(&f, i))
			cand_advise(c, &f.cand[i]);
	free(f.cand);
}
