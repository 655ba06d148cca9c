/* The advisor's index candidates as dimensions of a search.  The planner was asked about
 * them before (HypoPG, where there is one); a rehearsal builds them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "tuning_priv.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)

void
pgt_tuning_extras_done(struct pgt_tuning *t)
{
	for (size_t i = 0; i < t->n_extras; i++) {
		free(t->extra[i].statement);
		free(t->extra[i].undo);
		free(t->extra[i].item);
		free(t->extra[i].query);
	}
	memset(t->extra, 0, sizeof(t->extra));
	t->n_extras = 0;
	pgt_schema_free(t->schema);
	t->schema = NULL;
}

static size_t
find(const struct pgt_tuning *t, size_t dim)
{
	size_t i = 0;

	while (i < t->n_extras &&
	       (t->space.dims[dim].knob ||
		strcmp(t->extra[i].name, t->space.dims[dim].name) != 0))
		i++;
	return i;
}

const struct pgt_tune_extra *
pgt_tuning_extra(const struct pgt_tuning *t, size_t dim)
{
	size_t i = find(t, dim);

	return i < t->n_extras ? &t->extra[i] : NULL;
}

struct pgt_tune_extra *
pgt_tuning_extra_at(struct pgt_tuning *t, size_t dim)
{
	size_t i = find(t, dim);

	return i < t->n_extras ? &t->extra[i] : NULL;
}

static char *
item_text(const struct pgt_advice_act *a)
{
	cJSON *o = cJSON_CreateObject();
	char *text;

	pgt_json_str(o, "kind", a->kind);
	pgt_json_str(o, "name", a->name);
	pgt_json_str(o, "database", a->database);
	pgt_json_str(o, "schema", a->schema);
	pgt_json_str(o, "table", a->table);
	pgt_json_str(o, "definition", a->definition);
	if (a->unique)
		pgt_json_bool(o, "unique", true);
	text = pgt_json_print(o, false);
	cJSON_Delete(o);
	return text;
}

static double
plan_change_pct(const struct pgt_advice_plan *plans, size_t n, const char *identity)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(plans[i].identity, identity) == 0 && plans[i].cost_before > 0)
			return plans[i].used ? 100 * (plans[i].cost_after /
							  plans[i].cost_before -
						      1)
					     : 0;
	return NAN;
}

/* Two long ones may begin alike, and are two all the same. */
static void
put_name(struct pgt_tune_extra *x, const char *identity)
{
	if (strlen(identity) < sizeof(x->name)) {
		pgt_str_copy(x->name, sizeof(x->name), identity);
		return;
	}
	pgt_str_copy(x->name, sizeof(x->name) - 9, identity);
	snprintf(x->name + strlen(x->name), 10, "~%08x",
		 pgt_digest_crc32c(0, identity, strlen(identity)));
}

/* Without what is the same for all: that it is an index, and the usual schema. */
static void
put_label(struct pgt_tune_extra *x, const char *identity)
{
	static const char index[] = "index:", usual[] = "public.";
	const char *s = identity;

	if (strncmp(s, index, strlen(index)) == 0)
		s += strlen(index);
	if (strncmp(s, usual, strlen(usual)) == 0)
		s += strlen(usual);
	pgt_str_copy(x->label, sizeof(x->label), s);
}

static void
take(struct pgt_tuning *t, const struct pgt_advice *a, double cost_pct)
{
	struct pgt_tune_extra *x;

	if (!a->act.kind || strcmp(a->act.kind, "index_create") != 0 || !a->statement ||
	    !a->undo || t->n_extras == PGT_TUNE_EXTRAS || cost_pct >= 0)
		return; /* 0: the planner would not take it */
	x = &t->extra[t->n_extras++];
	put_name(x, a->identity);
	put_label(x, a->identity);
	x->statement = pgt_xstrdup(a->statement);
	x->undo = pgt_xstrdup(a->undo);
	x->item = item_text(&a->act);
	x->cost_pct = cost_pct;
	pgt_str_copy(x->why, sizeof(x->why), a->costs ? a->costs : "");
}

static int
ask_advisor(struct pgt_tuning *t, struct pgt_conn *c, const struct pgt_caps *caps,
	    struct pgt_err *err)
{
	struct pgt_advise_input in = {
	    .snapshot = t->at,
	    .recent = &t->at->sessions,
	    .n_recent = 1,
	    .schema = t->schema,
	    .rules = pgt_sql_file("sql/rules/advise.rules"),
	    .now_real_ns = pgt_clock_real_ns(),
	};
	struct pgt_advice_list *list;
	struct pgt_advice_plan *plans = NULL;
	size_t n_plans;

	pgt_hostfacts_read(t->e->opts, c, &in.host);
	if (pgt_advise(&in, &list, err) < 0)
		return -1;
	n_plans = pgt_hypo_ask(c, caps, t->schema, list, &plans);
	for (size_t i = 0; i < list->n; i++)
		take(t, &list->items[i],
		     plan_change_pct(plans, n_plans, list->items[i].identity));
	free(plans);
	pgt_advice_list_free(list);
	return 0;
}

static int
connect(const struct pgt_tuning *t, struct pgt_conn **ret, struct pgt_caps *caps,
	struct pgt_err *err)
{
	struct pgt_connspec *spec = NULL;
	struct pgt_conn *c;

	if (pgt_connspec_with(t->e->spec, NULL, NULL, NULL, t->password, &spec, err) < 0)
		return -1;
	c = pgt_conn_new(spec, PGT_CONN_QUERY);
	pgt_connspec_free(spec);
	if (pgt_conn_run_connect(c, CONNECT_NS, err) < 0 ||
	    pgt_caps_read(c, caps, err) < 0) {
		pgt_conn_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

int
pgt_tuning_sees_latency(struct pgt_tuning *t, struct pgt_err *err)
{
	struct pgt_caps *caps = pgt_xcalloc(1, sizeof(*caps));
	const struct pgt_cap_state *cap = &caps->cap[PGT_CAP_STATEMENTS];
	struct pgt_conn *c = NULL;
	int rc = 0;

	if (t->objective.w_mean > 0 || t->objective.w_p99 > 0)
		rc = connect(t, &c, caps, err);
	if (c && !cap->available)
		rc = pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "mean and p99 are measured by pg_stat_statements: %s%s%s%s; "
		    "or search for throughput (--objective tps)",
		    cap->why, *cap->fix ? " (" : "", cap->fix, *cap->fix ? ")" : "");
	pgt_conn_free(c);
	free(caps);
	return rc;
}

int
pgt_tuning_extras(struct pgt_tuning *t, struct pgt_err *err)
{
	bool captures = t->opts.mode == PGT_TUNE_REHEARSAL && !*t->opts.script;
	struct pgt_caps *caps;
	struct pgt_conn *c;
	int rc = -1;

	if (t->opts.action == PGT_TUNE_KNOBS && !captures)
		return 0;
	caps = pgt_xcalloc(1, sizeof(*caps));
	if (connect(t, &c, caps, err) < 0) {
		free(caps);
		return -1;
	}
	if (pgt_schema_collect(c, caps, NULL, pgt_clock_real_ns(), &t->schema, err) ==
	    0) {
		t->schema->in_recovery = t->at->node.in_recovery;
		rc = t->opts.action == PGT_TUNE_KNOBS ? 0
						       : ask_advisor(t, c, caps, err);
	}
	pgt_conn_free(c);
	free(caps);
	return rc;
}
