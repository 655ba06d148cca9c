/* The machine against acts that can be made to fail: whatever happens, the traffic
 * is off first, and the changes go back afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/rollout/rollout.h"

#define S PGT_NS_PER_S

/* What the acts did, one letter each: w weigh (with its value), p/c apply, P/C
 * revert, k keep, d dispose, j a journal record that failed. */
struct world {
	char acts[4000];
	const char *fail;      /* which act fails: "weigh" "canary" ... */
	double fail_at_pct;    /* of weigh: only at this share; -1 any */
	int fail_weighs;       /* of weigh at 0: so many times */
	const char *fail_note; /* which journal record */
	bool guard_dead, arm_fails;
	double pct;
	bool primary, canary; /* the change is in force there */
	int applied_calls;
	char said[4000];
};

static void
act(struct world *w, const char *fmt, ...)
{
	size_t n = strlen(w->acts);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->acts + n, sizeof(w->acts) - n, fmt, ap);
	va_end(ap);
}

static bool
fails(const struct world *w, const char *what)
{
	return w->fail && strcmp(w->fail, what) == 0;
}

static void
on_say(void *ctx, const char *text)
{
	struct world *w = ctx;
	size_t n = strlen(w->said);

	snprintf(w->said + n, sizeof(w->said) - n, "%s\n", text);
}

static int
on_journal(void *ctx, const char *what, double pct, const char *text, struct pgt_err *err)
{
	struct world *w = ctx;

	(void)pct;
	(void)text;
	if (w->fail_note && strcmp(w->fail_note, what) == 0) {
		act(w, "j ");
		return pgt_err_set(err, PGT_E_IO, "the disk is full");
	}
	return 0;
}

static enum pgt_ro_act
answer(struct world *w, const char *what, struct pgt_err *err)
{
	if (!fails(w, what))
		return PGT_RO_OK;
	pgt_err_set(err, PGT_E_STATE, "%s failed", what);
	return PGT_RO_FAILED;
}

static enum pgt_ro_act
on_preflight(void *ctx, struct pgt_err *err)
{
	return answer(ctx, "preflight", err);
}

static enum pgt_ro_act
on_canary(void *ctx, struct pgt_err *err)
{
	return fails(ctx, "canary never") ? PGT_RO_WAIT : answer(ctx, "canary", err);
}

static int
on_arm(void *ctx, struct pgt_err *err)
{
	struct world *w = ctx;

	if (w->arm_fails)
		return pgt_err_set(err, PGT_E_STATE, "no guard");
	w->guard_dead = false;
	return 0;
}

static bool
on_guarded(void *ctx)
{
	return !((struct world *)ctx)->guard_dead;
}

static enum pgt_ro_act
on_apply(void *ctx, enum pgt_ro_side side, struct pgt_err *err)
{
	struct world *w = ctx;

	if (w->applied_calls++ % 2 == 0)
		return PGT_RO_WAIT; /* an item a call */
	act(w, side == PGT_RO_PRIMARY ? "p " : "c ");
	*(side == PGT_RO_PRIMARY ? &w->primary : &w->canary) = true; /* even half done */
	return answer(w, side == PGT_RO_PRIMARY ? "apply primary" : "apply canary", err);
}

static enum pgt_ro_act
on_tend(void *ctx, enum pgt_ro_side side, struct pgt_err *err)
{
	return answer(ctx, side == PGT_RO_PRIMARY ? "tend primary" : "tend canary", err);
}

static enum pgt_ro_act
on_keep(void *ctx, enum pgt_ro_side side, struct pgt_err *err)
{
	enum pgt_ro_act a = answer(ctx, "keep", err);

	(void)side;
	if (a == PGT_RO_OK)
		act(ctx, "k ");
	return a;
}

static enum pgt_ro_act
on_revert(void *ctx, enum pgt_ro_side side, const char *reason, struct pgt_err *err)
{
	struct world *w = ctx;
	bool *in = side == PGT_RO_PRIMARY ? &w->primary : &w->canary;

	(void)reason;
	act(w, side == PGT_RO_PRIMARY ? "P " : "C ");
	if (answer(w, "revert", err) == PGT_RO_FAILED)
		return PGT_RO_FAILED;
	*in = false;
	return PGT_RO_OK;
}

static int
on_weigh(void *ctx, double pct, struct pgt_err *err)
{
	struct world *w = ctx;

	act(w, "w%g ", pct);
	if (pct == 0 && w->fail_weighs > 0) {
		w->fail_weighs--;
		return pgt_err_set(err, PGT_E_CONN, "the router is dead");
	}
	/* it may have taken effect all the same */
	w->pct = pct;
	if (fails(w, "weigh") && pct != 0 && (w->fail_at_pct < 0 || w->fail_at_pct == pct))
		return pgt_err_set(err, PGT_E_CONN, "no answer");
	return 0;
}

static enum pgt_ro_act
on_dispose(void *ctx, bool promoted, struct pgt_err *err)
{
	(void)promoted;
	act(ctx, "d ");
	return answer(ctx, "dispose", err);
}

static int disposing;

static enum pgt_ro_act
slow_dispose(void *ctx, bool promoted, struct pgt_err *err)
{
	return disposing-- > 0 ? PGT_RO_WAIT : on_dispose(ctx, promoted, err);
}

static const struct pgt_rollout_ops ops = {
    .journal = on_journal, .preflight = on_preflight, .canary = on_canary, .arm = on_arm,
    .guarded = on_guarded, .apply = on_apply,	      .tend = on_tend,	   .keep = on_keep,
    .revert = on_revert,   .weigh = on_weigh,	      .dispose = on_dispose,
    .say = on_say};

static struct pgt_rollout_plan
plan_of(bool auto_go)
{
	struct pgt_rollout_plan p = {.auto_go = auto_go,
				     .pct = {5, 25, 50, 100},
				     .n_steps = 4,
				     .min_step_ns = 30 * S,
				     .max_step_ns = 120 * S,
				     .bucket_ns = 5 * S};

	p.canary.ready_ns = 60 * S;
	pgt_gate_defaults(&p.gate);
	return p;
}

struct feed {
	double slow;	/* times slower is the canary */
	bool stale, write_refused, silent, down;
	double says_pct; /* the router says so instead; NAN the truth */
	double from_pct; /* the fault is there only from this share on */
	enum pgt_ro_state in; /* and in this state only; PLAN: any */
};
static const struct feed good = {1, false, false, false, false, NAN, 0, PGT_RO_PLAN};

static void
feed(struct pgt_rollout *r, const struct world *w, const struct feed *f)
{
	struct pgt_rollout_view v;
	struct pgt_gate_stratum st;
	struct pgt_rollout_measure m = {.configured_pct = w->pct};
	double n = 5000, share, slow;
	bool bad;

	pgt_rollout_look(r, &v);
	if (!v.judging)
		return;
	bad = v.pct >= f->from_pct && (f->in == PGT_RO_PLAN || f->in == v.state);
	share = v.swapped ? 1 - w->pct / 100 : w->pct / 100;
	slow = bad ? f->slow : 1;
	st = (struct pgt_gate_stratum){n * share,      slow, slow * slow * 0.25,
				       n * (1 - share), 1,    0.25};
	m.bucket = (struct pgt_gate_bucket){.strata = &st,
					    .n_strata = 1,
					    .canary_slow = NAN,
					    .primary_slow = NAN,
					    .share = share,
					    .canary_conn_share = NAN,
					    .lag_bytes = 0,
					    .write_refused = bad && f->write_refused,
					    .stale = bad && f->stale};
	m.canary_mean_ms = slow;
	m.canary_calls = n * w->pct / 100;
	if (bad && f->silent)
		m.configured_pct = -1;
	if (bad && !isnan(f->says_pct))
		m.configured_pct = f->says_pct;
	pgt_rollout_feed(r, &m);
	if (bad && f->down)
		pgt_rollout_canary_down(r);
}

/* Drive to the end or for so long; confirm when asked. */
static struct pgt_rollout_view
drive(const struct pgt_rollout_plan *p, struct world *w, const struct feed *f, bool confirm)
{
	struct pgt_rollout *r = pgt_rollout_new(p, &ops, w);
	struct pgt_rollout_view v;
	struct pgt_err err;

	for (int64_t now = S; now < 2000 * S; now += S) {
		for (int i = 0; i < 50 && pgt_rollout_step(r, now); i++)
			;
		pgt_rollout_look(r, &v);
		if (pgt_ro_is_end(v.state))
			break;
		if (v.awaiting && confirm)
			assert_int_equal(pgt_rollout_confirm(r, &err), 0);
		if (now / S % 5 == 0)
			feed(r, w, f);
	}
	pgt_rollout_free(r);
	return v;
}

/* In the acts: after the last share above 0 comes w0, before any revert. */
static void
assert_weight_first(const char *acts)
{
	const char *up = NULL, *zero, *revert = NULL;

	for (const char *a = acts; *a; a += strcspn(a, " "), a += *a == ' ') {
		if (*a == 'w' && a[1] != '0')
			up = a;
		if (*a == 'P' || *a == 'C') {
			if (!revert)
				revert = a;
		}
	}
	if (!up)
		return;
	zero = strstr(up, "w0");
	assert_non_null(zero);
	if (revert)
		assert_true(zero < revert);
}

static void
test_good_goes_all_the_way(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct world w = {0};
	struct pgt_rollout_view v = drive(&p, &w, &good, false);

	(void)state;
	assert_int_equal(v.state, PGT_RO_DONE);
	assert_string_equal(w.acts, "c w5 w25 w50 w100 p w50 w0 k d ");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(v.steps[i].verdict, PGT_GATE_GO);
		assert_true(v.steps[i].took_ns >= p.min_step_ns);
	}
	assert_true(fabs(v.steps[1].achieved_pct - 25) < 0.1);
}

static void
test_waits_for_the_operator(void **state)
{
	struct pgt_rollout_plan p = plan_of(false);
	struct world w = {0};

	(void)state;
	assert_int_equal(drive(&p, &w, &good, true).state, PGT_RO_DONE);
	memset(&w, 0, sizeof(w));
	/* nobody confirms: it stays at the first step */
	assert_int_equal(drive(&p, &w, &good, false).state, PGT_RO_STEP);
	assert_string_equal(w.acts, "c w5 ");
}

static void
test_direct(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct world w = {.pct = 50};

	(void)state;
	p.direct = true;
	assert_int_equal(drive(&p, &w, &good, false).state, PGT_RO_DONE);
	assert_string_equal(w.acts, "p k ");
	memset(&w, 0, sizeof(w));
	w.pct = 50;
	struct feed slow = good;
	slow.slow = 2;
	assert_int_equal(drive(&p, &w, &slow, false).state, PGT_RO_ROLLED_BACK);
	assert_string_equal(w.acts, "p P ");
}

/* Each act that fails, at each place where it can. */
static void
test_every_failing_act_brings_the_traffic_back_first(void **state)
{
	static const struct {
		const char *fail, *note;
		double at_pct;
		enum pgt_ro_state end;
	} cases[] = {
	    {"preflight", NULL, -1, PGT_RO_NOTHING},
	    {"canary", NULL, -1, PGT_RO_ROLLED_BACK},
	    {"canary never", NULL, -1, PGT_RO_ROLLED_BACK},
	    {"apply canary", NULL, -1, PGT_RO_ROLLED_BACK},
	    {"weigh", NULL, 5, PGT_RO_ROLLED_BACK},
	    {"weigh", NULL, 25, PGT_RO_ROLLED_BACK},
	    {"weigh", NULL, 50, PGT_RO_ROLLED_BACK},
	    {"weigh", NULL, 100, PGT_RO_ROLLED_BACK},
	    {"tend canary", NULL, -1, PGT_RO_ROLLED_BACK},
	    {"tend primary", NULL, -1, PGT_RO_ROLLED_BACK},
	    {"apply primary", NULL, -1, PGT_RO_ROLLED_BACK},
	    {"keep", NULL, -1, PGT_RO_ROLLED_BACK},
	    {NULL, "plan", -1, PGT_RO_NOTHING},
	    {NULL, "canary", -1, PGT_RO_NOTHING},
	    {NULL, "apply canary", -1, PGT_RO_ROLLED_BACK},
	    {NULL, "weight", -1, PGT_RO_ROLLED_BACK},
	    {NULL, "apply primary", -1, PGT_RO_ROLLED_BACK},
	    {NULL, "confirm", -1, PGT_RO_ROLLED_BACK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pgt_rollout_plan p = plan_of(true);
		struct world w = {.fail = cases[i].fail,
				  .fail_note = cases[i].note,
				  .fail_at_pct = cases[i].at_pct};
		struct pgt_rollout_view v = drive(&p, &w, &good, false);

		if (v.state != cases[i].end)
			fail_msg("case %zu (%s): %s: %s", i, cases[i].fail,
				 pgt_ro_state_names[v.state], w.acts);
		assert_weight_first(w.acts);
		assert_true(w.pct <= 0);
		assert_false(w.primary);
		assert_false(w.canary);
		assert_true(v.reason[0] != '\0');
	}
}

/* Each thing that measurements can say, at each share. */
static void
test_every_bad_measure_brings_the_traffic_back_first(void **state)
{
	static const struct feed faults[] = {
	    {3, false, false, false, false, NAN, 0, PGT_RO_PLAN},
	    {1, true, false, false, false, NAN, 0, PGT_RO_PLAN},
	    {1, false, true, false, false, NAN, 0, PGT_RO_PLAN},
	    {1, false, false, true, false, NAN, 0, PGT_RO_PLAN},
	    {1, false, false, false, true, NAN, 0, PGT_RO_PLAN},
	    {1, false, false, false, false, 35, 0, PGT_RO_PLAN},
	};
	static const double from[] = {5, 25, 50, 100};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (int k = 0; k < 5; k++) {
			struct pgt_rollout_plan p = plan_of(true);
			struct world w = {0};
			struct feed f = faults[i];
			struct pgt_rollout_view v;

			f.from_pct = k < 4 ? from[k] : 0;
			f.in = k < 4 ? PGT_RO_STEP : PGT_RO_RETURN;
			v = drive(&p, &w, &f, false);
			if (v.state != PGT_RO_ROLLED_BACK)
				fail_msg("fault %zu at %d: %s: %s", i, k,
					 pgt_ro_state_names[v.state], w.acts);
			assert_weight_first(w.acts);
			assert_true(w.pct <= 0);
			assert_false(w.primary || w.canary);
		}
}

static void
test_inconclusive_goes_back(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct world w = {0};
	struct pgt_rollout_view v;

	(void)state;
	p.gate.min_calls = 1e9;
	v = drive(&p, &w, &good, false);
	assert_int_equal(v.state, PGT_RO_ROLLED_BACK);
	assert_non_null(strstr(v.reason, "inconclusive"));
	assert_string_equal(w.acts, "c w5 w0 C d ");
}

static void
test_dead_router_is_tried_again(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct world w = {.fail_weighs = 10};
	struct feed f = good;
	struct pgt_rollout_view v;

	(void)state;
	f.slow = 3;
	v = drive(&p, &w, &f, false);
	assert_int_equal(v.state, PGT_RO_ROLLED_BACK);
	assert_weight_first(w.acts);
	/* for ever dead: the rest goes back, and a person is told */
	memset(&w, 0, sizeof(w));
	w.fail_weighs = 1 << 20;
	v = drive(&p, &w, &f, false);
	assert_int_equal(v.state, PGT_RO_STUCK);
	assert_false(w.canary);
	assert_non_null(strstr(v.reason, "by hand"));
}

static void
test_guard_is_armed_anew_or_all_goes_back(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct world w = {0};
	struct pgt_rollout *r;
	struct pgt_rollout_view v;

	(void)state;
	w.arm_fails = true;
	v = drive(&p, &w, &good, false);
	assert_int_equal(v.state, PGT_RO_ROLLED_BACK);
	assert_string_equal(w.acts, "d "); /* no guard, no change */

	memset(&w, 0, sizeof(w));
	r = pgt_rollout_new(&p, &ops, &w);
	for (int i = 0; i < 50 && pgt_rollout_step(r, S); i++)
		;
	w.guard_dead = true;
	pgt_rollout_step(r, 2 * S);
	assert_false(w.guard_dead);
	w.guard_dead = w.arm_fails = true;
	for (int i = 0; i < 50 && pgt_rollout_step(r, 3 * S); i++)
		;
	pgt_rollout_look(r, &v);
	assert_int_equal(v.state, PGT_RO_ROLLED_BACK);
	assert_weight_first(w.acts);
	pgt_rollout_free(r);
}

static void
test_hold_and_rollback_by_word(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct world w = {0};
	struct pgt_rollout *r = pgt_rollout_new(&p, &ops, &w);
	struct pgt_rollout_view v;
	struct pgt_err err;

	(void)state;
	assert_int_equal(pgt_rollout_hold(r, &err), -1);
	for (int i = 0; i < 50 && pgt_rollout_step(r, S); i++)
		;
	assert_int_equal(pgt_rollout_confirm(r, &err), -1);
	assert_int_equal(pgt_rollout_hold(r, &err), 0);
	for (int64_t now = 2 * S; now < 500 * S; now += S) {
		pgt_rollout_step(r, now);
		if (now / S % 5 == 0)
			feed(r, &w, &good);
	}
	pgt_rollout_look(r, &v);
	assert_int_equal(v.state, PGT_RO_STEP); /* neither on nor inconclusive */
	assert_int_equal(v.step, 0);
	assert_int_equal(pgt_rollout_confirm(r, &err), 0);
	pgt_rollout_step(r, 501 * S);
	pgt_rollout_look(r, &v);
	assert_int_equal(v.step, 1);
	pgt_rollout_rollback(r, "the operator");
	for (int i = 0; i < 50 && pgt_rollout_step(r, 502 * S); i++)
		;
	pgt_rollout_look(r, &v);
	assert_int_equal(v.state, PGT_RO_ROLLED_BACK);
	assert_string_equal(w.acts, "c w5 w25 w0 C d ");
	pgt_rollout_free(r);
}

/* A gate at its limit changes its mind from bucket to bucket.  Who reads GO and answers
 * must not be told that there is nothing to confirm; but it goes on at a GO only. */
static void
test_an_answer_waits_for_the_next_go(void **state)
{
	struct pgt_rollout_plan p = plan_of(false);
	struct feed stale = good, slower = good;
	struct world w = {0};
	struct pgt_rollout *r = pgt_rollout_new(&p, &ops, &w);
	struct pgt_rollout_view v = {0};
	struct pgt_err err;
	int64_t now = S;
	int lost = 0;

	(void)state;
	stale.stale = true;
	slower.slow = 1.3;
	p.max_step_ns = 2000 * S;
	for (; !v.awaiting && now < 200 * S; now += 5 * S) {
		pgt_rollout_step(r, now);
		feed(r, &w, &good);
		pgt_rollout_look(r, &v);
	}
	assert_true(v.awaiting);
	feed(r, &w, &stale);
	pgt_rollout_step(r, now += S);
	assert_int_equal(pgt_rollout_confirm(r, &err), 0);
	pgt_rollout_step(r, now += S);
	pgt_rollout_look(r, &v);
	assert_int_equal(v.step, 0); /* one side is not seen now */
	feed(r, &w, &good);
	pgt_rollout_step(r, now += S);
	pgt_rollout_look(r, &v);
	assert_int_equal(v.step, 1);
	assert_false(v.awaiting);

	/* A GO that does not come again is none: the question goes.  An answer to it
	 * waits for as long as the step lasts, is taken back by hold, and is of this
	 * step alone. */
	for (; !v.awaiting && now < 400 * S; now += 5 * S) {
		pgt_rollout_step(r, now);
		feed(r, &w, &good);
		pgt_rollout_look(r, &v);
	}
	assert_true(v.awaiting);
	for (; v.awaiting && v.state == PGT_RO_STEP && now < 900 * S; now += 5 * S) {
		feed(r, &w, &slower);
		pgt_rollout_step(r, now);
		pgt_rollout_look(r, &v);
		lost += v.evidence.verdict == PGT_GATE_EXTEND;
	}
	assert_int_equal(v.state, PGT_RO_STEP);
	assert_false(v.awaiting);
	assert_int_equal(lost, 3);
	assert_non_null(strstr(w.said, "the gate says go no longer"));
	slower.slow = 1.2; /* neither harm nor its absence is proven */
	for (int held = 1; held >= 0; held--) {
		assert_int_equal(pgt_rollout_confirm(r, &err), 0);
		for (int i = 0; i < 3; i++) {
			feed(r, &w, &slower);
			pgt_rollout_step(r, now += S);
		}
		pgt_rollout_look(r, &v);
		assert_true(v.confirmed && !v.awaiting);
		assert_int_equal(v.step, 1);
		if (held) {
			assert_int_equal(pgt_rollout_hold(r, &err), 0);
			assert_int_equal(pgt_rollout_confirm(r, &err), 0);
			pgt_rollout_look(r, &v);
			assert_false(v.confirmed || v.holding);
		}
	}
	for (; v.step == 1 && now < 1500 * S; now += 5 * S) {
		feed(r, &w, &good);
		pgt_rollout_step(r, now);
		pgt_rollout_look(r, &v);
	}
	assert_int_equal(v.step, 2);
	assert_false(v.asked || v.confirmed);
	assert_int_equal(pgt_rollout_confirm(r, &err), -1);
	pgt_rollout_free(r);
}

/* Once the primary has it for good, a rollback does not undo the rest around it: it is
 * said that it is too late, and the rollout ends as it was going to. */
static void
test_rollback_after_the_primary_has_it_for_good(void **state)
{
	struct pgt_rollout_plan p = plan_of(true);
	struct pgt_rollout_ops slow = ops;
	struct world w = {0};
	struct pgt_rollout *r;
	struct pgt_rollout_view v;

	(void)state;
	slow.dispose = slow_dispose;
	disposing = 5;
	r = pgt_rollout_new(&p, &slow, &w);
	for (int64_t now = S; now < 2000 * S; now += S) {
		for (int i = 0; i < 50 && pgt_rollout_step(r, now); i++)
			;
		pgt_rollout_look(r, &v);
		if (pgt_ro_is_end(v.state))
			break;
		if (strchr(w.acts, 'k'))
			pgt_rollout_rollback(r, "the operator");
		if (now / S % 5 == 0)
			feed(r, &w, &good);
	}
	assert_int_equal(v.state, PGT_RO_DONE);
	assert_string_equal(w.acts, "c w5 w25 w50 w100 p w50 w0 k d ");
	pgt_rollout_free(r);
}

static void
test_plan_reads_what_it_writes(void **state)
{
	static const char text[] =
	    "{\"changeset\":{\"parameters\":[{\"name\":\"work_mem\",\"new_value\":\"8MB\"}]},"
	    "\"steps\":[10,50],\"min_step_s\":6,\"router\":{\"kind\":\"pgbouncer\","
	    "\"read_only_pool\":true,\"pool\":\"p\"},\"canary\":{\"conninfo\":\"host=x\","
	    "\"kind\":\"hook\",\"command\":\"/bin/true\",\"after\":\"stop\"}}";
	static const char *const wrong[] = {
	    "{}",
	    "{\"changeset\":{\"parameters\":[]},\"direct\":true,\"stepz\":[1]}",
	    "{\"changeset\":{\"parameters\":[{\"name\":\"a\",\"new_value\":\"1\"}]},"
	    "\"direct\":true,\"steps\":[50,25]}",
	    "{\"changeset\":{\"parameters\":[{\"name\":\"a\",\"new_value\":\"1\"}]},"
	    "\"router\":{\"kind\":\"pgbouncer\"},\"steps\":[7],\"canary\":{\"conninfo\":\"\"}}",
	    "{\"changeset\":{\"parameters\":[{\"name\":\"a\",\"new_value\":\"1\"}]},"
	    "\"router\":{\"kind\":\"abacus\"},\"canary\":{\"conninfo\":\"\"}}",
	};
	struct pgt_rollout_plan *p = NULL, *again = NULL;
	struct pgt_err err;
	cJSON *json = pgt_json_parse(text, strlen(text), 65536, &err), *out;

	(void)state;
	assert_int_equal(pgt_rollout_plan_from_json(json, &p, &err), 0);
	cJSON_Delete(json);
	out = pgt_rollout_plan_json(p);
	assert_int_equal(pgt_rollout_plan_from_json(out, &again, &err), 0);
	assert_string_equal(again->id, p->id);
	assert_int_equal(again->n_steps, 2);
	assert_int_equal(again->min_step_ns, 6 * S);
	assert_true(again->router.read_only_pool);
	assert_int_equal(again->canary.kind, PGT_ROC_HOOK);
	assert_int_equal(again->canary.after, PGT_ROA_STOP);
	cJSON_Delete(out);
	pgt_rollout_plan_free(p);
	pgt_rollout_plan_free(again);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json = pgt_json_parse(wrong[i], strlen(wrong[i]), 65536, &err);
		assert_non_null(json);
		assert_int_equal(pgt_rollout_plan_from_json(json, &p, &err), -1);
		cJSON_Delete(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_goes_all_the_way),
	    cmocka_unit_test(test_waits_for_the_operator),
	    cmocka_unit_test(test_direct),
	    cmocka_unit_test(test_every_failing_act_brings_the_traffic_back_first),
	    cmocka_unit_test(test_every_bad_measure_brings_the_traffic_back_first),
	    cmocka_unit_test(test_inconclusive_goes_back),
	    cmocka_unit_test(test_dead_router_is_tried_again),
	    cmocka_unit_test(test_guard_is_armed_anew_or_all_goes_back),
	    cmocka_unit_test(test_hold_and_rollback_by_word),
	    cmocka_unit_test(test_an_answer_waits_for_the_next_go),
	    cmocka_unit_test(test_rollback_after_the_primary_has_it_for_good),
	    cmocka_unit_test(test_plan_reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
