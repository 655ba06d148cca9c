#include "pg2une/decide/decide.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/decide/datalog.h"

#define FACTS_MAX (1024 * 1024)
#define PROOF_MAX (64 * 1024)

struct pgt_decide {
	struct pgt_datalog *rules;
};

/* What assert_all() gives and pgt_decide_run() asks. */
static const struct {
	const char *pred;
	size_t arity;
} known[] = {
    {"now", 1},
    {"cooldown", 1},
    {"confidence", 1},
    {"last_run_end", 1},
    {"run_active", 0},
    {"usl_deviation", 1},
    {"workload", 1},
    {"workload_before", 1},
    {"metric_degraded", 1},
    {"cusum_degradation", 2},
    {"query_regression", 3},
    {"metric_value", 2},
    {"seasonal_deviation", 2},
    {"change_point", 2},
    {"should_optimize", 1},
    {"action_ready", 1},
    {"should_act", 1},
    {"suppress_action", 0},
};

/* Of these, what assert_all() gives. */
static const char *const given[] = {
    "now",
    "cooldown",
    "confidence",
    "last_run_end",
    "run_active",
    "usl_deviation",
    "workload",
    "workload_before",
    "metric_degraded",
    "cusum_degradation",
    "query_regression",
    "metric_value",
    "seasonal_deviation",
    "change_point",
    NULL,
};

static int
load(const char *name, const char *rules, size_t len, struct pgt_datalog **ret,
     struct pgt_err *err)
{
	struct pgt_datalog *dl;

	if (pgt_datalog_new(name, rules, len, &dl, err) < 0)
		return -1;
	for (size_t i = 0; i < PGT_LEN(known); i++) {
		if (pgt_datalog_expect(dl, known[i].pred, known[i].arity, err) < 0) {
			pgt_datalog_free(dl);
			return -1;
		}
	}
	if (pgt_datalog_closed(dl, given, "should_optimize", err) < 0) {
		pgt_datalog_free(dl);
		return -1;
	}
	*ret = dl;
	return 0;
}

int
pgt_decide_new(const char *name, const char *rules, size_t len, struct pgt_decide **ret,
	       struct pgt_err *err)
{
	struct pgt_decide *d = pgt_xcalloc(1, sizeof(*d));

	if (load(name, rules, len, &d->rules, err) < 0) {
		free(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void
pgt_decide_free(struct pgt_decide *d)
{
	if (!d)
		return;
	pgt_datalog_free(d->rules);
	free(d);
}

int
pgt_decide_load(struct pgt_decide *d, const char *name, const char *rules, size_t len,
		struct pgt_err *err)
{
	struct pgt_datalog *fresh;

	if (load(name, rules, len, &fresh, err) < 0)
		return -1;
	pgt_datalog_free(d->rules);
	d->rules = fresh;
	return 0;
}

void
pgt_decide_gather(const struct pgt_detect *d, struct pgt_decide_input *ret)
{
	struct pgt_decide_input in = {.cooldown_s = 300,
				      .confidence = pgt_detect_confidence(d),
				      .usl = pgt_detect_usl(d)};

	in.alerts = pgt_detect_alerts(d, &in.n_alerts);
	in.regressions = pgt_detect_regressions(d, &in.n_regressions);
	for (int m = 0; m < PGT_METRIC__N; m++) {
		size_t n;
		const struct pgt_change_point *cp = pgt_detect_changepoints(
		    d, (enum pgt_metric)m, &n);

		for (size_t i = 0; i < n; i++)
			in.change_magnitude[m] = fmax(in.change_magnitude[m],
						      cp[i].magnitude);
		in.seasonal_deviation[m] = pgt_detect_seasonal(d, (enum pgt_metric)m);
		in.value[m] = pgt_detect_chart(d, (enum pgt_metric)m).value;
	}
	*ret = in;
}

/* ---- facts --------------------------------------------------------------------------
 */

struct asserter {
	struct pgt_datalog *dl;
	struct pgt_err *err;
	bool failed;
};

#define ASSERT_FACT(a, pred, ...)                                                        \
	assert_fact(a, pred, (const struct pgt_dl_value[]){__VA_ARGS__},                 \
		    PGT_LEN(((const struct pgt_dl_value[]){__VA_ARGS__})))

static void
assert_fact(struct asserter *a, const char *pred, const struct pgt_dl_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].text && !isfinite(v[i].num))
			return; /* not known: no fact */
	if (!a->failed && pgt_datalog_fact(a->dl, pred, v, n, a->err) < 0)
		a->failed = true;
}

static void
assert_alerts(struct asserter *a, const struct pgt_decide_input *in)
{
	for (size_t i = 0; i < in->n_alerts; i++) {
		const struct pgt_alert *al = &in->alerts[i];

		if (al->state != PGT_ALERT_OPEN || !al->degrade ||
		    al->family == PGT_FAMILY_QUERY)
			continue;
		/* A silence mutes the bell; the server is still degraded. */
		for (int m = 0; m < PGT_METRIC__N; m++)
			if (al->metrics & 1u << m)
				ASSERT_FACT(
				    a, "metric_degraded",
				    PGT_DL_TEXT(pgt_metric_name((enum pgt_metric)m)));
		ASSERT_FACT(a, "cusum_degradation",
			    PGT_DL_TEXT(pgt_metric_name(al->metric)),
			    PGT_DL_NUM(al->magnitude));
	}
}

static void
assert_queries(struct asserter *a, const struct pgt_decide_input *in)
{
	for (size_t i = 0; i < in->n_regressions; i++) {
		const struct pgt_query_regression *r = &in->regressions[i];
		char id[32];

		/* As text: a number of 64 bits would lose its end. */
		snprintf(id, sizeof(id), "%" PRId64, r->queryid);
		ASSERT_FACT(a, "query_regression", PGT_DL_TEXT(id),
			    PGT_DL_TEXT(r->same_load ? "same_load" : "changed_load"),
			    PGT_DL_NUM(100 * (r->ratio - 1)));
	}
}

static void
assert_metrics(struct asserter *a, const struct pgt_decide_input *in)
{
	for (int m = 0; m < PGT_METRIC__N; m++) {
		struct pgt_dl_value name = PGT_DL_TEXT(
		    pgt_metric_name((enum pgt_metric)m));

		ASSERT_FACT(a, "metric_value", name, PGT_DL_NUM(in->value[m]));
		ASSERT_FACT(a, "seasonal_deviation", name,
			    PGT_DL_NUM(in->seasonal_deviation[m]));
		if (in->change_magnitude[m] > 0)
			ASSERT_FACT(a, "change_point", name,
				    PGT_DL_NUM(in->change_magnitude[m]));
	}
}

static int
assert_all(struct pgt_datalog *dl, const struct pgt_decide_input *in, struct pgt_err *err)
{
	struct asserter a = {.dl = dl, .err = err};

	ASSERT_FACT(&a, "now", PGT_DL_NUM(floor((double)in->now_real_ns / 1e9)));
	ASSERT_FACT(&a, "cooldown", PGT_DL_NUM(in->cooldown_s));
	ASSERT_FACT(&a, "confidence", PGT_DL_NUM(in->confidence.value));
	if (in->last_run_end_real_ns > 0)
		ASSERT_FACT(&a, "last_run_end",
			    PGT_DL_NUM(floor((double)in->last_run_end_real_ns / 1e9)));
	if (in->run_active)
		assert_fact(&a, "run_active", NULL, 0);
	if (in->usl && in->usl->valid)
		ASSERT_FACT(&a, "usl_deviation", PGT_DL_NUM(in->usl->deviation));
	if (in->workload)
		ASSERT_FACT(&a, "workload", PGT_DL_TEXT(in->workload));
	if (in->workload_before)
		ASSERT_FACT(&a, "workload_before", PGT_DL_TEXT(in->workload_before));
	assert_alerts(&a, in);
	assert_queries(&a, in);
	assert_metrics(&a, in);
	return a.failed ? -1 : 0;
}

/* ---- answers ------------------------------------------------------------------------
 */

static bool
take_action(void *arg, const struct pgt_dl_value *v, size_t n)
{
	struct pgt_decision *d = arg;

	if (n != 1 || !v[0].text || d->n == PGT_DECIDE_ACTIONS)
		return d->n < PGT_DECIDE_ACTIONS;
	snprintf(d->action[d->n].name, sizeof(d->action[d->n].name), "%s", v[0].text);
	d->n++;
	return true;
}

static int
explain(struct pgt_datalog *dl, struct pgt_action *a, struct pgt_err *err)
{
	struct pgt_dl_value v = PGT_DL_TEXT(a->name);
	struct pgt_buf b;
	const char *pred;

	a->act = pgt_datalog_holds(dl, "should_act", &v, 1);
	a->ready = pgt_datalog_holds(dl, "action_ready", &v, 1);
	pred = a->act ? "should_act" : a->ready ? "action_ready" : "should_optimize";
	pgt_buf_init(&b, PROOF_MAX);
	if (pgt_datalog_explain(dl, pred, &v, 1, &b, err) < 0) {
		pgt_buf_done(&b);
		return -1;
	}
	a->why = pgt_buf_take(&b);
	return 0;
}

struct lister {
	struct pgt_buf *out;
	const char *pred;
	size_t n;
};

static bool
list_fact(void *arg, const struct pgt_dl_value *v, size_t n)
{
	struct lister *l = arg;

	pgt_datalog_print(l->out, l->pred, v, n);
	pgt_buf_putc(l->out, '\n');
	l->n++;
	return !l->out->overflow;
}

static int
list_facts(struct pgt_datalog *dl, struct pgt_decision *d, struct pgt_err *err)
{
	struct pgt_buf b;
	struct lister l = {.out = &b};
	bool derived;
	size_t arity;

	pgt_buf_init(&b, FACTS_MAX);
	for (size_t i = 0; pgt_datalog_pred(dl, i, &l.pred, &arity, &derived); i++) {
		if (pgt_datalog_each(dl, l.pred, list_fact, &l, err) < 0) {
			pgt_buf_done(&b);
			return -1;
		}
	}
	d->n_facts = l.n;
	d->facts = pgt_buf_take(&b);
	return 0;
}

/* What acts comes first, then what is ready. */
static int
by_urgency(const void *a, const void *b)
{
	const struct pgt_action *x = a, *y = b;
	int rx = 2 * x->act + x->ready, ry = 2 * y->act + y->ready;

	return rx != ry ? ry - rx : strcmp(x->name, y->name);
}

int
pgt_decide_run(struct pgt_decide *d, const struct pgt_decide_input *in,
	       struct pgt_decision *ret, struct pgt_err *err)
{
	struct pgt_decision r = {0};

	if (pgt_datalog_reset(d->rules, err) < 0 || assert_all(d->rules, in, err) < 0 ||
	    pgt_datalog_run(d->rules, err) < 0 ||
	    pgt_datalog_each(d->rules, "should_optimize", take_action, &r, err) < 0)
		goto fail;
	for (size_t i = 0; i < r.n; i++)
		if (explain(d->rules, &r.action[i], err) < 0)
			goto fail;
	qsort(r.action, r.n, sizeof(r.action[0]), by_urgency);
	r.suppressed = pgt_datalog_holds(d->rules, "suppress_action", NULL, 0);
	if (list_facts(d->rules, &r, err) < 0)
		goto fail;
	*ret = r;
	return 0;

fail:
	pgt_decision_done(&r);
	return -1;
}

void
pgt_decision_done(struct pgt_decision *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->action[i].why);
	free(r->facts);
	*r = (struct pgt_decision){0};
}
