/* Foreign keys that no index leads with: each DELETE of the other side scans this one. */
#include <string.h>

#include "index_priv.h"
#include "pg2une/base/buf.h"

/* The same columns in any order as the first of a whole, valid index. */
static bool
is_led(const struct adv_ctx *c, const struct pgt_sch_fk *fk)
{
	size_t n;
	const struct pgt_sch_index *ix = adv_indexes(c, fk->table, &n);

	for (size_t i = 0; i < n; i++) {
		int hit = 0;

		if (!ix[i].valid || ix[i].predicate || ix[i].n_keys < fk->n)
			continue;
		for (int k = 0; k < fk->n; k++)
			for (int m = 0; m < fk->n; m++)
				hit += ix[i].att[k] == fk->att[m] && ix[i].att[k] != 0;
		if (hit == fk->n)
			return true;
	}
	return false;
}

static const char *
columns(struct adv_ctx *c, const struct pgt_sch_fk *fk, bool quoted, const char *sep)
{
	struct pgt_buf b;
	const char *ret;

	pgt_buf_init(&b, 4096);
	for (int i = 0; i < fk->n; i++) {
		const struct pgt_sch_column *col = adv_column(c, fk->table, fk->att[i]);
		const char *name = col ? (quoted ? col->q_name : col->name) : NULL;

		if (!name) {
			pgt_buf_done(&b);
			return NULL;
		}
		pgt_buf_printf(&b, "%s%s", i ? sep : "", name);
	}
	ret = pgt_arena_strdup(c->a, pgt_buf_str(&b));
	pgt_buf_done(&b);
	return ret;
}

static void
advise_fk(struct adv_ctx *c, const struct pgt_sch_fk *fk, const struct pgt_sch_table *t)
{
	const struct pgt_sch_table *ref = adv_table(c, fk->ref);
	const char *cols = columns(c, fk, true, ", "),
		   *show = columns(c, fk, false, ", ");
	double rate = ref && isfinite(ref->del_w) ? ref->del_w : 0;
	double deletes = ref ? ref->del + (fk->on_delete == 'a' ? 0 : ref->upd * 0) : 0;
	struct pgt_advice *a;

	if (!cols || !show)
		return;
	a = adv_new(c, PGT_ADVICE_INDEX,
		    (deletes > 0 ? 40 : 22) +
			8 * fmin(log10(fmax(adv_rows(t) / 1e4, 1)), 3) +
			(rate > 0 ? 15 : 0),
		    "index:%s.%s(%s)", t->schema, t->name, show);
	a->title = adv_sql(c, "title_create", "table", t->name, "what",
			   adv_text(c, "(%s)  foreign key", show), NULL);
	a->current = "no index leads with the foreign key";
	a->proposed = adv_text(c, "USING btree (%s)", show);
	adv_index_act(c, a, t, adv_index_name(c, t, columns(c, fk, false, "_")),
		      adv_text(c, "USING btree (%s)", cols));
	adv_evidence(c, a, "foreign key", "%s (%s) references %s", fk->name, show,
		     fk->ref_name);
	adv_evidence(c, a, "rows of the referencing table", "%s, %s",
		     adv_count(c, adv_rows(t)), adv_bytes(c, t->bytes));
	adv_evidence(c, a, "deletes from the referenced table",
		     "%s since the reset, %s/s now", adv_count(c, deletes),
		     adv_count(c, rate));
	a->why = adv_text(
	    c,
	    "Deleting a row of %s (or changing its key) looks for references in %s "
	    "and no index leads there: each reads all %s rows while holding the "
	    "lock. %s rows were deleted there since the reset.",
	    fk->ref_name, t->q_name, adv_count(c, adv_rows(t)), adv_count(c, deletes));
	if (fk->on_delete == 'c')
		adv_evidence(c, a, "on delete", "cascade: the rows here are deleted too");
	adv_effect(a, adv_text(c, "time of a delete from %s", fk->ref_name),
		   deletes > 0 ? -95 : -90, -99.9, -50,
		   "one index descent instead of a scan for each deleted row");
	a->costs = adv_text(c, "index ~%s; one more entry for each insert",
			    adv_bytes(c, adv_index_bytes(c, t, fk->att, fk->n)));
	if (deletes > 0)
		adv_sure(c, a, PGT_GRADE_HIGH,
			 "read from the catalogue; the referenced table does "
			 "lose rows");
	else
		adv_sure(c, a, PGT_GRADE_MEDIUM,
			 "read from the catalogue; no delete was seen since "
			 "the reset");
	a->not_if =
	    "rows of the referenced table are never deleted and its key never changes";
	a->source = "pg_constraint against pg_index; "
		    "https://www.postgresql.org/docs/current/"
		    "ddl-constraints.html#DDL-CONSTRAINTS-FK";
}

void
adv_index_fk(struct adv_ctx *c)
{
	double min_rows = adv_rule(c, "index", "min_rows");

	if (c->s->in_recovery)
		return;
	for (size_t i = 0; i < c->s->n_fks; i++) {
		const struct pgt_sch_table *t = adv_table(c, c->s->fks[i].table);

		/* a partition's is made with its parent's */
		if (!t || !t->q_name || t->is_partition || adv_rows(t) < min_rows ||
		    c->s->fks[i].n < 1 || is_led(c, &c->s->fks[i]))
			continue;
		advise_fk(c, &c->s->fks[i], t);
	}
}
