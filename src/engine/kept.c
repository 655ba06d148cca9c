#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/kept.h"
#include "pg2une/engine/session.h"
#include "pg2une/pg/identity.h"
#include "pg2une/store/store.h"

#define BODY_MAX (1u << 20)
#define BODY_COL 10 /* of alert_get.sql */

static int
open_kept(const struct pgt_options *o, struct pgt_store **ret, struct pgt_err *err)
{
	char *where = pgt_history_where(o);
	int rc;

	if (!where)
		return pgt_err_set(err, PGT_E_STATE, "no history is kept (--store none)");
	rc = pgt_store_open(where, ret, err);
	if (rc < 0)
		pgt_err_prefix(err, "history %s", where);
	free(where);
	return rc;
}

struct alert_list {
	cJSON *json;
	struct pgt_kept_alert *item;
	size_t n;
};

static int
on_alert(void *ctx, const char *const *cells, int n)
{
	struct alert_list *l = ctx;
	struct pgt_kept_alert a;
	cJSON *body = NULL;

	if (n >= PGT_KEPT_ALERT_COLS && cells[BODY_COL])
		body = pgt_json_parse(cells[BODY_COL], strlen(cells[BODY_COL]), BODY_MAX,
				      NULL);
	if (!body)
		return 0; /* a row that a person edited: nothing to show of it */
	pgt_kept_alert_of(cells, body, &a);
	if (pgt_kept_alert_known(l->item, l->n, &a)) {
		cJSON_Delete(body);
		return 0;
	}
	l->item = pgt_xreallocarray(l->item, l->n + 1, sizeof(*l->item));
	l->item[l->n++] = a;
	/* that nobody watches it any more only the column knows */
	cJSON_DeleteItemFromObjectCaseSensitive(body, "state");
	pgt_json_str(body, "state", a.state);
	pgt_json_item(l->json, NULL, body);
	return 0;
}

static void
put_time(cJSON *o, const char *name, int64_t ms)
{
	char buf[40];

	pgt_json_str(o, name,
		     ms ? pgt_clock_iso8601(ms * PGT_NS_PER_MS, buf, sizeof(buf)) : NULL);
}

static int
on_change(void *ctx, const char *const *cells, int n)
{
	struct pgt_kept_change c;
	cJSON *o = pgt_json_obj(ctx, NULL);

	pgt_kept_change_of(cells, n, &c);
	pgt_json_str(o, "id", c.id);
	put_time(o, "begun", c.begun_ms);
	put_time(o, "ended", c.ended_ms);
	pgt_json_str(o, "who", c.who);
	pgt_json_str(o, "what", c.what);
	pgt_json_str(o, "outcome", c.outcome);
	pgt_json_str(o, "before", c.before[0] ? c.before : NULL);
	pgt_json_str(o, "after", c.after[0] ? c.after : NULL);
	pgt_json_str(o, "result", c.result);
	return 0;
}

struct run_list {
	cJSON *json;
	int64_t since_ms;
};

static cJSON *
parse(const char *text)
{
	return text ? pgt_json_parse(text, strlen(text), BODY_MAX, NULL) : NULL;
}

/* A search says its mode, a rollout its router. */
static void
put_kind(cJSON *o, const cJSON *body)
{
	const char *mode = NULL, *router = NULL;

	pgt_json_get_str(body, "mode", &mode);
	pgt_json_get_str(body, "router", &router);
	pgt_json_str(o, "kind", router ? "rollout" : "search");
	pgt_json_str(o, "mode", router ? router : mode);
}

/* In the order of run_get.sql. */
static int
on_run(void *ctx, const char *const *cells, int n)
{
	struct run_list *l = ctx;
	int64_t begun, ended = 0;
	char before[64], after[64];
	double pct;
	cJSON *o, *body, *part;

	if (n < 12 || !cells[1] || !pgt_parse_i64(cells[1], &begun) ||
	    begun < l->since_ms)
		return 0;
	if (cells[2] && !pgt_parse_i64(cells[2], &ended))
		ended = 0;
	o = pgt_json_obj(l->json, NULL);
	body = parse(cells[11]);
	pgt_json_str(o, "id", cells[0]);
	put_time(o, "begun", begun);
	put_time(o, "ended", ended);
	put_kind(o, body);
	pgt_json_str(o, "action", cells[3]);
	pgt_json_str(o, "status", cells[4]);
	pgt_kept_metrics(cells[6], before, sizeof(before));
	pgt_kept_metrics(cells[7], after, sizeof(after));
	pgt_json_str(o, "before", *before ? before : NULL);
	pgt_json_str(o, "after", *after ? after : NULL);
	pgt_json_num(o, "improvement_pct",
		     cells[8] && pgt_parse_double(cells[8], &pct) ? pct : NAN);
	part = parse(cells[5]);
	pgt_json_item(o, "config", part ? part : cJSON_CreateNull());
	part = cJSON_DetachItemFromObjectCaseSensitive(body, "steps");
	pgt_json_item(o, "steps", part ? part : cJSON_CreateArray());
	cJSON_Delete(body);
	return 0;
}

static int
read_kept(struct pgt_session *s, const struct pgt_options *o, enum pgt_record rec,
	  int64_t since_real_ns, int (*row)(void *, const char *const *, int), void *ctx,
	  struct pgt_err *err)
{
	const struct pgt_identity *id;
	struct pgt_store *st;
	int64_t node;
	int rc;

	if (pgt_session_identity(s, &id, err) < 0 || open_kept(o, &st, err) < 0)
		return -1;
	rc = pgt_store_node(st, id->fingerprint, id->node, NULL, &node, err);
	if (rc == 0)
		rc = pgt_store_get_records(st, node, rec, since_real_ns / PGT_NS_PER_MS,
					   row, ctx, err);
	pgt_store_close(st);
	return rc;
}

int
pgt_kept_alerts(struct pgt_session *s, const struct pgt_options *o, int64_t since_real_ns,
		cJSON **ret, struct pgt_err *err)
{
	struct alert_list l = {.json = cJSON_CreateArray()};
	int rc = read_kept(s, o, PGT_REC_ALERT, since_real_ns, on_alert, &l, err);

	free(l.item);
	if (rc < 0)
		cJSON_Delete(l.json);
	else
		*ret = l.json;
	return rc;
}

int
pgt_kept_changes(struct pgt_session *s, const struct pgt_options *o,
		 int64_t since_real_ns, cJSON **ret, struct pgt_err *err)
{
	cJSON *list = cJSON_CreateArray();
	int rc = read_kept(s, o, PGT_REC_CHANGE, since_real_ns, on_change, list, err);

	if (rc < 0)
		cJSON_Delete(list);
	else
		*ret = list;
	return rc;
}

int
pgt_kept_runs(struct pgt_session *s, const struct pgt_options *o, int64_t since_real_ns,
	      cJSON **ret, struct pgt_err *err)
{
	struct run_list l = {cJSON_CreateArray(), since_real_ns / PGT_NS_PER_MS};
	int rc = read_kept(s, o, PGT_REC_RUN, since_real_ns, on_run, &l, err);

	if (rc < 0)
		cJSON_Delete(l.json);
	else
		*ret = l.json;
	return rc;
}
