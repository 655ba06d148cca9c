/* Where the history is, and what a range of it holds: points, alerts and changes. */
#include <stdlib.h>
#include <string.h>

#include "engine_priv.h"
#include "history_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/options.h"

#define POINTS_MAX 1440 /* of an answer: a day of 60 s */
#define TWIN_MS	   30000 /* two of the detectors' buckets */
#define BODY_MAX   (1u << 20)

char *
pgt_history_where(const struct pgt_options *o)
{
	const char *where = pgt_options_str(o, "store");
	char *dir, *path;

	if (where && *where)
		return strcmp(where, "none") == 0 ? NULL : pgt_xstrdup(where);
	dir = pgt_file_state_dir();
	path = pgt_xasprintf("%s/history.db", dir);
	free(dir);
	return path;
}

static int64_t
seconds(const struct pgt_options *o, const char *name)
{
	return pgt_options_int(o, name) / PGT_NS_PER_S;
}

struct pgt_retention
pgt_history_retention(const struct pgt_options *o)
{
	return (struct pgt_retention){.keep_1s = seconds(o, "keep-1s"),
				      .keep_10s = seconds(o, "keep-10s"),
				      .keep_60s = seconds(o, "keep-1min"),
				      .keep_query_60s = seconds(o, "keep-10s"),
				      .keep_query_600s = seconds(o, "keep-1min"),
				      .keep_records = seconds(o, "keep-records")};
}

int
pgt_history_resolution(const struct pgt_retention *keep, int64_t from_ms, int64_t now_ms,
		       int64_t span_ms)
{
	int64_t age_s = (now_ms - from_ms) / 1000, span_s = span_ms / 1000;

	if (age_s <= keep->keep_1s && span_s <= POINTS_MAX)
		return 1;
	if (age_s <= keep->keep_10s && span_s <= 10 * POINTS_MAX)
		return 10;
	return span_s <= 60 * POINTS_MAX ? 60 : 600;
}

int
pgt_history_points(struct pgt_store *st, int64_t node, int res_s, int64_t from_ms,
		   int64_t to_ms, int *ret_step_s, struct pgt_hist_point **ret,
		   size_t *ret_n, struct pgt_err *err)
{
	int64_t n = (to_ms - from_ms) / 1000 / res_s;
	int times = (int)((n + POINTS_MAX - 1) / POINTS_MAX), rc;

	if (times < 2) {
		times = 1;
		rc = pgt_store_get_system(st, node, res_s, from_ms, to_ms, ret, ret_n,
					  err);
	} else {
		rc = pgt_store_get_means(st, node, res_s, times * res_s, from_ms, to_ms,
					 ret, ret_n, err);
	}
	if (rc == 0)
		*ret_step_s = times * res_s;
	return rc;
}

static int64_t
ms_of(const char *s)
{
	int64_t v;

	return s && pgt_parse_i64(s, &v) ? v : 0;
}

#define COPY(dst, s) pgt_safetext_copy(dst, sizeof(dst), (s) ? (s) : "")

void
pgt_kept_alert_of(const char *const *cells, const cJSON *body, struct pgt_kept_alert *ret)
{
	struct pgt_kept_alert a = {.onset_ms = ms_of(cells[1]),
				   .detected_ms = ms_of(cells[2]),
				   .cleared_ms = ms_of(cells[3])};
	const cJSON *first =
	    cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(body, "causes"), 0);
	const char *text;

	COPY(a.metric, cells[4]);
	COPY(a.direction, cells[5]);
	COPY(a.severity, cells[6]);
	COPY(a.state, cells[9]);
	if (pgt_json_get_str(first, "text", &text))
		COPY(a.cause, text);
	if (pgt_json_get_str(body, "queryid", &text))
		a.queryid = ms_of(text);
	*ret = a;
}

bool
pgt_kept_alert_known(const struct pgt_kept_alert *list, size_t n,
		     const struct pgt_kept_alert *a)
{
	for (size_t i = 0; i < n; i++)
		if (llabs(list[i].onset_ms - a->onset_ms) <= TWIN_MS &&
		    list[i].queryid == a->queryid &&
		    strcmp(list[i].metric, a->metric) == 0 &&
		    strcmp(list[i].direction, a->direction) == 0)
			return true;
	return false;
}

static int
on_alert(void *ctx, const char *const *cells, int n)
{
	struct pgt_ev_history *ev = ctx;
	struct pgt_kept_alert a;
	cJSON *body;

	if (n < PGT_KEPT_ALERT_COLS || ms_of(cells[1]) >= ev->to_ms)
		return 0;
	body = cells[10] ? pgt_json_parse(cells[10], strlen(cells[10]), BODY_MAX, NULL)
			 : NULL;
	pgt_kept_alert_of(cells, body, &a);
	cJSON_Delete(body);
	if (pgt_kept_alert_known(ev->alerts, ev->n_alerts, &a))
		return 0;
	ev->alerts =
	    pgt_xreallocarray(ev->alerts, ev->n_alerts + 1, sizeof(*ev->alerts));
	ev->alerts[ev->n_alerts++] = a;
	return 0;
}

static int
on_change(void *ctx, const char *const *cells, int n)
{
	struct pgt_ev_history *ev = ctx;
	struct pgt_kept_change c;

	pgt_kept_change_of(cells, n, &c);
	if (c.begun_ms >= ev->to_ms)
		return 0;
	ev->changes =
	    pgt_xreallocarray(ev->changes, ev->n_changes + 1, sizeof(*ev->changes));
	ev->changes[ev->n_changes++] = c;
	return 0;
}

int
pgt_history_fill(struct pgt_store *st, int64_t node, struct pgt_ev_history *ev,
		 struct pgt_err *err)
{
	if (pgt_history_points(st, node, ev->res_s, ev->from_ms, ev->to_ms, &ev->res_s,
			       &ev->points, &ev->n, err) < 0 ||
	    pgt_store_get_records(st, node, PGT_REC_ALERT, ev->from_ms, on_alert, ev,
				  err) < 0)
		return -1;
	return pgt_store_get_records(st, node, PGT_REC_CHANGE, ev->from_ms, on_change, ev,
				     err);
}

void
pgt_history_nothing(struct pgt_engine *e, int64_t from_ms, int64_t to_ms)
{
	struct pgt_ev_history *ev = pgt_xcalloc(1, sizeof(*ev));

	ev->from_ms = from_ms;
	ev->to_ms = to_ms;
	ev->res_s = 1;
	pgt_str_copy(ev->message, sizeof(ev->message),
		     e->history ? "no sample has come yet"
				: "no history is kept (store = none)");
	pgt_engine_post(e, PGT_EV_HISTORY, ev, pgt_ev_history_free);
}

void
pgt_ev_history_free(void *p)
{
	struct pgt_ev_history *ev = p;

	free(ev->points);
	free(ev->alerts);
	free(ev->changes);
	free(ev);
}
