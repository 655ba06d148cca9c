/* What keys do: focus, zoom, sort, filter, search, scroll, pages, dialogs, prompt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dialog_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "vt.h"

static struct vt *
open_rich(int rows, int cols)
{
	struct vt *vt = vt_open(&(struct vt_opts){rows, cols, NULL, .ascii = false});

	fixture_fill(vt, FIXTURE_RICH);
	vt_draw(vt);
	return vt;
}

static const struct pgt_query *
query_at(struct vt *vt, size_t i)
{
	return pgt_grid_at(&pgt_ui_focus(&vt->ui)->table, &vt->ui, i);
}

static void
each_key_has_one_meaning(void **state)
{
	(void)state;
	for (int a = 1; a < PGT_REQ_N; a++)
		for (int b = a + 1; b < PGT_REQ_N; b++) {
			const struct pgt_request_info *x = pgt_request_info(
			    (enum pgt_request)a);
			const struct pgt_request_info *y = pgt_request_info(
			    (enum pgt_request)b);

			assert_int_not_equal(x->key, y->key);
			if (x->key2)
				assert_int_not_equal(x->key2, y->key);
			if (y->key2)
				assert_int_not_equal(x->key, y->key2);
			if (x->key2 && y->key2)
				assert_int_not_equal(x->key2, y->key2);
			assert_string_not_equal(x->name, y->name);
		}
}

/* Nothing on the server changes by a lower-case key: those of the changing group
 * are capitals, and every other capital is one that looks. */
static void
lower_case_looks(void **state)
{
	(void)state;
	for (int r = 1; r < PGT_REQ_N; r++) {
		const struct pgt_request_info *i = pgt_request_info((enum pgt_request)r);

		if (i->group == PGT_GROUP_CHANGE) {
			assert_true(i->key >= 'A' && i->key <= 'Z');
			assert_int_equal(i->key2, 0);
		}
	}
}

static void
sorting(void **state)
{
	struct vt *vt = open_rich(43, 132);

	(void)state;
	vt_keys(vt, "4");
	assert_int_equal(query_at(vt, 0)->key.queryid, 21); /* by time */
	vt_keys(vt, ">");
	assert_int_equal(query_at(vt, 0)->key.queryid, 23); /* by calls */
	assert_true(vt_shows(vt, "calls/s▼"));
	vt_keys(vt, "v");
	assert_int_equal(query_at(vt, 0)->key.queryid, 25);
	assert_true(vt_shows(vt, "calls/s▲"));
	vt_keys(vt, "<<");
	assert_true(vt_shows(vt, "query▲")); /* round the left end */
	/* the unknown goes last in both directions */
	assert_int_equal(query_at(vt, 4)->key.queryid, 25);
	vt_keys(vt, "v");
	assert_int_equal(query_at(vt, 4)->key.queryid, 25);
	/* the menu: the third row is mean */
	vt_keys(vt, "s");
	assert_true(vt_shows(vt, "Sort by"));
	vt_keys(vt, "<Esc>");
	assert_false(vt_shows(vt, "Sort by"));
	vt_keys(vt, "s<Home><Down><Down><Enter>");
	assert_true(vt_shows(vt, "mean ms▼"));
	vt_sane(vt);
	vt_close(vt);
}

/* A row of a list that is wider than its dialog ends with a sign that it is. */
static void
long_rows_of_a_dialog(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "2s");
	assert_true(vt_shows(vt, "sorted: blocked, then the oldest transactions"));
	assert_true(vt_shows(vt, "transactions, then …"));
	vt_golden(vt, "dialog_sort_80x24");
	vt_close(vt);
}

static void
filter_and_search(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "4f");
	assert_true(vt_shows(vt, "filter"));
	vt_keys(vt, "items"); /* it works while it is typed */
	assert_true(vt_shows(vt, "FROM items"));
	assert_false(vt_shows(vt, "FROM users"));
	vt_keys(vt, "<Enter>");
	assert_true(vt_shows(vt, "filter items"));
	assert_true(vt_shows(vt, "1/1"));
	vt_keys(vt, "f<C-u>!items<Enter>");
	assert_false(vt_shows(vt, "FROM items"));
	assert_true(vt_shows(vt, "FROM users"));
	vt_keys(vt, "f<C-u>^INSERT<Enter>"); /* the ends are those of one column */
	assert_true(vt_shows(vt, "INSERT INTO events"));
	assert_false(vt_shows(vt, "FROM users"));
	vt_keys(vt, "f<C-u>!^INSERT<Enter>");
	assert_false(vt_shows(vt, "INSERT INTO events"));
	assert_true(vt_shows(vt, "FROM users"));
	vt_keys(vt, "f<C-u>(<Enter>"); /* no expression: said, and the old one stays */
	assert_true(vt_shows(vt, "("));
	assert_int_equal(vt->ui.prompt.kind, PGT_PROMPT_FILTER);
	assert_true(vt->ui.prompt.error[0] != '\0');
	vt_keys(vt, "<Esc><Esc>");
	assert_true(vt_shows(vt, "FROM items"));
	vt_keys(vt, "/users<Enter>");
	assert_int_equal(pgt_ui_focus(&vt->ui)->table.cur, 2);
	vt_keys(vt, "/nosuchword<Enter>");
	assert_true(vt_shows(vt, "no match for nosuchword"));
	vt_keys(vt, "f");
	vt_keys(vt, "nothing at all<Enter>");
	assert_true(vt_shows(vt, "no row passes the filter"));
	vt_close(vt);
}

static void
scrolling(void **state)
{
	struct vt *vt = open_rich(24, 80);
	struct pgt_grid *t;

	(void)state;
	vt_keys(vt, "2");
	t = &pgt_ui_focus(&vt->ui)->table;
	vt_keys(vt, "G");
	assert_int_equal(t->cur, t->n - 1);
	vt_keys(vt, "g");
	assert_int_equal(t->cur, 0);
	vt_keys(vt, "jj<Up>");
	assert_int_equal(t->cur, 1);
	vt_keys(vt, "lllll"); /* further columns; the first stays */
	assert_true(t->hscroll > 0);
	assert_true(vt_shows(vt, "pid"));
	assert_true(vt_shows(vt, "48377"));
	assert_false(vt_shows(vt, "database"));
	vt_keys(vt,
		"<Right><Right><Right><Right><Right><Right><Right><Right><Right><Right>");
	vt_keys(vt, "<Right><Right>");
	assert_true(t->pan > 0); /* at the end the text itself moves */
	assert_true(vt_shows(vt, "◂"));
	vt_sane(vt);
	for (int i = 0; i < 40; i++)
		vt_keys(vt, "h");
	assert_int_equal(t->hscroll, 0);
	assert_int_equal(t->pan, 0);
	vt_close(vt);
}

/* The chosen row stays chosen when others overtake it. */
static void
selection_follows_its_row(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "4jj");
	assert_int_equal(query_at(vt, pgt_ui_focus(&vt->ui)->table.cur)->key.queryid, 23);
	vt_keys(vt, ">"); /* by calls it is the first */
	assert_int_equal(pgt_ui_focus(&vt->ui)->table.cur, 0);
	pgt_ui_snapshot(&vt->ui,
			fixture_snapshot(FIXTURE_RICH, VT_NOW + PGT_NS_PER_S, 122));
	vt_draw(vt);
	assert_int_equal(query_at(vt, pgt_ui_focus(&vt->ui)->table.cur)->key.queryid, 23);
	vt_close(vt);
}

static void
focus_and_zoom(void **state)
{
	struct vt *vt = open_rich(30, 100);
	const struct pgt_panel_ops *first = pgt_ui_focus(&vt->ui)->ops;

	(void)state;
	assert_ptr_equal(first, &pgt_panel_top);
	vt_keys(vt, "<Tab>");
	assert_ptr_equal(pgt_ui_focus(&vt->ui)->ops, &pgt_panel_throughput);
	vt_keys(vt, "<S-Tab>");
	assert_ptr_equal(pgt_ui_focus(&vt->ui)->ops, first);
	vt_keys(vt, "z");
	assert_false(vt_shows(vt, "Throughput"));
	assert_int_equal(pgt_ui_focus(&vt->ui)->r.h, 27);
	vt_keys(vt, "<Tab>"); /* the zoom goes along */
	assert_true(vt_shows(vt, "Throughput"));
	assert_false(vt_shows(vt, "Queries"));
	vt_keys(vt, "<Esc>");
	assert_true(vt_shows(vt, "Queries"));
	vt_keys(vt, "q");
	assert_true(vt->ui.quit);
	vt_close(vt);
}

static void
pages(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "4<Down><Enter>");
	vt_golden(vt, "page_query_80x24");
	vt_keys(vt, "e");
	assert_true(vt_shows(vt, "there is no connection"));
	vt_keys(vt, "<Esc>3<Enter>");
	vt_golden(vt, "page_session_80x24");
	vt_keys(vt, "x");
	vt_golden(vt, "page_whatif_80x24");
	vt_keys(vt, "<Esc><Esc>w");
	vt_golden(vt, "page_source_80x24");
	vt_keys(vt, "<Esc>8<Enter>");
	vt_golden(vt, "page_table_80x24");
	vt_keys(vt, "<Esc>1<F1>");
	vt_golden(vt, "page_help_80x24");
	vt_keys(vt, "G");
	assert_true(vt_shows(vt, "query"));
	vt_keys(vt, "/rollback<Enter>");
	vt_keys(vt, "?"); /* the same key closes it */
	assert_int_equal(vt->ui.n_pages, 0);
	/* many pages: the stack has an end */
	for (int i = 0; i < 30; i++)
		pgt_page_open_source(&vt->ui, pgt_ui_focus(&vt->ui));
	vt_draw(vt);
	assert_int_equal(vt->ui.n_pages, PGT_MAX_PAGES);
	vt_sane(vt);
	vt_close(vt);
}

/* A session that ends while its page is open says so and offers no signal. */
static void
session_that_ended(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "3<Enter>");
	pgt_ui_snapshot(&vt->ui,
			fixture_snapshot(FIXTURE_EMPTY, VT_NOW + PGT_NS_PER_S, 1));
	vt_draw(vt);
	assert_true(vt_shows(vt, "Session 48211 has ended"));
	vt_keys(vt, "T");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "has ended"));
	vt_close(vt);
}

static void
dialogs(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "3T");
	vt_golden(vt, "dialog_terminate_80x24");
	vt_keys(vt, "<Enter>"); /* the harmless answer is the first */
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "nothing was done"));
	vt_keys(vt, "T<Right><Enter>"); /* production: the name must be typed */
	vt_golden(vt, "dialog_type_80x24");
	vt_keys(vt, "shop-test<Enter>");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "nothing was done"));
	vt_keys(vt, "T<Right><Enter>shop-prod<Enter>");
	assert_true(vt_shows(vt, "there is no connection")); /* it was sent */
	vt_keys(vt, "T<Esc>");
	assert_null(vt->ui.dialog);
	vt->ui.read_only = true;
	vt_keys(vt, "T");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "read-only"));
	vt_sane(vt);
	vt_close(vt);
}

/* Panels stay live behind a question, and it survives every size. */
static void
dialog_over_live_panels(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "3T<Right>");
	pgt_ui_snapshot(&vt->ui,
			fixture_snapshot(FIXTURE_RICH, VT_NOW + PGT_NS_PER_S, 122));
	vt_draw(vt);
	assert_true(vt_shows(vt, "Terminate session 48211"));
	assert_true(vt_shows(vt, "48377"));
	vt_sane(vt);
	for (int i = 0; i < 40; i++) {
		vt_resize(vt, 2 + i * 7 % 40, 10 + i * 31 % 140);
		vt_sane(vt);
	}
	vt_resize(vt, 24, 80);
	assert_true(vt_shows(vt, "Terminate session 48211"));
	vt_keys(vt, "<Enter>"); /* the button that was chosen still is */
	assert_true(vt_shows(vt, "Type the cluster"));
	vt_close(vt);
}

static void
resize_storm(void **state)
{
	struct vt *vt = open_rich(24, 80);
	unsigned x = 12345;

	(void)state;
	for (int i = 0; i < 300; i++) {
		char key[2] = {(char)('1' + i % 9), 0};

		x = x * 1103515245 + 12345;
		vt_resize(vt, 1 + (int)(x >> 16) % 70, 1 + (int)(x >> 8) % 250);
		if (i % 3 == 0)
			vt_keys(vt, key);
		if (i % 7 == 0)
			vt_keys(vt, i % 14 ? "<F1>" : "<Enter>");
		vt_sane(vt);
	}
	vt_resize(vt, 24, 80);
	vt_keys(vt, "1");
	vt_golden(vt, "overview_80x24"); /* as if nothing had happened */
	vt_close(vt);
}

static void
alerts(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	assert_true(vt_shows(vt, "latency_p99 +63%"));
	vt_keys(vt, "a<Enter>");
	vt_golden(vt, "page_alert_80x24");
	vt->ui.alerts->alerts[1].silenced_until_real_ns = INT64_MAX;
	vt_keys(vt, "<Esc>");
	assert_true(vt_shows(vt, "silent 1"));
	assert_false(vt_shows(vt, "+63% since")); /* and the last line is free of it */
	vt_keys(vt, "<Enter>");
	assert_true(vt_shows(vt, "open, silent until"));
	vt_keys(vt, "<Esc>j<Enter>");
	assert_true(vt_shows(vt, "buffer_hit_ratio"));
	vt_keys(vt, "<Esc>1:snooze 4h<Enter>");
	assert_true(vt_shows(vt, "no alert is chosen"));
	vt_close(vt);
}

static void
tell_change(struct vt *vt, enum pgt_flow_stage stage)
{
	pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_CHANGE, 0, fixture_change(stage),
					  pgt_ev_change_free));
	vt_draw(vt);
}

static void
changes(void **state)
{
	struct vt *vt = open_rich(30, 100);

	(void)state;
	vt_keys(vt, "R"); /* from anywhere, and honest when there is nothing */
	assert_true(vt_shows(vt, "nothing to roll back"));
	vt_keys(vt, "c");
	assert_true(vt_shows(vt, "nothing is being changed"));
	tell_change(vt, PGT_FLOW_DRY_RUN);
	vt_keys(vt, "A");
	assert_true(vt_shows(vt, "Apply 2 items on shop-prod (PRODUCTION)?"));
	vt_keys(vt, "<Right><Enter>");
	assert_true(vt_shows(vt, "Type the cluster"));
	vt_keys(vt, "<Esc>");
	assert_true(vt_shows(vt, "nothing was done"));
	tell_change(vt, PGT_FLOW_APPLY);
	vt_golden(vt, "changes_apply_100x30");
	vt_keys(vt, "1R");
	assert_true(vt_shows(vt, "Roll back change 7f3c on shop-prod?"));
	vt_keys(vt, "<Esc>C");
	assert_true(vt_shows(vt, "Now"));
	vt_keys(vt, "C");
	assert_true(vt_shows(vt, "nothing to confirm now"));
	tell_change(vt, PGT_FLOW_CONFIRM);
	vt_keys(vt, "C");
	assert_true(vt_shows(vt, "Confirm change 7f3c"));
	vt_keys(vt, "<Esc>");
	vt->ui.read_only = true;
	tell_change(vt, PGT_FLOW_DRAFT);
	vt_keys(vt, "A");
	assert_null(vt->ui.dialog);
	assert_true(vt_shows(vt, "read-only"));
	vt_keys(vt, "<Enter>");
	assert_true(vt_shows(vt, "ALTER SYSTEM SET max_wal_size = '1GB'"));
	vt_close(vt);
}

static void
palette(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, ":");
	vt_golden(vt, "palette_80x24");
	vt_keys(vt, "loc<Enter>");
	assert_true(vt_shows(vt, "blocker / victims"));
	vt_keys(vt, ":interval 5s<Enter>");
	assert_int_equal(vt->ui.interval_ns, 5 * PGT_NS_PER_S);
	vt_keys(vt, ":interval 1h<Enter>");
	assert_int_equal(vt->ui.interval_ns, 5 * PGT_NS_PER_S);
	assert_true(vt_shows(vt, "0.2s to 60s"));
	vt_keys(vt, ":theme light<Enter>");
	assert_string_equal(vt->ui.theme.name, "light");
	vt_keys(vt, ":theme nosuch<Enter>");
	assert_true(vt_shows(vt, "no theme"));
	vt_keys(vt, ":zzzz<Enter>");
	assert_true(vt_shows(vt, "no command"));
	vt_keys(vt, ":quit<Enter>");
	assert_true(vt->ui.quit);
	vt_close(vt);
}

static void
pause_and_age(void **state)
{
	struct vt *vt = open_rich(24, 80);

	(void)state;
	vt_keys(vt, "p");
	assert_true(vt_shows(vt, "PAUSED"));
	pgt_ui_snapshot(&vt->ui,
			fixture_snapshot(FIXTURE_EMPTY, VT_NOW + PGT_NS_PER_S, 1));
	vt_draw(vt);
	assert_true(vt_shows(vt, "UPDATE orders")); /* the picture holds */
	vt_keys(vt, "p");
	assert_false(vt_shows(vt, "PAUSED"));
	pgt_clock_virtual(VT_NOW + 3 * PGT_NS_PER_S, VT_REAL);
	vt_draw(vt);
	assert_true(vt_shows(vt, "data 3s old"));
	pgt_clock_virtual(VT_NOW + 95 * PGT_NS_PER_S, VT_REAL);
	vt_draw(vt);
	assert_true(vt_shows(vt, "STALE 1m35 old"));
	vt_close(vt);
}

static void
lost_link(void **state)
{
	struct vt *vt = open_rich(24, 80);
	struct pgt_ev_link *l = pgt_xcalloc(1, sizeof(*l));

	(void)state;
	l->since_ns = VT_NOW;
	l->next_try_ns = VT_NOW + PGT_NS_PER_S;
	l->attempts = 3;
	strcpy(l->target, "monitor@10.0.0.5:5432/shop");
	strcpy(l->message, "connection refused: is the server running at 10.0.0.5?");
	pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_LINK, 0, l, free));
	pgt_clock_virtual(VT_NOW + 8 * PGT_NS_PER_S, VT_REAL);
	vt_draw(vt);
	vt_golden(vt, "lost_link_80x24");
	/* it asks to be woken each second, so that the age grows */
	assert_true(pgt_ui_wakeup_ns(&vt->ui) <= VT_NOW + 9 * PGT_NS_PER_S);
	vt_close(vt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key_has_one_meaning),
	    cmocka_unit_test(lower_case_looks),
	    cmocka_unit_test(sorting),
	    cmocka_unit_test(filter_and_search),
	    cmocka_unit_test(scrolling),
	    cmocka_unit_test(selection_follows_its_row),
	    cmocka_unit_test(focus_and_zoom),
	    cmocka_unit_test(pages),
	    cmocka_unit_test(session_that_ended),
	    cmocka_unit_test(dialogs),
	    cmocka_unit_test(long_rows_of_a_dialog),
	    cmocka_unit_test(dialog_over_live_panels),
	    cmocka_unit_test(resize_storm),
	    cmocka_unit_test(alerts),
	    cmocka_unit_test(changes),
	    cmocka_unit_test(palette),
	    cmocka_unit_test(pause_and_age),
	    cmocka_unit_test(lost_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
