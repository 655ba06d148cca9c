#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/confreport.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/unit.h"

#define CONF_MAX (16u << 20)

static const char *
str_of(const cJSON *row, const char *name)
{
	const char *s = NULL;

	pgt_json_get_str(row, name, &s);
	return s;
}

/* "16384" of 8kB as "128MB"; what has no unit stays. */
static void
put_shown(cJSON *row, const char *name, const char *value, const char *unit)
{
	char buf[64];
	double v;

	if (value && unit && pgt_parse_double(value, &v))
		pgt_json_str(row, name, pgt_unit_format(v, unit, buf, sizeof(buf)));
	else
		pgt_json_str(row, name, value);
}

/* ---- show ---- */

static bool
is_wanted(const cJSON *row, bool all, const struct pgt_regex *re)
{
	const char *source = str_of(row, "source"), *name = str_of(row, "name");
	bool pending = false;

	if (re)
		return name && pgt_regex_match(re, name, strlen(name));
	pgt_json_get_bool(row, "pending_restart", &pending);
	/* "override" is what the server computes or reports, not what anybody set */
	return all || pending ||
	       (source && strcmp(source, "default") != 0 &&
		strcmp(source, "override") != 0 && strcmp(source, "client") != 0 &&
		strcmp(source, "session") != 0);
}

static void
show_row(const cJSON *row, cJSON *settings, cJSON *pending_list)
{
	const char *setting = str_of(row, "setting"), *boot = str_of(row, "boot_val");
	const char *unit = str_of(row, "unit"), *file = str_of(row, "sourcefile");
	cJSON *out = cJSON_Duplicate(row, true);
	int64_t line = 0;
	bool pending = false;
	char *where = NULL;

	put_shown(out, "value", setting, unit);
	put_shown(out, "boot_value", boot, unit);
	pgt_json_bool(out, "differs_from_boot",
		      !pgt_unit_equal(setting, boot, str_of(row, "vartype"), unit));
	if (file && pgt_json_get_i64(row, "sourceline", &line))
		where = pgt_xasprintf("%s:%lld", file, (long long)line);
	pgt_json_str(out, "where", where);
	free(where);
	cJSON_AddItemToArray(settings, out);
	if (pgt_json_get_bool(row, "pending_restart", &pending) && pending)
		pgt_json_str(pending_list, NULL, str_of(row, "name"));
}

int
pgt_config_show(struct pgt_session *s, bool all, const char *match, cJSON **ret,
		struct pgt_err *err)
{
	cJSON *rows = NULL, *data = cJSON_CreateObject(), *settings, *pending, *more;
	struct pgt_regex *re = NULL;
	struct pgt_err why;
	const cJSON *row;
	int rc = -1;

	if (match && pgt_regex_new(match, PGT_RE_SMARTCASE, &re, err) < 0) {
		if (err)
			err->code = PGT_E_USAGE;
		goto out;
	}
	if (pgt_session_rows(s, "inspect_settings", NULL, 0, &rows, err) < 0)
		goto out;
	settings = pgt_json_arr(data, "settings");
	pending = pgt_json_arr(data, "pending_restart");
	cJSON_ArrayForEach(row, rows) if (is_wanted(row, all, re))
	    show_row(row, settings, pending);
	if (pgt_session_rows(s, "config_overrides", NULL, 0, &more, err) < 0)
		goto out;
	pgt_json_item(data, "overrides", more);
	if (pgt_session_rows(s, "config_file_errors", NULL, 0, &more, &why) == 0) {
		pgt_json_item(data, "file_errors", more);
	} else if (pgt_conn_state(pgt_session_conn(s)) == PGT_CONN_CLOSED) {
		if (err)
			*err = why;
		goto out;
	} else {
		pgt_json_null(data, "file_errors");
		pgt_json_str(pgt_json_arr(data, "notes"), NULL,
			     "this role may not read pg_file_settings: errors in the "
			     "files are not known");
	}
	*ret = data;
	data = NULL;
	rc = 0;
out:
	pgt_regex_free(re);
	cJSON_Delete(rows);
	cJSON_Delete(data);
	return rc;
}

/* ---- comparing ---- */

static const cJSON *
find_name(const cJSON *rows, const char *name)
{
	const cJSON *row;
	const char *n;

	cJSON_ArrayForEach(row, rows) if ((n = str_of(row, "name")) &&
					  strcasecmp(n, name) == 0) return row;
	return NULL;
}

/* The same value?  Each text may carry its own unit, or count in the setting's. */
static bool
same_value(const cJSON *a, const cJSON *b)
{
	const char *x = str_of(a, "setting"), *y = str_of(b, "setting");
	const char *vartype = str_of(a, "vartype"), *ux = str_of(a, "unit"),
		   *uy = str_of(b, "unit");
	double p, q;

	if (!vartype)
		vartype = str_of(b, "vartype");
	if (x && y && ux && uy && strcmp(ux, uy) != 0 && /* another version's base unit */
	    pgt_unit_parse(x, ux, &p, NULL) == 0 && pgt_unit_parse(y, uy, &q, NULL) == 0)
		return p == q;
	return pgt_unit_equal(x, y, vartype, ux ? ux : uy);
}

static void
put_change(cJSON *list, const cJSON *before, const cJSON *after)
{
	const cJSON *any = before ? before : after;
	const char *unit = str_of(any, "unit");
	cJSON *row = pgt_json_obj(list, NULL);

	if (!unit && after)
		unit = str_of(after, "unit");
	pgt_json_str(row, "name", str_of(any, "name"));
	put_shown(row, "before", before ? str_of(before, "setting") : NULL, unit);
	put_shown(row, "after", after ? str_of(after, "setting") : NULL, unit);
	pgt_json_str(row, "change", !before ? "added" : !after ? "removed" : "changed");
	pgt_json_str(row, "context",
		     str_of(after && str_of(after, "context") ? after : any, "context"));
}

cJSON *
pgt_config_changes(const cJSON *before, const cJSON *after)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *row, *other;

	cJSON_ArrayForEach(row, before)
	{
		other = str_of(row, "name") ? find_name(after, str_of(row, "name"))
					    : NULL;
		if (!other || !same_value(row, other))
			put_change(list, row, other);
	}
	cJSON_ArrayForEach(row, after) if (str_of(row, "name") &&
					   !find_name(before, str_of(row, "name")))
	    put_change(list, NULL, row);
	return list;
}

/* ---- against a file ---- */

/* postgresql.conf's "name = value # comment", quotes doubled or escaped. */
static bool
conf_line(char *line, char **ret_name, char *value, size_t size)
{
	char *s = line + strspn(line, " \t");
	size_t n = strcspn(s, " \t=#"), w = 0;
	char quote = 0;

	if (n == 0 || *s == '#' || *s == '\0')
		return false;
	*ret_name = s;
	s += n;
	while (*s == ' ' || *s == '\t' || *s == '=')
		*s++ = '\0';
	if (*s == '\'')
		quote = *s++;
	for (; *s && w + 1 < size; s++) {
		if (quote && *s == '\'' && s[1] != '\'')
			break;
		if (quote && (*s == '\'' || *s == '\\') && s[1])
			s++;
		if (!quote && (*s == '#' || *s == '\r'))
			break;
		value[w++] = *s;
	}
	while (!quote && w > 0 && (value[w - 1] == ' ' || value[w - 1] == '\t'))
		w--;
	value[w] = '\0';
	return true;
}

/* Rows {name, setting} of conf text; a later line wins, as in the server. */
static cJSON *
conf_rows(char *text)
{
	cJSON *rows = cJSON_CreateArray(), *row;
	char *line, *save = NULL, *name = NULL, value[4096];

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!conf_line(line, &name, value, sizeof(value)) ||
		    strncasecmp(name, "include", 7) == 0)
			continue;
		row = (cJSON *)find_name(rows, name);
		if (row)
			cJSON_DeleteItemFromObject(row, "setting");
		else
			pgt_json_str(row = pgt_json_obj(rows, NULL), "name", name);
		pgt_json_str(row, "setting", value);
	}
	return rows;
}

/* The list of settings in one of our own documents; taken out of json. */
static cJSON *
document_rows(cJSON *json)
{
	static const char *const paths[][4] = {{"settings"},
					       {"sections", "config", "data"},
					       {"sections", "config", "sample2"},
					       {"sections", "config", "sample1"}};
	cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data"), *at;
	size_t i, j;

	for (i = 0; i < PGT_LEN(paths); i++) {
		at = data ? data : json;
		for (j = 0; j < 4 && paths[i][j] && at; j++)
			at = cJSON_GetObjectItemCaseSensitive(at, paths[i][j]);
		if (cJSON_IsArray(at))
			return cJSON_Duplicate(at, true);
	}
	return NULL;
}

static int
read_rows(const char *path, cJSON **ret, struct pgt_err *err)
{
	struct pgt_buf b;
	cJSON *json, *rows = NULL;
	int rc = -1;

	pgt_buf_init(&b, CONF_MAX);
	if (pgt_file_read(path, &b, err) < 0)
		goto out;
	if (pgt_buf_str(&b)[strspn(pgt_buf_str(&b), " \t\r\n")] == '{') {
		json = pgt_json_parse(pgt_buf_str(&b), b.len, CONF_MAX, err);
		if (!json) {
			pgt_err_prefix(err, "%s", path);
			goto out;
		}
		rows = document_rows(json);
		cJSON_Delete(json);
	} else {
		rows = conf_rows(b.data ? b.data : (char[]){""});
	}
	if (!rows || !rows->child) {
		cJSON_Delete(rows);
		pgt_err_set(err, PGT_E_PARSE, "%s: no settings in it", path);
		goto out;
	}
	*ret = rows;
	rc = 0;
out:
	pgt_buf_done(&b);
	return rc;
}

static void
put_unknown(cJSON *data, cJSON *unknown, const char *name)
{
	cJSON *notes = cJSON_GetObjectItemCaseSensitive(data, "notes");
	char *safe = pgt_safetext(name, PGT_SAFE_LINE, 100);
	char *text = pgt_xasprintf("this server has no setting %s", safe);

	pgt_json_str(unknown, NULL, safe);
	pgt_json_str(notes ? notes : pgt_json_arr(data, "notes"), NULL, text);
	free(text);
	free(safe);
}

int
pgt_config_diff_file(struct pgt_session *s, const char *path, cJSON **ret,
		     struct pgt_err *err)
{
	cJSON *wanted, *rows, *data, *list, *unknown;
	const cJSON *row, *now;

	if (read_rows(path, &wanted, err) < 0)
		return -1;
	if (pgt_session_rows(s, "inspect_settings", NULL, 0, &rows, err) < 0) {
		cJSON_Delete(wanted);
		return -1;
	}
	data = cJSON_CreateObject();
	pgt_json_str(data, "against", path);
	list = pgt_json_arr(data, "differences");
	unknown = pgt_json_arr(data, "unknown");
	cJSON_ArrayForEach(row, wanted)
	{
		const char *name = str_of(row, "name");

		now = name ? find_name(rows, name) : NULL;
		if (!now && name)
			put_unknown(data, unknown, name);
		else if (now && !same_value(now, row))
			put_change(list, now, row);
	}
	cJSON_Delete(rows);
	cJSON_Delete(wanted);
	*ret = data;
	return 0;
}
