/* The syntax tree of a rule program and the steps that work on it: parse, check,
 * compile to SQL, run, prove. */
#ifndef PGT_DECIDE_DATALOG_PRIV_H
#define PGT_DECIDE_DATALOG_PRIV_H

#include <sqlite3.h>
#include <stdint.h>

#include "pg2une/base/mem.h"
#include "pg2une/decide/datalog.h"

#define DL_BODY  16 /* literals of a rule */
#define DL_VARS  32 /* variables of a rule */
#define DL_DEPTH 32 /* parentheses within each other */
#define DL_NAME  64 /* bytes of a name */

struct pos {
	int line, col;
};

enum expr_kind {
	EX_VAR,
	EX_ANY,
	EX_NUM,
	EX_TEXT,
	EX_NEG,
	EX_ADD,
	EX_SUB,
	EX_MUL,
	EX_DIV
};

struct expr {
	enum expr_kind kind;
	struct pos pos;
	int var;          /* EX_VAR: index within the rule */
	double num;       /* EX_NUM */
	const char *text; /* EX_TEXT */
	struct expr *l, *r;
};

struct atom {
	struct pos pos;
	int pred; /* index */
	int n;
	struct expr *arg[PGT_DL_ARGS];
};

enum lit_kind { LIT_ATOM, LIT_NOT, LIT_CMP };
enum cmp_op { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
extern const char *const dl_cmp_text[];

struct literal {
	enum lit_kind kind;
	struct atom atom;
	enum cmp_op op;
	struct expr *l, *r;
	int defines; /* LIT_CMP: the variable that this equation binds, else -1 */
	bool right;  /* the variable stands on the right */
};

struct rule {
	struct pos pos;
	struct atom head;
	struct literal body[DL_BODY];
	int n_body;
	const char *var[DL_VARS];
	struct pos var_pos[DL_VARS];
	int n_vars;
	int order[DL_BODY]; /* literals that define variables, in order of need */
	int n_order;
	sqlite3_stmt *full;           /* all of it */
	sqlite3_stmt *delta[DL_BODY]; /* by recursive atom: only what is new; else NULL */
	sqlite3_stmt *why; /* one derivation of a given tuple; NULL until asked */
};

struct pred {
	const char *name;
	int arity, stratum;
	bool derived;
	struct pos pos; /* first mention */
	sqlite3_stmt *insert, *clear, *reset, *all, *find;
};

struct pgt_datalog {
	struct pgt_arena *arena;
	const char *name; /* of the source, for messages */
	struct rule *rule;
	int n_rules;
	struct pred *pred;
	int n_preds;
	int n_strata;
	sqlite3 *db;
	bool ran;
	int64_t steps; /* progress calls of this run */
};

int dl_error(const struct pgt_datalog *dl, struct pos at, struct pgt_err *err,
	     const char *fmt, ...) PGT_PRINTF(4, 5);
int dl_parse(struct pgt_datalog *dl, const char *text, size_t len, struct pgt_err *err);
int dl_check(struct pgt_datalog *dl, struct pgt_err *err);
/* Open the database, make the tables and prepare every statement. */
int dl_compile(struct pgt_datalog *dl, struct pgt_err *err);
/* The statement of a rule's proof, which most sessions never ask for. */
int dl_compile_why(struct pgt_datalog *dl, struct rule *r, struct pgt_err *err);
int dl_sql_error(struct pgt_datalog *dl, struct pgt_err *err);
int dl_exec(struct pgt_datalog *dl, const char *sql, struct pgt_err *err);
/* -1 unknown. */
int dl_find_pred(const struct pgt_datalog *dl, const char *name);
void dl_bind(sqlite3_stmt *st, int i, const struct pgt_dl_value *v);
struct pgt_dl_value dl_column(sqlite3_stmt *st, int i);
void dl_print_value(struct pgt_buf *out, const struct pgt_dl_value *v);

#endif
