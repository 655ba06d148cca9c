#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>

#include "act_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/target.h"
#include "pg2une/pg/unit.h"
#include "sqltext_priv.h"

#define SEEN_NS (5 * PGT_NS_PER_S) /* a reload reaches new sessions long before */

static const char *const state_names[] = {
    [PGT_RS_UNKNOWN] = "unknown",   [PGT_RS_UNTOUCHED] = "untouched",
    [PGT_RS_RESTORED] = "restored", [PGT_RS_FOREIGN] = "foreign",
    [PGT_RS_DENIED] = "denied",	    [PGT_RS_FAILED] = "failed",
};

const char *
pgt_restore_state_name(enum pgt_restore_state s)
{
	return s <= PGT_RS_FAILED ? state_names[s] : "?";
}

void
pgt_restore_report_done(struct pgt_restore_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		free(r->items[i].now);
		free(r->items[i].sql);
	}
	free(r->items);
	memset(r, 0, sizeof(*r));
}

static bool
settled(enum pgt_restore_state s)
{
	return s == PGT_RS_UNTOUCHED || s == PGT_RS_RESTORED || s == PGT_RS_FOREIGN;
}

/* "URL BODY" as a command for a shell. */
static void
put_request(struct pgt_buf *b, const char *request)
{
	size_t url = strcspn(request, " ");
	const char *s;

	pgt_buf_printf(b, "curl -X PATCH %.*s -d '", (int)url, request);
	for (s = request + url + (request[url] == ' '); *s; s++)
		pgt_buf_puts(b, *s == '\'' ? "'\\''" : (char[]){*s, '\0'});
	pgt_buf_puts(b, "'\n");
}

char *
pgt_restore_instructions(const struct pgt_restore_report *r)
{
	struct pgt_buf b;
	bool reload = false;
	size_t i;

	pgt_buf_init(&b, 256 * 1024);
	for (i = 0; i < r->n; i++) {
		const char *sql = r->items[i].sql;

		if (!sql || settled(r->items[i].state))
			continue;
		if (pgt_str_starts(sql, "PATCH ")) {
			put_request(&b, sql + strlen("PATCH "));
			continue;
		}
		pgt_buf_printf(&b, "%s;\n", sql);
		reload = true;
	}
	if (reload) {
		char *stmt = pgt_change_stmt("reload_by_hand",
					     (struct pgt_fill[]){{NULL, NULL}});

		pgt_buf_printf(&b, "%s\n", stmt);
		free(stmt);
	}
	return b.len ? pgt_buf_take(&b) : pgt_xstrdup("");
}

static void
keep_sql(struct pgt_restored *out, char **list, size_t n)
{
	struct pgt_buf b;
	size_t i;

	pgt_buf_init(&b, 128 * 1024);
	for (i = 0; i < n; i++)
		pgt_buf_printf(&b, "%s%s", i ? ";\n" : "", list[i]);
	free(out->sql);
	out->sql = n ? pgt_buf_take(&b) : NULL;
	pgt_buf_done(&b);
}

/* Run the inverse of one item; its database may refuse, or the link be lost. */
static int
undo(const struct pgt_acting *a, size_t i, char **list, size_t n, struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	enum pgt_fence_verdict v;
	struct pgt_err ignored;
	size_t k;

	/* a journal that fails must not keep the server from being put right */
	pgt_act_journal(a, PGT_J_RB_INTENT, (long)i, NULL, NULL, &ignored);
	if (pgt_act_fence(a, true, &v, err) < 0)
		return -1;
	for (k = 0; k < n; k++) {
		pgt_act_say(a, (long)i, list[k]);
		if (pgt_act_sql(a, item, list[k], err) < 0)
			return -1;
	}
	return 0;
}

static void
judge_after(const struct pgt_acting *a, size_t i, struct pgt_restored *out)
{
	const struct pgt_item *item = &a->cs->items[i];
	struct pgt_prev now;
	struct pgt_err err;

	if (pgt_target_read(a->link, item, a->probe, true, &now, NULL, &err) < 0) {
		out->state = PGT_RS_UNKNOWN;
		pgt_str_copy(out->note, sizeof(out->note), err.msg);
		return;
	}
	if (pgt_item_is_before(item, &a->prev[i], &now))
		out->state = PGT_RS_RESTORED;
	else if (pgt_item_is_ours(item, &a->prev[i], &now))
		out->state = PGT_RS_FAILED;
	else
		out->state = PGT_RS_FOREIGN; /* within the last milliseconds */
	pgt_prev_done(&now);
}

static int
patch_back(const struct pgt_acting *a, size_t i, struct pgt_restored *out,
	   struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	const struct pgt_prev *prev = &a->prev[i];
	char *ours = pgt_item_managed_value(item), **list = NULL;
	struct pgt_err ignored;
	size_t n = 0;
	int rc;

	/* one request, always: JSON can be written of anything */
	(void)!pgt_item_inverse(item, prev, NULL, &list, &n, &ignored);
	keep_sql(out, list, n);
	pgt_sql_list_free(list, n);
	pgt_act_journal(a, PGT_J_RB_INTENT, (long)i, NULL, NULL, &ignored);
	pgt_act_say(a, (long)i, out->sql);
	rc = pgt_act_patch(a, item, ours, prev->present ? prev->text : NULL, err);
	free(ours);
	return rc;
}

/* What the manager sets is the cluster's, not a node's: it is put right whatever
 * became of the node, and whether or not that can be reached. */
static int
restore_managed(const struct pgt_acting *a, size_t i, struct pgt_restored *out,
		struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	struct pgt_prev now = {0};
	int rc = 0;

	if (pgt_act_manager(a, err) < 0 ||
	    pgt_target_managed(item, a->probe, true, &now, err) < 0)
		return -1;
	free(out->now);
	out->now = now.text ? pgt_xstrdup(now.text) : NULL;
	if (pgt_item_is_before(item, &a->prev[i], &now)) {
		out->state = PGT_RS_UNTOUCHED;
	} else if (!pgt_item_is_ours(item, &a->prev[i], &now)) {
		out->state = PGT_RS_FOREIGN;
		snprintf(out->note, sizeof(out->note),
			 "changed by somebody else since: left as it is");
	} else if (patch_back(a, i, out, err) == 0) {
		out->state = PGT_RS_RESTORED;
	} else if (err->code == PGT_E_DENIED || err->code == PGT_E_CONFLICT) {
		out->state = err->code == PGT_E_DENIED ? PGT_RS_DENIED : PGT_RS_FAILED;
		pgt_str_copy(out->note, sizeof(out->note), err->msg);
	} else {
		rc = -1;
	}
	pgt_prev_done(&now);
	return rc;
}

/* -1 with err: the link is lost, or the node is another; else out tells. */
static int
restore_item(const struct pgt_acting *a, size_t i, struct pgt_restored *out,
	     struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	struct pgt_err local = {0};
	struct pgt_prev now;
	char **list = NULL;
	size_t n = 0;

	if (!a->prev[i].known) {
		out->state = PGT_RS_UNTOUCHED; /* no snapshot, hence no intent */
		return 0;
	}
	if (item->managed)
		return restore_managed(a, i, out, err);
	if (pgt_target_read(a->link, item, a->probe, true, &now, NULL, err) < 0)
		return -1;
	free(out->now);
	out->now = now.text ? pgt_xstrdup(now.text) : NULL;
	if (pgt_item_is_before(item, &a->prev[i], &now)) {
		out->state = PGT_RS_UNTOUCHED;
	} else if (!pgt_item_is_ours(item, &a->prev[i], &now)) {
		out->state = PGT_RS_FOREIGN;
		snprintf(out->note, sizeof(out->note),
			 "changed by somebody else since: left as it is");
	} else if (pgt_item_inverse(item, &a->prev[i], &now, &list, &n, &local) < 0) {
		out->state = PGT_RS_FAILED;
		pgt_str_copy(out->note, sizeof(out->note), local.msg);
	} else {
		keep_sql(out, list, n);
		if (undo(a, i, list, n, &local) == 0) {
			judge_after(a, i, out);
		} else if (local.code == PGT_E_STATE || pgt_write_unknown(&local)) {
			pgt_sql_list_free(list, n);
			pgt_prev_done(&now);
			*err = local;
			return -1;
		} else {
			out->state = strcmp(local.sqlstate, "42501") == 0 ? PGT_RS_DENIED
									  : PGT_RS_FAILED;
			pgt_str_copy(out->note, sizeof(out->note), local.msg);
		}
	}
	pgt_sql_list_free(list, n);
	pgt_prev_done(&now);
	return 0;
}

/* ---- the reload that brings the values back to life ---- */

/* Our line is gone, and somebody else's rules where ours ruled: a manager, or whoever
 * wrote the configuration file meanwhile. */
static bool
ruled_elsewhere(const struct pgt_prev *was, const struct pgt_setting_info *now)
{
	static const char ours[] = "/postgresql.auto.conf";
	size_t len = now->sourcefile ? strlen(now->sourcefile) : 0;

	if (was->present)
		return false;
	if (len == 0)
		return now->source && strcmp(now->source, "default") == 0;
	return len < strlen(ours) ||
	       strcmp(now->sourcefile + len - strlen(ours), ours) != 0;
}

/* Settings that are restored, yet live sessions see another value than before: those
 * of ours, or those of the manager. */
static int
count_stale(const struct pgt_acting *a, const bool *intent, bool managed,
	    const struct pgt_restore_report *rep, struct pgt_writer *s, size_t *ret,
	    struct pgt_err *err)
{
	struct pgt_setting_info info;
	size_t i, n = 0;

	for (i = 0; i < a->cs->n_items; i++) {
		const char *was = a->prev[i].effective;

		if ((intent && !intent[i]) || a->cs->items[i].kind != PGT_ITEM_SETTING ||
		    a->cs->items[i].managed != managed || !was ||
		    !settled(rep->items[i].state) ||
		    rep->items[i].state == PGT_RS_FOREIGN)
			continue;
		if (pgt_setting_read(s, a->cs->items[i].name, &info, err) < 0)
			return -1;
		/* The rest is the next start's: nothing here restarts a server.
		 * wal_buffers of -1 follows shared_buffers, and waits for nothing. */
		if (info.effective && !info.pending_restart &&
		    !(info.context && strcmp(info.context, "postmaster") == 0) &&
		    (managed || !ruled_elsewhere(&a->prev[i], &info)) &&
		    !pgt_unit_equal(info.effective, was, info.vartype ? info.vartype : "",
				    info.unit))
			n++;
		pgt_setting_info_done(&info);
	}
	*ret = n;
	return 0;
}

static int
look(const struct pgt_acting *a, const bool *intent, bool managed,
     const struct pgt_restore_report *rep, size_t *ret, struct pgt_err *err)
{
	struct pgt_writer *s;
	int rc;

	if (pgt_direct_fresh(a->link, NULL, &s, err) < 0)
		return -1;
	rc = count_stale(a, intent, managed, rep, s, ret, err);
	pgt_writer_close(s);
	return rc;
}

static enum pgt_restore_result
reload_back(const struct pgt_acting *a, const bool *intent,
	    struct pgt_restore_report *rep, struct pgt_err *err)
{
	int64_t deadline = pgt_clock_mono_ns() + SEEN_NS;
	enum pgt_fence_verdict v;
	struct pgt_writer *s;
	struct pgt_err ignored;
	char *faults = NULL;
	size_t stale = 0;

	if (pgt_direct_writer(a->link, NULL, &s, err) < 0 ||
	    pgt_file_errors_read(s, &faults, err) < 0)
		return PGT_RR_RETRY;
	if (*faults) {
		faults[strcspn(faults, "\n")] = '\0';
		snprintf(rep->why, sizeof(rep->why),
			 "restored in the file, but a reload is void until this error is "
			 "mended: %.400s",
			 faults);
		free(faults);
		pgt_err_set(err, PGT_E_STATE, "%s", rep->why);
		return PGT_RR_FROZEN;
	}
	free(faults);
	pgt_act_journal(a, PGT_J_RB_INTENT, -1, NULL, NULL, &ignored);
	if (pgt_act_fence(a, true, &v, err) < 0)
		return v == PGT_FENCE_ROLE || v == PGT_FENCE_OTHER ? PGT_RR_FENCED
								   : PGT_RR_RETRY;
	if (pgt_act_reload_now(a, err) < 0) {
		if (strcmp(err->sqlstate, "42501") == 0) {
			snprintf(rep->why, sizeof(rep->why),
				 "restored in the file, not reloaded: %.400s", err->msg);
			return PGT_RR_FROZEN;
		}
		return PGT_RR_RETRY;
	}
	pgt_act_journal(a, PGT_J_RB_DONE, -1, NULL, NULL, &ignored);
	rep->reloaded = true;
	do {
		if (look(a, intent, false, rep, &stale, err) < 0)
			return PGT_RR_RETRY;
		if (stale == 0)
			return PGT_RR_DONE;
		poll(NULL, 0, 50);
	} while (pgt_clock_mono_ns() < deadline);
	pgt_err_set(err, PGT_E_STATE,
		    "%zu restored settings are not yet seen by new sessions", stale);
	return PGT_RR_RETRY;
}

/* The manager writes the node's file and reloads it in its own time. */
static enum pgt_restore_result
await_manager(const struct pgt_acting *a, const bool *intent,
	      const struct pgt_restore_report *rep, struct pgt_err *err)
{
	int64_t deadline = pgt_clock_mono_ns() + SEEN_NS;
	size_t stale = 0;

	do {
		if (look(a, intent, true, rep, &stale, err) < 0)
			return PGT_RR_RETRY;
		if (stale == 0)
			return PGT_RR_DONE;
		poll(NULL, 0, 50);
	} while (pgt_clock_mono_ns() < deadline);
	pgt_err_set(err, PGT_E_STATE,
		    "restored at the cluster manager, which has not applied it to this "
		    "node yet");
	return PGT_RR_RETRY;
}

/* ---- all of it ---- */

static enum pgt_restore_result
restore_items(const struct pgt_acting *a, const bool *intent,
	      struct pgt_restore_report *rep, struct pgt_err *err)
{
	enum pgt_fence_verdict v;
	struct pgt_err ignored;
	size_t i;

	for (i = a->cs->n_items; i > 0; i--) {
		struct pgt_restored *out = &rep->items[i - 1];

		if (intent && !intent[i - 1]) {
			out->state = PGT_RS_UNTOUCHED;
			continue;
		}
		if (restore_item(a, i - 1, out, err) < 0) {
			snprintf(rep->why, sizeof(rep->why), "%s", err->msg);
			if (err->code != PGT_E_STATE)
				return PGT_RR_RETRY;
			if (pgt_act_fence(a, true, &v, &ignored) == 0)
				return PGT_RR_RETRY;
			return v == PGT_FENCE_ROLE || v == PGT_FENCE_OTHER ? PGT_RR_FENCED
									   : PGT_RR_RETRY;
		}
		pgt_act_journal(a, PGT_J_RB_DONE, (long)(i - 1), "state",
				pgt_restore_state_name(out->state), &ignored);
	}
	return PGT_RR_DONE;
}

static enum pgt_restore_result
tally(struct pgt_restore_report *rep, struct pgt_err *err)
{
	enum pgt_restore_result result = PGT_RR_DONE;
	size_t i;

	for (i = 0; i < rep->n; i++) {
		const struct pgt_restored *it = &rep->items[i];

		rep->restored += it->state == PGT_RS_RESTORED;
		rep->untouched += it->state == PGT_RS_UNTOUCHED;
		rep->foreign += it->state == PGT_RS_FOREIGN;
		if (settled(it->state))
			continue;
		rep->failed++;
		if (result == PGT_RR_DONE)
			snprintf(rep->why, sizeof(rep->why), "%s", it->note);
		if (it->state == PGT_RS_DENIED)
			result = PGT_RR_FROZEN;
		else if (result == PGT_RR_DONE)
			result = PGT_RR_RETRY;
	}
	if (result != PGT_RR_DONE)
		pgt_err_set(err, result == PGT_RR_FROZEN ? PGT_E_DENIED : PGT_E_SQL, "%s",
			    rep->why);
	return result;
}

static bool
any_setting(const struct pgt_acting *a, const bool *intent)
{
	size_t i;

	for (i = 0; i < a->cs->n_items; i++)
		if ((!intent || intent[i]) && pgt_item_needs_reload(&a->cs->items[i]))
			return true;
	return false;
}

static bool
any_managed(const struct pgt_acting *a, const bool *intent)
{
	size_t i;

	for (i = 0; i < a->cs->n_items; i++)
		if ((!intent || intent[i]) && a->cs->items[i].managed)
			return true;
	return false;
}

/* The manager's part where the node may not be written or cannot be reached.  True:
 * that was all there was to do. */
static bool
restore_at_manager(const struct pgt_acting *a, const bool *intent,
		   struct pgt_restore_report *rep)
{
	struct pgt_err err = {0};
	bool all = true;
	size_t i;

	for (i = a->cs->n_items; i > 0; i--) {
		struct pgt_restored *out = &rep->items[i - 1];

		if (intent && !intent[i - 1])
			out->state = PGT_RS_UNTOUCHED;
		else if (a->cs->items[i - 1].managed &&
			 restore_managed(a, i - 1, out, &err) == 0)
			pgt_act_journal(a, PGT_J_RB_DONE, (long)(i - 1), "state",
					pgt_restore_state_name(out->state), &err);
		all = all && settled(out->state);
	}
	return all;
}

/* What a person would have to do, for items that were not reached. */
static void
keep_inverses(const struct pgt_acting *a, const bool *intent,
	      struct pgt_restore_report *rep)
{
	size_t i, n;

	for (i = 0; i < rep->n; i++) {
		char **list = NULL;

		n = 0;
		if (rep->items[i].sql || settled(rep->items[i].state) ||
		    (intent && !intent[i]) || !a->prev[i].known)
			continue;
		if (pgt_item_inverse(&a->cs->items[i], &a->prev[i], NULL, &list, &n,
				     NULL) == 0)
			keep_sql(&rep->items[i], list, n);
		pgt_sql_list_free(list, n);
	}
}

enum pgt_restore_result
pgt_restore_unreached(const struct pgt_acting *a, const bool *intent,
		      struct pgt_restore_report *ret, const struct pgt_err *why)
{
	struct pgt_restore_report rep = {.n = a->cs->n_items};
	enum pgt_restore_result result = PGT_RR_RETRY;
	struct pgt_err ignored;

	rep.items = pgt_xcalloc(rep.n, sizeof(*rep.items));
	if (any_managed(a, intent) && restore_at_manager(a, intent, &rep))
		result = tally(&rep, &ignored);
	snprintf(rep.why, sizeof(rep.why), "%s", why->msg);
	keep_inverses(a, intent, &rep);
	*ret = rep;
	return result;
}

enum pgt_restore_result
pgt_restore(const struct pgt_acting *a, const bool *intent, bool reload_intent,
	    struct pgt_restore_report *ret, struct pgt_err *err)
{
	struct pgt_restore_report rep = {.n = a->cs->n_items};
	enum pgt_restore_result result, reloaded = PGT_RR_DONE;
	enum pgt_fence_verdict v;
	size_t stale = 0;

	rep.items = pgt_xcalloc(rep.n, sizeof(*rep.items));
	if (pgt_act_fence(a, true, &v, err) < 0) {
		snprintf(rep.why, sizeof(rep.why), "%s", err->msg);
		result = v == PGT_FENCE_ROLE || v == PGT_FENCE_OTHER ? PGT_RR_FENCED
								     : PGT_RR_RETRY;
		if (result == PGT_RR_FENCED && any_managed(a, intent) &&
		    restore_at_manager(a, intent, &rep))
			result = tally(&rep, err);
		goto out;
	}
	result = restore_items(a, intent, &rep, err);
	if (result != PGT_RR_DONE)
		goto out;
	result = tally(&rep, err);
	if (any_setting(a, intent)) {
		if (!reload_intent && look(a, intent, false, &rep, &stale, err) < 0) {
			result = PGT_RR_RETRY;
			goto out;
		}
		/* Without a reload of ours nothing was activated, and one now might
		 * activate what others wrote. */
		if (reload_intent || stale)
			reloaded = reload_back(a, intent, &rep, err);
		if (result == PGT_RR_DONE)
			result = reloaded;
	}
	if (result == PGT_RR_DONE && any_managed(a, intent))
		result = await_manager(a, intent, &rep, err);

out:
	keep_inverses(a, intent, &rep);
	*ret = rep;
	return result;
}
