/* pgt_safetext_redact(): secrets out of statements, conninfo, URLs, headers and
 * JSON.  It errs towards hiding too much: a cut or odd literal is hidden to its
 * line's or the text's end. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"

struct scan {
	const char *p; /* the next byte to copy */
	const char *begin;
	bool in_quote; /* within '...', as far as the scan can tell */
	struct pgt_buf out;
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Copy up to end, but leave out what is between from and to. */
static void
hide(struct scan *s, const char *from, const char *to)
{
	pgt_buf_put(&s->out, s->p, (size_t)(from - s->p));
	pgt_buf_puts(&s->out, "***");
	s->p = to;
}

/* Blanks and SQL comments. */
static const char *
skip_blanks(const char *p)
{
	for (;;) {
		if (isspace((unsigned char)*p)) {
			p++;
		} else if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			p = end ? end + 2 : p + strlen(p);
		} else {
			return p;
		}
	}
}

/* The end of a literal whose quote q is at p, by doubled quotes and, when told,
 * backslashes; the text's end when it was cut. */
static const char *
quoted_end(const char *p, char q, bool backslash)
{
	for (p++; *p; p++) {
		if (backslash && *p == '\\' && p[1])
			p++;
		else if (*p == q && p[1] == q)
			p++;
		else if (*p == q)
			return p + 1;
	}
	return p;
}

/* The end of $tag$...$tag$ at p, or NULL when p begins no such literal. */
static const char *
dollar_end(const char *p)
{
	const char *tag = p + 1, *end;
	size_t n;

	if (*p != '$' || isdigit((unsigned char)*tag))
		return NULL;
	while (is_word(*tag))
		tag++;
	if (*tag != '$')
		return NULL;
	n = (size_t)(tag + 1 - p);
	for (end = tag + 1; *end; end++)
		if (strncmp(end, p, n) == 0)
			return end + n;
	return end;
}

/* A literal at p that may itself stand within a literal, where its quotes are
 * doubled; the later end hides what either reading holds. */
static const char *
nested_end(const char *p)
{
	const char *end = quoted_end(p, '\'', false), *nested;

	if (p[1] != '\'' || !p[2] || strchr(" \t\r\n),;&", p[2]))
		return end;
	nested = strstr(p + 2, "''");
	nested = nested ? nested + 2 : p + strlen(p);
	return end > nested ? end : nested;
}

/* The end of the SQL literal at p; NULL when there is none. */
static const char *
literal_end(const char *p)
{
	if (*p == '\'')
		return nested_end(p);
	if ((*p == 'E' || *p == 'e') && p[1] == '\'')
		return quoted_end(p + 1, '\'', true);
	if (strchr("BbNnXx", *p) && *p && p[1] == '\'')
		return quoted_end(p + 1, '\'', false);
	if ((*p == 'U' || *p == 'u') && p[1] == '&' && p[2] == '\'')
		return quoted_end(p + 2, '\'', false);
	return dollar_end(p);
}

/* The value after "password =": conninfo, JSON, SQL or a URL's parameter. */
static const char *
value_end(const char *p, bool in_url)
{
	const char *end;

	if (*p == '\'') {
		/* conninfo escapes by backslash, SQL by doubling: again the later. */
		const char *sql = nested_end(p);

		end = quoted_end(p, '\'', true);
		return end > sql ? end : sql;
	}
	if (*p == '"')
		return quoted_end(p, '"', true);
	end = literal_end(p);
	if (end)
		return end;
	while (*p && !isspace((unsigned char)*p) && !(in_url && *p == '&')) {
		if (*p == '\\' && p[1])
			p++;
		p++;
	}
	return p;
}

static bool
word_ends(const char *word, size_t n, const char *tail)
{
	size_t t = strlen(tail);

	return n >= t && strncasecmp(word + n - t, tail, t) == 0;
}

static bool
is_secret_name(const char *word, size_t n)
{
	static const char *const tails[] = {
	    "password", "passwd", "passphrase", "pwd",        "secret",
	    "token",    "apikey", "api_key",    "client_key", "server_key",
	};
	size_t i;

	for (i = 0; i < PGT_LEN(tails); i++)
		if (word_ends(word, n, tails[i]))
			return true;
	return false;
}

/* Past = : := => and the blanks around it; NULL when none follows. */
static const char *
skip_assign(const char *p)
{
	if (*p == '"' || *p == '\'') /* the name itself was quoted */
		p++;
	p = skip_blanks(p);
	if (p[0] == ':' && p[1] == ':')
		return NULL; /* a cast */
	if ((p[0] == ':' && p[1] == '=') || (p[0] == '=' && p[1] == '>'))
		return skip_blanks(p + 2);
	if (*p == '=' || *p == ':')
		return skip_blanks(p + 1);
	return NULL;
}

/* A word of n bytes has been read: hide the secret after it, if one follows. */
static const char *
after_word(struct scan *s, const char *word, size_t n)
{
	const char *p = word + n, *value, *end;

	if (is_secret_name(word, n)) {
		value = skip_assign(p);
		if (value) {
			end = value_end(value, word > s->begin && strchr("?&", word[-1]));
			if (end > value)
				hide(s, value, end);
			return end;
		}
		value = skip_blanks(p);
		end = literal_end(value);
		/* In 'a password' the quote ends a literal; '' would begin one in it. */
		if (s->in_quote && *value == '\'' && value[1] != '\'')
			end = NULL;
		if (end) {
			hide(s, value, end);
			return end;
		}
	}
	if (n == 13 && strncasecmp(word, "authorization", n) == 0) {
		value = skip_assign(p);
		if (value && *value) {
			end = value + strcspn(value, "\r\n");
			hide(s, value, end);
			return end;
		}
	}
	if (n == 6 && strncasecmp(word, "bearer", n) == 0 && *p == ' ') {
		end = p + 1 + strcspn(p + 1, " \t\r\n'\"");
		if (end - p > 8) { /* a word of a sentence is shorter than a token */
			hide(s, p + 1, end);
			return end;
		}
	}
	return p;
}

/* p stands behind "://": hide what is between the user's colon and the last @
 * of the authority. */
static const char *
after_scheme(struct scan *s, const char *p)
{
	size_t n = strcspn(p, "/?# \t\r\n'\"<>");
	const char *colon = memchr(p, ':', n), *at = memrchr(p, '@', n);

	if (!colon)
		return p;
	/* No port follows the colon: a password with a raw slash, then. */
	if (!at && strspn(colon + 1, "0123456789,:]") < (size_t)(p + n - colon - 1))
		at = memrchr(p, '@', strcspn(p, " \t\r\n'\"<>"));
	if (!at)
		return p;
	if (colon + 1 < at)
		hide(s, colon + 1, at);
	return at;
}

char *
pgt_safetext_redact(const char *text)
{
	struct scan s = {.p = text, .begin = text};
	const char *p = text, *word;

	if (!text)
		return NULL;
	pgt_buf_init(&s.out, SIZE_MAX / 4);
	while (*p) {
		if (is_word(*p)) {
			for (word = p; is_word(*p);)
				p++;
			p = after_word(&s, word, (size_t)(p - word));
		} else if (strncmp(p, "://", 3) == 0) {
			p = after_scheme(&s, p + 3);
		} else {
			s.in_quote ^= *p == '\'';
			p++;
		}
	}
	pgt_buf_put(&s.out, s.p, strlen(s.p));
	return pgt_buf_take(&s.out);
}
