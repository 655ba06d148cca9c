#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advisor_priv.h"
#include "engine_priv.h"
#include "history_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/caps.h"
#include "pg2une/pg/conn.h"

#define CONNECT_NS (10 * PGT_NS_PER_S)
#define FIRST_NS   (20 * PGT_NS_PER_S) /* after the first snapshot */
#define EVERY_NS   (300 * PGT_NS_PER_S)
#define RECENT_NS  (10 * PGT_NS_PER_S)
#define RECENT_MAX 30

enum advisor_msg { AM_STOP = 1, AM_REFRESH, AM_MARK, AM_PASSWORD };

struct mark_job {
	char *identity;
	enum pgt_advice_state state;
	int64_t until_real_ns;
};

struct pgt_advisor {
	struct pgt_engine *e;
	struct pgt_mailbox *mb;
	pthread_t thread;
	/* under the mutex: what the engine thread gives */
	pthread_mutex_t mutex;
	const struct pgt_snapshot *last;
	struct pgt_sessions recent[RECENT_MAX];
	size_t n_recent;
	int64_t recent_ns; /* of the last of these */
	struct pgt_query_regression *regressions;
	size_t n_regressions;
	bool woken; /* the first snapshot was told */
	/* the thread's own */
	char *password;
	struct pgt_schema_base *base; /* of the last round */
	struct pgt_advice_list *list;
	int64_t collected_real_ns, next_ns;
	struct pgt_mark *marks;
	bool marks_loaded;
	char message[256];
};

/* ---- on the engine thread ---- */

void
pgt_advisor_snapshot(struct pgt_advisor *a, const struct pgt_snapshot *s)
{
	bool first;

	if (!a || s->gap)
		return;
	pthread_mutex_lock(&a->mutex);
	pgt_snapshot_unref(a->last);
	a->last = pgt_snapshot_ref(s);
	if (a->n_recent == 0 || s->mono_ns - a->recent_ns >= RECENT_NS) {
		if (a->n_recent == RECENT_MAX) {
			memmove(a->recent, a->recent + 1,
				(RECENT_MAX - 1) * sizeof(a->recent[0]));
			a->n_recent--;
		}
		a->recent[a->n_recent++] = s->sessions;
		a->recent_ns = s->mono_ns;
	}
	first = !a->woken;
	a->woken = true;
	pthread_mutex_unlock(&a->mutex);
	if (first) /* the thread learns that its clock runs now */
		pgt_engine_command(a->mb, AM_REFRESH, FIRST_NS, NULL, NULL);
}

void
pgt_advisor_alerts(struct pgt_advisor *a, const struct pgt_ev_alerts *ev)
{
	size_t n = ev->n_regressions;

	if (!a)
		return;
	pthread_mutex_lock(&a->mutex);
	free(a->regressions);
	a->regressions = pgt_xcalloc(n ? n : 1, sizeof(*a->regressions));
	if (n)
		memcpy(a->regressions, ev->regressions, n * sizeof(*a->regressions));
	a->n_regressions = n;
	pthread_mutex_unlock(&a->mutex);
}

void
pgt_advisor_refresh(struct pgt_advisor *a)
{
	if (a)
		pgt_engine_command(a->mb, AM_REFRESH, 0, NULL, NULL);
}

static void
free_mark_job(void *p)
{
	struct mark_job *j = p;

	free(j->identity);
	free(j);
}

void
pgt_advisor_mark(struct pgt_advisor *a, const char *identity, enum pgt_advice_state state,
		 int64_t until_real_ns)
{
	struct mark_job *j;

	if (!a)
		return;
	j = pgt_xcalloc(1, sizeof(*j));
	j->identity = pgt_xstrdup(identity);
	j->state = state;
	j->until_real_ns = until_real_ns;
	pgt_engine_command(a->mb, AM_MARK, 0, j, free_mark_job);
}

static void
free_secret(void *p)
{
	explicit_bzero(p, strlen(p));
	free(p);
}

void
pgt_advisor_password(struct pgt_advisor *a, const char *password)
{
	if (a)
		pgt_engine_command(a->mb, AM_PASSWORD, 0, pgt_xstrdup(password),
				   free_secret);
}

/* ---- one round, on the thread ---- */

struct round {
	const struct pgt_snapshot *snap;
	struct pgt_sessions recent[RECENT_MAX];
	size_t n_recent;
	struct pgt_query_regression *regressions;
	size_t n_regressions;
	const struct pgt_schema *schema;
	struct pgt_host_facts host;
};

static void
take(struct pgt_advisor *a, struct round *r)
{
	pthread_mutex_lock(&a->mutex);
	r->snap = a->last ? pgt_snapshot_ref(a->last) : NULL;
	memcpy(r->recent, a->recent, sizeof(r->recent));
	r->n_recent = a->n_recent;
	r->regressions = pgt_xcalloc(a->n_regressions + 1, sizeof(*r->regressions));
	memcpy(r->regressions, a->regressions,
	       a->n_regressions * sizeof(*r->regressions));
	r->n_regressions = a->n_regressions;
	pthread_mutex_unlock(&a->mutex);
}

static void
give_back(struct round *r)
{
	pgt_snapshot_unref(r->snap);
	free(r->regressions);
}

static void
post(struct pgt_advisor *a, bool collecting)
{
	struct pgt_ev_advice *ev = pgt_xcalloc(1, sizeof(*ev));
	int64_t now = pgt_clock_real_ns();
	size_t n = a->list ? a->list->n : 0;

	ev->list = a->list ? pgt_advice_list_ref(a->list) : NULL;
	ev->state = pgt_xcalloc(n + 1, sizeof(*ev->state));
	ev->until_real_ns = pgt_xcalloc(n + 1, sizeof(*ev->until_real_ns));
	for (size_t i = 0; i < n; i++)
		ev->state[i] = pgt_marks_state(a->marks, &a->list->items[i], now,
					       &ev->until_real_ns[i]);
	ev->collected_real_ns = a->collected_real_ns;
	ev->collecting = collecting;
	pgt_str_copy(ev->message, sizeof(ev->message), a->message);
	pgt_engine_post(a->e, PGT_EV_ADVICE, ev, pgt_ev_advice_free);
}

static struct pgt_conn *
connect_here(struct pgt_advisor *a, struct pgt_err *err)
{
	struct pgt_connspec *spec;
	struct pgt_conn *c;

	if (pgt_connspec_with(a->e->spec, NULL, NULL, NULL, a->password, &spec, err) < 0)
		return NULL;
	c = pgt_conn_new(spec, PGT_CONN_QUERY);
	pgt_connspec_free(spec);
	if (pgt_conn_run_connect(c, CONNECT_NS, err) < 0) {
		pgt_conn_free(c);
		return NULL;
	}
	return c;
}

enum pgt_workload
pgt_advice_workload(const struct pgt_options *o, const char *rules,
		    bool *ret_conservative)
{
	const char *w = pgt_options_str(o, "workload");

	*ret_conservative = w && strcmp(w, "remote-conservative") == 0;
	for (int i = PGT_WORKLOAD_OLTP; w && i <= PGT_WORKLOAD_MIXED; i++)
		if (strcmp(w, pgt_workload_names[i]) == 0)
			return (enum pgt_workload)i;
	return w && !*ret_conservative ? pgt_advise_profile_class(rules, w)
				       : PGT_WORKLOAD_UNKNOWN;
}

static int
advise(struct pgt_advisor *a, struct pgt_conn *c, const struct pgt_caps *caps,
       struct round *r, struct pgt_advice_list **ret, struct pgt_err *err)
{
	struct pgt_advise_input in = {
	    .snapshot = r->snap,
	    .recent = r->recent,
	    .n_recent = r->n_recent,
	    .schema = r->schema,
	    .regressions = r->regressions,
	    .n_regressions = r->n_regressions,
	    .host = r->host,
	    .now_real_ns = pgt_clock_real_ns(),
	};
	struct pgt_advice_list *first;
	struct pgt_advice_plan *plans = NULL;
	char *rules = pgt_advice_rules(a->e->opts, err);
	int rc = -1;

	in.rules = rules;
	if (!rules)
		return -1;
	in.workload = pgt_advice_workload(a->e->opts, rules, &in.remote_conservative);
	if (pgt_advise(&in, &first, err) < 0)
		goto out;
	in.n_plans = pgt_hypo_ask(c, caps, r->schema, first, &plans);
	in.plans = plans;
	if (in.n_plans == 0) {
		*ret = first;
		rc = 0;
	} else {
		rc = pgt_advise(&in, ret, err);
		pgt_advice_list_free(first); /* the plans' identities were its own */
	}
out:
	free(plans);
	free(rules);
	return rc;
}

static int
work(struct pgt_advisor *a, struct round *r, struct pgt_err *err)
{
	struct pgt_schema *schema = NULL;
	struct pgt_advice_list *list;
	struct pgt_caps *caps = pgt_xcalloc(1, sizeof(*caps));
	struct pgt_conn *c = connect_here(a, err);
	int rc = -1;

	if (!c || pgt_caps_read(c, caps, err) < 0)
		goto out;
	pgt_hostfacts_read(a->e->opts, c, &r->host);
	if (pgt_schema_collect(c, caps, a->base, pgt_clock_real_ns(), &schema, err) < 0)
		goto out;
	schema->in_recovery = r->snap->node.in_recovery;
	pgt_schema_base_free(a->base);
	a->base = pgt_schema_base_of(schema);
	r->schema = schema;
	rc = advise(a, c, caps, r, &list, err);
	if (rc == 0) {
		pgt_advice_list_free(a->list);
		a->list = list;
		a->collected_real_ns = pgt_clock_real_ns();
	}
out:
	pgt_conn_free(c);
	pgt_schema_free(schema);
	free(caps);
	return rc;
}

static void
go_round(struct pgt_advisor *a)
{
	struct round r = {0};
	struct pgt_err err = {0};

	take(a, &r);
	a->next_ns = pgt_clock_mono_ns() + EVERY_NS;
	if (!r.snap) {
		pgt_str_copy(a->message, sizeof(a->message),
			     "no sample of the server yet");
		a->next_ns = INT64_MAX;
		post(a, false);
		give_back(&r);
		return;
	}
	if (!a->marks_loaded) {
		pgt_marks_load(&a->marks, a->e->opts, &r.snap->node);
		a->marks_loaded = true;
	}
	post(a, true);
	a->message[0] = '\0';
	if (work(a, &r, &err) < 0)
		pgt_safetext_copy(a->message, sizeof(a->message), err.msg);
	give_back(&r);
	/* all statements with their texts, and what parsing took */
	pgt_mem_trim();
	pgt_mem_drop_code();
	post(a, false);
}

static void
keep_mark(struct pgt_advisor *a, const struct pgt_mark *m)
{
	char until[24];
	const char *cols[] = {m->identity, until, m->evidence,
			      pgt_advice_state_name(m->state)};

	snprintf(until, sizeof(until), "%lld",
		 (long long)(m->until_real_ns / PGT_NS_PER_MS));
	pthread_mutex_lock(&a->mutex);
	if (a->last)
		pgt_history_record(a->e->history, &a->last->node, PGT_REC_DISMISSAL, cols,
				   4);
	pthread_mutex_unlock(&a->mutex);
}

static void
mark(struct pgt_advisor *a, const struct mark_job *j)
{
	const char *evidence = "";

	for (size_t i = 0; a->list && i < a->list->n; i++)
		if (strcmp(a->list->items[i].identity, j->identity) == 0)
			evidence = a->list->items[i].evidence_hash;
	pgt_marks_set(&a->marks, j->identity, evidence, j->state, j->until_real_ns);
	keep_mark(a, pgt_marks_find(a->marks, j->identity));
	post(a, false);
}

/* False: stop. */
static bool
obey(struct pgt_advisor *a, struct pgt_msg *m)
{
	switch ((enum advisor_msg)m->type) {
	case AM_STOP:
		return false;
	case AM_REFRESH:
		a->next_ns = pgt_clock_mono_ns() + m->arg;
		break;
	case AM_MARK:
		mark(a, m->data);
		break;
	case AM_PASSWORD:
		free(a->password);
		a->password = pgt_xstrdup(m->data);
		break;
	}
	return true;
}

static void *
advisor_main(void *arg)
{
	struct pgt_advisor *a = arg;
	struct pollfd p = {.fd = pgt_mailbox_fd(a->mb), .events = POLLIN};
	struct pgt_msg *m;
	bool go_on = true;

	a->next_ns = INT64_MAX;
	while (go_on) {
		int64_t left = a->next_ns - pgt_clock_mono_ns();

		if (left <= 0)
			go_round(a);
		left = a->next_ns - pgt_clock_mono_ns();
		poll(&p, 1,
		     left > 60 * PGT_NS_PER_S ? 60000
		     : left > 0               ? (int)(left / PGT_NS_PER_MS) + 1
					      : 0);
		while (go_on && (m = pgt_mailbox_take(a->mb))) {
			go_on = obey(a, m);
			pgt_msg_free(m);
		}
	}
	return NULL;
}

struct pgt_advisor *
pgt_advisor_new(struct pgt_engine *e)
{
	struct pgt_advisor *a = pgt_xcalloc(1, sizeof(*a));

	a->e = e;
	a->mb = pgt_mailbox_new(256);
	pthread_mutex_init(&a->mutex, NULL);
	if (pthread_create(&a->thread, NULL, advisor_main, a) != 0) {
		pgt_mailbox_free(a->mb);
		free(a);
		return NULL;
	}
	pthread_setname_np(a->thread, "pg2une-advise");
	return a;
}

void
pgt_advisor_free(struct pgt_advisor *a)
{
	if (!a)
		return;
	pgt_engine_command(a->mb, AM_STOP, 0, NULL, NULL);
	pthread_join(a->thread, NULL);
	pgt_mailbox_free(a->mb);
	pgt_snapshot_unref(a->last);
	free(a->regressions);
	if (a->password)
		explicit_bzero(a->password, strlen(a->password));
	free(a->password);
	pgt_schema_base_free(a->base);
	pgt_advice_list_free(a->list);
	pgt_marks_free(a->marks);
	pthread_mutex_destroy(&a->mutex);
	free(a);
}

/* ---- commands ---- */

void
pgt_engine_advice_refresh(struct pgt_engine *e)
{
	pgt_advisor_refresh(e->advisor);
}

void
pgt_engine_advice_mark(struct pgt_engine *e, const char *identity,
		       enum pgt_advice_state state, int64_t until_real_ns)
{
	pgt_advisor_mark(e->advisor, identity, state, until_real_ns);
}

void
pgt_ev_advice_free(void *p)
{
	struct pgt_ev_advice *ev = p;

	pgt_advice_list_free(ev->list);
	free(ev->state);
	free(ev->until_real_ns);
	free(ev);
}
