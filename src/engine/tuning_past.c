/* What earlier searches of this server measured, as the tuner takes it: grouped by
 * search, with the features of the workload that each saw.  Read from the history, by
 * the optimizer's thread on a handle of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/history.h"
#include "pg2une/store/store.h"
#include "tuning_priv.h"

#define RUNS_MAX   16
#define ROWS_MAX   64 /* of one search */
#define JSON_MAX   65536
#define COL_RUN	   1
#define COL_CONFIG 3
#define COL_SCORE  4
#define COL_BASE   6

struct past_run {
	char id[37];
	double features[PGT_WARM_FEATURES];
	size_t n;
	double *value, *cost;
};

struct reading {
	const struct pgt_tuning *t;
	struct past_run run[RUNS_MAX];
	size_t n_runs;
};

bool
pgt_tuning_features(const struct pgt_window *w, double *ret)
{
	const struct pgt_warm_workload x = {
	    .read_share = w->read_share,
	    .hit_ratio = isnan(w->hit_ratio) ? 1 : w->hit_ratio,
	    .temp_bytes_per_tx = w->temp_bytes / fmax(w->tps, 0.001),
	    .rows_per_call = w->rows_per_call,
	    .tx_per_s = w->tps,
	    .active = w->active,
	};

	pgt_warm_features(&x, ret);
	for (int i = 0; i < PGT_WARM_FEATURES; i++)
		if (!isfinite(ret[i]))
			return false;
	return true;
}

const char *
pgt_tuning_goal(const struct pgt_tuning *t)
{
	static const char *const names[] = {"tps", "mean", "p99"};

	/* A canary's cost is relative to the primary: of a kind of its own. */
	if (t->opts.mode == PGT_TUNE_CANARY)
		return "canary";
	return *t->opts.weights ? t->opts.weights : names[t->opts.objective];
}

void
pgt_tuning_put_features(const struct pgt_tuning *t, cJSON *base)
{
	double f[PGT_WARM_FEATURES];
	cJSON *arr;

	pgt_json_str(base, "goal", pgt_tuning_goal(t));
	if (!pgt_tuning_features(&t->base_window, f))
		return;
	arr = pgt_json_arr(base, "features");
	for (int i = 0; i < PGT_WARM_FEATURES; i++)
		pgt_json_num(arr, NULL, f[i]);
}

/* Of the same goal, with features, or it says nothing here. */
static bool
read_base(const struct pgt_tuning *t, const char *text, double *features)
{
	cJSON *o = pgt_json_parse(text, strlen(text), JSON_MAX, NULL);
	const cJSON *goal = cJSON_GetObjectItemCaseSensitive(o, "goal"),
		    *f = cJSON_GetObjectItemCaseSensitive(o, "features");
	bool ok = cJSON_IsString(goal) &&
		  strcmp(goal->valuestring, pgt_tuning_goal(t)) == 0 &&
		  cJSON_GetArraySize(f) == PGT_WARM_FEATURES;

	for (int i = 0; ok && i < PGT_WARM_FEATURES; i++) {
		const cJSON *x = cJSON_GetArrayItem(f, i);

		ok = cJSON_IsNumber(x);
		features[i] = ok ? x->valuedouble : 0;
	}
	cJSON_Delete(o);
	return ok;
}

/* Every dimension must be told: what an earlier search left out is not guessed. */
static bool
read_config(const struct pgt_tuning *t, const char *text, double *value)
{
	cJSON *o = pgt_json_parse(text, strlen(text), JSON_MAX, NULL);
	bool ok = o != NULL;

	for (size_t i = 0; ok && i < t->space.n_dims; i++) {
		const struct pgt_dim *d = &t->space.dims[i];
		const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, d->name);

		ok = cJSON_IsString(v);
		if (ok && d->knob)
			ok = pgt_knob_parse(d->knob, v->valuestring, 1, &value[i],
					    NULL) == 0;
		else if (ok)
			value[i] = strcmp(v->valuestring, "yes") == 0;
	}
	cJSON_Delete(o);
	return ok;
}

static struct past_run *
run_of(struct reading *r, const char *id, const double *features)
{
	struct past_run *x;

	for (size_t i = 0; i < r->n_runs; i++)
		if (strcmp(r->run[i].id, id) == 0)
			return &r->run[i];
	if (r->n_runs == RUNS_MAX || strlen(id) >= sizeof(x->id))
		return NULL;
	x = &r->run[r->n_runs++];
	memcpy(x->id, id, strlen(id) + 1);
	memcpy(x->features, features, sizeof(x->features));
	x->value = pgt_xcalloc(ROWS_MAX * r->t->space.n_dims, sizeof(double));
	x->cost = pgt_xcalloc(ROWS_MAX, sizeof(double));
	return x;
}

static int
on_row(void *ctx, const char *const *cells, int n)
{
	struct reading *r = ctx;
	double features[PGT_WARM_FEATURES], value[PGT_SPACE_DIMS], cost;
	struct past_run *x;
	char *end;

	if (n <= COL_BASE || !cells[COL_RUN] || !cells[COL_CONFIG] || !cells[COL_SCORE] ||
	    !cells[COL_BASE])
		return 0; /* failed, abandoned or void: no score */
	cost = strtod(cells[COL_SCORE], &end);
	if (*end || !isfinite(cost) || !read_base(r->t, cells[COL_BASE], features) ||
	    !read_config(r->t, cells[COL_CONFIG], value))
		return 0;
	x = run_of(r, cells[COL_RUN], features);
	if (!x || x->n == ROWS_MAX)
		return 0;
	memcpy(&x->value[x->n * r->t->space.n_dims], value,
	       r->t->space.n_dims * sizeof(double));
	x->cost[x->n++] = cost;
	return 0;
}

static int
read_history(const struct pgt_tuning *t, struct reading *r, struct pgt_err *err)
{
	char *where = pgt_history_where(t->e->opts);
	struct pgt_store *st = NULL;
	int64_t node;
	int rc = 0;

	if (!where)
		return 0;
	rc = pgt_store_open(where, &st, err);
	free(where);
	if (rc == 0)
		rc = pgt_store_node(st, t->at->node.fingerprint, t->at->node.node_id,
				    NULL, &node, err);
	if (rc == 0)
		rc = pgt_store_get_records(st, node, PGT_REC_OBSERVATION, 0, on_row, r,
					   err);
	pgt_store_close(st);
	return rc;
}

int
pgt_tuning_new_tuner(struct pgt_tuning *t, struct pgt_tuner_opts *to, struct pgt_err *err)
{
	struct pgt_tuner_past past[RUNS_MAX] = {0};
	struct reading *r = pgt_xcalloc(1, sizeof(*r));
	struct pgt_err why = {0};
	int rc;

	r->t = t;
	if (t->have_base && pgt_tuning_features(&t->base_window, to->features)) {
		to->n_features = PGT_WARM_FEATURES;
		if (read_history(t, r, &why) < 0)
			pgt_engine_notice(t->e, PGT_NOTICE_WARN,
					  "earlier searches could not be read: %s",
					  why.msg);
	}
	for (size_t i = 0; i < r->n_runs; i++) {
		past[i].n_features = PGT_WARM_FEATURES;
		memcpy(past[i].features, r->run[i].features, sizeof(r->run[i].features));
		past[i].n = r->run[i].n;
		past[i].value = r->run[i].value;
		past[i].cost = r->run[i].cost;
	}
	rc = pgt_tuner_new(&t->space, t->baseline, to, past, r->n_runs, &t->tuner, err);
	for (size_t i = 0; i < r->n_runs; i++) {
		free(r->run[i].value);
		free(r->run[i].cost);
	}
	free(r);
	return rc;
}
