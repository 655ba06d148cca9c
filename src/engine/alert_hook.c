/* The operator's command on an alert: in a thread of its own, since nothing may
 * wait for a foreign program.  One at a time; a few alerts wait their turn (one incident
 * raises several), more are dropped and said so: a command that hangs must not pile up.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "engine_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "watch_priv.h"

#define PATIENCE_NS (30 * PGT_NS_PER_S)
#define QUEUE_MAX   8
#define VARS        9

extern char **environ;

struct run {
	char *vars[VARS];
};

struct pgt_alert_hook {
	char *command;
	uint64_t last_id; /* the newest alert that was told; the engine thread's */
	/* both threads' */
	pthread_mutex_t mutex;
	struct pgt_engine *e; /* NULL once the engine ends: nobody listens any more */
	struct run queue[QUEUE_MAX];
	size_t n;
	bool running; /* there is a thread; it ends when nothing waits */
};

struct pgt_alert_hook *
pgt_alert_hook_new(struct pgt_engine *e, const char *command)
{
	struct pgt_alert_hook *h;

	if (!command || !*command)
		return NULL;
	h = pgt_xcalloc(1, sizeof(*h));
	h->e = e;
	h->command = pgt_xstrdup(command);
	pthread_mutex_init(&h->mutex, NULL);
	return h;
}

static void
run_done(struct run *r)
{
	for (size_t i = 0; i < VARS; i++)
		free(r->vars[i]);
}

static void
really_free(struct pgt_alert_hook *h)
{
	pthread_mutex_destroy(&h->mutex);
	free(h->command);
	free(h);
}

void
pgt_alert_hook_free(struct pgt_alert_hook *h)
{
	bool running;

	if (!h)
		return;
	pthread_mutex_lock(&h->mutex);
	h->e = NULL;
	for (size_t i = 0; i < h->n; i++)
		run_done(&h->queue[i]);
	h->n = 0;
	running = h->running;
	pthread_mutex_unlock(&h->mutex);
	if (!running) /* else its thread does it: a command may take its 30 s */
		really_free(h);
}

static void
say(struct pgt_alert_hook *h, const char *what)
{
	pthread_mutex_lock(&h->mutex);
	if (h->e)
		pgt_engine_notice(h->e, PGT_NOTICE_WARN, "alert-command %s", what);
	pthread_mutex_unlock(&h->mutex);
}

static char **
environment(char *const *vars)
{
	size_t n = 0, k = 0;
	char **env;

	while (environ[n])
		n++;
	env = pgt_xcalloc(n + VARS + 1, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		env[k++] = environ[i];
	for (size_t i = 0; i < VARS && vars[i]; i++)
		env[k++] = vars[i];
	return env;
}

/* Wait status; -1: it was killed for taking too long. */
static int
wait_or_kill(pid_t pid)
{
	int64_t until = pgt_clock_mono_ns() + PATIENCE_NS;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (pgt_clock_mono_ns() > until) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return -1;
		}
		poll(NULL, 0, 50);
	}
	return status;
}

static void
tell_end(struct pgt_alert_hook *h, int status)
{
	char what[96];

	if (status == 0)
		return;
	if (status == -1)
		snprintf(what, sizeof(what), "took longer than %d s and was killed",
			 (int)(PATIENCE_NS / PGT_NS_PER_S));
	else if (WIFSIGNALED(status))
		snprintf(what, sizeof(what), "ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == 127) /* the shell's word for it */
		snprintf(what, sizeof(what), "failed: no such program (status 127)");
	else if (WEXITSTATUS(status) == 126)
		snprintf(what, sizeof(what), "failed: it may not be run (status 126)");
	else
		snprintf(what, sizeof(what), "failed with status %d",
			 WEXITSTATUS(status));
	say(h, what);
}

static void
run_one(struct pgt_alert_hook *h, struct run *r)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", h->command, NULL};
	char **env = environment(r->vars);
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	posix_spawnattr_init(&at);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawn_file_actions_init(&fa);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&fa, fd, "/dev/null", O_RDWR, 0);
	if (posix_spawn(&pid, argv[0], &fa, &at, argv, env) == 0)
		tell_end(h, wait_or_kill(pid));
	else
		say(h, "could not be started");
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	free(env);
}

static void *
run_main(void *arg)
{
	struct pgt_alert_hook *h = arg;
	struct run r;
	bool freed;

	pthread_mutex_lock(&h->mutex);
	while (h->n > 0) {
		r = h->queue[0];
		memmove(h->queue, h->queue + 1, --h->n * sizeof(h->queue[0]));
		pthread_mutex_unlock(&h->mutex);
		run_one(h, &r);
		run_done(&r);
		pthread_mutex_lock(&h->mutex);
	}
	h->running = false;
	freed = !h->e;
	pthread_mutex_unlock(&h->mutex);
	if (freed)
		really_free(h);
	return NULL;
}

static struct run
describe(const struct pgt_alert *a, const struct pgt_node *node)
{
	struct run r;
	char at[40];

	r.vars[0] = pgt_xasprintf("PG2UNE_ALERT_METRIC=%s",
				  a->metric < PGT_METRIC__N ? pgt_metric_name(a->metric)
							    : "query");
	r.vars[1] = pgt_xasprintf("PG2UNE_ALERT_SEVERITY=%s",
				  pgt_severity_name(a->severity));
	r.vars[2] = pgt_xasprintf("PG2UNE_ALERT_ONSET=%s",
				  pgt_clock_iso8601(a->onset_real_ns, at, sizeof(at)));
	r.vars[3] = pgt_xasprintf("PG2UNE_ALERT_BASELINE=%g", a->baseline);
	r.vars[4] = pgt_xasprintf("PG2UNE_ALERT_CURRENT=%g", a->current);
	r.vars[5] = pgt_xasprintf("PG2UNE_ALERT_CONFIDENCE=%g", a->confidence);
	r.vars[6] = pgt_xasprintf("PG2UNE_ALERT_CAUSE=%s",
				  a->n_causes ? a->causes[0].event.text : "");
	r.vars[7] = pgt_xasprintf("PG2UNE_ALERT_CLUSTER=%s",
				  node->name ? node->name : "");
	r.vars[8] = pgt_xasprintf("PG2UNE_ALERT_DIRECTION=%s",
				  a->direction > 0 ? "up" : "down");
	return r;
}

static void
start(struct pgt_alert_hook *h, const struct pgt_alert *a, const struct pgt_node *node)
{
	char what[96];
	pthread_t t;

	pthread_mutex_lock(&h->mutex);
	if (h->n < QUEUE_MAX) {
		h->queue[h->n++] = describe(a, node);
		what[0] = '\0';
	} else {
		snprintf(what, sizeof(what),
			 "is still running: it was not started for %s",
			 pgt_family_name(a->family));
	}
	if (!h->running && pthread_create(&t, NULL, run_main, h) == 0) {
		pthread_detach(t);
		h->running = true;
	}
	pthread_mutex_unlock(&h->mutex);
	if (*what)
		say(h, what);
}

void
pgt_alert_hook_feed(struct pgt_alert_hook *h, const struct pgt_ev_alerts *ev,
		    const struct pgt_node *node)
{
	if (!h)
		return;
	for (size_t i = 0; i < ev->n_alerts; i++) {
		const struct pgt_alert *a = &ev->alerts[i];

		if (a->id <= h->last_id)
			continue;
		h->last_id = a->id;
		if (a->degrade && a->silenced_until_real_ns <= ev->real_ns)
			start(h, a, node);
	}
}
