/* config apply: the flow of a change, asked for step by step or run through. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/changing.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/measure.h"

#define LOOK_MS 100

/* ---- what happens, on stderr, so that stdout stays data ---- */

static void
say_event(void *arg, const struct pgt_change_event *ev)
{
	static const char *const what[] = {
	    [PGT_CE_BEGIN] = ">", [PGT_CE_ACT] = "  run", [PGT_CE_DONE] = "  done",
	    [PGT_CE_FAIL] = "  failed", [PGT_CE_NOTE] = "  note",
	};
	static char last[400]; /* failure: the stage that ends for it tells it again */

	(void)arg;
	if (ev->what == PGT_CE_FAIL && ev->text) {
		if (*last && strncmp(ev->text, last, sizeof(last) - 1) == 0)
			return;
		pgt_str_copy(last, sizeof(last), ev->text);
	}
	if (ev->what == PGT_CE_BEGIN)
		fprintf(stderr, "> %s\n", ev->text);
	else if (ev->what != PGT_CE_DONE || ev->item >= 0 || ev->stage == PGT_ST_VALIDATE)
		fprintf(stderr, "%s: %s\n", what[ev->what], ev->text ? ev->text : "");
	fflush(stderr);
}

/* ---- signals ---- */

static struct pgt_change_run *volatile running; /* for the handler only */

static void
on_signal(int sig)
{
	if (running)
		pgt_change_run_request(running, sig == SIGHUP ? PGT_STOP_ABANDON
							      : PGT_STOP_ROLLBACK);
}

static void
catch_signals(struct pgt_change_run *run)
{
	struct sigaction sa = {.sa_handler = on_signal};

	running = run;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full disk is an error, not an end */
}

/* ---- asking ---- */

enum reply { GO_ON, GO_BACK, LATER, STEP_NOW };

/* One line from stdin, while the change is looked after.  The end of the input is
 * the end of its user: the change is left to its guard. */
static enum reply
ask(struct pgt_change_run *run, const char *prompt)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];
	size_t n = 0;
	ssize_t got;

	fprintf(stderr, "%s ", prompt);
	fflush(stderr);
	for (;;) {
		if (!pgt_change_run_tend(run))
			return STEP_NOW;
		if (poll(&p, 1, LOOK_MS) <= 0)
			continue;
		got = read(STDIN_FILENO, line + n, 1);
		if (got == 0)
			return LATER;
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return LATER;
		}
		if (line[n] == '\n')
			break;
		if (n + 2 < sizeof(line))
			n++;
	}
	line[n] = '\0';
	if (strcmp(line, "rollback") == 0 || strcmp(line, "r") == 0)
		return GO_BACK;
	if (strcmp(line, "later") == 0)
		return LATER;
	return strcmp(line, "y") == 0 || strcmp(line, "confirm") == 0 ||
		       strcmp(line, "c") == 0
		   ? GO_ON
		   : ask(run, prompt);
}

static void
announce(struct pgt_change_run *run)
{
	enum pgt_stage st = pgt_change_run_stage(run);
	const struct pgt_changeset *cs = pgt_change_run_changeset(run);
	long i = pgt_change_run_item(run);
	char *sql;

	if (st == PGT_ST_APPLY && (size_t)i < cs->n_items) {
		sql = pgt_item_sql(&cs->items[i], NULL);
		fprintf(stderr, "next: apply %ld of %zu: %s\n", i + 1, cs->n_items,
			sql ? sql : "?");
		free(sql);
	} else {
		fprintf(stderr, "next: %s\n", pgt_stage_name(st));
	}
}

/* ---- the flow ---- */

struct flow {
	struct pgt_change_run *run;
	bool step;
	const char *confirm; /* ask auto later */
	bool asked;
};

/* False: the change is left to its guard. */
static bool
flow_confirm(struct flow *f, struct pgt_err *err)
{
	char prompt[160], left[32];
	enum reply reply;

	/* a signal since the last step, say: it is not left for later */
	if (!pgt_change_run_tend(f->run)) {
		pgt_change_run_step(f->run, err);
		return true;
	}
	if (strcmp(f->confirm, "later") == 0)
		return false;
	if (strcmp(f->confirm, "auto") == 0) {
		if (pgt_change_run_validation(f->run)->verdict != PGT_VERDICT_PASS)
			pgt_change_run_rollback(
			    f->run, "not validated, and nobody was to be asked");
		else
			pgt_change_run_step(f->run, err);
		return true;
	}
	pgt_fmt_duration(pgt_change_run_left_ns(f->run), left, sizeof(left));
	snprintf(prompt, sizeof(prompt),
		 "in force and verified; goes back by itself in %s. "
		 "confirm, rollback or later?",
		 left);
	reply = ask(f->run, prompt);
	if (reply == GO_ON)
		(void)!pgt_change_run_confirm(f->run, err);
	else if (reply == GO_BACK)
		pgt_change_run_rollback(f->run, "the operator");
	else if (reply == STEP_NOW)
		pgt_change_run_step(f->run, err);
	return reply != LATER;
}

static void
flow_run(struct flow *f, struct pgt_err *err)
{
	struct pgt_err first = {0};
	enum reply reply;

	while (!pgt_stage_is_end(pgt_change_run_stage(f->run))) {
		enum pgt_stage st = pgt_change_run_stage(f->run);

		pgt_err_clear(err);
		if (st == PGT_ST_CONFIRM) {
			if (!flow_confirm(f, err))
				return;
		} else {
			reply = GO_ON;
			if (f->step && st != PGT_ST_ROLLBACK) {
				announce(f->run);
				reply = ask(f->run, "[y, rollback, later]");
			}
			if (reply == LATER)
				return;
			if (reply == GO_BACK)
				pgt_change_run_rollback(f->run, "the operator");
			else
				pgt_change_run_step(f->run, err);
		}
		if (err->code != PGT_E_NONE && first.code == PGT_E_NONE)
			first = *err;
	}
	*err = first;
}

static const struct pgt_column item_columns[] = {
    {"sql", "statement", PGT_CELL_TEXT},
    {"inverse_text", "undone by", PGT_CELL_TEXT},
    {0}};
static const struct pgt_column check_columns[] = {
    {"severity", "", PGT_CELL_TEXT}, {"item", "item", PGT_CELL_TEXT},
    {"text", "finding", PGT_CELL_TEXT}, {"fix", "mend", PGT_CELL_TEXT}, {0}};
static const struct pgt_column state_columns[] = {
    {"id", "changeset", PGT_CELL_TEXT}, {"stage", "stage", PGT_CELL_TEXT},
    {"outcome", "outcome", PGT_CELL_TEXT}, {"verdict", "verdict", PGT_CELL_TEXT},
    {"result", "result", PGT_CELL_TEXT}, {0}};
static const struct pgt_column script_columns[] = {
    {"statement", "", PGT_CELL_TEXT}, {0}};
static const struct pgt_view plan_views[] = {
    {"items", "Plan", item_columns, NULL, 0},
    {"dry_run_result.checks", "Dry run", check_columns, "nothing speaks against it", 0},
    {"script_lines", "To be run by whoever controls this server", script_columns, NULL,
     0},
    {0}};
static const struct pgt_view run_views[] = {{"", "Change", state_columns, NULL, 0},
					    {"items", "Items", item_columns, NULL, 0},
					    {0}};

/* This server takes no ALTER SYSTEM: the plan is handed out instead. */
static void
put_script(cJSON *data, const struct pgt_change_run *run)
{
	const struct pgt_preflight *pre = pgt_change_run_preflight(run);
	cJSON *lines;
	char *script, *line, *save = NULL;

	if (!pre || !pre->export_only)
		return;
	script = pgt_preflight_script(pre, pgt_change_run_changeset(run));
	pgt_json_str(data, "script", script);
	lines = pgt_json_arr(data, "script_lines");
	for (line = strtok_r(script, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		pgt_json_str(pgt_json_obj(lines, NULL), "statement", line);
	free(script);
}

/* A refusal has no data on stdout: the plan goes where the refusal is told. */
static void
say_script(const cJSON *data)
{
	const char *script;

	if (pgt_json_get_str(data, "script", &script))
		fprintf(stderr, "not applied; for whoever controls this server:\n%s",
			script);
}

static int
flow_answer(struct pgt_cmd *c, struct flow *f, struct pgt_err *err)
{
	enum pgt_stage st = pgt_change_run_stage(f->run);
	char short_id[12], left[32];

	c->data = pgt_change_run_json(f->run);
	c->views = run_views;
	if (st == PGT_ST_NOTHING) {
		put_script(c->data, f->run);
		say_script(c->data);
	}
	pgt_changeset_short(pgt_change_run_changeset(f->run)->id, short_id,
			    sizeof(short_id));
	if (st == PGT_ST_CONFIRMED)
		return 0;
	if (st == PGT_ST_CONFIRM) {
		pgt_fmt_duration(pgt_change_run_left_ns(f->run), left, sizeof(left));
		fprintf(stderr, "left to its guard for %s: pg2une change confirm %s\n",
			left, short_id);
		return 0;
	}
	if (!pgt_stage_is_end(st))
		return pgt_err_set(err, PGT_E_CANCELLED, "changeset %s was left at: %s",
				   short_id, pgt_stage_name(st));
	if (err->code == PGT_E_NONE)
		err->code = PGT_E_STATE;
	return pgt_err_set(
	    err, err->code, "changeset %s: %s: %.400s", short_id,
	    st == PGT_ST_NOTHING ? "nothing was changed" : pgt_stage_name(st),
	    err->msg[0] && st == PGT_ST_NOTHING ? err->msg : pgt_change_run_text(f->run));
}

static int
dry_run(struct pgt_cmd *c, struct pgt_change_run *run, struct pgt_err *err)
{
	(void)!pgt_changing_dry_run(run, err);
	if (!pgt_change_run_preflight(run))
		return -1; /* it could not be asked */
	c->data = pgt_preflight_json(pgt_change_run_preflight(run),
				     pgt_change_run_changeset(run));
	c->views = plan_views;
	pgt_err_clear(err);
	put_script(c->data, run);
	return 0; /* the answer itself says "refused" */
}

static int
drive(struct pgt_cmd *c, struct flow *f, bool dry, struct pgt_err *err)
{
	int rc;

	if (dry)
		return dry_run(c, f->run, err);
	catch_signals(f->run);
	flow_run(f, err);
	rc = flow_answer(c, f, err);
	running = NULL;
	pgt_cmd_keep_change(c, pgt_change_run_changeset(f->run)->id);
	return rc;
}

int
pgt_cmd_change(struct pgt_cmd *c, struct pgt_changeset *take_cs, bool dry,
	       struct pgt_err *err)
{
	struct pgt_changing_choice choice = {
	    .deadline_ns = pgt_cmd_int(c, "deadline"),
	    .stabilise_ns = pgt_cmd_int(c, "stabilise"),
	    .window_ns = pgt_cmd_int(c, "window"),
	    .accept_pending = pgt_cmd_bool(c, "accept-pending"),
	    .accept_danger = pgt_cmd_bool(c, "accept-danger"),
	    .allow_plaintext = pgt_cmd_bool(c, "allow-plaintext"),
	    .known_libraries = pgt_cmd_str(c, "libraries"),
	    .say = say_event,
	};
	struct flow f = {.step = pgt_cmd_bool(c, "step"),
			 .confirm = pgt_cmd_str(c, "confirm")};
	struct pgt_manager *manager = NULL;
	struct pgt_meter *meter = NULL;
	char *password = NULL;
	int rc = -1;

	if (strcmp(f.confirm, "ask") != 0 && strcmp(f.confirm, "auto") != 0 &&
	    strcmp(f.confirm, "later") != 0) {
		pgt_err_set(err, PGT_E_USAGE, "--confirm is ask, auto or later");
		goto out;
	}
	choice.auto_confirm = strcmp(f.confirm, "auto") == 0;
	if (pgt_cmd_password(c, &password, err) < 0 ||
	    (!dry && pgt_changing_meter(c->options, password, choice.window_ns, &meter,
					err) < 0) ||
	    pgt_manager_open(c->options, &manager, err) < 0)
		goto out;
	choice.probe = pgt_manager_probe(manager);
	choice.probe_spec = pgt_manager_spec(manager);
	if (meter)
		choice.validate = pgt_measure_validate_ops(meter);
	rc = pgt_changing_new(c->options, password, &choice, take_cs, &f.run, err);
	take_cs = NULL;
	if (rc == 0)
		rc = drive(c, &f, dry, err);
	pgt_change_run_free(f.run);

out:
	pgt_changeset_free(take_cs);
	pgt_cmd_forget(password);
	pgt_measure_close(meter);
	pgt_manager_close(manager);
	return rc;
}

static int
run_apply(struct pgt_cmd *c, struct pgt_err *err)
{
	const char *file = pgt_cmd_str(c, "file");
	struct pgt_changeset *cs = NULL;

	if (!file)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "--file F is needed: the changeset, JSON (docs/changes.md)");
	if (pgt_changeset_load(file, &cs, err) < 0)
		return -1;
	return pgt_cmd_change(c, cs, pgt_cmd_bool(c, "dry-run"), err);
}

static const struct pgt_option apply_options[] = {
    {.name = "file", .type = PGT_OPT_STR, .arg = "F", .help = "the changeset, JSON"},
    PGT_CHANGE_OPTIONS,
    {0},
};

const struct pgt_cmd_ops pgt_cmd_config_apply = {
    .name = "config apply",
    .group = "Changes",
    .summary = "apply a changeset: checked, journalled, guarded, confirmed or taken back",
    .details =
	"A guard is armed before the first write. What is not confirmed by the deadline, "
	"or is left half done, goes back by itself. Settings that need a restart are "
	"refused.",
    .examples =
	"config apply --file plan.json --dry-run\nconfig apply --file plan.json --step\n"
	"config apply --file plan.json --confirm later",
    .opts = apply_options,
    .run = run_apply,
};
