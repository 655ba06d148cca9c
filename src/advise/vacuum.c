/* Tables: dead rows, bloat, statistics that are old, age, what keeps vacuum from working.
 */
#include <string.h>

#include "advise_priv.h"

#define DOC "https://www.postgresql.org/docs/current/routine-vacuuming.html"

static struct pgt_advice *
about(struct adv_ctx *c, const struct pgt_sch_table *t, const char *what, double impact)
{
	struct pgt_advice *a = adv_new(c, PGT_ADVICE_VACUUM, impact, "vacuum:%s:%s.%s",
				       what, t->schema, t->name);

	a->blast = adv_text(c, "the table %s.%s", t->schema, t->name);
	a->source = DOC;
	adv_evidence(c, a, "rows", "%s live, %s dead", adv_count(c, adv_rows(t)),
		     adv_count(c, t->dead));
	adv_evidence(c, a, "last vacuum", "%s ago", adv_age(c, t->vacuum_s));
	return a;
}

static void
option(struct adv_ctx *c, struct pgt_advice *a, const struct pgt_sch_table *t,
       const char *name, const char *value)
{
	const char *set = adv_text(c, "%s = %s", name, value);

	a->how = PGT_HOW_ONLINE;
	a->statement = adv_sql(c, "table_set", "table", t->q_name, "option", set, NULL);
	a->undo = adv_sql(c, "table_reset", "table", t->q_name, "option", name, NULL);
	a->act = (struct pgt_advice_act){.kind = "table_option",
					 .name = name,
					 .value = value,
					 .schema = t->schema,
					 .table = t->name,
					 .database = c->s->database};
	a->proposed = set;
	a->current = *t->options ? t->options : "the server's own";
}

static void
command(struct adv_ctx *c, struct pgt_advice *a, const struct pgt_sch_table *t,
	const char *which)
{
	a->how = PGT_HOW_HUMAN; /* it changes nothing that could be gone back on */
	a->statement = adv_sql(c, which, "table", t->q_name, NULL);
	a->risk = PGT_GRADE_LOW;
}

static bool
switched_off(struct adv_ctx *c, const struct pgt_sch_table *t)
{
	struct pgt_advice *a;

	if (!strstr(t->options, "autovacuum_enabled=false") &&
	    !strstr(t->options, "autovacuum_enabled=off"))
		return false;
	if (adv_rows(t) < 10000)
		return true;
	a = about(c, t, "disabled", 55);
	a->title = adv_text(c, "Let autovacuum work on %s", t->name);
	option(c, a, t, "autovacuum_enabled", "true");
	a->undo = adv_sql(c, "table_set", "table", t->q_name, "option",
			  "autovacuum_enabled = false", NULL);
	a->why = adv_text(
	    c,
	    "autovacuum_enabled is false for %s with %s rows (%s dead, last vacuum %s): "
	    "dead rows stay and statistics grow old.",
	    t->name, adv_count(c, adv_rows(t)), adv_count(c, t->dead),
	    adv_age(c, t->vacuum_s));
	adv_sure(c, a, PGT_GRADE_HIGH, "seen in pg_class.reloptions");
	a->not_if = "a job vacuums it on a schedule";
	return true;
}

static void
dead_rows(struct adv_ctx *c, const struct pgt_sch_table *t)
{
	double ratio = t->dead / fmax(t->dead + adv_rows(t), 1);
	struct pgt_advice *a;

	if (t->dead < 10000 || ratio < adv_rule(c, "vacuum", "dead_ratio"))
		return;
	a = about(c, t, "dead", 38 + 30 * ratio);
	a->title = adv_text(c, "Vacuum %s: %.0f%% dead", t->name, 100 * ratio);
	command(c, a, t, "vacuum");
	a->why = adv_text(
	    c,
	    "%.0f%% of the rows of %s are dead (%s), the last vacuum was %s ago: scans "
	    "read them all and the space is not used again.",
	    100 * ratio, t->name, adv_count(c, t->dead), adv_age(c, t->vacuum_s));
	adv_effect(a, "dead rows", -95, -100, -50, "unless an old snapshot keeps them");
	adv_sure(c, a, PGT_GRADE_HIGH, "counted by the server");
	a->not_if = "an old transaction or slot holds them back: end that first";
	a->costs = adv_text(c, "reads %s and its indexes once", adv_bytes(c, t->bytes));
}

/* The default of a fifth lets large tables gather millions. */
static void
scale_factor(struct adv_ctx *c, const struct pgt_sch_table *t)
{
	double factor = adv_setting(c, "autovacuum_vacuum_scale_factor");
	double rows = adv_rows(t), churn = t->upd + t->del, rate = t->upd_w + t->del_w,
	       want;
	struct pgt_advice *a;

	if (rows < adv_rule(c, "vacuum", "scale_factor_rows") || !(factor >= 0.1) ||
	    strstr(t->options, "autovacuum_vacuum_scale_factor") || churn < 0.1 * rows)
		return;
	want = fmax(floor(1000 * adv_rule(c, "vacuum", "target_dead") / rows) / 1000,
		    0.005);
	if (want >= factor / 2)
		return;
	a = about(c, t, "scale", 20 + (t->bloat_ratio > 0.3 ? 10 : 0));
	a->title = adv_text(c, "SET autovacuum_vacuum_scale_factor of %s %g -> %g",
			    t->name, factor, want);
	option(c, a, t, "autovacuum_vacuum_scale_factor", adv_text(c, "%g", want));
	adv_evidence(c, a, "updates and deletes", "%s since the reset, %s/s now",
		     adv_count(c, churn), adv_count(c, rate));
	a->why = adv_text(
	    c,
	    "With %g of %s rows autovacuum comes to %s only after %s dead ones; it has "
	    "had %s updates and deletes.",
	    factor, adv_count(c, rows), t->name, adv_count(c, factor * rows),
	    adv_count(c, churn));
	adv_effect(a, "dead rows at most", 100 * (want / factor - 1), -99, -30,
		   "ratio of thresholds");
	adv_sure(c, a, PGT_GRADE_MEDIUM, "size and churn are counted");
	a->costs = "more frequent, shorter vacuums";
}

static void
bloat(struct adv_ctx *c, const struct pgt_sch_table *t)
{
	struct pgt_advice *a;

	if (!(t->bloat_ratio >= adv_rule(c, "vacuum", "bloat_ratio")) ||
	    t->bloat_bytes < adv_rule(c, "vacuum", "bloat_min_bytes"))
		return;
	a = about(c, t, "bloat", 30 + 25 * t->bloat_ratio);
	a->title = adv_text(c, "Rebuild %s: ~%.0f%% bloat", t->name,
			    100 * t->bloat_ratio);
	a->current = adv_bytes(c, t->bytes);
	a->proposed = adv_text(c, "~%s", adv_bytes(c, t->bytes - t->bloat_bytes));
	adv_evidence(c, a, "size", "%s, of which ~%s unused", adv_bytes(c, t->bytes),
		     adv_bytes(c, t->bloat_bytes));
	a->why = adv_text(
	    c,
	    "%s takes %s where its rows need about %s; every scan reads the rest. "
	    "pg_repack or pg_squeeze rebuild it while in use; VACUUM FULL locks it "
	    "for the time of a copy.",
	    t->name, adv_bytes(c, t->bytes), adv_bytes(c, t->bytes - t->bloat_bytes));
	adv_effect(a, "pages of a scan of it", -100 * t->bloat_ratio, -95,
		   -60 * t->bloat_ratio,
		   "average row widths of pg_stats; TOAST is not counted");
	adv_sure(c, a, t->bloat_ratio > 0.6 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 "an estimate from statistics%s",
		 t->analyze_s > 86400 ? " that are old" : "");
	a->how = PGT_HOW_HUMAN;
	a->risk = PGT_GRADE_MEDIUM;
	a->costs = adv_text(c, "%s of disk for the copy",
			    adv_bytes(c, t->bytes - t->bloat_bytes));
	a->not_if = "the space will be filled again soon";
}

static void
old_statistics(struct adv_ctx *c, const struct pgt_sch_table *t)
{
	double rows = fmax(adv_rows(t), 1);
	bool never = t->analyze_s < 0 && t->rows < 0;
	struct pgt_advice *a;

	/* just analyzed: what was counted then arrives late */
	if (rows < 10000 || t->kind == 'p' || (t->analyze_s >= 0 && t->analyze_s < 300) ||
	    !(never || t->mod / rows >= adv_rule(c, "vacuum", "stale_mod_ratio")))
		return;
	a = about(c, t, "analyze", never || t->mod > rows ? 48 : 32);
	a->title = adv_text(c, "Analyze %s: statistics %s", t->name,
			    never ? "missing" : "old");
	command(c, a, t, "analyze");
	adv_evidence(c, a, "changed since ANALYZE", "%s rows", adv_count(c, t->mod));
	a->why = never
		     ? adv_text(
			   c,
			   "%s has %s rows and was never analyzed: the planner guesses.",
			   t->name, adv_count(c, rows))
		     : adv_text(c,
				"%s of %s rows of %s changed since its statistics were "
				"made%s: plans "
				"go by what it was.",
				adv_count(c, t->mod), adv_count(c, rows), t->name,
				t->analyze_s >= 0
				    ? adv_text(c, " %s ago", adv_age(c, t->analyze_s))
				    : "");
	a->effect_of = "estimates for this table";
	a->effect_how = "plans follow, which is not estimated";
	adv_sure(c, a, PGT_GRADE_HIGH, "counted by the server");
	a->costs = "reads a sample of 300 x statistics target rows";
}

static void
age(struct adv_ctx *c, const struct pgt_sch_table *t)
{
	double limit = adv_setting(c, "autovacuum_freeze_max_age");
	struct pgt_advice *a;

	/* vacuum is forced at the limit; 2^31 is the end */
	if (!(t->xid_age > 2 * limit) && !(t->xid_age > 1.2e9))
		return;
	a = about(c, t, "freeze", 60 + 35 * fmin(t->xid_age / 2e9, 1));
	a->title = adv_text(c, "Vacuum and freeze %s: age %s", t->name,
			    adv_count(c, t->xid_age));
	command(c, a, t, "vacuum_freeze");
	a->why = adv_text(
	    c,
	    "The oldest row of %s is %s transactions old; forced vacuum began at %s and "
	    "has not finished. At 2.1 billion the server takes no more writes.",
	    t->name, adv_count(c, t->xid_age), adv_count(c, limit));
	adv_sure(c, a, PGT_GRADE_HIGH, "age(relfrozenxid)");
	a->effect_of = "age";
	a->effect_how = "vacuum freezes what it may";
}

/* ---- what holds it back ---- */

static void
held_back(struct adv_ctx *c)
{
	for (size_t i = 0; c->snap && i < c->snap->n_horizon && i < 3; i++) {
		const struct pgt_horizon *h = &c->snap->horizon[i];
		bool prepared = strcmp(h->kind, "prepared") == 0;
		struct pgt_advice *a;

		if (h->xmin_age < 1000000 &&
		    !(prepared && h->age_ns > INT64_C(600000000000)) &&
		    h->age_ns < INT64_C(3600000000000))
			continue;
		a = adv_new(c, PGT_ADVICE_VACUUM, prepared ? 60 : 45,
			    "vacuum:horizon:%s:%s", h->kind, h->who ? h->who : "");
		a->title = adv_text(c, "End what holds vacuum back: %s %s", h->kind,
				    h->who ? h->who : "");
		adv_evidence(c, a, "age", "%s transactions, %s",
			     adv_count(c, (double)h->xmin_age),
			     adv_age(c, (double)h->age_ns / 1e9));
		a->why = adv_text(
		    c,
		    "The %s %s holds the oldest snapshot, %s transactions and %s old: no "
		    "vacuum removes what died since.",
		    h->kind, h->who ? h->who : "", adv_count(c, (double)h->xmin_age),
		    adv_age(c, (double)h->age_ns / 1e9));
		adv_sure(c, a, PGT_GRADE_HIGH, "it is the oldest that the server shows");
		a->effect_of = "dead rows that vacuum may remove";
		a->effect_how = "not estimated";
		a->risk = PGT_GRADE_MEDIUM;
		a->blast = "that session or transaction, whose work is lost";
		a->source = DOC;
	}
	if (c->s->facts.prepared_oldest_s > 600) {
		struct pgt_advice *a =
		    adv_new(c, PGT_ADVICE_VACUUM, 62, "vacuum:prepared");

		a->title = "Commit or roll back the prepared transaction that was left";
		adv_evidence(c, a, "oldest", "%s",
			     adv_age(c, c->s->facts.prepared_oldest_s));
		a->why = adv_text(c,
				  "A prepared transaction waits for its second phase "
				  "since %s: it keeps "
				  "its locks and holds back vacuum, over restarts too.",
				  adv_age(c, c->s->facts.prepared_oldest_s));
		adv_sure(c, a, PGT_GRADE_HIGH, "pg_prepared_xacts");
		a->source =
		    "https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html";
	}
}

void
adv_vacuum(struct adv_ctx *c)
{
	held_back(c);
	if (c->s->in_recovery)
		return;
	for (size_t i = 0; i < c->s->n_tables; i++) {
		const struct pgt_sch_table *t = &c->s->tables[i];

		if (!t->q_name || t->kind == 'p')
			continue;
		if (!switched_off(c, t))
			scale_factor(c, t);
		dead_rows(c, t);
		bloat(c, t);
		old_statistics(c, t);
		age(c, t);
	}
}
