/* The guard itself. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/change/guard.h"
#include "pg2une/change/lock.h"
#include "pg2une/change/rollback.h"
#include "pg2une/pg/conn.h"

#define MESSAGE_MAX 65536
#define LOOK_MS	    200
/* A console that lives rolls back by itself at the deadline; this long after it
 * it is taken to be stopped. */
#define GRACE_NS    (2 * PGT_NS_PER_S)
#define ROLLING_NS  (90 * PGT_NS_PER_S)
#define FREEZE_NS   (60 * PGT_NS_PER_S)
#define ROUND_NS    (180 * PGT_NS_PER_S)
/* Nobody can learn any more what becomes of a change whose journal was removed.  A
 * server that has not answered for so long as well is taken to be gone for good: no
 * crash recovery that anybody waits for takes longer without a word. */
#define GONE_NS	    (1800 * PGT_NS_PER_S)

struct guard {
	int sock, pidfd, console_pid;
	int64_t console_ticks, deadline_ns;
	struct pgt_lock *lock;
	struct pgt_connspec *spec;
	struct pgt_direct *link;
	struct pgt_journal *journal;
	struct pgt_managed_probe probe;
	struct pgt_fence fence; /* the journal's */
	bool has_fence, has_probe, console_gone, trial;
	int64_t requested_ns; /* boot: when we saw a request */
	int64_t unreached_ns; /* boot: since when the server is silent; 0 it is not */
};

static void
answer(struct guard *g, const char *error)
{
	cJSON *obj = cJSON_CreateObject();
	char *text;

	pgt_json_bool(obj, "armed", error == NULL);
	if (error)
		pgt_json_str(obj, "error", error);
	text = pgt_json_print(obj, false);
	if (send(g->sock, text, strlen(text), MSG_NOSIGNAL) < 0)
		g->console_gone = true;
	free(text);
	cJSON_Delete(obj);
}

static const char *
order_text(const cJSON *obj, const char *name)
{
	const char *s = NULL;

	return pgt_json_get_str(obj, name, &s) ? s : NULL;
}

static int
open_target(struct guard *g, const cJSON *order, struct pgt_err *err)
{
	struct pgt_connargs args = {.dbname = order_text(order, "conninfo"),
				    .password = order_text(order, "password")};
	const char *journal = order_text(order, "journal");
	struct pgt_replay rec;
	char label[64];

	if (!journal || !args.dbname)
		return pgt_err_set(err, PGT_E_PARSE, "incomplete orders");
	if (!args.dbname[0])
		args.dbname = NULL;
	if (pgt_connspec_new(&args, &g->spec, err) < 0 ||
	    pgt_journal_open(journal, &g->journal, err) < 0)
		return -1;
	if (pgt_replay_read(g->journal, &rec, err) < 0)
		return -1;
	pgt_direct_label("guard", rec.cs->id, label, sizeof(label));
	g->has_fence = rec.has_fence;
	g->fence = rec.fence;
	pgt_replay_done(&rec);
	g->link = pgt_direct_new(g->spec, label, (struct pgt_pulse){0});
	return pgt_direct_open(g->link, 10 * PGT_NS_PER_S, err);
}

static int
take_order(struct guard *g, const struct pgt_guard_env *env, struct pgt_err *err)
{
	char *text = pgt_xmalloc(MESSAGE_MAX);
	const char *probe;
	cJSON *order = NULL;
	int64_t lock = 0, pid = 0, deadline_ms = 0;
	ssize_t n;
	int rc = -1;

	n = recv(g->sock, text, MESSAGE_MAX, 0);
	if (n > 0)
		order = pgt_json_parse(text, (size_t)n, MESSAGE_MAX, err);
	explicit_bzero(text, MESSAGE_MAX);
	free(text);
	if (!order)
		return pgt_err_set(err, PGT_E_PARSE, "no orders");
	if (!pgt_json_get_i64(order, "lock_fd", &lock) ||
	    !pgt_json_get_i64(order, "deadline_boot_ms", &deadline_ms) ||
	    !pgt_json_get_i64(order, "console_pid", &pid)) {
		pgt_err_set(err, PGT_E_PARSE, "incomplete orders");
		goto out;
	}
	g->lock = pgt_lock_inherit((int)lock);
	g->deadline_ns = deadline_ms * PGT_NS_PER_MS;
	g->console_pid = (int)pid;
	pgt_json_get_i64(order, "console_ticks", &g->console_ticks);
	g->trial = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(order, "trial"));
	probe = order_text(order, "probe");
	if (probe && env->open_probe(probe, &g->probe, err) < 0)
		goto out;
	g->has_probe = probe != NULL;
	rc = open_target(g, order, err);

out:
	cJSON_Delete(order);
	return rc;
}

/* The node that we can reach is the one that the journal means. */
static int
check_node(struct guard *g, struct pgt_err *err)
{
	struct pgt_fence now;
	struct pgt_writer *s;
	char why[256];

	if (!g->has_fence)
		return pgt_err_set(err, PGT_E_STATE, "the journal names no node");
	if (pgt_direct_writer(g->link, NULL, &s, err) < 0 ||
	    pgt_fence_read(s, &now, err) < 0)
		return -1;
	if (pgt_fence_compare(&g->fence, &now, why, sizeof(why)) != PGT_FENCE_SAME)
		return pgt_err_set(err, PGT_E_STATE, "%s", why);
	return 0;
}

/* ---- the watch ---- */

static void
look_at_console(struct guard *g)
{
	struct pollfd p[2] = {{.fd = g->sock, .events = POLLIN},
			      {.fd = g->pidfd, .events = POLLIN}};
	int64_t ticks = 0;
	char c;

	if (g->console_gone) {
		poll(NULL, 0, LOOK_MS);
		return;
	}
	poll(p, 2, LOOK_MS);
	if ((p[1].revents & POLLIN) ||
	    (p[0].revents && recv(g->sock, &c, 1, MSG_DONTWAIT) == 0) ||
	    !pgt_proc_start(g->console_pid, &ticks) || ticks != g->console_ticks)
		g->console_gone = true;
}

static enum pgt_ending
roll_back(struct guard *g, const char *reason, struct pgt_err *err)
{
	struct pgt_rollback_args args = {
	    .link = g->link,
	    .journal = g->journal,
	    .probe = g->has_probe ? &g->probe : NULL,
	    .reason = reason,
	    .take_over = true,
	    .give_up_ns = pgt_clock_mono_ns() + ROUND_NS,
	    .freeze_ns = FREEZE_NS,
	};

	pgt_lock_relabel(g->lock, "", "guard: rollback");
	return pgt_rollback(&args, NULL, err);
}

/* The only place that is left to say it.  Names, no values: they may be secrets. */
static void
say_last(const struct pgt_replay *rec)
{
	struct pgt_buf b;

	pgt_buf_init(&b, 4096);
	for (size_t i = 0; i < rec->cs->n_items; i++) {
		char *label = rec->intent[i] ? pgt_item_label(&rec->cs->items[i]) : NULL;

		if (label)
			pgt_buf_printf(&b, "%s%s", b.len ? ", " : "", label);
		free(label);
	}
	openlog("pg2une", LOG_PID, LOG_DAEMON);
	syslog(LOG_CRIT,
	       "change %.8s was not rolled back on %s (%s): the server does not answer "
	       "and the journal was removed. To be put right by hand there: %s",
	       rec->cs->id, rec->label, rec->fence.datadir, pgt_buf_str(&b));
	closelog();
	pgt_buf_done(&b);
}

/* After a round that did not get through: is there anything to go on for? */
static bool
all_gone(struct guard *g, const struct pgt_replay *rec, const struct pgt_err *why)
{
	int64_t now = pgt_clock_boot_ns();

	if (why->sqlstate[0] || pgt_direct_is_open(g->link)) {
		g->unreached_ns = 0; /* it answered, if only to refuse */
		return false;
	}
	if (!g->unreached_ns)
		g->unreached_ns = now;
	if (now - g->unreached_ns < GONE_NS || !pgt_journal_removed(g->journal))
		return false;
	say_last(rec);
	return true;
}

enum next { WAIT, GO_BACK, FINISH_NOTHING, FINISH_CONFIRMED, LEAVE };

/* What the journal, the console and the clock ask for; reference/safety.md
 * section 2: half applied goes back at once, verified waits for the deadline, unless
 * it is a trial, which nobody would confirm. */
static enum next
decide(struct guard *g, const struct pgt_replay *rec, char *reason, size_t size)
{
	int64_t now = pgt_clock_boot_ns();
	int64_t deadline = rec->has_armed ? rec->armed.deadline_boot_ns : g->deadline_ns;
	char phase[64];

	if (rec->closed)
		return LEAVE;
	if (rec->confirmed)
		return g->console_gone ? FINISH_CONFIRMED : WAIT;
	if (rec->rb_request && !g->requested_ns)
		g->requested_ns = now;
	if (g->console_gone) {
		pgt_replay_phase(rec, phase, sizeof(phase));
		if (!rec->any_intent)
			return FINISH_NOTHING;
		snprintf(reason, size, "the console was lost at: %s", phase);
		if (rec->rb_begun || !rec->verified || g->trial)
			return GO_BACK;
		if (rec->rb_request) {
			snprintf(reason, size, "asked for");
			return GO_BACK;
		}
	} else {
		/* one that is rolling back is left to it, longer than it tries */
		if (rec->rb_begun && !pgt_proc_stopped(g->console_pid))
			return now < deadline + ROLLING_NS ? WAIT : GO_BACK;
		deadline += GRACE_NS;
		if (rec->rb_request && now - g->requested_ns >= GRACE_NS) {
			snprintf(reason, size,
				 "asked for, and the console does not answer");
			return GO_BACK;
		}
	}
	if (now < deadline)
		return WAIT;
	if (!rec->any_intent)
		return WAIT; /* for a console that lives */
	snprintf(reason, size, "not confirmed by the deadline");
	return GO_BACK;
}

/* True: that was all. */
static bool
act(struct guard *g, const struct pgt_replay *rec, enum next next, const char *reason)
{
	struct pgt_rollback_args nothing = {.journal = g->journal,
					    .reason = "the console was lost"};
	struct pgt_err err;

	if (next == GO_BACK)
		return roll_back(g, reason, &err) != PGT_END_OPEN ||
		       all_gone(g, rec, &err);
	if (next == FINISH_NOTHING)
		pgt_rollback(&nothing, NULL, &err);
	if (next == FINISH_CONFIRMED)
		/* what cannot be closed any more is recover's to close */
		return pgt_change_close(g->journal, PGT_END_CONFIRMED, "confirmed",
					&err) == 0 ||
		       pgt_journal_dead(g->journal);
	return next != WAIT;
}

static void
watch(struct guard *g)
{
	struct pgt_replay rec;
	struct pgt_err err;
	char reason[200] = "";
	bool over = false;

	while (!over) {
		look_at_console(g);
		pgt_journal_refresh(g->journal, &err);
		if (pgt_replay_read(g->journal, &rec, &err) < 0) {
			/* somebody wrote nonsense into it: for a person to look at */
			over = g->console_gone;
			continue;
		}
		over = act(g, &rec, decide(g, &rec, reason, sizeof(reason)), reason);
		pgt_replay_done(&rec);
	}
}

int
pgt_guard_main(int fd, const struct pgt_guard_env *env)
{
	struct guard g = {.sock = fd, .pidfd = -1};
	struct pgt_err err = {0};
	int rc = 1;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* it would undo nothing: only the journal ends us */
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "pg2une-guard");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return 2;
	(void)!chdir("/");
	if (take_order(&g, env, &err) < 0 || check_node(&g, &err) < 0) {
		answer(&g, err.msg);
		goto out;
	}
	g.pidfd = (int)syscall(SYS_pidfd_open, g.console_pid, 0);
	/* a kernel before 5.3 has none: then its start is looked at each time */
	g.console_gone = g.pidfd < 0 && errno == ESRCH;
	answer(&g, NULL);
	watch(&g);
	rc = 0;

out:
	/* the lock is shared: unlocking is right only when the journal is closed */
	if (rc == 0)
		pgt_lock_release(g.lock);
	else
		pgt_lock_drop(g.lock);
	pgt_direct_free(g.link);
	pgt_connspec_free(g.spec);
	pgt_journal_close(g.journal);
	return rc;
}
