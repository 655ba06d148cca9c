/* The optimizer's screen: its keys in every state, and indexes among the settings. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "vt.h"

static const int sizes[][2] = {{10, 40}, {24, 80}, {43, 132}};

static struct vt *
open_at(int rows, int cols)
{
	struct vt *vt = vt_open(&(struct vt_opts){rows, cols, NULL, .ascii = false});

	fixture_fill(vt, FIXTURE_RICH);
	vt_keys(vt, "o");
	return vt;
}

static void
tell(struct vt *vt, struct pgt_ev_optimize *take_ev)
{
	pgt_ui_event(&vt->ui,
		     pgt_msg_new(PGT_EV_OPTIMIZE, 0, take_ev, pgt_ev_optimize_free));
	vt_draw(vt);
}

/* The line of keys; the caller frees. */
static char *
footer(struct vt *vt)
{
	char *text = vt_text(vt), *last, *line;

	if (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	last = strrchr(text, '\n');
	line = pgt_xstrdup(last ? last + 1 : text);
	free(text);
	return line;
}

static struct pgt_ev_optimize *
stopped(void)
{
	struct pgt_ev_optimize *ev = fixture_search(PGT_TUNE_FAILED);

	pgt_str_copy(ev->text, sizeof(ev->text), "stopped");
	return ev;
}

static struct pgt_ev_optimize *
kept(void)
{
	struct pgt_ev_optimize *ev = fixture_search(PGT_TUNE_DONE);

	ev->keep_baseline = true;
	for (size_t i = 0; i < ev->n_settings; i++)
		ev->settings[i].differs = false;
	return ev;
}

static struct pgt_ev_optimize *
in_state(const char *name)
{
	return strcmp(name, "paused") == 0	? fixture_search(PGT_TUNE_PAUSED)
	       : strcmp(name, "stopping") == 0 ? fixture_search(PGT_TUNE_STOPPING)
	       : strcmp(name, "running") == 0	? fixture_search(PGT_TUNE_RUNNING)
	       : strcmp(name, "accept") == 0	? fixture_search(PGT_TUNE_DONE)
	       : strcmp(name, "kept") == 0	? kept()
						: stopped();
}

/* Every panel's keys, in every state and at every size: those that steer what is now,
 * and no other. */
static void
keys_follow_the_state(void **state)
{
	static const struct {
		const char *name, *has;
		bool golden;
	} cases[] = {{"running", "H pause", false}, {"paused", "H go on", true},
		     {"stopping", "Tab panel", false}, {"accept", "A accept", true},
		     {"kept", "A search anew", true}, {"stopped", "A search anew", true}};
	static const char *const steer[] = {"A ", "H ", "X ", "R "};
	/* Of those, which may be there. */
	static const char may[][5] = {"HXR", "HXR", "", "A", "A", "A"};
	char name[64], *line;

	(void)state;
	for (size_t k = 0; k < PGT_LEN(sizes); k++)
		for (size_t i = 0; i < PGT_LEN(cases); i++) {
			struct vt *vt = open_at(sizes[k][0], sizes[k][1]);

			tell(vt, in_state(cases[i].name));
			if (cases[i].golden) {
				snprintf(name, sizeof(name), "optimizer_%s_%dx%d",
					 cases[i].name, sizes[k][1], sizes[k][0]);
				vt_golden(vt, name);
			}
			for (int panel = 0; panel < 5; panel++) {
				line = footer(vt);
				/* 40 columns hold no more than a panel's own keys */
				if (k > 0)
					assert_non_null(strstr(line, cases[i].has));
				for (size_t j = 0; j < PGT_LEN(steer); j++)
					if (!strchr(may[i], steer[j][0]))
						assert_null(strstr(line, steer[j]));
				free(line);
				vt_keys(vt, "<Tab>");
			}
			vt_sane(vt);
			vt_close(vt);
		}
}

static void
keys_of_a_read_only_console(void **state)
{
	struct vt *vt = open_at(24, 80);
	char *line;

	(void)state;
	vt->ui.read_only = true;
	for (int i = 0; i < 3; i++) {
		if (i > 0)
			tell(vt, fixture_search(i == 1 ? PGT_TUNE_RUNNING : PGT_TUNE_DONE));
		vt_draw(vt);
		line = footer(vt);
		assert_non_null(strstr(line, "Tab panel"));
		assert_null(strstr(line, "A "));
		assert_null(strstr(line, "H pause"));
		assert_null(strstr(line, "X "));
		free(line);
	}
	vt_close(vt);
}

/* Two long tables, two indexes on each: begins and ends alike. */
static struct pgt_ev_optimize *
with_indexes(enum pgt_tune_state st)
{
	static const char *const labels[] = {
	    "customer_shipment_events(customer_number)",
	    "customer_shipment_events(tracking_reference, carrier_code)",
	    "customer_shipment_invoices(billing_account_reference)",
	    "customer_shipment_invoices(customer_number)"};
	struct pgt_ev_optimize *ev = fixture_search(st);

	for (int i = 0; i < 4; i++) {
		struct pgt_tune_setting *s = &ev->settings[i];
		const char *open = strchr(labels[i], '(');

		*s = (struct pgt_tune_setting){.kind = PGT_TUNE_INDEX,
					       .current = "absent", .proposed = "create",
					       .differs = true, .cost_pct = -98,
					       .importance = 0.4 - 0.1 * i};
		snprintf(s->name, sizeof(s->name), "index:public.%.40s~%d", labels[i], i);
		pgt_str_copy(s->label, sizeof(s->label), labels[i]);
		snprintf(s->effect, sizeof(s->effect),
			 "CREATE INDEX CONCURRENTLY ix_%d ON public.%.*s USING btree %s", i,
			 (int)(open - labels[i]), labels[i], open);
		pgt_str_copy(s->why, sizeof(s->why),
			     "index ~4.4 MB; inserts write one more entry");
	}
	ev->settings[0].n_slice = 2; /* one of two */
	ev->settings[0].slice_x[1] = 1;
	ev->settings[0].slice_gain[1] = 2100;
	ev->settings[0].slice_hi[1] = 3900;
	ev->settings[0].slice_lo[1] = 1500;
	for (size_t i = 5; i < ev->n_trials; i++) {
		struct pgt_tune_trial *t = &ev->trials[i];

		if (!isnan(t->gain_pct))
			t->gain_pct = 300 * t->gain_pct;
		t->guess_pct = 1864.5;
		t->guess_lo = 328.1;
		t->guess_hi = 8915.5;
		snprintf(t->config, sizeof(t->config), "[index %s] work_mem=64MB",
			 labels[0]);
		if (t->gain_pct > t->best_pct)
			t->best_pct = t->gain_pct;
	}
	ev->best_pct = ev->trials[8].gain_pct;
	ev->gain_pct = 3076.8;
	ev->gain_lo = 2573.6;
	ev->gain_hi = 3674.7;
	ev->confidence = 1;
	return ev;
}

/* At 80 columns too a person tells them apart; the page has them in full. */
static void
indexes_are_told_apart(void **state)
{
	static const int at[][2] = {{24, 80}, {43, 132}, {50, 200}};
	char name[64];

	(void)state;
	for (size_t k = 0; k < PGT_LEN(at); k++) {
		struct vt *vt = open_at(at[k][0], at[k][1]);

		tell(vt, with_indexes(k == 0 ? PGT_TUNE_RUNNING : PGT_TUNE_DONE));
		snprintf(name, sizeof(name), "optimizer_index_%dx%d", at[k][1], at[k][0]);
		vt_golden(vt, name);
		assert_true(vt_shows(vt, "(customer_number)") ||
			    vt_shows(vt, "(customer…number)"));
		assert_true(vt_shows(vt, "ference, carrier_code)") ||
			    vt_shows(vt, "r_code)"));
		assert_true(vt_shows(vt, "+3077% [+2574 +3675]"));
		assert_true(vt_shows(vt, ">99% sure"));
		assert_false(vt_shows(vt, "100% sure"));
		assert_true(vt_shows(vt, "x ")); /* the scale is of ratios */
		vt_keys(vt, k == 0 ? "<Enter>" : "<Home><Enter>");
		assert_true(vt_shows(vt, "customer_shipment_events(customer_number)"));
		assert_true(vt_shows(vt, "CREATE INDEX CONCURRENTLY"));
		assert_true(vt_shows(vt, "index ~4.4 MB; inserts write one more entry"));
		if (k == 0)
			vt_golden(vt, "page_index_80x24");
		vt_sane(vt);
		vt_close(vt);
	}
}

/* What is asked says how many of what, and what stays out of the draft. */
static void
what_is_accepted(void **state)
{
	struct vt *vt = open_at(24, 80);
	struct pgt_ev_optimize *ev = with_indexes(PGT_TUNE_DONE);

	(void)state;
	ev->settings[3].kind = PGT_TUNE_SETTING;
	ev->settings[3].restart = true;
	tell(vt, ev);
	vt_keys(vt, "A");
	assert_true(vt_shows(vt, "The proposal: 1 setting and 3 indexes, gain +3077%"));
	assert_true(vt_shows(vt, "without 1 that needs a restart: by a rollout"));
	vt_keys(vt, "<Esc>");
	ev = fixture_search(PGT_TUNE_DONE);
	for (size_t i = 0; i < ev->n_settings; i++)
		ev->settings[i].restart = true;
	tell(vt, ev); /* nothing of it could be applied from here */
	vt_keys(vt, "A");
	assert_true(vt_shows(vt, "The proposal: 2 settings, gain +13.1%"));
	assert_true(vt_shows(vt, "it needs a restart: by a rollout"));
	assert_false(vt_shows(vt, "Make it a draft"));
	vt_close(vt);
}

static void
labels_keep_both_ends(void **state)
{
	static const char events[] = "customer_shipment_events(customer_number)";
	char buf[320];

	(void)state;
	assert_string_equal(pgt_search_index_label(events, 60, buf, sizeof(buf)), events);
	assert_string_equal(pgt_search_index_label(events, 28, buf, sizeof(buf)),
			    "custom…events(custom…number)");
	assert_string_equal(pgt_search_index_label("t(a_column_with_quite_a_long_name)", 20,
						   buf, sizeof(buf)),
			    "t(a_column…ong_name)");
	assert_string_equal(pgt_search_index_label("a_table_with_quite_a_long_name(a)", 20,
						   buf, sizeof(buf)),
			    "a_table_…ong_name(a)");
	for (int cells = 9; cells < 60; cells++)
		assert_true(pgt_cells(pgt_search_index_label(events, cells, buf,
							     sizeof(buf))) <= cells);
	/* letters, not bytes */
	assert_string_equal(pgt_squeeze("ÄÖÜäöüß", strlen("ÄÖÜäöüß"), 5, buf,
					sizeof(buf)), "ÄÖ…üß");
}

/* However long it is, it has the letters that it may have. */
static void
squeezed(void **state)
{
	char text[1201], out[64];

	(void)state;
	for (int i = 0; i < 600; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 2);
	text[1200] = '\0';
	pgt_squeeze(text, 1200, 20, out, sizeof(out));
	assert_int_equal(strlen(out), 19 * 2 + strlen("…"));
	assert_string_equal(pgt_squeeze("table_of_ours", 13, 9, out, sizeof(out)),
			    "tabl…ours");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(squeezed),
	    cmocka_unit_test(keys_follow_the_state),
	    cmocka_unit_test(keys_of_a_read_only_console),
	    cmocka_unit_test(indexes_are_told_apart),
	    cmocka_unit_test(what_is_accepted),
	    cmocka_unit_test(labels_keep_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
