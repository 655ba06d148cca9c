/* The screens of long runs: the optimizer, a rollout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "vt.h"

static struct vt *
open_rich(int rows, int cols)
{
	struct vt *vt = vt_open(&(struct vt_opts){rows, cols, NULL, .ascii = false});

	fixture_fill(vt, FIXTURE_RICH);
	vt_draw(vt);
	return vt;
}

static void
tell_search(struct vt *vt, enum pgt_tune_state state)
{
	pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_OPTIMIZE, 0, fixture_search(state),
					  pgt_ev_optimize_free));
	vt_draw(vt);
}

static void
recommendations_at_three_sizes(void **state)
{
	static const int sizes[][2] = {{10, 40}, {24, 80}, {43, 132}};
	char name[64];

	(void)state;
	for (size_t i = 0; i < PGT_LEN(sizes); i++) {
		struct vt *vt = open_rich(sizes[i][0], sizes[i][1]);

		vt_keys(vt, "r");
		pgt_ui_event(&vt->ui,
			     pgt_msg_new(PGT_EV_ADVICE, 0, fixture_advice(vt->ui.snap),
					 pgt_ev_advice_free));
		vt_draw(vt);
		assert_true(vt_shows(vt, "SET fsync off"));
		snprintf(name, sizeof(name), "advice_%dx%d", sizes[i][1], sizes[i][0]);
		vt_golden(vt, name);
		vt_sane(vt);
		vt_close(vt);
	}
}

static void
optimizer_at_three_sizes(void **state)
{
	static const int sizes[][2] = {{10, 40}, {24, 80}, {43, 132}};
	char name[64];

	(void)state;
	for (size_t i = 0; i < PGT_LEN(sizes); i++) {
		struct vt *vt = open_rich(sizes[i][0], sizes[i][1]);

		vt_keys(vt, "o");
		if (i == 1)
			vt_golden(vt, "optimizer_idle_80x24");
		tell_search(vt, PGT_TUNE_RUNNING);
		snprintf(name, sizeof(name), "optimizer_%dx%d", sizes[i][1], sizes[i][0]);
		vt_golden(vt, name);
		vt_sane(vt);
		vt_close(vt);
	}
}

static void
optimizer_form(void **state)
{
	struct vt *vt = open_rich(30, 100);

	(void)state;
	vt_keys(vt, "oA");
	assert_true(vt_shows(vt, "live: on this server"));
	assert_true(vt_shows(vt, "objective  mean latency"));
	assert_false(vt_shows(vt, "what ")); /* nothing is built for trial on it */
	vt_golden(vt, "optimizer_form_100x30");
	vt_keys(vt, "<Enter>"); /* the next mode: rehearsal asks for its load */
	assert_true(vt_shows(vt, "rehearsal: on a throwaway copy"));
	assert_true(vt_shows(vt, "what       settings"));
	assert_true(vt_shows(vt, "objective  throughput"));
	vt_keys(vt, "<End><Up>");
	assert_true(vt_shows(vt, "a throwaway copy on this machine"));
	vt_keys(vt, "<Enter>");
	assert_true(vt_shows(vt, "here: this server is a lab"));
	assert_false(vt_shows(vt, "what "));
	/* a canary asks for the primary, and for what restarts it */
	vt_keys(vt, "<Home><Enter><End><Up><Up><Enter>host=b port=1<Enter>");
	assert_true(vt_shows(vt, "primary    host=b port=1"));
	vt_keys(vt, "<End><Enter>"); /* what is watched is a primary */
	assert_true(vt_shows(vt, "a canary is a standby"));
	vt_keys(vt, "<Home><Enter><Enter>"); /* round to live */
	assert_true(vt_shows(vt, "live: on this server"));
	vt_keys(vt, "<Down><Down><Enter>");
	assert_true(vt_shows(vt, "50 at most"));
	vt_keys(vt, "<End><Enter>"); /* start: asks, production by its name */
	assert_true(vt_shows(vt, "Search for better settings of shop-prod (PRODUCTION)?"));
	vt_keys(vt, "<Right><Enter>");
	assert_true(vt_shows(vt, "Type the cluster"));
	vt_keys(vt, "shop<Enter>");
	assert_true(vt_shows(vt, "nothing was done"));
	vt_keys(vt, "A<End><Enter><Right><Enter>shop-prod<Enter>");
	assert_true(vt_shows(vt, "there is no connection")); /* it was sent */
	vt->ui.read_only = true;
	vt_keys(vt, "A");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "read-only"));
	vt_close(vt);
}

/* A hint is shown as work for the application, on the screen, its page and the question. */
static void
optimizer_hint(void **state)
{
	struct vt *vt = open_rich(43, 132);
	struct pgt_ev_optimize *ev = fixture_search(PGT_TUNE_DONE);

	(void)state;
	ev->settings[0] = (struct pgt_tune_setting){
	    .kind = PGT_TUNE_HINT, .name = "no nestloop in query 4711",
	    .current = "absent", .proposed = "hint", .differs = true, .queryid = 4711,
	    .effect = "SET LOCAL enable_nestloop = off", .importance = 0.7,
	    .query = "SELECT count(*) FROM orders WHERE shop = $1",
	    .comment = "/*+ Set(enable_nestloop off) */", .cost_pct = 1020,
	    .why = "a nested loop expected 2 rows of its outer side and 300 came"};
	pgt_ui_event(&vt->ui,
		     pgt_msg_new(PGT_EV_OPTIMIZE, 0, ev, pgt_ev_optimize_free));
	vt_keys(vt, "o");
	vt_draw(vt);
	assert_true(vt_shows(vt, "application"));
	assert_true(vt_shows(vt, "/*+ Set(enable_nestloop off) */ before SELECT count(*)"));
	assert_true(vt_shows(vt, "no nestloop in query 4711"));
	vt_keys(vt, "A");
	assert_true(vt_shows(vt, "The proposal: 1 setting, gain"));
	assert_true(vt_shows(vt, "without 1 hint: work for the application"));
	assert_true(vt_shows(vt, "Make it a draft"));
	vt_keys(vt, "<Esc><Enter>");
	vt_golden(vt, "page_hint_132x43");
	vt_close(vt);
}

/* Of hints alone there is nothing to make a draft of. */
static void
optimizer_hints_alone(void **state)
{
	struct vt *vt = open_rich(24, 80);
	struct pgt_ev_optimize *ev = fixture_search(PGT_TUNE_DONE);

	(void)state;
	ev->n_settings = 1;
	ev->settings[0].kind = PGT_TUNE_HINT;
	pgt_str_copy(ev->settings[0].name, sizeof(ev->settings[0].name),
		     "no nestloop in query 4711");
	pgt_ui_event(&vt->ui,
		     pgt_msg_new(PGT_EV_OPTIMIZE, 0, ev, pgt_ev_optimize_free));
	vt_keys(vt, "o");
	assert_true(vt_shows(vt, "the proposal is work for the application"));
	vt_keys(vt, "A");
	assert_true(vt_shows(vt, "The proposal: 1 hint, gain +13.1%"));
	assert_true(vt_shows(vt, "there is nothing to apply here"));
	assert_false(vt_shows(vt, "draft"));
	vt_keys(vt, "<Right><Enter>");
	assert_true(vt_shows(vt, "Start a search"));
	vt_close(vt);
}

/* However many settings a trial has, on a small terminal too all there is to know of it
 * is seen: how long, what is expected, why, and what keys there are. */
static void
optimizer_of_many_settings(void **state)
{
	struct vt *vt = open_rich(24, 80);
	struct pgt_ev_optimize *ev = fixture_search(PGT_TUNE_RUNNING);

	(void)state;
	for (int i = 0; i < 12; i++) {
		size_t used = strlen(ev->now);

		snprintf(ev->now + used, sizeof(ev->now) - used, " a_setting_%d=value", i);
	}
	memcpy(ev->trials[8].config, ev->now, sizeof(ev->now));
	pgt_ui_event(&vt->ui,
		     pgt_msg_new(PGT_EV_OPTIMIZE, 0, ev, pgt_ev_optimize_free));
	vt_keys(vt, "o");
	vt_draw(vt);
	vt_golden(vt, "optimizer_many_80x24");
	assert_true(vt_shows(vt, "best      +14.2%   trial 9, the mean of 2: work_mem"));
	assert_true(vt_shows(vt, "now       for 12s   expected ~+11.0% [+2.0 +20.0]"));
	assert_true(vt_shows(vt, "because   expected improvement"));
	assert_true(vt_shows(vt, "H pause  X stop  R restore"));
	vt_close(vt);
}

/* Until it is known how many trials there will be, none are counted. */
static void
optimizer_prepares(void **state)
{
	struct vt *vt = open_rich(24, 80);
	struct pgt_ev_optimize *ev = fixture_search(PGT_TUNE_RUNNING);

	(void)state;
	ev->done = ev->total = 0;
	pgt_ui_event(&vt->ui,
		     pgt_msg_new(PGT_EV_OPTIMIZE, 0, ev, pgt_ev_optimize_free));
	vt_draw(vt);
	assert_true(vt_shows(vt, " SEARCH "));
	assert_false(vt_shows(vt, "0/0"));
	ev = fixture_search(PGT_TUNE_RUNNING);
	ev->n_trials = 2; /* the baseline, twice: nothing had a chance to beat it */
	ev->best = -1;
	ev->keep_baseline = true;
	pgt_ui_event(&vt->ui,
		     pgt_msg_new(PGT_EV_OPTIMIZE, 0, ev, pgt_ev_optimize_free));
	vt_keys(vt, "o");
	assert_true(vt_shows(vt, "only the baseline was measured"));
	assert_false(vt_shows(vt, "nothing"));
	vt_close(vt);
}

static void
optimizer_steered(void **state)
{
	struct vt *vt = open_rich(43, 132);

	(void)state;
	vt_keys(vt, "oX");
	assert_true(vt_shows(vt, "no search is under way"));
	tell_search(vt, PGT_TUNE_RUNNING);
	vt_keys(vt, "X");
	assert_true(vt_shows(vt, "Stop the search?"));
	vt_keys(vt, "<Enter>"); /* the harmless answer is the first */
	assert_null(vt->ui.dialog);
	vt_keys(vt, "R");
	assert_true(vt_shows(vt, "Stop the search and restore the server?"));
	vt_keys(vt, "<Esc>A");
	assert_true(vt_shows(vt, "a search is under way"));
	/* the curve follows the setting under the cursor */
	assert_true(vt_shows(vt, "Effect of work_mem"));
	vt_keys(vt, "<Down>");
	assert_true(vt_shows(vt, "Effect of random_page_cost"));
	vt_keys(vt, "<S-Tab><Up><Tab><Enter>"); /* the curve moves it too */
	assert_true(vt_shows(vt, "Predicted gain by its value alone"));
	vt_golden(vt, "page_knob_132x43");
	vt_keys(vt, "<Esc><Tab><Down><Down><Enter>");
	assert_true(vt_shows(vt, "What differed from the baseline"));
	vt_keys(vt, "<Esc>");
	tell_search(vt, PGT_TUNE_DONE);
	vt_golden(vt, "optimizer_done_132x43");
	vt_keys(vt, "A");
	assert_true(vt_shows(vt, "The proposal: 2 settings, gain +13.1%"));
	vt_keys(vt, "<Esc>");
	vt->ui.read_only = true;
	tell_search(vt, PGT_TUNE_RUNNING);
	vt_keys(vt, "X");
	assert_null(vt->ui.dialog);
	vt_keys(vt, "H");
	assert_true(vt_shows(vt, "read-only"));
	vt_sane(vt);
	vt_close(vt);
}

static void
tell_rollout(struct vt *vt, struct pgt_ev_rollout *r)
{
	pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_ROLLOUT, 0, r, free));
	vt_draw(vt);
}

static void
rollout_at_three_sizes(void **state)
{
	static const int sizes[][2] = {{10, 40}, {24, 80}, {43, 132}};
	char name[64];

	(void)state;
	for (size_t i = 0; i < PGT_LEN(sizes); i++) {
		struct vt *vt = open_rich(sizes[i][0], sizes[i][1]);

		vt_keys(vt, "t");
		assert_true(vt_shows(vt, "No rollout is known"));
		tell_rollout(vt, fixture_rollout(PGT_RO_STEP, true));
		snprintf(name, sizeof(name), "rollout_%dx%d", sizes[i][1], sizes[i][0]);
		vt_golden(vt, name);
		vt_sane(vt);
		vt_close(vt);
	}
}

static void
rollout_steered(void **state)
{
	struct vt *vt = open_rich(30, 100);
	struct pgt_ev_rollout *r = fixture_rollout(PGT_RO_STEP, true);

	(void)state;
	vt_keys(vt, "1");
	tell_rollout(vt, r); /* ours opens its page */
	assert_true(vt_shows(vt, "Evidence: canary against primary"));
	vt_keys(vt, "C");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "does not say GO yet"));
	r = fixture_rollout(PGT_RO_STEP, true);
	r->view.awaiting = r->view.asked = true;
	r->view.evidence.verdict = PGT_GATE_GO;
	tell_rollout(vt, r);
	assert_true(vt_shows(vt, "ROLLOUT 25%: C?"));
	vt_keys(vt, "C");
	assert_true(vt_shows(vt, "Go on to 50% on the canary?"));
	vt_keys(vt, "<Enter>");
	assert_true(vt_shows(vt, "nothing was done"));
	r = fixture_rollout(PGT_RO_STEP, true);
	r->view.asked = r->view.confirmed = true;
	tell_rollout(vt, r);
	assert_true(vt_shows(vt, "confirmed: goes on at the next GO"));
	vt_keys(vt, "C");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "confirmed already"));
	r = fixture_rollout(PGT_RO_STEP, true);
	r->view.asked = true;
	tell_rollout(vt, r);
	vt_keys(vt, "C");
	assert_true(vt_shows(vt, "more of the reads go there, once the gate says GO"));
	vt_keys(vt, "<Esc>");
	vt_keys(vt, "4R"); /* from anywhere */
	assert_true(vt_shows(vt, "Roll back rollout 9a1b0000"));
	vt_keys(vt, "<Esc>t");
	tell_rollout(vt, fixture_rollout(PGT_RO_ROLLED_BACK, true));
	assert_true(vt_shows(vt, "31% higher on the canary"));
	vt_golden(vt, "rollout_rolled_back_100x30");
	vt_close(vt);
}

/* Somebody else's: announced, shown the same, and without keys. */
static void
rollout_watched(void **state)
{
	struct vt *vt = open_rich(30, 100);
	struct pgt_ev_rollout *r;

	(void)state;
	tell_rollout(vt, fixture_rollout(PGT_RO_STEP, false));
	assert_true(vt_shows(vt, "ana@bastion drives a rollout of shop-prod: t watches"));
	vt_keys(vt, "t");
	assert_true(vt_shows(vt, "watching"));
	r = fixture_rollout(PGT_RO_STEP, false);
	r->view.awaiting = true;
	tell_rollout(vt, r);
	vt_keys(vt, "C");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "watched from here"));
	vt_keys(vt, "R");
	assert_null(vt->ui.dialog);
	r = fixture_rollout(PGT_RO_STEP, false);
	r->lost = true;
	tell_rollout(vt, r);
	assert_true(vt_shows(vt, "driver lost"));
	vt_close(vt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recommendations_at_three_sizes),
	    cmocka_unit_test(optimizer_at_three_sizes),
	    cmocka_unit_test(optimizer_form),
	    cmocka_unit_test(optimizer_hints_alone),
	    cmocka_unit_test(optimizer_of_many_settings),
	    cmocka_unit_test(optimizer_prepares),
	    cmocka_unit_test(optimizer_steered),
	    cmocka_unit_test(optimizer_hint),
	    cmocka_unit_test(rollout_at_three_sizes),
	    cmocka_unit_test(rollout_steered),
	    cmocka_unit_test(rollout_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
