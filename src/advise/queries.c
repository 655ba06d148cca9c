/* Statements themselves: which became slower, spill, come in swarms, read whole tables,
 * or are planned from statistics that are missing or old. */
#include <string.h>
#include <strings.h>

#include "parse_priv.h"

static struct pgt_advice *
about(struct adv_ctx *c, const struct pgt_sch_statement *q, const char *what,
      double impact, const char *title)
{
	struct pgt_advice *a = adv_new(c, PGT_ADVICE_QUERY, impact, "query:%s:%lld", what,
				       (long long)q->queryid);

	a->title = title;
	a->queryid = q->queryid;
	a->how = PGT_HOW_HUMAN;
	a->blast = "the statement";
	adv_evidence(c, a, adv_short_sql(c, q->text),
		     "%s calls, mean %.3g ms, %.1f%% of query time",
		     adv_count(c, adv_calls(c, q)), q->mean_ms, adv_time_pct(c, q));
	a->source = "pg_stat_statements";
	return a;
}

static const char *
titled(struct adv_ctx *c, const char *what, const struct pgt_sch_statement *q)
{
	char *cut;
	const char *sql = adv_short_sql(c, q->text);

	cut = pgt_arena_strndup(c->a, sql, 60);
	/* not in the middle of a character */
	for (size_t n = strlen(cut); n > 0 && (cut[n - 1] & 0x80); n--)
		cut[n - 1] = '\0';
	return adv_text(c, "%s: %s", what, cut);
}

/* ---- became slower ---- */

static void
regressed(struct adv_ctx *c)
{
	for (size_t i = 0; i < c->in->n_regressions; i++) {
		const struct pgt_query_regression *r = &c->in->regressions[i];
		struct pgt_advice *a = adv_new(c, PGT_ADVICE_QUERY, 25 + 60 * r->share,
					       "query:regressed:%lld",
					       (long long)r->queryid);
		const char *sql = NULL;

		for (size_t k = 0; k < c->s->n_statements && !sql; k++)
			if (c->s->statements[k].queryid == r->queryid)
				sql = c->s->statements[k].text;
		a->title = adv_text(
		    c, "Look at a statement that became %.1f times as slow", r->ratio);
		a->queryid = r->queryid;
		adv_evidence(c, a, adv_short_sql(c, sql), "%.3g -> %.3g ms a call",
			     r->before_ms, r->after_ms);
		adv_evidence(c, a, "calls", "%.2f times as many as before",
			     r->calls_ratio);
		a->why = adv_text(
		    c,
		    "It took %.3g ms and now takes %.3g ms a call (q = %.2g), with %s "
		    "load; it is "
		    "%.0f%% of all time. %s",
		    r->before_ms, r->after_ms, r->q,
		    r->same_load ? "the same" : "another", 100 * r->share,
		    r->plan_change
			? "It happened at once: another plan is likely. Compare plans, "
			  "ANALYZE its tables first."
			: "It came gradually: look at the size of its tables.");
		if (c->s->has_hint_plan && r->plan_change)
			adv_evidence(c, a, "pg_hint_plan",
				     "loaded: where EXPLAIN shows the plan of before to "
				     "be faster, a hint keeps it");
		adv_effect(a, "its time", 100 * (1 / r->ratio - 1),
			   100 * (1 / r->ratio - 1), 0, "back to what it took before");
		adv_sure(c, a, r->q < 0.01 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
			 "tested against its own past");
		a->not_if = "it was changed on purpose";
		a->source = "query regression of the detectors";
	}
}

/* ---- spills that no work_mem of all should hold ---- */

static void
spill(struct adv_ctx *c, const struct pgt_sch_statement *q)
{
	double calls = adv_calls(c, q), temp = c->windowed ? q->temp_w : q->temp_written,
	       each;
	struct pgt_advice *a;

	each = calls > 0 ? temp * PAGE / calls : 0;
	if (!(each > adv_rule(c, "query", "spill_bytes")) ||
	    adv_time_pct(c, q) < adv_rule(c, "query", "min_time_pct"))
		return;
	a = about(c, q, "spill", 14 + 0.3 * adv_time_pct(c, q),
		  titled(c, "Spills to disk", q));
	adv_evidence(c, a, "temporary files", "%s a call", adv_bytes(c, each));
	a->why = adv_text(
	    c,
	    "Each call writes %s of temporary files. work_mem for its role alone (ALTER "
	    "ROLE ... SET work_mem), or fewer rows and columns before the sort, "
	    "spare the others.",
	    adv_bytes(c, each));
	adv_effect(a, "its time", -30, -60, -5, "share of spilled I/O is not measured");
	adv_sure(c, a, PGT_GRADE_MEDIUM, "counted by pg_stat_statements");
	a->not_if = "work_mem is raised for all";
}

/* ---- one row at a time ---- */

/* Transactions while the statement was counted: those of the window; else the COMMITs
 * that pg_stat_statements counted since the same reset. */
static double
transactions(const struct adv_ctx *c)
{
	double n = 0;

	if (c->windowed && adv_has_window(c))
		return c->s->now.xacts - c->s->before.xacts;
	for (size_t i = 0; i < c->s->n_statements; i++) {
		const char *text = c->s->statements[i].text;

		if (text &&
		    (strcasecmp(text, "COMMIT") == 0 || strcasecmp(text, "END") == 0))
			n += c->s->statements[i].calls;
	}
	return n;
}

/* A single row by key, again and again, mostly within one transaction's reach. */
static void
n_plus_one(struct adv_ctx *c, size_t i)
{
	const struct pgt_sch_statement *q = &c->s->statements[i];
	const struct adv_parsed *p;
	double calls = adv_calls(c, q), xacts;
	const struct adv_block *b;
	struct pgt_advice *a;

	if (calls < adv_rule(c, "query", "n_plus_one_calls") || q->rows / q->calls > 2 ||
	    adv_time_pct(c, q) < 5)
		return;
	xacts = transactions(c);
	if (!(xacts > 0) || calls / xacts < 5)
		return;
	p = adv_parse(c, i);
	if (!p->ok || p->insert || p->n_blocks != 1 || p->block[0]->kind != BLOCK_SELECT)
		return;
	b = p->block[0];
	if (b->n_rels != 1 || !b->n_preds || b->limit || b->aggregate ||
	    b->pred[0].op != OP_EQ)
		return;
	a = about(c, q, "n+1", 15 + 0.5 * adv_time_pct(c, q),
		  titled(c, "One row a call (N+1)", q));
	adv_evidence(c, a, "calls a transaction", "%.1f on average over all",
		     calls / xacts);
	a->why = adv_text(
	    c,
	    "It fetches %.1f rows a call and runs %.0f times a transaction: the shape of "
	    "a loop in the application. = ANY ($1) or a join fetches them at once.",
	    q->rows / q->calls, calls / xacts);
	adv_effect(a, "its calls", -90, -99, -50,
		   "one call for all keys of a transaction");
	adv_sure(c, a,
		 c->windowed && calls / xacts > 20 ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 c->windowed ? "parsed; calls against transactions of all databases"
			     : "parsed; calls against COMMITs since the reset: what was "
			       "called outside of BEGIN is not told apart");
	a->not_if = "each call belongs to another request";
}

/* ---- planning ---- */

static void
planning(struct adv_ctx *c, const struct pgt_sch_statement *q)
{
	struct pgt_advice *a;

	if (!(q->plan_ms > q->total_ms) || q->plans < 1000 || adv_time_pct(c, q) < 1)
		return;
	a = about(c, q, "planning", 18, titled(c, "Planned more than run", q));
	adv_evidence(c, a, "planning", "%s in %s plans", adv_age(c, q->plan_ms / 1e3),
		     adv_count(c, q->plans));
	a->why = adv_text(
	    c, "%s plans took %s, running it took %s: prepare it once a session.",
	    adv_count(c, q->plans), adv_age(c, q->plan_ms / 1e3),
	    adv_age(c, q->total_ms / 1e3));
	adv_effect(a, "its time with planning", -40, -60, -20, "planning left out");
	adv_sure(c, a, PGT_GRADE_HIGH, "counted with track_planning");
	a->not_if = "a pooler in transaction mode cannot keep prepared statements";
}

/* ---- whole tables, and no index would do ---- */

static void
whole_table(struct adv_ctx *c, size_t i)
{
	const struct pgt_sch_statement *q = &c->s->statements[i];
	const struct adv_parsed *p;
	double blocks = (q->hit + q->read) / fmax(q->calls, 1);
	struct pgt_advice *a;

	if (adv_time_pct(c, q) < 10 || adv_calls(c, q) < 3)
		return;
	p = adv_parse(c, i);
	for (int k = 0; k < p->n_blocks; k++) {
		const struct adv_block *b = p->block[k];
		const struct pgt_sch_table *t = b->n_rels == 1 ? b->rel[0].table : NULL;

		if (!t || b->n_preds || adv_rows(t) < adv_rule(c, "query", "seq_rows") ||
		    blocks < 0.8 * t->bytes / PAGE || b->limit)
			continue;
		a = about(c, q, "whole", 10 + 0.3 * adv_time_pct(c, q),
			  titled(c, "Reads a whole table", q));
		adv_evidence(c, a, "table", "%s rows, %s", adv_count(c, adv_rows(t)),
			     adv_bytes(c, t->bytes));
		a->why = adv_text(
		    c,
		    "It has no condition on %s and reads all %s rows each of %s times. "
		    "Keep the answer (a counter, a materialized view, the "
		    "estimate in pg_class) or ask for less.",
		    t->name, adv_count(c, adv_rows(t)), adv_count(c, adv_calls(c, q)));
		adv_sure(c, a, PGT_GRADE_MEDIUM, "parsed; blocks counted");
		adv_effect(a, "all query time", -0.9 * adv_time_pct(c, q),
			   -adv_time_pct(c, q), 0, "the statement's share");
		return;
	}
}

/* ---- statistics ---- */

static bool
has_statistics(const struct adv_ctx *c, const struct pgt_sch_table *t, int a, int b)
{
	for (size_t i = 0; i < c->s->n_statistics; i++) {
		const struct pgt_sch_statistics *x = &c->s->statistics[i];
		int hit = 0;

		for (int k = 0; x->table == t->oid && k < x->n && k < PGT_SCHEMA_KEYS;
		     k++)
			hit += x->att[k] == a || x->att[k] == b;
		if (hit == 2)
			return true;
	}
	return false;
}

static void
create_statistics(struct adv_ctx *c, const struct pgt_sch_statement *q,
		  const struct pgt_sch_table *t, const struct pgt_sch_column *x,
		  const struct pgt_sch_column *y, double planned, double seen)
{
	struct pgt_advice *a;
	const char *name, *q_schema, *dot = strrchr(t->q_name, '.');

	a = adv_new(c, PGT_ADVICE_QUERY, 22 + 0.4 * adv_time_pct(c, q),
		    "statistics:%s.%s(%s, %s)", t->schema, t->name, x->name, y->name);
	name = adv_text(c, "pg2une_%u_%d_%d_stat", t->oid, x->attnum, y->attnum);
	q_schema = pgt_arena_strndup(c->a, t->q_name, (size_t)(dot - t->q_name));
	a->title = adv_sql(c, "title_statistics", "table", t->name, "what",
			   adv_text(c, "(%s, %s)", x->name, y->name), NULL);
	a->statement = adv_sql(
	    c, "statistics", "name", adv_text(c, "%s.%s", q_schema, name), "definition",
	    adv_text(c, "(ndistinct, dependencies) ON %s, %s", x->q_name, y->q_name),
	    "table", t->q_name, NULL);
	a->undo = adv_sql(c, "statistics_drop", "name",
			  adv_text(c, "%s.%s", q_schema, name), NULL);
	a->act = (struct pgt_advice_act){
	    .kind = "statistics_create",
	    .name = name,
	    .schema = t->schema,
	    .table = t->name,
	    .database = c->s->database,
	    .definition = adv_text(c, "(ndistinct, dependencies) ON %s, %s", x->q_name,
				   y->q_name)};
	a->how = PGT_HOW_ONLINE;
	a->queryid = q->queryid;
	adv_evidence(c, a, adv_short_sql(c, q->text), "%.1f%% of query time",
		     adv_time_pct(c, q));
	adv_evidence(c, a, "rows", "%s a call; as if independent the planner expects %s",
		     adv_count(c, seen), adv_count(c, planned));
	a->why = adv_text(
	    c,
	    "%s filters %s by %s and %s together. Taken as independent they keep %s "
	    "rows; %s came. With statistics on both the planner knows.",
	    "A statement", t->name, x->name, y->name, adv_count(c, planned),
	    adv_count(c, seen));
	a->effect_of = "estimates of this condition";
	a->effect_how = "plans follow, which is not estimated";
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "statistics of each column against rows counted");
	a->costs = "ANALYZE takes somewhat longer; works after the next ANALYZE";
	a->source = "https://www.postgresql.org/docs/current/planner-stats.html";
}

static void
correlated(struct adv_ctx *c, size_t i)
{
	const struct pgt_sch_statement *q = &c->s->statements[i];
	const struct adv_parsed *p;
	double seen = q->rows / fmax(q->calls, 1);

	if (adv_time_pct(c, q) < adv_rule(c, "query", "min_time_pct") ||
	    adv_calls(c, q) < 5)
		return;
	p = adv_parse(c, i);
	if (p->n_blocks != 1 || p->block[0]->n_rels != 1 || p->block[0]->limit ||
	    p->block[0]->aggregate || p->block[0]->or_seen)
		return;
	for (int k = 0; k < p->block[0]->n_preds; k++)
		for (int m = k + 1; m < p->block[0]->n_preds; m++) {
			const struct adv_pred *a = &p->block[0]->pred[k],
					      *b = &p->block[0]->pred[m];
			const struct pgt_sch_table *t = p->block[0]->rel[0].table;
			const struct pgt_sch_column *x = adv_column(c, t->oid, a->att),
						    *y = adv_column(c, t->oid, b->att);
			double rows = adv_rows(t), planned;

			if (a->op != OP_EQ || b->op != OP_EQ || !x || !y || !x->q_name ||
			    !y->q_name || !t->q_name || rows < 10000 ||
			    has_statistics(c, t, a->att, b->att))
				continue;
			planned = rows / adv_distinct(t, x) / adv_distinct(t, y);
			if (isfinite(planned) && seen > 10 * fmax(planned, 1) &&
			    seen > 100) {
				create_statistics(c, q, t, x, y, planned, seen);
				return;
			}
		}
}

void
adv_queries(struct adv_ctx *c)
{
	regressed(c);
	for (size_t i = 0; i < c->s->n_statements; i++) {
		const struct pgt_sch_statement *q = &c->s->statements[i];

		if (!(adv_calls(c, q) > 0))
			continue;
		spill(c, q);
		n_plus_one(c, i);
		planning(c, q);
		whole_table(c, i);
		correlated(c, i);
	}
}
