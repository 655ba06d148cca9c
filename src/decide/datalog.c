#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datalog_priv.h"

#define ARENA_MAX (4 * 1024 * 1024)
#define STEP_OPS  10000 /* SQLite operations between two looks at the bound */
#define STEPS_MAX 20000 /* 2e8 operations: seconds; real rules take some hundreds */

/* ---- life -------------------------------------------------------------------------- */

static int
on_progress(void *arg)
{
	struct pgt_datalog *dl = arg;

	return ++dl->steps > STEPS_MAX; /* true interrupts */
}

int
pgt_datalog_new(const char *name, const char *text, size_t len, struct pgt_datalog **ret,
		struct pgt_err *err)
{
	struct pgt_datalog *dl = pgt_xcalloc(1, sizeof(*dl));

	dl->arena = pgt_arena_new(ARENA_MAX);
	dl->name = pgt_arena_strdup(dl->arena, name);
	if (!dl->name) {
		pgt_err_set(err, PGT_E_LIMIT, "the name of the rules is too long");
		goto fail;
	}
	if (dl_parse(dl, text, len, err) < 0 || dl_check(dl, err) < 0 ||
	    dl_compile(dl, err) < 0)
		goto fail;
	sqlite3_progress_handler(dl->db, STEP_OPS, on_progress, dl);
	*ret = dl;
	return 0;

fail:
	pgt_datalog_free(dl);
	return -1;
}

void
pgt_datalog_free(struct pgt_datalog *dl)
{
	if (!dl)
		return;
	for (int i = 0; i < dl->n_rules; i++) {
		sqlite3_finalize(dl->rule[i].full);
		sqlite3_finalize(dl->rule[i].why);
		for (int j = 0; j < dl->rule[i].n_body; j++)
			sqlite3_finalize(dl->rule[i].delta[j]);
	}
	for (int i = 0; i < dl->n_preds; i++) {
		sqlite3_finalize(dl->pred[i].insert);
		sqlite3_finalize(dl->pred[i].clear);
		sqlite3_finalize(dl->pred[i].reset);
		sqlite3_finalize(dl->pred[i].all);
		sqlite3_finalize(dl->pred[i].find);
	}
	sqlite3_close(dl->db);
	free(dl->rule);
	free(dl->pred);
	pgt_arena_free(dl->arena);
	free(dl);
}

/* ---- values ------------------------------------------------------------------------ */

void
dl_bind(sqlite3_stmt *st, int i, const struct pgt_dl_value *v)
{
	if (v->text)
		sqlite3_bind_text(st, i, v->text, -1, SQLITE_TRANSIENT);
	else if (v->num == floor(v->num) && fabs(v->num) < 9e15)
		sqlite3_bind_int64(st, i, (sqlite3_int64)v->num);
	else
		sqlite3_bind_double(st, i, v->num);
}

struct pgt_dl_value
dl_column(sqlite3_stmt *st, int i)
{
	if (sqlite3_column_type(st, i) == SQLITE_TEXT)
		return PGT_DL_TEXT((const char *)sqlite3_column_text(st, i));
	if (sqlite3_column_type(st, i) == SQLITE_NULL)
		return PGT_DL_NUM(NAN);
	return PGT_DL_NUM(sqlite3_column_double(st, i));
}

/* Bare when it would be read back so, quoted otherwise. */
static bool
is_word(const char *s)
{
	if (!(*s >= 'a' && *s <= 'z') || strcmp(s, "not") == 0)
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
		    !(*s >= '0' && *s <= '9') && *s != '_')
			return false;
	return true;
}

void
dl_print_value(struct pgt_buf *out, const struct pgt_dl_value *v)
{
	if (!v->text && isnan(v->num)) {
		pgt_buf_putc(out, '_');
	} else if (!v->text) {
		pgt_buf_printf(out, "%.15g", v->num);
	} else if (is_word(v->text)) {
		pgt_buf_puts(out, v->text);
	} else {
		pgt_buf_putc(out, '"');
		for (const char *s = v->text; *s; s++) {
			if (*s == '"' || *s == '\\')
				pgt_buf_putc(out, '\\');
			pgt_buf_putc(out, *s);
		}
		pgt_buf_putc(out, '"');
	}
}

void
pgt_datalog_print(struct pgt_buf *out, const char *pred, const struct pgt_dl_value *v,
		  size_t n)
{
	pgt_buf_printf(out, "%s(", pred);
	for (size_t i = 0; i < n; i++) {
		if (i)
			pgt_buf_puts(out, ", ");
		dl_print_value(out, &v[i]);
	}
	pgt_buf_putc(out, ')');
}

/* ---- facts and rounds -------------------------------------------------------------- */

/* Run a statement without result rows. */
static int
step(struct pgt_datalog *dl, sqlite3_stmt *st, struct pgt_err *err)
{
	int rc = sqlite3_step(st), reset = sqlite3_reset(st);

	if (rc != SQLITE_DONE || reset != SQLITE_OK)
		return dl_sql_error(dl, err);
	return 0;
}

int
pgt_datalog_expect(const struct pgt_datalog *dl, const char *pred, size_t arity,
		   struct pgt_err *err)
{
	int i = dl_find_pred(dl, pred);

	if (i < 0 || (size_t)dl->pred[i].arity == arity)
		return 0;
	return dl_error(dl, dl->pred[i].pos, err,
			"%s has %d arguments, the console gives %zu", pred,
			dl->pred[i].arity, arity);
}

int
pgt_datalog_closed(const struct pgt_datalog *dl, const char *const *given,
		   const char *asked, struct pgt_err *err)
{
	const struct pos top = {1, 1};
	int i;

	for (i = 0; i < dl->n_preds; i++) {
		const char *const *g = given;

		while (*g && strcmp(*g, dl->pred[i].name) != 0)
			g++;
		if (!*g && !dl->pred[i].derived)
			return dl_error(dl, dl->pred[i].pos, err,
					"%s is no fact of the console, and no rule "
					"derives it",
					dl->pred[i].name);
	}
	i = dl_find_pred(dl, asked);
	if (i < 0 || !dl->pred[i].derived)
		return dl_error(dl, top, err,
				"no rule derives %s, which the console asks for", asked);
	return 0;
}

int
pgt_datalog_reset(struct pgt_datalog *dl, struct pgt_err *err)
{
	dl->ran = false;
	dl->steps = 0;
	for (int i = 0; i < dl->n_preds; i++)
		if (step(dl, dl->pred[i].reset, err) < 0)
			return -1;
	return 0;
}

int
pgt_datalog_fact(struct pgt_datalog *dl, const char *pred,
		 const struct pgt_dl_value *args, size_t n, struct pgt_err *err)
{
	int i = dl_find_pred(dl, pred);
	struct pred *p;

	for (size_t j = 0; j < n; j++)
		if (!args[j].text && !isfinite(args[j].num))
			return pgt_err_set(err, PGT_E_USAGE,
					   "fact %s: argument %zu is not a number", pred,
					   j + 1);
	if (i < 0)
		return 0; /* no rule asks for it */
	p = &dl->pred[i];
	if ((size_t)p->arity != n)
		return pgt_err_set(err, PGT_E_USAGE,
				   "fact %s: %zu arguments, the rules say %d", pred, n,
				   p->arity);
	dl->ran = false;
	for (size_t j = 0; j < n; j++)
		dl_bind(p->insert, (int)j + 1, &args[j]);
	if (n == 0)
		sqlite3_bind_int(p->insert, 1, 1);
	return step(dl, p->insert, err);
}

static int
run_insert(struct pgt_datalog *dl, sqlite3_stmt *st, int64_t round, struct pgt_err *err)
{
	sqlite3_bind_int64(st, 1, round);
	return step(dl, st, err);
}

/* All rules of one stratum to their fixed point; *round goes on counting. */
static int
run_stratum(struct pgt_datalog *dl, int stratum, int64_t *round, int before,
	    struct pgt_err *err)
{
	int was = sqlite3_total_changes(dl->db);

	++*round;
	for (int i = 0; i < dl->n_rules; i++)
		if (dl->pred[dl->rule[i].head.pred].stratum == stratum &&
		    run_insert(dl, dl->rule[i].full, *round, err) < 0)
			return -1;
	while (sqlite3_total_changes(dl->db) != was) {
		was = sqlite3_total_changes(dl->db);
		if (was - before > PGT_DL_TUPLES)
			return pgt_err_set(err, PGT_E_LIMIT,
					   "%s: the rules derive more than %d tuples",
					   dl->name, PGT_DL_TUPLES);
		++*round;
		for (int i = 0; i < dl->n_rules; i++) {
			struct rule *r = &dl->rule[i];

			if (dl->pred[r->head.pred].stratum != stratum)
				continue;
			for (int j = 0; j < r->n_body; j++)
				if (r->delta[j] &&
				    run_insert(dl, r->delta[j], *round, err) < 0)
					return -1;
		}
	}
	return 0;
}

int
pgt_datalog_run(struct pgt_datalog *dl, struct pgt_err *err)
{
	int64_t round = 0;
	int before;

	dl->ran = false;
	dl->steps = 0;
	if (dl_exec(dl, "BEGIN", err) < 0)
		return -1;
	for (int i = 0; i < dl->n_preds; i++)
		if (step(dl, dl->pred[i].clear, err) < 0)
			goto fail;
	before = sqlite3_total_changes(dl->db);
	for (int s = 0; s < dl->n_strata; s++)
		if (run_stratum(dl, s, &round, before, err) < 0)
			goto fail;
	if (dl_exec(dl, "COMMIT", err) < 0)
		goto fail;
	dl->ran = true;
	return 0;

fail:
	dl->steps = 0; /* the way back must not be interrupted as well */
	sqlite3_exec(dl->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* ---- answers ----------------------------------------------------------------------- */

int
pgt_datalog_each(struct pgt_datalog *dl, const char *pred, pgt_dl_each *each, void *arg,
		 struct pgt_err *err)
{
	int i = dl_find_pred(dl, pred), rc;
	struct pgt_dl_value v[PGT_DL_ARGS];
	struct pred *p;

	if (i < 0)
		return 0;
	p = &dl->pred[i];
	dl->steps = 0;
	while ((rc = sqlite3_step(p->all)) == SQLITE_ROW) {
		for (int j = 0; j < p->arity; j++)
			v[j] = dl_column(p->all, j);
		if (!each(arg, v, (size_t)p->arity)) {
			rc = SQLITE_DONE;
			break;
		}
	}
	sqlite3_reset(p->all);
	return rc == SQLITE_DONE ? 0 : dl_sql_error(dl, err);
}

bool
pgt_datalog_holds(struct pgt_datalog *dl, const char *pred,
		  const struct pgt_dl_value *args, size_t n)
{
	int i = dl_find_pred(dl, pred);
	bool holds;

	if (i < 0 || (size_t)dl->pred[i].arity != n)
		return false;
	for (size_t j = 0; j < n; j++)
		dl_bind(dl->pred[i].find, (int)j + 1, &args[j]);
	if (n == 0)
		sqlite3_bind_int(dl->pred[i].find, 1, 1);
	dl->steps = 0;
	holds = sqlite3_step(dl->pred[i].find) == SQLITE_ROW;
	sqlite3_reset(dl->pred[i].find);
	return holds;
}

bool
pgt_datalog_pred(const struct pgt_datalog *dl, size_t i, const char **ret_name,
		 size_t *ret_arity, bool *ret_derived)
{
	if (i >= (size_t)dl->n_preds)
		return false;
	*ret_name = dl->pred[i].name;
	*ret_arity = (size_t)dl->pred[i].arity;
	*ret_derived = dl->pred[i].derived;
	return true;
}
