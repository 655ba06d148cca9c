/* What curses means the terminal to show, read back: for scripts and tests. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define NCURSES_NOMACROS
#include <curses.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "screen_priv.h"

/* A line-drawing cell as the terminal shows it: CDK's frames are made of them. */
static const char *
line_drawing(wchar_t wc)
{
	static const struct {
		char acs;
		const char *text;
	} map[] = {{'l', "┌"}, {'k', "┐"}, {'m', "└"}, {'j', "┘"},
		   {'q', "─"}, {'x', "│"}, {'t', "├"}, {'u', "┤"},
		   {'a', "▒"}, {'w', "┬"}, {'v', "┴"}, {'n', "┼"}};

	for (size_t i = 0; i < PGT_LEN(map); i++)
		if (wc == (wchar_t)map[i].acs)
			return map[i].text;
	return "?";
}

static void
put_cell(struct pgt_buf *b, const cchar_t *cell)
{
	wchar_t wc[CCHARW_MAX + 1] = {0};
	char mb[8];
	attr_t attr;
	short pair;

	if (getcchar(cell, wc, &attr, &pair, NULL) == ERR)
		return;
	if (attr & A_ALTCHARSET) {
		pgt_buf_puts(b, line_drawing(wc[0]));
		return;
	}
	for (int i = 0; i < CCHARW_MAX && wc[i]; i++) {
		int n = wctomb(mb, wc[i]);

		if (n > 0)
			pgt_buf_put(b, mb, (size_t)n);
	}
}

char *
pgt_screen_text(void)
{
	cchar_t *cells = pgt_xcalloc((size_t)COLS + 1, sizeof(*cells));
	struct pgt_buf b;

	pgt_buf_init(&b, 4 << 20);
	for (int y = 0; y < LINES; y++) {
		size_t from = b.len;

		memset(cells, 0, ((size_t)COLS + 1) * sizeof(*cells));
		if (mvwin_wchnstr(newscr, y, 0, cells, COLS) != ERR)
			for (int x = 0; x < COLS; x++)
				put_cell(&b, &cells[x]);
		while (b.len > from && b.data[b.len - 1] == ' ')
			b.data[--b.len] = '\0';
		pgt_buf_putc(&b, '\n');
	}
	free(cells);
	return pgt_buf_take(&b);
}
