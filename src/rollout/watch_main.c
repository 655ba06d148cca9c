/* The guard of the traffic itself, and what it shares with a later rollback. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/guard.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/managed.h"
#include "pg2une/change/recover.h"
#include "pg2une/rollout/dispose.h"
#include "pg2une/rollout/watch.h"

#define MESSAGE_MAX    8192
#define LOOK_MS	       200
#define SILENCE_NS     (60 * PGT_NS_PER_S)
#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 5000
#define REVERT_NS      (120 * PGT_NS_PER_S)
#define FREEZE_NS      (3 * PGT_NS_PER_S)
/* A router that has been away for so long is left to a person. */
#define GIVE_UP_NS (24 * 3600 * PGT_NS_PER_S)

/* ---- what a journal says ---- */

static const char *
text_of(const struct pgt_jrec *rec, const char *name)
{
	const char *s = NULL;

	return rec && pgt_json_get_str(rec->body, name, &s) ? s : "";
}

int
pgt_rollout_journal_plan(const struct pgt_journal *j, struct pgt_rollout_plan **ret,
			 struct pgt_err *err)
{
	const struct pgt_jrec *rec = pgt_journal_last(j, PGT_J_PLAN);
	const cJSON *plan =
	    rec ? cJSON_GetObjectItemCaseSensitive(rec->body, "plan") : NULL;

	if (!plan)
		return pgt_err_set(err, PGT_E_PARSE, "the journal holds no plan");
	return pgt_rollout_plan_from_json(plan, ret, err);
}

bool
pgt_rollout_journal_touched(const struct pgt_journal *j)
{
	bool touched = false;

	for (size_t i = 0; i < pgt_journal_count(j); i++) {
		const struct pgt_jrec *rec = pgt_journal_at(j, i);
		const char *what = text_of(rec, "what");
		double pct = 0;

		pgt_json_get_num(rec->body, "pct", &pct);
		if (rec->type == PGT_J_INTENT && strcmp(what, "weight") == 0 && pct > 0)
			touched = true;
		if ((rec->type == PGT_J_DONE || rec->type == PGT_J_RB_DONE) &&
		    strcmp(what, "weight") == 0 && pct <= 0)
			touched = false;
	}
	return touched;
}

bool
pgt_rollout_journal_closed(const struct pgt_journal *j)
{
	return pgt_journal_last(j, PGT_J_CLOSED) != NULL;
}

int
pgt_rollout_zero(const struct pgt_rollout_plan *p, struct pgt_err *err)
{
	const struct pgt_router_ops *ops =
	    p->router.kind ? pgt_router_find(p->router.kind) : NULL;
	struct pgt_router_opts o = pgt_rollout_plan_router(p);
	void *router = NULL;
	int rc;

	if (!ops)
		return pgt_err_set(err, PGT_E_USAGE, "no router in the plan");
	if (ops->open(&o, &router, err) < 0)
		return -1;
	rc = ops->set(router, 0, err);
	ops->close(router);
	return rc;
}

static int
roll_back(const struct pgt_found *f, const struct pgt_guard_env *env, const char *reason,
	  struct pgt_err *err)
{
	struct pgt_recover_args args = {
	    .reason = reason, .give_up_ns = REVERT_NS, .freeze_ns = FREEZE_NS};
	struct pgt_managed_probe probe;
	enum pgt_ending out;

	if (f->has_rec && f->rec.manager[0]) {
		if (env->open_probe(f->rec.manager, &probe, err) < 0)
			return -1;
		args.probe = &probe;
	}
	out = pgt_recover_rollback(f, &args, NULL, err);
	if (args.probe)
		env->close_probe(&probe);
	if (out == PGT_END_FENCED)
		return pgt_err_set(err, PGT_E_STATE,
				   "changeset %.8s was left as it is: see change show",
				   f->has_rec ? f->rec.cs->id : "?");
	return out == PGT_END_OPEN ? -1 : 0;
}

static int
revert_one(const char *id, const struct pgt_guard_env *env, const char *reason,
	   struct pgt_err *err)
{
	struct pgt_found f;
	int rc = 0;

	if (pgt_recover_find(id, &f, err) < 0)
		return err->code == PGT_E_NOTFOUND ? 0 : -1; /* it never began */
	if (f.state == PGT_FOUND_HELD || f.state == PGT_FOUND_HALF ||
	    f.state == PGT_FOUND_UNTOUCHED)
		rc = roll_back(&f, env, reason, err);
	pgt_found_done(&f);
	return rc;
}

int
pgt_rollout_revert_changes(const struct pgt_journal *j, const struct pgt_guard_env *env,
			   const char *reason, struct pgt_err *err)
{
	static const char *const order[] = {"apply primary", "apply canary"};
	int rc = 0;

	for (size_t k = 0; k < PGT_LEN(order); k++)
		for (size_t i = 0; i < pgt_journal_count(j); i++) {
			const struct pgt_jrec *rec = pgt_journal_at(j, i);

			if (rec->type == PGT_J_INTENT &&
			    strcmp(text_of(rec, "what"), order[k]) == 0 &&
			    *text_of(rec, "text") &&
			    revert_one(text_of(rec, "text"), env, reason, err) < 0)
				rc = -1;
		}
	return rc;
}

/* ---- the guard ---- */

struct watch {
	int sock, console_pid;
	int64_t console_ticks, beat_ns;
	struct pgt_lock *lock;
	struct pgt_journal *journal;
	struct pgt_rollout_plan *plan;
	const struct pgt_guard_env *env;
};

static int
take_order(struct watch *w, struct pgt_err *err)
{
	char text[MESSAGE_MAX];
	const char *path = NULL;
	cJSON *order = NULL;
	int64_t n64 = 0;
	ssize_t n;
	int rc = -1;

	n = recv(w->sock, text, sizeof(text), 0);
	if (n > 0)
		order = pgt_json_parse(text, (size_t)n, sizeof(text), err);
	if (!order || !pgt_json_get_str(order, "journal", &path)) {
		pgt_err_set(err, PGT_E_PARSE, "no orders");
		goto out;
	}
	if (pgt_json_get_i64(order, "lock_fd", &n64))
		w->lock = pgt_lock_inherit((int)n64);
	if (pgt_json_get_i64(order, "console_pid", &n64))
		w->console_pid = (int)n64;
	pgt_json_get_i64(order, "console_ticks", &w->console_ticks);
	if (pgt_journal_open(path, &w->journal, err) == 0 &&
	    pgt_rollout_journal_plan(w->journal, &w->plan, err) == 0)
		rc = 0;

out:
	cJSON_Delete(order);
	return rc;
}

/* That it can do what it is there for, while nothing has happened yet. */
static int
reach_router(const struct watch *w, struct pgt_err *err)
{
	const struct pgt_router_ops *ops = pgt_router_find(w->plan->router.kind);
	struct pgt_router_opts o = pgt_rollout_plan_router(w->plan);
	struct pgt_router_state st;
	void *router = NULL;
	int rc;

	if (ops->open(&o, &router, err) < 0)
		return -1;
	rc = ops->get(router, &st, err);
	ops->close(router);
	return rc;
}

static void
tell(const struct watch *w, const char *text)
{
	(void)!send(w->sock, text, strlen(text), MSG_NOSIGNAL);
}

static bool
console_is_lost(struct watch *w)
{
	struct pollfd p = {.fd = w->sock, .events = POLLIN};
	int64_t ticks = 0;
	char c[16];
	ssize_t n;

	if (poll(&p, 1, LOOK_MS) > 0) {
		n = recv(w->sock, c, sizeof(c), MSG_DONTWAIT);
		if (n == 0)
			return true;
		if (n > 0)
			w->beat_ns = pgt_clock_boot_ns();
	}
	if (!pgt_proc_start(w->console_pid, &ticks) || ticks != w->console_ticks)
		return true;
	return pgt_clock_boot_ns() - w->beat_ns > SILENCE_NS;
}

static void
write_down(struct watch *w, enum pgt_jtype type, const char *what, const char *text)
{
	cJSON *body = cJSON_CreateObject();
	struct pgt_err ignored;

	pgt_json_str(body, "what", what);
	pgt_json_str(body, "text", text);
	pgt_json_str(body, "who", "guard");
	pgt_json_num(body, "pct", 0);
	(void)!pgt_journal_append(w->journal, type, body, NULL, NULL, &ignored);
	cJSON_Delete(body);
}

/* Until the router says 0. */
static bool
take_traffic_off(struct watch *w)
{
	int64_t until = pgt_clock_boot_ns() + GIVE_UP_NS;
	int backoff_ms = BACKOFF_MIN_MS;
	struct pgt_err err = {0};
	bool told = false;

	while (pgt_clock_boot_ns() < until) {
		if (pgt_rollout_zero(w->plan, &err) == 0) {
			write_down(w, PGT_J_DONE, "weight", "by the guard");
			return true;
		}
		if (!told)
			write_down(w, PGT_J_NOTE, "guard", err.msg);
		told = true;
		poll(NULL, 0, backoff_ms);
		backoff_ms = backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS
							     : backoff_ms * 2;
	}
	return false;
}

static void
take_back(struct watch *w)
{
	struct pgt_err err = {0};

	/* A console that was only asleep finds this when it wakes. */
	write_down(w, PGT_J_RB_REQUEST, "rollback", "the console was lost");
	if (pgt_rollout_journal_touched(w->journal) && !take_traffic_off(w))
		return;
	if (pgt_rollout_revert_changes(w->journal, w->env,
				       "the console of the rollout was lost", &err) < 0)
		write_down(w, PGT_J_NOTE, "guard", err.msg);
	else if (pgt_rollout_dispose(w->journal, w->plan, &err) < 0)
		write_down(w, PGT_J_NOTE, "guard", err.msg);
	else
		write_down(w, PGT_J_CLOSED, "close", "rolled back by the guard");
}

int
pgt_rollout_watch_main(int fd, const struct pgt_guard_env *env)
{
	struct watch w = {.sock = fd, .beat_ns = pgt_clock_boot_ns(), .env = env};
	struct pgt_err err = {0};
	int rc = 1;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* it would undo nothing: only the journal ends us */
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "pg2une-traffic");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return 2;
	if (chdir("/") < 0 || take_order(&w, &err) < 0 || reach_router(&w, &err) < 0) {
		tell(&w, err.msg);
		goto out;
	}
	tell(&w, "armed");
	for (;;) {
		bool lost = console_is_lost(&w);

		pgt_journal_refresh(w.journal, &err);
		if (pgt_rollout_journal_closed(w.journal))
			break;
		if (lost) {
			take_back(&w);
			break;
		}
	}
	rc = 0;
out:
	pgt_lock_drop(w.lock);
	pgt_journal_close(w.journal);
	pgt_rollout_plan_free(w.plan);
	return rc;
}
