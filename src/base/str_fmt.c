/* The formatters of str.h.  printf's %f would write the locale's decimal sign:
 * so decimals are written from integers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

/* v >= 0 with 0 to 3 decimals, half away from zero, then suffix. */
static char *
put_fixed(double v, int decimals, const char *suffix, char *buf, size_t size)
{
	static const int64_t scales[] = {1, 10, 100, 1000};
	int64_t scale = scales[decimals];
	int64_t scaled = (int64_t)llround(v * (double)scale);

	if (decimals == 0)
		snprintf(buf, size, "%lld%s", (long long)scaled, suffix);
	else
		snprintf(buf, size, "%lld.%0*lld%s", (long long)(scaled / scale),
			 decimals, (long long)(scaled % scale), suffix);
	return buf;
}

/* True when v would show as limit or more with so many decimals. */
static bool
rounds_to(double v, int decimals, double limit)
{
	double scale = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;

	return round(v * scale) >= limit * scale;
}

/* "-" for what is no number; strips the sign into buf, returns what follows. */
static char *
put_sign(double *v, char *buf, size_t *size)
{
	if (*v < 0 && *size > 1) {
		*v = -*v;
		*buf++ = '-';
		*buf = '\0';
		(*size)--;
	}
	return buf;
}

static bool
put_odd(double v, char *buf, size_t size)
{
	if (isnan(v))
		snprintf(buf, size, "-");
	else if (isinf(v))
		snprintf(buf, size, v < 0 ? "-inf" : "inf");
	else
		return false;
	return true;
}

char *
pgt_fmt_group(int64_t n, char *buf, size_t size)
{
	char text[32], *p = text + sizeof(text) - 1;
	uint64_t v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	int digits = 0;

	*p = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + v % 10);
		v /= 10;
		digits++;
	} while (v);
	if (n < 0)
		*--p = '-';
	snprintf(buf, size, "%s", p);
	return buf;
}

/* Divide by step until it shows below step; the index of the unit. */
static size_t
scale_down(double *v, double step, size_t n_units)
{
	size_t u = 0;

	while (u + 1 < n_units && rounds_to(*v, *v < 100 && u ? 1 : 0, step)) {
		*v /= step;
		u++;
	}
	return u;
}

char *
pgt_fmt_short(double n, char *buf, size_t size)
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
	char *start = buf;
	int decimals;
	size_t u;

	if (size == 0 || put_odd(n, buf, size))
		return buf;
	buf = put_sign(&n, buf, &size);
	if (n >= 999.5e18) {
		snprintf(buf, size, ">999E");
		return start;
	}
	u = scale_down(&n, 1000, PGT_LEN(units));
	if (u == 0 && n == floor(n))
		decimals = 0;
	else if (u == 0 && !rounds_to(n, 2, 10))
		decimals = 2;
	else
		decimals = rounds_to(n, 1, 100) ? 0 : 1;
	put_fixed(n, decimals, units[u], buf, size);
	return start;
}

char *
pgt_fmt_bytes(double bytes, char *buf, size_t size)
{
	static const char *const units[] = {" B", " kB", " MB", " GB", " TB", " PB"};
	char *start = buf;
	size_t u;

	if (size == 0 || put_odd(bytes, buf, size))
		return buf;
	buf = put_sign(&bytes, buf, &size);
	if (bytes > 1e18 * 9) { /* beyond int64_t, which put_fixed() uses */
		snprintf(buf, size, ">7999 PB");
		return start;
	}
	u = scale_down(&bytes, 1024, PGT_LEN(units));
	put_fixed(bytes, u == 0 || rounds_to(bytes, 1, 100) ? 0 : 1, units[u], buf, size);
	return start;
}

char *
pgt_fmt_duration(int64_t ns, char *buf, size_t size)
{
	uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	unsigned long long s = v / (uint64_t)PGT_NS_PER_S;
	const char *sign = ns < 0 ? "-" : "";

	if (v == 0)
		snprintf(buf, size, "0s");
	else if (v < (uint64_t)PGT_NS_PER_US)
		snprintf(buf, size, "%s%lluns", sign, (unsigned long long)v);
	else if (v < (uint64_t)PGT_NS_PER_MS)
		snprintf(buf, size, "%s%lluus", sign, (unsigned long long)v / 1000);
	else if (v < (uint64_t)PGT_NS_PER_S)
		snprintf(buf, size, "%s%llums", sign, (unsigned long long)v / 1000000);
	else if (s < 60)
		snprintf(buf, size, "%s%llus", sign, s);
	else if (s < 3600)
		snprintf(buf, size, "%s%llum%02llu", sign, s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%s%lluh%02llu", sign, s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%s%llud %lluh", sign, s / 86400, s / 3600 % 24);
	return buf;
}

char *
pgt_fmt_ms(double ms, char *buf, size_t size)
{
	char *start = buf;
	int decimals;

	if (size == 0 || put_odd(ms, buf, size))
		return buf;
	buf = put_sign(&ms, buf, &size);
	if (ms >= 1e15) {
		snprintf(buf, size, ">1e15");
		return start;
	}
	if (rounds_to(ms, 1, 100) || ms == 0)
		decimals = 0;
	else if (rounds_to(ms, 2, 10))
		decimals = 1;
	else
		decimals = rounds_to(ms, 2, 0.1) ? 2 : 3;
	put_fixed(ms, decimals, "", buf, size);
	return start;
}
