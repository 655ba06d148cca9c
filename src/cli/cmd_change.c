/* config rollback, change ..., recover: acts on changesets by their journals. */
#include <stdio.h>
#include <string.h>

#include "change_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/changing.h"
#include "pg2une/engine/kept.h"
#include "pg2une/engine/rollouts.h"
#include "pg2une/engine/session.h"

#define ROLLBACK_NS (120 * PGT_NS_PER_S)

static void
say_line(void *arg, long item, const char *text)
{
	(void)arg;
	(void)item;
	fprintf(stderr, "  %s\n", text);
	fflush(stderr);
}

static const struct pgt_column state_columns[] = {
    {"id", "changeset", PGT_CELL_TEXT}, {"stage", "stage", PGT_CELL_TEXT},
    {"outcome", "outcome", PGT_CELL_TEXT}, {"verdict", "verdict", PGT_CELL_TEXT},
    {"result", "result", PGT_CELL_TEXT}, {0}};
static const struct pgt_view end_views[] = {{"", "Change", state_columns, NULL, 0}, {0}};

static const struct pgt_column list_columns[] = {
    {"id", "changeset", PGT_CELL_TEXT}, {"state", "state", PGT_CELL_TEXT},
    {"phase", "phase", PGT_CELL_TEXT},	{"created_at", "created", PGT_CELL_TEXT},
    {"target", "target", PGT_CELL_TEXT}, {"who", "who", PGT_CELL_TEXT},
    {"items_n", "items", PGT_CELL_INT},	{"why", "note", PGT_CELL_TEXT}, {0}};
static const struct pgt_view list_views[] = {
    {"changes", "Changes", list_columns, "none", 0}, {0}};

static cJSON *
found_json(const struct pgt_found *f, bool with_items)
{
	cJSON *obj = f->has_rec ? pgt_replay_json(&f->rec, false, NULL)
				: cJSON_CreateObject();

	if (f->has_rec && !with_items) {
		cJSON_DeleteItemFromObject(obj, "items");
		cJSON_DeleteItemFromObject(obj, "parameters");
	}
	if (f->has_rec)
		pgt_json_i64(obj, "items_n", (int64_t)f->rec.cs->n_items);
	pgt_json_str(obj, "state", pgt_found_state_name(f->state));
	pgt_json_str(obj, "why", f->why);
	pgt_json_str(obj, "path", f->path);
	return obj;
}

static int
run_list(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_found *list = NULL;
	size_t n = 0, i;
	cJSON *arr;

	if (pgt_recover_scan(NULL, pgt_cmd_bool(c, "open"), &list, &n, err) < 0)
		return -1;
	c->data = cJSON_CreateObject();
	arr = pgt_json_arr(c->data, "changes");
	for (i = 0; i < n; i++)
		pgt_json_item(arr, NULL, found_json(&list[i], false));
	c->views = list_views;
	pgt_found_free(list, n);
	return 0;
}

static const struct pgt_option list_options[] = {
    {.name = "open", .type = PGT_OPT_BOOL, .help = "only those that are not closed"},
    {0}};

const struct pgt_cmd_ops pgt_cmd_change_list = {
    .name = "change list",
    .group = "Changes",
    .summary = "every changeset that was run from here, newest first",
    .examples = "change list\nchange list --open --format json",
    .opts = list_options,
    .run = run_list,
};

static const struct pgt_column history_columns[] = {
    {"begun", "begun", PGT_CELL_TEXT},	 {"who", "by", PGT_CELL_TEXT},
    {"what", "what", PGT_CELL_TEXT},	 {"outcome", "outcome", PGT_CELL_TEXT},
    {"before", "before", PGT_CELL_TEXT}, {"after", "after", PGT_CELL_TEXT},
    {"result", "result", PGT_CELL_TEXT}, {"id", "changeset", PGT_CELL_TEXT},
    {0}};
static const struct pgt_column run_columns[] = {
    {"begun", "begun", PGT_CELL_TEXT},	 {"kind", "kind", PGT_CELL_TEXT},
    {"mode", "by", PGT_CELL_TEXT},	 {"action", "of", PGT_CELL_TEXT},
    {"status", "status", PGT_CELL_TEXT}, {"before", "before", PGT_CELL_TEXT},
    {"after", "after", PGT_CELL_TEXT},	 {"improvement_pct", "better %", PGT_CELL_NUM},
    {0}};
static const struct pgt_view history_views[] = {
    {"changes", "Changes of this server", history_columns, "none in this time", 0},
    {"runs", "Searches and rollouts", run_columns, "none in this time", 0},
    {0}};

static int
run_history(struct pgt_cmd *c, struct pgt_err *err)
{
	int64_t since = pgt_cmd_int(c, "since");
	struct pgt_session *s;
	int64_t from = pgt_clock_real_ns() - since;
	cJSON *list = NULL, *runs = NULL;
	int rc;

	if (pgt_cmd_connect(c, &s, err) < 0)
		return -1;
	rc = pgt_kept_changes(s, c->options, from, &list, err);
	if (rc == 0)
		rc = pgt_kept_runs(s, c->options, from, &runs, err);
	pgt_session_close(s);
	if (rc < 0) {
		cJSON_Delete(list);
		return -1;
	}
	c->data = cJSON_CreateObject();
	pgt_json_item(c->data, "changes", list);
	pgt_json_item(c->data, "runs", runs);
	c->views = history_views;
	return 0;
}

static const struct pgt_option history_options[] = {
    {.name = "since", .type = PGT_OPT_DURATION, .arg = "DURATION", .dflt = "30d",
     .help = "how far to look back"},
    {0}};

const struct pgt_cmd_ops pgt_cmd_change_history = {
    .name = "change history",
    .group = "Changes",
    .summary = "what was changed on this server, when, by whom, and what came of it",
    .details = "Read from the history (--store): of this host, or with a shared one of "
	       "every host; searches and rollouts with what they measured. `change list` "
	       "reads the journals of this host instead.",
    .examples = "change history\nchange history --since 7d --format json",
    .opts = history_options,
    .run = run_history,
};

static int
find_operand(struct pgt_cmd *c, struct pgt_found *ret, struct pgt_err *err)
{
	const char *id = pgt_cmd_str(c, "changeset-id");

	if (c->argc > 1)
		return pgt_err_set(err, PGT_E_USAGE,
				   "the id alone: its journal knows the server");
	if (!id && c->argc == 1)
		id = c->argv[0];
	if (!id)
		return pgt_err_set(err, PGT_E_USAGE,
				   "which changeset? see: pg2une change list");
	return pgt_recover_find(id, ret, err);
}

static const struct pgt_column event_columns[] = {{"seq", "", PGT_CELL_INT},
						  {"at", "time", PGT_CELL_TEXT},
						  {"type", "record", PGT_CELL_TEXT},
						  {"body.i", "item", PGT_CELL_TEXT},
						  {"body.state", "state", PGT_CELL_TEXT},
						  {"body.text", "text", PGT_CELL_TEXT},
						  {0}};
static const struct pgt_column show_item_columns[] = {
    {"sql", "statement", PGT_CELL_TEXT}, {"inverse_text", "undone by", PGT_CELL_TEXT},
    {"done", "done", PGT_CELL_BOOL}, {"rollback", "rollback", PGT_CELL_TEXT}, {0}};
static const struct pgt_view show_views[] = {
    {"", "Change", state_columns, NULL, 0},
    {"items", "Items", show_item_columns, NULL, 0},
    {"events", "Journal", event_columns, NULL, 0},
    {0}};

static int
run_show(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_journal *j = NULL;
	struct pgt_found f;

	if (find_operand(c, &f, err) < 0)
		return -1;
	if (f.has_rec && pgt_journal_read(f.path, &j, err) == 0) {
		c->data = pgt_replay_json(&f.rec, true, j);
		pgt_json_str(c->data, "state", pgt_found_state_name(f.state));
		pgt_journal_close(j);
	} else {
		c->data = found_json(&f, true);
	}
	c->views = show_views;
	pgt_found_done(&f);
	return 0;
}

static const struct pgt_option id_options[] = {
    {.name = "changeset-id", .type = PGT_OPT_STR, .arg = "ID",
     .help = "the id, or its first digits"},
    {0}};

const struct pgt_cmd_ops pgt_cmd_change_show = {
    .name = "change show",
    .group = "Changes",
    .summary = "one changeset: its plan, its journal, what became of it",
    .operands = "ID",
    .examples = "change show 7f3c",
    .opts = id_options,
    .run = run_show,
};

static int
run_confirm(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_found f;
	int rc;

	if (find_operand(c, &f, err) < 0)
		return -1;
	rc = pgt_options_bool(c->options, "read-only")
		 ? pgt_err_set(err, PGT_E_DENIED, "read-only mode changes nothing")
		 : pgt_recover_confirm(&f, err);
	if (rc == 0) {
		c->data = cJSON_CreateObject();
		pgt_json_str(c->data, "id", f.rec.cs->id);
		pgt_json_str(c->data, "outcome", pgt_ending_name(PGT_END_CONFIRMED));
		c->views = end_views;
		pgt_cmd_keep_change(c, f.rec.cs->id);
	}
	pgt_found_done(&f);
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_change_confirm = {
    .name = "change confirm",
    .group = "Changes",
    .summary = "keep a verified change that waits for its confirmation",
    .operands = "ID",
    .examples = "change confirm 7f3c",
    .opts = id_options,
    .run = run_confirm,
};

void
pgt_cmd_keep_change(struct pgt_cmd *c, const char *id)
{
	struct pgt_err err = {0};

	if (pgt_kept_change(c->options, id, NULL, &err) < 0)
		fprintf(stderr, "pg2une: %s\n", err.msg);
}

static int
roll_back_found(struct pgt_cmd *c, const struct pgt_found *f, const char *password,
		const char *reason, enum pgt_ending *ret, struct pgt_err *err)
{
	enum pgt_ending out = pgt_changing_rollback(c->options, f, password, reason,
						    ROLLBACK_NS, say_line, NULL, err);

	pgt_cmd_keep_change(c, f->rec.cs->id);
	*ret = out;
	if (out == PGT_END_ROLLED_BACK || out == PGT_END_NOTHING)
		return 0;
	if (out == PGT_END_FENCED)
		return pgt_err_set(err, PGT_E_STATE,
				   "left as it is, a person must act; see: pg2une change "
				   "show %.8s",
				   f->rec.cs->id);
	if (out == PGT_END_CONFIRMED)
		return pgt_err_set(err, PGT_E_CONFLICT,
				   "it was confirmed in the meantime");
	return -1;
}

static int
run_rollback(struct pgt_cmd *c, struct pgt_err *err)
{
	enum pgt_ending out = PGT_END_OPEN;
	char *password = NULL;
	struct pgt_found f;
	int rc;

	if (find_operand(c, &f, err) < 0)
		return -1;
	if (pgt_cmd_ask(c, &password, err) < 0)
		rc = -1;
	else if (f.state == PGT_FOUND_CLOSED && f.rec.outcome != PGT_END_CONFIRMED)
		rc = pgt_err_set(err, PGT_E_STATE, "it is closed: %s",
				 pgt_ending_name(f.rec.outcome));
	else
		rc = roll_back_found(c, &f, password, "the operator", &out, err);
	pgt_cmd_forget(password);
	if (rc == 0) {
		c->data = cJSON_CreateObject();
		pgt_json_str(c->data, "id", f.rec.cs->id);
		pgt_json_str(c->data, "outcome", pgt_ending_name(out));
		c->views = end_views;
	}
	pgt_found_done(&f);
	return rc;
}

const struct pgt_cmd_ops pgt_cmd_change_rollback = {
    .name = "change rollback",
    .group = "Changes",
    .summary = "take a change back: unfinished, unconfirmed or confirmed",
    .operands = "ID",
    .details =
	"Only what still holds our value is restored, to exactly what was there before; "
	"what others changed since is reported and left.",
    .examples = "change rollback 7f3c",
    .opts = id_options,
    .run = run_rollback,
};

const struct pgt_cmd_ops pgt_cmd_config_rollback = {
    .name = "config rollback",
    .group = "Changes",
    .summary = "the same as change rollback",
    .operands = "[ID]",
    .examples = "config rollback --changeset-id 7f3c0000-0000-4000-8000-000000000001",
    .opts = id_options,
    .run = run_rollback,
};

/* ---- recover ---- */

static int
recover_one(struct pgt_cmd *c, struct pgt_found *f, const char *password, cJSON *row,
	    struct pgt_err *err)
{
	enum pgt_ending out = PGT_END_OPEN;
	int rc = 0;

	if (f->state == PGT_FOUND_HALF || (f->state == PGT_FOUND_UNTOUCHED && f->has_rec))
		rc = roll_back_found(c, f, password, "recovery", &out, err);
	else if (f->state == PGT_FOUND_CONFIRMED)
		rc = pgt_recover_close(f, err);
	if (rc == 0 && f->has_rec)
		pgt_cmd_keep_change(c, f->rec.cs->id);
	pgt_json_str(row, "recovered", rc < 0 ? err->msg : pgt_ending_name(out));
	return rc;
}

/* Traffic that a lost rollout left on its canary comes first. */
static int
recover_rollout(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_ev_rollout ev;

	if (pgt_rollout_status(NULL, &ev, err) < 0 || !ev.lost ||
	    pgt_cmd_bool(c, "dry-run")) {
		pgt_err_clear(err);
		return 0;
	}
	return pgt_rollout_tell(ev.id, "rollback", err);
}

static int
run_recover(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_found *list = NULL;
	size_t n = 0, i, failed = 0;
	char *password = NULL;
	cJSON *arr;

	if (pgt_cmd_ask(c, &password, err) < 0)
		return -1;
	if (recover_rollout(c, err) < 0)
		fprintf(stderr, "  %s\n", err->msg);
	pgt_err_clear(err);
	if (pgt_recover_scan(NULL, true, &list, &n, err) < 0) {
		pgt_cmd_forget(password);
		return -1;
	}
	c->data = cJSON_CreateObject();
	arr = pgt_json_arr(c->data, "changes");
	for (i = 0; i < n; i++) {
		cJSON *row = found_json(&list[i], false);

		pgt_json_item(arr, NULL, row);
		if (!pgt_cmd_bool(c, "dry-run") &&
		    recover_one(c, &list[i], password, row, err) < 0)
			failed++;
	}
	c->views = list_views;
	pgt_found_free(list, n);
	pgt_cmd_forget(password);
	if (failed)
		return pgt_err_set(err, PGT_E_STATE, "%zu of %zu changes are still open",
				   failed, n);
	return 0;
}

static const struct pgt_option recover_options[] = {
    {.name = "dry-run", .type = PGT_OPT_BOOL, .help = "only say what is left"}, {0}};

const struct pgt_cmd_ops pgt_cmd_recover = {
    .name = "recover",
    .group = "Changes",
    .summary = "roll back what a lost host left half done; for boot and by hand",
    .details =
	"Connects as the journals say, with the password from the environment or the "
	"password file. Changes that a living console or guard holds are left alone.",
    .examples = "recover --dry-run\nrecover",
    .opts = recover_options,
    .run = run_recover,
};
