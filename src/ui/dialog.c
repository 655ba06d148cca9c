#include <stdlib.h>
#include <string.h>

#define NCURSES_NOMACROS
#include <cdk/cdk.h>

#include "dialog_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "ui_priv.h"

enum kind { CONFIRM, CHOOSE, TYPE };

struct pgt_dialog {
	enum kind kind;
	char **lines, **buttons; /* buttons: of CONFIRM; rows of CHOOSE */
	int n_lines, n_buttons, current;
	char *wanted; /* of TYPE; NULL: any text */
	char typed[256];
	pgt_dialog_done_fn done;
	void *arg;
	CDKSCREEN *screen;
	/* one of them; NULL when the terminal is too small for it */
	CDKDIALOG *confirm;
	CDKSCROLL *choose;
	CDKENTRY *entry;
};

/* CDK takes <...> for markup and has no way to write the sign itself that holds
 * in all its widgets: a look-alike goes in its place. */
static char *
plain(const char *s)
{
	struct pgt_buf b;

	pgt_buf_init(&b, 4096);
	pgt_buf_putc(&b, ' ');
	for (; *s; s++) {
		if (*s == '<' || *s == '>')
			pgt_buf_puts(&b, pgt_screen_ascii() ? "'"
					 : *s == '<'        ? "‹"
							    : "›");
		else
			pgt_buf_putc(&b, *s);
	}
	pgt_buf_putc(&b, ' ');
	return pgt_buf_take(&b);
}

static char **
copy_lines(const char *const *lines, int n)
{
	char **out = pgt_xcalloc((size_t)n + 1, sizeof(*out));

	for (int i = 0; i < n; i++)
		out[i] = plain(lines[i]);
	return out;
}

static void
free_lines(char **lines, int n)
{
	for (int i = 0; lines && i < n; i++)
		free(lines[i]);
	free(lines);
}

/* ---- the widget ---- */

static void
drop_widget(struct pgt_dialog *d)
{
	if (d->confirm) {
		d->current = d->confirm->currentButton;
		destroyCDKDialog(d->confirm);
	}
	if (d->choose) {
		d->current = getCDKScrollCurrent(d->choose);
		destroyCDKScroll(d->choose);
	}
	if (d->entry) {
		const char *v = getCDKEntryValue(d->entry);

		pgt_str_copy(d->typed, sizeof(d->typed), v ? v : "");
		destroyCDKEntry(d->entry);
	}
	d->confirm = NULL;
	d->choose = NULL;
	d->entry = NULL;
	if (d->screen)
		destroyCDKScreen(d->screen);
	d->screen = NULL;
}

static int
widest(char **lines, int n)
{
	int w = 0;

	for (int i = 0; i < n; i++)
		if ((int)strlen(lines[i]) > w)
			w = (int)strlen(lines[i]);
	return w;
}

/* Rows in so many cells: what CDK would cut off gets a sign that it is. */
static char **
cut_lines(char **lines, int n, int cells)
{
	const char *sign = pgt_glyph(PGT_G_ELLIPSIS);
	char **out = pgt_xcalloc((size_t)n + 1, sizeof(*out));

	for (int i = 0; i < n; i++) {
		size_t len = strlen(lines[i]), room = len + strlen(sign) + 1;
		bool cut;

		out[i] = pgt_xcalloc(1, room);
		memcpy(out[i], lines[i], len);
		/* blanks at the end are missed by nobody */
		while (len > 1 && out[i][len - 1] == ' ' && pgt_cells(out[i]) > cells)
			out[i][--len] = '\0';
		cut = pgt_cells(out[i]) > cells;
		while (cut && len > 0 && pgt_cells(out[i]) > cells - 1)
			do
				out[i][--len] = '\0';
			while (len > 0 && (lines[i][len] & 0xc0) == 0x80);
		if (cut)
			pgt_str_copy(out[i] + len, room - len, sign);
	}
	return out;
}

static void
make_choose(struct pgt_dialog *d)
{
	int height = d->n_buttons + 3, width = widest(d->buttons, d->n_buttons) + 2;
	int title = (int)strlen(d->lines[0]) + 2;
	char **rows;
	bool fits;

	if (width < title)
		width = title;
	if (height > LINES - 4)
		height = LINES - 4;
	if (width > COLS - 4)
		width = COLS - 4;
	if (height < 4 || width < 16)
		return;
	rows = cut_lines(d->buttons, d->n_buttons, width - 2);
	/* A bar beside rows that all fit has nothing to say; CDK adds a cell for it. */
	fits = d->n_buttons <= height - 3;
	d->choose = newCDKScroll(d->screen, CENTER, CENTER, fits ? NONE : RIGHT, height,
				 width + fits, d->lines[0], (CDK_CSTRING2)rows,
				 d->n_buttons, FALSE,
				 (chtype)pgt_screen_chtype(PGT_ROLE_BUTTON), TRUE, FALSE);
	free_lines(rows, d->n_buttons); /* CDK has its own copies */
	if (d->choose) {
		setCDKScrollBackgroundAttrib(d->choose,
					     (chtype)pgt_screen_chtype(PGT_ROLE_DIALOG));
		setCDKScrollCurrent(d->choose, d->current);
	}
}

static void
make_type(struct pgt_dialog *d)
{
	struct pgt_buf title;
	int field = COLS - 12 < 48 ? COLS - 12 : 48;
	chtype look = (chtype)pgt_screen_chtype(PGT_ROLE_DIALOG);

	if (LINES < d->n_lines + 5 || field < 8 ||
	    widest(d->lines, d->n_lines) > COLS - 4)
		return;
	pgt_buf_init(&title, 4096);
	for (int i = 0; i < d->n_lines; i++)
		pgt_buf_printf(&title, "%s%s", i ? "\n" : "", d->lines[i]);
	d->entry = newCDKEntry(d->screen, CENTER, CENTER, pgt_buf_str(&title), " > ",
			       (chtype)pgt_screen_chtype(PGT_ROLE_ACCENT), '_' | look,
			       vMIXED, field, 0, 200, TRUE, FALSE);
	pgt_buf_done(&title);
	if (d->entry) {
		setCDKEntryBackgroundAttrib(d->entry, look);
		setCDKEntryValue(d->entry, d->typed);
	}
}

static void
make_widget(struct pgt_dialog *d)
{
	d->screen = initCDKScreen(stdscr);
	if (!d->screen)
		return;
	switch (d->kind) {
	case CONFIRM:
		if (LINES < d->n_lines + 5 || widest(d->lines, d->n_lines) > COLS - 4)
			return;
		d->confirm = newCDKDialog(
		    d->screen, CENTER, CENTER, (CDK_CSTRING2)d->lines, d->n_lines,
		    (CDK_CSTRING2)d->buttons, d->n_buttons,
		    (chtype)pgt_screen_chtype(PGT_ROLE_BUTTON), TRUE, TRUE, FALSE);
		if (d->confirm) {
			setCDKDialogBackgroundAttrib(
			    d->confirm, (chtype)pgt_screen_chtype(PGT_ROLE_DIALOG));
			d->confirm->currentButton = d->current;
		}
		break;
	case CHOOSE:
		make_choose(d);
		break;
	case TYPE:
		make_type(d);
		break;
	}
}

/* ---- opening ---- */

static struct pgt_dialog *
open_dialog(struct pgt_ui *ui, enum kind kind, const char *const *lines, int n_lines,
	    const char *const *buttons, int n_buttons, pgt_dialog_done_fn done,
	    void *take_arg)
{
	struct pgt_dialog *d = pgt_xcalloc(1, sizeof(*d));

	pgt_dialog_close(ui);
	d->kind = kind;
	d->lines = copy_lines(lines, n_lines);
	d->n_lines = n_lines;
	d->buttons = copy_lines(buttons, n_buttons);
	d->n_buttons = n_buttons;
	d->done = done;
	d->arg = take_arg;
	ui->dialog = d;
	ui->dirty = true;
	return d;
}

void
pgt_dialog_confirm(struct pgt_ui *ui, const char *const *lines, int n_lines,
		   const char *const *buttons, int n_buttons, pgt_dialog_done_fn done,
		   void *take_arg)
{
	make_widget(
	    open_dialog(ui, CONFIRM, lines, n_lines, buttons, n_buttons, done, take_arg));
}

void
pgt_dialog_choose(struct pgt_ui *ui, const char *title, const char *const *rows,
		  int n_rows, int current, pgt_dialog_done_fn done, void *take_arg)
{
	struct pgt_dialog *d = open_dialog(ui, CHOOSE, &title, 1, rows, n_rows, done,
					   take_arg);

	d->current = current;
	make_widget(d);
}

void
pgt_dialog_type(struct pgt_ui *ui, const char *const *lines, int n_lines,
		const char *wanted, pgt_dialog_done_fn done, void *take_arg)
{
	struct pgt_dialog *d = open_dialog(ui, TYPE, lines, n_lines, NULL, 0, done,
					   take_arg);

	d->wanted = pgt_xstrdup(wanted);
	make_widget(d);
}

void
pgt_dialog_entry(struct pgt_ui *ui, const char *const *lines, int n_lines,
		 const char *initial, pgt_dialog_done_fn done, void *take_arg)
{
	struct pgt_dialog *d = open_dialog(ui, TYPE, lines, n_lines, NULL, 0, done,
					   take_arg);

	pgt_str_copy(d->typed, sizeof(d->typed), initial);
	make_widget(d);
}

static void
free_dialog(struct pgt_dialog *d)
{
	drop_widget(d);
	free_lines(d->lines, d->n_lines);
	free_lines(d->buttons, d->n_buttons);
	free(d->wanted);
	free(d->arg);
	free(d);
}

void
pgt_dialog_close(struct pgt_ui *ui)
{
	if (!ui->dialog)
		return;
	free_dialog(ui->dialog);
	ui->dialog = NULL;
	ui->dirty = true;
}

/* The answer may open the next dialog: this one is out of the way first. */
static void
answer(struct pgt_ui *ui, int choice, const char *text)
{
	struct pgt_dialog *d = ui->dialog;

	ui->dialog = NULL;
	ui->dirty = true;
	drop_widget(d);
	d->done(ui, choice, text, d->arg);
	free_dialog(d);
}

/* ---- drawing and keys ---- */

static void
show(WINDOW *w)
{
	/* stdscr was drawn over it in curses' model: put all of it back. */
	if (w)
		touchwin(w);
}

void
pgt_dialog_draw(struct pgt_ui *ui)
{
	struct pgt_dialog *d = ui->dialog;
	struct pgt_canvas line = {.r = {0, 0, 1, pgt_screen_cols()}};

	if (!d)
		return;
	if (d->confirm) {
		show(d->confirm->win);
		drawCDKDialog(d->confirm, TRUE);
	} else if (d->choose) {
		show(d->choose->win);
		drawCDKScroll(d->choose, TRUE);
	} else if (d->entry) {
		show(d->entry->win);
		drawCDKEntry(d->entry, TRUE);
	} else {
		pgt_put(&line, 0, 0, PGT_ROLE_STALE,
			" a question waits: enlarge the terminal, or Esc leaves it ");
		pgt_screen_end();
	}
}

static chtype
to_curses(int key)
{
	switch (key) {
	case PGT_KEY_UP:
		return KEY_UP;
	case PGT_KEY_DOWN:
		return KEY_DOWN;
	case PGT_KEY_LEFT:
		return KEY_LEFT;
	case PGT_KEY_RIGHT:
		return KEY_RIGHT;
	case PGT_KEY_HOME:
		return KEY_HOME;
	case PGT_KEY_END:
		return KEY_END;
	case PGT_KEY_PGUP:
		return KEY_PPAGE;
	case PGT_KEY_PGDN:
		return KEY_NPAGE;
	case PGT_KEY_BACKTAB:
		return KEY_BTAB;
	case PGT_KEY_BACKSPACE:
		return KEY_BACKSPACE;
	case PGT_KEY_DELETE:
		return KEY_DC;
	case PGT_KEY_ENTER:
		return KEY_ENTER;
	}
	return key > 0 && key < 256 ? (chtype)key : 0;
}

static void
key_confirm(struct pgt_ui *ui, struct pgt_dialog *d, int key)
{
	int choice;

	/* CDK moves on with Space; here it must not come near an answer by chance. */
	if (key == 'h')
		key = PGT_KEY_LEFT;
	else if (key == 'l')
		key = PGT_KEY_RIGHT;
	choice = injectCDKDialog(d->confirm, to_curses(key));
	if (d->confirm->exitType == vNORMAL)
		answer(ui, choice, NULL);
}

static void
key_choose(struct pgt_ui *ui, struct pgt_dialog *d, int key)
{
	int choice;

	if (key == 'j')
		key = PGT_KEY_DOWN;
	else if (key == 'k')
		key = PGT_KEY_UP;
	choice = injectCDKScroll(d->choose, to_curses(key));
	if (d->choose->exitType == vNORMAL)
		answer(ui, choice, NULL);
}

static void
key_type(struct pgt_ui *ui, struct pgt_dialog *d, int key)
{
	char typed[256] = "";
	bool same;

	if (key != PGT_KEY_ENTER) {
		(void)injectCDKEntry(d->entry, to_curses(key));
		return;
	}
	pgt_str_copy(typed, sizeof(typed), getCDKEntryValue(d->entry));
	same = !d->wanted || strcmp(typed, d->wanted) == 0;
	answer(ui, same ? 0 : -1, typed);
	if (!same)
		pgt_ui_notice(ui, PGT_NOTICE_WARN,
			      "the name that was typed is another one: nothing was done");
}

void
pgt_dialog_key(struct pgt_ui *ui, int key)
{
	struct pgt_dialog *d = ui->dialog;

	if (key == PGT_KEY_ESC || key == 3 || (key == 'q' && d->kind != TYPE))
		answer(ui, -1, NULL);
	else if (d->confirm)
		key_confirm(ui, d, key);
	else if (d->choose)
		key_choose(ui, d, key);
	else if (d->entry)
		key_type(ui, d, key);
}

void
pgt_dialog_resize(struct pgt_ui *ui)
{
	if (!ui->dialog)
		return;
	drop_widget(ui->dialog);
	make_widget(ui->dialog);
	ui->dirty = true;
}
