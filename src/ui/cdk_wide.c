/* CDK writes its text a byte at a time, which shows UTF-8 as rubbish.  The
 * linker puts these two in place of its writers (--wrap): they gather the bytes
 * of a character before it is written. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define NCURSES_NOMACROS
#include <cdk/cdk.h>

#include "canvas_priv.h"

void __wrap_writeChtype(WINDOW *w, int x, int y, chtype *s, int align, int start,
			int end);
void __wrap_writeChtypeAttrib(WINDOW *w, int x, int y, chtype *s, chtype attr, int align,
			      int start, int end);

/* The character that begins at s[i]; how many elements it takes. */
static int
gather(const chtype *s, int i, int end, wchar_t *wc)
{
	char bytes[4];
	mbstate_t st;
	int n = 0;
	size_t len;

	while (n < 4 && i + n < end) {
		unsigned char b = (unsigned char)(s[i + n] & A_CHARTEXT);

		if (n > 0 && (b & 0xc0) != 0x80)
			break;
		bytes[n++] = (char)b;
	}
	memset(&st, 0, sizeof(st));
	len = mbrtowc(wc, bytes, (size_t)n, &st);
	if (len == (size_t)-1 || len == (size_t)-2 || len == 0 || wcwidth(*wc) < 0 ||
	    pgt_char_hides(*wc)) {
		*wc = L'?';
		return 1;
	}
	return (int)len;
}

void
__wrap_writeChtypeAttrib(WINDOW *w, int x, int y, chtype *s, chtype attr, int align,
			 int start, int end)
{
	int max_x = getmaxx(w), max_y = getmaxy(w), at = align == HORIZONTAL ? x : y;

	for (int i = start; i < end;) {
		chtype first = s[i];
		attr_t a = ((first | attr) & A_ATTRIBUTES) & ~(attr_t)A_COLOR;
		chtype color = (attr & A_COLOR) ? (attr & A_COLOR) : (first & A_COLOR);
		wchar_t text[2] = {0, 0};
		cchar_t cell;

		if (align != HORIZONTAL || (first & A_ALTCHARSET)) {
			if (align == HORIZONTAL ? at >= max_x : at >= max_y)
				return;
			mvwaddch(w, align == HORIZONTAL ? y : at,
				 align == HORIZONTAL ? at : x, first | attr);
			at++;
			i++;
			continue;
		}
		i += gather(s, i, end, &text[0]);
		if (at + wcwidth(text[0]) > max_x)
			return;
		setcchar(&cell, text, a, (short)PAIR_NUMBER(color), NULL);
		mvwadd_wch(w, y, at, &cell);
		at += wcwidth(text[0]);
	}
}

void
__wrap_writeChtype(WINDOW *w, int x, int y, chtype *s, int align, int start, int end)
{
	__wrap_writeChtypeAttrib(w, x, y, s, A_NORMAL, align, start, end);
}
