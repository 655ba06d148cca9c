/* What is to be changed: an ordered list of items, each of which can say its
 * exact SQL and, once its state before is known, its exact inverse.  Made by
 * the advisor, the optimizer, a file or by hand.  No I/O, no clock but for
 * created_at.  Owner: the caller; one thread.
 *
 * JSON (reference/pgdba.md T4, and "items" with everything):
 *   {"id": uuid, "fingerprint": hex, "note": text, "created_at", "applied_at",
 *    "rolled_back_at", "parameters": [{"name", "old_value", "new_value",
 *    "context", "needs_restart", "permission", "patroni_override"}],
 *    "items": [{"kind": "setting", "name", "value", ...}]}
 * A file needs "items" or "parameters" (name and new_value); unknown members are
 * refused inside items, so that a misspelt word is not silently left out. */
#ifndef PG2UNE_CHANGE_CHANGESET_H
#define PG2UNE_CHANGE_CHANGESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

enum pgt_item_kind {
	PGT_ITEM_SETTING = 1,	   /* ALTER SYSTEM: this node */
	PGT_ITEM_DB_SETTING,	   /* ALTER DATABASE ... SET */
	PGT_ITEM_ROLE_SETTING,	   /* ALTER ROLE ... SET */
	PGT_ITEM_ROLE_DB_SETTING,  /* ALTER ROLE ... IN DATABASE ... SET */
	PGT_ITEM_TABLE_OPTION,	   /* ALTER TABLE ... SET (...) */
	PGT_ITEM_INDEX_CREATE,	   /* CREATE INDEX CONCURRENTLY */
	PGT_ITEM_INDEX_DROP,	   /* DROP INDEX CONCURRENTLY */
	PGT_ITEM_INDEX_REINDEX,	   /* REINDEX INDEX CONCURRENTLY */
	PGT_ITEM_STATISTICS,	   /* CREATE STATISTICS */
};
#define PGT_ITEM_LAST PGT_ITEM_STATISTICS

/* "setting" "database_setting" ... as in JSON; NULL when unknown. */
const char *pgt_item_kind_name(enum pgt_item_kind kind);

/* All text as given, unquoted; NULL where the kind has no use for it. */
struct pgt_item {
	enum pgt_item_kind kind;
	char *name;	  /* setting, storage parameter, index or statistics name */
	char *value;	  /* settings: the new text; NULL = RESET.  A list setting
			   * ("a, b") is split and quoted element by element */
	char *database;	  /* of *_DB_SETTING; of objects: where the object lives */
	char *role;	  /* of ROLE settings */
	char *schema;	  /* of the table, index or statistics */
	char *table;	  /* TABLE_OPTION, INDEX_CREATE, STATISTICS */
	char *definition; /* INDEX_CREATE: what follows the table's name, such as
			   * "USING btree (tag, created_at)"; STATISTICS: "(ndistinct)
			   * ON a, b" without FROM */
	bool unique;	  /* INDEX_CREATE */
	bool managed;	  /* SETTING: goes through the cluster manager's API, to every
			   * node; preflight decides, or the plan asks for it */
	char *manager;	  /* where: preflight fills it in */
	char *why;	  /* one line for people; may be NULL */
};

/* The state of an item on the server, before, now or wanted. */
struct pgt_prev {
	bool known;
	bool present;	  /* there is a line, option or object */
	char *text;	  /* its exact text; a definition for objects */
	bool valid;	  /* indexes: indisvalid and indisready */
	char *leftovers;  /* indexes: invalid pieces of a broken REINDEX, quoted
			   * names with schema, blank-separated; "" none */
	/* settings only, for people and checks */
	char *effective, *source, *sourcefile, *context;
	int sourceline;
	bool pending_restart;
};

struct pgt_changeset {
	char id[37];	      /* uuid */
	char fingerprint[65]; /* "" = any cluster */
	char *note;
	int64_t created_ns, applied_ns, rolled_back_ns; /* real; 0 none */
	struct pgt_item *items;
	size_t n_items;
};

struct pgt_changeset *pgt_changeset_new(void); /* a new id */
void pgt_changeset_free(struct pgt_changeset *cs);
/* First 4 to 8 hexadecimal digits of id: what people say. */
void pgt_changeset_short(const char *id, char *buf, size_t size);
/* Takes the item's texts.  Checks what can be checked alone: the members that the
 * kind needs, lengths, valid UTF-8, no item twice. */
int pgt_changeset_add(struct pgt_changeset *cs, struct pgt_item *take_item,
		      struct pgt_err *err) PGT_MUST_CHECK;
void pgt_item_done(struct pgt_item *item);

/* The plainest way to make one: ALTER SYSTEM SET name = value (NULL: RESET). */
int pgt_changeset_add_setting(struct pgt_changeset *cs, const char *name,
			      const char *value, struct pgt_err *err) PGT_MUST_CHECK;

int pgt_changeset_parse(const char *json, size_t len, struct pgt_changeset **ret,
			struct pgt_err *err) PGT_MUST_CHECK;
int pgt_changeset_from_json(const cJSON *json, struct pgt_changeset **ret,
			    struct pgt_err *err) PGT_MUST_CHECK;
int pgt_changeset_load(const char *path, struct pgt_changeset **ret,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* The tree of T4; prevs (n_items of them) may be NULL. */
cJSON *pgt_changeset_json(const struct pgt_changeset *cs, const struct pgt_prev *prevs);

/* ---- SQL ---- */

/* Names and values are quoted; the statement is one and complete.  The caller
 * frees.  NULL with err when a text cannot be quoted. */
char *pgt_item_sql(const struct pgt_item *item, struct pgt_err *err);
/* What a managed item's value is to the manager: JSON text, NULL to remove it; the
 * caller frees.  pgt_item_sql() of one is "PATCH <manager>/config <body>". */
char *pgt_item_managed_value(const struct pgt_item *item);
/* The statement that brings back prev, given that the item is in force; for an
 * invalid index more than one is needed, so *ret is an array of *ret_n, ended by
 * pgt_sql_list_free().  None (0) when nothing has to be done. */
int pgt_item_inverse(const struct pgt_item *item, const struct pgt_prev *prev,
		     const struct pgt_prev *now, char ***ret, size_t *ret_n,
		     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_sql_list_free(char **list, size_t n);
/* "max_wal_size" "web@shop: work_mem" "public.items: fillfactor": for people. */
char *pgt_item_label(const struct pgt_item *item);
/* Which database its statement must run in; NULL: any. */
const char *pgt_item_database(const struct pgt_item *item);
bool pgt_item_is_setting(const struct pgt_item *item); /* the four *_SETTING kinds */
bool pgt_item_is_index(const struct pgt_item *item);
/* A reload makes it effective: SETTING. */
bool pgt_item_needs_reload(const struct pgt_item *item);

/* Compare: is `now` the state before, or the state that the item makes? */
bool pgt_item_is_before(const struct pgt_item *item, const struct pgt_prev *prev,
			const struct pgt_prev *now);
bool pgt_item_is_ours(const struct pgt_item *item, const struct pgt_prev *prev,
		      const struct pgt_prev *now);

void pgt_prev_done(struct pgt_prev *p);
cJSON *pgt_prev_json(const struct pgt_prev *p);
void pgt_prev_from_json(const cJSON *json, struct pgt_prev *ret);

/* ---- list settings ---- */

/* Split "a, \"b c\", d" as the server's SplitIdentifierString does (quotes
 * doubled inside quotes; folding to lower case only for unquoted search_path
 * style names).  -1 on a syntax error. */
int pgt_listval_split(const char *text, bool fold, char ***ret, size_t *ret_n,
		      struct pgt_err *err) PGT_MUST_CHECK;

#endif
