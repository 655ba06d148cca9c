/* From a candidate to an advice: name, statement, size, what it costs the writers, and
 * how sure it is. */
#include <stdlib.h>
#include <string.h>

#include "index_priv.h"
#include "pg2une/base/buf.h"

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */

const char *
cand_columns(struct adv_ctx *c, const struct cand *x, bool quoted)
{
	struct pgt_buf b;
	const char *ret;

	pgt_buf_init(&b, 4096);
	pgt_buf_putc(&b, '(');
	for (int i = 0; i < x->n; i++) {
		const struct pgt_sch_column *col = adv_column(c, x->t->oid,
							      x->key[i].att);
		const char *name = quoted ? col->q_name : col->name;

		if (!name) {
			pgt_buf_done(&b);
			return NULL;
		}
		pgt_buf_printf(&b, x->key[i].lower ? "%slower(%s)" : "%s%s",
			       i ? ", " : "", name);
		if (quoted && *x->opclass)
			pgt_buf_printf(&b, " %s", x->opclass);
		if (x->key[i].desc)
			pgt_buf_puts(&b, " DESC");
		if (x->key[i].nulls_first && !x->key[i].desc)
			pgt_buf_puts(&b, " NULLS FIRST");
		if (x->key[i].nulls_last && x->key[i].desc)
			pgt_buf_puts(&b, " NULLS LAST");
	}
	pgt_buf_putc(&b, ')');
	for (int i = 0; i < x->n_include; i++) {
		const struct pgt_sch_column *col = adv_column(c, x->t->oid,
							      x->include[i]);

		pgt_buf_printf(&b, "%s%s", i ? ", " : " INCLUDE (", col->q_name);
	}
	if (x->n_include)
		pgt_buf_putc(&b, ')');
	if (x->predicate)
		pgt_buf_printf(&b, " WHERE %s", x->predicate);
	ret = pgt_arena_strdup(c->a, pgt_buf_str(&b));
	pgt_buf_done(&b);
	return ret;
}

static bool
name_taken(const struct adv_ctx *c, const char *name)
{
	for (size_t i = 0; i < c->s->n_indexes; i++)
		if (strcmp(c->s->indexes[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < c->s->n_tables; i++)
		if (strcmp(c->s->tables[i].name, name) == 0)
			return true;
	return false;
}

/* Of [a-z0-9_] only, so that it needs no quotes. */
const char *
adv_index_name(struct adv_ctx *c, const struct pgt_sch_table *t, const char *words)
{
	const char *raw = adv_text(c, "pg2une_%s_%s", t->name, words), *name;
	char buf[NAME_MAX_BYTES + 1];
	size_t n = 0;

	for (const char *s = raw; *s && n < NAME_MAX_BYTES - 6; s++) {
		char ch = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		bool plain = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');

		if (plain)
			buf[n++] = ch;
		else if (n && buf[n - 1] != '_')
			buf[n++] = '_';
	}
	while (n && buf[n - 1] == '_')
		n--;
	buf[n] = '\0';
	name = adv_text(c, "%s_idx", buf);
	for (int i = 1; i < 9 && name_taken(c, name); i++)
		name = adv_text(c, "%s_idx%d", buf, i);
	return name;
}

/* 8 bytes of tuple header, 4 of line pointer, keys padded to 8, pages filled to 90 %
 * (storage-page-layout.html, btree's default fillfactor). */
double
adv_index_bytes(const struct adv_ctx *c, const struct pgt_sch_table *t, const int *att,
		int n)
{
	double width = 0;

	for (int i = 0; i < n; i++) {
		const struct pgt_sch_column *col = adv_column(c, t->oid, att[i]);

		width += col && col->avg_width > 0 ? col->avg_width : 8;
	}
	return adv_rows(t) * (12 + ceil(width / 8) * 8) / 0.9;
}

static void
partitioned_act(struct adv_ctx *c, struct pgt_advice *a, const struct pgt_sch_table *t,
		const char *name, const char *rest)
{
	a->how = PGT_HOW_HUMAN;
	a->statement = adv_sql(c, "index_create_only", "name", name, "table", t->q_name,
			       "definition", rest, NULL);
	a->undo = adv_sql(c, "index_drop_plain", "index",
			  adv_text(c, "%s.%s", t->schema, name), NULL);
	a->blast = adv_text(
	    c,
	    "%d partitions: CONCURRENTLY is refused on a partitioned table; the "
	    "statement makes the empty index of the parent, each partition's is "
	    "then built CONCURRENTLY and attached (ALTER INDEX ... ATTACH "
	    "PARTITION)",
	    t->children);
}

void
adv_index_act(struct adv_ctx *c, struct pgt_advice *a, const struct pgt_sch_table *t,
	      const char *name, const char *rest)
{
	const char *dot = t->q_name ? strrchr(t->q_name, '.') : NULL;
	const char *q_schema;

	a->table_schema = t->schema;
	a->table = t->name;
	if (!dot || !name || !rest)
		return;
	if (t->kind == 'p') {
		partitioned_act(c, a, t, name, rest);
		return;
	}
	q_schema = strchr(t->name, '.')
		       ? NULL
		       : pgt_arena_strndup(c->a, t->q_name, (size_t)(dot - t->q_name));
	a->how = PGT_HOW_ONLINE;
	a->statement = adv_sql(c, "index_create", "name", name, "table", t->q_name,
			       "definition", rest, NULL);
	a->undo = adv_sql(c, "index_drop", "index", adv_text(c, "%s.%s", q_schema, name),
			  NULL);
	a->act = (struct pgt_advice_act){.kind = "index_create",
					 .name = name,
					 .schema = t->schema,
					 .table = t->name,
					 .definition = rest,
					 .database = c->s->database};
	a->blast = adv_text(
	    c,
	    "readers and writers of %s go on while it is built; the build waits "
	    "for transactions that are older",
	    t->q_name);
}

/* Does a statement that writes change a column of the candidate, which no index has yet?
 * Then its updates can be HOT no longer. */
static double
hot_lost(struct adv_ctx *c, const struct cand *x)
{
	double calls = 0;

	for (size_t i = 0; i < c->s->n_statements; i++) {
		const struct adv_parsed *p = c->parsed && c->parsed[i].done
						 ? &c->parsed[i]
						 : adv_parse(c, i);

		for (int k = 0; k < p->n_blocks; k++) {
			const struct adv_block *b = p->block[k];

			if (b->kind != BLOCK_UPDATE || !b->n_rels ||
			    b->rel[0].table != x->t)
				continue;
			for (int s = 0; s < b->n_set; s++)
				for (int n = 0; n < x->n; n++)
					if (b->set[s].att == x->key[n].att) {
						calls += adv_calls(c,
								   &c->s->statements[i]);
						goto next;
					}
		}
	next:;
	}
	return calls;
}

static const struct pgt_advice_plan *
plan_for(const struct adv_ctx *c, const char *identity)
{
	for (size_t i = 0; i < c->in->n_plans; i++)
		if (strcmp(c->in->plans[i].identity, identity) == 0)
			return &c->in->plans[i];
	return NULL;
}

static void
costs(struct adv_ctx *c, struct pgt_advice *a, const struct cand *x, double bytes)
{
	const struct pgt_sch_table *t = x->t;
	size_t n_ix;
	double writes = isfinite(t->ins_w) ? t->ins_w + t->upd_w + t->del_w : NAN;
	double lost = t->kind == 'r' && t->upd > 0 && t->hot / t->upd > 0.5
			  ? hot_lost(c, x)
			  : 0;

	adv_indexes(c, t->oid, &n_ix);
	a->costs = adv_text(
	    c,
	    "index ~%s; %sinserts and non-HOT updates each write one more entry (about "
	    "%.0f%% more work)%s",
	    adv_bytes(c, bytes),
	    isfinite(writes) ? adv_text(c, "%s writes/s: ", adv_count(c, writes)) : "",
	    100.0 / (double)(n_ix + 3),
	    lost > 0
		? adv_text(c,
			   "; %s updates that were HOT become ordinary ones, since they "
			   "change an indexed column",
			   adv_count(c, lost))
		: "");
	if (lost > 0 && lost > x->calls) {
		a->score *= 0.5;
		adv_sure(c, a, PGT_GRADE_LOW,
			 "more updates (%s calls) would lose HOT than reads "
			 "(%s calls) gain",
			 adv_count(c, lost), adv_count(c, x->calls));
	}
}

static void
judge(struct adv_ctx *c, struct pgt_advice *a, const struct cand *x,
      const struct pgt_advice_plan *plan)
{
	double share = x->gain_pct / fmax(x->time_pct, 1e-9), gain = x->gain_pct;
	bool measured = plan && plan->cost_before > 0;
	/* all of the statements' time at best: plan costs tell less than that, and a
	 * share of time is never quite the same in the next window */
	double most = fmin(1.03 * x->time_pct, 100);

	if (measured) {
		share = 1 - plan->cost_after / plan->cost_before;
		gain = x->time_pct * fmax(share, 0);
		adv_evidence(c, a, "plan cost (HypoPG)", "%.0f -> %.1f",
			     plan->cost_before, plan->cost_after);
		adv_effect(a, "all query time", -gain, -most, -gain * 0.6,
			   "plan costs with and without the index by HypoPG");
	} else {
		adv_effect(a, "all query time", -gain, -most, -gain * 0.4,
			   "blocks that the statement reads now against blocks of an "
			   "index scan");
	}
	if (measured && share > 0.3 && x->calls >= 5)
		adv_sure(c, a, PGT_GRADE_HIGH, "HypoPG's plan takes it; %s calls seen",
			 adv_count(c, x->calls));
	else if (x->unsure_pattern)
		adv_sure(c, a, PGT_GRADE_LOW,
			 "the patterns are parameters: whether they begin "
			 "with a wildcard is not known");
	else if (x->guessed)
		adv_sure(c, a, PGT_GRADE_MEDIUM,
			 "parsed predicate, %s calls seen, but no "
			 "statistics of a column (ANALYZE, or "
			 "pg_read_all_data to see them)",
			 adv_count(c, x->calls));
	else if (x->calls >= 5 && x->blocks_now > 0.3 * x->t->bytes / PAGE)
		adv_sure(c, a, PGT_GRADE_HIGH,
			 "parsed predicate, %s calls seen that read %.0f%% "
			 "of the table's blocks each, no similar index%s",
			 adv_count(c, x->calls),
			 100 * x->blocks_now / (x->t->bytes / PAGE),
			 c->s->has_hypopg ? "" : "; HypoPG is not there to verify");
	else
		adv_sure(c, a, PGT_GRADE_MEDIUM, "parsed predicate, %s calls seen",
			 adv_count(c, x->calls));
}

static void
words(struct adv_ctx *c, struct pgt_advice *a, const struct cand *x)
{
	const struct pgt_sch_statement *q = x->q[0];

	a->why = adv_text(
	    c,
	    "%.1f%% of query time %s reads %s blocks of %s (%s rows) a call to "
	    "return %s rows; an index would read about %s.",
	    x->time_pct, c->windowed ? adv_span(c) : "since the statistics reset",
	    adv_count(c, x->blocks_now), x->t->q_name, adv_count(c, adv_rows(x->t)),
	    adv_count(c, q->rows / fmax(q->calls, 1)), adv_count(c, x->blocks_then));
	a->not_if = x->n_q == 1 ? "the statement disappears or becomes rare"
				: "the statements disappear or become rare";
	for (int i = 0; i < x->n_q; i++)
		adv_evidence(c, a, adv_short_sql(c, x->q[i]->text),
			     "%s calls, mean %.3g ms, %.1f%% of query time",
			     adv_count(c, adv_calls(c, x->q[i])), x->q[i]->mean_ms,
			     adv_time_pct(c, x->q[i]));
	adv_evidence(c, a, "table", "%s rows, %s, %s sequential scans since the reset",
		     adv_count(c, adv_rows(x->t)), adv_bytes(c, x->t->bytes),
		     adv_count(c, x->t->seq_scan));
}

/* What pg_qualstats saw of the leading column. */
static void
quals(struct adv_ctx *c, struct pgt_advice *a, const struct cand *x)
{
	for (size_t i = 0; i < c->s->n_quals; i++) {
		const struct pgt_sch_qual *q = &c->s->quals[i];

		if (q->table != x->t->oid || q->attnum != x->key[0].att ||
		    !(q->executions > 0))
			continue;
		adv_evidence(
		    c, a, "pg_qualstats", "%s %s: %s rows looked at, %.1f%% kept",
		    adv_column(c, x->t->oid, x->key[0].att)->name, q->op ? q->op : "?",
		    adv_count(c, q->executions), 100 * (1 - q->filtered / q->executions));
	}
}

void
cand_advise(struct adv_ctx *c, const struct cand *x)
{
	const char *show = cand_columns(c, x, false), *sql = cand_columns(c, x, true);
	const char *id = adv_text(c, "index:%s.%s%s%s", x->t->schema, x->t->name,
				  strcmp(x->am, "btree") == 0 ? "" : x->am, show);
	const struct pgt_advice_plan *plan = plan_for(c, id);
	struct pgt_advice *a;
	struct pgt_buf b;
	double bytes;
	int att[CAND_KEYS + 3], n = 0;

	if (!sql)
		return;
	if (plan && (!plan->used || plan->cost_after > 0.9 * plan->cost_before)) {
		adv_note(
		    c,
		    "an index on %s %s was considered; the planner would not take it "
		    "(HypoPG)",
		    x->t->q_name, show);
		return;
	}
	a = adv_new(c, PGT_ADVICE_INDEX, 20 + 0.8 * x->gain_pct, "%s", id);
	pgt_buf_init(&b, 256);
	for (int i = 0; i < x->n; i++) {
		att[n++] = x->key[i].att;
		pgt_buf_printf(&b, "%s%s", i ? "_" : "",
			       adv_column(c, x->t->oid, x->key[i].att)->name);
	}
	for (int i = 0; i < x->n_include; i++)
		att[n++] = x->include[i];
	bytes = plan && plan->index_bytes > 0 ? plan->index_bytes
		: strcmp(x->am, "brin") == 0  ? fmax(x->t->bytes / 1000, 24 * KB)
					      : adv_index_bytes(c, x->t, att, n);
	a->title = adv_sql(
	    c, "title_create", "table", x->t->name, "what",
	    strcmp(x->am, "btree") == 0 ? show : adv_text(c, "USING %s %s", x->am, show),
	    NULL);
	a->queryid = x->q[0]->queryid;
	a->current = "no index leads there";
	a->proposed = adv_text(c, "USING %s %s", x->am, show);
	adv_index_act(c, a, x->t, adv_index_name(c, x->t, pgt_buf_str(&b)),
		      adv_text(c, "USING %s %s", x->am, sql));
	pgt_buf_done(&b);
	words(c, a, x);
	quals(c, a, x);
	judge(c, a, x, plan);
	costs(c, a, x, bytes);
	a->source = adv_text(c,
			     "statements parsed, weighted by their time; "
			     "https://www.postgresql.org/docs/%d/indexes.html",
			     c->major ? c->major : 18);
}
