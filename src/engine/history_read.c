/* What a range of the history holds: points, alerts and changes. */
#include <stdlib.h>
#include <string.h>

#include "engine_priv.h"
#include "history_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/history.h"

#define POINTS_MAX 1440 /* of an answer: a day of 60 s */
#define BODY_MAX   (1u << 20)

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

static void
put_cause(struct pgt_kept_alert *a, const char *body)
{
	cJSON *json = body ? pgt_json_parse(body, strlen(body), BODY_MAX, NULL) : NULL;
	const cJSON *first =
	    cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "causes"), 0);
	const char *text;

	if (pgt_json_get_str(first, "text", &text))
		pgt_safetext_copy(a->cause, sizeof(a->cause), text);
	cJSON_Delete(json);
}

#define COPY(dst, s) pgt_safetext_copy(dst, sizeof(dst), (s) ? (s) : "")

/* In the order of alert_get.sql. */
static int
on_alert(void *ctx, const char *const *cells, int n)
{
	struct pgt_ev_history *ev = ctx;
	struct pgt_kept_alert *a;

	if (n < 11 || ms_of(cells[1]) >= ev->to_ms)
		return 0;
	ev->alerts =
	    pgt_xreallocarray(ev->alerts, ev->n_alerts + 1, sizeof(*ev->alerts));
	a = &ev->alerts[ev->n_alerts++];
	memset(a, 0, sizeof(*a));
	a->onset_ms = ms_of(cells[1]);
	a->detected_ms = ms_of(cells[2]);
	a->cleared_ms = ms_of(cells[3]);
	COPY(a->metric, cells[4]);
	COPY(a->direction, cells[5]);
	COPY(a->severity, cells[6]);
	COPY(a->state, cells[9]);
	put_cause(a, cells[10]);
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
