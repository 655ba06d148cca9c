/* Writes, each behind its durable intent and the fence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/target.h"
#include "pg2une/pg/conn.h"
#include "sqltext_priv.h"

void
pgt_act_say(const struct pgt_acting *a, long item, const char *text)
{
	if (a->say)
		a->say(a->say_arg, item, text);
}

/* Once somebody has begun to roll back, nothing goes forward. */
static bool
still_forward(const struct pgt_journal *j, void *arg, struct pgt_err *err)
{
	(void)arg;
	if (!pgt_journal_last(j, PGT_J_RB_BEGIN) && !pgt_journal_last(j, PGT_J_CLOSED))
		return true;
	pgt_err_set(err, PGT_E_CONFLICT, "it is being rolled back");
	return false;
}

int
pgt_act_journal(const struct pgt_acting *a, enum pgt_jtype type, long item,
		const char *key, const char *text, struct pgt_err *err)
{
	cJSON *body;
	int rc;

	if (!a->journal)
		return 0;
	body = cJSON_CreateObject();
	pgt_json_i64(body, "i", item);
	if (key)
		pgt_json_str(body, key, text);
	rc = pgt_journal_append(a->journal, type, body,
				type == PGT_J_INTENT ? still_forward : NULL, NULL, err);
	cJSON_Delete(body);
	return rc;
}

int
pgt_act_fence(const struct pgt_acting *a, bool may_restart,
	      enum pgt_fence_verdict *ret_verdict, struct pgt_err *err)
{
	enum pgt_fence_verdict v;
	struct pgt_fence now;
	struct pgt_writer *s;
	char why[256];

	*ret_verdict = PGT_FENCE_UNKNOWN;
	if (pgt_direct_writer(a->link, NULL, &s, err) < 0 ||
	    pgt_fence_read(s, &now, err) < 0)
		return -1;
	v = *ret_verdict = pgt_fence_compare(a->fence, &now, why, sizeof(why));
	if (v != PGT_FENCE_SAME && !(v == PGT_FENCE_RESTARTED && may_restart))
		return pgt_err_set(err, PGT_E_STATE, "%s", why);
	if (!now.locked || now.backend_pid != pgt_direct_backend_pid(a->link))
		return pgt_err_set(
		    err, PGT_E_CONN,
		    "the session that holds the lock is not the one that writes");
	return 0;
}

/* One statement of an item, in its database. */
int
pgt_act_sql(const struct pgt_acting *a, const struct pgt_item *item, const char *sql,
	    struct pgt_err *err)
{
	int64_t timeout = pgt_item_is_index(item) ? 0 : 30 * PGT_NS_PER_S;
	struct pgt_writer *s;

	if (pgt_direct_writer(a->link, pgt_item_database(item), &s, err) < 0)
		return -1;
	return pgt_writer_run(s, sql, NULL, 0, timeout, NULL, err);
}

int
pgt_act_manager(const struct pgt_acting *a, struct pgt_err *err)
{
	if (!a->probe)
		return pgt_err_set(err, PGT_E_CONN, "the cluster manager is not known: "
						    "say --patroni URL");
	return a->probe->check ? a->probe->check(a->probe->ctx,
						 a->fence->system_identifier, err)
			       : 0;
}

int
pgt_act_patch(const struct pgt_acting *a, const struct pgt_item *item, const char *expect,
	      const char *value, struct pgt_err *err)
{
	if (pgt_act_manager(a, err) < 0)
		return -1;
	return a->probe->patch(a->probe->ctx, item->name, expect, value, err);
}

/* Not what the snapshot said: somebody was here in between. */
static int
check_before(const struct pgt_acting *a, size_t i, struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	struct pgt_prev now;
	char *label;
	bool before;

	if (pgt_target_read(a->link, item, a->probe, true, &now, NULL, err) < 0)
		return -1;
	before = pgt_item_is_before(item, &a->prev[i], &now);
	pgt_prev_done(&now);
	if (before)
		return 0;
	label = pgt_item_label(item);
	pgt_err_set(err, PGT_E_CONFLICT,
		    "%s: somebody changed it since the plan was made", label);
	free(label);
	return -1;
}

static int
write_item(const struct pgt_acting *a, size_t i, struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	char *sql;
	int rc;

	sql = pgt_item_sql(item, err);
	if (!sql)
		return -1;
	pgt_act_say(a, (long)i, sql);
	if (item->managed) {
		char *value = pgt_item_managed_value(item);

		rc = pgt_act_patch(a, item, a->prev[i].present ? a->prev[i].text : NULL,
				   value, err);
		free(value);
	} else {
		rc = pgt_act_sql(a, item, sql, err);
	}
	free(sql);
	return rc;
}

int
pgt_act_item(const struct pgt_acting *a, size_t i, struct pgt_err *err)
{
	enum pgt_fence_verdict v;

	if (pgt_act_journal(a, PGT_J_INTENT, (long)i, NULL, NULL, err) < 0)
		return -1;
	if (pgt_act_fence(a, false, &v, err) < 0 || check_before(a, i, err) < 0 ||
	    write_item(a, i, err) < 0)
		return -1;
	return pgt_act_journal(a, PGT_J_DONE, (long)i, NULL, NULL, err);
}

/* The first line of `now` that `before` lacks; NULL when there is none. */
static char *
first_new_line(const char *now, const char *before)
{
	const char *s, *hit;
	size_t n;

	for (s = now; *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		for (hit = before; *hit; hit += strcspn(hit, "\n") + (*hit != '\0')) {
			if (strcspn(hit, "\n") == n && memcmp(hit, s, n) == 0)
				break;
			if (!strchr(hit, '\n')) {
				hit = "";
				break;
			}
		}
		if (!*hit)
			return pgt_xstrndup(s, n);
	}
	return NULL;
}

static int
check_files(const struct pgt_acting *a, const char *pending_before, struct pgt_err *err)
{
	struct pgt_writer *s;
	char *text = NULL, *line;

	if (pgt_direct_writer(a->link, NULL, &s, err) < 0 ||
	    pgt_file_errors_read(s, &text, err) < 0)
		return -1;
	if (*text) {
		text[strcspn(text, "\n")] = '\0';
		pgt_err_set(err, PGT_E_STATE,
			    "the configuration has an error, a reload would be void: %s",
			    text);
		free(text);
		return -1;
	}
	free(text);
	if (!pending_before)
		return 0;
	if (pgt_pending_read(s, a->cs, &text, err) < 0)
		return -1;
	line = first_new_line(text, pending_before);
	if (line)
		pgt_err_set(err, PGT_E_CONFLICT,
			    "a reload would also activate what somebody else wrote: %s",
			    line);
	free(text);
	if (!line)
		return 0;
	free(line);
	return -1;
}

int
pgt_act_reload_now(const struct pgt_acting *a, struct pgt_err *err)
{
	struct pgt_writer *s;

	pgt_act_say(a, -1, "pg_reload_conf()");
	if (pgt_direct_writer(a->link, NULL, &s, err) < 0)
		return -1;
	return pgt_writer_run(s, pgt_change_sql("reload", 0), NULL, 0, 10 * PGT_NS_PER_S,
			      NULL, err);
}

int
pgt_act_reload(const struct pgt_acting *a, const char *pending_before,
	       struct pgt_err *err)
{
	enum pgt_fence_verdict v;

	if (check_files(a, pending_before, err) < 0)
		return -1;
	if (pgt_act_journal(a, PGT_J_INTENT, -1, NULL, NULL, err) < 0 ||
	    pgt_act_fence(a, false, &v, err) < 0 || pgt_act_reload_now(a, err) < 0)
		return -1;
	return pgt_act_journal(a, PGT_J_DONE, -1, NULL, NULL, err);
}
