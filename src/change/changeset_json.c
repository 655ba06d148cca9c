#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/change/changeset.h"

#define FILE_MAX (1024 * 1024)

/* ---- reading ---- */

static const struct member {
	const char *name;
	size_t offset;
} members[] = {
    {"name", offsetof(struct pgt_item, name)},
    {"value", offsetof(struct pgt_item, value)},
    {"database", offsetof(struct pgt_item, database)},
    {"role", offsetof(struct pgt_item, role)},
    {"schema", offsetof(struct pgt_item, schema)},
    {"table", offsetof(struct pgt_item, table)},
    {"definition", offsetof(struct pgt_item, definition)},
    {"manager", offsetof(struct pgt_item, manager)},
    {"why", offsetof(struct pgt_item, why)},
};

static char **
member_text(struct pgt_item *item, const char *name)
{
	size_t i;

	for (i = 0; i < PGT_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return (char **)(void *)((char *)item + members[i].offset);
	return NULL;
}

/* Values may be written as text, number or boolean; a list as an array. */
static char *
value_text(const cJSON *v, struct pgt_err *err)
{
	struct pgt_buf b;
	const cJSON *e;

	if (cJSON_IsString(v))
		return pgt_xstrdup(v->valuestring);
	if (cJSON_IsBool(v))
		return pgt_xstrdup(cJSON_IsTrue(v) ? "on" : "off");
	if (cJSON_IsNumber(v))
		return pgt_json_print(v, false);
	if (!cJSON_IsArray(v)) {
		pgt_err_set(err, PGT_E_PARSE,
			    "a value must be text, a number, true, false, a "
			    "list of texts or null");
		return NULL;
	}
	pgt_buf_init(&b, FILE_MAX);
	cJSON_ArrayForEach(e, v)
	{
		const char *s;

		if (!cJSON_IsString(e)) {
			pgt_buf_done(&b);
			pgt_err_set(err, PGT_E_PARSE, "a list must hold texts");
			return NULL;
		}
		pgt_buf_puts(&b, b.len ? ", \"" : "\"");
		for (s = e->valuestring; *s; s++)
			pgt_buf_puts(&b, *s == '"' ? "\"\"" : (char[]){*s, '\0'});
		pgt_buf_putc(&b, '"');
	}
	return pgt_buf_take(&b);
}

static int
read_kind(const cJSON *obj, enum pgt_item_kind *ret, struct pgt_err *err)
{
	const char *name = NULL;
	int k;

	if (!pgt_json_get_str(obj, "kind", &name)) {
		*ret = PGT_ITEM_SETTING;
		return 0;
	}
	for (k = PGT_ITEM_SETTING; k <= PGT_ITEM_LAST; k++)
		if (strcmp(pgt_item_kind_name((enum pgt_item_kind)k), name) == 0) {
			*ret = (enum pgt_item_kind)k;
			return 0;
		}
	return pgt_err_set(err, PGT_E_PARSE, "unknown kind of item: %.60s", name);
}

/* What we print for people and do not read back. */
static bool
is_told_only(const char *name)
{
	static const char *const told[] = {"kind", "sql",    "inverse", "inverse_text",
					   "prev", "intent", "done",    "rollback"};
	size_t i;

	for (i = 0; i < PGT_LEN(told); i++)
		if (strcmp(told[i], name) == 0)
			return true;
	return false;
}

static int
read_member(struct pgt_item *item, const cJSON *m, struct pgt_err *err)
{
	char **text = member_text(item, m->string);

	if (strcmp(m->string, "unique") == 0 && cJSON_IsBool(m)) {
		item->unique = cJSON_IsTrue(m);
		return 0;
	}
	if (strcmp(m->string, "managed") == 0 && cJSON_IsBool(m)) {
		item->managed = cJSON_IsTrue(m);
		return 0;
	}
	if (is_told_only(m->string))
		return 0;
	if (!text)
		return pgt_err_set(err, PGT_E_PARSE, "an item has no member \"%.60s\"",
				   m->string);
	if (cJSON_IsNull(m))
		return 0;
	free(*text);
	if (strcmp(m->string, "value") == 0) {
		*text = value_text(m, err);
		return *text ? 0 : -1;
	}
	if (!cJSON_IsString(m)) {
		*text = NULL;
		return pgt_err_set(err, PGT_E_PARSE, "\"%.60s\" must be text", m->string);
	}
	*text = pgt_xstrdup(m->valuestring);
	return 0;
}

static int
read_item(struct pgt_changeset *cs, const cJSON *obj, struct pgt_err *err)
{
	struct pgt_item item = {0};
	const cJSON *m;

	if (!cJSON_IsObject(obj))
		return pgt_err_set(err, PGT_E_PARSE, "an item must be an object");
	if (read_kind(obj, &item.kind, err) < 0)
		return -1;
	cJSON_ArrayForEach(m, obj) if (read_member(&item, m, err) < 0)
	{
		pgt_item_done(&item);
		return -1;
	}
	return pgt_changeset_add(cs, &item, err);
}

/* T4's own form: {"name": ..., "new_value": ...}. */
static int
read_parameter(struct pgt_changeset *cs, const cJSON *obj, struct pgt_err *err)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(obj, "new_value");
	struct pgt_item item = {.kind = PGT_ITEM_SETTING};
	const char *name;

	if (!pgt_json_get_str(obj, "name", &name) || !value)
		return pgt_err_set(err, PGT_E_PARSE,
				   "a parameter needs \"name\" and \"new_value\"");
	if (!cJSON_IsNull(value)) {
		item.value = value_text(value, err);
		if (!item.value)
			return -1;
	}
	item.name = pgt_xstrdup(name);
	return pgt_changeset_add(cs, &item, err);
}

static int
read_id(struct pgt_changeset *cs, const cJSON *json, struct pgt_err *err)
{
	const char *id;

	/* drawn only here: a journal is read often, by a guard too */
	if (!pgt_json_get_str(json, "id", &id)) {
		pgt_digest_uuid(cs->id);
		return 0;
	}
	/* it becomes part of a file's name */
	if (strlen(id) != 36 || strspn(id, "0123456789abcdef-") != 36)
		return pgt_err_set(err, PGT_E_PARSE,
				   "\"id\" is not a UUID in lower case");
	memcpy(cs->id, id, 37);
	return 0;
}

static int
read_fingerprint(struct pgt_changeset *cs, const cJSON *json, struct pgt_err *err)
{
	const char *fp;

	if (!pgt_json_get_str(json, "fingerprint", &fp) || !*fp)
		return 0;
	if (strlen(fp) != 64 || strspn(fp, "0123456789abcdef") != 64)
		return pgt_err_set(err, PGT_E_PARSE, "\"fingerprint\" is not a SHA-256");
	memcpy(cs->fingerprint, fp, 65);
	return 0;
}

static void
read_time(const cJSON *json, const char *name, int64_t *ret)
{
	const char *text;

	if (pgt_json_get_str(json, name, &text))
		pgt_clock_parse_iso8601(text, ret);
}

int
pgt_changeset_from_json(const cJSON *json, struct pgt_changeset **ret,
			struct pgt_err *err)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(json, "items");
	const cJSON *params = cJSON_GetObjectItemCaseSensitive(json, "parameters"), *e;
	struct pgt_changeset *cs;
	const char *note;

	if (!cJSON_IsObject(json) || (!cJSON_IsArray(items) && !cJSON_IsArray(params)))
		return pgt_err_set(
		    err, PGT_E_PARSE,
		    "a changeset is an object with \"items\" or \"parameters\"");
	cs = pgt_xcalloc(1, sizeof(*cs));
	cs->created_ns = pgt_clock_real_ns();
	if (read_id(cs, json, err) < 0 || read_fingerprint(cs, json, err) < 0)
		goto fail;
	read_time(json, "created_at", &cs->created_ns);
	read_time(json, "applied_at", &cs->applied_ns);
	read_time(json, "rolled_back_at", &cs->rolled_back_ns);
	if (pgt_json_get_str(json, "note", &note))
		cs->note = pgt_safetext(note, PGT_SAFE_LINE, 1024);
	if (cJSON_IsArray(items)) {
		cJSON_ArrayForEach(e, items) if (read_item(cs, e, err) < 0) goto fail;
	} else {
		cJSON_ArrayForEach(e,
				   params) if (read_parameter(cs, e, err) < 0) goto fail;
	}
	if (cs->n_items == 0) {
		pgt_err_set(err, PGT_E_PARSE, "the changeset is empty");
		goto fail;
	}
	*ret = cs;
	return 0;

fail:
	pgt_changeset_free(cs);
	return -1;
}

int
pgt_changeset_parse(const char *text, size_t len, struct pgt_changeset **ret,
		    struct pgt_err *err)
{
	cJSON *json = pgt_json_parse(text, len, FILE_MAX, err);
	int rc;

	if (!json)
		return -1;
	rc = pgt_changeset_from_json(json, ret, err);
	cJSON_Delete(json);
	return rc;
}

int
pgt_changeset_load(const char *path, struct pgt_changeset **ret, struct pgt_err *err)
{
	struct pgt_buf b;
	int rc;

	pgt_buf_init(&b, FILE_MAX);
	rc = pgt_file_read(path, &b, err);
	if (rc == 0) {
		rc = pgt_changeset_parse(pgt_buf_str(&b), b.len, ret, err);
		if (rc < 0)
			pgt_err_prefix(err, "%s", path);
	}
	pgt_buf_done(&b);
	return rc;
}

/* ---- writing ---- */

static void
put_time(cJSON *obj, const char *name, int64_t real_ns)
{
	char buf[40];

	pgt_json_str(obj, name,
		     real_ns ? pgt_clock_iso8601(real_ns, buf, sizeof(buf)) : NULL);
}

static void
put_sql(cJSON *obj, const struct pgt_item *item, const struct pgt_prev *prev)
{
	char *sql = pgt_item_sql(item, NULL), **inverse = NULL;
	struct pgt_buf all;
	size_t n = 0, i;
	cJSON *arr;

	pgt_json_str(obj, "sql", sql);
	free(sql);
	if (!prev || !prev->known ||
	    pgt_item_inverse(item, prev, NULL, &inverse, &n, NULL) < 0)
		return;
	arr = pgt_json_arr(obj, "inverse");
	pgt_buf_init(&all, FILE_MAX);
	for (i = 0; i < n; i++) {
		pgt_json_str(arr, NULL, inverse[i]);
		pgt_buf_printf(&all, "%s%s", i ? "; " : "", inverse[i]);
	}
	pgt_json_str(obj, "inverse_text", n ? pgt_buf_str(&all) : "nothing to undo");
	pgt_buf_done(&all);
	pgt_sql_list_free(inverse, n);
	pgt_json_item(obj, "prev", pgt_prev_json(prev));
}

static void
put_item(cJSON *arr, const struct pgt_item *item, const struct pgt_prev *prev)
{
	cJSON *obj = pgt_json_obj(arr, NULL);
	size_t i;

	pgt_json_str(obj, "kind", pgt_item_kind_name(item->kind));
	for (i = 0; i < PGT_LEN(members); i++) {
		const char *text = *(char *const *)(const void *)((const char *)item +
								  members[i].offset);

		if (text ||
		    (strcmp(members[i].name, "value") == 0 &&
		     (pgt_item_is_setting(item) || item->kind == PGT_ITEM_TABLE_OPTION)))
			pgt_json_str(obj, members[i].name, text);
	}
	if (item->unique)
		pgt_json_bool(obj, "unique", true);
	if (item->managed)
		pgt_json_bool(obj, "managed", true);
	put_sql(obj, item, prev);
}

/* T4's ParamChange: what the plan of pgdba names. */
static void
put_parameter(cJSON *arr, const struct pgt_item *item, const struct pgt_prev *prev)
{
	cJSON *obj = pgt_json_obj(arr, NULL);
	bool known = prev && prev->known;

	pgt_json_str(obj, "name", item->name);
	pgt_json_str(obj, "old_value",
		     known ? (prev->effective ? prev->effective : prev->text) : NULL);
	pgt_json_str(obj, "new_value", item->value);
	pgt_json_str(obj, "context", known ? prev->context : NULL);
	pgt_json_bool(obj, "needs_restart",
		      known && prev->context && strcmp(prev->context, "postmaster") == 0);
	pgt_json_bool(obj, "patroni_override", item->managed);
}

cJSON *
pgt_changeset_json(const struct pgt_changeset *cs, const struct pgt_prev *prevs)
{
	cJSON *json = cJSON_CreateObject(), *params, *items;
	size_t i;

	pgt_json_str(json, "id", cs->id);
	pgt_json_str(json, "fingerprint", cs->fingerprint);
	pgt_json_str(json, "note", cs->note);
	put_time(json, "created_at", cs->created_ns);
	put_time(json, "applied_at", cs->applied_ns);
	put_time(json, "rolled_back_at", cs->rolled_back_ns);
	params = pgt_json_arr(json, "parameters");
	items = pgt_json_arr(json, "items");
	for (i = 0; i < cs->n_items; i++) {
		const struct pgt_prev *prev = prevs ? &prevs[i] : NULL;

		put_item(items, &cs->items[i], prev);
		if (cs->items[i].kind == PGT_ITEM_SETTING)
			put_parameter(params, &cs->items[i], prev);
	}
	return json;
}

/* ---- the state before ---- */

void
pgt_prev_done(struct pgt_prev *p)
{
	free(p->text);
	free(p->leftovers);
	free(p->effective);
	free(p->source);
	free(p->sourcefile);
	free(p->context);
	memset(p, 0, sizeof(*p));
}

cJSON *
pgt_prev_json(const struct pgt_prev *p)
{
	cJSON *obj = cJSON_CreateObject();

	pgt_json_bool(obj, "known", p->known);
	pgt_json_bool(obj, "present", p->present);
	pgt_json_str(obj, "text", p->text);
	pgt_json_bool(obj, "valid", p->valid);
	pgt_json_str(obj, "leftovers", p->leftovers);
	pgt_json_str(obj, "effective", p->effective);
	pgt_json_str(obj, "source", p->source);
	pgt_json_str(obj, "sourcefile", p->sourcefile);
	pgt_json_str(obj, "context", p->context);
	pgt_json_i64(obj, "sourceline", p->sourceline);
	return obj;
}

static char *
get_text(const cJSON *json, const char *name)
{
	const char *text;

	return pgt_json_get_str(json, name, &text) ? pgt_xstrdup(text) : NULL;
}

void
pgt_prev_from_json(const cJSON *json, struct pgt_prev *ret)
{
	int64_t line = 0;

	memset(ret, 0, sizeof(*ret));
	pgt_json_get_bool(json, "known", &ret->known);
	pgt_json_get_bool(json, "present", &ret->present);
	pgt_json_get_bool(json, "valid", &ret->valid);
	ret->text = get_text(json, "text");
	ret->leftovers = get_text(json, "leftovers");
	ret->effective = get_text(json, "effective");
	ret->source = get_text(json, "source");
	ret->sourcefile = get_text(json, "sourcefile");
	ret->context = get_text(json, "context");
	if (pgt_json_get_i64(json, "sourceline", &line))
		ret->sourceline = (int)line;
}
