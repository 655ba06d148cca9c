#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>
#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"

/* ---- a second opinion: nothing here uses the filter's own table ---- */

static bool
is_forbidden(wchar_t c)
{
	static const wchar_t ranges[][2] = {
	    {0x00, 0x1f},     {0x7f, 0x9f},        {0xad, 0xad},       {0x34f, 0x34f},
	    {0x61c, 0x61c},   {0x115f, 0x1160},    {0x180b, 0x180f},   {0x200b, 0x200f},
	    {0x2028, 0x202e}, {0x2060, 0x206f},    {0x3164, 0x3164},   {0xd800, 0xf8ff},
	    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},    {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
	    {0xfffe, 0xffff}, {0xe0000, 0x10ffff}, {0x1d173, 0x1d17a}, {0x1bca0, 0x1bca3},
	};

	for (size_t i = 0; i < PGT_LEN(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

static void
assert_safe(const char *s, enum pgt_safetext_mode mode)
{
	mbstate_t st = {0};
	size_t len = strlen(s), i = 0, n;
	int marks = 2;
	wchar_t c;

	while (i < len) {
		n = mbrtowc(&c, s + i, len - i, &st);
		assert_true(n >= 1 && n <= 4);
		i += n;
		if (c == L'\n' && mode == PGT_SAFE_BLOCK) {
			marks = 2;
			continue;
		}
		if (is_forbidden(c))
			fail_msg("U+%04X passed in \"%s\"", (unsigned int)c, s);
		assert_true(iswprint((wint_t)c));
		marks = wcwidth(c) == 0 ? marks + 1 : 0;
		assert_true(marks <= 2);
	}
}

static void
assert_filtered(const char *s, size_t len)
{
	enum pgt_safetext_mode mode;

	for (mode = PGT_SAFE_LINE; mode <= PGT_SAFE_EXACT; mode++) {
		struct pgt_buf out;

		pgt_buf_init(&out, 4096);
		pgt_safetext_put(&out, s, len, mode);
		assert_false(out.overflow);
		assert_int_equal(strlen(pgt_buf_str(&out)), out.len); /* no NUL inside */
		assert_safe(pgt_buf_str(&out), mode);
		if (mode != PGT_SAFE_BLOCK)
			assert_true(pgt_safetext_is_safe(out.data, out.len));
		/* What stands around the hostile part is kept. */
		assert_int_equal(out.data[0], '<');
		assert_int_equal(out.data[out.len - 1], '>');
		pgt_buf_done(&out);
	}
}

/* "<a" + bytes + "z>" */
static void
hostile_bytes(const char *bytes, size_t n, size_t *count)
{
	char text[512] = "<a";

	memcpy(text + 2, bytes, n);
	memcpy(text + 2 + n, "z>", 3);
	assert_filtered(text, n + 4);
	(*count)++;
}

static size_t
utf8(uint32_t cp, char *s)
{
	if (cp < 0x80) {
		s[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		s[0] = (char)(0xc0 | cp >> 6);
		s[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		s[0] = (char)(0xe0 | cp >> 12);
		s[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		s[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	s[0] = (char)(0xf0 | cp >> 18);
	s[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	s[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	s[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

#define S(x)                                                                             \
	{                                                                                \
		x, sizeof(x) - 1                                                         \
	}
static const struct {
	const char *s;
	size_t len;
} sequences[] = {
    S("\033[2J"),
    S("\033[H"),
    S("\033[?1049h"),
    S("\033[?1000h"),
    S("\033[31m"),
    S("\033c"),
    S("\033]0;title\007"),
    S("\033]2;title\033\\"),
    S("\033]52;c;cm0gLXJmIC8K\007"),
    S("\033]8;;http://evil\033\\link\033]8;;\033\\"),
    S("\033]4;1;?\007"),
    S("\033]10;?\033\\"),
    S("\033]50;#1\007"),
    S("\033]777;notify;a;b\007"),
    S("\033]1337;File=name=x:AAAA\007"),
    S("\033P$q\"p\033\\"),
    S("\033P+q544e\033\\"),
    S("\033Pq#0;2;0;0;0\033\\"),
    S("\033_Gf=24;AAAA\033\\"),
    S("\033^pm\033\\"),
    S("\033X sos\033\\"),
    S("\033[6n"),
    S("\033[c"),
    S("\033[>c"),
    S("\033[5n"),
    S("\033[21t"),
    S("\033[20t"),
    S("\033[3;0;0t"),
    S("\033[8;1;1t"),
    S("\033[?7l"),
    S("\033[?25l"),
    S("\033[?2004h"),
    S("\033[1;1r"),
    S("\033(0"),
    S("\033)0"),
    S("\033N"),
    S("\033O"),
    S("\033#8"),
    S("\033%G"),
    S("\033%@"),
    S("\033="),
    S("\033>"),
    S("\0337"),
    S("\0338"),
    S("\033D"),
    S("\033E"),
    S("\033M"),
    S("\033Z"),
    S("\033[4i"),
    S("\033[5i"),
    S("\2332J"),
    S("\23531m"),
    S("\2350;t\234"),
    S("\220q\234"),
    S("\237x\234"),
    S("\302\2332J"),
    S("\302\2350;t\302\234"),
    S("\302\220q\302\234"),
    S("\302\205"),
    S("a\rSELECT 1"),
    S("abc\b\b\bxyz"),
    S("\b \b"),
    S("\r\n"),
    S("\n\n\n"),
    S("\t\t"),
    S("\v\f"),
    S("\016\017"),
    S("\005"),
    S("\007\007\007"),
    S("\021\023"),
    S("\030\032"),
    S("\0"),
    S("a\0b"),
    S("\0\033[2J"),
    S("%s%n%x"),
    S("\\x1b[2J"),
    S("\\033[2J"),
    S("\300\200"),
    S("\300\233"),
    S("\340\200\233"),
    S("\360\200\200\233"),
    S("\301\277"),
    S("\340\237\277"),
    S("\360\217\277\277"),
    S("\355\240\200"),
    S("\355\277\277"),
    S("\355\240\275\355\270\200"),
    S("\364\220\200\200"),
    S("\370\210\200\200\200"),
    S("\374\204\200\200\200\200"),
    S("\376\377"),
    S("\377\376a\0"),
    S("\342\202"),
    S("\342"),
    S("\360\237\230"),
    S("\360\237"),
    S("\360"),
    S("\342\033[2J"),
    S("\302\n"),
    S("\302\302\233"),
    S("\357\277\276"),
    S("\357\277\277"),
    S("\357\267\220"),
    S("e\314\201\314\201\314\201\314\201\314\201"),
    S("\314\201\314\202\314\203"),
    S("\342\200\256txt.exe"),
    S("\342\200\252\342\200\254"),
    S("\342\201\246x\342\201\251"),
    S("\342\200\217\342\200\216"),
    S("\330\234"),
    S("drop\342\200\213table"),
    S("\342\200\215"),
    S("\357\273\277SELECT"),
    S("\302\255"),
    S("\342\201\240"),
    S("\360\237\221\250\342\200\215\360\237\221\251"),
    S("\342\235\244\357\270\217"),
    S("\363\240\201\201\363\240\201\277"),
    S("\363\240\204\200"),
    S("\363\260\200\200"),
    S("\364\200\200\200"),
    S("\356\200\200"),
    S("\342\200\250\342\200\251"),
    S("\341\205\237\343\205\244\357\276\240"),
    S("\315\217"),
    S("\341\240\216"),
    S("\033[\342\200\25631m"),
    S("\033\302\233\0333\b\r\n\t\177"),
    S("\177\177"),
};
#undef S

static void
corpus_of_escapes(void **state)
{
	static const uint32_t ranges[][2] = {
	    {0x00, 0x1f},       {0x7f, 0x9f},         {0xad, 0xad},
	    {0x600, 0x605},     {0x61c, 0x61c},       {0x180e, 0x180e},
	    {0x200b, 0x200f},   {0x2028, 0x202e},     {0x2060, 0x206f},
	    {0xe000, 0xe010},   {0xfe00, 0xfe0f},     {0xfeff, 0xfeff},
	    {0xfff9, 0xffff},   {0xe0000, 0xe007f},   {0xe0100, 0xe0110},
	    {0xf0000, 0xf0004}, {0x10fffe, 0x10ffff},
	};
	size_t count = 0, i;
	uint32_t cp;
	char s[512];

	(void)state;
	for (i = 0; i < PGT_LEN(sequences); i++)
		hostile_bytes(sequences[i].s, sequences[i].len, &count);
	for (i = 0; i < PGT_LEN(ranges); i++)
		for (cp = ranges[i][0]; cp <= ranges[i][1]; cp++)
			hostile_bytes(s, utf8(cp, s), &count);
	/* Every byte that is not ASCII: alone, and as the lead of what follows. */
	for (cp = 0x80; cp <= 0xff; cp++) {
		s[0] = (char)cp;
		hostile_bytes(s, 1, &count);
		s[1] = '\033';
		hostile_bytes(s, 2, &count);
	}
	assert_true(count >= 300);
	print_message("%zu hostile strings in 3 modes\n", count);
}

/* ---- exact results ---- */

static void
check(enum pgt_safetext_mode mode, const char *in, const char *want)
{
	char *out = pgt_safetext(in, mode, 4096);

	assert_string_equal(out, want);
	free(out);
}

static void
line_mode(void **state)
{
	(void)state;
	check(PGT_SAFE_LINE, "", "");
	check(PGT_SAFE_LINE, "plain", "plain");
	check(PGT_SAFE_LINE, "a\n\t b\r\nc  d", "a b c d");
	check(PGT_SAFE_LINE, "\n  a", " a");
	check(PGT_SAFE_LINE, "a \r", "a ");
	check(PGT_SAFE_LINE, "\033[0m", "\\x1b[0m");
	check(PGT_SAFE_LINE, "a\vb\177", "a\\x0bb\\x7f");
	check(PGT_SAFE_LINE, "caf\303\251 \346\227\245", "caf\303\251 \346\227\245");
	check(PGT_SAFE_LINE, "\302\233", "U+009B");
	check(PGT_SAFE_LINE, "\233", "\\x9b");
	check(PGT_SAFE_LINE, "\342\200\256abc", "U+202Eabc");
	check(PGT_SAFE_LINE, "\363\240\201\201", "U+E0041");
	check(PGT_SAFE_LINE, "e\314\201\314\202x", "e\314\201\314\202x");
	check(PGT_SAFE_LINE, "e\314\201\314\202\314\203x", "e\314\201\314\202U+0303x");
	/* A mark with nothing to join, at the start and after an escape. */
	check(PGT_SAFE_LINE, "\314\201x", "U+0301x");
	check(PGT_SAFE_LINE, "\033\314\201x", "\\x1bU+0301x");
}

static void
block_mode(void **state)
{
	(void)state;
	check(PGT_SAFE_BLOCK, "a\nb", "a\nb");
	check(PGT_SAFE_BLOCK, "a\r\nb", "a\nb");
	check(PGT_SAFE_BLOCK, "a\rb", "a\\rb");
	check(PGT_SAFE_BLOCK, "\tx", "        x");
	check(PGT_SAFE_BLOCK, "abc\tx", "abc     x");
	check(PGT_SAFE_BLOCK, "\346\227\245\tx", "\346\227\245      x");
	check(PGT_SAFE_BLOCK, "12345678\tx", "12345678        x");
	check(PGT_SAFE_BLOCK, "a\nb\tx", "a\nb       x");
	check(PGT_SAFE_BLOCK, "a  b", "a  b");
	check(PGT_SAFE_BLOCK, "a\n\314\201b", "a\nU+0301b");
	check(PGT_SAFE_BLOCK, "\033", "\\x1b");
}

static void
exact_mode(void **state)
{
	(void)state;
	check(PGT_SAFE_EXACT, "a\n\tb\r", "a\\n\\tb\\r");
	check(PGT_SAFE_EXACT, "a  b", "a  b");
	check(PGT_SAFE_EXACT, "a\302\240b", "aU+00A0b");
	check(PGT_SAFE_EXACT, "a\343\200\200b", "aU+3000b");
	check(PGT_SAFE_LINE, "a\302\240b", "a\302\240b");
}

static void
null_byte_is_seen(void **state)
{
	struct pgt_buf out;

	(void)state;
	pgt_buf_init(&out, 100);
	pgt_safetext_put(&out, "a\0b", 3, PGT_SAFE_LINE);
	assert_string_equal(pgt_buf_str(&out), "a\\x00b");
	pgt_buf_done(&out);
}

static void
limits(void **state)
{
	struct pgt_buf out;
	char *s, fixed[8];
	size_t max;

	(void)state;
	assert_null(pgt_safetext(NULL, PGT_SAFE_LINE, 10));
	s = pgt_safetext("0123456789", PGT_SAFE_LINE, 10);
	assert_string_equal(s, "0123456789");
	free(s);
	s = pgt_safetext("0123456789a", PGT_SAFE_LINE, 10);
	assert_string_equal(s, "0123456...");
	free(s);
	/* Never within a character or beyond the maximum, whatever that is. */
	for (max = 0; max < 20; max++) {
		s = pgt_safetext("\346\227\245\346\234\254\350\252\236\033\346\227\245x",
				 PGT_SAFE_LINE, max);
		assert_true(strlen(s) <= max);
		assert_safe(s, PGT_SAFE_LINE);
		if (max >= 3 && max < 17)
			assert_string_equal(s + strlen(s) - 3, "...");
		free(s);
	}
	/* An escape that does not fit is left out whole, and nothing follows it. */
	pgt_buf_init(&out, 4);
	pgt_safetext_put(&out, "ab\033c", 4, PGT_SAFE_LINE);
	assert_true(out.overflow);
	assert_string_equal(pgt_buf_str(&out), "ab");
	pgt_buf_done(&out);

	assert_ptr_equal(pgt_safetext_copy(fixed, sizeof(fixed), "a\n\033[0m"), fixed);
	assert_string_equal(fixed, "a \\x1b[");
	assert_string_equal(pgt_safetext_copy(fixed, 4, "\346\227\245\346\234\254"),
			    "\346\227\245");
	assert_string_equal(pgt_safetext_copy(fixed, 3, "\346\227\245"), "");
	assert_string_equal(pgt_safetext_copy(fixed, 1, "x"), "");
	assert_string_equal(pgt_safetext_copy(fixed, sizeof(fixed), NULL), "");
	fixed[0] = 'k';
	pgt_safetext_copy(fixed, 0, "x");
	assert_int_equal(fixed[0], 'k');
}

static void
is_safe(void **state)
{
	(void)state;
	assert_true(pgt_safetext_is_safe("", 0));
	assert_true(pgt_safetext_is_safe("ab  c", 5));
	assert_true(pgt_safetext_is_safe("\346\227\245", 3));
	assert_false(pgt_safetext_is_safe("a\n", 2));
	assert_false(pgt_safetext_is_safe("a\0b", 3));
	assert_false(pgt_safetext_is_safe("\346\227", 2));
	assert_false(pgt_safetext_is_safe("\314\201", 2));
	assert_false(pgt_safetext_is_safe("e\314\201\314\201\314\201", 7));
}

/* Cells are the terminal library's, which asks the C library: they must agree
 * on everything that may pass, or columns shift. */
static void
widths_agree_with_libc(void **state)
{
	size_t passed = 0;
	uint32_t cp;
	char s[8];

	(void)state;
	for (cp = 0x20; cp < 0x110000; cp++) {
		size_t n;

		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		s[0] = 'a';
		n = 1 + utf8(cp, s + 1);
		s[n] = '\0';
		if (!pgt_safetext_is_safe(s, n))
			continue;
		passed++;
		if (pgt_str_cells(s) != 1 + wcwidth((wchar_t)cp))
			fail_msg("U+%04X: %d cells, libc says %d", cp,
				 pgt_str_cells(s) - 1, wcwidth((wchar_t)cp));
	}
	assert_true(passed > 130000);
}

static void
no_locale_is_needed(void **state)
{
	(void)state;
	setlocale(LC_ALL, "C");
	check(PGT_SAFE_LINE, "caf\303\251 \346\227\245\033",
	      "caf\303\251 \346\227\245\\x1b");
	assert_int_equal(pgt_str_cells("caf\303\251 \346\227\245"), 7);
	setlocale(LC_ALL, "C.UTF-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(corpus_of_escapes),
	    cmocka_unit_test(line_mode),
	    cmocka_unit_test(block_mode),
	    cmocka_unit_test(exact_mode),
	    cmocka_unit_test(null_byte_is_seen),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(is_safe),
	    cmocka_unit_test(widths_agree_with_libc),
	    cmocka_unit_test(no_locale_is_needed),
	};

	if (!setlocale(LC_ALL, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
