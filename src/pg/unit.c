#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/unit.h"

/* guc.c memory_unit_conversion_table and time_unit_conversion_table: largest
 * first; in bytes and in milliseconds.  Names are case-sensitive there too. */
struct unit_step {
	const char *name;
	double factor;
};

static const struct unit_step byte_steps[] = {
    {"TB", 1024.0 * 1024 * 1024 * 1024},
    {"GB", 1024.0 * 1024 * 1024},
    {"MB", 1024.0 * 1024},
    {"kB", 1024.0},
    {"B", 1.0},
};
static const struct unit_step time_steps[] = {
    {"d", 86400e3}, {"h", 3600e3}, {"min", 60e3}, {"s", 1e3}, {"ms", 1.0}, {"us", 1e-3},
};

static const struct unit_step *
unit_steps(enum pgt_unit_kind kind, size_t *ret_n)
{
	if (kind == PGT_UNITKIND_BYTES) {
		*ret_n = PGT_LEN(byte_steps);
		return byte_steps;
	}
	*ret_n = kind == PGT_UNITKIND_TIME ? PGT_LEN(time_steps) : 0;
	return time_steps;
}

/* "8kB" is 8 x kB: the kind, and one base unit in bytes or milliseconds. */
static enum pgt_unit_kind
unit_base(const char *unit, double *ret_factor)
{
	enum pgt_unit_kind kinds[] = {PGT_UNITKIND_BYTES, PGT_UNITKIND_TIME};
	char *name;
	double count;
	size_t i, k, n;

	*ret_factor = 1;
	if (!unit || !*unit)
		return PGT_UNITKIND_NONE;
	count = strtol(unit, &name, 10);
	if (name == unit)
		count = 1;
	for (k = 0; k < PGT_LEN(kinds); k++) {
		const struct unit_step *steps = unit_steps(kinds[k], &n);

		for (i = 0; i < n; i++) {
			if (strcmp(steps[i].name, name) != 0)
				continue;
			*ret_factor = count * steps[i].factor;
			return kinds[k];
		}
	}
	return PGT_UNITKIND_NONE;
}

enum pgt_unit_kind
pgt_unit_kind(const char *unit)
{
	double factor;

	return unit_base(unit, &factor);
}

/* The number of a value and what follows it; hexadecimal and octal integers
 * are legal in a setting, as in guc.c parse_int(). */
static bool
unit_number(const char *s, double *ret, const char **ret_rest)
{
	char digits[64], *end;
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	if (!isdigit((unsigned char)*s) && !strchr("+-.", *s))
		return false;
	n = strspn(s, "+-0123456789.xXabcdefABCDEF");
	if (strcspn(s, ".eE") >= n || s[strspn(s, "+-0")] == 'x' ||
	    s[strspn(s, "+-0")] == 'X') {
		long long v = strtoll(s, &end, 0);

		if (end == s)
			return false;
		if (*end != '.' && *end != 'e' && *end != 'E') {
			*ret = (double)v;
			*ret_rest = end;
			return true;
		}
	}
	n = strspn(s, "+-0123456789.eE");
	if (n >= sizeof(digits))
		return false;
	/* strtod follows the locale, and "inf" or "0x" are not ours to take */
	memcpy(digits, s, n);
	for (digits[n] = '\0'; n > 0; digits[--n] = '\0')
		if (pgt_parse_double(digits, ret)) {
			*ret_rest = s + n;
			return true;
		}
	return false;
}

/* As guc.c convert_to_base_unit(): a fraction such as 30.1GB is rounded to the
 * next smaller unit, so that it reads back as it was written. */
static bool
unit_scale(double v, const char *name, size_t len, enum pgt_unit_kind kind, double *ret)
{
	const struct unit_step *steps;
	size_t i, n;

	steps = unit_steps(kind, &n);
	for (i = 0; i < n; i++) {
		if (strlen(steps[i].name) != len ||
		    strncmp(steps[i].name, name, len) != 0)
			continue;
		v *= steps[i].factor;
		if (i + 1 < n)
			v = rint(v / steps[i + 1].factor) * steps[i + 1].factor;
		*ret = v;
		return true;
	}
	return false;
}

int
pgt_unit_parse(const char *value, const char *unit, double *ret, struct pgt_err *err)
{
	enum pgt_unit_kind kind;
	double factor, v;
	const char *rest;
	size_t len;

	kind = unit_base(unit, &factor);
	if (!value || !unit_number(value, &v, &rest))
		return pgt_err_set(err, PGT_E_PARSE, "not a number: \"%.64s\"",
				   value ? value : "");
	while (isspace((unsigned char)*rest))
		rest++;
	for (len = strlen(rest); len > 0 && isspace((unsigned char)rest[len - 1]);)
		len--;
	if (len == 0) {
		/* -1 and the like are special values, not sizes */
		*ret = v < 0 ? v : v * factor;
		return 0;
	}
	if (kind == PGT_UNITKIND_NONE)
		return pgt_err_set(err, PGT_E_PARSE, "takes no unit: \"%.64s\"", value);
	if (!unit_scale(v, rest, len, kind, &v))
		return pgt_err_set(err, PGT_E_PARSE,
				   "unknown unit in \"%.64s\" (valid: %s)", value,
				   kind == PGT_UNITKIND_BYTES ? "B, kB, MB, GB, TB"
							      : "us, ms, s, min, h, d");
	*ret = v;
	return 0;
}

int
pgt_unit_to_base(const char *value, const char *unit, bool is_integer, double *ret,
		 struct pgt_err *err)
{
	double factor, v;

	unit_base(unit, &factor);
	if (pgt_unit_parse(value, unit, &v, err) < 0)
		return -1;
	if (v > 0)
		v /= factor;
	*ret = is_integer ? rint(v) : v;
	return 0;
}

/* As guc.c convert_int_from_base_unit(): the largest unit that divides it. */
char *
pgt_unit_format(double base_value, const char *unit, char *buf, size_t size)
{
	enum pgt_unit_kind kind;
	const struct unit_step *steps;
	double factor, v, q = 0;
	size_t i, n;

	kind = unit_base(unit, &factor);
	steps = unit_steps(kind, &n);
	if (n == 0 || base_value <= 0 || !isfinite(base_value)) {
		snprintf(buf, size, "%.15g", base_value);
		return buf;
	}
	v = base_value * factor;
	for (i = 0; i < n; i++) {
		q = v / steps[i].factor;
		if (q >= 1 - 1e-8 && fabs(rint(q) / q - 1.0) <= 1e-8)
			break;
	}
	if (i == n) {
		i = n - 1;
		snprintf(buf, size, "%.15g%s", q, steps[i].name);
	} else {
		snprintf(buf, size, "%.15g%s", rint(q), steps[i].name);
	}
	return buf;
}

/* bool.c parse_bool_with_len(): any unambiguous prefix; -1 when it is none. */
static int
unit_bool(const char *s)
{
	static const struct {
		const char *word;
		size_t min;
		int value;
	} words[] = {
	    {"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1}, {"no", 1, 0},
	    {"on", 2, 1},   {"off", 2, 0},   {"1", 1, 1},   {"0", 1, 0},
	};
	size_t i, len = strlen(s);

	for (i = 0; i < PGT_LEN(words); i++)
		if (len >= words[i].min && len <= strlen(words[i].word) &&
		    strncasecmp(words[i].word, s, len) == 0)
			return words[i].value;
	return -1;
}

bool
pgt_unit_equal(const char *a, const char *b, const char *vartype, const char *unit)
{
	bool is_integer = vartype && strcmp(vartype, "integer") == 0;
	double x, y;

	if (!a || !b)
		return a == b;
	if (strcmp(a, b) == 0)
		return true;
	if (!vartype)
		return false;
	if (strcmp(vartype, "bool") == 0)
		return unit_bool(a) >= 0 && unit_bool(a) == unit_bool(b);
	if (strcmp(vartype, "enum") == 0)
		return strcasecmp(a, b) == 0;
	if (!is_integer && strcmp(vartype, "real") != 0)
		return false;
	if (pgt_unit_to_base(a, unit, is_integer, &x, NULL) < 0 ||
	    pgt_unit_to_base(b, unit, is_integer, &y, NULL) < 0)
		return false;
	return fabs(x - y) <= 1e-9 * fmax(1, fmax(fabs(x), fabs(y)));
}
