#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/change/managed.h"
#include "pg2une/change/target.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/unit.h"
#include "sqltext_priv.h"

#define ASK_NS (10 * PGT_NS_PER_S)

static char *
col_text(const struct pgt_result *r, size_t row, const char *name)
{
	const char *s = pgt_result_str(r, row, pgt_result_col(r, name));

	return s ? pgt_xstrdup(s) : NULL;
}

static bool
col_bool(const struct pgt_result *r, const char *name)
{
	return pgt_result_bool(r, 0, pgt_result_col(r, name));
}

static int
ask(struct pgt_writer *s, const char *query, const char *const *params, int n,
    struct pgt_result **ret, struct pgt_err *err)
{
	const char *sql = pgt_change_sql(query, pgt_writer_version(s));

	return pgt_writer_run(s, sql, params, n, ASK_NS, ret, err);
}

/* ---- settings ---- */

int
pgt_setting_read(struct pgt_writer *s, const char *name, struct pgt_setting_info *ret,
		 struct pgt_err *err)
{
	const char *params[] = {name}, *unparsed;
	struct pgt_result *r = NULL;
	char safe[300];

	if (ask(s, "setting", params, 1, &r, err) < 0)
		return -1;
	if (pgt_result_rows(r) != 1) {
		pgt_result_free(r);
		return pgt_err_set(err, PGT_E_PARSE,
				   "%s: the server's answer makes no sense", name);
	}
	/* the server stops at a syntax error, before postgresql.auto.conf: what that
	 * holds is then not known, and must never be taken for "no line" */
	unparsed = pgt_result_str(r, 0, pgt_result_col(r, "unparsed"));
	if (unparsed) {
		pgt_safetext_copy(safe, sizeof(safe), unparsed);
		pgt_result_free(r);
		return pgt_err_set(err, PGT_E_STATE,
				   "the configuration files cannot be read: %s", safe);
	}
	memset(ret, 0, sizeof(*ret));
	ret->name = col_text(r, 0, "name");
	ret->known = ret->name != NULL;
	ret->context = col_text(r, 0, "context");
	ret->vartype = col_text(r, 0, "vartype");
	ret->unit = col_text(r, 0, "unit");
	ret->min_val = col_text(r, 0, "min_val");
	ret->max_val = col_text(r, 0, "max_val");
	ret->enumvals = col_text(r, 0, "enumvals");
	ret->reset_val = col_text(r, 0, "reset_val");
	ret->source = col_text(r, 0, "source");
	ret->sourcefile = col_text(r, 0, "sourcefile");
	ret->sourceline = (int)pgt_result_i64(r, 0, pgt_result_col(r, "sourceline"), 0);
	ret->effective = col_text(r, 0, "effective");
	ret->pending_restart = col_bool(r, "pending_restart");
	ret->in_file = col_bool(r, "in_file");
	ret->file_text = col_text(r, 0, "file_text");
	ret->file_error = col_text(r, 0, "error");
	ret->applied = col_bool(r, "applied");
	pgt_result_free(r);
	return 0;
}

void
pgt_setting_info_done(struct pgt_setting_info *i)
{
	free(i->name);
	free(i->context);
	free(i->vartype);
	free(i->unit);
	free(i->min_val);
	free(i->max_val);
	free(i->enumvals);
	free(i->reset_val);
	free(i->source);
	free(i->sourcefile);
	free(i->effective);
	free(i->file_text);
	free(i->file_error);
	memset(i, 0, sizeof(*i));
}

static char *
dup_or_null(const char *s)
{
	return s ? pgt_xstrdup(s) : NULL;
}

int
pgt_target_managed(const struct pgt_item *item, const struct pgt_managed_probe *probe,
		   bool fresh, struct pgt_prev *ret, struct pgt_err *err)
{
	enum pgt_managed managed = PGT_MANAGED_UNKNOWN;
	char value[4096] = "";

	if (!probe || !probe->probe)
		return pgt_err_set(err, PGT_E_CONN,
				   "%s: the cluster manager is not known: say --patroni "
				   "URL",
				   item->name);
	if (probe->probe(probe->ctx, item->name, fresh, &managed, value, sizeof(value),
			 err) < 0)
		return -1;
	ret->known = true;
	ret->present = value[0] != '\0';
	ret->text = ret->present ? pgt_xstrdup(value) : NULL;
	return 0;
}

static int
read_setting(struct pgt_direct *l, const struct pgt_item *item,
	     const struct pgt_managed_probe *probe, bool fresh, struct pgt_prev *ret,
	     struct pgt_err *err)
{
	struct pgt_setting_info info;
	struct pgt_writer *s;

	if (pgt_direct_writer(l, NULL, &s, err) < 0 ||
	    pgt_setting_read(s, item->name, &info, err) < 0)
		return -1;
	if (item->managed) {
		if (pgt_target_managed(item, probe, fresh, ret, err) < 0) {
			pgt_setting_info_done(&info);
			return -1;
		}
	} else {
		ret->present = info.in_file;
		ret->text = dup_or_null(info.file_text);
	}
	ret->known = true;
	ret->effective = dup_or_null(info.effective);
	ret->source = dup_or_null(info.source);
	ret->sourcefile = dup_or_null(info.sourcefile);
	ret->sourceline = info.sourceline;
	ret->context = dup_or_null(info.context);
	ret->pending_restart = info.pending_restart;
	pgt_setting_info_done(&info);
	return 0;
}

/* ---- the other kinds ---- */

static int
read_db_role(struct pgt_writer *s, const struct pgt_item *item, struct pgt_prev *ret,
	     struct pgt_object_info *info, struct pgt_err *err)
{
	const char *params[] = {item->database, item->role, item->name};
	struct pgt_result *r = NULL;

	if (ask(s, "db_role_setting", params, 3, &r, err) < 0)
		return -1;
	info->database_known = col_bool(r, "database_known");
	info->role_known = col_bool(r, "role_known");
	info->database_owner = col_bool(r, "database_owner");
	ret->known = info->database_known && info->role_known;
	ret->present = col_bool(r, "present");
	ret->text = col_text(r, 0, "text");
	pgt_result_free(r);
	return 0;
}

static int
read_table_option(struct pgt_writer *s, const struct pgt_item *item, struct pgt_prev *ret,
		  struct pgt_object_info *info, struct pgt_err *err)
{
	const char *params[] = {item->schema, item->table, item->name};
	struct pgt_result *r = NULL;
	const char *kind;

	if (ask(s, "table_option", params, 3, &r, err) < 0)
		return -1;
	kind = pgt_result_str(r, 0, pgt_result_col(r, "relkind"));
	info->table_known = ret->known = col_bool(r, "known");
	info->table_kind = kind ? kind[0] : '\0';
	info->owner = col_bool(r, "owner");
	ret->present = col_bool(r, "present");
	ret->text = col_text(r, 0, "text");
	pgt_result_free(r);
	return 0;
}

static int
read_index(struct pgt_writer *s, const struct pgt_item *item, struct pgt_prev *ret,
	   struct pgt_object_info *info, struct pgt_err *err)
{
	const char *params[] = {item->schema, item->name, item->table};
	struct pgt_result *r = NULL;
	const char *kind;

	if (ask(s, "index_state", params, 3, &r, err) < 0)
		return -1;
	kind = pgt_result_str(r, 0, pgt_result_col(r, "table_kind"));
	info->table_known = col_bool(r, "table_known");
	info->table_kind = kind ? kind[0] : '\0';
	info->owner = col_bool(r, "owner");
	info->may_create = col_bool(r, "may_create");
	info->is_index = col_bool(r, "is_index");
	info->has_constraint = col_bool(r, "has_constraint");
	info->replica_identity = col_bool(r, "replica_identity");
	info->partitioned = col_bool(r, "partitioned");
	info->attached = col_bool(r, "attached");
	info->table_bytes = pgt_result_num(r, 0, pgt_result_col(r, "table_bytes"));
	ret->known = true;
	ret->present = col_bool(r, "present");
	ret->text = col_text(r, 0, "text");
	ret->valid = col_bool(r, "valid");
	ret->leftovers = col_text(r, 0, "leftovers");
	pgt_result_free(r);
	return 0;
}

static int
read_statistics(struct pgt_writer *s, const struct pgt_item *item, struct pgt_prev *ret,
		struct pgt_object_info *info, struct pgt_err *err)
{
	const char *params[] = {item->schema, item->name, item->table};
	struct pgt_result *r = NULL;

	if (ask(s, "statistics_state", params, 3, &r, err) < 0)
		return -1;
	info->table_known = col_bool(r, "table_known");
	info->owner = col_bool(r, "owner");
	info->may_create = col_bool(r, "may_create");
	ret->known = true;
	ret->present = col_bool(r, "present");
	ret->text = col_text(r, 0, "text");
	pgt_result_free(r);
	return 0;
}

int
pgt_target_read(struct pgt_direct *l, const struct pgt_item *item,
		const struct pgt_managed_probe *probe, bool fresh, struct pgt_prev *ret,
		struct pgt_object_info *info, struct pgt_err *err)
{
	struct pgt_object_info none = {0};
	struct pgt_prev prev = {0};
	struct pgt_writer *s;
	int rc = -1;

	if (!info)
		info = &none;
	memset(info, 0, sizeof(*info));
	if (pgt_direct_writer(l, pgt_item_database(item), &s, err) < 0)
		return -1;
	switch (item->kind) {
	case PGT_ITEM_SETTING:
		rc = read_setting(l, item, probe, fresh, &prev, err);
		break;
	case PGT_ITEM_DB_SETTING:
	case PGT_ITEM_ROLE_SETTING:
	case PGT_ITEM_ROLE_DB_SETTING:
		rc = read_db_role(s, item, &prev, info, err);
		break;
	case PGT_ITEM_TABLE_OPTION:
		rc = read_table_option(s, item, &prev, info, err);
		break;
	case PGT_ITEM_INDEX_CREATE:
	case PGT_ITEM_INDEX_DROP:
	case PGT_ITEM_INDEX_REINDEX:
		rc = read_index(s, item, &prev, info, err);
		break;
	case PGT_ITEM_STATISTICS:
		rc = read_statistics(s, item, &prev, info, err);
		break;
	}
	if (rc < 0) {
		pgt_prev_done(&prev);
		return -1;
	}
	*ret = prev;
	return 0;
}

/* ---- the configuration files ---- */

static bool
is_ours(const struct pgt_changeset *cs, const char *name)
{
	size_t i;

	for (i = 0; cs && i < cs->n_items; i++)
		if (cs->items[i].kind == PGT_ITEM_SETTING &&
		    strcasecmp(cs->items[i].name, name) == 0)
			return true;
	return false;
}

/* Check hooks change the case of names of zones, locales and styles. */
static bool
same_in_file(const char *text, const char *now, const char *vartype, const char *unit)
{
	if (!text || !now)
		return false;
	if (vartype && strcmp(vartype, "string") == 0)
		return strcasecmp(text, now) == 0;
	return pgt_unit_equal(text, now, vartype, unit);
}

static void
put_safe(struct pgt_buf *b, const char *s)
{
	if (s)
		pgt_safetext_put(b, s, strlen(s), PGT_SAFE_LINE);
}

int
pgt_pending_read(struct pgt_writer *s, const struct pgt_changeset *cs, char **ret,
		 struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	struct pgt_buf b;
	size_t row;

	if (ask(s, "pending", NULL, 0, &r, err) < 0)
		return -1;
	pgt_buf_init(&b, 8192);
	for (row = 0; row < pgt_result_rows(r); row++) {
		const char *name = pgt_result_str(r, row, pgt_result_col(r, "name"));
		const char *text = pgt_result_str(r, row, pgt_result_col(r, "text"));
		const char *now = pgt_result_str(r, row, pgt_result_col(r, "reset_val"));
		const char *type = pgt_result_str(r, row, pgt_result_col(r, "vartype"));
		const char *unit = pgt_result_str(r, row, pgt_result_col(r, "unit"));
		const char *context = pgt_result_str(r, row,
						     pgt_result_col(r, "context"));

		if (!name || !context || strcmp(context, "postmaster") == 0 ||
		    strcmp(context, "internal") == 0 || is_ours(cs, name) ||
		    (text && same_in_file(text, now, type, unit)))
			continue;
		put_safe(&b, name);
		pgt_buf_puts(&b, text ? " = " : " (its line is gone)");
		put_safe(&b, text);
		pgt_buf_putc(&b, '\n');
	}
	pgt_result_free(r);
	*ret = pgt_buf_take(&b);
	return 0;
}

int
pgt_file_errors_read(struct pgt_writer *s, char **ret, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	struct pgt_buf b;
	size_t row;

	/* The first look makes the session notice what waits for a restart. */
	if (ask(s, "file_errors", NULL, 0, &r, err) < 0)
		return -1;
	if (pgt_result_rows(r) > 0) {
		pgt_result_free(r);
		r = NULL;
		if (ask(s, "file_errors", NULL, 0, &r, err) < 0)
			return -1;
	}
	pgt_buf_init(&b, 8192);
	for (row = 0; row < pgt_result_rows(r); row++) {
		put_safe(&b, pgt_result_str(r, row, pgt_result_col(r, "sourcefile")));
		pgt_buf_printf(&b, ":%lld: ",
			       (long long)pgt_result_i64(
				   r, row, pgt_result_col(r, "sourceline"), 0));
		put_safe(&b, pgt_result_str(r, row, pgt_result_col(r, "name")));
		pgt_buf_puts(&b, ": ");
		put_safe(&b, pgt_result_str(r, row, pgt_result_col(r, "error")));
		pgt_buf_putc(&b, '\n');
	}
	pgt_result_free(r);
	*ret = pgt_buf_take(&b);
	return 0;
}
