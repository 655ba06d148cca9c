/* Rules become SQL here and nowhere else.  Predicate p of index i is table p<i> with
 * columns c0, c1, ... (one constant column when it has no argument) and r, the round in
 * which the tuple came to be: 0 for base facts.  r drives both the semi-naive rounds
 * and the proofs, which only ever step down in r and therefore end.  Columns have no
 * type, so that text and numbers never compare equal; NOT NULL with OR IGNORE drops
 * what divided by zero or calculated with text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datalog_priv.h"

#define SQL_MAX (64 * 1024)

struct gen {
	const struct pgt_datalog *dl;
	const struct rule *rule;
	char *var[DL_VARS]; /* the SQL of each variable */
	struct pgt_buf sql;
	int n_where;
};

static void put_expr(struct gen *g, struct pgt_buf *b, const struct expr *e);

static void
put_text(struct pgt_buf *b, const char *s)
{
	pgt_buf_putc(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			pgt_buf_putc(b, '\'');
		pgt_buf_putc(b, *s);
	}
	pgt_buf_putc(b, '\'');
}

/* An operand of a calculation: text has no number in it. */
static void
put_operand(struct gen *g, struct pgt_buf *b, const struct expr *e)
{
	if (e->kind != EX_VAR) {
		put_expr(g, b, e);
		return;
	}
	pgt_buf_printf(b, "CASE WHEN typeof(%s) <> 'text' THEN %s END", g->var[e->var],
		       g->var[e->var]);
}

static void
put_expr(struct gen *g, struct pgt_buf *b, const struct expr *e)
{
	/* 1.0 * makes every division real */
	static const char *const op[] = {
	    [EX_ADD] = " + ", [EX_SUB] = " - ", [EX_MUL] = " * ", [EX_DIV] = " * 1.0 / "};

	switch (e->kind) {
	case EX_VAR:
		pgt_buf_puts(b, g->var[e->var]);
		return;
	case EX_NUM:
		pgt_buf_printf(b, "%.17g", e->num);
		return;
	case EX_TEXT:
		put_text(b, e->text);
		return;
	case EX_ANY:
		pgt_buf_puts(b, "NULL");
		return;
	case EX_NEG:
		pgt_buf_puts(b, "(- ");
		put_operand(g, b, e->l);
		pgt_buf_putc(b, ')');
		return;
	case EX_ADD:
	case EX_SUB:
	case EX_MUL:
	case EX_DIV:
		break;
	}
	pgt_buf_putc(b, '(');
	put_operand(g, b, e->l);
	pgt_buf_puts(b, op[e->kind]);
	put_operand(g, b, e->r);
	pgt_buf_putc(b, ')');
}

static void
where(struct gen *g)
{
	pgt_buf_puts(&g->sql, g->n_where++ ? " AND " : " WHERE ");
}

/* The first place of a variable in a positive atom gives its SQL; equations after. */
static void
name_variables(struct gen *g)
{
	const struct rule *r = g->rule;

	for (int i = 0; i < r->n_body; i++) {
		const struct literal *lit = &r->body[i];

		for (int j = 0; lit->kind == LIT_ATOM && j < lit->atom.n; j++) {
			const struct expr *e = lit->atom.arg[j];

			if (e->kind == EX_VAR && !g->var[e->var])
				g->var[e->var] = pgt_xasprintf("t%d.c%d", i, j);
		}
	}
	for (int k = 0; k < r->n_order; k++) {
		const struct literal *lit = &r->body[r->order[k]];
		struct pgt_buf b;

		pgt_buf_init(&b, SQL_MAX);
		pgt_buf_putc(&b, '(');
		put_expr(g, &b, lit->right ? lit->l : lit->r);
		pgt_buf_putc(&b, ')');
		if (b.overflow)
			g->sql.overflow = true;
		g->var[lit->defines] = pgt_buf_take(&b);
	}
}

static void
put_from(struct gen *g)
{
	const char *sep = " FROM ";

	for (int i = 0; i < g->rule->n_body; i++) {
		const struct literal *lit = &g->rule->body[i];

		if (lit->kind != LIT_ATOM)
			continue;
		pgt_buf_printf(&g->sql, "%sp%d AS t%d", sep, lit->atom.pred, i);
		sep = ", ";
	}
}

static void
put_match(struct gen *g, const struct atom *a, int i)
{
	char own[32];

	for (int j = 0; j < a->n; j++) {
		if (a->arg[j]->kind == EX_ANY)
			continue;
		snprintf(own, sizeof(own), "t%d.c%d", i, j);
		if (a->arg[j]->kind == EX_VAR && strcmp(g->var[a->arg[j]->var], own) == 0)
			continue;
		where(g);
		pgt_buf_printf(&g->sql, "%s = ", own);
		put_expr(g, &g->sql, a->arg[j]);
	}
}

static void
put_not(struct gen *g, const struct atom *a, int i)
{
	int outer = g->n_where;

	where(g);
	pgt_buf_printf(&g->sql, "NOT EXISTS (SELECT 1 FROM p%d AS t%d", a->pred, i);
	g->n_where = 0;
	put_match(g, a, i);
	pgt_buf_putc(&g->sql, ')');
	g->n_where = outer + 1;
}

static void
put_cmp(struct gen *g, const struct literal *lit)
{
	where(g);
	/* Text and numbers have no order between them. */
	if (lit->op != CMP_EQ && lit->op != CMP_NE) {
		pgt_buf_puts(&g->sql, "(typeof(");
		put_expr(g, &g->sql, lit->l);
		pgt_buf_puts(&g->sql, ") = 'text') = (typeof(");
		put_expr(g, &g->sql, lit->r);
		pgt_buf_puts(&g->sql, ") = 'text') AND ");
	}
	put_expr(g, &g->sql, lit->l);
	pgt_buf_printf(&g->sql, " %s ", dl_cmp_text[lit->op]);
	put_expr(g, &g->sql, lit->r);
}

static void
put_conditions(struct gen *g)
{
	for (int i = 0; i < g->rule->n_body; i++) {
		const struct literal *lit = &g->rule->body[i];

		if (lit->kind == LIT_ATOM)
			put_match(g, &lit->atom, i);
		else if (lit->kind == LIT_NOT)
			put_not(g, &lit->atom, i);
		else if (lit->defines < 0)
			put_cmp(g, lit);
	}
}

static bool
recursive(const struct gen *g, int i)
{
	const struct literal *lit = &g->rule->body[i];

	return lit->kind == LIT_ATOM && g->dl->pred[lit->atom.pred].derived &&
	       g->dl->pred[lit->atom.pred].stratum ==
		   g->dl->pred[g->rule->head.pred].stratum;
}

static void
put_head(struct gen *g)
{
	for (int j = 0; j < g->rule->head.n; j++) {
		put_expr(g, &g->sql, g->rule->head.arg[j]);
		pgt_buf_puts(&g->sql, ", ");
	}
	if (g->rule->head.n == 0)
		pgt_buf_puts(&g->sql, "1, ");
}

/* INSERT of what the rule derives in round ?1.  delta < 0: from all that was known
 * before the round; otherwise atom number delta only from what the last round brought. */
static void
gen_insert(struct gen *g, int delta)
{
	pgt_buf_printf(&g->sql, "INSERT OR IGNORE INTO p%d SELECT DISTINCT ",
		       g->rule->head.pred);
	put_head(g);
	pgt_buf_puts(&g->sql, "?1");
	put_from(g);
	put_conditions(g);
	for (int i = 0; i < g->rule->n_body; i++) {
		if (!recursive(g, i))
			continue;
		where(g);
		/* Atoms before the new one take what is older: no pair is tried twice. */
		pgt_buf_printf(&g->sql, "t%d.r %s ?1%s", i, delta == i ? "=" : "<",
			       delta < 0 || i > delta ? "" : " - 1");
	}
}

/* One derivation of the head tuple ?1.. with the round of each part below ?9 when it
 * could be circular.  Columns: the arguments of each positive atom, those of each
 * negated one (NULL for _), both sides of each comparison. */
static void
gen_why(struct gen *g)
{
	struct pgt_buf *b = &g->sql;
	const struct rule *r = g->rule;

	pgt_buf_puts(b, "SELECT 1");
	for (int i = 0; i < r->n_body; i++) {
		const struct literal *lit = &r->body[i];

		for (int j = 0; lit->kind == LIT_ATOM && j < lit->atom.n; j++)
			pgt_buf_printf(b, ", t%d.c%d", i, j);
		for (int j = 0; lit->kind == LIT_NOT && j < lit->atom.n; j++) {
			pgt_buf_puts(b, ", ");
			put_expr(g, b, lit->atom.arg[j]);
		}
		if (lit->kind == LIT_CMP) {
			pgt_buf_puts(b, ", ");
			put_expr(g, b, lit->l);
			pgt_buf_puts(b, ", ");
			put_expr(g, b, lit->r);
		}
	}
	put_from(g);
	put_conditions(g);
	for (int j = 0; j < r->head.n; j++) {
		where(g);
		put_expr(g, b, r->head.arg[j]);
		pgt_buf_printf(b, " = ?%d", j + 1);
	}
	for (int i = 0; i < r->n_body; i++) {
		if (!recursive(g, i))
			continue;
		where(g);
		pgt_buf_printf(b, "t%d.r < ?%d", i, PGT_DL_ARGS + 1);
	}
	pgt_buf_puts(b, " LIMIT 1");
}

int
dl_sql_error(struct pgt_datalog *dl, struct pgt_err *err)
{
	int code = sqlite3_errcode(dl->db);
	bool limit = code == SQLITE_INTERRUPT || code == SQLITE_FULL ||
		     code == SQLITE_NOMEM || code == SQLITE_TOOBIG;

	return pgt_err_set(err, limit ? PGT_E_LIMIT : PGT_E_STATE, "%s: %s", dl->name,
			   limit ? "the rules derive too much" : sqlite3_errmsg(dl->db));
}

static int
prepare(struct pgt_datalog *dl, const char *sql, sqlite3_stmt **ret, struct pgt_err *err)
{
	if (sqlite3_prepare_v3(dl->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) !=
	    SQLITE_OK)
		return dl_sql_error(dl, err);
	return 0;
}

int
dl_exec(struct pgt_datalog *dl, const char *sql, struct pgt_err *err)
{
	if (sqlite3_exec(dl->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return dl_sql_error(dl, err);
	return 0;
}

enum form { FORM_INSERT, FORM_WHY };

static int
compile_one(struct pgt_datalog *dl, struct rule *r, enum form form, int delta,
	    sqlite3_stmt **ret, struct pgt_err *err)
{
	struct gen g = {.dl = dl, .rule = r};
	int rc = -1;

	pgt_buf_init(&g.sql, SQL_MAX);
	name_variables(&g);
	if (form == FORM_INSERT)
		gen_insert(&g, delta);
	else
		gen_why(&g);
	if (g.sql.overflow)
		dl_error(dl, r->pos, err, "rule is too long");
	else
		rc = prepare(dl, pgt_buf_str(&g.sql), ret, err);
	for (int v = 0; v < r->n_vars; v++)
		free(g.var[v]);
	pgt_buf_done(&g.sql);
	return rc;
}

int
dl_compile_why(struct pgt_datalog *dl, struct rule *r, struct pgt_err *err)
{
	return r->why ? 0 : compile_one(dl, r, FORM_WHY, -1, &r->why, err);
}

static int
compile_rule(struct pgt_datalog *dl, struct rule *r, struct pgt_err *err)
{
	struct gen g = {.dl = dl, .rule = r};

	if (compile_one(dl, r, FORM_INSERT, -1, &r->full, err) < 0)
		return -1;
	for (int i = 0; i < r->n_body; i++)
		if (recursive(&g, i) &&
		    compile_one(dl, r, FORM_INSERT, i, &r->delta[i], err) < 0)
			return -1;
	return 0;
}

/* "c0, c1" or, with fmt "c%d = ?%d" and sep " AND ", a match. */
static void
put_columns(struct pgt_buf *b, int arity, const char *sep, bool match)
{
	for (int j = 0; j < (arity ? arity : 1); j++) {
		pgt_buf_printf(b, "%sc%d", j ? sep : "", j);
		if (match)
			pgt_buf_printf(b, " = ?%d", j + 1);
	}
}

static int
compile_pred(struct pgt_datalog *dl, int i, struct pgt_err *err)
{
	struct pred *p = &dl->pred[i];
	struct pgt_buf b;
	int rc = -1;

	pgt_buf_init(&b, SQL_MAX);
	pgt_buf_printf(&b, "CREATE TABLE p%d (", i);
	put_columns(&b, p->arity, ", ", false);
	pgt_buf_puts(&b, ", r, PRIMARY KEY (");
	put_columns(&b, p->arity, ", ", false);
	pgt_buf_puts(&b, ")) WITHOUT ROWID");
	if (dl_exec(dl, pgt_buf_str(&b), err) < 0)
		goto out;
	if (p->derived) { /* each round asks for what the last one brought */
		pgt_buf_reset(&b);
		pgt_buf_printf(&b, "CREATE INDEX r%d ON p%d (r)", i, i);
		if (dl_exec(dl, pgt_buf_str(&b), err) < 0)
			goto out;
	}

	pgt_buf_reset(&b);
	pgt_buf_printf(&b, "INSERT OR IGNORE INTO p%d VALUES (", i);
	for (int j = 0; j < (p->arity ? p->arity : 1); j++)
		pgt_buf_printf(&b, "?%d, ", j + 1);
	pgt_buf_puts(&b, "0)");
	if (prepare(dl, pgt_buf_str(&b), &p->insert, err) < 0)
		goto out;

	pgt_buf_reset(&b);
	pgt_buf_printf(&b, "DELETE FROM p%d WHERE r > 0", i);
	if (prepare(dl, pgt_buf_str(&b), &p->clear, err) < 0)
		goto out;

	pgt_buf_reset(&b);
	pgt_buf_printf(&b, "DELETE FROM p%d", i);
	if (prepare(dl, pgt_buf_str(&b), &p->reset, err) < 0)
		goto out;

	pgt_buf_reset(&b);
	pgt_buf_puts(&b, "SELECT ");
	put_columns(&b, p->arity, ", ", false);
	pgt_buf_printf(&b, " FROM p%d ORDER BY ", i);
	put_columns(&b, p->arity, ", ", false);
	if (prepare(dl, pgt_buf_str(&b), &p->all, err) < 0)
		goto out;

	pgt_buf_reset(&b);
	pgt_buf_printf(&b, "SELECT r FROM p%d WHERE ", i);
	put_columns(&b, p->arity, " AND ", true);
	rc = prepare(dl, pgt_buf_str(&b), &p->find, err);
out:
	pgt_buf_done(&b);
	return rc;
}

int
dl_compile(struct pgt_datalog *dl, struct pgt_err *err)
{
	if (sqlite3_open_v2(":memory:", &dl->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return dl_sql_error(dl, err);
	/* statements that are kept would sit in its slots of 1,200 bytes */
	sqlite3_db_config(dl->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	/* Most relations hold a row or two, and each takes a page at least.
	 * 64 MiB: rules are the user's, and may derive without end. */
	if (dl_exec(dl, "PRAGMA page_size = 1024; PRAGMA max_page_count = 65536", err) <
	    0)
		return -1;
	for (int i = 0; i < dl->n_preds; i++)
		if (compile_pred(dl, i, err) < 0)
			return -1;
	for (int i = 0; i < dl->n_rules; i++)
		if (compile_rule(dl, &dl->rule[i], err) < 0)
			return -1;
	return 0;
}
