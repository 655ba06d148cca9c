#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/change/recover.h"
#include "pg2une/engine/changing.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/measure.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/rollouts.h"
#include "pg2une/pg/conn.h"

#define TEND_MS	   200
#define LOOK_MS	   5000 /* at what was left unfinished: its guard may take it back */

/* ---- the run ---- */

static void
on_change_event(void *arg, const struct pgt_change_event *ev)
{
	struct pgt_changes *c = arg;
	const char *stage = pgt_stage_name(ev->stage);
	const char *mark = ev->what == PGT_CE_DONE   ? "done"
			   : ev->what == PGT_CE_FAIL ? "failed"
						     : "";
	/* a stage's begin and end say its name only: once is enough, on one line */
	const char *text = ev->text && strcmp(ev->text, stage) == 0 ? "" : ev->text;
	char *line;

	c->stage = pgt_changes_stage_of(ev->stage);
	if (ev->item >= 0)
		c->doing = ev->item;
	if (ev->what == PGT_CE_FAIL && ev->item >= 0)
		c->failed = ev->item;
	if (text && strcmp(text, mark) == 0)
		text = "";
	if (text) {
		line = pgt_xasprintf("%s%s%s%s%s", stage, *mark || *text ? ": " : "",
				     mark, *mark && *text ? ": " : "", text);
		if (c->n_log && *mark && strcmp(c->log[c->n_log - 1], stage) == 0)
			free(c->log[--c->n_log]);
		pgt_changes_log(c, line);
		free(line);
	}
	pgt_changes_tell(c);
}

static void
set_run(struct pgt_changes *c, struct pgt_change_run *run)
{
	struct pgt_change_run *old;

	pthread_mutex_lock(&c->lock);
	old = c->run;
	c->run = run;
	pthread_mutex_unlock(&c->lock);
	pgt_change_run_free(old);
}

static void
note_ended(struct pgt_changes *c)
{
	struct pgt_changeset *next;

	c->pending = false;
	pgt_safetext_copy(c->text, sizeof(c->text), pgt_change_run_text(c->run));
	pgt_measure_close(c->measure);
	c->measure = NULL;
	pgt_changes_keep(c->e, pgt_change_run_changeset(c->run)->id);
	next = pgt_changeset_new();
	pgt_changeset_free(c->draft);
	c->draft = next;
	if (pgt_change_run_stage(c->run) == PGT_ST_ABANDONED)
		pgt_changes_look(c); /* its guard goes on: shown until it is closed */
	if (c->stage != PGT_FLOW_REFUSED)
		pgt_engine_command(c->e->to_loop, PGT_LM_RUN, 0, NULL, NULL);
}

static void drain(struct pgt_changes *c);

/* A rollback, whoever turned the run to it, a step or a message, is gone through with
 * whatever the caller waits for. */
static bool
goes_on(const struct pgt_changes *c, enum pgt_stage until)
{
	enum pgt_stage st = pgt_change_run_stage(c->run);

	return st < until || st == PGT_ST_ROLLBACK;
}

/* Step until the operator's word is needed or it has ended. */
static void
drive(struct pgt_changes *c, enum pgt_stage until)
{
	struct pgt_err err = {0};

	c->busy = true;
	while (!c->over && goes_on(c, until)) {
		enum pgt_stage st = pgt_change_run_stage(c->run);

		if (st >= PGT_ST_APPLY)
			c->pending = true;
		c->stage = pgt_changes_stage_of(st);
		pgt_changes_tell(c);
		if (pgt_change_run_step(c->run, &err) < 0)
			pgt_safetext_copy(c->text, sizeof(c->text), err.msg);
		if (pgt_stage_is_end(pgt_change_run_stage(c->run)))
			break;
		drain(c);
	}
	c->busy = false;
	c->stage = pgt_changes_stage_of(pgt_change_run_stage(c->run));
	if (pgt_stage_is_end(pgt_change_run_stage(c->run)))
		note_ended(c);
	pgt_changes_tell(c);
}

/* It waits for a word, and there is something to do by itself.  One step: to wait on
 * is the loop's business, which also listens. */
static void
wake(struct pgt_changes *c)
{
	struct pgt_err err = {0};

	c->busy = true;
	if (!pgt_stage_is_end(pgt_change_run_stage(c->run)) &&
	    pgt_change_run_step(c->run, &err) < 0)
		pgt_safetext_copy(c->text, sizeof(c->text), err.msg);
	drive(c, PGT_ST_CONFIRM);
}

static void
begin(struct pgt_changes *c)
{
	const struct pgt_options *o = c->e->opts;
	struct pgt_changing_choice choice = {
	    .stabilise_ns = -1, .say = on_change_event, .say_arg = c};
	struct pgt_connspec *spec = NULL;
	struct pgt_change_run *run;
	struct pgt_err err = {0};
	struct pgt_changeset *cs = c->draft;

	c->failed = c->doing = -1;
	c->text[0] = '\0';
	pgt_measure_close(c->measure); /* of a beginning that failed */
	c->measure = NULL;
	if (pgt_connspec_with(c->e->spec, NULL, NULL, NULL, c->password, &spec,
			      &err) < 0 ||
	    pgt_measure_open(spec, &c->measure, &err) < 0) {
		pgt_safetext_copy(c->text, sizeof(c->text), err.msg);
		pgt_connspec_free(spec);
		return;
	}
	pgt_connspec_free(spec);
	if (!c->manager && pgt_manager_open(o, &c->manager, &err) < 0) {
		pgt_safetext_copy(c->text, sizeof(c->text), err.msg);
		return;
	}
	choice.deadline_ns = pgt_options_int(o, "change-deadline");
	choice.stabilise_ns = pgt_options_int(o, "change-settle");
	choice.window_ns = pgt_options_int(o, "change-window");
	choice.validate = pgt_measure_validate_ops(c->measure);
	choice.probe = pgt_manager_probe(c->manager);
	choice.probe_spec = pgt_manager_spec(c->manager);
	c->draft = NULL;
	if (pgt_changing_new(c->e->opts, c->password, &choice, cs, &run, &err) < 0) {
		c->draft = pgt_changeset_new();
		c->stage = PGT_FLOW_REFUSED;
		pgt_safetext_copy(c->text, sizeof(c->text), err.msg);
		return;
	}
	set_run(c, run);
	drive(c, PGT_ST_LOCK);
	if (c->stage == PGT_FLOW_APPLY) /* LOCK is next: nothing was written yet */
		c->stage = PGT_FLOW_DRY_RUN;
}

static void
go(struct pgt_changes *c)
{
	if (c->stage == PGT_FLOW_DRAFT && c->draft && c->draft->n_items > 0) {
		begin(c);
	} else if (c->stage == PGT_FLOW_DRY_RUN && c->run) {
		pgt_engine_command(c->e->to_loop, PGT_LM_RUN, 1, NULL, NULL);
		drive(c, PGT_ST_CONFIRM);
	}
	pgt_changes_tell(c);
}

static void
confirm(struct pgt_changes *c)
{
	struct pgt_err err = {0};

	/* also between the last step and its end, when the page already asks */
	if (!c->run || pgt_change_run_stage(c->run) != PGT_ST_CONFIRM)
		return;
	if (pgt_change_run_confirm(c->run, &err) < 0)
		pgt_safetext_copy(c->text, sizeof(c->text), err.msg);
	/* what could not be kept just now, a lost session say, can be tried again */
	if (!c->busy)
		drive(c, PGT_ST_CONFIRM);
}

static void
roll_back(struct pgt_changes *c, const char *reason)
{
	if (!c->run || pgt_stage_is_end(pgt_change_run_stage(c->run)))
		return;
	pgt_change_run_rollback(c->run, reason);
	if (!c->busy) /* else the step that is under way goes on with it */
		drive(c, PGT_ST_CONFIRM);
}

/* ---- the draft ---- */

/* What is said of the items is of another change. */
static void
forget_last(struct pgt_changes *c)
{
	c->failed = c->doing = -1;
	c->text[0] = '\0';
	for (size_t i = 0; i < c->n_log; i++)
		free(c->log[i]);
	c->n_log = 0;
}

/* What was refused is a draft again, to be mended: nothing of it was written.  It has the
 * id of the draft that it becomes: its own is closed. */
static void
redraft(struct pgt_changes *c)
{
	cJSON *json = pgt_changeset_json(pgt_change_run_changeset(c->run), NULL);
	struct pgt_changeset *copy;
	struct pgt_err err = {0};
	int rc = pgt_changeset_from_json(json, &copy, &err);

	cJSON_Delete(json);
	if (rc < 0) {
		pgt_engine_notice(c->e, PGT_NOTICE_ERROR, "draft: %s", err.msg);
		return;
	}
	pgt_str_copy(copy->id, sizeof(copy->id), c->draft->id);
	pgt_changeset_free(c->draft);
	c->draft = copy;
	set_run(c, NULL);
	forget_last(c);
}

static void
add_item(struct pgt_changes *c, struct pgt_item *item)
{
	struct pgt_err err = {0};

	if (c->run && !pgt_stage_is_end(pgt_change_run_stage(c->run))) {
		pgt_engine_notice(c->e, PGT_NOTICE_WARN,
				  "a change is under way: the draft waits");
		return;
	}
	set_run(c, NULL);
	if (c->draft->n_items == 0)
		forget_last(c);
	if (pgt_changeset_add(c->draft, item, &err) < 0)
		pgt_engine_notice(c->e, PGT_NOTICE_ERROR, "draft: %s", err.msg);
	c->stage = c->draft->n_items ? PGT_FLOW_DRAFT : PGT_FLOW_NONE;
	c->text[0] = '\0';
}

static void
remove_item(struct pgt_changes *c, size_t at)
{
	if (c->run && pgt_change_run_stage(c->run) == PGT_ST_NOTHING &&
	    c->draft->n_items == 0)
		redraft(c);
	if (c->run || at >= c->draft->n_items)
		return;
	pgt_item_done(&c->draft->items[at]);
	memmove(&c->draft->items[at], &c->draft->items[at + 1],
		(c->draft->n_items - at - 1) * sizeof(c->draft->items[0]));
	c->draft->n_items--;
	c->stage = c->draft->n_items ? PGT_FLOW_DRAFT : PGT_FLOW_NONE;
}

/* The draft as a rollout: its own thread drives it from here on. */
static void
roll_out(struct pgt_changes *c)
{
	struct pgt_rollout_plan *plan = NULL;
	struct pgt_err err = {0};

	if (c->stage != PGT_FLOW_DRAFT || c->draft->n_items == 0)
		return;
	if (pgt_rollouts_plan(c->e->opts, c->draft, &plan, &err) < 0 ||
	    pgt_engine_rollout_start(c->e, plan, &err) < 0) {
		pgt_engine_notice(c->e, PGT_NOTICE_ERROR, "rollout: %s", err.msg);
		return;
	}
	set_run(c, NULL); /* one that has ended: there is a draft */
	pgt_changeset_free(c->draft);
	c->draft = pgt_changeset_new();
	c->stage = PGT_FLOW_NONE;
	c->text[0] = '\0';
}

/* ---- the thread ---- */

static void
obey(struct pgt_changes *c, struct pgt_msg *m)
{
	switch ((enum pgt_change_msg)m->type) {
	case PGT_CM_STOP:
		c->over = true;
		return;
	case PGT_CM_SETTING:
	case PGT_CM_ITEM:
		add_item(c, m->data);
		break;
	case PGT_CM_REMOVE:
		remove_item(c, (size_t)m->arg);
		break;
	case PGT_CM_GO:
		if (!c->busy)
			go(c);
		break;
	case PGT_CM_ROLLOUT:
		if (!c->busy)
			roll_out(c);
		break;
	case PGT_CM_CONFIRM:
		confirm(c);
		break;
	case PGT_CM_ROLLBACK:
		roll_back(c, m->data);
		break;
	case PGT_CM_RECOVER:
		if (!c->busy)
			pgt_changes_recover(c, m->data, m->arg != 0);
		break;
	case PGT_CM_PASSWORD:
		free(c->password);
		c->password = pgt_xstrdup(m->data);
		return;
	case PGT_CM_INSPECT:
		if (!c->busy)
			pgt_changes_look(c);
		break;
	}
	pgt_changes_tell(c);
}

static void
drain(struct pgt_changes *c)
{
	struct pgt_msg *m;

	while (!c->over && (m = pgt_mailbox_take(c->mb))) {
		obey(c, m);
		pgt_msg_free(m);
	}
}

static void *
changes_main(void *arg)
{
	struct pgt_changes *c = arg;
	struct pollfd p = {.fd = pgt_mailbox_fd(c->mb), .events = POLLIN};

	/* Guards and commands may have ended some since the console last ran. */
	pgt_changes_keep_all(c->e);
	pgt_changes_look(c);
	if (c->n_found)
		pgt_changes_tell(c);
	while (!c->over) {
		int n = poll(&p, 1,
			     c->run && c->pending ? TEND_MS
			     : c->n_found         ? LOOK_MS
						  : -1);

		drain(c);
		if (n == 0 && !c->over && c->n_found && !c->pending) {
			pgt_changes_look(c);
			pgt_changes_tell(c);
		}
		if (!c->over && c->run && c->pending && !pgt_change_run_tend(c->run))
			wake(c);
	}
	return NULL;
}

struct pgt_changes *
pgt_changes_new(struct pgt_engine *e)
{
	struct pgt_changes *c = pgt_xcalloc(1, sizeof(*c));

	c->e = e;
	c->mb = pgt_mailbox_new(1024); /* a whole search's settings at once, while busy */
	c->draft = pgt_changeset_new();
	c->failed = c->doing = -1;
	pthread_mutex_init(&c->lock, NULL);
	c->started = pthread_create(&c->thread, NULL, changes_main, c) == 0;
	if (c->started)
		pthread_setname_np(c->thread, "pg2une-change");
	return c;
}

void
pgt_changes_free(struct pgt_changes *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	if (c->run)
		pgt_change_run_request(c->run, PGT_STOP_ABANDON);
	pthread_mutex_unlock(&c->lock);
	if (c->started) {
		pgt_engine_tell_stop(c->mb, PGT_CM_STOP);
		pthread_join(c->thread, NULL);
	}
	pgt_change_run_free(c->run);
	pgt_measure_close(c->measure);
	pgt_manager_close(c->manager);
	pgt_changeset_free(c->draft);
	for (size_t i = 0; i < c->n_log; i++)
		free(c->log[i]);
	free(c->log);
	free(c->found);
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	pthread_mutex_destroy(&c->lock);
	pgt_mailbox_free(c->mb);
	free(c);
}

/* ---- on the faces' threads ---- */

static int
writable(const struct pgt_engine *e, struct pgt_err *err)
{
	return e->read_only ? pgt_err_set(err, PGT_E_DENIED,
					  "read-only: nothing is changed "
					  "(start without --read-only)")
			    : 0;
}

static void
free_item(void *p)
{
	pgt_item_done(p);
	free(p);
}

int
pgt_engine_change_add_setting(struct pgt_engine *e, const char *name, const char *value,
			      const char *why, struct pgt_err *err)
{
	struct pgt_item *item;

	if (writable(e, err) < 0)
		return -1;
	item = pgt_xcalloc(1, sizeof(*item));
	item->kind = PGT_ITEM_SETTING;
	item->name = pgt_xstrdup(name);
	item->value = value ? pgt_xstrdup(value) : NULL;
	item->why = why ? pgt_xstrdup(why) : NULL;
	pgt_engine_command(e->changes->mb, PGT_CM_SETTING, 0, item, free_item);
	return 0;
}

int
pgt_engine_change_add_json(struct pgt_engine *e, const cJSON *json, struct pgt_err *err)
{
	cJSON *doc = cJSON_CreateObject(), *items = pgt_json_arr(doc, "items");
	struct pgt_changeset *cs = NULL;
	int rc = writable(e, err);

	pgt_json_item(items, NULL, cJSON_Duplicate(json, true));
	if (rc == 0)
		rc = pgt_changeset_from_json(doc, &cs, err);
	for (size_t i = 0; rc == 0 && i < cs->n_items; i++) {
		struct pgt_item *item = pgt_xcalloc(1, sizeof(*item));

		*item = cs->items[i];
		memset(&cs->items[i], 0, sizeof(cs->items[i]));
		pgt_engine_command(e->changes->mb, PGT_CM_ITEM, 0, item, free_item);
	}
	pgt_changeset_free(cs);
	cJSON_Delete(doc);
	return rc;
}

void
pgt_engine_change_remove(struct pgt_engine *e, size_t item)
{
	pgt_engine_command(e->changes->mb, PGT_CM_REMOVE, (int64_t)item, NULL, NULL);
}

int
pgt_engine_change_go(struct pgt_engine *e, struct pgt_err *err)
{
	if (writable(e, err) < 0)
		return -1;
	pgt_engine_command(e->changes->mb, PGT_CM_GO, 0, NULL, NULL);
	return 0;
}

int
pgt_engine_change_rollout(struct pgt_engine *e, struct pgt_err *err)
{
	if (writable(e, err) < 0)
		return -1;
	pgt_engine_command(e->changes->mb, PGT_CM_ROLLOUT, 0, NULL, NULL);
	return 0;
}

int
pgt_engine_change_confirm(struct pgt_engine *e, struct pgt_err *err)
{
	if (writable(e, err) < 0)
		return -1;
	pgt_engine_command(e->changes->mb, PGT_CM_CONFIRM, 0, NULL, NULL);
	return 0;
}

void
pgt_engine_change_rollback(struct pgt_engine *e, const char *reason)
{
	struct pgt_changes *c = e->changes;

	/* What the thread waits for ends at once, the window before the first write
	 * too; the message is for when it does not wait for anything. */
	pthread_mutex_lock(&c->lock);
	if (c->run)
		pgt_change_run_request(c->run, PGT_STOP_BACK);
	pthread_mutex_unlock(&c->lock);
	pgt_engine_command(c->mb, PGT_CM_ROLLBACK, 0, pgt_xstrdup(reason), free);
}

int
pgt_engine_change_recover(struct pgt_engine *e, const char *id, bool confirm_it,
			  struct pgt_err *err)
{
	if (writable(e, err) < 0)
		return -1;
	pgt_engine_command(e->changes->mb, PGT_CM_RECOVER, confirm_it, pgt_xstrdup(id),
			   free);
	return 0;
}

void
pgt_engine_change_inspect(struct pgt_engine *e)
{
	pgt_engine_command(e->changes->mb, PGT_CM_INSPECT, 0, NULL, NULL);
}

bool
pgt_engine_change_pending(struct pgt_engine *e)
{
	return e->changes->pending;
}
