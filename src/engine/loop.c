/* The engine thread: one poll loop over the sampler and the command mailbox. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "engine_priv.h"
#include "history_priv.h"
#include "tuning_priv.h"
#include "watch_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/engine/history.h"
#include "pg2une/engine/options.h"
#include "pg2une/observe/sampler.h"
#include "pg2une/pg/conn.h"

/* Statements whose text is kept up: those on screen and some for the detectors. */
#define TEXTS_MAX 128
#define WATCH_TEXTS 8
#define SETTLED	    10 /* samples: the slow sections come spread over the first ones */
#define TIDY	    60

struct loop {
	struct pgt_engine *e;
	struct pgt_sampler *sampler;
	struct pgt_watcher *watch;
	struct pgt_alert_hook *hook;
	struct pgt_query_key shown[TEXTS_MAX]; /* that the face shows */
	size_t n_shown;
	const struct pgt_snapshot *last;
	enum pgt_link link; /* as last told */
	int64_t link_since_ns;
	int attempts;
	bool told;
	char *target;
	unsigned samples;
	bool asked_past;
	char store[256]; /* trouble of the history, as last told */
};

static void
unref_snapshot(void *s)
{
	pgt_snapshot_unref(s);
}

static void
tell_link(struct loop *l)
{
	const struct pgt_link_state *s = pgt_sampler_link(l->sampler);
	struct pgt_ev_link *ev;

	if (l->told && s->link == l->link && s->since_ns == l->link_since_ns &&
	    s->attempts == l->attempts)
		return;
	l->told = true;
	l->link = s->link;
	l->link_since_ns = s->since_ns;
	l->attempts = s->attempts;
	ev = pgt_xcalloc(1, sizeof(*ev));
	ev->up = s->link == PGT_LINK_UP;
	ev->final = s->link == PGT_LINK_DENIED;
	ev->needs_password = s->needs_password;
	ev->since_ns = s->since_ns;
	ev->next_try_ns = s->next_try_ns;
	ev->attempts = s->attempts;
	if (!ev->up)
		pgt_safetext_copy(ev->message, sizeof(ev->message), s->error.msg);
	pgt_safetext_copy(ev->target, sizeof(ev->target), l->target);
	pgt_engine_post(l->e, PGT_EV_LINK, ev, free);
}

/* What the face shows, and what the detectors want to read besides. */
static void
want_texts(struct loop *l)
{
	struct pgt_query_key keys[TEXTS_MAX + WATCH_TEXTS];
	size_t n = l->n_shown;

	memcpy(keys, l->shown, n * sizeof(keys[0]));
	n += pgt_watcher_texts(l->watch, keys + n, WATCH_TEXTS);
	pgt_sampler_want_texts(l->sampler, keys, n);
}

/* True when the history fails otherwise than before, or no longer. */
static bool
store_has_news(struct loop *l)
{
	char now[sizeof(l->store)] = "";

	pgt_history_trouble(l->e->history, now, sizeof(now));
	if (strcmp(now, l->store) == 0)
		return false;
	memcpy(l->store, now, sizeof(now));
	return true;
}

/* Once each kind of sample has been read and drawn, what only the start needed goes;
 * later, what a minute's dear readings and its writing to the history have left. */
static void
tidy(struct loop *l)
{
	l->samples++;
	if (l->samples != SETTLED && l->samples % TIDY != 0)
		return;
	pgt_mem_trim();
	pgt_mem_drop_code();
}

static void
on_snapshot(struct loop *l, const struct pgt_snapshot *s)
{
	const struct pgt_hist_query *minute;
	struct pgt_ev_alerts *ev;
	size_t n;

	if (store_has_news(l))
		pgt_watcher_hurry(l->watch);
	if (s->node.node_id && !l->asked_past) { /* what earlier runs learned of it */
		pgt_history_past(l->e->history, &s->node);
		l->asked_past = true;
	}
	ev = pgt_watcher_feed(l->watch, s);

	want_texts(l);
	pgt_history_snapshot(l->e->history, s);
	minute = pgt_watcher_minute(l->watch, &n);
	pgt_history_queries(l->e->history, s, minute, n);
	if (ev) {
		memcpy(ev->store_message, l->store, sizeof(ev->store_message));
		pgt_records_alerts(l->e->history, &s->node, ev);
		pgt_alert_hook_feed(l->hook, ev, &s->node);
		pgt_advisor_alerts(l->e->advisor, ev);
		pgt_engine_post(l->e, PGT_EV_ALERTS, ev, pgt_ev_alerts_free);
	}
	pgt_records_settings(l->e->history, l->last, s);
	pgt_advisor_snapshot(l->e->advisor, s);
	pgt_snapshot_unref(l->last);
	l->last = pgt_snapshot_ref(s);
	pgt_engine_post(l->e, PGT_EV_SNAPSHOT, (void *)(uintptr_t)s, unref_snapshot);
	tidy(l);
}

/* An operator's word on an alert, said here or kept. */
static void
obey_word(struct loop *l, const struct pgt_msg *m)
{
	const struct pgt_silence *silence = m->data;
	const struct pgt_attend *word = NULL;

	if (m->type == PGT_LM_ATTEND)
		pgt_watcher_attend(l->watch, m->data, (size_t)m->arg);
	else if (m->type == PGT_LM_ACK)
		word = pgt_watcher_ack(l->watch, (uint64_t)m->arg);
	else
		word = pgt_watcher_silence(l->watch, silence->id, silence->until_real_ns);
	if (word && l->last)
		pgt_records_attend(l->e->history, &l->last->node, word);
}

/* False: stop. */
static bool
obey(struct loop *l, const struct pgt_msg *m)
{
	const struct pgt_range *range;
	const struct pgt_ev_history *past;

	switch ((enum pgt_loop_msg)m->type) {
	case PGT_LM_STOP:
		return false;
	case PGT_LM_INTERVAL:
		pgt_sampler_set_interval(l->sampler, m->arg);
		break;
	case PGT_LM_PAUSE:
		pgt_sampler_pause(l->sampler, m->arg != 0);
		break;
	case PGT_LM_KICK:
		pgt_sampler_kick(l->sampler);
		break;
	case PGT_LM_PASSWORD:
		pgt_sampler_set_password(l->sampler, m->data);
		break;
	case PGT_LM_WANT:
		pgt_sampler_want(l->sampler, (unsigned)m->arg);
		break;
	case PGT_LM_TEXTS:
		l->n_shown = (size_t)m->arg < TEXTS_MAX ? (size_t)m->arg : TEXTS_MAX;
		memcpy(l->shown, m->data, l->n_shown * sizeof(l->shown[0]));
		want_texts(l);
		break;
	case PGT_LM_ACK:
	case PGT_LM_SILENCE:
	case PGT_LM_ATTEND:
		obey_word(l, m);
		break;
	case PGT_LM_HISTORY:
		range = m->data;
		if (l->last && l->e->history)
			pgt_history_read(l->e->history, &l->last->node, range->from_ms,
					 range->to_ms);
		else
			pgt_history_nothing(l->e, range->from_ms, range->to_ms);
		break;
	case PGT_LM_PAST:
		past = m->data;
		pgt_watcher_past(l->watch, past->points, past->n);
		break;
	case PGT_LM_TUNE:
		pgt_tuning_begin(l->e->tuning, m->data, l->last);
		break;
	case PGT_LM_RUN:
		pgt_watcher_run(l->watch, m->arg != 0, pgt_clock_real_ns());
		break;
	}
	return true;
}

static bool
drain(struct loop *l)
{
	struct pgt_msg *m;
	bool go_on = true;

	while (go_on && (m = pgt_mailbox_take(l->e->to_loop))) {
		go_on = obey(l, m);
		pgt_msg_free(m);
	}
	return go_on;
}

static int
wait_ms(int64_t until_ns)
{
	int64_t left = until_ns - pgt_clock_mono_ns();

	if (left <= 0)
		return 0;
	if (left > 60 * PGT_NS_PER_S)
		return 60000;
	/* Rounded up: waking early would only spin. */
	return (int)((left + PGT_NS_PER_MS - 1) / PGT_NS_PER_MS);
}

static void
poll_once(struct loop *l)
{
	struct pollfd p[2] = {
	    {.fd = pgt_mailbox_fd(l->e->to_loop), .events = POLLIN},
	    {.fd = pgt_sampler_fd(l->sampler), .events = pgt_sampler_events(l->sampler)},
	};

	poll(p, 2, wait_ms(pgt_sampler_wakeup_ns(l->sampler)));
}

void *
pgt_loop_main(void *engine)
{
	struct pgt_engine *e = engine;
	struct pgt_sampler_opts so = {
	    .interval_ns = pgt_options_int(e->opts, "interval"),
	    .slow_interval_ns = pgt_options_int(e->opts, "slow-interval"),
	    .statements_window_ns = pgt_options_int(e->opts, "window"),
	    .max_queries = 200,
	    .max_activity = 1000,
	    .cluster_name = pgt_options_str(e->opts, "name"),
	    .environment = pgt_options_str(e->opts, "environment"),
	    .read_only = e->read_only,
	};
	struct loop l = {.e = e};
	const struct pgt_snapshot *s;

	l.target = pgt_connspec_label(e->spec);
	l.sampler = pgt_sampler_new(e->spec, &so);
	l.watch = pgt_watcher_new(e->opts);
	if (*pgt_watcher_rules_message(l.watch))
		pgt_engine_notice(e, PGT_NOTICE_WARN, "rules: %s",
				  pgt_watcher_rules_message(l.watch));
	l.hook = pgt_alert_hook_new(e, pgt_options_str(e->opts, "alert-command"));
	while (drain(&l)) {
		s = pgt_sampler_step(l.sampler);
		tell_link(&l);
		if (s)
			on_snapshot(&l, s);
		poll_once(&l);
	}
	pgt_snapshot_unref(l.last);
	pgt_alert_hook_free(l.hook);
	pgt_watcher_free(l.watch);
	pgt_sampler_free(l.sampler);
	free(l.target);
	return NULL;
}
