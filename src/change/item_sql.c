/* Statements of items, their inverses, and the comparison on which every
 * restore hangs. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/changeset.h"
#include "pg2une/pg/quote.h"
#include "sqltext_priv.h"

#define VALUE_MAX 65536

/* Names that the server folds when it splits the list. */
static bool
folds(const char *name)
{
	return strcasecmp(name, "search_path") == 0 ||
	       strcasecmp(name, "temp_tablespaces") == 0;
}

/* a.b.c, each part quoted where it must be. */
static char *
parameter_ident(const char *name, struct pgt_err *err)
{
	struct pgt_buf b;
	char *part, *quoted;
	size_t len;

	pgt_buf_init(&b, VALUE_MAX);
	for (;;) {
		len = strcspn(name, ".");
		part = pgt_xstrndup(name, len);
		quoted = pgt_quote_ident_min(part, err);
		free(part);
		if (!quoted) {
			pgt_buf_done(&b);
			return NULL;
		}
		pgt_buf_puts(&b, quoted);
		free(quoted);
		if (name[len] == '\0')
			return pgt_buf_take(&b);
		pgt_buf_putc(&b, '.');
		name += len + 1;
	}
}

/* One literal; for a list one for each element: ='a, b' would be one name. */
static char *
setting_value(const char *name, const char *value, struct pgt_err *err)
{
	char **list = NULL, *quoted;
	size_t n = 0, i;
	struct pgt_buf b;

	if (!pgt_quote_is_list_setting(name))
		return pgt_quote_literal(value, err);
	if (pgt_listval_split(value, folds(name), &list, &n, err) < 0)
		return NULL;
	if (n == 0) {
		pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "%s: an empty list cannot be written exactly; RESET it instead",
		    name);
		return NULL;
	}
	pgt_buf_init(&b, VALUE_MAX);
	for (i = 0; i < n; i++) {
		quoted = pgt_quote_literal(list[i], err);
		if (!quoted || b.overflow) {
			free(quoted);
			pgt_buf_done(&b);
			pgt_sql_list_free(list, n);
			return NULL;
		}
		pgt_buf_printf(&b, "%s%s", i ? ", " : "", quoted);
		free(quoted);
	}
	pgt_sql_list_free(list, n);
	return pgt_buf_take(&b);
}

/* The texts of an item, quoted; {key} of the templates. */
struct parts {
	char *name, *value, *database, *role, *schema, *table;
};

static void
parts_done(struct parts *p)
{
	free(p->name);
	free(p->value);
	free(p->database);
	free(p->role);
	free(p->schema);
	free(p->table);
}

static bool
quote_into(const char *raw, char **ret, struct pgt_err *err)
{
	if (raw)
		*ret = pgt_quote_ident_min(raw, err);
	return !raw || *ret;
}

static bool
is_parameter(const struct pgt_item *item)
{
	return pgt_item_is_setting(item) || item->kind == PGT_ITEM_TABLE_OPTION;
}

/* false with err: some text cannot be quoted. */
static bool
parts_make(const struct pgt_item *item, const char *value, struct parts *p,
	   struct pgt_err *err)
{
	memset(p, 0, sizeof(*p));
	p->name = is_parameter(item) ? parameter_ident(item->name, err)
				     : pgt_quote_ident_min(item->name, err);
	if (!p->name)
		return false;
	if (value) {
		p->value = pgt_item_is_setting(item)
			       ? setting_value(item->name, value, err)
			       : pgt_quote_literal(value, err);
		if (!p->value)
			return false;
	}
	return quote_into(item->database, &p->database, err) &&
	       quote_into(item->role, &p->role, err) &&
	       quote_into(item->schema, &p->schema, err) &&
	       quote_into(item->table, &p->table, err);
}

static char *
fill(const char *stmt, const struct pgt_item *item, const char *value,
     struct pgt_err *err)
{
	struct parts p;
	char *sql = NULL;

	if (parts_make(item, value, &p, err)) {
		struct pgt_fill fills[] = {
		    {"name", p.name},	  {"value", p.value}, {"database", p.database},
		    {"role", p.role},	  {"schema", p.schema}, {"table", p.table},
		    {"definition", item->definition}, {NULL, NULL},
		};

		sql = pgt_change_stmt(stmt, fills);
	}
	parts_done(&p);
	return sql;
}

/* SET to value or, when NULL, RESET. */
static char *
parameter_sql(const struct pgt_item *item, const char *value, struct pgt_err *err)
{
	static const char *const stmts[][2] = {
	    [PGT_ITEM_SETTING] = {"system_reset", "system_set"},
	    [PGT_ITEM_DB_SETTING] = {"database_reset", "database_set"},
	    [PGT_ITEM_ROLE_SETTING] = {"role_reset", "role_set"},
	    [PGT_ITEM_ROLE_DB_SETTING] = {"role_database_reset", "role_database_set"},
	    [PGT_ITEM_TABLE_OPTION] = {"table_reset", "table_set"},
	};

	return fill(stmts[item->kind][value != NULL], item, value, err);
}

char *
pgt_item_managed_value(const struct pgt_item *item)
{
	cJSON *v = item->value ? cJSON_CreateString(item->value) : NULL;
	char *text = v ? pgt_json_print(v, false) : NULL;

	cJSON_Delete(v);
	return text;
}

/* The request to the manager; value is JSON text, NULL removes the setting. */
static char *
patch_text(const struct pgt_item *item, const char *value)
{
	cJSON *body = cJSON_CreateObject(), *v;
	char *text, *out;

	v = value ? pgt_json_parse(value, strlen(value), VALUE_MAX, NULL) : NULL;
	pgt_json_item(pgt_json_obj(pgt_json_obj(body, "postgresql"), "parameters"),
		      item->name, v ? v : cJSON_CreateNull());
	text = pgt_json_print(body, false);
	cJSON_Delete(body);
	out = pgt_xasprintf("PATCH %s/config %s", item->manager ? item->manager : "",
			    text);
	free(text);
	return out;
}

char *
pgt_item_sql(const struct pgt_item *item, struct pgt_err *err)
{
	if (item->managed) {
		char *value = pgt_item_managed_value(item);
		char *text = patch_text(item, value);

		free(value);
		return text;
	}
	switch (item->kind) {
	case PGT_ITEM_SETTING:
	case PGT_ITEM_DB_SETTING:
	case PGT_ITEM_ROLE_SETTING:
	case PGT_ITEM_ROLE_DB_SETTING:
	case PGT_ITEM_TABLE_OPTION:
		return parameter_sql(item, item->value, err);
	case PGT_ITEM_INDEX_CREATE:
		return fill(item->unique ? "index_create_unique" : "index_create", item,
			    NULL, err);
	case PGT_ITEM_INDEX_DROP:
		return fill("index_drop", item, NULL, err);
	case PGT_ITEM_INDEX_REINDEX:
		return fill("index_reindex", item, NULL, err);
	case PGT_ITEM_STATISTICS:
		return fill("statistics_create", item, NULL, err);
	}
	pgt_err_set(err, PGT_E_UNSUPPORTED, "unknown kind of item");
	return NULL;
}

/* ---- inverse ---- */

struct stmts {
	char **list;
	size_t n;
	bool failed;
};

static void
add_stmt(struct stmts *s, char *take_sql)
{
	if (!take_sql) {
		s->failed = true;
		return;
	}
	s->list = pgt_xreallocarray(s->list, s->n + 1, sizeof(*s->list));
	s->list[s->n++] = take_sql;
}

/* pg_get_indexdef()'s text with CONCURRENTLY put in. */
static char *
concurrently(const char *indexdef, struct pgt_err *err)
{
	const char *at = strstr(indexdef, " INDEX ");
	const char *tail;

	if (!at || strncmp(indexdef, "CREATE ", 7) != 0 || at - indexdef > 14) {
		pgt_err_set(err, PGT_E_STATE, "not the definition of an index: %.200s",
			    indexdef);
		return NULL;
	}
	tail = at + strlen(" INDEX ");
	return pgt_xasprintf("%.*s CONCURRENTLY %s", (int)(tail - indexdef - 1), indexdef,
			     tail);
}

static bool
has_word(const char *words, const char *word, size_t len)
{
	const char *s = words;

	while (s && *s) {
		size_t n = strcspn(s, "\n");

		if (n == len && memcmp(s, word, len) == 0)
			return true;
		s += n + (s[n] == '\n');
	}
	return false;
}

/* Pieces that are there now and were not before; each is quoted already. */
static size_t
new_leftovers(const struct pgt_prev *prev, const struct pgt_prev *now, struct stmts *out)
{
	const char *s = now->leftovers;
	size_t n, found = 0;
	char *piece;

	for (; s && *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		if (n == 0 || has_word(prev->leftovers, s, n))
			continue;
		found++;
		if (!out)
			continue;
		piece = pgt_xstrndup(s, n);
		add_stmt(out, pgt_change_stmt(
				  "index_drop_piece",
				  (struct pgt_fill[]){{"piece", piece}, {NULL, NULL}}));
		free(piece);
	}
	return found;
}

int
pgt_item_inverse(const struct pgt_item *item, const struct pgt_prev *prev,
		 const struct pgt_prev *now, char ***ret, size_t *ret_n,
		 struct pgt_err *err)
{
	struct stmts s = {0};

	switch (item->kind) {
	case PGT_ITEM_SETTING:
	case PGT_ITEM_DB_SETTING:
	case PGT_ITEM_ROLE_SETTING:
	case PGT_ITEM_ROLE_DB_SETTING:
	case PGT_ITEM_TABLE_OPTION:
		if (item->managed)
			add_stmt(&s, patch_text(item, prev->present ? prev->text
								    : NULL));
		else
			add_stmt(&s, parameter_sql(
					 item, prev->present ? prev->text : NULL, err));
		break;
	case PGT_ITEM_INDEX_CREATE:
		add_stmt(&s, fill("index_drop", item, NULL, err));
		break;
	case PGT_ITEM_INDEX_DROP:
		if (now && now->present) /* a stopped DROP left it invalid */
			add_stmt(&s, fill("index_drop", item, NULL, err));
		add_stmt(&s, concurrently(prev->text ? prev->text : "", err));
		break;
	case PGT_ITEM_INDEX_REINDEX:
		if (now)
			new_leftovers(prev, now, &s);
		break;
	case PGT_ITEM_STATISTICS:
		add_stmt(&s, fill("statistics_drop", item, NULL, err));
		break;
	}
	if (s.failed) {
		pgt_sql_list_free(s.list, s.n);
		return -1;
	}
	*ret = s.list;
	*ret_n = s.n;
	return 0;
}

/* ---- comparison ---- */

static bool
same_list(const char *a, const char *b, bool fold)
{
	char **la = NULL, **lb = NULL;
	size_t na = 0, nb = 0, i;
	bool same = false;

	if (pgt_listval_split(a, fold, &la, &na, NULL) == 0 &&
	    pgt_listval_split(b, fold, &lb, &nb, NULL) == 0 && na == nb) {
		same = true;
		for (i = 0; i < na; i++)
			same = same && strcmp(la[i], lb[i]) == 0;
	}
	pgt_sql_list_free(la, na);
	pgt_sql_list_free(lb, nb);
	return same;
}

/* Exact text; lists by their elements, which the server rewrites. */
static bool
same_value(const struct pgt_item *item, const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	if (strcmp(a, b) == 0)
		return true;
	return pgt_item_is_setting(item) && !item->managed &&
	       pgt_quote_is_list_setting(item->name) &&
	       same_list(a, b, folds(item->name));
}

bool
pgt_item_is_before(const struct pgt_item *item, const struct pgt_prev *prev,
		   const struct pgt_prev *now)
{
	if (!now->known || !prev->known || prev->present != now->present)
		return false;
	if (item->kind == PGT_ITEM_INDEX_REINDEX)
		return now->valid == prev->valid && new_leftovers(prev, now, NULL) == 0;
	if (item->kind == PGT_ITEM_INDEX_DROP && now->valid != prev->valid)
		return false;
	return !now->present || same_value(item, prev->text, now->text);
}

/* now: what the manager says it sets, JSON text. */
static bool
is_patched(const struct pgt_item *item, const char *now)
{
	char *ours = pgt_item_managed_value(item);
	bool same = ours && now && strcmp(ours, now) == 0;

	free(ours);
	return same;
}

bool
pgt_item_is_ours(const struct pgt_item *item, const struct pgt_prev *prev,
		 const struct pgt_prev *now)
{
	if (!now->known)
		return false;
	switch (item->kind) {
	case PGT_ITEM_SETTING:
	case PGT_ITEM_DB_SETTING:
	case PGT_ITEM_ROLE_SETTING:
	case PGT_ITEM_ROLE_DB_SETTING:
	case PGT_ITEM_TABLE_OPTION:
		return now->present == (item->value != NULL) &&
		       (!now->present || (item->managed ? is_patched(item, now->text)
							: same_value(item, item->value,
								     now->text)));
	case PGT_ITEM_INDEX_CREATE:
	case PGT_ITEM_STATISTICS:
		return now->present && !prev->present;
	case PGT_ITEM_INDEX_DROP:
		return !now->present || !now->valid;
	case PGT_ITEM_INDEX_REINDEX:
		return now->present && new_leftovers(prev, now, NULL) > 0;
	}
	return false;
}
