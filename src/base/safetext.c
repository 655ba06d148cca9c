#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "unicode_priv.h"

/* Two serve every living orthography; more stack up over the lines around. */
#define MARKS_MAX 2
#define TAB_STOP  8

/* Blanks other than U+0020: a reader of an approval must be able to tell them. */
static bool
is_odd_blank(uint32_t cp)
{
	return cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
	       cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct filter {
	struct pgt_buf *out;
	enum pgt_safetext_mode mode;
	int marks;        /* in a row; full where there is nothing to join */
	size_t column;    /* of the line, for BLOCK's tabs */
	bool after_blank; /* the last thing put was a blank */
	bool full;
};

/* Whole or not at all: a cut character or escape would not be safe. */
static void
filter_emit(struct filter *f, const char *s, size_t n)
{
	if (f->full || n > f->out->max - f->out->len) {
		f->out->overflow = f->full = true;
		return;
	}
	pgt_buf_put(f->out, s, n);
}

/* A mark may not join an escape: it would change how that reads. */
static void
filter_escape(struct filter *f, const char *text)
{
	size_t n = strlen(text);

	filter_emit(f, text, n);
	f->marks = MARKS_MAX;
	f->column += n;
	f->after_blank = false;
}

static void
filter_escape_byte(struct filter *f, unsigned char c)
{
	char text[8];

	snprintf(text, sizeof(text), "\\x%02x", c);
	filter_escape(f, text);
}

static void
filter_blank(struct filter *f)
{
	if (!f->after_blank)
		filter_emit(f, " ", 1);
	f->after_blank = true;
	f->marks = 0;
}

static void
filter_tab(struct filter *f)
{
	size_t n = TAB_STOP - f->column % TAB_STOP;

	filter_emit(f, "        ", n);
	f->column += n;
	f->marks = 0;
}

static void
filter_newline(struct filter *f)
{
	filter_emit(f, "\n", 1);
	f->column = 0;
	f->marks = MARKS_MAX;
}

/* One control character below U+0020, or DEL; next is the byte after it. */
static void
filter_control(struct filter *f, unsigned char c, char next)
{
	if (f->mode == PGT_SAFE_LINE && is_blank((char)c))
		filter_blank(f);
	else if (f->mode == PGT_SAFE_BLOCK && c == '\n')
		filter_newline(f);
	else if (f->mode == PGT_SAFE_BLOCK && c == '\t')
		filter_tab(f);
	else if (f->mode == PGT_SAFE_BLOCK && c == '\r' && next == '\n')
		return; /* CR LF is one line end */
	else if (c == '\n')
		filter_escape(f, "\\n");
	else if (c == '\t')
		filter_escape(f, "\\t");
	else if (c == '\r')
		filter_escape(f, "\\r");
	else
		filter_escape_byte(f, c);
}

/* One character outside ASCII; returns its bytes. */
static size_t
filter_wide(struct filter *f, const char *s, size_t len)
{
	enum pgt_unicode_shown shown;
	char text[16];
	uint32_t cp;
	size_t n = pgt_unicode_decode(s, len, &cp);

	if (n == 0) {
		filter_escape_byte(f, (unsigned char)*s);
		return 1;
	}
	shown = pgt_unicode_shown(cp);
	if (shown == PGT_UNICODE_REFUSED ||
	    (shown == PGT_UNICODE_MARK && f->marks >= MARKS_MAX) ||
	    (f->mode == PGT_SAFE_EXACT && is_odd_blank(cp))) {
		snprintf(text, sizeof(text), "U+%04X", cp);
		filter_escape(f, text);
		return n;
	}
	filter_emit(f, s, n);
	f->marks = shown == PGT_UNICODE_MARK ? f->marks + 1 : 0;
	f->column += shown == PGT_UNICODE_MARK ? 0 : shown == PGT_UNICODE_WIDE ? 2 : 1;
	f->after_blank = false;
	return n;
}

/* Bytes of printable ASCII at s that need nothing; in LINE mode up to the first
 * blank that follows a blank. */
static size_t
plain_span(const struct filter *f, const char *s, size_t len)
{
	bool blank = f->after_blank;
	size_t i;

	if (f->mode != PGT_SAFE_LINE) {
		for (i = 0; i < len && (unsigned char)(s[i] - 0x20) < 0x5f; i++)
			;
		return i;
	}
	for (i = 0; i < len && (unsigned char)(s[i] - 0x20) < 0x5f; i++) {
		if (s[i] == ' ' && blank)
			break;
		blank = s[i] == ' ';
	}
	return i;
}

/* Plain ASCII may be cut anywhere. */
static void
filter_plain(struct filter *f, const char *s, size_t n)
{
	size_t room = f->out->max - f->out->len;

	pgt_buf_put(f->out, s, n < room ? n : room);
	f->out->overflow |= n > room;
	f->full |= n > room;
	f->column += n;
	f->after_blank = s[n - 1] == ' ';
	f->marks = 0;
}

void
pgt_safetext_put(struct pgt_buf *out, const char *s, size_t len,
		 enum pgt_safetext_mode mode)
{
	struct filter f = {.out = out, .mode = mode, .marks = MARKS_MAX};
	size_t i = 0, n;

	while (i < len && !f.full) {
		n = plain_span(&f, s + i, len - i);
		if (n) {
			filter_plain(&f, s + i, n);
		} else if ((unsigned char)s[i] >= 0x80) {
			n = filter_wide(&f, s + i, len - i);
		} else {
			n = 1;
			if (s[i] == ' ')
				filter_blank(&f);
			else
				filter_control(&f, (unsigned char)s[i],
					       i + 1 < len ? s[i + 1] : '\0');
		}
		i += n;
	}
}

char *
pgt_safetext(const char *s, enum pgt_safetext_mode mode, size_t max_bytes)
{
	struct pgt_buf out;
	size_t cut;

	if (!s)
		return NULL;
	pgt_buf_init(&out, max_bytes);
	pgt_safetext_put(&out, s, strlen(s), mode);
	if (out.overflow && max_bytes >= 3) {
		cut = out.len < max_bytes - 3 ? out.len : max_bytes - 3;
		while (cut > 0 && cut < out.len &&
		       ((unsigned char)out.data[cut] & 0xc0) == 0x80)
			cut--;
		out.len = cut;
		out.overflow = false;
		pgt_buf_puts(&out, "...");
	}
	return pgt_buf_take(&out);
}

char *
pgt_safetext_copy(char *dst, size_t size, const char *s)
{
	/* A buffer that is full-grown already never reallocates. */
	struct pgt_buf out = {.data = dst, .cap = size, .max = size - 1};

	if (size == 0)
		return dst;
	dst[0] = '\0';
	if (s)
		pgt_safetext_put(&out, s, strlen(s), PGT_SAFE_LINE);
	return dst;
}

bool
pgt_safetext_is_safe(const char *s, size_t len)
{
	enum pgt_unicode_shown shown;
	int marks = MARKS_MAX;
	uint32_t cp;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = pgt_unicode_decode(s + i, len - i, &cp);
		if (n == 0)
			return false;
		shown = pgt_unicode_shown(cp);
		if (shown == PGT_UNICODE_REFUSED)
			return false;
		if (shown != PGT_UNICODE_MARK)
			marks = 0;
		else if (marks++ >= MARKS_MAX)
			return false;
	}
	return true;
}
