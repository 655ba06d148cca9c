/* Changes in the history: what the journals of this host say, as rows that outlive
 * them and that a shared history shows everywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_priv.h"
#include "history_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/recover.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/kept.h"

#define WHAT_MAX 2000
#define TEXT_MAX 400
#define COLS	 9 /* of change_put.sql without the node */
#define SYNC_MAX 200

/* ---- a journal as a row ---- */

struct row {
	char *text[COLS];
};

static void
row_done(struct row *r)
{
	for (int i = 0; i < COLS; i++)
		free(r->text[i]);
}

/* One line, safe, without secrets. */
static char *
clean(const char *s, size_t max)
{
	char *safe = pgt_safetext(s ? s : "", PGT_SAFE_LINE, max);
	char *bare = pgt_safetext_redact(safe);

	free(safe);
	return bare;
}

static char *
what_text(const struct pgt_replay *rec)
{
	struct pgt_buf b;
	char *text;

	pgt_buf_init(&b, WHAT_MAX);
	for (size_t i = 0; i < rec->cs->n_items; i++) {
		const struct pgt_item *item = &rec->cs->items[i];
		char *label = pgt_item_label(item), *sql = pgt_item_sql(item, NULL);
		const struct pgt_prev *prev = &rec->prev[i];

		pgt_buf_puts(&b, i ? "; " : "");
		if (pgt_item_is_setting(item))
			pgt_buf_printf(&b, "%s %s -> %s", label,
				       prev->known && prev->present && prev->text
					   ? prev->text
					   : "unset",
				       item->value ? item->value : "unset");
		else
			pgt_buf_puts(&b, sql ? sql : label);
		free(label);
		free(sql);
	}
	text = clean(pgt_buf_str(&b), WHAT_MAX);
	pgt_buf_done(&b);
	return text;
}

static const char *
state_of(const struct pgt_replay *rec, char *phase, size_t size)
{
	if (rec->closed)
		return pgt_ending_name(rec->outcome);
	pgt_replay_phase(rec, phase, size);
	return phase;
}

static cJSON *
parse(const char *s)
{
	return s ? pgt_json_parse(s, strlen(s), 1u << 20, NULL) : NULL;
}

static char *
result_json(const struct pgt_replay *rec, const struct pgt_kept_measured *m)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *after = m ? parse(m->after)
			 : cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(
					       rec->figures, "after"),
					   true);
	char *text = clean(rec->closed ? rec->closed_text : rec->last_note, TEXT_MAX);
	char *reason = clean(rec->rb_reason, TEXT_MAX), *out;

	/* of a rollout its text tells: the change itself did not measure */
	pgt_json_str(o, "verdict",
		     rec->validated && !m ? pgt_verdict_name(rec->verdict) : NULL);
	pgt_json_str(o, "verdict_text",
		     m                ? m->text
		     : rec->validated ? rec->verdict_text
				      : NULL);
	pgt_json_str(o, "rollback_reason",
		     rec->rb_begun || rec->rb_request ? reason : NULL);
	pgt_json_str(o, "text", text);
	if (after)
		pgt_json_item(o, "after", after);
	out = pgt_json_print(o, false);
	cJSON_Delete(o);
	free(text);
	free(reason);
	return out;
}

static char *
body_json(const struct pgt_replay *rec)
{
	cJSON *o = cJSON_CreateObject(), *items = pgt_json_arr(o, "items"), *item;
	char *out;

	pgt_json_str(o, "target", rec->label);
	pgt_json_str(o, "note", rec->cs->note);
	pgt_json_str(o, "journal", rec->path);
	for (size_t i = 0; i < rec->cs->n_items; i++) {
		char *sql = pgt_item_sql(&rec->cs->items[i], NULL),
		     *text = clean(sql, WHAT_MAX),
		     *why = clean(rec->cs->items[i].why, TEXT_MAX);

		item = pgt_json_obj(items, NULL);
		pgt_json_str(item, "sql", text);
		pgt_json_str(item, "why", why[0] ? why : NULL);
		pgt_json_bool(item, "done", rec->done[i]);
		pgt_json_str(item, "rollback", rec->rb_state[i]);
		free(sql);
		free(text);
		free(why);
	}
	out = pgt_json_print(o, false);
	cJSON_Delete(o);
	return out;
}

/* In the order of change_put.sql. */
static void
row_make(const struct pgt_replay *rec, const struct pgt_kept_measured *m, struct row *r)
{
	const cJSON *before = cJSON_GetObjectItemCaseSensitive(rec->figures, "before");
	int64_t last = rec->ended_ns	      ? rec->ended_ns
		       : rec->rolled_back_ns ? rec->rolled_back_ns
		       : rec->applied_ns     ? rec->applied_ns
					     : rec->begun_ns;
	char phase[64];

	r->text[0] = pgt_xstrdup(rec->cs->id);
	r->text[1] = pgt_xasprintf("%lld", (long long)(rec->begun_ns / PGT_NS_PER_MS));
	r->text[2] = pgt_xasprintf("%lld", (long long)(last / PGT_NS_PER_MS));
	r->text[3] = clean(rec->who, TEXT_MAX);
	r->text[4] = what_text(rec);
	r->text[5] = pgt_xstrdup(state_of(rec, phase, sizeof(phase)));
	r->text[6] = m	      ? pgt_xstrdup(m->before)
		     : before ? pgt_json_print(before, false)
			      : NULL;
	r->text[7] = result_json(rec, m);
	r->text[8] = body_json(rec);
}

/* ---- the console's ---- */

static void
keep(struct pgt_history *h, const struct pgt_found *f)
{
	struct pgt_node node = {.fingerprint = f->fingerprint,
				.node_id = f->rec.node};
	struct row r;

	if (!f->has_rec || !f->rec.node[0])
		return;
	row_make(&f->rec, NULL, &r);
	pgt_history_record(h, &node, PGT_REC_CHANGE, (const char *const *)r.text, COLS);
	row_done(&r);
}

void
pgt_changes_keep(struct pgt_engine *e, const char *id)
{
	struct pgt_found f = {0};
	struct pgt_err err;

	/* No journal: nothing was written, there is nothing to keep. */
	if (!e->history || pgt_recover_find(id, &f, &err) < 0)
		return;
	keep(e->history, &f);
	pgt_found_done(&f);
}

void
pgt_changes_keep_all(struct pgt_engine *e)
{
	struct pgt_found *list = NULL;
	struct pgt_err err;
	size_t n = 0;

	if (!e->history || pgt_recover_scan(NULL, false, &list, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n && i < SYNC_MAX; i++)
		keep(e->history, &list[i]);
	pgt_found_free(list, n);
}

/* ---- commands' ---- */

static int
put_one(struct pgt_store *st, const struct pgt_found *f,
	const struct pgt_kept_measured *m, struct pgt_err *err)
{
	struct row r;
	int64_t node;
	int rc;

	row_make(&f->rec, m, &r);
	rc = pgt_store_node(st, f->fingerprint, f->rec.node, NULL, &node, err);
	if (rc == 0)
		rc = pgt_store_put_record(st, node, PGT_REC_CHANGE,
					  (const char *const *)r.text, COLS, err);
	row_done(&r);
	return rc;
}

int
pgt_kept_change(const struct pgt_options *o, const char *id,
		const struct pgt_kept_measured *m, struct pgt_err *err)
{
	char *where = pgt_history_where(o);
	struct pgt_found f = {0};
	struct pgt_store *st = NULL;
	struct pgt_err none;
	int rc = 0;

	if (where && pgt_recover_find(id, &f, &none) == 0) {
		if (f.has_rec && f.rec.node[0]) {
			rc = pgt_store_open(where, &st, err);
			if (rc == 0)
				rc = put_one(st, &f, m, err);
			pgt_store_close(st);
		}
		pgt_found_done(&f);
	}
	free(where);
	if (rc < 0)
		pgt_err_prefix(err, "the change is not in the history");
	return rc;
}

/* ---- rows for people ---- */

static void
metrics_text(const cJSON *o, char *buf, size_t size)
{
	double tps, p99;
	char a[24], b[24];

	*buf = '\0';
	if (!pgt_json_get_num(o, "tps", &tps))
		return;
	if (pgt_json_get_num(o, "latency_p99", &p99))
		snprintf(buf, size, "tps %s, p99 %s ms", pgt_fmt_short(tps, a, sizeof(a)),
			 pgt_fmt_ms(p99, b, sizeof(b)));
	else
		snprintf(buf, size, "tps %s", pgt_fmt_short(tps, a, sizeof(a)));
}

void
pgt_kept_metrics(const char *json, char *buf, size_t size)
{
	cJSON *o = parse(json);

	metrics_text(o, buf, size);
	cJSON_Delete(o);
}

static int64_t
ms_of(const char *s)
{
	int64_t v;

	return s && pgt_parse_i64(s, &v) ? v : 0;
}

/* A store is written by others too: everything from it is made safe again. */
void
pgt_kept_change_of(const char *const *cells, int n, struct pgt_kept_change *ret)
{
	cJSON *before, *result;
	const char *verdict = "", *text = "";
	char *both;

	memset(ret, 0, sizeof(*ret));
	if (n < 8)
		return;
	before = parse(cells[6]);
	result = parse(cells[7]);
	pgt_safetext_copy(ret->id, sizeof(ret->id), cells[0]);
	ret->begun_ms = ms_of(cells[1]);
	ret->ended_ms = ms_of(cells[2]);
	pgt_safetext_copy(ret->who, sizeof(ret->who), cells[3] ? cells[3] : "");
	pgt_safetext_copy(ret->what, sizeof(ret->what), cells[4] ? cells[4] : "");
	pgt_safetext_copy(ret->outcome, sizeof(ret->outcome), cells[5] ? cells[5] : "");
	metrics_text(before, ret->before, sizeof(ret->before));
	metrics_text(cJSON_GetObjectItemCaseSensitive(result, "after"), ret->after,
		     sizeof(ret->after));
	if (!pgt_json_get_str(result, "rollback_reason", &text) &&
	    !pgt_json_get_str(result, "verdict_text", &text))
		pgt_json_get_str(result, "text", &text);
	pgt_json_get_str(result, "verdict", &verdict);
	both = pgt_xasprintf("%s%s%s", verdict, *verdict && *text ? ": " : "", text);
	pgt_safetext_copy(ret->result, sizeof(ret->result), both);
	free(both);
	cJSON_Delete(before);
	cJSON_Delete(result);
}
