#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/change/changeset.h"

#define ITEMS_MAX 500
#define NAME_MAX_BYTES 128
#define TEXT_MAX_BYTES 16384

static const char *const kind_names[] = {
    [PGT_ITEM_SETTING] = "setting",
    [PGT_ITEM_DB_SETTING] = "database_setting",
    [PGT_ITEM_ROLE_SETTING] = "role_setting",
    [PGT_ITEM_ROLE_DB_SETTING] = "role_database_setting",
    [PGT_ITEM_TABLE_OPTION] = "table_option",
    [PGT_ITEM_INDEX_CREATE] = "index_create",
    [PGT_ITEM_INDEX_DROP] = "index_drop",
    [PGT_ITEM_INDEX_REINDEX] = "index_reindex",
    [PGT_ITEM_STATISTICS] = "statistics_create",
};

const char *
pgt_item_kind_name(enum pgt_item_kind kind)
{
	return kind >= PGT_ITEM_SETTING && kind <= PGT_ITEM_LAST ? kind_names[kind]
								 : NULL;
}

bool
pgt_item_is_setting(const struct pgt_item *item)
{
	return item->kind >= PGT_ITEM_SETTING && item->kind <= PGT_ITEM_ROLE_DB_SETTING;
}

bool
pgt_item_is_index(const struct pgt_item *item)
{
	return item->kind == PGT_ITEM_INDEX_CREATE || item->kind == PGT_ITEM_INDEX_DROP ||
	       item->kind == PGT_ITEM_INDEX_REINDEX;
}

bool
pgt_item_needs_reload(const struct pgt_item *item)
{
	return item->kind == PGT_ITEM_SETTING && !item->managed;
}

const char *
pgt_item_database(const struct pgt_item *item)
{
	return pgt_item_is_setting(item) ? NULL : item->database;
}

struct pgt_changeset *
pgt_changeset_new(void)
{
	struct pgt_changeset *cs = pgt_xcalloc(1, sizeof(*cs));

	pgt_digest_uuid(cs->id);
	cs->created_ns = pgt_clock_real_ns();
	return cs;
}

void
pgt_item_done(struct pgt_item *item)
{
	free(item->name);
	free(item->value);
	free(item->database);
	free(item->role);
	free(item->schema);
	free(item->table);
	free(item->definition);
	free(item->why);
	free(item->manager);
	memset(item, 0, sizeof(*item));
}

void
pgt_changeset_free(struct pgt_changeset *cs)
{
	size_t i;

	if (!cs)
		return;
	for (i = 0; i < cs->n_items; i++)
		pgt_item_done(&cs->items[i]);
	free(cs->items);
	free(cs->note);
	free(cs);
}

void
pgt_changeset_short(const char *id, char *buf, size_t size)
{
	snprintf(buf, size, "%.8s", id);
}

/* ---- checks that need no server ---- */

struct need {
	bool name, database, role, schema, table, definition;
};

static const struct need needs[] = {
    [PGT_ITEM_SETTING] = {.name = true},
    [PGT_ITEM_DB_SETTING] = {.name = true, .database = true},
    [PGT_ITEM_ROLE_SETTING] = {.name = true, .role = true},
    [PGT_ITEM_ROLE_DB_SETTING] = {.name = true, .role = true, .database = true},
    [PGT_ITEM_TABLE_OPTION] = {.name = true,
			       .database = true,
			       .schema = true,
			       .table = true},
    [PGT_ITEM_INDEX_CREATE] = {.name = true,
			       .database = true,
			       .schema = true,
			       .table = true,
			       .definition = true},
    [PGT_ITEM_INDEX_DROP] = {.name = true, .database = true, .schema = true},
    [PGT_ITEM_INDEX_REINDEX] = {.name = true, .database = true, .schema = true},
    [PGT_ITEM_STATISTICS] = {.name = true,
			     .database = true,
			     .schema = true,
			     .table = true,
			     .definition = true},
};

static int
check_text(const char *text, const char *what, bool wanted, size_t max,
	   struct pgt_err *err)
{
	if (!text)
		return wanted
			   ? pgt_err_set(err, PGT_E_USAGE, "the item lacks its %s", what)
			   : 0;
	if (!wanted)
		return pgt_err_set(err, PGT_E_USAGE, "an item of this kind has no %s",
				   what);
	if (!*text)
		return pgt_err_set(err, PGT_E_USAGE, "the item's %s is empty", what);
	if (strlen(text) > max)
		return pgt_err_set(err, PGT_E_LIMIT, "the item's %s is too long", what);
	/* One kind of text is never wanted in a statement that people approve. */
	if (!pgt_safetext_is_safe(text, strlen(text)))
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "the item's %s has control characters or invalid UTF-8", what);
	return 0;
}

/* Setting and storage parameter names: letters, digits, _, $ and dots. */
static int
check_parameter_name(const char *name, struct pgt_err *err)
{
	const char *ok = "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.";

	if (strspn(name, ok) != strlen(name) || name[0] == '.' || strstr(name, "..") ||
	    name[strlen(name) - 1] == '.')
		return pgt_err_set(err, PGT_E_USAGE, "%s: not a parameter's name", name);
	return 0;
}

static int
check_value(const struct pgt_item *item, struct pgt_err *err)
{
	bool may = pgt_item_is_setting(item) || item->kind == PGT_ITEM_TABLE_OPTION;

	if (!item->value)
		return 0;
	if (!may)
		return pgt_err_set(err, PGT_E_USAGE, "an item of this kind has no value");
	if (strlen(item->value) > TEXT_MAX_BYTES)
		return pgt_err_set(err, PGT_E_LIMIT, "%s: value too long", item->name);
	if (!pgt_safetext_is_safe(item->value, strlen(item->value)))
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "%s: the value has control characters or invalid UTF-8", item->name);
	return 0;
}

static int
check_item(const struct pgt_item *item, struct pgt_err *err)
{
	const struct need *n;

	if (!pgt_item_kind_name(item->kind))
		return pgt_err_set(err, PGT_E_USAGE, "unknown kind of item");
	n = &needs[item->kind];
	if (check_text(item->name, "name", true, NAME_MAX_BYTES, err) < 0 ||
	    check_text(item->database, "database", n->database, NAME_MAX_BYTES,
		       err) < 0 ||
	    check_text(item->role, "role", n->role, NAME_MAX_BYTES, err) < 0 ||
	    check_text(item->schema, "schema", n->schema, NAME_MAX_BYTES, err) < 0 ||
	    check_text(item->table, "table", n->table, NAME_MAX_BYTES, err) < 0 ||
	    check_text(item->definition, "definition", n->definition, TEXT_MAX_BYTES,
		       err) < 0 ||
	    check_text(item->manager, "manager", item->manager, TEXT_MAX_BYTES, err) <
		0 ||
	    check_value(item, err) < 0)
		return -1;
	if ((pgt_item_is_setting(item) || item->kind == PGT_ITEM_TABLE_OPTION) &&
	    check_parameter_name(item->name, err) < 0)
		return -1;
	if (item->managed && item->kind != PGT_ITEM_SETTING)
		return pgt_err_set(err, PGT_E_USAGE,
				   "only a setting can go through the cluster manager");
	if (item->unique && item->kind != PGT_ITEM_INDEX_CREATE)
		return pgt_err_set(err, PGT_E_USAGE,
				   "only an index to be made can be unique");
	return 0;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Both touch one thing; the names of settings do not depend on case. */
static bool
same_target(const struct pgt_item *a, const struct pgt_item *b)
{
	if (pgt_item_is_index(a) && pgt_item_is_index(b))
		return same_text(a->name, b->name) && same_text(a->schema, b->schema) &&
		       same_text(a->database, b->database);
	if (a->kind != b->kind)
		return false;
	if (pgt_item_is_setting(a))
		return strcasecmp(a->name, b->name) == 0 && same_text(a->role, b->role) &&
		       same_text(a->database, b->database);
	return same_text(a->name, b->name) && same_text(a->database, b->database) &&
	       same_text(a->schema, b->schema) && same_text(a->table, b->table);
}

int
pgt_changeset_add(struct pgt_changeset *cs, struct pgt_item *take_item,
		  struct pgt_err *err)
{
	size_t i;

	if (take_item->kind == PGT_ITEM_INDEX_CREATE && !take_item->name &&
	    take_item->table)
		take_item->name = pgt_xasprintf("pg2une_%.8s_%.30s_%zu_idx", cs->id,
						take_item->table, cs->n_items + 1);
	if (check_item(take_item, err) < 0)
		goto fail;
	for (i = 0; i < cs->n_items; i++)
		if (same_target(&cs->items[i], take_item)) {
			pgt_err_set(err, PGT_E_USAGE, "%s is in the changeset twice",
				    take_item->name);
			goto fail;
		}
	if (cs->n_items == ITEMS_MAX) {
		pgt_err_set(err, PGT_E_LIMIT, "more than %d items in one changeset",
			    ITEMS_MAX);
		goto fail;
	}
	cs->items = pgt_xreallocarray(cs->items, cs->n_items + 1, sizeof(*cs->items));
	cs->items[cs->n_items++] = *take_item;
	memset(take_item, 0, sizeof(*take_item));
	return 0;

fail:
	pgt_item_done(take_item);
	return -1;
}

int
pgt_changeset_add_setting(struct pgt_changeset *cs, const char *name, const char *value,
			  struct pgt_err *err)
{
	struct pgt_item item = {.kind = PGT_ITEM_SETTING, .name = pgt_xstrdup(name)};

	if (value)
		item.value = pgt_xstrdup(value);
	return pgt_changeset_add(cs, &item, err);
}

char *
pgt_item_label(const struct pgt_item *item)
{
	switch (item->kind) {
	case PGT_ITEM_SETTING:
		return pgt_xstrdup(item->name);
	case PGT_ITEM_DB_SETTING:
		return pgt_xasprintf("database %s: %s", item->database, item->name);
	case PGT_ITEM_ROLE_SETTING:
		return pgt_xasprintf("role %s: %s", item->role, item->name);
	case PGT_ITEM_ROLE_DB_SETTING:
		return pgt_xasprintf("role %s in %s: %s", item->role, item->database,
				     item->name);
	case PGT_ITEM_TABLE_OPTION:
		return pgt_xasprintf("%s.%s: %s", item->schema, item->table, item->name);
	case PGT_ITEM_INDEX_CREATE:
	case PGT_ITEM_INDEX_DROP:
	case PGT_ITEM_INDEX_REINDEX:
		return pgt_xasprintf("index %s.%s", item->schema, item->name);
	case PGT_ITEM_STATISTICS:
		return pgt_xasprintf("statistics %s.%s", item->schema, item->name);
	}
	return pgt_xstrdup("?");
}
