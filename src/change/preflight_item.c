/* One item: known, type, range, context, privilege, source, manager, danger. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/quote.h"
#include "pg2une/pg/unit.h"
#include "preflight_priv.h"
#include "sqltext_priv.h"

static bool
is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static bool
is_bool_word(const char *v)
{
	static const char *const words[] = {"on",  "off", "true", "false",
					    "yes", "no",  "1",    "0"};
	size_t i;

	for (i = 0; i < PGT_LEN(words); i++)
		if (strcasecmp(words[i], v) == 0)
			return true;
	return false;
}

static bool
in_lines(const char *lines, const char *word)
{
	size_t n;

	for (; lines && *lines; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "\n");
		if (strlen(word) == n && strncasecmp(lines, word, n) == 0)
			return true;
	}
	return false;
}

static void
check_number(struct pgt_pre *p, long item, const struct pgt_setting_info *info,
	     const char *value)
{
	bool integer = is(info->vartype, "integer");
	struct pgt_err err = {0};
	double v, lo, hi;

	if (pgt_unit_to_base(value, info->unit, integer, &v, &err) < 0) {
		pgt_pre_check(p, PGT_RULE_REFUSE, item, "type", "", "%s: %s", info->name,
			      err.msg);
		return;
	}
	if (!pgt_parse_double(info->min_val ? info->min_val : "", &lo))
		lo = -HUGE_VAL;
	if (!pgt_parse_double(info->max_val ? info->max_val : "", &hi))
		hi = HUGE_VAL;
	if (v < lo || v > hi)
		pgt_pre_check(p, PGT_RULE_REFUSE, item, "range", "",
			      "%s: %s is outside the valid range %s to %s%s%s",
			      info->name, value, info->min_val, info->max_val,
			      info->unit ? ", unit " : "", info->unit ? info->unit : "");
}

static void
check_value(struct pgt_pre *p, long item, const struct pgt_setting_info *info,
	    const char *value)
{
	char **list = NULL;
	size_t n = 0;
	struct pgt_err err;

	if (is(info->vartype, "bool")) {
		if (!is_bool_word(value))
			pgt_pre_check(p, PGT_RULE_REFUSE, item, "type", "",
				      "%s: %s is not on or off", info->name, value);
	} else if (is(info->vartype, "enum")) {
		if (!in_lines(info->enumvals, value))
			pgt_pre_check(p, PGT_RULE_REFUSE, item, "type", "",
				      "%s: %s is not among its values", info->name,
				      value);
	} else if (is(info->vartype, "integer") || is(info->vartype, "real")) {
		check_number(p, item, info, value);
	} else if (pgt_quote_is_list_setting(info->name)) {
		if (pgt_listval_split(value, false, &list, &n, &err) < 0)
			pgt_pre_check(p, PGT_RULE_REFUSE, item, "type", "", "%s: %s",
				      info->name, err.msg);
		pgt_sql_list_free(list, n);
	}
}

/* What would hide our line, so that it changes nothing. */
static void
check_source(struct pgt_pre *p, long item, const struct pgt_setting_info *info)
{
	static const char *const plain[] = {"default", "configuration file", "session",
					    "client"};
	size_t i;

	for (i = 0; i < PGT_LEN(plain); i++)
		if (is(info->source, plain[i]))
			return;
	if (p->cs->items[item].managed && is(info->source, "command line"))
		return; /* the manager's own command line */
	pgt_pre_check(
	    p, PGT_RULE_REFUSE, item, "source", "",
	    "%s is set by: %s; that outranks ALTER SYSTEM, which would change nothing",
	    info->name, info->source ? info->source : "?");
}

static int
check_masks(struct pgt_pre *p, long item, const char *name, struct pgt_err *err)
{
	const char *params[] = {name}, *db, *role;
	struct pgt_result *r = NULL;
	char db_safe[64], role_safe[64];
	size_t row;

	if (pgt_pre_ask(p, "masks", params, 1, &r, err) < 0)
		return -1;
	for (row = 0; row < pgt_result_rows(r); row++) {
		db = pgt_result_str(r, row, pgt_result_col(r, "database"));
		role = pgt_result_str(r, row, pgt_result_col(r, "role"));
		pgt_safetext_copy(db_safe, sizeof(db_safe), db ? db : "every database");
		pgt_safetext_copy(role_safe, sizeof(role_safe),
				  role ? role : "every role");
		pgt_pre_check(
		    p, PGT_RULE_WARN, item, "mask", "",
		    "%s: has a value of its own for %s in %s: not changed there", name,
		    role_safe, db_safe);
	}
	pgt_result_free(r);
	return 0;
}

static int
check_system_privilege(struct pgt_pre *p, size_t i, const char *name, struct pgt_err *err)
{
	struct pgt_permission *perm = &p->out->permission[i];
	const char *params[] = {name};
	struct pgt_result *r = NULL;
	char *fix, *role;

	if (p->cs->items[i].managed) {
		perm->allowed = true;
		return 0;
	}
	if (pgt_pre_ask(p, "parameter_privilege", params, 1, &r, err) < 0)
		return -1;
	perm->allowed = pgt_result_bool(r, 0, pgt_result_col(r, "alter_system"));
	pgt_result_free(r);
	if (perm->allowed)
		return 0;
	role = pgt_quote_ident_min(p->out->user, NULL);
	if (p->out->server_version_num >= 150000)
		fix = pgt_change_stmt(
		    "grant_parameter",
		    (struct pgt_fill[]){{"name", name}, {"role", role}, {NULL, NULL}});
	else
		fix = pgt_xstrdup(
		    "connect as a superuser: before 15 nothing less may ALTER SYSTEM");
	free(role);
	snprintf(perm->reason, sizeof(perm->reason), "%s may not ALTER SYSTEM SET %s",
		 p->out->user, name);
	snprintf(perm->min_role, sizeof(perm->min_role), "%.199s", fix);
	pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "privilege", fix, "%s", perm->reason);
	free(fix);
	return 0;
}

static void
rule_manager(struct pgt_pre *p, size_t i, const char *value)
{
	const struct pgt_managed_probe *probe = p->opts->probe;
	struct pgt_item *item = &p->cs->items[i];
	bool may_patch = probe->patch != NULL;

	switch (p->out->managed[i]) {
	case PGT_MANAGED_UNKNOWN:
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "manager", "",
			      "%s: it is not known whether the cluster manager sets this",
			      item->name);
		break;
	case PGT_MANAGED_NOT:
		break;
	case PGT_MANAGED_EPHEMERAL:
		if (item->managed && may_patch)
			pgt_pre_check(p, PGT_RULE_NOTE, (long)i, "manager", "",
				      "%s: not yet set by the cluster manager; goes "
				      "through its API, to every node",
				      item->name);
		else
			pgt_pre_check(p, PGT_RULE_WARN, (long)i, "manager",
				      "\"managed\": true in the item sets it at the "
				      "manager, for every node",
				      "%s: this node only, and lost when the manager "
				      "builds it anew",
				      item->name);
		break;
	case PGT_MANAGED_OVERRIDDEN:
		item->managed = may_patch;
		pgt_pre_check(
		    p, may_patch ? PGT_RULE_NOTE : PGT_RULE_REFUSE, (long)i, "manager",
		    "", "%s: set by the cluster manager (%.100s): %s", item->name, value,
		    may_patch
			? "goes through its API, to every node"
			: "change it there, ALTER SYSTEM would make nodes differ");
		break;
	}
	item->managed = item->managed && may_patch;
	if (item->managed && !item->manager && probe->where)
		item->manager = pgt_xstrdup(probe->where);
}

/* Nobody named a manager: then there must be no sign of one. */
static void
rule_unasked(struct pgt_pre *p, size_t i)
{
	const char *name = p->cs->items[i].name;

	if (!p->facts.looks_managed && !p->cs->items[i].managed) {
		p->out->managed[i] = PGT_MANAGED_NOT;
		return;
	}
	pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "manager", "--patroni URL",
		      "%s: %s, and nobody said where it is: whether it sets this is "
		      "unknown",
		      name,
		      p->facts.looks_managed ? "Patroni seems to run this server"
					     : "the plan wants the cluster manager");
}

static void
check_manager(struct pgt_pre *p, size_t i)
{
	const struct pgt_managed_probe *probe = p->opts->probe;
	enum pgt_managed *m = &p->out->managed[i];
	char value[1024] = "";
	struct pgt_err err = {0};

	*m = PGT_MANAGED_UNKNOWN;
	if (p->opts->node_only) {
		/* postgresql.auto.conf outranks what the manager writes; what it puts on
		 * the command line does not, and is refused as such */
		*m = p->facts.looks_managed ? PGT_MANAGED_EPHEMERAL : PGT_MANAGED_NOT;
		p->cs->items[i].managed = false;
		return;
	}
	if (!probe) {
		rule_unasked(p, i);
		return;
	}
	if ((probe->check &&
	     probe->check(probe->ctx, p->out->fence.system_identifier, &err) < 0) ||
	    probe->probe(probe->ctx, p->cs->items[i].name, false, m, value, sizeof(value),
			 &err) < 0) {
		*m = PGT_MANAGED_UNKNOWN;
		pgt_pre_check(
		    p, PGT_RULE_REFUSE, (long)i, "manager", "",
		    "%s: the cluster manager cannot be asked whether it sets this: %s",
		    p->cs->items[i].name, err.msg);
		return;
	}
	rule_manager(p, i, value);
}

void
pgt_pre_managers(struct pgt_pre *p)
{
	size_t i;

	for (i = 0; i < p->cs->n_items; i++)
		if (p->cs->items[i].kind == PGT_ITEM_SETTING)
			check_manager(p, i);
}

static void
check_context(struct pgt_pre *p, size_t i, const struct pgt_setting_info *info)
{
	if (is(info->context, "internal")) {
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "context", "",
			      "%s cannot be changed on a running cluster", info->name);
	} else if (is(info->context, "postmaster")) {
		p->out->needs_restart[i] = true;
		pgt_pre_check(
		    p, p->opts->allow_restart ? PGT_RULE_WARN : PGT_RULE_REFUSE, (long)i,
		    "restart",
		    p->opts->allow_restart
			? ""
			: "try it on a canary first, with somebody at the host who can "
			  "restore postgresql.auto.conf",
		    p->opts->allow_restart ? "%s takes effect with a restart only"
					   : "%s needs a restart of the server; that is "
					     "not done in direct mode",
		    info->name);
	} else if (is(info->context, "backend") ||
		   is(info->context, "superuser-backend")) {
		pgt_pre_check(p, PGT_RULE_NOTE, (long)i, "context", "",
			      "%s: only sessions that begin afterwards see it",
			      info->name);
	}
}

static int
item_system_setting(struct pgt_pre *p, size_t i, struct pgt_err *err)
{
	const struct pgt_item *item = &p->cs->items[i];
	struct pgt_setting_info info;
	struct pgt_writer *s;
	enum pgt_ruling sev;
	char why[400];
	int rc = -1;

	if (pgt_direct_writer(p->link, NULL, &s, err) < 0 ||
	    pgt_setting_read(s, item->name, &info, err) < 0)
		return -1;
	if (!info.known) {
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "unknown", "",
			      "%s: this server has no such setting", item->name);
		rc = 0;
		goto out;
	}
	check_context(p, i, &info);
	check_source(p, (long)i, &info);
	if (item->managed && info.in_file)
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "source",
			      "take the line out first: that is a change of its own",
			      "%s: this node's postgresql.auto.conf has a line (%.100s) "
			      "that outranks the cluster manager",
			      info.name, info.file_text ? info.file_text : "");
	if (item->value) {
		check_value(p, (long)i, &info, item->value);
		sev = pgt_boot_risk(info.name, item->value, &p->facts.boot, why,
				    sizeof(why));
		if (sev == PGT_RULE_REFUSE && p->opts->accept_danger)
			sev = PGT_RULE_WARN;
		if (sev != PGT_RULE_OK)
			pgt_pre_check(p, sev, (long)i, "danger", "", "%s", why);
		if (!item->managed && info.in_file && is(info.file_text, item->value))
			pgt_pre_check(p, PGT_RULE_NOTE, (long)i, "same", "",
				      "%s: postgresql.auto.conf says %s already",
				      info.name, item->value);
	} else if (!item->managed && !info.in_file) {
		pgt_pre_check(p, PGT_RULE_NOTE, (long)i, "same", "",
			      "%s: postgresql.auto.conf has no line to remove",
			      info.name);
	}
	if (check_system_privilege(p, i, info.name, err) < 0 ||
	    check_masks(p, (long)i, info.name, err) < 0)
		goto out;
	rc = 0;

out:
	pgt_setting_info_done(&info);
	return rc;
}

/* ALTER DATABASE / ROLE ... SET. */
static int
item_db_role(struct pgt_pre *p, size_t i, const struct pgt_object_info *obj,
	     struct pgt_err *err)
{
	const struct pgt_item *item = &p->cs->items[i];
	struct pgt_setting_info info;
	struct pgt_writer *s;
	bool own_role = item->role && strcmp(item->role, p->out->user) == 0;
	bool may;

	if (!obj->database_known || !obj->role_known) {
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "unknown", "",
			      "%s: no such %s",
			      !obj->role_known ? item->role : item->database,
			      !obj->role_known ? "role" : "database");
		return 0;
	}
	if (pgt_direct_writer(p->link, NULL, &s, err) < 0 ||
	    pgt_setting_read(s, item->name, &info, err) < 0)
		return -1;
	if (!info.known)
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "unknown", "",
			      "%s: this server has no such setting", item->name);
	else if (!is(info.context, "user") && !is(info.context, "superuser") &&
		 !is(info.context, "backend") && !is(info.context, "superuser-backend"))
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "context", "",
			      "%s cannot be set for a role or database", item->name);
	else if (item->value)
		check_value(p, (long)i, &info, item->value);
	may = p->facts.superuser ||
	      (item->role ? own_role || p->facts.createrole : obj->database_owner);
	p->out->permission[i].allowed = may;
	if (!may)
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "privilege",
			      item->role ? "needs CREATEROLE"
					 : "needs to own the database",
			      "%s may not change settings of %s", p->out->user,
			      item->role ? item->role : item->database);
	pgt_pre_check(p, PGT_RULE_NOTE, (long)i, "context", "",
		      "%s: only sessions that begin afterwards see it", item->name);
	if (p->out->fence.in_recovery)
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "standby", "",
			      "%s: a standby takes only ALTER SYSTEM", item->name);
	pgt_setting_info_done(&info);
	return 0;
}

static void
refuse_object(struct pgt_pre *p, size_t i, const char *code, const char *why)
{
	const struct pgt_item *item = &p->cs->items[i];

	pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, code, "", "%s.%s: %s", item->schema,
		      item->kind == PGT_ITEM_TABLE_OPTION ? item->table : item->name,
		      why);
}

/* Once for all that are built: what somebody who knows only plain builds would ask. */
static void
note_builds(struct pgt_pre *p, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < p->cs->n_items; i++) {
		if (p->cs->items[i].kind != PGT_ITEM_INDEX_CREATE)
			continue;
		if (i < at)
			return;
		n++;
	}
	pgt_pre_check(
	    p, PGT_RULE_NOTE, (long)at, "build",
	    "taking it back drops what was built, and what a stopped build left",
	    "%zu index%s built CONCURRENTLY%s: readers and writers go on; a build "
	    "reads its table twice and waits for transactions that are older",
	    n, n == 1 ? " is" : "es are", n == 1 ? "" : ", one after another");
}

static void
index_rules(struct pgt_pre *p, size_t i, const struct pgt_object_info *obj)
{
	const struct pgt_item *item = &p->cs->items[i];
	const struct pgt_prev *prev = &p->out->prev[i];

	if (item->kind == PGT_ITEM_INDEX_CREATE) {
		if (prev->present)
			refuse_object(p, i, "exists",
				      "there is a relation of this name already");
		if (obj->table_known && obj->table_kind != 'r' && obj->table_kind != 'm')
			refuse_object(
			    p, i, "kind",
			    "only on a plain table can it be built without blocking");
		if (!obj->may_create)
			refuse_object(p, i, "privilege",
				      "no CREATE privilege on the schema");
		note_builds(p, i);
		return;
	}
	if (!prev->present || !obj->is_index) {
		refuse_object(p, i, "unknown", "no such index");
		return;
	}
	if (obj->partitioned || obj->attached)
		refuse_object(p, i, "kind",
			      "part of a partitioned index: cannot be done concurrently");
	if (item->kind == PGT_ITEM_INDEX_REINDEX)
		return;
	if (obj->has_constraint)
		refuse_object(p, i, "constraint", "it upholds a constraint");
	if (obj->replica_identity)
		refuse_object(p, i, "constraint", "it is the table's replica identity");
	if (!prev->valid)
		refuse_object(p, i, "invalid",
			      "it is invalid: its inverse could not be told from a "
			      "stopped build; drop it by hand");
}

static void
item_object(struct pgt_pre *p, size_t i, const struct pgt_object_info *obj)
{
	const struct pgt_item *item = &p->cs->items[i];
	bool needs_table = item->kind != PGT_ITEM_INDEX_DROP &&
			   item->kind != PGT_ITEM_INDEX_REINDEX;

	if (p->out->fence.in_recovery)
		refuse_object(p, i, "standby", "a standby takes only ALTER SYSTEM");
	if (needs_table && !obj->table_known)
		refuse_object(p, i, "unknown", "no such table");
	p->out->permission[i].allowed = obj->owner;
	if (obj->table_known && !obj->owner)
		refuse_object(p, i, "privilege", "only the table's owner may do this");
	if (pgt_item_is_index(item))
		index_rules(p, i, obj);
	if (item->kind == PGT_ITEM_STATISTICS && p->out->prev[i].present)
		refuse_object(p, i, "exists",
			      "there are statistics of this name already");
}

int
pgt_pre_item(struct pgt_pre *p, size_t i, struct pgt_err *err)
{
	const struct pgt_item *item = &p->cs->items[i];
	struct pgt_object_info obj = {0};
	struct pgt_prev *prev = &p->out->prev[i];
	struct pgt_err why = {0};
	char **list = NULL;
	size_t n = 0;

	if (item->kind == PGT_ITEM_SETTING && item_system_setting(p, i, err) < 0)
		return -1;
	if (pgt_target_read(p->link, item, p->opts->probe, false, prev, &obj, &why) < 0) {
		if (!pgt_direct_is_open(p->link)) {
			*err = why;
			return -1;
		}
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "unreadable", "",
			      "%s: its state cannot be read: %s", item->name, why.msg);
		return 0;
	}
	if (item->kind != PGT_ITEM_SETTING && pgt_item_is_setting(item)) {
		if (item_db_role(p, i, &obj, err) < 0)
			return -1;
	} else if (item->kind != PGT_ITEM_SETTING) {
		item_object(p, i, &obj);
	}
	/* no way back, no way in */
	if (prev->known && !(item->kind == PGT_ITEM_INDEX_DROP && !prev->present) &&
	    pgt_item_inverse(item, prev, NULL, &list, &n, &why) < 0)
		pgt_pre_check(p, PGT_RULE_REFUSE, (long)i, "inverse", "",
			      "%s: it could not be undone: %s", item->name, why.msg);
	pgt_sql_list_free(list, n);
	return 0;
}
