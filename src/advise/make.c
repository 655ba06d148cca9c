#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise_priv.h"
#include "pg2une/base/str.h"

#define EVIDENCE_MAX 10
#define ITEMS_MAX    2000

static const char *
vtext(struct pgt_arena *a, const char *fmt, va_list ap)
{
	char buf[4096];

	vsnprintf(buf, sizeof(buf), fmt, ap);
	/* cut in the middle of a character: back to its beginning */
	if (strlen(buf) == sizeof(buf) - 1)
		for (size_t n = sizeof(buf) - 2; n > 0 && (buf[n] & 0x80); n--)
			buf[n] = '\0';
	return pgt_arena_strdup(a, buf);
}

const char *
adv_text(struct adv_ctx *c, const char *fmt, ...)
{
	const char *ret;
	va_list ap;

	va_start(ap, fmt);
	ret = vtext(c->a, fmt, ap);
	va_end(ap);
	return ret;
}

struct pgt_advice *
adv_new(struct adv_ctx *c, enum pgt_advice_kind kind, double impact, const char *fmt, ...)
{
	struct pgt_advice *a = pgt_arena_alloc(c->a, sizeof(*a));
	struct pgt_advice_row *rows = pgt_arena_array(c->a, EVIDENCE_MAX, sizeof(*rows));
	va_list ap;

	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->items = pgt_xreallocarray(c->items, c->cap, sizeof(*c->items));
	}
	va_start(ap, fmt);
	a->identity = vtext(c->a, fmt, ap);
	va_end(ap);
	a->kind = kind;
	a->effect_pct = a->effect_lo = a->effect_hi = NAN;
	a->confidence = a->risk = PGT_GRADE_LOW;
	a->how = PGT_HOW_HUMAN;
	a->evidence = rows;
	a->score = impact;
	/* the arena is large; past this many nobody reads on */
	if (c->n < ITEMS_MAX)
		c->items[c->n++] = a;
	return a;
}

void
adv_evidence(struct adv_ctx *c, struct pgt_advice *a, const char *what, const char *fmt,
	     ...)
{
	struct pgt_advice_row *rows = (struct pgt_advice_row *)(uintptr_t)a->evidence;
	va_list ap;

	if (a->n_evidence == EVIDENCE_MAX)
		return;
	va_start(ap, fmt);
	rows[a->n_evidence++] =
	    (struct pgt_advice_row){pgt_arena_strdup(c->a, what), vtext(c->a, fmt, ap)};
	va_end(ap);
}

void
adv_note(struct adv_ctx *c, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = vtext(c->a, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < c->n_notes; i++)
		if (strcmp(c->notes[i], text) == 0)
			return;
	if (c->n_notes < PGT_LEN(c->notes))
		c->notes[c->n_notes++] = text;
}

void
adv_sure(struct adv_ctx *c, struct pgt_advice *a, enum pgt_grade g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	a->confidence = g;
	a->confidence_why = vtext(c->a, fmt, ap);
	va_end(ap);
}

void
adv_effect(struct pgt_advice *a, const char *of, double pct, double lo, double hi,
	   const char *how)
{
	a->effect_of = of;
	a->effect_pct = fmax(pct, -100);
	a->effect_lo = fmax(fmin(lo, hi), -100);
	a->effect_hi = fmax(lo, hi);
	a->effect_how = how;
}

const char *
adv_bytes(struct adv_ctx *c, double bytes)
{
	char buf[32];

	if (!(bytes >= 0))
		return "unknown";
	return pgt_arena_strdup(c->a, pgt_fmt_bytes(bytes, buf, sizeof(buf)));
}

const char *
adv_count(struct adv_ctx *c, double n)
{
	char buf[32];

	if (!isfinite(n))
		return "unknown";
	if (fabs(n) < 10000)
		return adv_text(c, "%.*f", fabs(n) < 10 && n != floor(n) ? 1 : 0, n);
	return pgt_arena_strdup(c->a, pgt_fmt_short(n, buf, sizeof(buf)));
}

const char *
adv_age(struct adv_ctx *c, double seconds)
{
	char buf[32];

	if (!(seconds >= 0))
		return "never";
	return pgt_arena_strdup(
	    c->a, pgt_fmt_duration((int64_t)(seconds * 1e9), buf, sizeof(buf)));
}

const char *
adv_short_sql(struct adv_ctx *c, const char *text)
{
	char *line, *to;
	int cells;
	size_t n;

	if (!text)
		return "(text unknown)";
	n = pgt_str_fit(text, 200, &cells);
	line = to = pgt_arena_strndup(c->a, text, n);
	for (const char *at = line; *at; at++) {
		char ch = *at == '\n' || *at == '\t' ? ' ' : *at;

		if (ch != ' ' || (to > line && to[-1] != ' '))
			*to++ = ch;
	}
	*to = '\0';
	return text[n] ? adv_text(c, "%s...", line) : line;
}
