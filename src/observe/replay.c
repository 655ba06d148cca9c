#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/json.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/observe/trace.h"
#include "sampler_priv.h"

#define LINE_LIMIT ((size_t)64 << 20)

struct pgt_replay {
	struct obs *obs;
	FILE *file;
	char *line;
	size_t cap;
};

struct pgt_replay *
pgt_replay_new(const struct pgt_sampler_opts *opts)
{
	struct pgt_replay *r = pgt_xcalloc(1, sizeof(*r));

	r->obs = obs_new(opts);
	return r;
}

void
pgt_replay_free(struct pgt_replay *r)
{
	if (!r)
		return;
	if (r->file)
		fclose(r->file);
	free(r->line);
	obs_free(r->obs);
	free(r);
}

/* ---- the header ---- */

static void
copy_str(const cJSON *obj, const char *name, char *dst, size_t size)
{
	const char *s;

	if (pgt_json_get_str(obj, name, &s))
		pgt_safetext_copy(dst, size, s);
}

static int64_t
str_i64(const cJSON *obj, const char *name)
{
	const char *s;
	int64_t v;

	return pgt_json_get_str(obj, name, &s) && pgt_parse_i64(s, &v) ? v : 0;
}

static int64_t
num_i64(const cJSON *obj, const char *name)
{
	int64_t v;

	return pgt_json_get_i64(obj, name, &v) ? v : 0;
}

static double
num_or_nan(const cJSON *obj, const char *name)
{
	double v;

	return pgt_json_get_num(obj, name, &v) ? v : NAN;
}

static void
read_caps(const cJSON *top, struct pgt_caps *caps)
{
	const cJSON *c;
	const char *name;
	int i;

	cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(top, "caps")) {
		if (!pgt_json_get_str(c, "name", &name))
			continue;
		for (i = 0; i < PGT_CAP_N; i++)
			if (strcmp(pgt_cap_names[i], name) == 0)
				break;
		if (i == PGT_CAP_N)
			continue; /* of a newer or older program */
		pgt_json_get_bool(c, "available", &caps->cap[i].available);
		copy_str(c, "version", caps->cap[i].version,
			 sizeof(caps->cap[i].version));
		copy_str(c, "schema", caps->cap[i].schema, sizeof(caps->cap[i].schema));
		copy_str(c, "why", caps->cap[i].why, sizeof(caps->cap[i].why));
		copy_str(c, "fix", caps->cap[i].fix, sizeof(caps->cap[i].fix));
	}
}

static void
replay_epoch(struct pgt_replay *r, const cJSON *top)
{
	struct pgt_identity id = {0};
	struct pgt_caps caps = {0};
	struct obs *o = r->obs;

	id.server_version_num = caps.server_version_num = (int)num_i64(
	    top, "server_version_num");
	id.timeline = (int)num_i64(top, "timeline");
	id.start_real_ns = str_i64(top, "start");
	copy_str(top, "version", id.version, sizeof(id.version));
	copy_str(top, "node", id.node, sizeof(id.node));
	copy_str(top, "fingerprint", id.fingerprint, sizeof(id.fingerprint));
	copy_str(top, "cluster_name", id.cluster_name, sizeof(id.cluster_name));
	read_caps(top, &caps);
	obs_identify(o, &id, &caps);
	pgt_json_get_bool(top, "pooled", &o->pooled);
	copy_str(top, "user", o->user, sizeof(o->user));
	copy_str(top, "database", o->database, sizeof(o->database));
	copy_str(top, "host", o->host, sizeof(o->host));
	copy_str(top, "port", o->port, sizeof(o->port));
}

/* ---- a sample ---- */

static void
read_tick(const cJSON *top, struct obs_tick *k)
{
	*k = (struct obs_tick){
	    .mono_ns = str_i64(top, "mono"),
	    .real_ns = str_i64(top, "real"),
	    .asked_ns = num_i64(top, "asked"),
	    .effective_interval_ns = num_i64(top, "effective"),
	    .statements = (int)num_i64(top, "statements"),
	    .own_xacts = (int)num_i64(top, "own"),
	    .bytes = (size_t)num_i64(top, "bytes"),
	    .backed_off = num_i64(top, "backed_off") != 0,
	    .reconnected = num_i64(top, "reconnected") != 0,
	    .is_local = num_i64(top, "local") != 0,
	    .server_is_cpu = num_i64(top, "cpu") != 0,
	    .tick_ms = num_or_nan(top, "tick_ms"),
	    .server_ms = num_or_nan(top, "server_ms"),
	    .client_cpu_pct = num_or_nan(top, "cpu_pct"),
	};
}

/* The cells point into the parsed tree, which outlives the feeding. */
static int
read_rows(const cJSON *q, struct pgt_arena *a, struct obs_rows *r, struct pgt_err *err)
{
	const cJSON *c = cJSON_GetObjectItemCaseSensitive(q, "c"), *it, *cell;
	const cJSON *d = cJSON_GetObjectItemCaseSensitive(q, "d");
	const cJSON *e = cJSON_GetObjectItemCaseSensitive(q, "e");
	const char **names, **cells;
	size_t i = 0, cols = (size_t)cJSON_GetArraySize(c),
	       rows = (size_t)cJSON_GetArraySize(d);

	*r = (struct obs_rows){.ok = !e};
	if (e) {
		const char *state = cJSON_GetStringValue(cJSON_GetArrayItem(e, 0));
		const char *msg = cJSON_GetStringValue(cJSON_GetArrayItem(e, 1));

		pgt_err_set(&r->err, PGT_E_SQL, "%s", msg ? msg : "");
		pgt_err_sqlstate(&r->err, state ? state : "");
		return 0;
	}
	names = pgt_arena_array(a, cols + 1, sizeof(*names));
	cells = pgt_arena_array(a, rows * cols + 1, sizeof(*cells));
	if (!names || !cells)
		return pgt_err_set(err, PGT_E_LIMIT,
				   "a sample of the trace is too large");
	cJSON_ArrayForEach(it, c) {
		names[i] = cJSON_GetStringValue(it);
		if (!names[i++])
			return pgt_err_set(err, PGT_E_PARSE, "a column has no name");
	}
	i = 0;
	cJSON_ArrayForEach(it, d) {
		if ((size_t)cJSON_GetArraySize(it) != cols)
			return pgt_err_set(err, PGT_E_PARSE,
					   "a row has not as many cells as columns");
		cJSON_ArrayForEach(cell, it)
			cells[i++] = cJSON_GetStringValue(cell);
	}
	r->names = names;
	r->cells = cells;
	r->n_cols = cols;
	r->n_rows = rows;
	return 0;
}

static int
replay_sample(struct pgt_replay *r, const cJSON *top, const struct pgt_snapshot **ret,
	      struct pgt_err *err)
{
	struct pgt_arena *a = pgt_arena_new(4 * LINE_LIMIT);
	struct obs_tick tick;
	struct obs_rows rows;
	const cJSON *q;
	const char *name;
	int i, rc = 0;

	read_tick(top, &tick);
	obs_begin(r->obs, &tick);
	cJSON_ArrayForEach(q, cJSON_GetObjectItemCaseSensitive(top, "r")) {
		if (!pgt_json_get_str(q, "q", &name) ||
		    (i = obs_collector_find(name)) < 0)
			continue; /* of a newer or older program */
		rc = read_rows(q, a, &rows, err);
		if (rc < 0)
			break;
		obs_feed(r->obs, &obs_collectors[i], &rows);
	}
	if (rc == 0)
		*ret = obs_build(r->obs);
	pgt_arena_free(a);
	return rc;
}

int
pgt_replay_line(struct pgt_replay *r, const char *line, size_t len,
		const struct pgt_snapshot **ret, struct pgt_err *err)
{
	cJSON *top = pgt_json_parse(line, len, LINE_LIMIT, err);
	int rc = 0;

	if (!top)
		return -1;
	*ret = NULL;
	if (cJSON_GetObjectItemCaseSensitive(top, "pg2une_trace"))
		replay_epoch(r, top);
	else if (cJSON_GetObjectItemCaseSensitive(top, "mono"))
		rc = replay_sample(r, top, ret, err);
	else
		rc = pgt_err_set(err, PGT_E_PARSE, "neither a header nor a sample");
	cJSON_Delete(top);
	return rc;
}

int
pgt_replay_open(struct pgt_replay *r, const char *path, struct pgt_err *err)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return pgt_err_set(err, PGT_E_IO, "trace %s: %s", path,
				   pgt_strerror(errno));
	if (r->file)
		fclose(r->file);
	r->file = f;
	return 0;
}

int
pgt_replay_next(struct pgt_replay *r, const struct pgt_snapshot **ret,
		struct pgt_err *err)
{
	const struct pgt_snapshot *s = NULL;
	ssize_t n;

	if (!r->file)
		return pgt_err_set(err, PGT_E_STATE, "no trace is open");
	while (!s) {
		n = getline(&r->line, &r->cap, r->file);
		if (n < 0)
			return ferror(r->file) ? pgt_err_set(err, PGT_E_IO, "trace: %s",
							     pgt_strerror(errno))
					       : 0;
		if (pgt_replay_line(r, r->line, (size_t)n, &s, err) < 0)
			return -1;
	}
	*ret = s;
	return 1;
}
