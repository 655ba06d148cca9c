/* Restarts of the canary, for settings that need one; never of the primary.  And the
 * order of the settings that a standby may not have lower than its primary. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/pg/conn.h"
#include "pg2une/rollout/local.h"
#include "rollouts_priv.h"

#define RESTART_NS (120 * PGT_NS_PER_S)
#define LOOK_MS	   100
#define CONF_MAX   (1u << 20)

/* ---- any node ---- */

char *
pgt_ro_conf_read(const char *data)
{
	char *path = pgt_xasprintf("%s/postgresql.auto.conf", data), *conf = NULL;
	struct pgt_err ignored;
	struct pgt_buf b;

	pgt_buf_init(&b, CONF_MAX);
	if (pgt_file_read(path, &b, &ignored) == 0)
		conf = pgt_xstrdup(pgt_buf_str(&b));
	pgt_buf_done(&b);
	free(path);
	return conf;
}

static int
restart_once(const struct pgt_ro_restart *r, struct pgt_err *err)
{
	char *argv[] = {(char *)(uintptr_t)r->program, (char *)(uintptr_t)"restart",
			NULL};
	int status = 0;

	if (!r->program)
		return pgt_local_restart(r->bin, r->data, r->log, RESTART_NS, r->tick,
					 err);
	if (pgt_local_run(argv, NULL, NULL, RESTART_NS, r->tick, &status, err) < 0)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		   ? 0
		   : pgt_err_set(err, PGT_E_STATE, "%s restart failed (%d)", r->program,
				 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static int
await_answer(const struct pgt_ro_restart *r, struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + RESTART_NS;
	struct pgt_ro_meter *m = r->meter;

	pgt_conn_close(m->conn);
	while (pgt_ro_meter_probe(m, err) < 0) {
		if (pgt_clock_mono_ns() > until) {
			pgt_err_prefix(err, "the canary does not answer after its "
					    "restart");
			return -1;
		}
		if (r->tick.fn)
			r->tick.fn(r->tick.arg);
		poll(NULL, 0, LOOK_MS);
	}
	return m->in_recovery ? 0
			      : pgt_err_set(err, PGT_E_STATE,
					    "the canary came back as a primary");
}

/* With the change it does not start: SQL is of no use then. */
static int
put_conf_back(const struct pgt_ro_restart *r, struct pgt_err *err)
{
	char *path = pgt_xasprintf("%s/postgresql.auto.conf", r->data ? r->data : "");
	struct stat st;
	int rc = -1;

	if (!r->data || !r->conf)
		pgt_err_set(err, PGT_E_STATE,
			    "put back its postgresql.auto.conf by hand and start it");
	else if (stat(path, &st) == 0 &&
		 pgt_file_replace(path, r->conf, strlen(r->conf), st.st_mode & 07777,
				  err) == 0 &&
		 (geteuid() != 0 || chown(path, st.st_uid, st.st_gid) == 0))
		rc = restart_once(r, err);
	free(path);
	return rc < 0 ? -1 : await_answer(r, err);
}

int
pgt_ro_restart_node(const struct pgt_ro_restart *r, struct pgt_err *err)
{
	struct pgt_err why = {0};

	if (restart_once(r, &why) == 0 && await_answer(r, &why) == 0)
		return 0;
	if (put_conf_back(r, err) < 0)
		return pgt_err_set(err, PGT_E_STATE, "%.200s; %.200s", why.msg, err->msg);
	return pgt_err_set(err, PGT_E_STATE,
			   "%.250s; its configuration was put back and it runs again",
			   why.msg);
}

/* ---- the canary of a rollout ---- */

static void
beat(void *arg)
{
	struct pgt_rollout_drive *d = arg;

	if (d->watch)
		pgt_rollout_watch_beat(d->watch);
}

/* Its data directory, when it is known and of this host; the caller frees. */
static char *
data_of(const struct pgt_rollout_drive *d)
{
	const char *dir = d->plan->canary.directory;

	if (!dir)
		return NULL;
	return d->plan->canary.kind == PGT_ROC_BASEBACKUP ? pgt_xasprintf("%s/data", dir)
							  : pgt_xstrdup(dir);
}

bool
pgt_ro_can_restart(const struct pgt_rollout_drive *d)
{
	return d->plan->canary.restart_command ||
	       d->plan->canary.kind == PGT_ROC_BASEBACKUP ||
	       (d->plan->canary.directory && d->plan->canary.bin);
}

void
pgt_ro_keep_conf(struct pgt_rollout_drive *d)
{
	char *data = data_of(d);

	if (data && !d->make.conf)
		d->make.conf = pgt_ro_conf_read(data);
	free(data);
}

int
pgt_ro_restart(void *ctx, struct pgt_err *err)
{
	struct pgt_rollout_drive *d = ctx;
	const bool copy = d->plan->canary.kind == PGT_ROC_BASEBACKUP;
	char *data = data_of(d);
	char *log = pgt_xasprintf("%s/%s",
				  copy   ? d->plan->canary.directory
				  : data ? data
					 : "",
				  copy ? "log" : "pg2une-restart.log");
	const struct pgt_ro_restart r = {
	    .program = d->plan->canary.restart_command,
	    .bin = pgt_ro_copy_bin(d),
	    .data = data,
	    .log = log,
	    .conf = d->make.conf,
	    .meter = &d->meter[PGT_RO_CANARY_SIDE],
	    .tick = {beat, d},
	};
	int rc;

	pgt_ro_drive_say(d, "the canary restarts");
	rc = pgt_ro_restart_node(&r, err);
	if (rc == 0)
		pgt_ro_drive_say(d, "the canary answers again");
	free(log);
	free(data);
	return rc;
}

/* ---- order ---- */

/* Lower on a standby than on its primary: it refuses to start, or pauses its replay
 * (documentation, "Hot standby", administrator's overview). */
static const char *const not_lower[] = {
    "max_connections", "max_worker_processes", "max_wal_senders",
    "max_prepared_transactions", "max_locks_per_transaction",
};

bool
pgt_ro_not_lower(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(not_lower); i++)
		if (strcasecmp(name, not_lower[i]) == 0)
			return true;
	return false;
}

static int
check_order(struct pgt_rollout_drive *d, const struct pgt_item *item,
	    const struct pgt_prev *prev, struct pgt_err *err)
{
	int64_t now = 0, then = 0;
	char text[200];

	if (!item->value || !pgt_parse_i64(item->value, &then) || !prev->effective ||
	    !pgt_parse_i64(prev->effective, &now))
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "%s: say its new value as a number: a standby may not "
				   "have less than its primary",
				   item->name);
	if (then < now)
		return pgt_err_set(
		    err, PGT_E_UNSUPPORTED,
		    "%s: a standby with less than its primary does not start: lower it "
		    "on "
		    "the primary first (%lld to %lld, its restart), then on the standbys",
		    item->name, (long long)now, (long long)then);
	if (d->plan->canary.after == PGT_ROA_REVERT)
		return pgt_err_set(err, PGT_E_USAGE,
				   "%s: the canary must keep what its primary gets: "
				   "\"after\" may not be \"revert\"",
				   item->name);
	snprintf(text, sizeof(text),
		 "%s: raise it on every other standby before the primary is restarted",
		 item->name);
	pgt_ro_drive_say(d, text);
	return 0;
}

int
pgt_ro_check_restart(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	const struct pgt_change_run *run = d->run[PGT_RO_PRIMARY];
	const struct pgt_preflight *p = pgt_change_run_preflight(run);
	const struct pgt_changeset *cs = pgt_change_run_changeset(run);
	char text[200];

	for (size_t i = 0; p && i < p->n_items; i++) {
		if (!p->needs_restart[i])
			continue;
		if (!pgt_ro_can_restart(d))
			return pgt_err_set(
			    err, PGT_E_USAGE,
			    "%s needs a restart of the canary: say its "
			    "\"restart_command\", or its \"directory\" and "
			    "\"bin\"",
			    cs->items[i].name);
		if (p->managed[i] != PGT_MANAGED_NOT && !d->plan->canary.restart_command)
			return pgt_err_set(
			    err, PGT_E_USAGE,
			    "%s needs a restart of the canary, which is Patroni's to do: "
			    "say its \"restart_command\" (patronictl restart)",
			    cs->items[i].name);
		if (pgt_ro_not_lower(cs->items[i].name) &&
		    check_order(d, &cs->items[i], &p->prev[i], err) < 0)
			return -1;
		snprintf(text, sizeof(text),
			 "%s: restarts the canary; on the primary it waits for its next "
			 "restart, which is yours",
			 cs->items[i].name);
		pgt_ro_drive_say(d, text);
	}
	return 0;
}
