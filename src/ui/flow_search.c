/* Words to the optimizer: the form that starts a search, hold, stop, and taking its
 * proposal as a draft.  Production is asked for by its name, as for a change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_priv.h"
#include "dialog_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "ui_priv.h"

/* Rows of the form. */
enum field {
	F_MODE,
	F_ACTION,
	F_OBJECTIVE,
	F_TRIALS,
	F_TIME,
	F_WINDOW,
	F_PRIMARY,
	F_RESTART,
	F_SCRIPT,
	F_CLIENTS,
	F_WHERE,
	F_START,
	F_N
};

/* Rows of the form are that wide at least, or it would jump with each choice. */
#define ROW_WIDTH 60

static const int trials[] = {10, 20, 30, 50, 100};
static const int minutes[] = {0, 10, 30, 60, 120, 480};
static const int seconds[] = {12, 20, 30, 60};
static const int clients[] = {1, 2, 4, 8, 16, 32};

static const char *const mode_help[] = {
    [PGT_TUNE_MODEL] = "model: rules of thumb, nothing is measured",
    [PGT_TUNE_LIVE] = "live: on this server, settings that a reload sets",
    [PGT_TUNE_REHEARSAL] = "rehearsal: on a throwaway copy, or here on a lab",
    [PGT_TUNE_CANARY] = "canary: on this standby, beside its primary",
};

static const char *const action_help[] = {
    [PGT_TUNE_KNOBS] = "settings",
    [PGT_TUNE_QUERIES] = "indexes and hints of the advice",
    [PGT_TUNE_HOLISTIC] = "settings, indexes and hints together",
};

static void form(struct pgt_ui *ui, enum field at);

/* The one after now, round the end; the first when now is none of them. */
static int
next_of(const int *list, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == now)
			return list[(i + 1) % n];
	return list[0];
}

static bool
shown(const struct pgt_tune_opts *o, enum field f)
{
	switch (f) {
	case F_PRIMARY:
	case F_RESTART:
		return o->mode == PGT_TUNE_CANARY;
	case F_SCRIPT:
	case F_CLIENTS:
	case F_WHERE:
		return o->mode == PGT_TUNE_REHEARSAL;
	case F_OBJECTIVE:
	case F_TRIALS:
	case F_TIME:
	case F_WINDOW:
		return o->mode != PGT_TUNE_MODEL;
	case F_ACTION: /* indexes are built on a copy, or asked of the planner */
		return o->mode == PGT_TUNE_MODEL ||
		       (o->mode == PGT_TUNE_REHEARSAL && !o->in_place);
	case F_MODE:
	case F_START:
	case F_N:
		break;
	}
	return true;
}

static void
text_row(char *buf, size_t size, const char *label, const char *text, const char *none)
{
	snprintf(buf, size, "%-11s%.120s", label, *text ? text : none);
}

static void
row_text(const struct pgt_tune_opts *o, enum field f, char *buf, size_t size)
{
	char t[32];

	switch (f) {
	case F_MODE:
		snprintf(buf, size, "how        %s", mode_help[o->mode]);
		break;
	case F_ACTION:
		snprintf(buf, size, "what       %s", action_help[o->action]);
		break;
	case F_OBJECTIVE:
		snprintf(buf, size, "objective  %s",
			 pgt_search_objective_name(o->objective));
		break;
	case F_TRIALS:
		snprintf(buf, size, "trials     %d at most", o->iterations);
		break;
	case F_TIME:
		if (o->time_ns > 0)
			snprintf(buf, size, "time       %s at most",
				 pgt_fmt_duration(o->time_ns, t, sizeof(t)));
		else
			snprintf(buf, size, "time       no limit");
		break;
	case F_WINDOW:
		snprintf(buf, size, "window     %s of measuring a trial",
			 pgt_fmt_duration(o->window_ns, t, sizeof(t)));
		break;
	case F_PRIMARY:
		text_row(buf, size, "primary", o->primary, "(to be named)");
		break;
	case F_RESTART:
		text_row(buf, size, "restart", o->restart_command,
			 "never: what needs one is left out");
		break;
	case F_SCRIPT:
		text_row(buf, size, "load", o->script, "the top queries seen here");
		break;
	case F_CLIENTS:
		snprintf(buf, size, "clients    %d", o->clients);
		break;
	case F_WHERE:
		snprintf(buf, size, "where      %s",
			 o->in_place ? "here: this server is a lab of nobody else"
				     : "a throwaway copy on this machine");
		break;
	case F_START:
		if (o->mode == PGT_TUNE_MODEL)
			snprintf(buf, size, "START      at once");
		else
			snprintf(buf, size, "START      takes ~%s",
				 pgt_fmt_duration(pgt_tune_usual_ns(o), t, sizeof(t)));
		break;
	case F_N:
		break;
	}
}

/* ---- starting ---- */

static void
start(struct pgt_ui *ui)
{
	struct pgt_tune_opts o = ui->tune;
	struct pgt_err err = {0};

	if (!shown(&o, F_ACTION)) /* chosen for another mode */
		o.action = PGT_TUNE_KNOBS;
	if (!ui->engine)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "there is no connection");
	else if (pgt_engine_tune_start(ui->engine, &o, &err) < 0)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s", err.msg);
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "the search begins");
}

static void
on_typed(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	(void)text;
	(void)arg;
	if (choice == 0)
		start(ui);
	else
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "nothing was done");
}

static void
on_start(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	static const char *const lines[] = {
	    "This is production. Type the cluster's name:"};
	const char *name = ui->snap && ui->snap->node.name ? ui->snap->node.name : "";

	(void)text;
	(void)arg;
	if (choice != 1)
		form(ui, F_START);
	else if (pgt_ui_is_production(ui) && *name && ui->tune.mode != PGT_TUNE_MODEL)
		pgt_dialog_type(ui, lines, 1, name, on_typed, NULL);
	else
		start(ui);
}

static void
ask_start(struct pgt_ui *ui)
{
	static const char *const effect[] = {
	    [PGT_TUNE_MODEL] = "effect  none: nothing is written, nothing is measured",
	    [PGT_TUNE_LIVE] = "effect  settings here change for a trial and go back",
	    [PGT_TUNE_REHEARSAL] = "effect  a copy of the server runs on this machine",
	    [PGT_TUNE_CANARY] =
		"effect  the settings of this standby change and go back",
	};
	const char *buttons[2] = {"Leave it", "Start"};
	char line[3][160];
	const char *lines[3] = {line[0], line[1], line[2]};

	snprintf(line[0], sizeof(line[0]), "Search for better settings of %.60s%s?",
		 ui->snap && ui->snap->node.name ? ui->snap->node.name : "this server",
		 pgt_ui_is_production(ui) ? " (PRODUCTION)" : "");
	snprintf(line[1], sizeof(line[1]), "%s", mode_help[ui->tune.mode]);
	snprintf(line[2], sizeof(line[2]), "%s",
		 ui->tune.mode == PGT_TUNE_REHEARSAL && ui->tune.in_place
		     ? "effect  a load of ours runs here; settings change and go back"
		     : effect[ui->tune.mode]);
	pgt_dialog_confirm(ui, lines, 3, buttons, 2, on_start, NULL);
}

/* ---- the form ---- */

/* Why it cannot begin like this; NULL: it can. */
static const char *
lacks(const struct pgt_ui *ui)
{
	if (ui->tune.mode != PGT_TUNE_CANARY)
		return NULL;
	if (ui->snap && !ui->snap->node.in_recovery)
		return "a canary is a standby: connect to one, and name its primary";
	return *ui->tune.primary ? NULL : "the primary to compare with is to be named";
}

static char *
text_field(struct pgt_tune_opts *o, enum field f)
{
	return f == F_PRIMARY	? o->primary
	       : f == F_RESTART ? o->restart_command
				: o->script;
}

static void
on_text(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	enum field f = *(const enum field *)arg;

	if (choice == 0)
		pgt_str_copy(text_field(&ui->tune, f), sizeof(ui->tune.script), text);
	form(ui, f);
}

static void
ask_text(struct pgt_ui *ui, enum field f)
{
	static const char *const lines[] = {
	    [F_PRIMARY] = "The primary to compare with (host=... port=... dbname=...):",
	    [F_RESTART] = "A program that restarts this standby, or empty for never:",
	    [F_SCRIPT] = "A pgbench script, or empty for the top queries seen here:"};
	enum field *arg = pgt_xmalloc(sizeof(*arg));

	*arg = f;
	pgt_dialog_entry(ui, &lines[f], 1, text_field(&ui->tune, f), on_text, arg);
}

static void
on_row(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	struct pgt_tune_opts *o = &ui->tune;
	enum field f;

	(void)text;
	if (choice < 0)
		return;
	f = ((const enum field *)arg)[choice];
	switch (f) {
	case F_MODE:
		o->mode = (enum pgt_tune_mode)((o->mode + 1) % PGT_LEN(mode_help));
		/* A load of our own calls again at once: throughput says all. */
		o->objective = o->mode == PGT_TUNE_REHEARSAL ? PGT_TUNE_TPS
							     : PGT_TUNE_MEAN;
		break;
	case F_ACTION:
		o->action = (enum pgt_tune_action)((o->action + 1) %
						   PGT_LEN(action_help));
		break;
	case F_OBJECTIVE:
		o->objective = (enum pgt_tune_objective)((o->objective + 1) % 3);
		break;
	case F_TRIALS:
		o->iterations = next_of(trials, PGT_LEN(trials), o->iterations);
		break;
	case F_TIME:
		o->time_ns = PGT_NS_PER_S * 60 *
			     next_of(minutes, PGT_LEN(minutes),
				     o->time_ns / (60 * PGT_NS_PER_S));
		break;
	case F_WINDOW:
		o->window_ns = PGT_NS_PER_S * next_of(seconds, PGT_LEN(seconds),
						      o->window_ns / PGT_NS_PER_S);
		break;
	case F_CLIENTS:
		o->clients = next_of(clients, PGT_LEN(clients), o->clients);
		break;
	case F_WHERE:
		o->in_place = !o->in_place;
		break;
	case F_PRIMARY:
	case F_RESTART:
	case F_SCRIPT:
		ask_text(ui, f);
		return;
	case F_START:
		if (lacks(ui)) {
			pgt_ui_notice(ui, PGT_NOTICE_WARN, "%s", lacks(ui));
			break;
		}
		ask_start(ui);
		return;
	case F_N:
		break;
	}
	form(ui, f);
}

static void
widen(char *text, size_t size)
{
	size_t len = strlen(text);

	for (; len < ROW_WIDTH && len + 1 < size; len++)
		text[len] = ' ';
	text[len] = '\0';
}

static void
form(struct pgt_ui *ui, enum field at)
{
	enum field *fields = pgt_xcalloc(F_N, sizeof(*fields));
	char text[F_N][160];
	const char *rows[F_N];
	int n = 0, current = 0;

	for (enum field f = F_MODE; f < F_N; f++) {
		if (!shown(&ui->tune, f))
			continue;
		if (f == at)
			current = n;
		row_text(&ui->tune, f, text[n], sizeof(text[n]));
		widen(text[n], sizeof(text[n]));
		rows[n] = text[n];
		fields[n++] = f;
	}
	pgt_dialog_choose(ui, "Start a search: Enter changes a line", rows, n, current,
			  on_row, fields);
}

static void
open_form(struct pgt_ui *ui)
{
	const char *ram = ui->opts ? pgt_options_str(ui->opts, "ram") : NULL;
	struct pgt_err ignored;
	uint64_t bytes = 0;

	if (ui->tune.iterations == 0)
		pgt_tune_opts_init(&ui->tune);
	if (ui->opts)
		ui->tune.cpus = (int)pgt_options_int(ui->opts, "cpus");
	if (ram && pgt_parse_bytes(ram, &bytes, &ignored) == 0)
		ui->tune.ram_bytes = (double)bytes;
	form(ui, F_MODE);
}

/* ---- the proposal ---- */

static void
on_anew(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	(void)text;
	(void)arg;
	if (choice == 1)
		open_form(ui);
}

/* Settings of the proposal that only a rollout puts in force, and there is none. */
static size_t
left_for_restart(const struct pgt_ui *ui)
{
	size_t n = 0;

	if (ui->opts && pgt_options_str(ui->opts, "rollout"))
		return 0;
	for (size_t i = 0; i < ui->search->n_settings; i++)
		n += ui->search->settings[i].differs && ui->search->settings[i].restart;
	return n;
}

static void
tell_left_out(struct pgt_ui *ui)
{
	size_t hints = pgt_search_hints(ui->search), restarts = left_for_restart(ui);
	char a[80] = "", b[80] = "";

	if (restarts > 0)
		snprintf(a, sizeof(a), "%zu setting%s that need%s a restart (a rollout)",
			 restarts, restarts == 1 ? "" : "s", restarts == 1 ? "s" : "");
	if (hints > 0)
		snprintf(b, sizeof(b), "%zu hint%s (work for the application)", hints,
			 hints == 1 ? "" : "s");
	if (*a || *b)
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "without %s%s%s", a,
			      *a && *b ? " and " : "", b);
}

static void
on_accept(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	struct pgt_err err = {0};

	(void)text;
	(void)arg;
	if (choice == 2)
		open_form(ui);
	if (choice != 1)
		return;
	if (!ui->engine)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "there is no connection");
	else if (pgt_engine_tune_accept(ui->engine, left_for_restart(ui) == 0, &err) < 0)
		pgt_ui_notice(ui, PGT_NOTICE_ERROR, "%s", err.msg);
	else {
		pgt_ui_goto(ui, PGT_REQ_CHANGES);
		tell_left_out(ui);
	}
}

/* "4 settings and 2 indexes" */
static char *
count_changes(const struct pgt_ev_optimize *s, char *buf, size_t size)
{
	size_t indexes = 0, all = pgt_search_changes(s), settings;
	char a[32] = "", b[32] = "";

	for (size_t i = 0; i < s->n_settings; i++)
		indexes += s->settings[i].differs &&
			   s->settings[i].kind == PGT_TUNE_INDEX;
	settings = all - indexes;
	if (settings > 0)
		snprintf(a, sizeof(a), "%zu setting%s", settings,
			 settings == 1 ? "" : "s");
	if (indexes > 0)
		snprintf(b, sizeof(b), "%zu index%s", indexes, indexes == 1 ? "" : "es");
	snprintf(buf, size, "%s%s%s", a, *a && *b ? " and " : "", b);
	return buf;
}

/* Nothing of it can be a draft here. */
static void
tell_no_draft(struct pgt_ui *ui, const char *what, const char *gain, const char *effect)
{
	static const char *const buttons[] = {"Leave it", "Search anew"};
	char line[2][160];
	const char *lines[2] = {line[0], line[1]};

	snprintf(line[0], sizeof(line[0]), "The proposal: %s, gain %s", what, gain);
	snprintf(line[1], sizeof(line[1]), "effect  %s", effect);
	pgt_dialog_confirm(ui, lines, 2, buttons, 2, on_anew, NULL);
}

static void
ask_accept(struct pgt_ui *ui)
{
	const char *buttons[3] = {"Leave it", "Make it a draft", "Search anew"};
	const struct pgt_ev_optimize *s = ui->search;
	char line[4][160], gain[64], number[64], what[64];
	size_t hints = pgt_search_hints(s), n = pgt_search_changes(s);
	size_t restarts = left_for_restart(ui);
	const char *lines[4] = {line[0], line[1], line[2], line[3]};
	int k = 2;

	pgt_search_gain(s->gain_pct, s->gain_lo, s->gain_hi, number, sizeof(number));
	snprintf(gain, sizeof(gain), "%s%.40s", s->pairs > 0 ? "" : "~", number);
	if (isnan(s->gain_pct))
		pgt_str_copy(gain, sizeof(gain), "not measured");
	if (n == 0) {
		snprintf(what, sizeof(what), "%zu hint%s", hints, hints == 1 ? "" : "s");
		tell_no_draft(ui, what, gain,
			      "work for the application: there is nothing to apply here");
		return;
	}
	count_changes(s, what, sizeof(what));
	if (restarts == n) {
		tell_no_draft(ui, what, gain,
			      "it needs a restart: by a rollout (docs/rollout.md)");
		return;
	}
	snprintf(line[0], sizeof(line[0]), "The proposal: %.60s, gain %.50s", what, gain);
	snprintf(line[1], sizeof(line[1]),
		 "effect  a draft; nothing is written before its dry run and A");
	if (restarts > 0)
		snprintf(line[k++], sizeof(line[0]),
			 "        without %zu that need%s a restart: by a rollout",
			 restarts, restarts == 1 ? "s" : "");
	if (hints > 0)
		snprintf(line[k++], sizeof(line[0]),
			 "        without %zu hint%s: work for the application", hints,
			 hints == 1 ? "" : "s");
	pgt_dialog_confirm(ui, lines, k, buttons, 3, on_accept, NULL);
}

void
pgt_flow_search_go(struct pgt_ui *ui)
{
	const struct pgt_ev_optimize *s = ui->search;

	if (ui->read_only)
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "read-only: nothing is tried here");
	else if (pgt_search_running(ui))
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "a search is under way: H pauses, X stops it");
	else if (s && pgt_search_proposes(s))
		ask_accept(ui);
	else if (ui->engine && (!ui->snap || ui->snap->n_settings == 0))
		pgt_ui_notice(ui, PGT_NOTICE_INFO,
			      "the server's settings are being read: in a moment");
	else
		open_form(ui);
}

/* ---- hold and stop ---- */

void
pgt_flow_search_hold(struct pgt_ui *ui)
{
	bool paused = ui->search->state == PGT_TUNE_PAUSED;

	if (ui->read_only || !ui->engine)
		return;
	pgt_engine_tune_pause(ui->engine, !paused);
	pgt_ui_notice(ui, PGT_NOTICE_INFO, "%s",
		      paused ? "the search goes on"
			     : "the search pauses when this trial has been taken back");
}

static void
on_stop(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	(void)text;
	(void)arg;
	if (choice < 1 || !ui->engine)
		return;
	pgt_engine_tune_stop(ui->engine, choice == 1);
	pgt_ui_notice(ui, PGT_NOTICE_INFO, "%s",
		      choice == 1 ? "no more search: the best is compared once more"
				  : "the trial is taken back");
}

void
pgt_flow_search_stop(struct pgt_ui *ui)
{
	static const char *const lines[] = {
	    "Stop the search?",
	    "Propose  the best so far is compared with the baseline",
	    "Restore  the trial is taken back now, nothing more is measured"};
	static const char *const buttons[] = {"Go on", "Propose", "Restore"};

	if (ui->read_only) {
		pgt_ui_notice(ui, PGT_NOTICE_WARN, "read-only: nothing is steered here");
		return;
	}
	if (!pgt_search_running(ui)) {
		pgt_ui_notice(ui, PGT_NOTICE_INFO, "no search is under way");
		return;
	}
	pgt_dialog_confirm(ui, lines, 3, buttons, 3, on_stop, NULL);
}

static void
on_restore(struct pgt_ui *ui, int choice, const char *text, void *arg)
{
	on_stop(ui, choice == 1 ? 2 : 0, text, arg);
}

void
pgt_flow_search_restore(struct pgt_ui *ui)
{
	static const char *const lines[] = {
	    "Stop the search and restore the server?",
	    "effect  the trial is taken back now; the proposal is not made"};
	static const char *const buttons[] = {"Go on", "Stop and restore"};

	pgt_dialog_confirm(ui, lines, 2, buttons, 2, on_restore, NULL);
}
