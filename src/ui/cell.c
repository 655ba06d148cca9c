#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell_priv.h"
#include "pg2une/base/str.h"

char *
pgt_num(double v, int decimals, char *buf, size_t size)
{
	char whole[32], frac[16] = "";
	double scale = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
	int64_t n;

	if (isnan(v) || fabs(v) > 1e15) {
		snprintf(buf, size, isnan(v) ? "-" : ">1e15");
		return buf;
	}
	n = (int64_t)llround(fabs(v) * scale);
	if (decimals)
		snprintf(frac, sizeof(frac), ".%0*d", decimals,
			 (int)(n % (int64_t)scale));
	snprintf(buf, size, "%s%s%s", v < 0 && n ? "-" : "",
		 pgt_fmt_group(n / (int64_t)scale, whole, sizeof(whole)), frac);
	return buf;
}

char *
pgt_pct(double ratio, char *buf, size_t size)
{
	/* 99.97% is not 100%: only a clean sheet may look like one. */
	if (ratio < 1 && ratio > 0.9995)
		ratio = 0.999;
	return pgt_num(ratio * 100, 1, buf, size);
}

char *
pgt_bytes(double v, char *buf, size_t size)
{
	if (isnan(v) || v < 0)
		snprintf(buf, size, "-");
	else
		pgt_fmt_bytes(v, buf, size);
	return buf;
}

char *
pgt_count(int64_t n, char *buf, size_t size)
{
	if (n < 0)
		snprintf(buf, size, "-");
	else
		pgt_fmt_group(n, buf, size);
	return buf;
}

char *
pgt_ms(double v, char *buf, size_t size)
{
	if (isnan(v))
		snprintf(buf, size, "-");
	else
		pgt_fmt_ms(v, buf, size);
	return buf;
}

char *
pgt_age(int64_t ns, char *buf, size_t size)
{
	if (ns < 0)
		snprintf(buf, size, "-");
	else if (ns < 1000000)
		snprintf(buf, size, "<1ms");
	else
		pgt_fmt_duration(ns, buf, size);
	return buf;
}

static void
done(struct pgt_cell *c, bool unknown)
{
	c->text = c->buf;
	if (unknown)
		c->role = PGT_ROLE_DIM;
}

void
pgt_cell_text(struct pgt_cell *c, enum pgt_role role, const char *text)
{
	c->text = text ? text : "-";
	c->role = text ? role : PGT_ROLE_DIM;
}

void
pgt_cell_num(struct pgt_cell *c, double v, int decimals)
{
	pgt_num(v, decimals, c->buf, sizeof(c->buf));
	done(c, isnan(v) || v == 0);
}

void
pgt_cell_int(struct pgt_cell *c, int64_t v)
{
	if (v < 0)
		snprintf(c->buf, sizeof(c->buf), "-");
	else
		pgt_fmt_group(v, c->buf, sizeof(c->buf));
	done(c, v <= 0);
}

void
pgt_cell_short(struct pgt_cell *c, double v)
{
	if (isnan(v))
		snprintf(c->buf, sizeof(c->buf), "-");
	else
		pgt_fmt_short(v, c->buf, sizeof(c->buf));
	done(c, isnan(v) || v == 0);
}

void
pgt_cell_bytes(struct pgt_cell *c, double v)
{
	pgt_bytes(v, c->buf, sizeof(c->buf));
	done(c, isnan(v) || v <= 0);
}

void
pgt_cell_ms(struct pgt_cell *c, double v)
{
	pgt_ms(v, c->buf, sizeof(c->buf));
	done(c, isnan(v));
}

void
pgt_cell_pct(struct pgt_cell *c, double ratio)
{
	pgt_pct(ratio, c->buf, sizeof(c->buf));
	done(c, isnan(ratio));
}

void
pgt_cell_age(struct pgt_cell *c, int64_t ns)
{
	pgt_age(ns, c->buf, sizeof(c->buf));
	done(c, ns < 0);
}

void
pgt_cell_role_over(struct pgt_cell *c, double v, double warn, double bad)
{
	if (v >= bad)
		c->role = PGT_ROLE_BAD;
	else if (v >= warn)
		c->role = PGT_ROLE_WARN;
}

#define SQUEEZE_MAX 400 /* letters; what is beyond is left out */

char *
pgt_squeeze(const char *s, size_t len, size_t letters, char *buf, size_t size)
{
	size_t at[SQUEEZE_MAX + 1], n = 0, head, tail;

	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) == 0x80)
			continue; /* not the first byte of a letter (UTF-8) */
		if (n == SQUEEZE_MAX)
			len = i;
		else
			at[n++] = i;
	}
	at[n] = len;
	if (n <= letters || letters < 3) {
		snprintf(buf, size, "%.*s", (int)len, s);
		return buf;
	}
	tail = letters / 2;
	head = letters - 1 - tail;
	snprintf(buf, size, "%.*s%s%.*s", (int)at[head], s, pgt_glyph(PGT_G_ELLIPSIS),
		 (int)(len - at[n - tail]), s + at[n - tail]);
	return buf;
}
