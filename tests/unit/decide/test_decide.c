/* The rules that are shipped, over the findings that they are for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/decide/decide.h"

#define NOW_NS (INT64_C(1767600000) * PGT_NS_PER_S)

static char rules[65536];
static size_t rules_len;

static int
read_rules(void **state)
{
	FILE *f = fopen("sql/rules/pg2une.dl", "r");

	(void)state;
	if (!f)
		return -1;
	rules_len = fread(rules, 1, sizeof(rules), f);
	fclose(f);
	return rules_len > 0 && rules_len < sizeof(rules) ? 0 : -1;
}

/* What a case holds: bits. */
enum {
	DEGRADED = 1,
	REG_SAME = 2,
	REG_CHANGED = 4,
	HIGH = 8,
	SHIFT = 16,
	COOLING = 32,
	RUNNING = 64,
	COOLED = 128,
	IMPROVED = 256,
	CLEARED = 512,
};

static void
run_case(struct pgt_decide *d, unsigned bits, struct pgt_decision *ret)
{
	struct pgt_alert al[2] = {{0}};
	struct pgt_query_regression reg[2] = {{0}};
	struct pgt_decide_input in = {.now_real_ns = NOW_NS,
				      .alerts = al,
				      .regressions = reg,
				      .workload = "oltp",
				      .workload_before = bits & SHIFT ? "olap" : "oltp",
				      .run_active = bits & RUNNING,
				      .cooldown_s = 300};
	struct pgt_err err = {0};

	for (int m = 0; m < PGT_METRIC__N; m++)
		in.value[m] = in.seasonal_deviation[m] = NAN;
	in.confidence.value = bits & HIGH ? 0.15 + 0.15 : 0.15;
	if (bits & (DEGRADED | IMPROVED | CLEARED))
		al[in.n_alerts++] = (struct pgt_alert){
		    .id = 1,
		    .state = bits & CLEARED ? PGT_ALERT_CLEARED : PGT_ALERT_OPEN,
		    .metric = PGT_METRIC_LATENCY_P99,
		    .metrics = 1u << PGT_METRIC_LATENCY_P99,
		    .degrade = !(bits & IMPROVED),
		    .magnitude = 0.5};
	if (bits & REG_SAME)
		reg[in.n_regressions++] = (struct pgt_query_regression){
		    .queryid = INT64_C(-9151314442816847872),
		    .ratio = 1.5,
		    .same_load = true};
	if (bits & REG_CHANGED)
		reg[in.n_regressions++] = (struct pgt_query_regression){.queryid = 7,
									.ratio = 1.5};
	if (bits & COOLING)
		in.last_run_end_real_ns = NOW_NS - 299 * PGT_NS_PER_S;
	if (bits & COOLED)
		in.last_run_end_real_ns = NOW_NS - 300 * PGT_NS_PER_S;
	if (pgt_decide_run(d, &in, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
test_shipped_rules(void **state)
{
	static const struct {
		unsigned bits;
		const char *action; /* NULL none */
		bool ready, act;
	} rows[] = {
	    {0, NULL, false, false},
	    {HIGH, NULL, false, false},
	    {DEGRADED, "knobs", false, false},
	    {DEGRADED | HIGH, "knobs", true, true},
	    {IMPROVED | HIGH, NULL, false, false},
	    {CLEARED | HIGH, NULL, false, false},
	    {REG_SAME | HIGH, "queries", true, true},
	    {REG_CHANGED | HIGH, NULL, false, false},
	    {REG_SAME | REG_CHANGED | HIGH, "queries", true, true},
	    {REG_SAME | SHIFT | HIGH, NULL, false, false},
	    {DEGRADED | REG_SAME | HIGH, "holistic", true, true},
	    {DEGRADED | REG_CHANGED | HIGH, "holistic", true, true},
	    {DEGRADED | REG_SAME | SHIFT | HIGH, "holistic", true, true},
	    {DEGRADED | SHIFT | HIGH, "knobs", true, true},
	    {DEGRADED | HIGH | COOLING, "knobs", true, false},
	    {DEGRADED | HIGH | COOLED, "knobs", true, true},
	    {DEGRADED | HIGH | RUNNING, "knobs", true, false},
	    {REG_SAME | HIGH | COOLING, "queries", true, false},
	};
	struct pgt_decide *d;
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_decide_new("pg2une.dl", rules, rules_len, &d, &err), 0);
	/* one engine for all: nothing of one round may reach the next */
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		struct pgt_decision r;

		run_case(d, rows[i].bits, &r);
		assert_int_equal(r.n, rows[i].action ? 1 : 0);
		assert_int_equal(r.suppressed, (rows[i].bits & (COOLING | RUNNING)) != 0);
		if (rows[i].action) {
			assert_string_equal(r.action[0].name, rows[i].action);
			assert_int_equal(r.action[0].ready, rows[i].ready);
			assert_int_equal(r.action[0].act, rows[i].act);
			assert_non_null(strstr(r.action[0].why, "by rule line"));
			assert_null(strstr(r.action[0].why, "unexplained"));
		}
		pgt_decision_done(&r);
	}
	pgt_decide_free(d);
}

static void
test_proof_and_facts(void **state)
{
	struct pgt_decide *d;
	struct pgt_decision r;
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_decide_new("pg2une.dl", rules, rules_len, &d, &err), 0);
	run_case(d, REG_SAME | HIGH | COOLED, &r);
	assert_string_equal(r.action[0].name, "queries");
	assert_non_null(
	    strstr(r.action[0].why,
		   "query_regression(\"-9151314442816847872\", same_load, 50)   fact\n"));
	assert_non_null(strstr(r.action[0].why, "not suppress_action()\n"));
	assert_non_null(strstr(r.action[0].why, "confidence(0.3)   fact\n"));
	assert_non_null(strstr(r.facts, "should_act(queries)\n"));
	assert_non_null(strstr(r.facts, "workload(oltp)\n"));
	assert_true(r.n_facts > 8);
	print_message("%s", r.action[0].why);
	pgt_decision_done(&r);
	pgt_decide_free(d);
}

static void
test_other_rules(void **state)
{
	static const char own[] =
	    "should_optimize(vacuum) :- metric_degraded(latency_p99).\n"
	    "action_ready(A) :- should_optimize(A).\n";
	static const char broken[] =
	    "should_optimize(vacuum) :- metric_degraded(latency_p99\n";
	/* what could never conclude anything is a mistake too */
	static const struct {
		const char *text, *said;
	} useless[] = {
	    {"",
	     "own.dl:1:1: no rule derives should_optimize, which the console asks for"},
	    {"p(1).\n", "own.dl:1:1: no rule derives should_optimize, which the console "
			"asks for"},
	    {"% misspelt\nshould_optimize(x) :- metric_degrade(_).",
	     "own.dl:2:23: metric_degrade is no fact of the console, and no rule derives "
	     "it"},
	};
	static const char arity[] = "should_optimize(x) :- now(_, _).\n";
	struct pgt_decide *d;
	struct pgt_decision r;
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_decide_new("own.dl", own, strlen(own), &d, &err), 0);
	run_case(d, DEGRADED, &r);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.action[0].name, "vacuum");
	assert_true(r.action[0].ready && !r.action[0].act && !r.suppressed);
	pgt_decision_done(&r);
	/* a mistake leaves the present rules in place */
	assert_int_equal(pgt_decide_load(d, "own.dl", broken, strlen(broken), &err), -1);
	assert_non_null(strstr(err.msg, "own.dl:2:1: "));
	run_case(d, DEGRADED, &r);
	assert_int_equal(r.n, 1);
	pgt_decision_done(&r);
	/* rules that expect other facts than there are: told, not ignored */
	assert_int_equal(pgt_decide_load(d, "own.dl", arity, strlen(arity), &err), -1);
	assert_non_null(
	    strstr(err.msg, "own.dl:1:23: now has 2 arguments, the console gives 1"));
	for (size_t i = 0; i < PGT_LEN(useless); i++) {
		assert_int_equal(pgt_decide_load(d, "own.dl", useless[i].text,
						 strlen(useless[i].text), &err),
				 -1);
		assert_string_equal(err.msg, useless[i].said);
	}
	run_case(d, DEGRADED, &r); /* and the rules that were stay */
	assert_string_equal(r.action[0].name, "vacuum");
	pgt_decision_done(&r);
	assert_int_equal(pgt_decide_load(d, "pg2une.dl", rules, rules_len, &err), 0);
	run_case(d, DEGRADED | REG_SAME, &r);
	assert_string_equal(r.action[0].name, "holistic");
	pgt_decision_done(&r);
	pgt_decide_free(d);
}

/* The whole way: seconds of a server that slows down, to a proposal with its proof. */
static void
test_from_detection(void **state)
{
	struct pgt_detect_config cfg = pgt_detect_defaults();
	struct pgt_detect *det = pgt_detect_new(&cfg);
	struct pgt_decide_input in;
	struct pgt_decide *d;
	struct pgt_decision r;
	struct pgt_err err;

	(void)state;
	for (int s = 1; s <= 5400; s++) {
		double ms = (s < 4500 ? 2 : 4) * (1 + 0.02 * (s * 7919 % 11));
		struct pgt_detect_sample x = {.now_ns = s * PGT_NS_PER_S,
					      .real_ns = NOW_NS + s * PGT_NS_PER_S,
					      .load = NAN};

		for (int m = 0; m < PGT_METRIC__N; m++)
			x.value[m] = NAN;
		x.value[PGT_METRIC_LATENCY_MEAN] = ms;
		x.value[PGT_METRIC_TPS] = 16000 / ms;
		pgt_detect_feed(det, &x);
	}
	pgt_decide_gather(det, &in);
	assert_true(in.n_alerts == 1 && in.confidence.high);
	assert_true(in.change_magnitude[PGT_METRIC_TPS] > 0.4);
	in.now_real_ns = NOW_NS + 5400 * PGT_NS_PER_S;
	assert_int_equal(pgt_decide_new("pg2une.dl", rules, rules_len, &d, &err), 0);
	assert_int_equal(pgt_decide_run(d, &in, &r, &err), 0);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.action[0].name, "knobs");
	assert_true(r.action[0].act && !r.suppressed);
	assert_non_null(strstr(r.facts, "otava_confirmed(tps)\n"));
	assert_non_null(strstr(r.facts, "metric_degraded(tps)\n"));
	pgt_decision_done(&r);
	pgt_decide_free(d);
	pgt_detect_free(det);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shipped_rules),
	    cmocka_unit_test(test_proof_and_facts),
	    cmocka_unit_test(test_other_rules),
	    cmocka_unit_test(test_from_detection),
	};

	return cmocka_run_group_tests(tests, read_rules, NULL);
}
