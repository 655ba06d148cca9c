#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datalog_priv.h"

enum tok {
	TK_END,
	TK_VAR,
	TK_ANY,
	TK_NAME,
	TK_NUM,
	TK_TEXT,
	TK_NOT,
	TK_IF,
	TK_DOT,
	TK_COMMA,
	TK_OPEN,
	TK_CLOSE,
	TK_PLUS,
	TK_MINUS,
	TK_STAR,
	TK_SLASH,
	TK_CMP,
	TK_BAD,
};

struct parser {
	struct pgt_datalog *dl;
	const char *p, *end;
	struct pos at; /* of p */
	struct pgt_err *err;

	enum tok tok; /* one token ahead */
	struct pos pos;
	const char *text; /* TK_VAR, TK_NAME, TK_TEXT */
	double num;
	enum cmp_op op;

	struct rule *rule; /* under way */
	int depth;
};

const char *const dl_cmp_text[] = {
    [CMP_EQ] = "=",  [CMP_NE] = "!=", [CMP_LT] = "<",
    [CMP_LE] = "<=", [CMP_GT] = ">",  [CMP_GE] = ">=",
};

int
dl_error(const struct pgt_datalog *dl, struct pos at, struct pgt_err *err,
	 const char *fmt, ...)
{
	char msg[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return pgt_err_set(err, PGT_E_PARSE, "%s:%d:%d: %s", dl->name, at.line, at.col,
			   msg);
}

/* ---- tokens --------------------------------------------------------------------- */

static void
advance(struct parser *ps)
{
	unsigned char c = (unsigned char)*ps->p++;

	if (c == '\n') {
		ps->at.line++;
		ps->at.col = 1;
	} else if ((c & 0xc0) != 0x80) { /* columns count characters, not UTF-8 bytes */
		ps->at.col++;
	}
}

static int
peek(const struct parser *ps, size_t ahead)
{
	return ps->p + ahead < ps->end ? (unsigned char)ps->p[ahead] : -1;
}

static void
skip_space(struct parser *ps)
{
	while (ps->p < ps->end) {
		if (*ps->p == '%')
			while (ps->p < ps->end && *ps->p != '\n')
				advance(ps);
		else if (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\n' ||
			 *ps->p == '\r')
			advance(ps);
		else
			return;
	}
}

static int
lex_word(struct parser *ps)
{
	const char *from = ps->p;
	size_t len;

	while (isalnum(peek(ps, 0)) || peek(ps, 0) == '_')
		advance(ps);
	len = (size_t)(ps->p - from);
	if (len >= DL_NAME)
		return dl_error(ps->dl, ps->pos, ps->err, "name is longer than %d bytes",
				DL_NAME - 1);
	ps->text = pgt_arena_strndup(ps->dl->arena, from, len);
	if (len == 1 && *from == '_')
		ps->tok = TK_ANY;
	else if (*from == '_' || isupper((unsigned char)*from))
		ps->tok = TK_VAR;
	else if (len == 3 && memcmp(from, "not", 3) == 0)
		ps->tok = TK_NOT;
	else
		ps->tok = TK_NAME;
	return 0;
}

static int
lex_number(struct parser *ps)
{
	char buf[64];
	size_t n = 0;

	/* "300." ends a clause: a point belongs to the number only before a digit. */
	while (n + 1 < sizeof(buf)) {
		int c = peek(ps, 0), next = peek(ps, 1);
		bool sign = (next == '+' || next == '-') && isdigit(peek(ps, 2));

		if (!isdigit(c) && !(c == '.' && isdigit(next)) &&
		    !((c == 'e' || c == 'E') && (isdigit(next) || sign)))
			break;
		buf[n++] = (char)c;
		advance(ps);
		if ((c == 'e' || c == 'E') && sign && n + 1 < sizeof(buf)) {
			buf[n++] = *ps->p;
			advance(ps);
		}
	}
	buf[n] = '\0';
	if (n + 1 == sizeof(buf))
		return dl_error(ps->dl, ps->pos, ps->err, "number is too long");
	if (isalpha(peek(ps, 0)) || peek(ps, 0) == '_')
		return dl_error(ps->dl, ps->at, ps->err,
				"unexpected letter after a number");
	ps->tok = TK_NUM;
	ps->num = strtod(buf, NULL);
	if (!(ps->num <= 1e300))
		return dl_error(ps->dl, ps->pos, ps->err, "number is too large");
	return 0;
}

static int
lex_string(struct parser *ps)
{
	struct pgt_buf b;

	pgt_buf_init(&b, 4096);
	advance(ps);
	while (ps->p < ps->end && *ps->p != '"' && (unsigned char)*ps->p >= 0x20) {
		if (*ps->p == '\\') {
			int c = peek(ps, 1);

			if (c != '"' && c != '\\') {
				pgt_buf_done(&b);
				return dl_error(
				    ps->dl, ps->at, ps->err,
				    "only \\\" and \\\\ may follow a backslash");
			}
			advance(ps);
		}
		pgt_buf_putc(&b, *ps->p);
		advance(ps);
	}
	if (ps->p >= ps->end || *ps->p != '"' || b.overflow) {
		pgt_buf_done(&b);
		return dl_error(ps->dl, ps->pos, ps->err,
				"string does not end on its line");
	}
	advance(ps);
	ps->tok = TK_TEXT;
	ps->text = pgt_arena_strdup(ps->dl->arena, pgt_buf_str(&b));
	pgt_buf_done(&b);
	return 0;
}

static const struct {
	const char *text;
	enum tok tok;
	enum cmp_op op;
} signs[] = {
    {":-", TK_IF, 0},       {"!=", TK_CMP, CMP_NE}, {"<=", TK_CMP, CMP_LE},
    {">=", TK_CMP, CMP_GE}, {"=", TK_CMP, CMP_EQ},  {"<", TK_CMP, CMP_LT},
    {">", TK_CMP, CMP_GT},  {".", TK_DOT, 0},       {",", TK_COMMA, 0},
    {"(", TK_OPEN, 0},      {")", TK_CLOSE, 0},     {"+", TK_PLUS, 0},
    {"-", TK_MINUS, 0},     {"*", TK_STAR, 0},      {"/", TK_SLASH, 0},
};

static int
next(struct parser *ps)
{
	int c;

	skip_space(ps);
	ps->pos = ps->at;
	c = peek(ps, 0);
	if (c < 0) {
		ps->tok = TK_END;
		return 0;
	}
	if (isalpha(c) || c == '_')
		return lex_word(ps);
	if (isdigit(c))
		return lex_number(ps);
	if (c == '"')
		return lex_string(ps);
	for (size_t i = 0; i < PGT_LEN(signs); i++) {
		size_t len = strlen(signs[i].text);

		if ((size_t)(ps->end - ps->p) < len ||
		    memcmp(ps->p, signs[i].text, len) != 0)
			continue;
		ps->tok = signs[i].tok;
		ps->op = signs[i].op;
		while (len-- > 0)
			advance(ps);
		return 0;
	}
	if (c < 0x20 || c > 0x7e)
		return dl_error(ps->dl, ps->pos, ps->err, "unexpected byte 0x%02x", c);
	return dl_error(ps->dl, ps->pos, ps->err, "unexpected '%c'", c);
}

static int
expect(struct parser *ps, enum tok tok, const char *what)
{
	if (ps->tok != tok)
		return dl_error(ps->dl, ps->pos, ps->err, "expected %s", what);
	return next(ps);
}

/* ---- expressions ------------------------------------------------------------------ */

static int parse_expr(struct parser *ps, struct expr **ret);

static struct expr *
new_expr(struct parser *ps, enum expr_kind kind)
{
	struct expr *e = pgt_arena_alloc(ps->dl->arena, sizeof(*e));

	if (e) {
		e->kind = kind;
		e->pos = ps->pos;
	}
	return e;
}

static int
variable(struct parser *ps, struct expr *e)
{
	struct rule *r = ps->rule;

	for (e->var = 0; e->var < r->n_vars; e->var++)
		if (strcmp(r->var[e->var], ps->text) == 0)
			return 0;
	if (r->n_vars == DL_VARS)
		return dl_error(ps->dl, ps->pos, ps->err, "more than %d variables",
				DL_VARS);
	r->var_pos[r->n_vars] = ps->pos;
	r->var[r->n_vars++] = ps->text;
	return 0;
}

static int
parse_factor(struct parser *ps, struct expr **ret)
{
	struct expr *e = new_expr(ps, EX_NUM);

	if (!e)
		return pgt_err_set(ps->err, PGT_E_LIMIT, "%s: too long", ps->dl->name);
	switch (ps->tok) {
	case TK_VAR:
		e->kind = EX_VAR;
		if (variable(ps, e) < 0)
			return -1;
		break;
	case TK_ANY:
		e->kind = EX_ANY;
		break;
	case TK_NUM:
		e->num = ps->num;
		break;
	case TK_NAME:
	case TK_TEXT:
		e->kind = EX_TEXT;
		e->text = ps->text;
		break;
	case TK_MINUS:
	case TK_OPEN:
		if (++ps->depth > DL_DEPTH)
			return dl_error(ps->dl, ps->pos, ps->err, "nested too deeply");
		if (ps->tok == TK_OPEN) {
			if (next(ps) < 0 || parse_expr(ps, ret) < 0)
				return -1;
			ps->depth--;
			return expect(ps, TK_CLOSE, "')'");
		}
		e->kind = EX_NEG;
		if (next(ps) < 0 || parse_factor(ps, &e->l) < 0)
			return -1;
		ps->depth--;
		if (e->l->kind == EX_NUM) { /* so that -3 may stand as an argument */
			e->kind = EX_NUM;
			e->num = -e->l->num;
		}
		*ret = e;
		return 0;
	default:
		return dl_error(ps->dl, ps->pos, ps->err,
				"expected a value or a variable");
	}
	*ret = e;
	return next(ps);
}

/* Left to right; level 0 is + and -, level 1 is * and /. */
static int
parse_binary(struct parser *ps, int level, struct expr **ret)
{
	struct expr *l, *e;

	if ((level ? parse_factor(ps, &l) : parse_binary(ps, 1, &l)) < 0)
		return -1;
	while (level ? ps->tok == TK_STAR || ps->tok == TK_SLASH
		     : ps->tok == TK_PLUS || ps->tok == TK_MINUS) {
		e = new_expr(ps, ps->tok == TK_STAR    ? EX_MUL
				 : ps->tok == TK_SLASH ? EX_DIV
				 : ps->tok == TK_PLUS  ? EX_ADD
						       : EX_SUB);
		if (!e)
			return pgt_err_set(ps->err, PGT_E_LIMIT, "%s: too long",
					   ps->dl->name);
		e->l = l;
		if (next(ps) < 0 ||
		    (level ? parse_factor(ps, &e->r) : parse_binary(ps, 1, &e->r)) < 0)
			return -1;
		l = e;
	}
	*ret = l;
	return 0;
}

static int
parse_expr(struct parser *ps, struct expr **ret)
{
	return parse_binary(ps, 0, ret);
}

/* ---- clauses ---------------------------------------------------------------------- */

int
dl_find_pred(const struct pgt_datalog *dl, const char *name)
{
	for (int i = 0; i < dl->n_preds; i++)
		if (strcmp(dl->pred[i].name, name) == 0)
			return i;
	return -1;
}

static int
use_pred(struct parser *ps, struct atom *a, const char *name)
{
	struct pgt_datalog *dl = ps->dl;

	a->pred = dl_find_pred(dl, name);
	if (a->pred >= 0 && dl->pred[a->pred].arity != a->n)
		return dl_error(dl, a->pos, ps->err,
				"%s has %d arguments here and %d in line %d", name, a->n,
				dl->pred[a->pred].arity, dl->pred[a->pred].pos.line);
	if (a->pred >= 0)
		return 0;
	a->pred = dl->n_preds++;
	dl->pred = pgt_xreallocarray(dl->pred, (size_t)dl->n_preds, sizeof(*dl->pred));
	dl->pred[a->pred] = (struct pred){.name = name, .arity = a->n, .pos = a->pos};
	return 0;
}

/* The name is read; what follows it is the present token. */
static int
parse_atom_rest(struct parser *ps, const char *name, struct pos pos, struct atom *a)
{
	*a = (struct atom){.pos = pos};
	if (ps->tok == TK_OPEN) {
		if (next(ps) < 0)
			return -1;
		while (ps->tok != TK_CLOSE) {
			if (a->n == PGT_DL_ARGS)
				return dl_error(ps->dl, ps->pos, ps->err,
						"%s has more than %d arguments", name,
						PGT_DL_ARGS);
			if (parse_expr(ps, &a->arg[a->n++]) < 0)
				return -1;
			if (ps->tok == TK_CLOSE)
				break;
			if (expect(ps, TK_COMMA, "',' or ')'") < 0)
				return -1;
			if (ps->tok == TK_CLOSE)
				return dl_error(ps->dl, ps->pos, ps->err,
						"expected an argument");
		}
		if (next(ps) < 0)
			return -1;
	}
	return use_pred(ps, a, name);
}

static int
parse_atom(struct parser *ps, struct atom *a)
{
	const char *name = ps->text;
	struct pos pos = ps->pos;

	if (expect(ps, TK_NAME, "a predicate") < 0)
		return -1;
	return parse_atom_rest(ps, name, pos, a);
}

static bool
starts_comparison(enum tok t)
{
	return t == TK_CMP || t == TK_PLUS || t == TK_MINUS || t == TK_STAR ||
	       t == TK_SLASH;
}

static int
parse_comparison(struct parser *ps, struct literal *lit)
{
	lit->kind = LIT_CMP;
	if (!lit->l && parse_expr(ps, &lit->l) < 0)
		return -1;
	if (ps->tok != TK_CMP)
		return dl_error(ps->dl, ps->pos, ps->err,
				"expected a comparison (= != < <= > >=)");
	lit->op = ps->op;
	if (next(ps) < 0)
		return -1;
	return parse_expr(ps, &lit->r);
}

static int
parse_literal(struct parser *ps, struct literal *lit)
{
	*lit = (struct literal){.defines = -1};
	if (ps->tok == TK_NOT) {
		lit->kind = LIT_NOT;
		return next(ps) < 0 ? -1 : parse_atom(ps, &lit->atom);
	}
	if (ps->tok == TK_NAME) {
		/* A word is an atom, unless a comparison follows: then it is a value. */
		const char *name = ps->text;
		struct pos pos = ps->pos;

		if (next(ps) < 0)
			return -1;
		if (!starts_comparison(ps->tok)) {
			lit->kind = LIT_ATOM;
			return parse_atom_rest(ps, name, pos, &lit->atom);
		}
		if (ps->tok != TK_CMP)
			return dl_error(ps->dl, pos, ps->err,
					"cannot calculate with text");
		lit->l = new_expr(ps, EX_TEXT);
		if (!lit->l)
			return pgt_err_set(ps->err, PGT_E_LIMIT, "%s: too long",
					   ps->dl->name);
		lit->l->text = name;
		lit->l->pos = pos;
	}
	return parse_comparison(ps, lit);
}

static int
parse_clause(struct parser *ps)
{
	struct pgt_datalog *dl = ps->dl;
	struct rule *r;

	if (dl->n_rules == PGT_DL_RULES)
		return dl_error(dl, ps->pos, ps->err, "more than %d rules", PGT_DL_RULES);
	r = ps->rule = &dl->rule[dl->n_rules];
	r->pos = ps->pos;
	if (parse_atom(ps, &r->head) < 0)
		return -1;
	dl->n_rules++;
	dl->pred[r->head.pred].derived = true;
	if (ps->tok == TK_IF) {
		do {
			if (next(ps) < 0)
				return -1;
			if (r->n_body == DL_BODY)
				return dl_error(dl, ps->pos, ps->err,
						"more than %d conditions in a rule",
						DL_BODY);
			if (parse_literal(ps, &r->body[r->n_body++]) < 0)
				return -1;
		} while (ps->tok == TK_COMMA);
	}
	return expect(ps, TK_DOT,
		      r->n_body ? "',' or '.' after a condition"
				: "':-' or '.' after the head");
}

int
dl_parse(struct pgt_datalog *dl, const char *text, size_t len, struct pgt_err *err)
{
	struct parser ps = {
	    .dl = dl, .p = text, .end = text + len, .at = {1, 1}, .err = err};

	dl->rule = pgt_xcalloc(PGT_DL_RULES, sizeof(*dl->rule));
	if (next(&ps) < 0)
		return -1;
	while (ps.tok != TK_END)
		if (parse_clause(&ps) < 0)
			return -1;
	return 0;
}
