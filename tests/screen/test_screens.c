/* Every screen at three sizes, against golden files; without colours, in ASCII,
 * in every theme. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "vt.h"

static const struct {
	int rows, cols;
} sizes[] = {{10, 40}, {24, 80}, {43, 132}};

static const char *const screens[] = {"overview", "activity", "locks",       "queries",
				      "waits",    "io",       "replication", "tables",
				      "host",     "history", "alerts"};

static void
each_screen_at_three_sizes(void **state)
{
	(void)state;
	for (size_t s = 0; s < PGT_LEN(sizes); s++) {
		struct vt *vt = vt_open(
		    &(struct vt_opts){sizes[s].rows, sizes[s].cols, NULL, .ascii = false});

		fixture_fill(vt, FIXTURE_RICH);
		for (size_t i = 0; i < PGT_LEN(screens); i++) {
			char key[2] = {"1234567890a"[i], 0}, name[64];

			vt_keys(vt, key);
			snprintf(name, sizeof(name), "%s_%dx%d", screens[i],
				 sizes[s].cols, sizes[s].rows);
			vt_golden(vt, name);
			vt_sane(vt);
		}
		vt_close(vt);
	}
}

static void
nothing_known(void **state)
{
	(void)state;
	for (size_t s = 0; s < PGT_LEN(sizes); s++) {
		struct vt *vt = vt_open(
		    &(struct vt_opts){sizes[s].rows, sizes[s].cols, NULL, .ascii = false});
		char name[64];

		vt_draw(vt);
		snprintf(name, sizeof(name), "connecting_%dx%d", sizes[s].cols,
			 sizes[s].rows);
		vt_golden(vt, name);
		pgt_ui_snapshot(&vt->ui, fixture_snapshot(FIXTURE_EMPTY, VT_NOW, 0));
		vt_draw(vt);
		snprintf(name, sizeof(name), "empty_%dx%d", sizes[s].cols, sizes[s].rows);
		vt_golden(vt, name);
		for (const char *k = "23456789"; *k; k++) {
			char key[2] = {*k, 0};

			vt_keys(vt, key);
			vt_sane(vt);
		}
		vt_close(vt);
	}
}

static void
without_colour_and_in_ascii(void **state)
{
	struct vt *vt = vt_open(
	    &(struct vt_opts){24, 80, NULL, .ascii = true, .no_color = true});
	char *text;

	(void)state;
	fixture_fill(vt, FIXTURE_RICH);
	vt_draw(vt);
	vt_golden(vt, "overview_ascii_mono_80x24");
	text = vt_text(vt);
	for (const char *p = text; *p; p++)
		assert_true((unsigned char)*p < 0x80);
	free(text);
	/* no colour was asked of the terminal, not even once */
	assert_null(strstr(vt->stream, "\033[38"));
	assert_null(strstr(vt->stream, "\033[48"));
	assert_null(strstr(vt->stream, "\033[31"));
	vt_close(vt);
}

/* With 8 colours bold black is no grey: where bold is not also bright, it is nothing. */
static void
eight_colours(void **state)
{
	const char *p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct vt *vt = vt_open(&(struct vt_opts){
		    24, 80, i ? "high-contrast" : "dark", .term = "xterm"});

		fixture_fill(vt, FIXTURE_RICH);
		vt_draw(vt);
		assert_true(vt_shows(vt, " tps   hit "));
		assert_non_null(strstr(vt->stream, "\033[36m"));
		/* black only on a colour of its own */
		for (p = vt->stream; (p = strstr(p, "\033[30m")); p += 5)
			assert_memory_equal(p + 5, "\033[4", 3);
		assert_null(strstr(vt->stream, "\033[34m"));
		vt_close(vt);
	}
}

static void
every_theme(void **state)
{
	char name[64], golden[96];

	(void)state;
	for (int i = 0; pgt_theme_name_at(i, name, sizeof(name)); i++) {
		struct vt *vt = vt_open(&(struct vt_opts){24, 80, name, .ascii = false});
		char *roles;

		fixture_fill(vt, FIXTURE_RICH);
		vt_draw(vt);
		snprintf(golden, sizeof(golden), "theme_%s_80x24", name);
		vt_golden(vt, golden);
		roles = vt_roles(vt);
		assert_null(strchr(roles, '?'));
		free(roles);
		vt_close(vt);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_screen_at_three_sizes),
	    cmocka_unit_test(nothing_known),
	    cmocka_unit_test(without_colour_and_in_ascii),
	    cmocka_unit_test(eight_colours),
	    cmocka_unit_test(every_theme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
