#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/rollout/plan.h"

const char *const pgt_ro_canary_names[4] = {"named", "hook", "mxc", "basebackup"};
static const char *const after_names[] = {"keep", "revert", "stop"};

enum kind { STR, BOOL, NUM, INT, SECONDS };
struct field {
	const char *section; /* NULL: the top */
	const char *name;
	enum kind kind;
	size_t at;
	double min, max;
};
#define AT(m) offsetof(struct pgt_rollout_plan, m)

static const struct field fields[] = {
    {NULL, "direct", BOOL, AT(direct), 0, 0},
    {NULL, "auto", BOOL, AT(auto_go), 0, 0},
    {NULL, "min_step_s", SECONDS, AT(min_step_ns), 1, 86400},
    {NULL, "max_step_s", SECONDS, AT(max_step_ns), 1, 86400},
    {NULL, "bucket_s", SECONDS, AT(bucket_ns), 1, 60},
    {NULL, "base_s", SECONDS, AT(base_ns), 0, 86400},
    {"gate", "alpha", NUM, AT(gate.alpha), 1e-4, 0.5},
    {"gate", "latency_margin", NUM, AT(gate.latency_margin), 0.01, 1},
    {"gate", "throughput_margin", NUM, AT(gate.throughput_margin), 0.01, 1},
    {"gate", "min_calls", NUM, AT(gate.min_calls), 0, 1e9},
    {"gate", "min_buckets", INT, AT(gate.min_buckets), 1, 1000},
    {"gate", "min_bucket_calls", NUM, AT(gate.min_bucket_calls), 2, 1e6},
    {"gate", "noise_sd", NUM, AT(gate.noise_sd), 0.001, 1},
    {"gate", "max_lag_bytes", NUM, AT(gate.max_lag_bytes), 0, 1e15},
    {"gate", "min_memory_pct", NUM, AT(gate.min_memory_pct), 0, 100},
    {"gate", "min_disk_pct", NUM, AT(gate.min_disk_pct), 0, 100},
    {"gate", "max_connections_pct", NUM, AT(gate.max_connections_pct), 0, 100},
    {"gate", "starved_buckets", INT, AT(gate.starved_buckets), 1, 1000},
    {"router", "kind", STR, AT(router.kind), 0, 0},
    {"router", "read_only_pool", BOOL, AT(router.read_only_pool), 0, 0},
    {"router", "admin", STR, AT(router.admin), 0, 0},
    {"router", "routes_file", STR, AT(router.routes_file), 0, 0},
    {"router", "pool", STR, AT(router.pool), 0, 0},
    {"router", "socket", STR, AT(router.socket), 0, 0},
    {"router", "primary", STR, AT(router.primary), 0, 0},
    {"router", "canary", STR, AT(router.canary), 0, 0},
    {"router", "command", STR, AT(router.command), 0, 0},
    {"canary", "conninfo", STR, AT(canary.conninfo), 0, 0},
    {"canary", "ready_s", SECONDS, AT(canary.ready_ns), 1, 86400},
    {"canary", "warm_s", SECONDS, AT(canary.warm_ns), 0, 86400},
    {"canary", "command", STR, AT(canary.command), 0, 0},
    {"canary", "restart_command", STR, AT(canary.restart_command), 0, 0},
    {"canary", "url", STR, AT(canary.url), 0, 0},
    {"canary", "token_file", STR, AT(canary.token_file), 0, 0},
    {"canary", "configuration", STR, AT(canary.configuration), 0, 0},
    {"canary", "cpu", INT, AT(canary.cpu), 1, 1024},
    {"canary", "memory_mb", INT, AT(canary.memory_mb), 64, 1e7},
    {"canary", "directory", STR, AT(canary.directory), 0, 0},
    {"canary", "bin", STR, AT(canary.bin), 0, 0},
    {"canary", "primary_conninfo", STR, AT(canary.primary_conninfo), 0, 0},
    {"canary", "listen", STR, AT(canary.listen), 0, 0},
    {"canary", "port", INT, AT(canary.port), 1, 65535},
};

static void *
member(struct pgt_rollout_plan *p, const struct field *f)
{
	return (char *)p + f->at;
}

static int
take_field(struct pgt_rollout_plan *p, const struct field *f, const cJSON *v,
	   struct pgt_err *err)
{
	void *m = member(p, f);
	bool fits;

	if (cJSON_IsNull(v))
		return 0;
	switch (f->kind) {
	case STR:
		if (!cJSON_IsString(v))
			goto bad;
		free(*(char **)m);
		*(char **)m = pgt_xstrdup(v->valuestring);
		return 0;
	case BOOL:
		if (!cJSON_IsBool(v))
			goto bad;
		*(bool *)m = cJSON_IsTrue(v);
		return 0;
	case NUM:
	case INT:
	case SECONDS:
		fits = cJSON_IsNumber(v) && v->valuedouble >= f->min &&
		       v->valuedouble <= f->max &&
		       (f->kind != INT || v->valuedouble == floor(v->valuedouble));
		if (!fits)
			goto bad;
		if (f->kind == NUM)
			*(double *)m = v->valuedouble;
		else if (f->kind == INT)
			*(int *)m = (int)v->valuedouble;
		else
			*(int64_t *)m = (int64_t)llround(v->valuedouble * 1e9);
		return 0;
	}
bad:
	return pgt_err_set(err, PGT_E_USAGE, "rollout plan: \"%s\" has a wrong value",
			   f->name);
}

static int
take_name(const cJSON *v, const char *const *names, int n, const char *what, int *ret,
	  struct pgt_err *err)
{
	for (int i = 0; i < n; i++)
		if (cJSON_IsString(v) && strcmp(v->valuestring, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	return pgt_err_set(err, PGT_E_USAGE, "rollout plan: unknown %s", what);
}

static int
take_steps(struct pgt_rollout_plan *p, const cJSON *arr, struct pgt_err *err)
{
	const cJSON *v;
	int n = 0;

	cJSON_ArrayForEach(v, arr)
	{
		double before = n ? p->pct[n - 1] : 0;

		if (n == PGT_RO_STEPS_MAX || !cJSON_IsNumber(v) ||
		    v->valuedouble <= before || v->valuedouble > 100)
			return pgt_err_set(err, PGT_E_USAGE,
					   "rollout plan: steps are up to %d rising "
					   "percentages up to 100",
					   PGT_RO_STEPS_MAX);
		p->pct[n++] = v->valuedouble;
	}
	if (n == 0)
		return pgt_err_set(err, PGT_E_USAGE, "rollout plan: no steps");
	p->n_steps = n;
	return 0;
}

static int take_members(struct pgt_rollout_plan *p, const char *section, const cJSON *obj,
			struct pgt_err *err);

static int
take_special(struct pgt_rollout_plan *p, const char *section, const cJSON *v,
	     struct pgt_err *err)
{
	const char *name = v->string;
	int i = 0;

	if (section && strcmp(section, "canary") == 0 && strcmp(name, "kind") == 0) {
		if (take_name(v, pgt_ro_canary_names, 4, "kind of canary", &i, err) < 0)
			return -1;
		p->canary.kind = (enum pgt_ro_canary)i;
		return 0;
	}
	if (section && strcmp(section, "canary") == 0 && strcmp(name, "after") == 0) {
		if (take_name(v, after_names, 3, "\"after\"", &i, err) < 0)
			return -1;
		p->canary.after = (enum pgt_ro_after)i;
		return 0;
	}
	if (section)
		goto unknown;
	if (strcmp(name, "changeset") == 0)
		return p->cs ? 0 : pgt_changeset_from_json(v, &p->cs, err);
	if (strcmp(name, "steps") == 0)
		return take_steps(p, v, err);
	if (strcmp(name, "id") == 0) {
		if (cJSON_IsString(v) &&
		    pgt_str_copy(p->id, sizeof(p->id), v->valuestring))
			return 0;
		return pgt_err_set(err, PGT_E_USAGE, "rollout plan: a wrong id");
	}
	for (i = 0; i < 3; i++) {
		static const char *const sections[] = {"gate", "router", "canary"};

		if (strcmp(name, sections[i]) == 0)
			return take_members(p, sections[i], v, err);
	}
unknown:
	return pgt_err_set(err, PGT_E_USAGE, "rollout plan: unknown member \"%.60s\"",
			   name);
}

static const struct field *
find_field(const char *section, const char *name)
{
	for (size_t i = 0; i < PGT_LEN(fields); i++) {
		const char *s = fields[i].section;

		if (strcmp(fields[i].name, name) == 0 &&
		    (s == section || (s && section && strcmp(s, section) == 0)))
			return &fields[i];
	}
	return NULL;
}

static int
take_members(struct pgt_rollout_plan *p, const char *section, const cJSON *obj,
	     struct pgt_err *err)
{
	const cJSON *v;

	if (!cJSON_IsObject(obj))
		return pgt_err_set(err, PGT_E_USAGE, "rollout plan: no object");
	cJSON_ArrayForEach(v, obj)
	{
		const struct field *f = find_field(section, v->string);

		if ((f ? take_field(p, f, v, err) : take_special(p, section, v, err)) < 0)
			return -1;
	}
	return 0;
}

static void
set_defaults(struct pgt_rollout_plan *p)
{
	static const double pct[] = {5, 25, 50, 100};

	memcpy(p->pct, pct, sizeof(pct));
	p->n_steps = PGT_LEN(pct);
	p->min_step_ns = 30 * PGT_NS_PER_S;
	p->max_step_ns = 300 * PGT_NS_PER_S;
	p->bucket_ns = 5 * PGT_NS_PER_S;
	p->base_ns = p->canary.warm_ns = -1;
	p->canary.ready_ns = 600 * PGT_NS_PER_S;
	p->canary.cpu = 1;
	p->canary.memory_mb = 1024;
	pgt_gate_defaults(&p->gate);
}

/* What is missing can be said before anything is asked of anybody. */
static int
check(const struct pgt_rollout_plan *p, struct pgt_err *err)
{
	const struct pgt_router_ops *ops;

	if (!p->cs)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "no changeset: --file F, or \"changeset\" in the plan");
	if (p->max_step_ns < p->min_step_ns)
		return pgt_err_set(err, PGT_E_USAGE,
				   "rollout plan: max_step_s is below min_step_s");
	if (p->max_step_ns < p->canary.warm_ns + p->bucket_ns)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "rollout plan: max_step_s leaves no time after warm_s");
	if (p->direct)
		return 0;
	/* The plan is written down and shown. */
	if ((p->router.admin && strstr(p->router.admin, "password=")) ||
	    (p->canary.conninfo && strstr(p->canary.conninfo, "password=")) ||
	    (p->canary.primary_conninfo &&
	     strstr(p->canary.primary_conninfo, "password=")))
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "rollout plan: no passwords in it; use a password file");
	if (!p->router.kind || !(ops = pgt_router_find(p->router.kind)))
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "rollout plan: the router's kind is pgbouncer, haproxy or "
		    "hook (or \"direct\": true goes without)");
	for (int i = 0; i < p->n_steps; i++)
		if (fabs(remainder(p->pct[i], ops->step_pct)) > 1e-9)
			return pgt_err_set(
			    err, PGT_E_USAGE,
			    "rollout plan: %s can only set shares in steps of "
			    "%g%%",
			    ops->name, ops->step_pct);
	if (p->canary.kind == PGT_ROC_BASEBACKUP &&
	    (!p->canary.directory || !p->canary.port))
		return pgt_err_set(err, PGT_E_USAGE,
				   "rollout plan: a copy made here needs a directory and "
				   "a port");
	if (p->canary.kind == PGT_ROC_HOOK && !p->canary.command)
		return pgt_err_set(err, PGT_E_USAGE,
				   "rollout plan: the canary's command is missing");
	if (!p->canary.conninfo && p->canary.kind != PGT_ROC_BASEBACKUP)
		return pgt_err_set(err, PGT_E_USAGE,
				   "rollout plan: the canary's conninfo is missing");
	return 0;
}

int
pgt_rollout_plan_from_json(const cJSON *json, struct pgt_rollout_plan **ret,
			   struct pgt_err *err)
{
	struct pgt_rollout_plan *p = pgt_xcalloc(1, sizeof(*p));

	set_defaults(p);
	if (take_members(p, NULL, json, err) < 0)
		goto fail;
	if (p->base_ns < 0)
		p->base_ns = p->min_step_ns;
	/* one that was made just now has read nothing yet */
	if (p->canary.warm_ns < 0)
		p->canary.warm_ns =
		    p->direct || p->canary.kind == PGT_ROC_NAMED ? 0 : p->min_step_ns;
	if (check(p, err) < 0)
		goto fail;
	/* one changeset, one rollout: its id serves both */
	if (!p->id[0])
		pgt_str_copy(p->id, sizeof(p->id), p->cs->id);
	*ret = p;
	return 0;

fail:
	pgt_rollout_plan_free(p);
	return -1;
}

static void
put_field(cJSON *obj, struct pgt_rollout_plan *p, const struct field *f)
{
	void *m = member(p, f);

	switch (f->kind) {
	case STR:
		if (*(char **)m)
			pgt_json_str(obj, f->name, *(char **)m);
		break;
	case BOOL:
		pgt_json_bool(obj, f->name, *(bool *)m);
		break;
	case NUM:
		pgt_json_num(obj, f->name, *(double *)m);
		break;
	case INT:
		if (*(int *)m)
			pgt_json_i64(obj, f->name, *(int *)m);
		break;
	case SECONDS:
		pgt_json_num(obj, f->name, (double)*(int64_t *)m / 1e9);
		break;
	}
}

cJSON *
pgt_rollout_plan_json(const struct pgt_rollout_plan *p)
{
	cJSON *top = cJSON_CreateObject(), *obj, *steps;

	pgt_json_str(top, "id", p->id);
	pgt_json_item(top, "changeset", pgt_changeset_json(p->cs, NULL));
	steps = pgt_json_arr(top, "steps");
	for (int i = 0; i < p->n_steps; i++)
		pgt_json_num(steps, NULL, p->pct[i]);
	for (size_t i = 0; i < PGT_LEN(fields); i++) {
		const char *s = fields[i].section;

		obj = s ? cJSON_GetObjectItemCaseSensitive(top, s) : top;
		if (!obj)
			obj = pgt_json_obj(top, s);
		put_field(obj, (struct pgt_rollout_plan *)(uintptr_t)p, &fields[i]);
	}
	obj = cJSON_GetObjectItemCaseSensitive(top, "canary");
	pgt_json_str(obj, "kind", pgt_ro_canary_names[p->canary.kind]);
	pgt_json_str(obj, "after", after_names[p->canary.after]);
	return top;
}

void
pgt_rollout_plan_free(struct pgt_rollout_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < PGT_LEN(fields); i++)
		if (fields[i].kind == STR)
			free(*(char **)member(p, &fields[i]));
	pgt_changeset_free(p->cs);
	free(p);
}

struct pgt_router_opts
pgt_rollout_plan_router(const struct pgt_rollout_plan *p)
{
	return (struct pgt_router_opts){
	    .admin = p->router.admin,
	    .routes_file = p->router.routes_file,
	    .pool = p->router.pool,
	    .socket = p->router.socket,
	    .primary = p->router.primary,
	    .canary = p->router.canary,
	    .command = p->router.command,
	};
}
