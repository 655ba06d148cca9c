/* What works on the copy during a rehearsal: pgbench with the user's script, a builtin
 * one, or the captured queries. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"
#include "rehearsal_priv.h"

#define ASK_NS	 (60 * PGT_NS_PER_S)
#define QUIET_NS (30 * PGT_NS_PER_S)
#define TAIL_MAX 65536

const char *
pgt_rehearsal_load_text(const struct pgt_rehearsal *r)
{
	return r->load_text;
}

#define ARGV_MAX 320

static size_t
load_argv(const struct pgt_rehearsal *r, const char *much, const char **argv,
	  char buf[4][64], const char *file, char **ret_own, size_t *ret_n_own)
{
	size_t n = 0, own = 0;

	snprintf(buf[0], sizeof(buf[0]), "--client=%d", r->o.clients);
	snprintf(buf[1], sizeof(buf[1]), "--jobs=%d", r->o.clients < 2 ? 1 : 2);
	snprintf(buf[2], sizeof(buf[2]), "--random-seed=%llu",
		 (unsigned long long)r->o.seed);
	snprintf(buf[3], sizeof(buf[3]), "--scale=%d", r->scale);
	argv[n++] = "--no-vacuum";
	argv[n++] = much;
	for (int i = 0; i < 3; i++)
		argv[n++] = buf[i];
	if (pgt_str_starts(r->o.script, "builtin:")) {
		ret_own[own] = pgt_xasprintf("--builtin=%s", r->o.script + 8);
		argv[n++] = ret_own[own++];
	} else if (*r->o.script) {
		ret_own[own] = pgt_xasprintf("--file=%s", file);
		argv[n++] = ret_own[own++];
		argv[n++] = buf[3];
	}
	for (size_t i = 0; i < r->captured.n && n + 8 < ARGV_MAX; i++) {
		ret_own[own] = pgt_xasprintf("--file=%s@%d", r->captured.file[i],
					     r->captured.weight[i]);
		argv[n++] = ret_own[own++];
	}
	*ret_n_own = own;
	return n;
}

/* much: pgbench's word for how long. */
static int
start_load(struct pgt_rehearsal *r, const char *much, struct pgt_err *err)
{
	char *program = pgt_xasprintf("%s/pgbench", r->pgbench),
	     *target = pgt_connspec_conninfo(r->spec),
	     *password = pgt_connspec_password(r->spec),
	     *log = pgt_rehearsal_path(r, "load.log"),
	     *file = pgt_rehearsal_path(r, "load/script.sql");
	const char *argv[ARGV_MAX + 8] = {program};
	char buf[4][64], *own[ARGV_MAX];
	size_t n_own = 0, n = 1 + load_argv(r, much, argv + 1, buf, file, own, &n_own);
	const struct pgt_child_opts co = {
	    .argv = argv, .log = log, .password = password, .keep_pg = r->o.in_place,
	    .death_signal = SIGKILL};
	int rc;

	argv[n++] = target;
	rc = pgt_child_start(&r->load, &r->user, &co, err);
	for (size_t i = 0; i < n_own; i++)
		free(own[i]);
	free(program);
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
	free(target);
	free(log);
	free(file);
	return rc;
}

/* pgbench dies at once, but a statement of it goes on until it would answer. */
static int
end_sessions(struct pgt_rehearsal *r, struct pgt_err *err)
{
	struct pgt_conn *c = pgt_conn_new(r->spec, PGT_CONN_QUERY);
	int64_t until = pgt_clock_mono_ns() + QUIET_NS;
	int rc = pgt_conn_run_connect(c, ASK_NS, err);
	bool quiet = false;

	while (rc == 0 && !quiet) {
		struct pgt_result *res = NULL;

		rc = pgt_conn_run(c, pgt_sql_file("sql/act/rehearsal_quiet.sql"), NULL, 0,
				  ASK_NS, &res, err);
		quiet = rc == 0 && pgt_result_i64(res, 0, 0, 0) == 0;
		pgt_result_free(res);
		if (rc == 0 && !quiet && pgt_clock_mono_ns() > until)
			rc = pgt_err_set(err, PGT_E_TIMEOUT,
					 "sessions of the load do not end");
		else if (rc == 0 && !quiet)
			poll(NULL, 0, 20);
	}
	pgt_conn_free(c);
	return rc;
}

static int
end_load(struct pgt_rehearsal *r, struct pgt_err *err)
{
	if (!pgt_child_runs(&r->load))
		return 0;
	pgt_child_end(&r->load, SIGINT, 2 * PGT_NS_PER_S);
	return !r->o.in_place && pgt_child_runs(&r->server) ? end_sessions(r, err) : 0;
}

int
pgt_rehearsal_load(struct pgt_rehearsal *r, bool on, struct pgt_err *err)
{
	if (!on)
		return end_load(r, err);
	return pgt_child_runs(&r->load) ? 0 : start_load(r, "--time=1000000", err);
}

/* The end of what the load said, of TAIL_MAX + 1 bytes. */
static char *
read_log(const struct pgt_rehearsal *r)
{
	char *log = pgt_rehearsal_path(r, "load.log"),
	     *text = pgt_xcalloc(1, TAIL_MAX + 1);
	FILE *f = fopen(log, "re");

	if (f) {
		if (fseek(f, -TAIL_MAX, SEEK_END) != 0)
			rewind(f);
		text[fread(text, 1, TAIL_MAX, f)] = '\0';
		fclose(f);
	}
	free(log);
	return text;
}

static int
why_ended(const struct pgt_rehearsal *r, struct pgt_err *err)
{
	char *text = read_log(r), line[300];

	pgt_work_error(text, line, sizeof(line));
	free(text);
	return pgt_err_set(err, PGT_E_STATE, "the load ended: %s", line);
}

bool
pgt_rehearsal_load_failed(struct pgt_rehearsal *r, struct pgt_err *err)
{
	if (pgt_child_runs(&r->load))
		return false;
	why_ended(r, err);
	return true;
}

int
pgt_rehearsal_work(struct pgt_rehearsal *r, int transactions, int64_t time_ns,
		   struct pgt_err *err)
{
	char much[64];

	if (transactions > 0)
		snprintf(much, sizeof(much), "--transactions=%d", transactions);
	else
		snprintf(much, sizeof(much), "--time=%lld",
			 (long long)((time_ns + PGT_NS_PER_S - 1) / PGT_NS_PER_S));
	return start_load(r, much, err);
}

bool
pgt_rehearsal_works(struct pgt_rehearsal *r)
{
	return pgt_child_runs(&r->load);
}

int
pgt_rehearsal_work_await(struct pgt_rehearsal *r, int64_t patience_ns,
			 struct pgt_err *err)
{
	char *log = pgt_rehearsal_path(r, "load.log");
	int rc = pgt_child_await(&r->load, patience_ns, r->o.cancel, log, err);

	free(log);
	/* How it ended, pgt_rehearsal_worked() says better. */
	return rc < 0 && err->code == PGT_E_STATE ? 0 : rc;
}

int
pgt_rehearsal_worked(struct pgt_rehearsal *r, struct pgt_work_report *ret,
		     struct pgt_err *err)
{
	bool fine = WIFEXITED(r->load.status) && WEXITSTATUS(r->load.status) == 0;
	char *text = read_log(r);

	fine = fine && pgt_work_report(text, ret);
	free(text);
	return fine ? 0 : why_ended(r, err);
}

static void
read_scale(struct pgt_rehearsal *r)
{
	struct pgt_conn *c = pgt_conn_new(r->spec, PGT_CONN_QUERY);
	struct pgt_result *res = NULL;

	r->scale = 1;
	if (pgt_conn_run_connect(c, ASK_NS, NULL) == 0 &&
	    pgt_conn_run(c, pgt_sql_file("sql/act/rehearsal_scale.sql"), NULL, 0, ASK_NS,
			 &res, NULL) == 0)
		r->scale = (int)pgt_result_i64(res, 0, 0, 1);
	pgt_result_free(res);
	pgt_conn_free(c);
	if (r->scale < 1)
		r->scale = 1;
}

/* The user's file is copied: the ordinary user may not be able to read it. */
static int
take_script(struct pgt_rehearsal *r, struct pgt_err *err)
{
	struct pgt_err why = {0};
	struct pgt_buf b;
	int rc;

	pgt_buf_init(&b, 1 << 20);
	rc = pgt_file_read(r->o.script, &b, &why);
	if (rc < 0)
		pgt_err_set(err, why.code,
			    "the load %s: a pgbench script, builtin:tpcb-like, "
			    "builtin:simple-update or builtin:select-only is wanted",
			    why.msg);
	else
		rc = pgt_rehearsal_put(r, "load/script.sql", pgt_buf_str(&b), err);
	pgt_buf_done(&b);
	snprintf(r->load_text, sizeof(r->load_text), "load: %.120s, %d clients",
		 r->o.script, r->o.clients);
	return rc;
}

int
pgt_rehearsal_load_prepare(struct pgt_rehearsal *r, struct pgt_err *err)
{
	char *dir;
	int rc;

	read_scale(r);
	snprintf(r->load_text, sizeof(r->load_text), "load: pgbench %.60s, %d clients",
		 r->o.script, r->o.clients);
	if (pgt_str_starts(r->o.script, "builtin:"))
		return 0;
	if (*r->o.script)
		return take_script(r, err);
	if (!r->o.schema)
		return pgt_err_set(err, PGT_E_STATE, "no statements were captured");
	dir = pgt_rehearsal_path(r, "load");
	rc = pgt_capture(r->o.schema, r->spec, dir, &r->captured, err);
	free(dir);
	snprintf(
	    r->load_text, sizeof(r->load_text),
	    "load: %zu captured SELECT statements, %.0f%% of their calls and %.0f%% of "
	    "their time; %d clients",
	    r->captured.statements, 100 * r->captured.calls_share,
	    100 * r->captured.ms_share, r->o.clients);
	return rc;
}
