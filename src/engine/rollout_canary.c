/* A canary that is made for the rollout: by the operator's command, or as a microVM
 * of a coordinator.  Nothing here waits longer than one HTTP request. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/infra/http.h"
#include "pg2une/infra/mxc.h"
#include "pg2une/rollout/local.h"
#include "rollouts_priv.h"

#define POLL_NS	   (1 * PGT_NS_PER_S)
#define STOP_NS	   (60 * PGT_NS_PER_S)
#define COMMAND_NS (120 * PGT_NS_PER_S)

extern char **environ;

/* ---- the operator's command: PROGRAM make | stop | restart ---- */

static int
begin_command(struct pgt_ro_make *mk, const char *program, const char *verb,
	      struct pgt_err *err)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)verb, NULL};
	posix_spawn_file_actions_t fa;
	int rc;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&mk->pid, program, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0) {
		mk->pid = 0;
		return pgt_err_set(err, PGT_E_IO, "%s: %s", program, pgt_strerror(rc));
	}
	mk->since_ns = pgt_clock_mono_ns();
	return 0;
}

static enum pgt_ro_act
await_command(struct pgt_ro_make *mk, const char *program, const char *verb,
	      int64_t patience_ns, struct pgt_err *err)
{
	int status = 0;
	pid_t got = waitpid(mk->pid, &status, WNOHANG);

	if (got == 0) {
		if (pgt_clock_mono_ns() - mk->since_ns < patience_ns)
			return PGT_RO_WAIT;
		kill(mk->pid, SIGKILL);
		waitpid(mk->pid, &status, 0);
		mk->pid = 0;
		pgt_err_set(err, PGT_E_TIMEOUT, "%s %s takes too long", program, verb);
		return PGT_RO_FAILED;
	}
	mk->pid = 0;
	if (got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return PGT_RO_OK;
	pgt_err_set(err, PGT_E_STATE, "%s %s failed (%d)", program, verb,
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return PGT_RO_FAILED;
}

static enum pgt_ro_act
by_command(struct pgt_rollout_drive *d, const char *verb, int64_t patience_ns,
	   struct pgt_err *err)
{
	const char *program = d->plan->canary.command;

	if (!program) {
		pgt_err_set(err, PGT_E_USAGE, "the canary's command is missing");
		return PGT_RO_FAILED;
	}
	if (d->make.pid == 0 && strcmp(verb, "make") == 0 &&
	    pgt_ro_drive_ops.journal(d, "make", 0, program, err) < 0)
		return PGT_RO_FAILED; /* written down first: it may have to be ended */
	if (d->make.pid > 0)
		return await_command(&d->make, program, verb, patience_ns, err);
	return begin_command(&d->make, program, verb, err) < 0 ? PGT_RO_FAILED
							       : PGT_RO_WAIT;
}

/* ---- mxc ---- */

static int
mxc_auth(const struct pgt_rollout_drive *d, struct pgt_http_auth *ret, char **ret_token,
	 struct pgt_err *err)
{
	*ret = (struct pgt_http_auth){0};
	*ret_token = NULL;
	if (!d->plan->canary.url)
		return pgt_err_set(err, PGT_E_USAGE, "the coordinator's url is missing");
	if (d->plan->canary.token_file) {
		if (pgt_http_secret(d->plan->canary.token_file, ret_token, err) < 0)
			return -1;
		ret->bearer = *ret_token;
	}
	return 0;
}

static void
drop_token(char *token)
{
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
}

static void
tell_once(struct pgt_rollout_drive *d, const char *text)
{
	if (strcmp(d->make.last, text) != 0)
		pgt_ro_drive_say(d, text);
	pgt_str_copy(d->make.last, sizeof(d->make.last), text);
}

static enum pgt_ro_act
mxc_begin(struct pgt_rollout_drive *d, const struct pgt_http_auth *auth,
	  struct pgt_err *err)
{
	const struct pgt_rollout_plan *p = d->plan;
	struct pgt_mxc_workload w;
	cJSON *body;

	if (!p->canary.configuration) {
		pgt_err_set(err, PGT_E_USAGE, "the microVM's configuration is missing");
		return PGT_RO_FAILED;
	}
	if (pgt_mxc_create(p->canary.url, auth, p->canary.configuration, p->canary.cpu,
			   p->canary.memory_mb, &w, err) < 0)
		return PGT_RO_FAILED;
	pgt_str_copy(d->make.workload, sizeof(d->make.workload), w.id);
	/* so that whoever comes after a crash can end it */
	body = cJSON_CreateObject();
	pgt_json_str(body, "what", "workload");
	pgt_json_str(body, "text", w.id);
	if (pgt_journal_append(d->journal, PGT_J_NOTE, body, NULL, NULL, err) < 0) {
		cJSON_Delete(body);
		return PGT_RO_FAILED;
	}
	cJSON_Delete(body);
	return PGT_RO_WAIT;
}

static enum pgt_ro_act
mxc_make(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	static const char *const names[] = {"unknown", "pending",  "starting", "running",
					    "stopping", "stopped", "failed"};
	struct pgt_http_auth auth;
	struct pgt_mxc_workload w;
	struct pgt_err why = {0};
	enum pgt_ro_act a = PGT_RO_WAIT;
	char *token, text[160];

	if (mxc_auth(d, &auth, &token, err) < 0)
		return PGT_RO_FAILED;
	if (!d->make.workload[0]) {
		a = mxc_begin(d, &auth, err);
	} else if (pgt_mxc_get(d->plan->canary.url, &auth, d->make.workload, &w,
			       &why) < 0) {
		/* a coordinator that is away for a moment is waited for */
		tell_once(d, why.msg);
		if (why.code == PGT_E_NOTFOUND || why.code == PGT_E_DENIED) {
			*err = why;
			a = PGT_RO_FAILED;
		}
	} else {
		/* failed is not final: it may be started again */
		snprintf(text, sizeof(text), "microVM %.8s is %s%s%.80s", w.id,
			 names[w.status], w.error[0] ? ": " : "", w.error);
		tell_once(d, text);
		a = w.status == PGT_MXC_RUNNING ? PGT_RO_OK : PGT_RO_WAIT;
	}
	drop_token(token);
	return a;
}

static enum pgt_ro_act
mxc_end(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	struct pgt_http_auth auth;
	struct pgt_mxc_workload w;
	enum pgt_ro_act a = PGT_RO_WAIT;
	struct pgt_err why = {0};
	char *token;

	if (!d->make.workload[0])
		return PGT_RO_OK;
	if (mxc_auth(d, &auth, &token, err) < 0)
		return PGT_RO_FAILED;
	if (pgt_mxc_get(d->plan->canary.url, &auth, d->make.workload, &w, &why) < 0) {
		if (why.code == PGT_E_NOTFOUND)
			a = PGT_RO_OK;
	} else if (w.status == PGT_MXC_STOPPED) {
		a = PGT_RO_OK;
	} else if (w.status == PGT_MXC_STARTING || w.status == PGT_MXC_RUNNING) {
		/* refused or lost while it is being built: asked again */
		(void)!pgt_mxc_stop(d->plan->canary.url, &auth, d->make.workload, &why);
	} else if (w.status == PGT_MXC_PENDING || w.status == PGT_MXC_FAILED) {
		pgt_err_set(&why, PGT_E_STATE, "it is %s and cannot be stopped",
			    w.status == PGT_MXC_PENDING ? "pending" : "failed");
	}
	drop_token(token);
	if (a == PGT_RO_WAIT && pgt_clock_mono_ns() - d->make.since_ns > STOP_NS) {
		pgt_err_set(err, PGT_E_STATE, "microVM %s was not stopped: %.150s",
			    d->make.workload, why.msg);
		a = PGT_RO_FAILED;
	}
	return a;
}

/* ---- both ---- */

static bool
too_early(struct pgt_ro_make *mk)
{
	int64_t now = pgt_clock_mono_ns();

	if (now < mk->next_ns)
		return true;
	mk->next_ns = now + POLL_NS;
	return false;
}

enum pgt_ro_act
pgt_ro_canary_make(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	enum pgt_ro_act a = PGT_RO_OK;

	if (d->make.made)
		return PGT_RO_OK;
	d->make.begun = true;
	switch (d->plan->canary.kind) {
	case PGT_ROC_NAMED:
		break;
	case PGT_ROC_HOOK:
		a = by_command(d, "make", d->plan->canary.ready_ns, err);
		break;
	case PGT_ROC_MXC:
		a = too_early(&d->make) ? PGT_RO_WAIT : mxc_make(d, err);
		break;
	case PGT_ROC_BASEBACKUP:
		a = pgt_ro_copy_make(d, err);
		break;
	}
	d->make.made = a == PGT_RO_OK;
	return a;
}

enum pgt_ro_act
pgt_ro_canary_end(struct pgt_rollout_drive *d, struct pgt_err *err)
{
	if (!d->make.begun)
		return PGT_RO_OK;
	if (d->make.made) {
		d->make.made = false;
		d->make.since_ns = pgt_clock_mono_ns();
		d->make.next_ns = 0;
	}
	switch (d->plan->canary.kind) {
	case PGT_ROC_HOOK:
		return by_command(d, "stop", COMMAND_NS, err);
	case PGT_ROC_MXC:
		return too_early(&d->make) ? PGT_RO_WAIT : mxc_end(d, err);
	case PGT_ROC_BASEBACKUP:
		pgt_ro_copy_free(d);
		return pgt_local_dispose(d->plan->canary.directory, d->plan->id,
					 (struct pgt_tick){0}, err) < 0
			   ? PGT_RO_FAILED
			   : PGT_RO_OK;
	case PGT_ROC_NAMED:
		break;
	}
	return PGT_RO_OK;
}
