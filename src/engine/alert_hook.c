/* The operator's command on an alert: in a thread of its own, since nothing may
 * wait for a foreign program.  One at a time; what comes meanwhile is dropped and
 * said so, for a command that hangs must not pile up. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "engine_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "watch_priv.h"

#define PATIENCE_NS (30 * PGT_NS_PER_S)
#define VARS	    9

extern char **environ;

struct pgt_alert_hook {
	struct pgt_engine *e;
	char *command;
	atomic_int refs;  /* the engine's and the running thread's */
	atomic_bool busy;
	uint64_t last_id; /* the newest alert that was told */
};

struct run {
	struct pgt_alert_hook *hook;
	char *vars[VARS];
};

struct pgt_alert_hook *
pgt_alert_hook_new(struct pgt_engine *e, const char *command)
{
	struct pgt_alert_hook *h;

	if (!command)
		return NULL;
	h = pgt_xcalloc(1, sizeof(*h));
	h->e = e;
	h->command = pgt_xstrdup(command);
	h->refs = 1;
	return h;
}

static void
unref(struct pgt_alert_hook *h)
{
	if (atomic_fetch_sub(&h->refs, 1) > 1)
		return;
	free(h->command);
	free(h);
}

void
pgt_alert_hook_free(struct pgt_alert_hook *h)
{
	if (h)
		unref(h);
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

static void
wait_or_kill(pid_t pid)
{
	int64_t until = pgt_clock_mono_ns() + PATIENCE_NS;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (pgt_clock_mono_ns() > until) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		poll(NULL, 0, 50);
	}
}

static void *
run_main(void *arg)
{
	struct run *r = arg;
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", r->hook->command, NULL};
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
		wait_or_kill(pid);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	free(env);
	for (size_t i = 0; i < VARS; i++)
		free(r->vars[i]);
	r->hook->busy = false;
	unref(r->hook);
	free(r);
	return NULL;
}

static void
start(struct pgt_alert_hook *h, const struct pgt_alert *a, const struct pgt_node *node)
{
	struct run *r = pgt_xcalloc(1, sizeof(*r));
	char at[40];
	pthread_t t;

	r->hook = h;
	r->vars[0] = pgt_xasprintf("PG2UNE_ALERT_METRIC=%s",
				   a->metric < PGT_METRIC__N ? pgt_metric_name(a->metric)
							     : "query");
	r->vars[1] = pgt_xasprintf("PG2UNE_ALERT_SEVERITY=%s",
				   pgt_severity_name(a->severity));
	r->vars[2] = pgt_xasprintf("PG2UNE_ALERT_ONSET=%s",
				   pgt_clock_iso8601(a->onset_real_ns, at, sizeof(at)));
	r->vars[3] = pgt_xasprintf("PG2UNE_ALERT_BASELINE=%g", a->baseline);
	r->vars[4] = pgt_xasprintf("PG2UNE_ALERT_CURRENT=%g", a->current);
	r->vars[5] = pgt_xasprintf("PG2UNE_ALERT_CONFIDENCE=%g", a->confidence);
	r->vars[6] = pgt_xasprintf("PG2UNE_ALERT_CAUSE=%s",
				   a->n_causes ? a->causes[0].event.text : "");
	r->vars[7] = pgt_xasprintf("PG2UNE_ALERT_CLUSTER=%s",
				   node->name ? node->name : "");
	r->vars[8] = pgt_xasprintf("PG2UNE_ALERT_DIRECTION=%s",
				   a->direction > 0 ? "up" : "down");
	h->refs++;
	h->busy = true;
	if (pthread_create(&t, NULL, run_main, r) == 0) {
		pthread_detach(t);
		return;
	}
	h->busy = false;
	h->refs--;
	for (size_t i = 0; i < VARS; i++)
		free(r->vars[i]);
	free(r);
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
		if (!a->degrade || a->silenced_until_real_ns > ev->real_ns)
			continue;
		if (h->busy)
			pgt_engine_notice(
			    h->e, PGT_NOTICE_WARN,
			    "alert-command is still running: it was not started "
			    "for %s",
			    pgt_family_name(a->family));
		else
			start(h, a, node);
	}
}
