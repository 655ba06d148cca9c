/* From the parse tree (JSON of libpg_query) to tables, predicates and order.  What is not
 * understood is passed over: an advice less, never a wrong one. */
#include <stdlib.h>
#include <string.h>

#include "parse_priv.h"
#include "pg2une/advise/sqltree.h"
#include "pg2une/base/str.h"

#define JSON_MAX  (4u << 20)
#define DEPTH_MAX 40

struct walk {
	struct adv_ctx *c;
	struct adv_parsed *p;
	int depth;
};

static void walk_statement(struct walk *w, const cJSON *node, struct adv_block *parent);
static void walk_expr(struct walk *w, const cJSON *node, struct adv_block *b, bool anded);

static const cJSON *
get(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *
text(const cJSON *o, const char *name)
{
	const char *ret = NULL;

	pgt_json_get_str(o, name, &ret);
	return ret;
}

/* {"String":{"sval":"x"}}; older libraries say "str". */
static const char *
string_of(const cJSON *node)
{
	const cJSON *s = get(node, "String");
	const char *t = text(s, "sval");

	return t ? t : text(s, "str");
}

/* ---- columns ---- */

static bool
find_in(const struct adv_ctx *c, const struct adv_block *b, const char *rel,
	const char *name, int *ret_rel, int *ret_att)
{
	const struct pgt_sch_column *col;

	for (int i = 0; i < b->n_rels; i++) {
		if (rel && strcmp(b->rel[i].name, rel) != 0)
			continue;
		col = adv_column_named(c, b->rel[i].table->oid, name);
		if (!col)
			continue;
		*ret_rel = i;
		*ret_att = col->attnum;
		return true;
	}
	return false;
}

static const cJSON *
bare(const cJSON *node)
{
	const cJSON *cast;

	while ((cast = get(node, "TypeCast")))
		node = get(cast, "arg");
	return node;
}

static bool
column_of(struct walk *w, const struct adv_block *b, const cJSON *node, int *ret_rel,
	  int *ret_att)
{
	const cJSON *fields = get(get(bare(node), "ColumnRef"), "fields");
	int n = fields ? cJSON_GetArraySize(fields) : 0;
	const char *name, *rel = NULL;

	if (n < 1)
		return false;
	name = string_of(cJSON_GetArrayItem(fields, n - 1));
	if (n > 1)
		rel = string_of(cJSON_GetArrayItem(fields, n - 2));
	return name && find_in(w->c, b, rel, name, ret_rel, ret_att);
}

static void
note_column(struct walk *w, struct adv_block *b, const cJSON *ref)
{
	const cJSON *fields = get(ref, "fields"), *last;
	int rel, att, n = fields ? cJSON_GetArraySize(fields) : 0;
	const char *name;

	last = n ? cJSON_GetArrayItem(fields, n - 1) : NULL;
	if (get(last, "A_Star")) {
		b->star = true;
		return;
	}
	name = string_of(last);
	if (!name ||
	    !find_in(w->c, b, n > 1 ? string_of(cJSON_GetArrayItem(fields, n - 2)) : NULL,
		     name, &rel, &att))
		return;
	for (int i = 0; i < b->n_used; i++)
		if (b->used[i].rel == rel && b->used[i].att == att)
			return;
	if (b->n_used == USED_MAX) {
		b->star = true;
		return;
	}
	b->used[b->n_used].rel = rel;
	b->used[b->n_used++].att = att;
}

static void
add_pred(struct adv_block *b, int rel, int att, enum adv_op op)
{
	for (int i = 0; i < b->n_preds; i++)
		if (b->pred[i].rel == rel && b->pred[i].att == att && b->pred[i].op == op)
			return;
	if (b->n_preds < PREDS_MAX)
		b->pred[b->n_preds++] = (struct adv_pred){rel, att, op};
}

/* Does the expression refer to a column of this block? */
static bool
has_column(struct walk *w, const struct adv_block *b, const cJSON *node, int depth)
{
	const cJSON *child;
	int rel, att;

	if (!node || depth > DEPTH_MAX)
		return false;
	if (get(node, "ColumnRef"))
		return column_of(w, b, node, &rel, &att);
	if (get(node, "SelectStmt"))
		return false;
	cJSON_ArrayForEach(child,
			   node) if (has_column(w, b, child, depth + 1)) return true;
	return false;
}

/* ---- predicates ---- */

static enum adv_op
op_of(const char *name, const char *kind)
{
	static const struct {
		const char *name;
		enum adv_op op;
	} ops[] = {{"=", OP_EQ},        {"<", OP_RANGE},     {"<=", OP_RANGE},
		   {">", OP_RANGE},     {">=", OP_RANGE},    {"@>", OP_CONTAINS},
		   {"<@", OP_CONTAINS}, {"&&", OP_CONTAINS}, {"?", OP_CONTAINS},
		   {"?|", OP_CONTAINS}, {"?&", OP_CONTAINS}, {"@@", OP_MATCH},
		   {"~~", OP_LIKE},     {"~~*", OP_ILIKE}};

	if (kind && (strcmp(kind, "AEXPR_BETWEEN") == 0))
		return OP_RANGE;
	for (size_t i = 0; name && i < PGT_LEN(ops); i++)
		if (strcmp(ops[i].name, name) == 0) {
			if (kind && ops[i].op == OP_EQ && strcmp(kind, "AEXPR_OP") != 0)
				return strcmp(kind, "AEXPR_IN") == 0 ||
					       strcmp(kind, "AEXPR_OP_ANY") == 0
					   ? OP_IN
					   : 0;
			return ops[i].op;
		}
	return 0;
}

/* lower(column) */
static bool
lower_of(struct walk *w, const struct adv_block *b, const cJSON *node, int *ret_rel,
	 int *ret_att)
{
	const cJSON *f = get(bare(node), "FuncCall"), *names = get(f, "funcname");
	const cJSON *args = get(f, "args");
	const char *name = names ? string_of(cJSON_GetArrayItem(
				       names, cJSON_GetArraySize(names) - 1))
				 : NULL;

	return name && strcmp(name, "lower") == 0 && cJSON_GetArraySize(args) == 1 &&
	       column_of(w, b, cJSON_GetArrayItem(args, 0), ret_rel, ret_att);
}

static void
comparison(struct walk *w, struct adv_block *b, const cJSON *e)
{
	const cJSON *names = get(e, "name"), *l = get(e, "lexpr"), *r = get(e, "rexpr"),
		    *x;
	const char *name = names ? string_of(cJSON_GetArrayItem(
				       names, cJSON_GetArraySize(names) - 1))
				 : NULL;
	enum adv_op op = op_of(name, text(e, "kind"));
	int rel, att, rel2, att2;

	if (!op)
		return;
	if (!column_of(w, b, l, &rel, &att) && column_of(w, b, r, &rel, &att)) {
		x = l;
		l = r;
		r = x;
	}
	if (op == OP_EQ && lower_of(w, b, l, &rel, &att) && !has_column(w, b, r, 0)) {
		add_pred(b, rel, att, OP_LOWER);
		return;
	}
	if (!column_of(w, b, l, &rel, &att))
		return;
	if (op == OP_EQ && column_of(w, b, r, &rel2, &att2)) {
		if (rel2 != rel) {
			add_pred(b, rel, att, OP_JOIN);
			add_pred(b, rel2, att2, OP_JOIN);
		}
		return;
	}
	if (!has_column(w, b, r, 0))
		add_pred(b, rel, att, op);
}

static void
bool_expr(struct walk *w, struct adv_block *b, const cJSON *e, bool anded)
{
	const char *kind = text(e, "boolop");
	const cJSON *arg, *args = get(e, "args");
	int rel, att;

	if (kind && strcmp(kind, "AND_EXPR") == 0) {
		cJSON_ArrayForEach(arg, args) walk_expr(w, arg, b, anded);
		return;
	}
	if (kind && strcmp(kind, "NOT_EXPR") == 0 && anded &&
	    column_of(w, b, cJSON_GetArrayItem(args, 0), &rel, &att))
		add_pred(b, rel, att, OP_FALSE);
	if (kind && strcmp(kind, "OR_EXPR") == 0 && anded)
		b->or_seen = true;
	cJSON_ArrayForEach(arg, args) walk_expr(w, arg, b, false);
}

static void
walk_any(struct walk *w, const cJSON *node, struct adv_block *b)
{
	const cJSON *child;

	cJSON_ArrayForEach(child, node) if (cJSON_IsObject(child) || cJSON_IsArray(child))
	    walk_expr(w, child, b, false);
}

static void
func_call(struct walk *w, struct adv_block *b, const cJSON *f)
{
	static const char *const names[] = {
	    "count",     "sum",        "avg",       "min",      "max",
	    "array_agg", "string_agg", "jsonb_agg", "json_agg", "bool_or"};
	const cJSON *parts = get(f, "funcname");
	const char *name = parts ? string_of(cJSON_GetArrayItem(
				       parts, cJSON_GetArraySize(parts) - 1))
				 : NULL;

	for (size_t i = 0; name && i < PGT_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			b->aggregate = true;
	walk_any(w, f, b);
}

static void
walk_expr(struct walk *w, const cJSON *node, struct adv_block *b, bool anded)
{
	const cJSON *e;
	const char *kind;
	int rel, att;

	if (!node || ++w->depth > DEPTH_MAX) {
		w->depth -= node != NULL;
		return;
	}
	if ((e = get(node, "SelectStmt"))) {
		walk_statement(w, node, b);
	} else if ((e = get(node, "BoolExpr"))) {
		bool_expr(w, b, e, anded);
	} else if ((e = get(node, "A_Expr"))) {
		if (anded)
			comparison(w, b, e);
		walk_any(w, e, b);
	} else if ((e = get(node, "NullTest"))) {
		kind = text(e, "nulltesttype");
		if (anded && kind && column_of(w, b, get(e, "arg"), &rel, &att))
			add_pred(b, rel, att,
				 strcmp(kind, "IS_NULL") == 0 ? OP_NULL : OP_NOT_NULL);
		walk_any(w, e, b);
	} else if ((e = get(node, "ColumnRef"))) {
		if (anded && column_of(w, b, node, &rel, &att))
			add_pred(b, rel, att, OP_TRUE);
		note_column(w, b, e);
	} else if ((e = get(node, "FuncCall"))) {
		func_call(w, b, e);
	} else {
		walk_any(w, node, b);
	}
	w->depth--;
}

/* ---- clauses ---- */

static void
add_table(struct walk *w, struct adv_block *b, const cJSON *rv)
{
	const char *name = text(rv, "relname"),
		   *alias = text(get(rv, "alias"), "aliasname");
	const struct pgt_sch_table *t;

	for (int i = 0; name && !text(rv, "schemaname") && i < w->p->n_ctes; i++)
		if (strcmp(w->p->ctes[i], name) == 0)
			return;
	t = name ? adv_table_named(w->c, text(rv, "schemaname"), name) : NULL;
	if (t && b->n_rels < RELS_MAX)
		b->rel[b->n_rels++] =
		    (struct adv_rel){t, pgt_arena_strdup(w->c->a, alias ? alias : name)};
}

/* The tables first, so that names in conditions are found. */
static void
from_tables(struct walk *w, struct adv_block *b, const cJSON *node, int depth)
{
	const cJSON *j;

	if (!node || depth > DEPTH_MAX)
		return;
	if ((j = get(node, "RangeVar"))) {
		add_table(w, b, j);
	} else if ((j = get(node, "JoinExpr"))) {
		from_tables(w, b, get(j, "larg"), depth + 1);
		from_tables(w, b, get(j, "rarg"), depth + 1);
	}
}

static void
from_conditions(struct walk *w, struct adv_block *b, const cJSON *node, int depth)
{
	const cJSON *j;

	if (!node || depth > DEPTH_MAX)
		return;
	if ((j = get(node, "JoinExpr"))) {
		from_conditions(w, b, get(j, "larg"), depth + 1);
		from_conditions(w, b, get(j, "rarg"), depth + 1);
		walk_expr(w, get(j, "quals"), b, true);
	} else if (!get(node, "RangeVar")) {
		walk_expr(w, node, b, false);
	}
}

static void
sort_clause(struct walk *w, struct adv_block *b, const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const cJSON *s = get(item, "SortBy"), *node = get(s, "node");
		const cJSON *e = get(node, "A_Expr"), *names = get(e, "name");
		const char *dir = text(s, "sortby_dir"), *nulls = text(s, "sortby_nulls");
		struct adv_sort x = {0};
		const char *op = names ? string_of(cJSON_GetArrayItem(
					     names, cJSON_GetArraySize(names) - 1))
				       : NULL;

		x.desc = dir && strcmp(dir, "SORTBY_DESC") == 0;
		x.nulls_first = nulls && strcmp(nulls, "SORTBY_NULLS_FIRST") == 0;
		x.nulls_last = nulls && strcmp(nulls, "SORTBY_NULLS_LAST") == 0;
		if (b->n_sorts == SORTS_MAX) {
			b->sort_unknown = true;
		} else if (column_of(w, b, node, &x.rel, &x.att)) {
			b->sort[b->n_sorts++] = x;
		} else if (op && op[0] == '<' && strlen(op) == 3 && op[2] == '>' &&
			   column_of(w, b, get(e, "lexpr"), &x.rel, &x.att)) {
			x.distance = pgt_arena_strdup(w->c->a, op);
			b->sort[b->n_sorts++] = x;
		} else {
			b->sort_unknown = true;
		}
		walk_expr(w, node, b, false);
	}
}

/* ORDER BY an output name: "x <-> $1 AS distance ... ORDER BY distance". */
static void
named_distance(struct walk *w, struct adv_block *b, const cJSON *stmt)
{
	const cJSON *item, *first = cJSON_GetArrayItem(get(stmt, "sortClause"), 0);
	const cJSON *ref = get(get(get(first, "SortBy"), "node"), "ColumnRef");
	const char *name = ref ? string_of(cJSON_GetArrayItem(get(ref, "fields"), 0))
			       : NULL;

	if (!name || b->n_sorts)
		return;
	cJSON_ArrayForEach(item, get(stmt, "targetList"))
	{
		const cJSON *t = get(item, "ResTarget"),
			    *e = get(get(t, "val"), "A_Expr");
		const char *as = text(t, "name");
		const char *op = e ? string_of(cJSON_GetArrayItem(get(e, "name"), 0))
				   : NULL;
		struct adv_sort x = {0};

		if (!as || strcmp(as, name) != 0 || !op || op[0] != '<' ||
		    strlen(op) != 3 || op[2] != '>' ||
		    !column_of(w, b, get(e, "lexpr"), &x.rel, &x.att))
			continue;
		x.distance = pgt_arena_strdup(w->c->a, op);
		b->sort[b->n_sorts++] = x;
		b->sort_unknown = false;
		return;
	}
}

static struct adv_block *
new_block(struct walk *w, struct adv_block *parent, int kind)
{
	struct adv_block *b;

	if (w->p->n_blocks == BLOCKS_MAX)
		return NULL;
	b = pgt_arena_alloc(w->c->a, sizeof(*b));
	b->parent = parent;
	b->kind = kind;
	w->p->block[w->p->n_blocks++] = b;
	return b;
}

static void
with_clause(struct walk *w, const cJSON *stmt, struct adv_block *parent)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, get(get(stmt, "withClause"), "ctes"))
	{
		const cJSON *cte = get(item, "CommonTableExpr");
		const char *name = text(cte, "ctename");

		if (name && w->p->n_ctes < (int)PGT_LEN(w->p->ctes))
			w->p->ctes[w->p->n_ctes++] = pgt_arena_strdup(w->c->a, name);
		walk_statement(w, get(cte, "ctequery"), parent);
	}
}

static void
select_stmt(struct walk *w, const cJSON *s, struct adv_block *parent)
{
	const cJSON *item, *larg = get(s, "larg"), *rarg = get(s, "rarg");
	struct adv_block *b;

	with_clause(w, s, parent);
	if (larg && rarg) { /* UNION and its like: the arms are bare SelectStmts */
		select_stmt(w, get(larg, "SelectStmt") ? get(larg, "SelectStmt") : larg,
			    parent);
		select_stmt(w, get(rarg, "SelectStmt") ? get(rarg, "SelectStmt") : rarg,
			    parent);
		return;
	}
	b = new_block(w, parent, BLOCK_SELECT);
	if (!b)
		return;
	b->limit = get(s, "limitCount") != NULL;
	b->group = cJSON_GetArraySize(get(s, "groupClause")) > 0;
	cJSON_ArrayForEach(item, get(s, "fromClause")) from_tables(w, b, item, 0);
	cJSON_ArrayForEach(item, get(s, "fromClause")) from_conditions(w, b, item, 0);
	walk_expr(w, get(s, "whereClause"), b, true);
	walk_any(w, get(s, "targetList"), b);
	walk_any(w, get(s, "groupClause"), b);
	walk_expr(w, get(s, "havingClause"), b, false);
	sort_clause(w, b, get(s, "sortClause"));
	named_distance(w, b, s);
}

static void
set_columns(struct walk *w, struct adv_block *b, const cJSON *targets)
{
	const cJSON *item;
	int rel, att;

	cJSON_ArrayForEach(item, targets)
	{
		const char *name = text(get(item, "ResTarget"), "name");

		if (name && b->n_rels && b->n_set < USED_MAX &&
		    find_in(w->c, b, b->rel[0].name, name, &rel, &att)) {
			b->set[b->n_set].rel = 0;
			b->set[b->n_set++].att = att;
		}
	}
}

static void
write_stmt(struct walk *w, const cJSON *s, struct adv_block *parent, int kind)
{
	struct adv_block *b;
	const cJSON *item;
	const char *others = kind == BLOCK_UPDATE ? "fromClause" : "usingClause";

	with_clause(w, s, parent);
	b = new_block(w, parent, kind);
	if (!b)
		return;
	b->star = true; /* the row itself is read */
	add_table(w, b, get(s, "relation"));
	if (kind == BLOCK_UPDATE)
		set_columns(w, b, get(s, "targetList"));
	cJSON_ArrayForEach(item, get(s, others)) from_tables(w, b, item, 0);
	cJSON_ArrayForEach(item, get(s, others)) from_conditions(w, b, item, 0);
	walk_expr(w, get(s, "whereClause"), b, true);
	walk_any(w, get(s, "targetList"), b);
}

static void
walk_statement(struct walk *w, const cJSON *node, struct adv_block *parent)
{
	const cJSON *s;

	if (!node || ++w->depth > DEPTH_MAX) {
		w->depth -= node != NULL;
		return;
	}
	if ((s = get(node, "SelectStmt")))
		select_stmt(w, s, parent);
	else if ((s = get(node, "UpdateStmt")))
		write_stmt(w, s, parent, BLOCK_UPDATE);
	else if ((s = get(node, "DeleteStmt")))
		write_stmt(w, s, parent, BLOCK_DELETE);
	else if ((s = get(node, "InsertStmt"))) {
		w->p->insert = true;
		with_clause(w, s, parent);
		walk_statement(w, get(s, "selectStmt"), parent);
	}
	w->depth--;
}

static bool
worth_parsing(const char *sql)
{
	static const char *const words[] = {"select", "with",   "update",
					    "delete", "insert", "("};

	while (*sql == ' ' || *sql == '\n')
		sql++;
	if (pgt_str_starts(sql, "/*") && strstr(sql, "*/"))
		sql = strstr(sql, "*/") + 2;
	while (*sql == ' ')
		sql++;
	for (size_t i = 0; i < PGT_LEN(words); i++)
		if (strncasecmp(sql, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

const struct adv_parsed *
adv_parse(struct adv_ctx *c, size_t i)
{
	const struct pgt_sch_statement *q = &c->s->statements[i];
	struct walk w = {.c = c};
	struct pgt_err err = {0};
	const cJSON *item;
	cJSON *tree;

	if (!c->parsed)
		c->parsed = pgt_xcalloc(c->s->n_statements, sizeof(*c->parsed));
	w.p = &c->parsed[i];
	if (w.p->done)
		return w.p;
	w.p->done = true;
	if (!q->text || !worth_parsing(q->text))
		return w.p;
	tree = pgt_sqltree_parse(q->text, JSON_MAX, &err);
	if (!tree && err.code == PGT_E_UNSUPPORTED && !c->no_parser) {
		adv_note(c, "statements are not parsed: %s", err.msg);
		c->no_parser = true;
	}
	cJSON_ArrayForEach(item, get(tree, "stmts"))
	    walk_statement(&w, get(item, "stmt"), NULL);
	w.p->ok = tree != NULL;
	cJSON_Delete(tree);
	return w.p;
}
