/* Indexes that cost more than they give: unused, duplicate, redundant, invalid, bloated.
 */
#include <string.h>

#include "index_priv.h"

static struct pgt_advice *
drop(struct adv_ctx *c, const struct pgt_sch_index *ix, double impact, const char *title)
{
	struct pgt_advice *a = adv_new(c, PGT_ADVICE_INDEX, impact, "index_drop:%s.%s",
				       ix->schema, ix->name);
	const struct pgt_sch_table *t = adv_table(c, ix->table);

	a->title = adv_sql(c, "title_drop", "index",
			   adv_text(c, "%s.%s", ix->schema, ix->name), "what", title,
			   NULL);
	a->current = ix->definition;
	a->proposed = "dropped";
	if (ix->q_name && ix->definition && t && t->kind != 'p' && !ix->parent) {
		a->how = PGT_HOW_ONLINE;
		a->statement = adv_sql(c, "index_drop", "index", ix->q_name, NULL);
		a->undo = ix->definition;
		a->act = (struct pgt_advice_act){.kind = "index_drop",
						 .name = ix->name,
						 .schema = ix->schema,
						 .database = c->s->database};
	}
	a->blast = t ? adv_text(c, "statements on %s", t->q_name ? t->q_name : t->name)
		     : NULL;
	a->risk = PGT_GRADE_MEDIUM;
	adv_evidence(c, a, "size", "%s", adv_bytes(c, ix->bytes));
	adv_evidence(c, a, "scans", "%s since the statistics reset %s ago",
		     adv_count(c, ix->scans), adv_age(c, c->s->now.reset_s));
	adv_evidence(c, a, "definition", "%s", ix->definition ? ix->definition : "?");
	a->costs = "building it again, should it be missed";
	a->source = "pg_stat_user_indexes, pg_index; "
		    "https://www.postgresql.org/docs/current/monitoring-stats.html";
	return a;
}

/* What the server or somebody else relies on. */
static bool
is_needed(const struct pgt_sch_index *ix)
{
	return ix->constraint || ix->primary || ix->exclusion || ix->fk_target ||
	       ix->replica_identity || ix->parent;
}

/* ---- invalid ---- */

static void
invalid(struct adv_ctx *c, const struct pgt_sch_index *ix)
{
	const struct pgt_sch_table *t = adv_table(c, ix->table);
	struct pgt_advice *a;
	bool remains = strstr(ix->name, "_ccnew") || strstr(ix->name, "_ccold");

	if (ix->valid || ix->building || !t || t->kind == 'p')
		return;
	a = drop(c, ix, 50, "invalid");
	a->undo = NULL; /* what it was is of no use */
	if (ix->constraint || ix->primary) {
		a->statement = adv_sql(c, "index_reindex", "index", ix->q_name, NULL);
		a->undo = NULL;
		a->title = adv_sql(c, "title_reindex", "index",
				   adv_text(c, "%s.%s", ix->schema, ix->name), "what",
				   "invalid", NULL);
		a->act.kind = "index_reindex";
	}
	a->why = adv_text(
	    c,
	    "%s is left from a build that failed%s: no query can use it, and each "
	    "write to %s still keeps it up (%s).",
	    ix->name, remains ? " (REINDEX CONCURRENTLY)" : "", t->name,
	    adv_bytes(c, ix->bytes));
	a->risk = PGT_GRADE_LOW;
	adv_effect(a, adv_text(c, "index entries written by %s", t->name), -10, -50, -1,
		   "one index of several");
	adv_sure(c, a, PGT_GRADE_HIGH, "indisvalid is false and no build is under way");
	a->not_if = "another session is about to build it again";
}

/* ---- the same, or the beginning of another ---- */

static bool
same_words(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
begins_alike(const struct pgt_sch_index *a, const struct pgt_sch_index *b)
{
	if (strcmp(a->am, b->am) != 0 || !same_words(a->predicate, b->predicate) ||
	    !same_words(a->expressions, b->expressions) || a->n_atts > PGT_SCHEMA_KEYS ||
	    b->n_atts > PGT_SCHEMA_KEYS || a->n_keys > b->n_keys)
		return false;
	for (int i = 0; i < a->n_keys; i++)
		if (a->att[i] != b->att[i] || a->option[i] != b->option[i] ||
		    !same_words(a->opclass[i], b->opclass[i]))
			return false;
	return true;
}

static bool
same_columns(const struct pgt_sch_index *a, const struct pgt_sch_index *b)
{
	if (a->n_keys != b->n_keys || a->n_atts != b->n_atts || !begins_alike(a, b))
		return false;
	for (int i = 0; i < a->n_atts; i++)
		if (a->att[i] != b->att[i])
			return false;
	return true;
}

/* Of two equal ones: may a go and b stay? */
static bool
may_go(const struct pgt_sch_index *a, const struct pgt_sch_index *b, bool same)
{
	if (is_needed(a) || !b->valid || !a->valid || (a->unique && !b->unique))
		return false;
	/* both could go: the younger one does */
	return !same || is_needed(b) || (b->unique && !a->unique) || a->oid > b->oid;
}

static void
duplicate(struct adv_ctx *c, const struct pgt_sch_index *ix,
	  const struct pgt_sch_index *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pgt_sch_index *o = &all[i];
		bool same = same_columns(ix, o);
		struct pgt_advice *a;

		if (o == ix || !may_go(ix, o, same) || ix->n_atts > ix->n_keys ||
		    (!same && (strcmp(ix->am, "btree") != 0 || ix->unique ||
			       !begins_alike(ix, o) || ix->n_keys >= o->n_keys)))
			continue;
		if (!same && o->bytes > 4 * ix->bytes && ix->scans > o->scans)
			continue; /* the small one earns its keep */
		a = drop(c, ix, same ? 45 : 22, same ? "duplicate" : "redundant");
		adv_evidence(c, a, same ? "the same as" : "begins like", "%s",
			     o->definition ? o->definition : o->name);
		a->why =
		    same
			? adv_text(
			      c,
			      "%s has the same columns, order, operator classes and "
			      "condition as %s%s: every write keeps both, and a read "
			      "needs one.",
			      ix->name, o->name,
			      o->unique && !ix->unique ? ", which is unique besides" : "")
			: adv_text(c,
				   "Whatever %s (%s) finds, %s finds by its first %d "
				   "columns; it is somewhat larger to read.",
				   ix->name, adv_bytes(c, ix->bytes), o->name,
				   ix->n_keys);
		adv_effect(a, "writes to indexes of the table", -100.0 / (double)n,
			   fmax(-160.0 / (double)n, -100), -40.0 / (double)n,
			   "one of so many indexes");
		adv_sure(c, a, same ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
			 same ? "compared by the catalogue; constraints, foreign keys "
				"and replica "
				"identity do not need it"
			      : "every lookup is served by the other, which is %.1f "
				"times as large",
			 o->bytes / fmax(ix->bytes, 1));
		a->risk = PGT_GRADE_LOW;
		a->not_if = same ? "somebody names it in a hint"
				 : "its small size is what keeps it cached";
		return;
	}
}

/* ---- unused ---- */

static void
unused(struct adv_ctx *c, const struct pgt_sch_index *ix)
{
	double age = c->s->now.reset_s, sure = adv_rule(c, "index", "unused_sure_s");
	const struct pgt_sch_table *t = adv_table(c, ix->table);
	bool standby = c->snap && c->snap->n_replicas > 0;
	struct pgt_advice *a;
	double writes;

	if (ix->scans > 0 || is_needed(ix) || ix->unique || !ix->valid || !t ||
	    ix->bytes < adv_rule(c, "index", "unused_min_bytes") || c->s->in_recovery)
		return;
	if (!(age >= adv_rule(c, "index", "unused_after_s"))) {
		adv_note(c,
			 "indexes without scans are not judged: the statistics are only "
			 "%s old",
			 adv_age(c, age));
		return;
	}
	writes = t->ins + t->upd - t->hot;
	a = drop(c, ix, 20 + 5 * fmin(log10(fmax(ix->bytes / MB, 1)), 4), "unused");
	a->why = adv_text(
	    c,
	    "%s (%s) was not scanned once in %s, while %s had %s writes that keep "
	    "it up.%s",
	    ix->name, adv_bytes(c, ix->bytes), adv_age(c, age), t->name,
	    adv_count(c, writes),
	    standby ? " Standbys count their own scans: look there first." : "");
	adv_evidence(c, a, "writes to the table", "%s", adv_count(c, writes));
	adv_effect(a, "disk", -100 * ix->bytes / fmax(adv_db_bytes(c), 1),
		   -100 * ix->bytes / fmax(adv_db_bytes(c), 1), 0, "its size");
	if (standby)
		adv_sure(c, a, PGT_GRADE_LOW,
			 "there are %zu standbys, whose scans are not seen "
			 "here",
			 c->snap->n_replicas);
	else
		adv_sure(
		    c, a, age >= sure ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		    "no constraint needs it, statistics are %s old%s", adv_age(c, age),
		    age >= sure ? "" : ": a report of the month's end may still come");
	a->not_if = "it serves a rare but urgent statement, or a standby";
}

/* ---- bloated ---- */

/* From what the entries need (adv_index_bytes) against relpages; deduplication makes a
 * healthy index smaller than that, so the estimate errs on the safe side. */
static void
bloated(struct adv_ctx *c, const struct pgt_sch_index *ix)
{
	const struct pgt_sch_table *t = adv_table(c, ix->table);
	struct pgt_advice *a;
	double need, waste;

	if (strcmp(ix->am, "btree") != 0 || ix->expressions || ix->predicate ||
	    !ix->valid || !t || t->kind == 'p' ||
	    !(ix->bytes >= adv_rule(c, "index", "bloat_min_bytes")) ||
	    ix->n_atts > PGT_SCHEMA_KEYS || !ix->q_name || t->rows < 0)
		return;
	for (int i = 0; i < ix->n_atts; i++) {
		const struct pgt_sch_column *col = adv_column(c, ix->table, ix->att[i]);

		if (!col || !col->has_stats)
			return;
	}
	need = adv_index_bytes(c, t, ix->att, ix->n_atts) * 1.05 + PAGE;
	waste = ix->bytes - need;
	if (waste / ix->bytes < adv_rule(c, "index", "bloat_ratio") ||
	    waste < adv_rule(c, "index", "bloat_min_bytes"))
		return;
	a = adv_new(c, PGT_ADVICE_INDEX, 25 + 6 * fmin(log10(waste / MB), 4),
		    "index_reindex:%s.%s", ix->schema, ix->name);
	a->title = adv_sql(c, "title_reindex", "index",
			   adv_text(c, "%s.%s", ix->schema, ix->name), "what", "bloated",
			   NULL);
	a->statement = adv_sql(c, "index_reindex", "index", ix->q_name, NULL);
	a->act = (struct pgt_advice_act){.kind = "index_reindex",
					 .name = ix->name,
					 .schema = ix->schema,
					 .database = c->s->database};
	a->how = PGT_HOW_ONLINE;
	a->current = adv_bytes(c, ix->bytes);
	a->proposed = adv_text(c, "~%s", adv_bytes(c, need));
	adv_evidence(c, a, "size", "%s for %s rows", adv_bytes(c, ix->bytes),
		     adv_count(c, adv_rows(t)));
	adv_evidence(c, a, "needed at 90% fill", "~%s", adv_bytes(c, need));
	a->why = adv_text(
	    c,
	    "%s has %s for %s rows that need about %s: the rest are pages that "
	    "deletes and updates have emptied in part.",
	    ix->name, adv_bytes(c, ix->bytes), adv_count(c, adv_rows(t)),
	    adv_bytes(c, need));
	adv_effect(a, "size of the index", -100 * waste / ix->bytes, -95, -30,
		   "average widths of the columns from pg_stats");
	adv_sure(c, a, waste / ix->bytes > 0.6 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 "an estimate from statistics that errs towards small; pgstattuple would "
		 "measure");
	a->costs = adv_text(c, "%s of disk while it is built anew, and its I/O",
			    adv_bytes(c, need));
	a->blast = "readers and writers go on; the build waits for older transactions";
	a->not_if = "the table is about to grow back to its former size";
	a->source = "https://www.postgresql.org/docs/current/routine-reindex.html";
}

void
adv_index_waste(struct adv_ctx *c)
{
	for (size_t i = 0; i < c->s->n_indexes; i++) {
		const struct pgt_sch_index *ix = &c->s->indexes[i], *all;
		size_t n;

		all = adv_indexes(c, ix->table, &n);
		invalid(c, ix);
		duplicate(c, ix, all, n);
		unused(c, ix);
		bloated(c, ix);
	}
}
