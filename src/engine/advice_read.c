/* Advice without a running engine: one reading over a session, for `baseline` and
 * `query index-suggest`.  Counters are those since the reset. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/session.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/identity.h"
#include "pg2une/pg/sql.h"

#define RULES_MAX (1u << 20)

char *
pgt_advice_rules(const struct pgt_options *o, struct pgt_err *err)
{
	const char *path = pgt_options_str(o, "advice-rules");
	const char *built_in = pgt_sql_file("sql/rules/advise.rules");
	struct pgt_buf b;
	char *ret = NULL;

	if (!path)
		return pgt_xstrdup(built_in);
	pgt_buf_init(&b, RULES_MAX);
	if (pgt_file_read(path, &b, err) == 0) {
		if (pgt_advise_rules_check(built_in, pgt_buf_str(&b), err) < 0)
			pgt_err_prefix(err, "%s", path);
		else /* the last line of a name wins */
			ret = pgt_xasprintf("%s\n%s\n", built_in, pgt_buf_str(&b));
	}
	pgt_buf_done(&b);
	return ret;
}

bool
pgt_advice_profile_known(const struct pgt_options *o, const char *name,
			 struct pgt_err *err)
{
	char *rules = pgt_advice_rules(o, err);
	bool ret = rules && pgt_advise_profile_class(rules, name) != PGT_WORKLOAD_UNKNOWN;

	free(rules);
	return ret;
}

/* ---- the settings as a snapshot has them ---- */

static const char *
text_of(struct pgt_arena *a, const cJSON *row, const char *name)
{
	const char *raw = NULL;
	char *safe;

	pgt_json_get_str(row, name, &raw);
	if (!raw)
		return NULL;
	safe = pgt_safetext(raw, PGT_SAFE_LINE, 4096);
	raw = pgt_arena_strdup(a, safe);
	free(safe);
	return raw;
}

static int
by_name(const void *x, const void *y)
{
	return strcmp(((const struct pgt_setting *)x)->name,
		      ((const struct pgt_setting *)y)->name);
}

static void
put_settings(struct pgt_snapshot *snap, struct pgt_arena *a, const cJSON *rows)
{
	size_t n = (size_t)cJSON_GetArraySize(rows), i = 0;
	struct pgt_setting *s = pgt_arena_array(a, n + 1, sizeof(*s));
	const cJSON *row;

	cJSON_ArrayForEach(row, rows)
	{
		s[i] = (struct pgt_setting){.name = text_of(a, row, "name"),
					    .value = text_of(a, row, "setting"),
					    .unit = text_of(a, row, "unit"),
					    .vartype = text_of(a, row, "vartype"),
					    .context = text_of(a, row, "context"),
					    .source = text_of(a, row, "source"),
					    .sourcefile = text_of(a, row, "sourcefile"),
					    .boot_value = text_of(a, row, "boot_val"),
					    .reset_value = text_of(a, row, "reset_val")};
		i += s[i].name != NULL;
	}
	qsort(s, i, sizeof(*s), by_name);
	snap->settings = s;
	snap->n_settings = i;
}

static int
advise_twice(struct pgt_session *s, const struct pgt_caps *caps,
	     struct pgt_advise_input *in, struct pgt_advice_list **ret,
	     struct pgt_err *err)
{
	struct pgt_advice_list *first;
	struct pgt_advice_plan *plans;
	int rc;

	if (pgt_advise(in, &first, err) < 0)
		return -1;
	in->n_plans = pgt_hypo_ask(pgt_session_conn(s), caps, in->schema, first, &plans);
	in->plans = plans;
	rc = pgt_advise(in, ret, err);
	free(plans);
	pgt_advice_list_free(first); /* the plans' identities were its own */
	return rc;
}

int
pgt_advice_read(struct pgt_session *s, const struct pgt_options *o,
		struct pgt_advice_list **ret, struct pgt_schema **ret_schema,
		struct pgt_err *err)
{
	struct pgt_snapshot snap = {.rate.wal_bytes = NAN, .host.data_free = NAN};
	struct pgt_advise_input in = {.snapshot = &snap,
				      .now_real_ns = pgt_clock_real_ns()};
	struct pgt_schema *schema = NULL;
	const struct pgt_identity *id;
	const struct pgt_caps *caps;
	cJSON *rows = NULL;
	char *rules = pgt_advice_rules(o, err);
	int rc = -1;

	if (!rules || pgt_session_caps(s, &caps, err) < 0 ||
	    pgt_session_identity(s, &id, err) < 0 ||
	    pgt_session_rows(s, "inspect_settings", NULL, 0, &rows, err) < 0 ||
	    pgt_schema_collect(pgt_session_conn(s), caps, NULL, in.now_real_ns, &schema,
			       err) < 0)
		goto out;
	schema->in_recovery = id->in_recovery;
	snap.node.version_num = pgt_session_version(s);
	snap.node.in_recovery = id->in_recovery;
	put_settings(&snap, schema->arena, rows);
	in.schema = schema;
	in.rules = rules;
	in.workload = pgt_advice_workload(o, rules, &in.remote_conservative);
	pgt_hostfacts_read(o, pgt_session_conn(s), &in.host);
	rc = advise_twice(s, caps, &in, ret, err);
	if (rc == 0 && ret_schema) {
		*ret_schema = schema;
		schema = NULL;
	}
out:
	pgt_schema_free(schema);
	cJSON_Delete(rows);
	free(rules);
	return rc;
}

/* ---- as JSON ---- */

void
pgt_advice_put(cJSON *data, const struct pgt_advice_list *list)
{
	cJSON *out = pgt_json_arr(data, "recommendations"), *notes, *j;

	for (size_t i = 0; i < list->n; i++) {
		j = pgt_advice_json(&list->items[i]);
		pgt_json_i64(j, "rank", (int64_t)i + 1);
		pgt_json_item(out, NULL, j);
	}
	notes = pgt_json_arr(data, "notes");
	for (size_t i = 0; i < list->n_notes; i++)
		pgt_json_str(notes, NULL, list->notes[i]);
}
