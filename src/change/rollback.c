#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/rollback.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define PATIENCE_NS    (2 * PGT_NS_PER_S)
#define CONNECT_NS     (5 * PGT_NS_PER_S)

static bool
not_closed(const struct pgt_journal *j, void *arg, struct pgt_err *err)
{
	struct pgt_replay rec;
	bool closed;

	(void)arg;
	if (pgt_replay_read(j, &rec, err) < 0)
		return false;
	closed = rec.closed;
	pgt_replay_done(&rec);
	if (closed)
		pgt_err_set(err, PGT_E_STATE, "the changeset is closed already");
	return !closed;
}

int
pgt_change_close(struct pgt_journal *j, enum pgt_ending outcome, const char *text,
		 struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	char who[128];
	int rc;

	pgt_change_who(who, sizeof(who));
	pgt_json_str(body, "outcome", pgt_ending_name(outcome));
	pgt_json_str(body, "text", text);
	pgt_json_str(body, "who", who);
	rc = pgt_journal_append(j, PGT_J_CLOSED, body, not_closed, NULL, err);
	cJSON_Delete(body);
	if (rc == 0)
		pgt_journal_trim(j);
	return rc;
}

/* Under the journal's lock: nobody confirmed it, or we are asked to take that
 * back; and it is not over. */
static bool
may_begin(const struct pgt_journal *j, void *arg, struct pgt_err *err)
{
	const struct pgt_rollback_args *args = arg;
	struct pgt_replay rec;
	bool ok = false;

	if (pgt_replay_read(j, &rec, err) < 0)
		return false;
	if (rec.closed && !(args->confirmed_too && rec.outcome == PGT_END_CONFIRMED))
		pgt_err_set(err, PGT_E_STATE, "the changeset is closed: %s",
			    pgt_ending_name(rec.outcome));
	else if (rec.confirmed && !args->confirmed_too)
		pgt_err_set(err, PGT_E_CONFLICT, "the changeset was confirmed");
	else
		ok = true;
	pgt_replay_done(&rec);
	return ok;
}

/* -1: err->code CONFLICT when confirmed, STATE when closed; a journal that cannot
 * be written is no reason to leave the server as it is. */
static int
begin(const struct pgt_rollback_args *args, struct pgt_err *err)
{
	cJSON *body = cJSON_CreateObject();
	char who[128];
	int rc;

	pgt_change_who(who, sizeof(who));
	pgt_json_str(body, "reason", args->reason);
	pgt_json_str(body, "who", who);
	rc = pgt_journal_append(args->journal, PGT_J_RB_BEGIN, body, may_begin,
				(void *)args, err);
	cJSON_Delete(body);
	if (rc < 0 && (err->code == PGT_E_CONFLICT || err->code == PGT_E_STATE) &&
	    strstr(err->msg, "the changeset") == err->msg)
		return -1;
	return 0;
}

static void
note(struct pgt_journal *j, const char *text)
{
	cJSON *body = cJSON_CreateObject();
	struct pgt_err ignored;

	pgt_json_str(body, "text", text);
	(void)!pgt_journal_append(j, PGT_J_NOTE, body, NULL, NULL, &ignored);
	cJSON_Delete(body);
}

static int
ready_link(const struct pgt_rollback_args *args, const struct pgt_replay *rec,
	   struct pgt_err *err)
{
	struct pgt_direct *l = args->link;

	if (!pgt_direct_is_open(l) && pgt_direct_open(l, CONNECT_NS, err) < 0)
		return -1;
	if (args->take_over)
		return pgt_direct_lock_from(l, rec->cs->id, PATIENCE_NS, err);
	return pgt_direct_lock(l, PATIENCE_NS, err);
}

static enum pgt_restore_result
attempt(const struct pgt_rollback_args *args, const struct pgt_replay *rec,
	struct pgt_restore_report *rep, struct pgt_err *err)
{
	struct pgt_acting a = {
	    .link = args->link,
	    .journal = pgt_journal_dead(args->journal) ? NULL : args->journal,
	    .cs = rec->cs,
	    .prev = rec->prev,
	    .fence = &rec->fence,
	    .probe = args->probe,
	    .say = args->say,
	    .say_arg = args->say_arg,
	};

	if (ready_link(args, rec, err) < 0)
		return pgt_restore_unreached(&a, rec->intent, rep, err);
	return pgt_restore(&a, rec->intent, rec->reload_intent, rep, err);
}

static char *
closing_text(enum pgt_restore_result result, const struct pgt_replay *rec,
	     const struct pgt_restore_report *rep, const char *why)
{
	struct pgt_buf b;
	char *by_hand, *label;
	size_t i;

	pgt_buf_init(&b, sizeof(rec->closed_text));
	if (result == PGT_RR_DONE) {
		pgt_buf_printf(&b, "%zu restored, %zu were not changed", rep->restored,
			       rep->untouched);
	} else {
		by_hand = pgt_restore_instructions(rep);
		pgt_buf_printf(
		    &b, "not rolled back on %s (%s): %s. By hand, on that node: %s",
		    rec->label, rec->fence.datadir, why, by_hand);
		free(by_hand);
	}
	for (i = 0; i < rep->n; i++)
		if (rep->items[i].state == PGT_RS_FOREIGN) {
			label = pgt_item_label(&rec->cs->items[i]);
			pgt_buf_printf(&b, "; %s was changed by somebody else and left",
				       label);
			free(label);
		}
	return pgt_buf_take(&b);
}

struct tries {
	int64_t frozen_since, last_note;
	int backoff_ms;
};

/* True: go on trying. */
static bool
wait_next(const struct pgt_rollback_args *args, struct tries *t)
{
	if (pgt_clock_mono_ns() >= args->give_up_ns ||
	    (args->pulse.fn && !args->pulse.fn(args->pulse.arg)))
		return false;
	poll(NULL, 0, t->backoff_ms);
	t->backoff_ms *= 2;
	if (t->backoff_ms > BACKOFF_MAX_MS)
		t->backoff_ms = BACKOFF_MAX_MS;
	return true;
}

/* The result is final: restored, another node, or frozen for long enough. */
static bool
is_final(const struct pgt_rollback_args *args, enum pgt_restore_result result,
	 struct tries *t)
{
	int64_t now = pgt_clock_mono_ns();

	if (result == PGT_RR_DONE || result == PGT_RR_FENCED)
		return true;
	if (result != PGT_RR_FROZEN) {
		t->frozen_since = 0;
		return false;
	}
	if (!t->frozen_since)
		t->frozen_since = now;
	return now - t->frozen_since >= args->freeze_ns;
}

static enum pgt_ending
finish(const struct pgt_rollback_args *args, enum pgt_restore_result result,
       const struct pgt_replay *rec, const struct pgt_restore_report *rep,
       struct pgt_err *err)
{
	enum pgt_ending out = result == PGT_RR_DONE ? PGT_END_ROLLED_BACK
						    : PGT_END_FENCED;
	char *text = closing_text(result, rec, rep, err->msg);
	struct pgt_err ignored;

	(void)!pgt_change_close(args->journal, out, text, &ignored);
	if (args->say)
		args->say(args->say_arg, -1, text);
	free(text);
	if (result == PGT_RR_DONE)
		pgt_err_clear(err);
	return out;
}

static enum pgt_ending
rollback_loop(const struct pgt_rollback_args *args, const struct pgt_replay *rec,
	      struct pgt_restore_report *ret, struct pgt_err *err)
{
	struct tries t = {.backoff_ms = BACKOFF_MIN_MS};
	struct pgt_restore_report rep;
	enum pgt_restore_result result;
	enum pgt_ending out;

	for (;;) {
		memset(&rep, 0, sizeof(rep));
		result = attempt(args, rec, &rep, err);
		if (is_final(args, result, &t)) {
			out = finish(args, result, rec, &rep, err);
			break;
		}
		if (pgt_clock_mono_ns() - t.last_note > 60 * PGT_NS_PER_S) {
			t.last_note = pgt_clock_mono_ns();
			note(args->journal, err->msg);
		}
		if (args->say)
			args->say(args->say_arg, -1, err->msg);
		/* a session of doubtful state is not used again */
		if (err->code != PGT_E_SQL && err->code != PGT_E_DENIED &&
		    err->code != PGT_E_STATE && err->code != PGT_E_CONFLICT)
			pgt_direct_close(args->link);
		if (!wait_next(args, &t)) {
			out = PGT_END_OPEN;
			break;
		}
		pgt_restore_report_done(&rep);
	}
	if (ret)
		*ret = rep;
	else
		pgt_restore_report_done(&rep);
	return out;
}

enum pgt_ending
pgt_rollback(const struct pgt_rollback_args *args, struct pgt_restore_report *ret,
	     struct pgt_err *err)
{
	struct pgt_replay rec;
	enum pgt_ending out;

	pgt_err_clear(err);
	if (begin(args, err) < 0)
		return err->code == PGT_E_CONFLICT ? PGT_END_CONFIRMED : PGT_END_OPEN;
	if (pgt_replay_read(args->journal, &rec, err) < 0)
		return PGT_END_OPEN;
	if (!rec.any_intent) {
		pgt_change_close(args->journal, PGT_END_NOTHING,
				 "nothing had been written", err);
		out = PGT_END_NOTHING;
	} else {
		out = rollback_loop(args, &rec, ret, err);
	}
	pgt_replay_done(&rec);
	return out;
}
