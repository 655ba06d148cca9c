/* Hostile text at every sink of the screen: what was filtered, and what was not
 * (the drawing must hold by itself). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "vt.h"

/* Everything the program may send that begins with ESC: what curses writes for
 * xterm-256color.  An operating system command, a device control string or a
 * private message must not be among it, nor a bell, nor a C1 byte as such. */
static void
stream_is_clean(struct vt *vt)
{
	for (size_t i = 0; i < vt->bytes; i++) {
		unsigned char c = (unsigned char)vt->stream[i];

		assert_int_not_equal(c, 7);
		if (c == 27) {
			unsigned char n = (unsigned char)vt->stream[i + 1];

			assert_true(n == '[' || n == '(' || n == ')' || n == '7' ||
				    n == '8' || n == '=' || n == '>' || n == 'M');
		}
	}
	/* U+009B, U+202E, U+200D, U+E0067 as UTF-8 */
	assert_null(memmem(vt->stream, vt->bytes, "\xc2\x9b", 2));
	assert_null(memmem(vt->stream, vt->bytes, "\xe2\x80\xae", 3));
	assert_null(memmem(vt->stream, vt->bytes, "\xe2\x80\x8d", 3));
	assert_null(memmem(vt->stream, vt->bytes, "\xf3\xa0\x81\xa7", 4));
	assert_null(memmem(vt->stream, vt->bytes, "pwned\007", 6));
}

static void
through_all_screens(enum fixture kind)
{
	struct vt *vt = vt_open(&(struct vt_opts){30, 120, NULL, .ascii = false});

	fixture_fill(vt, kind);
	vt_draw(vt);
	for (const char *k = "123456789"; *k; k++) {
		char key[2] = {*k, 0};

		vt_keys(vt, key);
		vt_sane(vt);
		vt_keys(vt, "<Enter>");
		vt_sane(vt);
		vt_keys(vt, "<Esc>w<Esc>llll<Esc>gf");
		vt_keys(vt, "<Esc>");
		vt_sane(vt);
	}
	/* pages of every session and statement, and the question about one */
	for (int i = 0; i < 8; i++) {
		vt_keys(vt, "2g");
		for (int k = 0; k < i; k++)
			vt_keys(vt, "j");
		vt_keys(vt, "<Enter>");
		vt_sane(vt);
		vt_keys(vt, "T");
		vt_sane(vt);
		vt_keys(vt, "<Esc>x<Esc><Esc>4g");
		for (int k = 0; k < i; k++)
			vt_keys(vt, "j");
		vt_keys(vt, "<Enter>");
		vt_sane(vt);
		vt_keys(vt, "<Esc>");
	}
	stream_is_clean(vt);
	vt_close(vt);
}

static void
filtered_text(void **state)
{
	(void)state;
	through_all_screens(FIXTURE_HOSTILE);
}

static void
raw_text(void **state)
{
	(void)state;
	through_all_screens(FIXTURE_RAW);
}

static void
messages(void **state)
{
	struct vt *vt = vt_open(&(struct vt_opts){24, 80, NULL, .ascii = false});
	struct pgt_ev_link *l;
	struct pgt_ev_notice *n;

	(void)state;
	fixture_fill(vt, FIXTURE_RICH);
	for (int i = 0; i < 16; i++) {
		n = pgt_xcalloc(1, sizeof(*n));
		n->level = PGT_NOTICE_ERROR;
		snprintf(n->text, sizeof(n->text), "%s", fixture_hostile[i]);
		pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_NOTICE, 0, n, free));
		vt_draw(vt);
		vt_sane(vt);
		l = pgt_xcalloc(1, sizeof(*l));
		l->since_ns = VT_NOW;
		snprintf(l->message, sizeof(l->message), "%s", fixture_hostile[i]);
		snprintf(l->target, sizeof(l->target), "%s", fixture_hostile[i]);
		pgt_ui_event(&vt->ui, pgt_msg_new(PGT_EV_LINK, 0, l, free));
		vt_draw(vt);
		vt_sane(vt);
	}
	stream_is_clean(vt);
	vt_close(vt);
}

/* A statement of 1 MB is drawn, wrapped and scrolled. */
static void
one_megabyte(void **state)
{
	struct vt *vt = vt_open(&(struct vt_opts){24, 80, NULL, .ascii = false});
	struct pgt_snapshot *s;
	struct pgt_activity *a;
	char *text;

	(void)state;
	s = (struct pgt_snapshot *)fixture_snapshot(FIXTURE_RICH, VT_NOW, 121);
	text = pgt_arena_alloc(pgt_snapshot_arena(s), 1 << 20);
	memset(text, 'x', (1 << 20) - 1);
	for (size_t i = 0; i < (1 << 20) - 8; i += 61)
		text[i] = ' ';
	a = pgt_arena_array(pgt_snapshot_arena(s), s->n_activity, sizeof(*a));
	memcpy(a, s->activity, s->n_activity * sizeof(*a));
	a[1].query = text;
	s->activity = a;
	pgt_ui_snapshot(&vt->ui, s);
	vt_keys(vt, "2<Enter>");
	assert_true(vt_shows(vt, "Session 48377"));
	vt_keys(vt, "G");
	assert_true(vt_shows(vt, "xxxx"));
	assert_false(vt_shows(vt, "Session 48377 has ended"));
	vt_sane(vt);
	vt_close(vt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filtered_text),
	    cmocka_unit_test(raw_text),
	    cmocka_unit_test(messages),
	    cmocka_unit_test(one_megabyte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
