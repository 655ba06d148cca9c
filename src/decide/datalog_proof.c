#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datalog_priv.h"

#define PROOF_DEPTH 24 /* deeper, only the tuples are told */

struct proof {
	struct pgt_datalog *dl;
	struct pgt_buf *out;
	struct pgt_err *err;
};

static int prove(struct proof *p, int pred, const struct pgt_dl_value *v, int depth);

static void
indent(struct proof *p, int depth)
{
	for (int i = 0; i < depth; i++)
		pgt_buf_puts(p->out, "  ");
}

/* The round in which a tuple came to be, -1 if it does not hold. */
static int64_t
round_of(struct proof *p, const struct pred *pred, const struct pgt_dl_value *v)
{
	int64_t r = -1;

	for (int j = 0; j < pred->arity; j++)
		dl_bind(pred->find, j + 1, &v[j]);
	if (pred->arity == 0)
		sqlite3_bind_int(pred->find, 1, 1);
	p->dl->steps = 0;
	if (sqlite3_step(pred->find) == SQLITE_ROW)
		r = sqlite3_column_int64(pred->find, 0);
	sqlite3_reset(pred->find);
	return r;
}

/* One line of a rule's body as it was met, its values owned: the statement that told
 * them is used again further down. */
struct part {
	const struct literal *lit;
	const char *defines; /* name of the variable that an equation binds, or NULL */
	struct pgt_dl_value v[PGT_DL_ARGS];
	int n;
};

static void
take_parts(const struct rule *r, struct part *part)
{
	int col = 1;

	for (int i = 0; i < r->n_body; i++) {
		part[i].lit = &r->body[i];
		part[i].defines = r->body[i].kind == LIT_CMP && r->body[i].defines >= 0
				      ? r->var[r->body[i].defines]
				      : NULL;
		part[i].n = r->body[i].kind == LIT_CMP ? 2 : r->body[i].atom.n;
		for (int j = 0; j < part[i].n; j++) {
			part[i].v[j] = dl_column(r->why, col++);
			if (part[i].v[j].text)
				part[i].v[j].text = pgt_xstrdup(part[i].v[j].text);
		}
	}
}

static void
free_parts(const struct rule *r, struct part *part)
{
	for (int i = 0; i < r->n_body; i++)
		for (int j = 0; j < part[i].n; j++)
			free((char *)part[i].v[j].text);
}

static int
print_part(struct proof *p, const struct part *part, int depth)
{
	const struct literal *lit = part->lit;

	if (lit->kind == LIT_ATOM)
		return prove(p, lit->atom.pred, part->v, depth);
	indent(p, depth);
	if (lit->kind == LIT_NOT) {
		pgt_buf_puts(p->out, "not ");
		pgt_datalog_print(p->out, p->dl->pred[lit->atom.pred].name, part->v,
				  (size_t)part->n);
	} else if (part->defines) {
		pgt_buf_printf(p->out, "%s = ", part->defines);
		dl_print_value(p->out, &part->v[0]);
	} else {
		dl_print_value(p->out, &part->v[0]);
		pgt_buf_printf(p->out, " %s ", dl_cmp_text[lit->op]);
		dl_print_value(p->out, &part->v[1]);
	}
	pgt_buf_putc(p->out, '\n');
	return 0;
}

/* Find the first rule that derives the tuple from older ones; 1 if it does. */
static int
derive(struct proof *p, struct rule *r, const struct pgt_dl_value *v, int64_t round,
       int depth)
{
	struct part part[DL_BODY];
	int rc, ret = 1;

	if (dl_compile_why(p->dl, r, p->err) < 0)
		return -1;
	for (int j = 0; j < r->head.n; j++)
		dl_bind(r->why, j + 1, &v[j]);
	sqlite3_bind_int64(r->why, PGT_DL_ARGS + 1, round);
	p->dl->steps = 0;
	rc = sqlite3_step(r->why);
	if (rc != SQLITE_ROW) {
		sqlite3_reset(r->why);
		return rc == SQLITE_DONE ? 0 : dl_sql_error(p->dl, p->err);
	}
	take_parts(r, part);
	sqlite3_reset(r->why);

	pgt_buf_printf(p->out, "   by rule line %d\n", r->pos.line);
	for (int i = 0; i < r->n_body && ret > 0; i++)
		if (print_part(p, &part[i], depth + 1) < 0)
			ret = -1;
	free_parts(r, part);
	return ret;
}

static int
prove(struct proof *p, int pred, const struct pgt_dl_value *v, int depth)
{
	const struct pred *pr = &p->dl->pred[pred];
	int64_t round = round_of(p, pr, v);

	indent(p, depth);
	pgt_datalog_print(p->out, pr->name, v, (size_t)pr->arity);
	if (round <= 0) {
		pgt_buf_puts(p->out, "   fact\n");
		return 0;
	}
	if (depth >= PROOF_DEPTH) {
		pgt_buf_puts(p->out, "   ...\n");
		return 0;
	}
	for (int i = 0; i < p->dl->n_rules; i++) {
		int rc;

		if (p->dl->rule[i].head.pred != pred)
			continue;
		rc = derive(p, &p->dl->rule[i], v, round, depth);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	/* Unreachable while the database is as the run left it. */
	pgt_buf_puts(p->out, "   unexplained\n");
	return 0;
}

int
pgt_datalog_explain(struct pgt_datalog *dl, const char *pred,
		    const struct pgt_dl_value *args, size_t n, struct pgt_buf *out,
		    struct pgt_err *err)
{
	struct proof p = {dl, out, err};
	int i = dl_find_pred(dl, pred);

	if (!dl->ran)
		return pgt_err_set(err, PGT_E_STATE, "the rules were not run");
	if (i < 0 || (size_t)dl->pred[i].arity != n ||
	    round_of(&p, &dl->pred[i], args) < 0)
		return pgt_err_set(err, PGT_E_NOTFOUND, "%s does not hold", pred);
	if (prove(&p, i, args, 0) < 0)
		return -1;
	if (out->overflow)
		return pgt_err_set(err, PGT_E_LIMIT, "the proof is too long");
	return 0;
}
