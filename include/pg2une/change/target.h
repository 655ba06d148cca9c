/* The state of an item on a server, read now.  Everything that compares,
 * snapshots, verifies or restores reads it here. */
#ifndef PG2UNE_CHANGE_TARGET_H
#define PG2UNE_CHANGE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"
#include "pg2une/change/changeset.h"
#include "pg2une/change/session.h"

/* A setting that goes through the cluster manager (Patroni's PATCH /config). */
struct pgt_managed_probe;

/* pg_settings and pg_file_settings of one name; texts owned, NULL for SQL NULL. */
struct pgt_setting_info {
	bool known; /* the server has such a setting */
	char *name, *context, *vartype, *unit, *min_val, *max_val;
	char *enumvals; /* one a line */
	char *reset_val, *source, *sourcefile, *effective;
	int sourceline;
	bool pending_restart;
	bool in_file; /* a line in postgresql.auto.conf */
	char *file_text, *file_error;
	bool applied;
};

int pgt_setting_read(struct pgt_writer *s, const char *name, struct pgt_setting_info *ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
void pgt_setting_info_done(struct pgt_setting_info *info);

/* What an object's item rests on, for preflight. */
struct pgt_object_info {
	bool table_known, owner, may_create;
	char table_kind;
	bool has_constraint, replica_identity, partitioned, attached, is_index;
	bool database_known, role_known, database_owner;
	double table_bytes;
};

/* info may be NULL.  l's session of the item's database is used, opened when it
 * is not.  A managed setting is read through probe, fresh or not as
 * managed.h tells. */
int pgt_target_read(struct pgt_direct *l, const struct pgt_item *item,
		    const struct pgt_managed_probe *probe, bool fresh,
		    struct pgt_prev *ret, struct pgt_object_info *info,
		    struct pgt_err *err) PGT_MUST_CHECK;

/* The manager's part alone, which does not need the server: present and text. */
int pgt_target_managed(const struct pgt_item *item, const struct pgt_managed_probe *probe,
		       bool fresh, struct pgt_prev *ret,
		       struct pgt_err *err) PGT_MUST_CHECK;

/* Settings that the next reload would change, one "name = value (file:line)" a
 * line, without those that cs itself sets (cs may be NULL); "" for none.  The
 * caller frees. */
int pgt_pending_read(struct pgt_writer *s, const struct pgt_changeset *cs, char **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* Faulty lines of the configuration files, in the same manner. */
int pgt_file_errors_read(struct pgt_writer *s, char **ret,
			 struct pgt_err *err) PGT_MUST_CHECK;

#endif
