/* rollout plan | start | status | confirm | hold | rollback */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/output.h"
#include "pg2une/engine/rollouts.h"

#define LOOK_MS	 100
#define FILE_MAX (1u << 20)

static const struct pgt_column state_columns[] = {
    {"id", "rollout", PGT_CELL_TEXT},
    {"target", "of", PGT_CELL_TEXT},
    {"state", "state", PGT_CELL_TEXT},
    {"share_pct", "share %", PGT_CELL_NUM},
    {"evidence.verdict", "gate", PGT_CELL_TEXT},
    {"evidence.reason", "because", PGT_CELL_TEXT},
    {"reason", "ended", PGT_CELL_TEXT},
    {0}};
static const struct pgt_column step_columns[] = {
    {"pct", "step %", PGT_CELL_NUM},
    {"achieved_pct", "achieved %", PGT_CELL_NUM},
    {"verdict", "verdict", PGT_CELL_TEXT},
    {"took_s", "seconds", PGT_CELL_NUM},
    {0}};
static const struct pgt_column node_columns[] = {
    {"node", "node", PGT_CELL_TEXT},        {"up", "up", PGT_CELL_BOOL},
    {"share_pct", "share %", PGT_CELL_NUM}, {"tps", "tps", PGT_CELL_NUM},
    {"p50_ms", "p50 ms", PGT_CELL_MS},      {"p95_ms", "p95 ms", PGT_CELL_MS},
    {"p99_ms", "p99 ms", PGT_CELL_MS},      {"errors", "errors", PGT_CELL_INT},
    {"lag_bytes", "lag", PGT_CELL_BYTES},   {0}};
static const struct pgt_view views[] = {{"", "Rollout", state_columns, NULL, 0},
					{"steps", "Steps", step_columns, NULL, 0},
					{"nodes", "Nodes", node_columns, NULL, 0},
					{0}};

/* ---- the plan, from a file and flags ---- */

static cJSON *
read_json(const char *path, struct pgt_err *err)
{
	struct pgt_buf b;
	cJSON *json = NULL;

	pgt_buf_init(&b, FILE_MAX);
	if (pgt_file_read(path, &b, err) == 0)
		json = pgt_json_parse(pgt_buf_str(&b), b.len, FILE_MAX, err);
	if (!json)
		pgt_err_prefix(err, "%s", path);
	pgt_buf_done(&b);
	return json;
}

static void
replace(cJSON *obj, const char *name, cJSON *take_value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(obj, name);
	pgt_json_item(obj, name, take_value);
}

static cJSON *
section(cJSON *top, const char *name)
{
	cJSON *obj = cJSON_GetObjectItemCaseSensitive(top, name);

	return obj ? obj : pgt_json_obj(top, name);
}

static int
add_steps(cJSON *top, const char *text, struct pgt_err *err)
{
	cJSON *arr = cJSON_CreateArray();
	char part[16];
	double pct;

	for (; *text; text += strcspn(text, ","), text += *text == ',') {
		size_t n = strcspn(text, ",");

		snprintf(part, sizeof(part), "%.*s", n < sizeof(part) ? (int)n : 0, text);
		if (!pgt_parse_double(part, &pct)) {
			cJSON_Delete(arr);
			return pgt_err_set(err, PGT_E_USAGE,
					   "--steps: percentages, as 5,25,50");
		}
		pgt_json_num(arr, NULL, pct);
	}
	replace(top, "steps", arr);
	return 0;
}

static const struct {
	const char *option, *section, *name;
} texts[] = {
    {"router", "router", "kind"},
    {"router-admin", "router", "admin"},
    {"router-file", "router", "routes_file"},
    {"router-pool", "router", "pool"},
    {"router-socket", "router", "socket"},
    {"router-primary", "router", "primary"},
    {"router-canary", "router", "canary"},
    {"router-command", "router", "command"},
    {"canary", "canary", "conninfo"},
    {"canary-kind", "canary", "kind"},
    {"canary-command", "canary", "command"},
    {"canary-after", "canary", "after"},
    {"canary-url", "canary", "url"},
    {"canary-token-file", "canary", "token_file"},
    {"canary-configuration", "canary", "configuration"},
    {"canary-directory", "canary", "directory"},
    {"canary-bin", "canary", "bin"},
    {"canary-listen", "canary", "listen"},
    {"canary-restart", "canary", "restart_command"},
};
static const struct {
	const char *option, *section, *name;
} times[] = {{"step-time", NULL, "min_step_s"},
	     {"step-max", NULL, "max_step_s"},
	     {"bucket", NULL, "bucket_s"},
	     {"canary-ready", "canary", "ready_s"},
	     {"canary-warm", "canary", "warm_s"}};

static int
plan_of(struct pgt_cmd *c, struct pgt_rollout_plan **ret, struct pgt_err *err)
{
	const char *plan = pgt_cmd_str(c, "plan"), *file = pgt_cmd_str(c, "file"), *s;
	cJSON *top = plan ? read_json(plan, err) : cJSON_CreateObject(), *cs;
	int rc = -1;

	if (!top)
		return -1;
	if (file) {
		cs = read_json(file, err);
		if (!cs)
			goto out;
		replace(top, "changeset", cs);
	}
	for (size_t i = 0; i < PGT_LEN(texts); i++)
		if ((s = pgt_cmd_str(c, texts[i].option)))
			replace(section(top, texts[i].section), texts[i].name,
				cJSON_CreateString(s));
	for (size_t i = 0; i < PGT_LEN(times); i++)
		if (pgt_cmd_int(c, times[i].option) > 0)
			replace(times[i].section ? section(top, times[i].section) : top,
				times[i].name,
				cJSON_CreateNumber(
				    (double)pgt_cmd_int(c, times[i].option) / 1e9));
	if (pgt_cmd_int(c, "canary-port") > 0)
		replace(section(top, "canary"), "port",
			cJSON_CreateNumber((double)pgt_cmd_int(c, "canary-port")));
	if (pgt_cmd_bool(c, "read-only-pool"))
		replace(section(top, "router"), "read_only_pool", cJSON_CreateTrue());
	if (pgt_cmd_bool(c, "auto"))
		replace(top, "auto", cJSON_CreateTrue());
	if (pgt_cmd_bool(c, "direct"))
		replace(top, "direct", cJSON_CreateTrue());
	if (pgt_cmd_str(c, "steps") && add_steps(top, pgt_cmd_str(c, "steps"), err) < 0)
		goto out;
	rc = pgt_rollout_plan_from_json(top, ret, err);
out:
	cJSON_Delete(top);
	return rc;
}

/* ---- start ---- */

static struct pgt_rollout_drive *volatile driven; /* for the handler only */

static void
on_signal(int sig)
{
	(void)sig;
	if (driven)
		pgt_rollout_drive_request_rollback(driven);
}

static void
say_line(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
	fflush(stderr);
}

static void
hear_stdin(struct pgt_rollout_drive *d, char *line, size_t size, size_t *n)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	struct pgt_err err = {0};
	char ch;

	while (*n != (size_t)-1 && poll(&p, 1, 0) > 0) {
		if (read(STDIN_FILENO, &ch, 1) != 1) {
			*n = (size_t)-1; /* nobody there: other consoles may speak */
			return;
		}
		if (ch != '\n') {
			if (*n + 1 < size)
				line[(*n)++] = ch;
			continue;
		}
		line[*n] = '\0';
		*n = 0;
		if (strcmp(line, "confirm") == 0 || strcmp(line, "c") == 0)
			(void)!pgt_rollout_confirm(pgt_rollout_drive_machine(d), &err);
		else if (strcmp(line, "hold") == 0 || strcmp(line, "h") == 0)
			(void)!pgt_rollout_hold(pgt_rollout_drive_machine(d), &err);
		else if (strcmp(line, "rollback") == 0 || strcmp(line, "r") == 0)
			pgt_rollout_drive_request_rollback(d);
		else
			pgt_err_set(&err, PGT_E_USAGE, "confirm, hold or rollback?");
		if (err.code)
			say_line(NULL, err.msg);
	}
}

static void
tell_progress(struct pgt_rollout_drive *d, double *buckets)
{
	struct pgt_ev_rollout ev;
	const struct pgt_gate_evidence *e = &ev.view.evidence;

	pgt_rollout_drive_event(d, &ev);
	if (!ev.view.judging || e->canary_calls + e->primary_calls == *buckets)
		return;
	*buckets = e->canary_calls + e->primary_calls;
	fprintf(stderr,
		"  %g%%: %s (%s); mean %+.1f%% [%+.1f %+.1f], tail e %.2g of %.2g, %.0f "
		"calls, "
		"share %.1f%%\n",
		ev.view.pct, pgt_gate_verdict_names[e->verdict], ev.evidence_reason,
		100 * e->mean_ratio, 100 * e->mean_lo, 100 * e->mean_hi, e->tail_e_harm,
		e->tail_limit, e->canary_calls, ev.node[1].share_pct);
	fflush(stderr);
}

static int
open_drive(struct pgt_cmd *c, struct pgt_rollout_drive **ret, struct pgt_err *err)
{
	struct pgt_rollout_drive_args args = {.options = c->options, .say = say_line};
	struct pgt_rollout_plan *plan = NULL;

	if (plan_of(c, &plan, err) < 0)
		return -1;
	return pgt_rollout_drive_new(&args, plan, ret, err);
}

static int
run_start(struct pgt_cmd *c, struct pgt_err *err)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct pgt_rollout_drive *d = NULL;
	struct pgt_ev_rollout ev;
	double buckets = 0;
	char line[64];
	size_t n = 0;

	if (open_drive(c, &d, err) < 0)
		return -1;
	driven = d;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	while (pgt_rollout_drive_run(d, LOOK_MS)) {
		hear_stdin(d, line, sizeof(line), &n);
		tell_progress(d, &buckets);
	}
	pgt_rollout_drive_event(d, &ev);
	c->data = pgt_rollout_event_json(&ev);
	c->views = views;
	driven = NULL;
	pgt_rollout_drive_free(d);
	if (ev.view.state == PGT_RO_DONE)
		return 0;
	return pgt_err_set(err, PGT_E_STATE, "rollout %.8s: %s: %.400s", ev.id,
			   ev.view.state == PGT_RO_NOTHING
			       ? "nothing was changed"
			       : pgt_ro_state_names[ev.view.state],
			   ev.view.reason);
}

static int
run_plan(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = NULL;
	struct pgt_rollout_plan *plan = NULL;
	int rc;

	if (plan_of(c, &plan, err) < 0)
		return -1;
	c->data = pgt_rollout_plan_json(plan);
	pgt_rollout_plan_free(plan);
	if (open_drive(c, &d, err) < 0)
		return -1;
	rc = pgt_rollout_drive_check(d, err);
	pgt_json_bool(c->data, "ready", rc == 0);
	pgt_rollout_drive_free(d);
	return rc;
}

static const struct pgt_option start_options[] = {
    {.name = "plan",
     .type = PGT_OPT_STR,
     .arg = "F",
     .help = "the plan, JSON; flags override it"},
    {.name = "file", .type = PGT_OPT_STR, .arg = "F", .help = "the changeset, JSON"},
    {.name = "auto", .type = PGT_OPT_BOOL, .help = "a go of the gate goes on by itself"},
    {.name = "direct", .type = PGT_OPT_BOOL, .help = "no canary: guarded and judged"},
    {.name = "steps",
     .type = PGT_OPT_STR,
     .arg = "LIST",
     .help = "percent for the canary (5,25,50,100)"},
    {.name = "step-time",
     .type = PGT_OPT_DURATION,
     .arg = "TIME",
     .min = "1s",
     .max = "1d",
     .help = "each step at least (30s)"},
    {.name = "step-max",
     .type = PGT_OPT_DURATION,
     .arg = "TIME",
     .min = "1s",
     .max = "1d",
     .help = "each step at most, then it is inconclusive (300s)"},
    {.name = "bucket",
     .type = PGT_OPT_DURATION,
     .arg = "TIME",
     .min = "1s",
     .max = "60s",
     .help = "time of one measurement (5s)"},
    {.name = "router",
     .type = PGT_OPT_STR,
     .arg = "KIND",
     .help = "pgbouncer, haproxy or hook"},
    {.name = "router-admin",
     .type = PGT_OPT_STR,
     .arg = "CONNINFO",
     .help = "PgBouncer's console"},
    {.name = "router-file",
     .type = PGT_OPT_STR,
     .arg = "F",
     .help = "PgBouncer's included file of routes"},
    {.name = "router-pool",
     .type = PGT_OPT_STR,
     .arg = "NAME",
     .help = "PgBouncer's database, HAProxy's backend"},
    {.name = "router-socket",
     .type = PGT_OPT_STR,
     .arg = "F",
     .help = "HAProxy's runtime socket"},
    {.name = "router-primary",
     .type = PGT_OPT_STR,
     .arg = "NAME",
     .help = "the primary as the router knows it"},
    {.name = "router-canary",
     .type = PGT_OPT_STR,
     .arg = "NAME",
     .help = "the canary as the router knows it"},
    {.name = "router-command",
     .type = PGT_OPT_STR,
     .arg = "PROGRAM",
     .help = "hook: called with check, set PCT, get"},
    {.name = "read-only-pool",
     .type = PGT_OPT_BOOL,
     .help = "the pool carries reads only: must be said"},
    {.name = "canary", .type = PGT_OPT_STR, .arg = "CONNINFO", .help = "the standby"},
    {.name = "canary-kind",
     .type = PGT_OPT_STR,
     .arg = "KIND",
     .help = "named, basebackup, hook or mxc"},
    {.name = "canary-command",
     .type = PGT_OPT_STR,
     .arg = "PROGRAM",
     .help = "hook: called with make and stop"},
    {.name = "canary-directory",
     .type = PGT_OPT_STR,
     .arg = "F",
     .help = "basebackup: folder to make; named: its data directory, to restart it"},
    {.name = "canary-bin",
     .type = PGT_OPT_STR,
     .arg = "F",
     .help = "folder of the server's programs (as the primary's, when it runs here)"},
    {.name = "canary-listen",
     .type = PGT_OPT_STR,
     .arg = "HOST",
     .help = "basebackup: address (127.0.0.1)"},
    {.name = "canary-port",
     .type = PGT_OPT_INT,
     .arg = "N",
     .min = "1",
     .max = "65535",
     .help = "basebackup: port"},
    {.name = "canary-restart",
     .type = PGT_OPT_STR,
     .arg = "PROGRAM",
     .help = "called with restart, for settings that need one"},
    {.name = "canary-warm",
     .type = PGT_OPT_DURATION,
     .arg = "TIME",
     .min = "0s",
     .max = "1d",
     .help = "of its first step that is not judged: cold caches"},
    {.name = "canary-url", .type = PGT_OPT_STR, .arg = "URL", .help = "mxc: coordinator"},
    {.name = "canary-token-file",
     .type = PGT_OPT_STR,
     .arg = "F",
     .help = "mxc: file with the token"},
    {.name = "canary-configuration",
     .type = PGT_OPT_STR,
     .arg = "NAME",
     .help = "mxc: NixOS configuration"},
    {.name = "canary-ready",
     .type = PGT_OPT_DURATION,
     .arg = "TIME",
     .min = "1s",
     .max = "1d",
     .help = "until it must be ready (600s)"},
    {.name = "canary-after",
     .type = PGT_OPT_STR,
     .arg = "WHAT",
     .help = "keep, revert or stop"},
    {0},
};

const struct pgt_cmd_ops pgt_cmd_rollout_plan = {
    .name = "rollout plan",
    .group = "Rollouts",
    .summary = "check a rollout and show its plan; nothing is changed",
    .examples = "rollout plan --plan rollout.json --file change.json",
    .opts = start_options,
    .run = run_plan,
};

const struct pgt_cmd_ops pgt_cmd_rollout_start = {
    .name = "rollout start",
    .group = "Rollouts",
    .summary = "carry a changeset from a canary to the primary, step by step",
    .details =
	"Traffic of a read-only pool is shifted to a standby with the change, which is "
	"judged against the primary at the same moment. What is not proven goes back by "
	"itself; so does everything when this program is lost.",
    .examples = "rollout start --plan rollout.json --file change.json --auto",
    .opts = start_options,
    .run = run_start,
};

/* ---- from elsewhere ---- */

static const struct pgt_option id_options[] = {
    {.name = "id",
     .type = PGT_OPT_STR,
     .arg = "ID",
     .help = "not the newest: its first digits"},
    {0}};
static const struct pgt_option status_options[] = {
    {.name = "id",
     .type = PGT_OPT_STR,
     .arg = "ID",
     .help = "not the newest: its first digits"},
    {.name = "live",
     .type = PGT_OPT_BOOL,
     .help = "as the server shows it: driven from any host"},
    {0}};

static int
run_status(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_ev_rollout ev;

	if (pgt_rollout_status(pgt_cmd_str(c, "id"), &ev, err) < 0)
		return -1;
	c->data = pgt_rollout_event_json(&ev);
	c->views = views;
	return 0;
}

static int
run_look(struct pgt_cmd *c, struct pgt_err *err)
{
	struct pgt_ev_rollout ev;

	if (!pgt_cmd_bool(c, "live"))
		return run_status(c, err);
	if (pgt_rollout_status_live(c->options, &ev, err) < 0)
		return -1;
	c->data = pgt_rollout_event_json(&ev);
	c->views = views;
	return 0;
}

const struct pgt_cmd_ops pgt_cmd_rollout_status = {
    .name = "rollout status",
    .group = "Rollouts",
    .summary = "the newest rollout driven from this host, as it is now",
    .details = "With --live the one under way on the server itself, whichever host "
	       "drives it: it needs pg_read_all_stats there, or the driver's own role.",
    .examples = "rollout status --format json",
    .opts = status_options,
    .run = run_look,
};

static int
run_tell(struct pgt_cmd *c, const char *command, struct pgt_err *err)
{
	if (pgt_options_bool(c->options, "read-only"))
		return pgt_err_set(err, PGT_E_DENIED, "read-only mode changes nothing");
	if (pgt_rollout_tell(pgt_cmd_str(c, "id"), command, err) < 0)
		return -1;
	return run_status(c, err);
}

static int
run_confirm(struct pgt_cmd *c, struct pgt_err *err)
{
	return run_tell(c, "confirm", err);
}

static int
run_hold(struct pgt_cmd *c, struct pgt_err *err)
{
	return run_tell(c, "hold", err);
}

static int
run_rollback(struct pgt_cmd *c, struct pgt_err *err)
{
	return run_tell(c, "rollback", err);
}

const struct pgt_cmd_ops pgt_cmd_rollout_confirm = {
    .name = "rollout confirm",
    .group = "Rollouts",
    .summary = "let a rollout go to its next step, or end a hold",
    .examples = "rollout confirm",
    .opts = id_options,
    .run = run_confirm,
};

const struct pgt_cmd_ops pgt_cmd_rollout_hold = {
    .name = "rollout hold",
    .group = "Rollouts",
    .summary = "keep a rollout at its step",
    .examples = "rollout hold",
    .opts = id_options,
    .run = run_hold,
};

const struct pgt_cmd_ops pgt_cmd_rollout_rollback = {
    .name = "rollout rollback",
    .group = "Rollouts",
    .summary = "take the traffic off the canary, then the change back",
    .examples = "rollout rollback",
    .opts = id_options,
    .run = run_rollback,
};
