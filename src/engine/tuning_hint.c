/* Hints as dimensions of a search: one captured statement with one planner method off.
 * Found in the plans that the captured statements have on the copy, dropped where the
 * planner would do the same anyway, and tried for real by what the load sends: the
 * statement in a transaction after SET LOCAL, with a hint or with the setting as it is,
 * so that the frame costs both alike. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/advise/hints.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "rehearsal_priv.h"
#include "tuning_priv.h"

#define STATEMENTS_MAX 8 /* whose plans are looked at, the costliest */
#define ASK_NS	       (10 * PGT_NS_PER_S)
#define PLAN_MAX       (16u << 20)
/* What one execution may take: so many times its mean, within bounds; and all. */
#define CAP_TIMES  4
#define CAP_MIN_MS 10000.0
#define CAP_MAX_MS 60000.0
#define BUDGET_NS  (180 * PGT_NS_PER_S)
/* Below major 18 a method that is off but cannot be done without costs that much
 * (src/backend/optimizer/path/costsize.c, disable_cost): no reckoning any more. */
#define DISABLED_COST 1e10

struct asking {
	struct pgt_tuning *t;
	const struct pgt_captured *load;
	struct pgt_conn *c;
	int inert, unread; /* candidates that change nothing; statements without a plan */
	int64_t until_ns;
};

bool
pgt_tuning_wants_hints(const struct pgt_tuning *t)
{
	return t->opts.action != PGT_TUNE_KNOBS && pgt_tuning_has_copy(t) &&
	       !*t->opts.script;
}

/* The file without the comments that begin it and the end of its line. */
static char *
statement_of(const char *path, const char *setting)
{
	const char *text = pgt_sql_must(path);
	char *s;

	while (pgt_str_starts(text, "--"))
		text = strchr(text, '\n') + 1;
	s = pgt_rehearsal_fill(text, "{setting}", setting, NULL);
	s[strcspn(s, "\n")] = '\0';
	return s;
}

/* The statements that switch the method off, or leave it, with between after each but
 * the last. */
static void
put_statements(struct pgt_buf *b, const struct pgt_hint_method *m, bool on,
	       const char *between)
{
	const char *path = on ? "sql/act/hint_on.sql" : "sql/act/hint_off.sql";

	for (size_t i = 0; i < PGT_LEN(m->setting) && m->setting[i]; i++) {
		char *one = statement_of(path, m->setting[i]);

		pgt_buf_printf(b, "%s%s", b->len ? between : "", one);
		free(one);
	}
}

/* ---- plans ---- */

static int
run(struct asking *a, const char *sql, const char *param)
{
	struct pgt_result *r = NULL;
	int rc = pgt_conn_run(a->c, sql, &param, param ? 1 : 0, ASK_NS, &r, NULL);

	pgt_result_free(r);
	return rc;
}

static cJSON *
explain(struct asking *a, const char *how, const char *text, double timeout_ms)
{
	char *sql = pgt_xasprintf("%s%s", pgt_sql_must(how), text);
	struct pgt_result *r = NULL;
	cJSON *json = NULL;

	if (pgt_conn_run(a->c, sql, NULL, 0,
			 (int64_t)(timeout_ms * (double)PGT_NS_PER_MS) + ASK_NS, &r,
			 NULL) == 0) {
		const char *plan = pgt_result_str(r, 0, 0);

		json = plan ? pgt_json_parse(plan, strlen(plan), PLAN_MAX, NULL) : NULL;
	}
	pgt_result_free(r);
	free(sql);
	return json;
}

/* The plan with the hint, nothing executed; NULL when there is none. */
static cJSON *
plan_with(struct asking *a, const struct pgt_hint *h, const char *text)
{
	cJSON *plan = NULL;
	int rc = run(a, pgt_sql_must("sql/act/hint_save.sql"), NULL);

	for (size_t i = 0; i < PGT_LEN(h->method->setting) && h->method->setting[i];
	     i++) {
		char *set = statement_of("sql/act/hint_on.sql", h->method->setting[i]);

		rc = rc == 0 ? run(a, set, NULL) : rc;
		free(set);
	}
	if (rc == 0)
		plan = explain(a, "sql/act/hint_plan.sql", text, CAP_MIN_MS);
	run(a, pgt_sql_must("sql/act/hint_restore.sql"), NULL);
	return plan;
}

/* ---- dimensions ---- */

static struct pgt_tune_extra *
find(struct pgt_tuning *t, size_t captured, const struct pgt_hint_method *m)
{
	for (size_t i = 0; i < t->n_extras; i++)
		if (t->extra[i].hint == m && t->extra[i].captured == captured)
			return &t->extra[i];
	return NULL;
}

static void
take(struct asking *a, size_t captured, const struct pgt_hint *h, double cost_pct)
{
	const struct pgt_captured_statement *st = &a->load->statement[captured];
	struct pgt_tune_extra *x = &a->t->extra[a->t->n_extras++];
	struct pgt_buf b;

	*x = (struct pgt_tune_extra){.hint = h->method,
				     .captured = captured,
				     .queryid = st->queryid,
				     .cost_pct = cost_pct};
	snprintf(x->name, sizeof(x->name), "no %s in query %lld", h->method->name,
		 (long long)st->queryid);
	x->query = pgt_safetext(st->text, PGT_SAFE_LINE, PGT_TUNE_QUERY);
	pgt_safetext_copy(x->why, sizeof(x->why), h->why);
	pgt_buf_init(&b, 1024);
	put_statements(&b, h->method, true, "; ");
	x->statement = pgt_buf_take(&b);
}

static bool
full(const struct pgt_tuning *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_extras; i++)
		n += t->extra[i].hint != NULL;
	return n == PGT_TUNE_HINTS;
}

static void
weigh(struct asking *a, size_t captured, const struct pgt_hint *h, const cJSON *plan,
      const char *text)
{
	cJSON *other;
	double before = pgt_hints_plan_cost(plan), after;

	if (full(a->t) || find(a->t, captured, h->method))
		return;
	other = plan_with(a, h, text);
	if (other &&
	    pgt_hints_same_plan(plan, other, h->method == pgt_hint_method("jit"))) {
		a->inert++;
	} else if (other) {
		after = pgt_hints_plan_cost(other);
		take(a, captured, h,
		     before > 0 && after < DISABLED_COST ? 100 * (after / before - 1)
							 : NAN);
	}
	cJSON_Delete(other);
}

/* One variant, executed in a transaction that ends undone.  False: no plan came. */
static bool
look_at(struct asking *a, size_t captured, const char *text)
{
	const struct pgt_captured_statement *st = &a->load->statement[captured];
	double cap = fmin(CAP_MAX_MS, fmax(CAP_MIN_MS, CAP_TIMES * st->mean_ms));
	struct pgt_hint h[PGT_HINTS];
	cJSON *plan = NULL;
	char ms[24];
	size_t n;

	snprintf(ms, sizeof(ms), "%.0f", cap);
	if (run(a, pgt_sql_must("sql/act/analyze_begin.sql"), NULL) < 0)
		return false;
	if (run(a, pgt_sql_must("sql/act/analyze_setup.sql"), ms) == 0)
		plan = explain(a, "sql/act/hint_run.sql", text, cap);
	n = pgt_hints_of_plan(plan, h, PGT_HINTS);
	for (size_t i = 0; i < n; i++)
		weigh(a, captured, &h[i], plan, text);
	cJSON_Delete(plan);
	run(a, pgt_sql_must("sql/act/analyze_end.sql"), NULL);
	return plan != NULL;
}

static bool
goes_on(const struct asking *a)
{
	return !a->t->cancel && !full(a->t) && pgt_clock_mono_ns() < a->until_ns &&
	       pgt_conn_state(a->c) == PGT_CONN_READY;
}

static void
look_at_all(struct asking *a)
{
	for (size_t i = 0; i < a->load->statements && i < STATEMENTS_MAX; i++) {
		const struct pgt_captured_statement *st = &a->load->statement[i];
		bool any = false;

		for (size_t v = 0; v < st->n && goes_on(a); v++)
			any |= look_at(a, i, a->load->text[st->first + v]);
		a->unread += !any;
	}
}

/* ---- from the search ---- */

static void
put_text(const struct asking *a)
{
	struct pgt_tuning *t = a->t;
	size_t used = strlen(t->text), n = 0;

	for (size_t i = 0; i < t->n_extras; i++)
		n += t->extra[i].hint != NULL;
	used += (size_t)snprintf(t->text + used, sizeof(t->text) - used,
				 "; hints from plans on the copy: %zu tried", n);
	if (a->inert && used < sizeof(t->text))
		used += (size_t)snprintf(t->text + used, sizeof(t->text) - used,
					 ", %d would change no plan", a->inert);
	if (a->unread && used < sizeof(t->text))
		used += (size_t)snprintf(t->text + used, sizeof(t->text) - used,
					 ", %d statement%s gave no plan in time",
					 a->unread, a->unread == 1 ? "" : "s");
	if (n && t->schema->has_hint_plan && used < sizeof(t->text))
		snprintf(
		    t->text + used, sizeof(t->text) - used,
		    "; pg_hint_plan is here: its table hint_plan.hints takes a hint "
		    "without a change to the application (pg2une does not write it)");
}

int
pgt_tuning_hints(struct pgt_tuning *t, struct pgt_err *err)
{
	struct asking a = {.t = t,
			   .load = &t->rehearsal->captured,
			   .until_ns = pgt_clock_mono_ns() + BUDGET_NS};
	int rc;

	if (!pgt_tuning_wants_hints(t))
		return 0;
	pgt_str_copy(t->now, sizeof(t->now), "reading plans for hints");
	pgt_tuning_tell(t);
	a.c = pgt_conn_new(pgt_rehearsal_spec(t->rehearsal), PGT_CONN_QUERY);
	rc = pgt_conn_run_connect(a.c, ASK_NS, err);
	if (rc == 0)
		look_at_all(&a);
	pgt_conn_free(a.c);
	if (rc == 0)
		put_text(&a);
	return rc;
}

static int
write_scripts(struct pgt_tuning *t, size_t captured, const char *before,
	      struct pgt_err *err)
{
	const struct pgt_captured *load = &t->rehearsal->captured;
	const struct pgt_captured_statement *st = &load->statement[captured];

	for (size_t v = st->first; v < st->first + st->n; v++)
		if (pgt_captured_write(load, v, before, err) < 0)
			return -1;
	return 0;
}

int
pgt_tuning_hints_set(struct pgt_tuning *t, const double *value, struct pgt_err *err)
{
	for (size_t i = 0; i < t->rehearsal->captured.statements; i++) {
		struct pgt_buf b;
		int rc;

		pgt_buf_init(&b, 4096);
		for (size_t d = 0; d < t->space.n_dims; d++) {
			const struct pgt_tune_extra *x = pgt_tuning_extra_at(t, d);

			if (x && x->hint && x->captured == i)
				put_statements(&b, x->hint, value[d] >= 0.5, " \\;\n");
		}
		rc = b.len ? write_scripts(t, i, pgt_buf_str(&b), err) : 0;
		pgt_buf_done(&b);
		if (rc < 0)
			return -1;
	}
	return 0;
}

bool
pgt_tuning_has_hints(const struct pgt_tuning *t)
{
	for (size_t i = 0; i < t->n_extras; i++)
		if (t->extra[i].hint)
			return true;
	return false;
}
