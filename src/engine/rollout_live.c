/* A rollout for consoles on other hosts: its driver says how it stands in a comment of
 * the queries with which it measures the primary, so pg_stat_activity of that server
 * shows it to whoever may read other sessions' texts.  Nothing is stored or signalled. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "rollouts_priv.h"

#define HEAD	  "/*pg2une rollout "
#define LIVE_MAX  1000 /* the least track_activity_query_size by default is 1024 */
#define TEXT_MAX  40
#define CONNECT_NS (10 * PGT_NS_PER_S)
#define ASK_NS	  (2 * PGT_NS_PER_S)
#define STILL_S	  20.0 /* a driver that asks nothing for so long is silent */

enum kind { NUM, INT, BOOL, NS, TEXT };
struct field {
	enum kind kind;
	size_t at, size;
};
#define F(kind, m) {kind, offsetof(struct pgt_ev_rollout, m), 0}
#define T(m) {TEXT, offsetof(struct pgt_ev_rollout, m), \
	      sizeof(((struct pgt_ev_rollout *)0)->m)}
#define NODE(i)                                                                          \
	T(node[i].label), F(BOOL, node[i].up), F(NUM, node[i].share_pct),                \
	    F(NUM, node[i].tps), F(NUM, node[i].mean_ms), F(NUM, node[i].p50_ms),        \
	    F(NUM, node[i].p95_ms), F(NUM, node[i].p99_ms), F(NUM, node[i].calls),       \
	    F(NUM, node[i].errors), F(NUM, node[i].lag_bytes), F(INT, node[i].conns),    \
	    F(INT, node[i].backends), F(INT, node[i].backends_max),                      \
	    F(NUM, node[i].cpu_pct)

/* The order is the format: only ever add at its end. */
static const struct field fields[] = {
    T(id), T(changeset), T(target), T(who), T(router), T(canary_kind),
    F(BOOL, auto_go), F(BOOL, direct), F(INT, n_steps), F(INT, view.state),
    F(INT, view.step), F(NUM, view.pct), F(BOOL, view.awaiting), F(BOOL, view.holding),
    F(BOOL, view.judging), F(BOOL, view.swapped), F(NS, left_ns), F(NS, max_left_ns),
    F(INT, view.evidence.verdict), F(NUM, view.evidence.mean_ratio),
    F(NUM, view.evidence.mean_lo), F(NUM, view.evidence.mean_hi),
    F(NUM, view.evidence.margin), F(NUM, view.evidence.tail_ratio),
    F(NUM, view.evidence.tail_e_harm), F(NUM, view.evidence.tail_limit),
    F(NUM, view.evidence.error_e), F(NUM, view.evidence.error_limit),
    F(NUM, view.evidence.canary_calls), F(NUM, view.evidence.primary_calls),
    F(INT, view.evidence.buckets), F(NUM, lag_limit_bytes), F(INT, starved),
    F(INT, starved_limit), NODE(0), NODE(1), T(evidence_reason), T(control),
};

static void
put_text(struct pgt_buf *b, const char *s, size_t max)
{
	cJSON *item;
	char cut[128], *json;

	snprintf(cut, sizeof(cut), "%.*s", (int)max, s);
	for (char *p = cut; *p; p++)
		if (*p == '*' || (unsigned char)*p >= 0x80)
			*p = '?'; /* no end of a comment, no half of a character */
	item = cJSON_CreateString(cut);
	json = pgt_json_print(item, false);
	pgt_buf_puts(b, json);
	free(json);
	cJSON_Delete(item);
}

static void
put_num(struct pgt_buf *b, double d)
{
	if (isfinite(d))
		pgt_buf_printf(b, "%.4g", d);
	else
		pgt_buf_puts(b, "null");
}

char *
pgt_ro_live_text(const struct pgt_ev_rollout *ev)
{
	struct pgt_buf b;

	pgt_buf_init(&b, LIVE_MAX);
	pgt_buf_puts(&b, HEAD "[");
	for (size_t i = 0; i < PGT_LEN(fields); i++) {
		const char *m = (const char *)ev + fields[i].at;

		if (i)
			pgt_buf_putc(&b, ',');
		switch (fields[i].kind) {
		case NUM:
			put_num(&b, *(const double *)m);
			break;
		case INT:
			put_num(&b, *(const int *)m);
			break;
		case BOOL:
			put_num(&b, *(const bool *)m);
			break;
		case NS:
			put_num(&b, (double)*(const int64_t *)m / 1e9);
			break;
		case TEXT:
			put_text(&b, m, TEXT_MAX);
			break;
		}
	}
	for (int i = 0; i < ev->n_steps; i++) {
		pgt_buf_putc(&b, ',');
		put_num(&b, ev->view.steps[i].pct);
		pgt_buf_putc(&b, ',');
		put_num(&b, ev->view.steps[i].entered ? ev->view.steps[i].achieved_pct
						      : NAN);
		pgt_buf_printf(&b, ",%d", ev->view.steps[i].verdict);
	}
	pgt_buf_puts(&b, "]*/ ");
	if (b.overflow) {
		pgt_buf_done(&b);
		return NULL;
	}
	return pgt_buf_take(&b);
}

/* ---- another host's: believed no further than its types ---- */

static double
num_at(const cJSON *arr, int i)
{
	const cJSON *it = cJSON_GetArrayItem(arr, i);

	return cJSON_IsNumber(it) ? it->valuedouble : NAN;
}

static int
int_in(double d, int dflt, int max)
{
	return d >= -1 && d <= max ? (int)d : dflt;
}

static void
take_fields(const cJSON *arr, struct pgt_ev_rollout *ev)
{
	for (int i = 0; i < (int)PGT_LEN(fields); i++) {
		const cJSON *it = cJSON_GetArrayItem(arr, i);
		char *m = (char *)ev + fields[i].at;
		double d = num_at(arr, i);

		switch (fields[i].kind) {
		case NUM:
			*(double *)m = d;
			break;
		case INT:
			*(int *)m = int_in(d, 0, 1000000);
			break;
		case BOOL:
			*(bool *)m = d > 0;
			break;
		case NS:
			*(int64_t *)m = fabs(d) < 1e9 ? (int64_t)(d * 1e9) : -1;
			break;
		case TEXT:
			if (cJSON_IsString(it))
				pgt_safetext_copy(m, fields[i].size, it->valuestring);
			break;
		}
	}
}

int
pgt_ro_live_parse(const char *text, struct pgt_ev_rollout *ret, struct pgt_err *err)
{
	const char *end = strstr(text, "]*/");
	struct pgt_ev_rollout ev = {0};
	int n = (int)PGT_LEN(fields);
	cJSON *arr;

	if (!pgt_str_starts(text, HEAD) || !end)
		return pgt_err_set(err, PGT_E_PARSE, "a rollout whose state was cut off");
	text += strlen(HEAD);
	arr = pgt_json_parse(text, (size_t)(end + 1 - text), LIVE_MAX, err);
	if (!cJSON_IsArray(arr)) {
		cJSON_Delete(arr);
		return pgt_err_set(err, PGT_E_PARSE, "not a rollout's state");
	}
	take_fields(arr, &ev);
	ev.n_steps = int_in(ev.n_steps, 0, PGT_RO_STEPS_MAX);
	ev.n_steps = ev.n_steps < 0 ? 0 : ev.n_steps;
	ev.view.state = (enum pgt_ro_state)(
	    (unsigned)ev.view.state <= PGT_RO_NOTHING ? (int)ev.view.state : 0);
	ev.view.step = int_in(ev.view.step, 0, PGT_RO_STEPS_MAX - 1);
	ev.view.step = ev.view.step < 0 ? 0 : ev.view.step;
	ev.view.evidence.verdict = (enum pgt_gate_verdict)(
	    (unsigned)ev.view.evidence.verdict < 4 ? (int)ev.view.evidence.verdict : 0);
	ev.view.evidence.reason = "";
	ev.view.evidence.tail_e_better = NAN;
	for (int i = 0; i < 2; i++)
		ev.node[i].lag_ms = ev.node[i].mem_available_pct =
		    ev.node[i].disk_free_pct = NAN;
	for (int i = 0; i < ev.n_steps; i++) {
		ev.view.steps[i].pct = num_at(arr, n + 3 * i);
		ev.view.steps[i].achieved_pct = num_at(arr, n + 3 * i + 1);
		ev.view.steps[i].entered = i <= ev.view.step;
		ev.view.steps[i].verdict = (enum pgt_gate_verdict)int_in(
		    fmax(0, num_at(arr, n + 3 * i + 2)), 0, 3);
	}
	ev.tail_estimated = true;
	pgt_str_copy(ev.source, sizeof(ev.source), "server");
	cJSON_Delete(arr);
	*ret = ev;
	return 0;
}

int
pgt_rollout_status_on(struct pgt_conn *c, struct pgt_ev_rollout *ret, struct pgt_err *err)
{
	struct pgt_result *r = NULL;
	const char *text;
	int rc = -1;

	if (pgt_conn_run(c, pgt_sql_get("rollout_live", pgt_conn_server_version(c)), NULL,
			 0, ASK_NS, &r, err) < 0)
		return -1;
	text = pgt_result_rows(r) ? pgt_result_str(r, 0, pgt_result_col(r, "query"))
				  : NULL;
	if (!text)
		pgt_err_set(err, PGT_E_NOTFOUND,
			    "no rollout of this server is under way (or its driver's "
			    "session is hidden: pg_read_all_stats)");
	else
		rc = pgt_ro_live_parse(text, ret, err);
	if (rc == 0) {
		double age = pgt_result_num(r, 0, pgt_result_col(r, "age_s"));

		ret->lost = age > STILL_S;
		ret->real_ns = pgt_clock_real_ns() -
			       (age > 0 && age < 1e9 ? (int64_t)(age * 1e9) : 0);
	}
	pgt_result_free(r);
	return rc;
}

int
pgt_rollout_status_live(const struct pgt_options *o, struct pgt_ev_rollout *ret,
			struct pgt_err *err)
{
	struct pgt_connspec *spec = NULL;
	struct pgt_conn *c;
	int rc = -1;

	if (pgt_options_connspec(o, &spec, err) < 0)
		return -1;
	c = pgt_conn_new(spec, PGT_CONN_MONITOR);
	pgt_connspec_free(spec);
	if (pgt_conn_run_connect(c, CONNECT_NS, err) == 0)
		rc = pgt_rollout_status_on(c, ret, err);
	pgt_conn_free(c);
	return rc;
}
