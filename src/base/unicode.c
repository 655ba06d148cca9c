#include <stdbool.h>

#include "pg2une/base/mem.h"
#include "unicode_priv.h"

struct range {
	uint32_t lo, hi;
	unsigned char shown;
};

#define W PGT_UNICODE_WIDE
#define M PGT_UNICODE_MARK
#define R PGT_UNICODE_REFUSED
#include "unicode_table_priv.h"
#undef W
#undef M
#undef R

static bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t
pgt_unicode_decode(const char *str, size_t len, uint32_t *ret_cp)
{
	/* The least code point that needs so many bytes: less is overlong. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)str;
	size_t i, n;
	uint32_t cp;

	if (s[0] < 0x80) {
		*ret_cp = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2, cp = s[0] & 0x1f;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3, cp = s[0] & 0x0f;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4, cp = s[0] & 0x07;
	else
		return 0;
	if (n > len)
		return 0;
	for (i = 1; i < n; i++) {
		if (!is_tail(s[i]))
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

enum pgt_unicode_shown
pgt_unicode_shown(uint32_t cp)
{
	size_t lo = 0, hi = PGT_LEN(ranges);

	if (cp < 0x80)
		return cp >= 0x20 && cp < 0x7f ? PGT_UNICODE_NARROW : PGT_UNICODE_REFUSED;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cp < ranges[mid].lo)
			hi = mid;
		else if (cp > ranges[mid].hi)
			lo = mid + 1;
		else
			return (enum pgt_unicode_shown)ranges[mid].shown;
	}
	return PGT_UNICODE_NARROW;
}
