#include <poll.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "pg2une/base/clock.h"
#include "pg2une/infra/mxc.h"
#include "pg2une/rollout/dispose.h"
#include "pg2une/rollout/local.h"

#define COMMAND_NS (120 * PGT_NS_PER_S)
#define STOP_NS	   (60 * PGT_NS_PER_S)
#define POLL_MS	   1000

/* The text of the newest record of this kind; NULL none. */
static const char *
noted(const struct pgt_journal *j, const char *what)
{
	const char *found = NULL, *s;

	for (size_t i = 0; i < pgt_journal_count(j); i++) {
		const struct pgt_jrec *rec = pgt_journal_at(j, i);

		if (pgt_json_get_str(rec->body, "what", &s) && strcmp(s, what) == 0 &&
		    !pgt_json_get_str(rec->body, "text", &found))
			found = "";
	}
	return found;
}

static int
by_command(const char *program, struct pgt_err *err)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)"stop", NULL};
	int status = 0;

	if (pgt_local_run(argv, NULL, NULL, COMMAND_NS, (struct pgt_tick){0}, &status,
			  err) < 0)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		   ? 0
		   : pgt_err_set(err, PGT_E_STATE, "%s stop failed", program);
}

static int
microvm(const struct pgt_rollout_plan *p, const char *id, struct pgt_err *err)
{
	int64_t until = pgt_clock_mono_ns() + STOP_NS;
	struct pgt_http_auth auth = {0};
	struct pgt_mxc_workload w;
	char *token = NULL;
	int rc = -1;

	if (p->canary.token_file &&
	    pgt_http_secret(p->canary.token_file, &token, err) < 0)
		return -1;
	auth.bearer = token;
	while (rc < 0 && pgt_clock_mono_ns() < until) {
		/* refused or lost while it is being built: asked again */
		(void)!pgt_mxc_stop(p->canary.url, &auth, id, err);
		poll(NULL, 0, POLL_MS);
		if (pgt_mxc_get(p->canary.url, &auth, id, &w, err) == 0)
			rc = w.status == PGT_MXC_STOPPED ? 0 : -1;
		else if (err->code == PGT_E_NOTFOUND)
			rc = 0;
	}
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	if (rc < 0)
		pgt_err_prefix(err, "microVM %s was not stopped", id);
	return rc;
}

int
pgt_rollout_dispose(const struct pgt_journal *j, const struct pgt_rollout_plan *p,
		    struct pgt_err *err)
{
	const char *vm = noted(j, "workload");

	if (noted(j, "confirm") && p->canary.after != PGT_ROA_STOP)
		return 0;
	switch (p->canary.kind) {
	case PGT_ROC_NAMED:
		break;
	case PGT_ROC_HOOK:
		return p->canary.command && noted(j, "make")
			   ? by_command(p->canary.command, err)
			   : 0;
	case PGT_ROC_MXC:
		return vm ? microvm(p, vm, err) : 0;
	case PGT_ROC_BASEBACKUP:
		return noted(j, "copy") ? pgt_local_dispose(p->canary.directory, p->id,
							    (struct pgt_tick){0}, err)
					: 0;
	}
	return 0;
}
