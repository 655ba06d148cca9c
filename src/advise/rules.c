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

/* ---- a user's own file ---- */

static int
check_profile_line(const char *key, const char *value, struct pgt_err *err)
{
	const struct pgt_knob *k = pgt_knob_find(key);
	double v;

	if (strcmp(key, "class") == 0 || strcmp(key, "only") == 0)
		return 0;
	if (!k)
		return pgt_err_set(err, PGT_E_PARSE, "the table has no setting \"%.60s\"",
				   key);
	if (k->risk == PGT_RISK_DURABILITY)
		return pgt_err_set(err, PGT_E_PARSE,
				   "%s can lose data: no profile sets it", key);
	if (*value == '=')
		return pgt_knob_parse(k, value + 1, 1, &v, err);
	if (strcmp(value, "-") == 0 || (pgt_parse_double(value, &v) && v > 0))
		return 0;
	return pgt_err_set(err, PGT_E_PARSE,
			   "%s: \"%.60s\" is neither a factor, =value nor -", key, value);
}

static int
check_line(const struct adv_rules *known, const struct adv_rule *row, struct pgt_err *err)
{
	const char *was = adv_rules_find(known, row->section, row->key);
	double v;

	if (pgt_str_starts(row->section, "profile "))
		return check_profile_line(row->key, row->value, err);
	if (!was)
		return pgt_err_set(err, PGT_E_PARSE, "no \"%.60s\" in [%.60s]", row->key,
				   row->section);
	if (strcmp(row->section, "statement") != 0 && !pgt_parse_double(row->value, &v))
		return pgt_err_set(err, PGT_E_PARSE, "%s: \"%.60s\" is not a number",
				   row->key, row->value);
	return 0;
}

int
pgt_advise_rules_check(const char *rules, const char *own, struct pgt_err *err)
{
	struct pgt_arena *a = pgt_arena_new(4u << 20);
	struct adv_rules known, mine;
	int rc = 0;

	adv_rules_parse(a, rules, &known);
	adv_rules_parse(a, own, &mine);
	for (size_t i = 0; i < mine.n && rc == 0; i++)
		rc = check_line(&known, &mine.row[i], err);
	pgt_arena_free(a);
	return rc;
}
