/* config tune: the usual settings of a workload as a changeset. */
#include <stdlib.h>
#include <string.h>

#include "change_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/changeset.h"
#include "pg2une/engine/confreport.h"
#include "pg2une/engine/session.h"

static const struct pgt_option tune_options[] = {
    {.name = "workload",
     .type = PGT_OPT_STR,
     .arg = "CLASS",
     .dflt = "mixed",
     .help = "oltp, olap or mixed"},
    {.name = "profile",
     .type = PGT_OPT_STR,
     .arg = "NAME",
     .help = "remote-conservative: nothing that depends on the machine"},
    {.name = "apply",
     .type = PGT_OPT_BOOL,
     .help = "apply it; without, or with --dry-run, nothing is written"},
    PGT_CHANGE_OPTIONS,
    {0},
};

/* What differs and needs no restart becomes an item; the rest is listed. */
static int
to_changeset(const cJSON *data, struct pgt_changeset *cs, cJSON *left,
	     struct pgt_err *err)
{
	const cJSON *row;

	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(data, "recommendations"))
	{
		struct pgt_item item = {.kind = PGT_ITEM_SETTING};
		const char *name, *value, *why = NULL;
		bool restart = false;

		if (!pgt_json_get_str(row, "parameter", &name) ||
		    !pgt_json_get_str(row, "recommended", &value))
			continue;
		pgt_json_get_bool(row, "needs_restart", &restart);
		pgt_json_get_str(row, "rationale", &why);
		if (restart) {
			pgt_json_item(left, NULL, cJSON_Duplicate(row, true));
			continue;
		}
		item.name = pgt_xstrdup(name);
		item.value = pgt_xstrdup(value);
		item.why = why ? pgt_xstrdup(why) : NULL;
		if (pgt_changeset_add(cs, &item, err) < 0)
			return -1;
	}
	return 0;
}

static int
propose(struct pgt_cmd *c, cJSON **ret, struct pgt_err *err)
{
	const char *profile = pgt_cmd_str(c, "profile");
	struct pgt_session *s;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_config_diff_profile(
	    s, c->options, profile ? profile : pgt_cmd_str(c, "workload"), ret, err);
	pgt_session_close(s);
	return rc;
}

static int
run_tune(struct pgt_cmd *c, struct pgt_err *err)
{
	/* asked for both: the careful one wins */
	bool dry = pgt_cmd_bool(c, "dry-run") || !pgt_cmd_bool(c, "apply");
	struct pgt_changeset *cs;
	cJSON *found = NULL, *left;
	int rc = -1;

	if (propose(c, &found, err) < 0)
		return -1;
	cs = pgt_changeset_new();
	left = cJSON_CreateArray();
	if (to_changeset(found, cs, left, err) < 0) {
		pgt_changeset_free(cs);
	} else if (cs->n_items == 0) {
		pgt_changeset_free(cs);
		c->data = cJSON_CreateObject();
		pgt_json_arr(c->data, "items");
		rc = 0;
	} else {
		rc = pgt_cmd_change(c, cs, dry, err);
	}
	if (c->data)
		pgt_json_item(c->data, "needs_restart", left);
	else
		cJSON_Delete(left);
	cJSON_Delete(found);
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_config_tune = {
    .name = "config tune",
    .group = "Changes",
    .summary = "the usual settings of a workload as a changeset: shown, or applied",
    .details =
	"What `config diff` finds, as one change. Settings that need a restart are only "
	"listed. Without --apply nothing is written, and --dry-run wins over --apply.",
    .examples = "config tune --workload oltp --ram 64GB --cpus 16 shop\n"
		"config tune --workload oltp --apply shop",
    .opts = tune_options,
    .run = run_tune,
};
