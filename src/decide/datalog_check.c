#include <string.h>

#include "datalog_priv.h"

static bool
is_leaf(const struct expr *e)
{
	return e->kind <= EX_TEXT;
}

/* First variable of e that is not in bound, or NULL; "_" counts as unbound. */
static const struct expr *
unbound(const struct expr *e, const bool *bound)
{
	const struct expr *u;

	switch (e->kind) {
	case EX_VAR:
		return bound[e->var] ? NULL : e;
	case EX_ANY:
		return e;
	case EX_NUM:
	case EX_TEXT:
		return NULL;
	case EX_NEG:
		return unbound(e->l, bound);
	case EX_ADD:
	case EX_SUB:
	case EX_MUL:
	case EX_DIV:
		break;
	}
	u = unbound(e->l, bound);
	return u ? u : unbound(e->r, bound);
}

/* Text within a calculation can never match: say so now. */
static int
check_arithmetic(const struct pgt_datalog *dl, const struct expr *e, struct pgt_err *err)
{
	const struct expr *side[2] = {e->l, e->r};

	if (is_leaf(e))
		return 0;
	for (int i = 0; i < 2; i++) {
		if (!side[i])
			continue;
		if (side[i]->kind == EX_TEXT)
			return dl_error(dl, side[i]->pos, err,
					"cannot calculate with text");
		if (check_arithmetic(dl, side[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
require(const struct pgt_datalog *dl, const struct rule *r, const struct expr *e,
	const bool *bound, const char *where, struct pgt_err *err)
{
	const struct expr *u = unbound(e, bound);

	if (!u)
		return check_arithmetic(dl, e, err);
	if (u->kind == EX_ANY)
		return dl_error(dl, u->pos, err, "_ has no value %s", where);
	return dl_error(dl, u->pos, err,
			"variable %s %s is not bound by a positive condition",
			r->var[u->var], where);
}

static int
bind_positive(const struct pgt_datalog *dl, const struct rule *r, bool *bound,
	      struct pgt_err *err)
{
	for (int i = 0; i < r->n_body; i++) {
		const struct literal *lit = &r->body[i];

		if (lit->kind == LIT_CMP)
			continue;
		for (int j = 0; j < lit->atom.n; j++) {
			const struct expr *e = lit->atom.arg[j];

			if (!is_leaf(e))
				return dl_error(
				    dl, e->pos, err,
				    "calculate in an equation, not within a condition");
			if (lit->kind == LIT_ATOM && e->kind == EX_VAR)
				bound[e->var] = true;
		}
	}
	return 0;
}

/* X = expression binds X once the expression is known; repeat until nothing is new. */
static void
bind_equations(struct rule *r, bool *bound)
{
	bool more = true;

	while (more) {
		more = false;
		for (int i = 0; i < r->n_body; i++) {
			struct literal *lit = &r->body[i];

			if (lit->kind != LIT_CMP || lit->op != CMP_EQ ||
			    lit->defines >= 0)
				continue;
			for (int right = 0; right < 2 && lit->defines < 0; right++) {
				const struct expr *v = right ? lit->r : lit->l;

				if (v->kind != EX_VAR || bound[v->var] ||
				    unbound(right ? lit->l : lit->r, bound))
					continue;
				lit->defines = v->var;
				lit->right = right;
				bound[v->var] = true;
				r->order[r->n_order++] = i;
				more = true;
			}
		}
	}
}

static int
check_rule(const struct pgt_datalog *dl, struct rule *r, struct pgt_err *err)
{
	bool bound[DL_VARS] = {0};

	if (bind_positive(dl, r, bound, err) < 0)
		return -1;
	bind_equations(r, bound);
	for (int i = 0; i < r->n_body; i++) {
		const struct literal *lit = &r->body[i];

		if (lit->kind == LIT_CMP &&
		    (require(dl, r, lit->l, bound, "in a comparison", err) < 0 ||
		     require(dl, r, lit->r, bound, "in a comparison", err) < 0))
			return -1;
		for (int j = 0; lit->kind == LIT_NOT && j < lit->atom.n; j++)
			if (lit->atom.arg[j]->kind != EX_ANY &&
			    require(dl, r, lit->atom.arg[j], bound, "under not", err) < 0)
				return -1;
	}
	for (int j = 0; j < r->head.n; j++)
		if (require(dl, r, r->head.arg[j], bound, "in the head", err) < 0)
			return -1;
	return 0;
}

/* The least numbering in which a predicate stands not below what it uses, and above
 * what it negates.  It exists unless a negation lies on a cycle. */
static int
stratify(struct pgt_datalog *dl, struct pgt_err *err)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (int i = 0; i < dl->n_rules; i++) {
			const struct rule *r = &dl->rule[i];
			struct pred *head = &dl->pred[r->head.pred];

			for (int j = 0; j < r->n_body; j++) {
				const struct literal *lit = &r->body[j];
				int least;

				if (lit->kind == LIT_CMP)
					continue;
				least = dl->pred[lit->atom.pred].stratum +
					(lit->kind == LIT_NOT);
				if (head->stratum >= least)
					continue;
				if (least > dl->n_preds)
					return dl_error(dl, lit->atom.pos, err,
							"%s depends on its own negation",
							head->name);
				head->stratum = least;
				changed = true;
			}
			if (head->stratum >= dl->n_strata)
				dl->n_strata = head->stratum + 1;
		}
	}
	return 0;
}

int
dl_check(struct pgt_datalog *dl, struct pgt_err *err)
{
	for (int i = 0; i < dl->n_rules; i++)
		if (check_rule(dl, &dl->rule[i], err) < 0)
			return -1;
	return stratify(dl, err);
}
