#include "vt.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>
#include <vterm.h>

#include "dialog_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "screen_priv.h"

static int
on_bell(void *user)
{
	((struct vt *)user)->bells++;
	return 1;
}

static int
on_prop(VTermProp prop, VTermValue *val, void *user)
{
	(void)val;
	if (prop == VTERM_PROP_TITLE || prop == VTERM_PROP_ICONNAME)
		((struct vt *)user)->titles++;
	return 1;
}

static const VTermScreenCallbacks callbacks = {.bell = on_bell, .settermprop = on_prop};

static void
pump(struct vt *vt)
{
	char buf[65536];
	ssize_t n;

	fflush(vt->out);
	while ((n = read(vt->fd, buf, sizeof(buf))) > 0) {
		vterm_input_write(vt->vterm, buf, (size_t)n);
		vt->stream = pgt_xrealloc(vt->stream, vt->bytes + (size_t)n + 1);
		memcpy(vt->stream + vt->bytes, buf, (size_t)n);
		vt->bytes += (size_t)n;
		vt->stream[vt->bytes] = '\0';
	}
}

struct vt *
vt_open(const struct vt_opts *o)
{
	struct vt *vt = pgt_xcalloc(1, sizeof(*vt));
	struct pgt_err err = {0};
	struct pgt_screen_opts so = {.term = o->term ? o->term : "xterm-256color",
				     .ascii = o->ascii,
				     .no_color = o->no_color,
				     .mouse = false};
	char num[16];
	int out[2];

	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	unsetenv("NO_COLOR");
	snprintf(num, sizeof(num), "%d", o->rows);
	setenv("LINES", num, 1);
	snprintf(num, sizeof(num), "%d", o->cols);
	setenv("COLUMNS", num, 1);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	vt->fd = out[0];
	vt->out = fdopen(out[1], "w");
	vt->in = fopen("/dev/null", "r");
	vt->rows = o->rows;
	vt->cols = o->cols;
	vt->vterm = vterm_new(o->rows, o->cols);
	vterm_set_utf8(vt->vterm, 1);
	vt->screen = vterm_obtain_screen(vt->vterm);
	vterm_screen_enable_altscreen(vt->screen, 1);
	vterm_screen_set_callbacks(vt->screen, &callbacks, vt);
	vterm_screen_reset(vt->screen, 1);
	so.in = vt->in;
	so.out = vt->out;
	pgt_clock_virtual(VT_NOW, VT_REAL);
	if (pgt_screen_open(&so, &err) < 0)
		fail_msg("%s", err.msg);
	pgt_ui_init(&vt->ui, NULL, NULL);
	if (pgt_theme_load(o->theme ? o->theme : "dark", &vt->ui.theme, &err) < 0)
		fail_msg("%s", err.msg);
	pgt_screen_set_theme(&vt->ui.theme);
	return vt;
}

void
vt_close(struct vt *vt)
{
	pgt_dialog_close(&vt->ui);
	pgt_screen_close();
	pgt_ui_done(&vt->ui);
	pump(vt);
	vterm_free(vt->vterm);
	fclose(vt->out);
	fclose(vt->in);
	close(vt->fd);
	free(vt->stream);
	free(vt);
	pgt_clock_virtual_off();
}

void
vt_draw(struct vt *vt)
{
	pgt_ui_draw(&vt->ui);
	pump(vt);
}

void
vt_keys(struct vt *vt, const char *keys)
{
	size_t len;

	while (*keys) {
		int key = pgt_key_parse(keys, &len);

		assert_int_not_equal(key, PGT_KEY_NONE);
		pgt_ui_key(&vt->ui, key, NULL);
		keys += len;
		vt_draw(vt);
	}
}

void
vt_resize(struct vt *vt, int rows, int cols)
{
	vt->rows = rows;
	vt->cols = cols;
	vterm_set_size(vt->vterm, rows, cols);
	pgt_screen_set_size(rows, cols);
	pgt_dialog_resize(&vt->ui);
	vt_draw(vt);
}

static void
cell_at(struct vt *vt, int y, int x, VTermScreenCell *cell)
{
	memset(cell, 0, sizeof(*cell));
	vterm_screen_get_cell(vt->screen, (VTermPos){.row = y, .col = x}, cell);
}

char *
vt_text(struct vt *vt)
{
	struct pgt_buf b;
	VTermScreenCell cell;
	char mb[8];

	pgt_buf_init(&b, 8 << 20);
	for (int y = 0; y < vt->rows; y++) {
		size_t from = b.len;

		for (int x = 0; x<vt->cols; x += cell.width> 0 ? cell.width : 1) {
			cell_at(vt, y, x, &cell);
			if (!cell.chars[0])
				pgt_buf_putc(&b, ' ');
			for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i];
			     i++) {
				int n = wctomb(mb, (wchar_t)cell.chars[i]);

				pgt_buf_put(&b, n > 0 ? mb : "?", n > 0 ? (size_t)n : 1);
			}
		}
		while (b.len > from && b.data[b.len - 1] == ' ')
			b.data[--b.len] = '\0';
		pgt_buf_putc(&b, '\n');
	}
	return pgt_buf_take(&b);
}

/* Colours as numbers: -1 the default, else the index. */
static int
color_of(const VTermColor *c, bool fg)
{
	if (fg ? VTERM_COLOR_IS_DEFAULT_FG(c) : VTERM_COLOR_IS_DEFAULT_BG(c))
		return -1;
	return VTERM_COLOR_IS_INDEXED(c) ? c->indexed.idx : -2;
}

static bool
looks_like(const struct pgt_look *l, int fg, int bg, const VTermScreenCell *c)
{
	return l->fg == fg && l->bg == bg &&
	       !!(l->attr & PGT_LOOK_BOLD) == !!c->attrs.bold &&
	       !!(l->attr & PGT_LOOK_REVERSE) == !!c->attrs.reverse &&
	       !!(l->attr & PGT_LOOK_UNDERLINE) == !!c->attrs.underline;
}

/* a is role 0 (text) shown as ".", then b, c, ... in the order of PGT_ROLES; in
 * upper case on the background of the selected row; "?" is no role of the theme.
 * Roles that look the same show as the first of them. */
static char
role_of(struct vt *vt, const VTermScreenCell *c)
{
	enum pgt_depth depth = pgt_screen_depth();
	int fg = color_of(&c->fg, true), bg = color_of(&c->bg, false);

	for (int selected = 0; selected < 2; selected++)
		for (int r = 0; r < PGT_ROLE_N; r++) {
			struct pgt_look l = vt->ui.theme.look[r][depth];

			if (selected && vt->ui.theme.selected_bg[depth] >= 0) {
				l.bg = vt->ui.theme.selected_bg[depth];
				if (vt->ui.theme.selected_fg[depth] >= 0)
					l.fg = vt->ui.theme.selected_fg[depth];
			} else if (selected) {
				l.attr |= PGT_LOOK_REVERSE;
			}
			if (looks_like(&l, fg, bg, c))
				return (char)(selected ? 'A' + r : r ? 'a' + r : '.');
		}
	return '?';
}

char *
vt_roles(struct vt *vt)
{
	struct pgt_buf b;
	VTermScreenCell cell;

	pgt_buf_init(&b, 8 << 20);
	for (int y = 0; y < vt->rows; y++) {
		size_t from = b.len;

		for (int x = 0; x < vt->cols; x++) {
			cell_at(vt, y, x, &cell);
			pgt_buf_putc(&b, role_of(vt, &cell));
		}
		while (b.len > from && b.data[b.len - 1] == '.')
			b.data[--b.len] = '\0';
		pgt_buf_putc(&b, '\n');
	}
	return pgt_buf_take(&b);
}

bool
vt_shows(struct vt *vt, const char *text)
{
	char *s = vt_text(vt);
	bool found = strstr(s, text) != NULL;

	free(s);
	return found;
}

void
vt_golden(struct vt *vt, const char *name)
{
	const char *mode = getenv("PG2UNE_GOLDEN");
	char *text = vt_text(vt), *roles = vt_roles(vt);
	char *now = pgt_xasprintf("%s-- roles --\n%s", text, roles);
	char *path = pgt_xasprintf("tests/screen/golden/%s.txt", name);
	struct pgt_err err = {0};
	struct pgt_buf want;

	if (mode && strcmp(mode, "write") == 0) {
		if (pgt_file_replace(path, now, strlen(now), 0644, &err) < 0)
			fail_msg("%s", err.msg);
	} else {
		pgt_buf_init(&want, 8 << 20);
		if (pgt_file_read(path, &want, &err) < 0)
			fail_msg("%s: `make golden` writes it", err.msg);
		if (strcmp(pgt_buf_str(&want), now) != 0) {
			fprintf(stderr, "%s differs; now it is:\n%s", path, now);
			fail_msg("%s differs", path);
		}
		pgt_buf_done(&want);
	}
	free(text);
	free(roles);
	free(now);
	free(path);
}

void
vt_sane(struct vt *vt)
{
	char *seen = vt_text(vt), *meant = pgt_screen_text();

	assert_int_equal(vt->bells, 0);
	assert_int_equal(vt->titles, 0);
	if (strcmp(seen, meant) != 0) {
		fprintf(stderr, "on the glass:\n%s\nmeant:\n%s", seen, meant);
		fail_msg("the terminal shows something else than was drawn");
	}
	free(seen);
	free(meant);
}
