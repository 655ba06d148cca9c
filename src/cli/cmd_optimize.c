/* optimize: the search from the command line, with a progress bar.  Ctrl-C ends the
 * trial that is under way and leaves the server as it was. */
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/signals.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/engine.h"
#include "pg2une/engine/tuning.h"

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

#define CONNECT_NS (30 * PGT_NS_PER_S)
#define BAR	   30
#define MIN_TRIAL_NS (12 * PGT_NS_PER_S)
#define TRIALS_MAX   200

static const struct pgt_option options[] = {
    {.name = "action",
     .type = PGT_OPT_STR,
     .arg = "WHAT",
     .help = "knobs (default), queries (the advisor's indexes; in a rehearsal with "
	     "captured statements hints for them too) or holistic (both)"},
    {.name = "mode",
     .type = PGT_OPT_STR,
     .arg = "MODE",
     .help = "live (measures on this server, reload-only settings), rehearsal (on a "
	     "throwaway copy on this machine, restarts allowed), canary (on a standby, "
	     "beside the primary) or model (no measurement)"},
    {.name = "objective",
     .type = PGT_OPT_STR,
     .arg = "GOAL",
     .help = "mean, p99, tps, or weights such as tps=0.6,p99=0.4; tps by default in a "
	     "rehearsal, else mean: tps says nothing under a fixed load"},
    {.name = "script",
     .type = PGT_OPT_STR,
     .arg = "FILE",
     .help = "rehearsal: the load, a pgbench script or builtin:NAME; the captured "
	     "SELECT statements by default"},
    {.name = "clients",
     .type = PGT_OPT_INT,
     .arg = "N",
     .help = "rehearsal: sessions of the load (4)"},
    {.name = "in-place",
     .type = PGT_OPT_BOOL,
     .help = "rehearsal: this server is a lab: no copy, the load runs on it"},
    {.name = "copy-to",
     .type = PGT_OPT_STR,
     .arg = "FOLDER",
     .help = "rehearsal: where the copy is made (/var/tmp)"},
    {.name = "primary",
     .type = PGT_OPT_STR,
     .arg = "CONNINFO",
     .help = "canary: the primary to compare with; connect to the standby"},
    {.name = "restart-command",
     .type = PGT_OPT_STR,
     .arg = "PROGRAM",
     .help = "canary: restarts the standby, called with \"restart\"; settings that need "
	     "one are searched then"},
    {.name = "iterations",
     .type = PGT_OPT_INT,
     .arg = "N",
     .help =
	 "trials of the search at most (30, up to 200); the confirmation comes on top"},
    {.name = "time",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .help = "time of the search at most (no limit), 30m say; then the confirmation"},
    {.name = "trial",
     .type = PGT_OPT_DURATION,
     .arg = "DURATION",
     .help = "how long each trial is measured (20s); on a copy, about how long "
	     "its work takes as things are"},
    {.name = "seed",
     .type = PGT_OPT_INT,
     .arg = "N",
     .help = "same seed, same suggestions"},
    {0},
};

static const struct pgt_column setting_columns[] = {
    {"name", "setting", PGT_CELL_TEXT},
    {"current", "current", PGT_CELL_TEXT},
    {"proposed", "proposed", PGT_CELL_TEXT},
    {"restart", "restart", PGT_CELL_TEXT},
    {"importance", "matters", PGT_CELL_PCT},
    {0},
};
static const struct pgt_column trial_columns[] = {
    {"id", "trial", PGT_CELL_INT},
    {"what", "phase", PGT_CELL_TEXT},
    {"status", "outcome", PGT_CELL_TEXT},
    {"tps", "tps", PGT_CELL_NUM},
    {"mean_ms", "mean ms", PGT_CELL_MS},
    {"p99_ms", "p99~ ms", PGT_CELL_MS},
    {"gain_pct", "gain %", PGT_CELL_NUM},
    {"tried", "settings, or what became of it", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_column proposal_columns[] = {
    {"verdict", "verdict", PGT_CELL_TEXT},
    {"gain_pct", "gain %", PGT_CELL_NUM},
    {"gain_low_pct", "from", PGT_CELL_NUM},
    {"gain_high_pct", "to (95%)", PGT_CELL_NUM},
    {"confidence", "sure that it gains", PGT_CELL_PCT},
    {"pairs", "interleaved pairs", PGT_CELL_INT},
    {0},
};
static const struct pgt_column hint_columns[] = {
    {"proposed", "proposed", PGT_CELL_TEXT},
    {"query", "statement", PGT_CELL_TEXT},
    {"pg_hint_plan", "before it, with pg_hint_plan", PGT_CELL_TEXT},
    {"statement", "or in its transaction", PGT_CELL_TEXT},
    {"plan_cost_pct", "planner's cost %", PGT_CELL_NUM},
    {"why", "because", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view views[] = {
    {"trials", "Trials", trial_columns, NULL, 0},
    {"settings", "Settings that would change", setting_columns, "none", 0},
    {"hints", "Hints that were tried: work for the application, not applied by us",
     hint_columns, "none", 0},
    {"proposal", "Proposal", proposal_columns, NULL, 0},
    {0},
};

/* The index of text among names; 0 when it is not given, -1 when it is none. */
static int
choice(const char *text, const char *const *names, int n)
{
	if (!text)
		return 0;
	for (int i = 0; i < n; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -1;
}

static int
read_words(struct pgt_cmd *c, struct pgt_tune_opts *o, struct pgt_err *err)
{
	static const char *const actions[] = {"knobs", "queries", "holistic"};
	static const char *const modes[] = {"model", "live", "rehearsal", "canary"};
	static const char *const goals[] = {"tps", "mean", "p99"};
	const char *mode = pgt_cmd_str(c, "mode"), *goal = pgt_cmd_str(c, "objective");
	const char *action = pgt_cmd_str(c, "action");
	/* Our own load calls again at once: throughput says all, commits included. */
	const char *usual = mode && strcmp(mode, "rehearsal") == 0 ? "tps" : "mean";
	int a = choice(action, actions, PGT_LEN(actions));
	int m = choice(mode ? mode : "live", modes, PGT_LEN(modes));
	int g = choice(goal ? goal : usual, goals, PGT_LEN(goals));

	if (a < 0)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--action %s: knobs, queries or holistic", action);
	if (m < 0)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--mode %s: live, rehearsal, canary or model", mode);
	o->action = (enum pgt_tune_action)a;
	o->mode = (enum pgt_tune_mode)m;
	if (g >= 0)
		o->objective = (enum pgt_tune_objective)g;
	else
		pgt_str_copy(o->weights, sizeof(o->weights), goal);
	if (*o->weights && !strchr(goal, '='))
		return pgt_err_set(err, PGT_E_USAGE,
				   "--objective %s: mean, p99, tps or tps=0.6,p99=0.4",
				   goal);
	return 0;
}

static int
read_text(struct pgt_cmd *c, const char *option, char *buf, size_t size,
	  struct pgt_err *err)
{
	const char *text = pgt_cmd_str(c, option);

	if (text && strlen(text) >= size)
		return pgt_err_set(err, PGT_E_USAGE, "--%s: too long", option);
	if (text)
		pgt_str_copy(buf, size, text);
	return 0;
}

/* A number of 1 to most; what is not given stays as it is. */
static int
read_count(struct pgt_cmd *c, const char *option, int most, int *ret, struct pgt_err *err)
{
	int64_t n = pgt_cmd_int(c, option);

	if (!pgt_cmd_str(c, option))
		return 0;
	if (n < 1 || n > most)
		return pgt_err_set(err, PGT_E_USAGE, "--%s: 1 to %d", option, most);
	*ret = (int)n;
	return 0;
}

/* What the words alone show to be wrong is said before anything is connected to. */
static int
check_action(const struct pgt_tune_opts *o, struct pgt_err *err)
{
	bool copy = o->mode == PGT_TUNE_REHEARSAL && !o->in_place;

	if (o->action == PGT_TUNE_KNOBS || o->mode == PGT_TUNE_MODEL || copy)
		return 0;
	return pgt_err_set(
	    err, PGT_E_USAGE,
	    "indexes are built on a copy (--mode rehearsal, without "
			   "--in-place) or asked of the planner (--mode model): --action "
			   "queries and holistic build nothing on a server in use");
}

static int
read_where(struct pgt_cmd *c, struct pgt_tune_opts *o, struct pgt_err *err)
{
	if (read_text(c, "script", o->script, sizeof(o->script), err) < 0 ||
	    read_text(c, "copy-to", o->copy_to, sizeof(o->copy_to), err) < 0 ||
	    read_text(c, "primary", o->primary, sizeof(o->primary), err) < 0 ||
	    read_text(c, "restart-command", o->restart_command,
		      sizeof(o->restart_command), err) < 0)
		return -1;
	o->in_place = pgt_cmd_bool(c, "in-place");
	if (read_count(c, "clients", 1000, &o->clients, err) < 0)
		return -1;
	if (o->mode == PGT_TUNE_CANARY && !*o->primary)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--mode canary: connect to the standby and name its "
				   "primary with --primary CONNINFO");
	if (o->mode != PGT_TUNE_CANARY && (*o->restart_command || *o->primary))
		return pgt_err_set(err, PGT_E_USAGE,
				   "--primary and --restart-command are for --mode "
				   "canary");
	if (o->mode != PGT_TUNE_REHEARSAL &&
	    (*o->script || o->in_place || *o->copy_to || pgt_cmd_str(c, "clients")))
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "--script, --clients, --in-place and --copy-to are for "
		    "--mode rehearsal");
	if (o->in_place && *o->copy_to)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--in-place makes no copy: leave out --copy-to");
	return 0;
}

static int
read_choices(struct pgt_cmd *c, struct pgt_tune_opts *o, struct pgt_err *err)
{
	const char *ram;
	uint64_t bytes;

	pgt_tune_opts_init(o);
	if (read_words(c, o, err) < 0 || read_where(c, o, err) < 0 ||
	    check_action(o, err) < 0 ||
	    read_count(c, "iterations", TRIALS_MAX, &o->iterations, err) < 0)
		return -1;
	if (pgt_cmd_int(c, "trial") > 0)
		o->window_ns = pgt_cmd_int(c, "trial");
	if (o->window_ns < MIN_TRIAL_NS)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--trial: 12s at least, to tell anything");
	if (pgt_cmd_int(c, "seed") > 0)
		o->seed = (uint64_t)pgt_cmd_int(c, "seed");
	o->time_ns = pgt_cmd_int(c, "time");
	if (pgt_cmd_str(c, "time") && o->time_ns <= 0)
		return pgt_err_set(err, PGT_E_USAGE,
				   "--time: more than none; leave it out for no limit");
	o->cpus = (int)pgt_options_int(c->options, "cpus");
	ram = pgt_options_str(c->options, "ram");
	if (ram && pgt_parse_bytes(ram, &bytes, err) < 0)
		return pgt_err_set(err, PGT_E_USAGE, "--ram: a size such as 16GB");
	if (ram)
		o->ram_bytes = (double)bytes;
	return 0;
}

static void
progress(const struct pgt_ev_optimize *ev)
{
	char bar[BAR + 1], left[32] = "";
	int full = ev->total > 0 ? ev->done * BAR / ev->total : 0;

	if (!isatty(STDERR_FILENO))
		return;
	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)(full > BAR ? BAR : full));
	bar[BAR] = '\0';
	if (ev->eta_ns >= 0)
		pgt_fmt_duration(ev->eta_ns, left, sizeof(left));
	fprintf(stderr, "\r\033[K[%s] %d/%d %s %s  %.60s", bar, ev->done, ev->total,
		ev->phase, left, ev->now);
}

static void
put_trials(cJSON *top, const struct pgt_ev_optimize *ev)
{
	cJSON *arr = pgt_json_arr(top, "trials");

	for (size_t i = 0; i < ev->n_trials; i++) {
		const struct pgt_tune_trial *t = &ev->trials[i];
		cJSON *o = pgt_json_obj(arr, NULL);

		pgt_json_i64(o, "id", t->id);
		pgt_json_str(o, "what", t->what);
		pgt_json_str(o, "status", t->status);
		pgt_json_num(o, "tps", t->tps);
		pgt_json_num(o, "mean_ms", t->mean_ms);
		pgt_json_num(o, "p99_ms", t->p99_ms);
		pgt_json_num(o, "gain_pct", t->gain_pct);
		pgt_json_str(o, "why", t->why);
		if (*t->note)
			pgt_json_str(o, "note", t->note);
		pgt_json_str(o, "config", t->config);
		pgt_json_str(o, "tried", *t->note ? t->note : t->config);
	}
}

static void
put_hints(cJSON *top, const struct pgt_ev_optimize *ev)
{
	cJSON *arr = pgt_json_arr(top, "hints");

	for (size_t i = 0; i < ev->n_settings; i++) {
		const struct pgt_tune_setting *s = &ev->settings[i];
		cJSON *o;

		if (s->kind != PGT_TUNE_HINT)
			continue;
		o = pgt_json_obj(arr, NULL);
		pgt_json_bool(o, "proposed", s->differs);
		pgt_json_i64(o, "queryid", s->queryid);
		pgt_json_str(o, "query", s->query);
		pgt_json_str(o, "pg_hint_plan", s->comment);
		pgt_json_str(o, "statement", s->effect);
		pgt_json_num(o, "plan_cost_pct", s->cost_pct);
		pgt_json_str(o, "why", s->why);
		pgt_json_str(o, "who", "application");
	}
}

static cJSON *
answer(const struct pgt_ev_optimize *ev)
{
	cJSON *top = cJSON_CreateObject(), *arr, *p;

	put_trials(top, ev);
	arr = pgt_json_arr(top, "settings");
	for (size_t i = 0; i < ev->n_settings; i++) {
		const struct pgt_tune_setting *s = &ev->settings[i];
		cJSON *o;

		if (!ev->have_proposal || s->kind == PGT_TUNE_HINT ||
		    strcmp(s->current, s->proposed) == 0)
			continue;
		o = pgt_json_obj(arr, NULL);
		pgt_json_str(o, "name", s->name);
		pgt_json_str(o, "current", s->current);
		pgt_json_str(o, "proposed", s->proposed);
		pgt_json_bool(o, "restart", s->restart);
		pgt_json_num(o, "importance", s->importance);
		if (s->kind != PGT_TUNE_SETTING)
			pgt_json_str(o, "statement", s->effect);
	}
	if (ev->opts.action != PGT_TUNE_KNOBS)
		put_hints(top, ev);
	p = pgt_json_obj(top, "proposal");
	pgt_json_str(p, "verdict",
		     !ev->have_proposal			     ? "none"
		     : ev->opts.mode == PGT_TUNE_MODEL	     ? "model only, not measured"
		     : ev->keep_baseline		     ? "keep what is there"
							     : "change");
	pgt_json_num(p, "gain_pct", ev->have_proposal ? ev->gain_pct : NAN);
	pgt_json_num(p, "gain_low_pct", ev->have_proposal ? ev->gain_lo : NAN);
	pgt_json_num(p, "gain_high_pct", ev->have_proposal ? ev->gain_hi : NAN);
	pgt_json_num(p, "confidence", ev->have_proposal ? ev->confidence : NAN);
	pgt_json_i64(p, "pairs", ev->pairs);
	if (*ev->text)
		pgt_json_str(pgt_json_arr(top, "notes"), NULL, ev->text);
	return top;
}

struct waiting {
	struct pgt_engine *e;
	const struct pgt_tune_opts *opts;
	bool begun, over, stopped;
	cJSON *data;
};

/* What a search that was interrupted leaves: nothing of it. */
static const char *
before_it(const struct pgt_tune_opts *o)
{
	return o->mode == PGT_TUNE_REHEARSAL && !o->in_place
		   ? "the copy is gone, the server was not touched; nothing is proposed"
		   : "the server's settings are as they were; nothing is proposed";
}

static int
on_event(struct waiting *w, const struct pgt_msg *m, struct pgt_err *err)
{
	const struct pgt_snapshot *s = m->data;
	const struct pgt_ev_optimize *ev = m->data;
	const struct pgt_ev_notice *n = m->data;
	const struct pgt_ev_link *l = m->data;

	if (m->type == PGT_EV_SNAPSHOT && !w->begun && s->n_settings > 0) {
		w->begun = true;
		return pgt_engine_tune_start(w->e, w->opts, err);
	}
	/* A command ends where a console tries again; in a search it is waited for. */
	if (m->type == PGT_EV_LINK && !l->up && *l->message && (l->final || !w->begun))
		return pgt_err_set(err, PGT_E_CONN, "%s: %s", l->target, l->message);
	/* What became of a trial, too, for who waits and wonders. */
	if (m->type == PGT_EV_NOTICE &&
	    (n->level != PGT_NOTICE_INFO || (w->begun && isatty(STDERR_FILENO))))
		fprintf(stderr, "%spg2une: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
			n->text);
	if (m->type != PGT_EV_OPTIMIZE)
		return 0;
	progress(ev);
	if (ev->state == PGT_TUNE_DONE || ev->state == PGT_TUNE_FAILED) {
		w->over = true;
		w->data = answer(ev);
		if (ev->state == PGT_TUNE_FAILED && w->stopped)
			return pgt_err_set(err, PGT_E_CANCELLED, "stopped: %s",
					   before_it(w->opts));
		if (ev->state == PGT_TUNE_FAILED)
			return pgt_err_set(err, PGT_E_STATE, "%s", ev->text);
	}
	return 0;
}

static int
wait_for_end(struct waiting *w, struct pgt_err *err)
{
	struct pgt_mailbox *mb = pgt_engine_events(w->e);
	int64_t began = pgt_clock_mono_ns();
	struct signalfd_siginfo info;
	sigset_t set;
	struct pollfd p[2];
	struct pgt_msg *m;
	int rc = 0;

	sigemptyset(&set);
	for (size_t i = 0; i < PGT_LEN(ends); i++)
		sigaddset(&set, ends[i]);
	p[0] = (struct pollfd){.fd = pgt_mailbox_fd(mb), .events = POLLIN};
	p[1] = (struct pollfd){.fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN};
	while (rc == 0 && !w->over) {
		poll(p, 2, 1000);
		if ((p[1].revents & POLLIN) && read(p[1].fd, &info, sizeof(info)) > 0) {
			if (!w->begun)
				rc = pgt_err_set(err, PGT_E_CANCELLED, "stopped");
			/* the trial is taken back; its end comes as an event */
			else if (!w->stopped)
				fprintf(stderr,
					"%spg2une: stopping: what is under way is "
					"taken back\n",
					isatty(STDERR_FILENO) ? "\r\033[K" : "");
			w->stopped = true;
			pgt_engine_tune_stop(w->e, false);
		}
		while (rc == 0 && !w->over && (m = pgt_mailbox_take(mb))) {
			rc = on_event(w, m, err);
			pgt_msg_free(m);
		}
		if (rc == 0 && !w->begun && pgt_clock_mono_ns() - began > CONNECT_NS)
			rc = pgt_err_set(
			    err, PGT_E_TIMEOUT,
			    "no sample with the server's settings came in 30 s");
	}
	close(p[1].fd);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return rc;
}

static int
run_optimize(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_tune_opts o;
	struct waiting w = {.opts = &o};
	sigset_t set, old;
	int rc;

	if (read_choices(c, &o, err) < 0)
		return -1;
	sigemptyset(&set);
	for (size_t i = 0; i < PGT_LEN(ends); i++)
		sigaddset(&set, ends[i]);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	pgt_signals_forward(ends, PGT_LEN(ends), true);
	if (pgt_engine_new(c->options, &w.e, err) < 0)
		return -1;
	pgt_engine_want(w.e, 1u << PGT_SEC_SETTINGS | 1u << PGT_SEC_HOST);
	rc = wait_for_end(&w, err);
	pgt_engine_free(w.e);
	pgt_signals_forward(ends, PGT_LEN(ends), false);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc < 0) {
		cJSON_Delete(w.data);
		return -1;
	}
	c->data = w.data;
	c->views = views;
	return 0;
}

const struct pgt_cmd_ops pgt_cmd_optimize = {
    .name = "optimize",
    .group = "Tuning",
    .summary = "search better settings by measuring, safely, and propose them",
    .details =
	"Each trial is a guarded change that is taken back; the proposal is "
	"measured against the present settings, interleaved, and applied by nobody "
	"but you (config apply, or the console).  A hint for one statement is work "
	"for the application: the answer says what to put before it.",
    .examples = "optimize --mode model --ram 16GB --cpus 8\n"
		"optimize --mode rehearsal --script builtin:tpcb-like --clients 8\n"
		"optimize --mode rehearsal --action holistic\n"
		"optimize --mode live --objective p99 --iterations 20 --time 30m",
    .opts = options,
    .run = run_optimize,
};
