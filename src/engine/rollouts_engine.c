/* The console's rollouts: a thread of its own, since one takes minutes in which
 * sessions must still be signalled. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"
#include "rollouts_priv.h"

#define LOOK_MS	  200
#define WATCH_MS  1000
#define EYE_NS	  (3 * PGT_NS_PER_S)
#define BLIND_NS  (10 * PGT_NS_PER_S)
#define TELL_LOOPS 3 /* of LOOK_MS between two events */
#define FILE_MAX_BYTES (1u << 20)

enum msg {
	XR_STOP = 1,
	XR_START,
	XR_CONFIRM,
	XR_HOLD,
	XR_ROLLBACK,
	XR_WATCH,
	XR_PASSWORD
};

struct pgt_rollouts {
	struct pgt_engine *e;
	struct pgt_mailbox *mb;
	pthread_t thread;
	bool started, watch, stop;
	atomic_bool busy;
	char *password;
	struct pgt_rollout_drive *drive;
	struct pgt_conn *eye; /* on the watched server: rollouts of other hosts */
	int64_t blind_until_ns;
	struct pgt_ev_rollout seen; /* on it; id "" none yet */
};

/* Driven from another host?  Its driver's session on our server says so. */
static bool
look_elsewhere(struct pgt_rollouts *x, struct pgt_ev_rollout *ev)
{
	int64_t now = pgt_clock_mono_ns();
	struct pgt_connspec *spec;
	struct pgt_err err = {0};

	if (now < x->blind_until_ns)
		return false;
	if (!x->eye && pgt_connspec_with(x->e->spec, NULL, NULL, NULL, x->password, &spec,
					 &err) == 0) {
		x->eye = pgt_conn_new(spec, PGT_CONN_MONITOR);
		pgt_connspec_free(spec);
	}
	if (!x->eye || (pgt_conn_state(x->eye) == PGT_CONN_CLOSED &&
			pgt_conn_run_connect(x->eye, EYE_NS, &err) < 0)) {
		x->blind_until_ns = now + BLIND_NS;
		return false;
	}
	if (pgt_rollout_status_on(x->eye, &x->seen, &err) < 0) {
		if (!x->seen.id[0] || err.code != PGT_E_NOTFOUND)
			return false;
		/* it was there: its session has ended, and how we cannot know */
		x->seen.lost = true;
	}
	*ev = x->seen;
	return true;
}

static void
tell(struct pgt_rollouts *x)
{
	struct pgt_ev_rollout *ev;
	struct pgt_err ignored;

	if (!x->drive && !x->watch)
		return;
	ev = pgt_xcalloc(1, sizeof(*ev));
	if (x->drive) {
		pgt_rollout_drive_event(x->drive, ev);
	} else if ((pgt_rollout_status(NULL, ev, &ignored) < 0 ||
		    pgt_ro_is_end(ev->view.state) || ev->lost) &&
		   !look_elsewhere(x, ev) && !ev->id[0]) {
		free(ev);
		return;
	}
	pgt_engine_post(x->e, PGT_EV_ROLLOUT, ev, free);
}

static void
start(struct pgt_rollouts *x, struct pgt_rollout_plan *take_plan)
{
	struct pgt_rollout_drive_args args = {.options = x->e->opts,
					      .password = x->password};
	struct pgt_err err = {0};

	if (pgt_rollout_drive_new(&args, take_plan, &x->drive, &err) < 0) {
		x->drive = NULL;
		atomic_store(&x->busy, false);
		pgt_engine_notice(x->e, PGT_NOTICE_ERROR, "rollout: %s", err.msg);
		return;
	}
	pgt_engine_command(x->e->to_loop, PGT_LM_RUN, 1, NULL, NULL);
}

static void
obey(struct pgt_rollouts *x, struct pgt_msg *m)
{
	struct pgt_err err = {0};

	switch ((enum msg)m->type) {
	case XR_STOP:
		x->stop = true;
		break;
	case XR_START:
		start(x, m->data);
		m->data = NULL;
		break;
	case XR_CONFIRM:
		if (x->drive &&
		    pgt_rollout_confirm(pgt_rollout_drive_machine(x->drive), &err) < 0)
			pgt_engine_notice(x->e, PGT_NOTICE_WARN, "%s", err.msg);
		break;
	case XR_HOLD:
		if (x->drive &&
		    pgt_rollout_hold(pgt_rollout_drive_machine(x->drive), &err) < 0)
			pgt_engine_notice(x->e, PGT_NOTICE_WARN, "%s", err.msg);
		break;
	case XR_ROLLBACK:
		if (x->drive)
			pgt_rollout_drive_request_rollback(x->drive);
		break;
	case XR_WATCH:
		x->watch = m->arg != 0;
		tell(x);
		break;
	case XR_PASSWORD:
		free(x->password);
		x->password = m->data;
		m->data = NULL;
		break;
	}
}

static void
drain(struct pgt_rollouts *x)
{
	struct pgt_msg *m;

	while (!x->stop && (m = pgt_mailbox_take(x->mb))) {
		obey(x, m);
		pgt_msg_free(m);
	}
}

static void *
rollouts_main(void *arg)
{
	struct pgt_rollouts *x = arg;
	struct pollfd p = {.fd = pgt_mailbox_fd(x->mb), .events = POLLIN};

	for (int n = 0; !x->stop; n++) {
		if (!x->drive) {
			poll(&p, 1, x->watch ? WATCH_MS : -1);
			drain(x);
			tell(x);
			continue;
		}
		drain(x);
		if (!pgt_rollout_drive_run(x->drive, LOOK_MS)) {
			tell(x);
			pgt_rollout_drive_free(x->drive);
			x->drive = NULL;
			atomic_store(&x->busy, false);
			pgt_engine_command(x->e->to_loop, PGT_LM_RUN, 0, NULL, NULL);
		} else if (n % TELL_LOOPS == 0) {
			tell(x);
		}
	}
	/* unfinished: its guards take the traffic off and the changes back */
	pgt_rollout_drive_free(x->drive);
	pgt_conn_free(x->eye);
	return NULL;
}

struct pgt_rollouts *
pgt_rollouts_new(struct pgt_engine *e)
{
	struct pgt_rollouts *x = pgt_xcalloc(1, sizeof(*x));

	x->e = e;
	x->mb = pgt_mailbox_new(32);
	x->started = pthread_create(&x->thread, NULL, rollouts_main, x) == 0;
	if (x->started)
		pthread_setname_np(x->thread, "pg2une-rollout");
	return x;
}

void
pgt_rollouts_free(struct pgt_rollouts *x)
{
	if (!x)
		return;
	if (x->started) {
		pgt_engine_tell_stop(x->mb, XR_STOP);
		pthread_join(x->thread, NULL);
	}
	pgt_mailbox_free(x->mb);
	if (x->password)
		explicit_bzero(x->password, strlen(x->password));
	free(x->password);
	free(x);
}

void
pgt_rollouts_password(struct pgt_rollouts *x, const char *password)
{
	pgt_engine_command(x->mb, XR_PASSWORD, 0, pgt_xstrdup(password), free);
}

/* ---- on the faces' threads ---- */

int
pgt_rollouts_plan(const struct pgt_options *o, const struct pgt_changeset *cs,
		  struct pgt_rollout_plan **ret, struct pgt_err *err)
{
	const char *path = pgt_options_str(o, "rollout");
	cJSON *json = NULL;
	struct pgt_buf b;
	int rc = -1;

	if (!path)
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "no rollout is configured: name its plan with \"rollout = "
		    "FILE\" in the configuration file");
	pgt_buf_init(&b, FILE_MAX_BYTES);
	if (pgt_file_read(path, &b, err) == 0)
		json = pgt_json_parse(pgt_buf_str(&b), b.len, FILE_MAX_BYTES, err);
	pgt_buf_done(&b);
	if (json) {
		cJSON_DeleteItemFromObjectCaseSensitive(json, "changeset");
		pgt_json_item(json, "changeset", pgt_changeset_json(cs, NULL));
		rc = pgt_rollout_plan_from_json(json, ret, err);
		cJSON_Delete(json);
	}
	if (rc < 0)
		pgt_err_prefix(err, "%s", path);
	return rc;
}

static void
free_plan(void *p)
{
	pgt_rollout_plan_free(p);
}

int
pgt_engine_rollout_start(struct pgt_engine *e, struct pgt_rollout_plan *take_plan,
			 struct pgt_err *err)
{
	bool idle = false;

	if (e->read_only)
		pgt_err_set(err, PGT_E_DENIED, "read-only mode changes nothing");
	else if (!e->rollouts->started ||
		 !atomic_compare_exchange_strong(&e->rollouts->busy, &idle, true))
		pgt_err_set(err, PGT_E_STATE, "a rollout is under way");
	else {
		pgt_engine_command(e->rollouts->mb, XR_START, 0, take_plan, free_plan);
		return 0;
	}
	pgt_rollout_plan_free(take_plan);
	return -1;
}

void
pgt_engine_rollout_confirm(struct pgt_engine *e)
{
	pgt_engine_command(e->rollouts->mb, XR_CONFIRM, 0, NULL, NULL);
}

void
pgt_engine_rollout_hold(struct pgt_engine *e)
{
	pgt_engine_command(e->rollouts->mb, XR_HOLD, 0, NULL, NULL);
}

void
pgt_engine_rollout_rollback(struct pgt_engine *e)
{
	pgt_engine_command(e->rollouts->mb, XR_ROLLBACK, 0, NULL, NULL);
}

void
pgt_engine_rollout_watch(struct pgt_engine *e, bool on)
{
	pgt_engine_command(e->rollouts->mb, XR_WATCH, on, NULL, NULL);
}
