#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "unicode_priv.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
pgt_parse_u64(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (*s == '+')
		s++;
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	if (*s)
		return false;
	*ret = v;
	return true;
}

bool
pgt_parse_i64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v;

	if (negative && !is_digit(s[1]))
		return false;
	if (!pgt_parse_u64(s + negative, &v))
		return false;
	if (v > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

/* strtod knows hexadecimal, "inf" and leading blanks too: not wanted here. */
bool
pgt_parse_double(const char *s, double *ret)
{
	locale_t c;
	char *end;
	double v;

	if (!*s || s[strspn(s, "0123456789+-.eE")])
		return false;
	/* glibc keeps the C locale ready: this neither allocates nor fails. */
	c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!c)
		pgt_mem_abort();
	v = strtod_l(s, &end, c);
	freelocale(c);
	if (*end || end == s || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* number [blanks] unit, into number * factor; an absent unit is units[0]. */
static int
parse_with_unit(const char *s, const struct unit *units, size_t n_units, uint64_t max,
		uint64_t *ret)
{
	size_t n = strspn(s, "0123456789."), i;
	const char *name = s + n;
	uint64_t whole, v;
	char number[64];
	double d;

	if (n == 0 || n >= sizeof(number))
		return -1;
	memcpy(number, s, n);
	number[n] = '\0';
	while (*name == ' ')
		name++;
	if (!*name && name != s + n)
		return -1;
	for (i = 0; *name && i < n_units; i++)
		if (strcmp(name, units[i].name) == 0)
			break;
	if (i == n_units)
		return -1;
	if (pgt_parse_u64(number, &whole)) {
		if (__builtin_mul_overflow(whole, units[i].factor, &v) || v > max)
			return -1;
	} else {
		if (!pgt_parse_double(number, &d))
			return -1;
		d = nearbyint(d * (double)units[i].factor);
		if (!(d < (double)max))
			return -1;
		v = (uint64_t)d;
	}
	*ret = v;
	return 0;
}

int
pgt_parse_duration(const char *s, int64_t *ret_ns, struct pgt_err *err)
{
	static const struct unit units[] = {
	    {"s", PGT_NS_PER_S},        {"us", PGT_NS_PER_US},
	    {"ms", PGT_NS_PER_MS},      {"min", 60 * PGT_NS_PER_S},
	    {"h", 3600 * PGT_NS_PER_S}, {"d", 86400 * PGT_NS_PER_S},
	};
	uint64_t v;

	if (parse_with_unit(s, units, PGT_LEN(units), INT64_MAX, &v) < 0)
		return pgt_err_set(
		    err, PGT_E_PARSE,
		    "\"%.40s\" is no duration: a number and us, ms, s, min, h or d", s);
	*ret_ns = (int64_t)v;
	return 0;
}

int
pgt_parse_bytes(const char *s, uint64_t *ret_bytes, struct pgt_err *err)
{
	/* Case matters, as in postgresql.conf: "mb" is refused there too. */
	static const struct unit units[] = {
	    {"B", 1},
	    {"kB", UINT64_C(1) << 10},
	    {"MB", UINT64_C(1) << 20},
	    {"GB", UINT64_C(1) << 30},
	    {"TB", UINT64_C(1) << 40},
	    {"PB", UINT64_C(1) << 50},
	};
	uint64_t v;

	if (parse_with_unit(s, units, PGT_LEN(units), UINT64_MAX, &v) < 0)
		return pgt_err_set(
		    err, PGT_E_PARSE,
		    "\"%.40s\" is no size: a number and B, kB, MB, GB or TB", s);
	*ret_bytes = v;
	return 0;
}

bool
pgt_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
pgt_str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (size == 0)
		return false;
	if (n < size) {
		memcpy(dst, src, n + 1);
		return true;
	}
	/* Not within a character. */
	for (n = size - 1; n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80;)
		n--;
	memcpy(dst, src, n);
	dst[n] = '\0';
	return false;
}

void
pgt_str_hex(const void *data, size_t n, char *dst)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

bool
pgt_str_is_utf8(const char *s)
{
	size_t len = strlen(s), i, n;
	uint32_t cp;

	for (i = 0; i < len; i += n) {
		n = pgt_unicode_decode(s + i, len - i, &cp);
		if (n == 0)
			return false;
	}
	return true;
}

/* Cells and bytes of the character at s; what is not valid counts as one. */
static int
char_cells(const char *s, size_t len, size_t *ret_bytes)
{
	static const int cells[] = {
	    [PGT_UNICODE_NARROW] = 1,
	    [PGT_UNICODE_WIDE] = 2,
	    [PGT_UNICODE_MARK] = 0,
	    [PGT_UNICODE_REFUSED] = 1,
	};
	uint32_t cp;
	size_t n;

	if ((unsigned char)*s < 0x80) {
		*ret_bytes = 1;
		return 1;
	}
	n = pgt_unicode_decode(s, len, &cp);
	*ret_bytes = n ? n : 1;
	return n ? cells[pgt_unicode_shown(cp)] : 1;
}

int
pgt_str_cells(const char *s)
{
	size_t len = strlen(s), i, n;
	int cells = 0;

	for (i = 0; i < len; i += n)
		cells += char_cells(s + i, len - i, &n);
	return cells;
}

size_t
pgt_str_fit(const char *s, int cells, int *ret_cells)
{
	size_t i = 0, n;
	int used = 0, c;

	/* The length is found byte by byte: s may be far longer than a row. */
	while (s[i]) {
		c = char_cells(s + i, strnlen(s + i, 4), &n);
		if (used + c > cells)
			break;
		used += c;
		i += n;
	}
	*ret_cells = used;
	return i;
}
