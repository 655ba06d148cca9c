/* The rules file: sections, "key = value", comments with "--". */
#include <stdarg.h>
#include <string.h>

#include "advise_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/str.h"

#define LINES_MAX 2000

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (*s == ' ' || *s == '\t')
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = '\0';
	return s;
}

void
adv_rules_parse(struct pgt_arena *a, const char *text, struct adv_rules *ret)
{
	const char *section = "";
	char *at = pgt_arena_strdup(a, text ? text : ""), *line, *eq;

	ret->row = pgt_arena_array(a, LINES_MAX, sizeof(*ret->row));
	ret->n = 0;
	while (at && *at && ret->n < LINES_MAX) {
		line = at;
		at = strchr(at, '\n');
		if (at)
			*at++ = '\0';
		line = trim(line);
		if (!*line || pgt_str_starts(line, "--"))
			continue;
		if (*line == '[') {
			line[strcspn(line, "]")] = '\0';
			section = trim(line + 1);
			continue;
		}
		eq = strchr(line, '=');
		if (!eq)
			continue;
		*eq = '\0';
		ret->row[ret->n++] = (struct adv_rule){section, trim(line), trim(eq + 1)};
	}
}

/* The last one wins: a user's lines follow the program's own. */
const char *
adv_rules_find(const struct adv_rules *r, const char *section, const char *key)
{
	for (size_t i = r->n; i > 0; i--)
		if (strcmp(r->row[i - 1].key, key) == 0 &&
		    strcmp(r->row[i - 1].section, section) == 0)
			return r->row[i - 1].value;
	return NULL;
}

double
adv_rule(const struct adv_ctx *c, const char *section, const char *key)
{
	const char *text = adv_rules_find(&c->rules, section, key);
	double v;

	return text && pgt_parse_double(text, &v) ? v : NAN;
}

/* The text for a word of len bytes among the pairs. */
static const char *
argument(va_list ap, const char *word, size_t len)
{
	const char *name, *value;

	while ((name = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		if (strlen(name) == len && memcmp(name, word, len) == 0)
			return value;
	}
	return NULL;
}

const char *
adv_sql(const struct adv_ctx *c, const char *name, ...)
{
	const char *t = adv_rules_find(&c->rules, "statement", name), *value, *ret;
	struct pgt_buf b;
	size_t len;
	va_list ap;

	pgt_buf_init(&b, 16384);
	while (t && *t) {
		len = strcspn(t, "{");
		pgt_buf_put(&b, t, len);
		t += len;
		if (!*t)
			break;
		len = strcspn(++t, "}");
		va_start(ap, name);
		value = argument(ap, t, len);
		va_end(ap);
		if (!value) {
			t = NULL;
			break;
		}
		pgt_buf_puts(&b, value);
		t += len + (t[len] == '}');
	}
	ret = t && !b.overflow ? pgt_arena_strdup(c->a, pgt_buf_str(&b)) : NULL;
	pgt_buf_done(&b);
	return ret;
}
