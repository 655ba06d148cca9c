#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_priv.h"
#include "advisor_priv.h"
#include "engine_priv.h"
#include "history_priv.h"
#include "tuning_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"

/* Events that wait while a face draws: a snapshot a tick and some more. */
#define EVENTS_MAX 64
#define COMMANDS_MAX 256
#define STOP_NS	     (2 * PGT_NS_PER_S)

void
pgt_engine_post(struct pgt_engine *e, enum pgt_event_type type, void *take_data,
		void (*free_data)(void *))
{
	struct pgt_msg *m = pgt_msg_new(type, 0, take_data, free_data);

	if (!pgt_mailbox_post(e->events, m))
		pgt_msg_free(m);
}

void
pgt_engine_notice(struct pgt_engine *e, enum pgt_notice_level level, const char *fmt, ...)
{
	struct pgt_ev_notice *n = pgt_xcalloc(1, sizeof(*n));
	char raw[sizeof(n->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	n->level = level;
	pgt_safetext_copy(n->text, sizeof(n->text), raw);
	pgt_engine_post(e, PGT_EV_NOTICE, n, free);
}

static int
start_thread(pthread_t *ret, void *(*body)(void *), struct pgt_engine *e,
	     const char *name, struct pgt_err *err)
{
	int rc = pthread_create(ret, NULL, body, e);

	if (rc != 0)
		return pgt_err_set(err, PGT_E_IO, "thread %s: %s", name,
				   pgt_strerror(rc));
	pthread_setname_np(*ret, name);
	return 0;
}

/* Only the main thread handles signals: the others start with all blocked. */
static int
start_threads(struct pgt_engine *e, struct pgt_err *err)
{
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e->history = pgt_history_new(e);
	e->changes = pgt_changes_new(e);
	e->rollouts = pgt_rollouts_new(e);
	e->advisor = pgt_advisor_new(e);
	e->tuning = pgt_tuning_new(e);
	rc = start_thread(&e->loop, pgt_loop_main, e, "pg2une-engine", err);
	e->loop_started = rc == 0;
	if (rc == 0) {
		rc = start_thread(&e->exec, pgt_exec_main, e, "pg2une-exec", err);
		e->exec_started = rc == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int
pgt_engine_new(const struct pgt_options *opts, struct pgt_engine **ret,
	       struct pgt_err *err)
{
	struct pgt_engine *e = pgt_xcalloc(1, sizeof(*e));

	e->opts = opts;
	e->read_only = pgt_options_bool(opts, "read-only");
	e->events = pgt_mailbox_new(EVENTS_MAX);
	e->to_loop = pgt_mailbox_new(COMMANDS_MAX);
	e->to_exec = pgt_mailbox_new(COMMANDS_MAX);
	e->next_ticket = 1;
	if (pgt_options_connspec(opts, &e->spec, err) < 0 || start_threads(e, err) < 0) {
		pgt_engine_free(e);
		return -1;
	}
	*ret = e;
	return 0;
}

void
pgt_engine_command(struct pgt_mailbox *mb, int type, int64_t arg, void *take_data,
		   void (*free_data)(void *))
{
	struct pgt_msg *m = pgt_msg_new(type, arg, take_data, free_data);

	if (!pgt_mailbox_post(mb, m))
		pgt_msg_free(m);
}

void
pgt_engine_tell_stop(struct pgt_mailbox *mb, int stop_type)
{
	struct pgt_msg *m = pgt_msg_new(stop_type, 0, NULL, NULL), *old;

	while (!pgt_mailbox_post(mb, m)) {
		old = pgt_mailbox_take(mb);
		if (old)
			pgt_msg_free(old);
	}
}

/* False: the thread sits in a name lookup, which nothing can interrupt. */
static bool
joined(pthread_t thread, int64_t within_ns)
{
	int64_t at = pgt_clock_real_ns() + within_ns;
	struct timespec until = {at / PGT_NS_PER_S, at % PGT_NS_PER_S};

	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

void
pgt_engine_free(struct pgt_engine *e)
{
	if (!e)
		return;
	/* the user has left: a resolver that does not answer may not keep the program,
	 * which ends with what the thread still holds */
	if (e->loop_started) {
		pgt_engine_tell_stop(e->to_loop, PGT_LM_STOP);
		if (!joined(e->loop, STOP_NS))
			return;
	}
	if (e->exec_started) {
		pgt_engine_tell_stop(e->to_exec, PGT_XM_STOP);
		pthread_join(e->exec, NULL);
	}
	pgt_changes_free(e->changes);
	pgt_rollouts_free(e->rollouts);
	pgt_advisor_free(e->advisor);
	pgt_tuning_free(e->tuning);
	pgt_history_free(e->history);
	pgt_mailbox_free(e->events);
	pgt_mailbox_free(e->to_loop);
	pgt_mailbox_free(e->to_exec);
	pgt_connspec_free(e->spec);
	free(e);
}

struct pgt_mailbox *
pgt_engine_events(struct pgt_engine *e)
{
	return e->events;
}

void
pgt_engine_set_interval(struct pgt_engine *e, int64_t interval_ns)
{
	pgt_engine_command(e->to_loop, PGT_LM_INTERVAL, interval_ns, NULL, NULL);
}

void
pgt_engine_pause(struct pgt_engine *e, bool pause)
{
	pgt_engine_command(e->to_loop, PGT_LM_PAUSE, pause, NULL, NULL);
}

void
pgt_engine_kick(struct pgt_engine *e)
{
	pgt_engine_command(e->to_loop, PGT_LM_KICK, 0, NULL, NULL);
}

static void
free_secret(void *p)
{
	explicit_bzero(p, strlen(p));
	free(p);
}

void
pgt_engine_set_password(struct pgt_engine *e, const char *password)
{
	pgt_engine_command(e->to_loop, PGT_LM_PASSWORD, 0, pgt_xstrdup(password),
			   free_secret);
	pgt_engine_command(e->to_exec, PGT_XM_PASSWORD, 0, pgt_xstrdup(password),
			   free_secret);
	pgt_tuning_set_password(e->tuning, password);
	pgt_engine_command(e->changes->mb, PGT_CM_PASSWORD, 0, pgt_xstrdup(password),
			   free_secret);
	pgt_advisor_password(e->advisor, password);
	pgt_rollouts_password(e->rollouts, password);
}

void
pgt_engine_want(struct pgt_engine *e, unsigned section_bits)
{
	pgt_engine_command(e->to_loop, PGT_LM_WANT, section_bits, NULL, NULL);
}

void
pgt_engine_want_texts(struct pgt_engine *e, const struct pgt_query_key *keys, size_t n)
{
	struct pgt_query_key *copy = pgt_xreallocarray(NULL, n ? n : 1, sizeof(*copy));

	if (n)
		memcpy(copy, keys, n * sizeof(*copy));
	pgt_engine_command(e->to_loop, PGT_LM_TEXTS, (int64_t)n, copy, free);
}

static void
free_job(void *p)
{
	struct pgt_job *job = p;

	free(job->text);
	free(job->database);
	free(job);
}

static uint64_t
post_job(struct pgt_engine *e, int type, struct pgt_job *job, struct pgt_err *err)
{
	struct pgt_msg *m;
	uint64_t ticket = e->next_ticket++;

	job->ticket = ticket;
	m = pgt_msg_new(type, 0, job, free_job);
	if (pgt_mailbox_post(e->to_exec, m))
		return ticket;
	pgt_msg_free(m);
	pgt_err_set(err, PGT_E_STATE, "busy: %d actions are waiting already",
		    COMMANDS_MAX);
	return 0;
}

uint64_t
pgt_engine_signal(struct pgt_engine *e, enum pgt_command which, int pid,
		  int64_t backend_start_us, struct pgt_err *err)
{
	struct pgt_job *job;

	if (e->read_only) {
		pgt_err_set(err, PGT_E_DENIED, "read-only: sessions are not signalled "
					       "(start without --read-only)");
		return 0;
	}
	job = pgt_xcalloc(1, sizeof(*job));
	job->command = which;
	job->pid = pid;
	job->backend_start_us = backend_start_us;
	return post_job(e, PGT_XM_SIGNAL, job, err);
}

uint64_t
pgt_engine_explain(struct pgt_engine *e, const struct pgt_query_key *key,
		   const char *text, const char *database, struct pgt_err *err)
{
	struct pgt_job *job = pgt_xcalloc(1, sizeof(*job));

	job->command = PGT_CMD_EXPLAIN;
	if (key) {
		job->has_key = true;
		job->key = *key;
	}
	job->text = text ? pgt_xstrdup(text) : NULL;
	job->database = database ? pgt_xstrdup(database) : NULL;
	return post_job(e, PGT_XM_EXPLAIN, job, err);
}

static void
free_keep(void *p)
{
	struct pgt_keep *k = p;

	free(k->path);
	free(k->text);
	free(k);
}

void
pgt_engine_keep(struct pgt_engine *e, const char *path, char *take_text)
{
	struct pgt_keep *k = pgt_xmalloc(sizeof(*k));

	*k = (struct pgt_keep){pgt_xstrdup(path), take_text};
	pgt_engine_command(e->to_exec, PGT_XM_KEEP, 0, k, free_keep);
}

void
pgt_ev_result_free(void *ev)
{
	struct pgt_ev_result *r = ev;

	free(r->text);
	free(r);
}

void
pgt_engine_alert_ack(struct pgt_engine *e, uint64_t id)
{
	pgt_engine_command(e->to_loop, PGT_LM_ACK, (int64_t)id, NULL, NULL);
}

void
pgt_engine_alert_silence(struct pgt_engine *e, uint64_t id, int64_t until_real_ns)
{
	struct pgt_silence *s = pgt_xcalloc(1, sizeof(*s));

	s->id = id;
	s->until_real_ns = until_real_ns;
	pgt_engine_command(e->to_loop, PGT_LM_SILENCE, 0, s, free);
}

void
pgt_engine_history(struct pgt_engine *e, int64_t from_ms, int64_t to_ms)
{
	struct pgt_range *r = pgt_xcalloc(1, sizeof(*r));

	r->from_ms = from_ms;
	r->to_ms = to_ms;
	pgt_engine_command(e->to_loop, PGT_LM_HISTORY, 0, r, free);
}
