#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "watch_priv.h"

#define APPS_MAX     256
#define TEXTS_MAX    16
#define PILE_VICTIMS 3			 /* sessions behind one root */
#define SETTLE_NS    (60 * PGT_NS_PER_S) /* all is new in the first minute */

struct fresh { /* a statement whose text is awaited */
	struct pgt_query_key key;
	int64_t real_ns;
};

struct pgt_happenings {
	const struct pgt_snapshot *prev;
	const struct pgt_snapshot
	    *settings; /* the one whose settings were compared last */
	int64_t began_ns;
	char apps[APPS_MAX][64];
	size_t n_apps;
	struct fresh fresh[TEXTS_MAX];
	size_t n_fresh;
	int pile_pid; /* root of the pile-up that was told, 0 none */
};

struct pgt_happenings *
pgt_happenings_new(void)
{
	return pgt_xcalloc(1, sizeof(struct pgt_happenings));
}

void
pgt_happenings_free(struct pgt_happenings *h)
{
	if (!h)
		return;
	pgt_snapshot_unref(h->prev);
	pgt_snapshot_unref(h->settings);
	free(h);
}

static void
tell(struct pgt_detect *d, enum pgt_event_kind kind, int64_t real_ns, int64_t queryid,
     double weight, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static void
tell(struct pgt_detect *d, enum pgt_event_kind kind, int64_t real_ns, int64_t queryid,
     double weight, const char *fmt, ...)
{
	struct pgt_event ev = {
	    .kind = kind, .real_ns = real_ns, .queryid = queryid, .weight = weight};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ev.text, sizeof(ev.text), fmt, ap);
	va_end(ap);
	pgt_detect_event(d, &ev);
}

/* ---- the node ---- */

static void
compare_node(struct pgt_happenings *h, struct pgt_detect *d, const struct pgt_snapshot *s)
{
	const struct pgt_snapshot *p = h->prev;

	if (s->gap & PGT_GAP_FAILOVER)
		tell(d, PGT_EVENT_FAILOVER, s->real_ns, 0, 1, "now %s on timeline %d",
		     s->node.in_recovery ? "a standby" : "the primary", s->node.timeline);
	else if (s->gap & PGT_GAP_RESTART)
		tell(d, PGT_EVENT_RESTART, s->node.start_real_ns, 0, 1,
		     "server restarted");
	if (s->gap & PGT_GAP_STATS_RESET)
		tell(d, PGT_EVENT_STATS_RESET, s->real_ns, 0, 1, "statistics were reset");
	if (p && p->node.conf_load_real_ns > 0 &&
	    s->node.conf_load_real_ns > p->node.conf_load_real_ns)
		tell(d, PGT_EVENT_RELOAD, s->node.conf_load_real_ns, 0, 0.5,
		     "configuration reloaded");
}

static void
compare_settings(struct pgt_happenings *h, struct pgt_detect *d,
		 const struct pgt_snapshot *s)
{
	const struct pgt_section *sec = &s->section[PGT_SEC_SETTINGS];
	const struct pgt_snapshot *p = h->settings;
	int64_t when = s->node.conf_load_real_ns > 0 ? s->node.conf_load_real_ns
						     : s->real_ns;

	if (!sec->available || s->n_settings == 0 ||
	    (p && p->section[PGT_SEC_SETTINGS].taken_ns == sec->taken_ns))
		return;
	for (size_t i = 0; p && i < s->n_settings; i++) {
		const struct pgt_setting *now = &s->settings[i];
		const struct pgt_setting *was = pgt_snapshot_setting(p, now->name);

		if (was && was->value && now->value &&
		    strcmp(was->value, now->value) != 0)
			tell(d, PGT_EVENT_SETTING, when, 0, 1, "%s %s -> %s", now->name,
			     was->value, now->value);
	}
	pgt_snapshot_unref(h->settings);
	h->settings = pgt_snapshot_ref(s);
}

/* ---- sessions ---- */

static bool
know_app(struct pgt_happenings *h, const char *app)
{
	char cut[64];

	pgt_str_copy(cut, sizeof(cut), app);
	for (size_t i = 0; i < h->n_apps; i++)
		if (strcmp(h->apps[i], cut) == 0)
			return true;
	if (h->n_apps < APPS_MAX)
		memcpy(h->apps[h->n_apps++], cut, sizeof(cut));
	return h->n_apps >= APPS_MAX; /* so many names are no news */
}

static bool
had_pid(const struct pgt_snapshot *p, int pid, int64_t start_us)
{
	for (size_t i = 0; p && i < p->n_activity; i++)
		if (p->activity[i].pid == pid &&
		    p->activity[i].backend_start_us == start_us)
			return true;
	return false;
}

static bool
is_ddl(const char *text)
{
	static const char *const words[] = {"create ",  "alter ",    "drop ",
					    "reindex ", "truncate ", "cluster ",
					    "refresh "};

	while (*text == ' ' || *text == '(')
		text++;
	for (size_t i = 0; i < PGT_LEN(words); i++)
		if (strncasecmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static void
compare_sessions(struct pgt_happenings *h, struct pgt_detect *d,
		 const struct pgt_snapshot *s, bool settled)
{
	for (size_t i = 0; i < s->n_activity; i++) {
		const struct pgt_activity *a = &s->activity[i];

		if (a->is_ours)
			continue;
		if (a->is_client && a->app && *a->app && !know_app(h, a->app) && settled)
			tell(d, PGT_EVENT_NEW_APPLICATION, s->real_ns, 0, 0.7,
			     "%s (%s@%s)", a->app, a->user ? a->user : "?",
			     a->database ? a->database : "?");
		if (!settled || had_pid(h->prev, a->pid, a->backend_start_us))
			continue;
		if (a->backend_type && strcmp(a->backend_type, "autovacuum worker") == 0)
			tell(d, PGT_EVENT_AUTOVACUUM, s->real_ns, 0, 0.5, "%s",
			     a->query ? a->query : "autovacuum");
		else if (a->is_client && a->query && is_ddl(a->query))
			tell(d, PGT_EVENT_DDL, s->real_ns, 0, 1, "%s", a->query);
	}
}

static void
compare_locks(struct pgt_happenings *h, struct pgt_detect *d,
	      const struct pgt_snapshot *s)
{
	const struct pgt_lock *root = NULL;
	const char *app = NULL;

	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].depth == 0 &&
		    (!root || s->locks[i].victims > root->victims))
			root = &s->locks[i];
	if (!root || root->victims < PILE_VICTIMS) {
		h->pile_pid = 0;
		return;
	}
	if (root->pid == h->pile_pid)
		return;
	h->pile_pid = root->pid;
	if (root->activity >= 0)
		app = s->activity[root->activity].app;
	tell(d, PGT_EVENT_LOCK_PILEUP, s->real_ns, 0, 1, "%d sessions behind %d%s%s%s",
	     root->victims, root->pid, app && *app ? " (" : "", app ? app : "",
	     app && *app ? ")" : "");
}

/* ---- statements ---- */

static bool
same_key(const struct pgt_query_key *a, const struct pgt_query_key *b)
{
	return a->queryid == b->queryid && a->userid == b->userid && a->dbid == b->dbid &&
	       a->toplevel == b->toplevel;
}

static void
await_text(struct pgt_happenings *h, const struct pgt_query *q, int64_t real_ns)
{
	for (size_t i = 0; i < h->n_fresh; i++)
		if (same_key(&h->fresh[i].key, &q->key))
			return;
	if (h->n_fresh == TEXTS_MAX) {
		memmove(h->fresh, h->fresh + 1, (TEXTS_MAX - 1) * sizeof(h->fresh[0]));
		h->n_fresh--;
	}
	h->fresh[h->n_fresh++] = (struct fresh){.key = q->key, .real_ns = real_ns};
}

/* The text of an awaited statement has come: say what it is and forget it. */
static void
settle_text(struct pgt_happenings *h, struct pgt_detect *d, const struct pgt_query *q)
{
	for (size_t i = 0; i < h->n_fresh; i++) {
		if (!same_key(&h->fresh[i].key, &q->key))
			continue;
		if (is_ddl(q->text))
			tell(d, PGT_EVENT_DDL, h->fresh[i].real_ns, q->key.queryid, 1,
			     "%s", q->text);
		else
			tell(d, PGT_EVENT_NEW_QUERY, h->fresh[i].real_ns, q->key.queryid,
			     fmin(1, q->time_pct / 20), "%s", q->text);
		memmove(&h->fresh[i], &h->fresh[i + 1],
			(h->n_fresh - i - 1) * sizeof(h->fresh[0]));
		h->n_fresh--;
		return;
	}
}

static void
compare_queries(struct pgt_happenings *h, struct pgt_detect *d,
		const struct pgt_snapshot *s, bool settled)
{
	for (size_t i = 0; i < s->n_queries; i++) {
		const struct pgt_query *q = &s->queries[i];

		if (q->ours)
			continue;
		if (q->is_new && settled)
			await_text(h, q, s->real_ns);
		if (q->text)
			settle_text(h, d, q);
	}
}

void
pgt_happenings_feed(struct pgt_happenings *h, struct pgt_detect *d,
		    const struct pgt_snapshot *s)
{
	bool settled;

	if (h->began_ns == 0)
		h->began_ns = s->mono_ns;
	settled = s->mono_ns - h->began_ns > SETTLE_NS;
	compare_node(h, d, s);
	compare_settings(h, d, s);
	compare_sessions(h, d, s, settled);
	compare_locks(h, d, s);
	compare_queries(h, d, s, settled);
	if (s->gap == 0 && s->rate.checkpoints_req > 0)
		tell(d, PGT_EVENT_CHECKPOINT, s->real_ns, 0, 1, "requested checkpoint");
	else if (s->gap == 0 && s->rate.checkpoints_timed > 0)
		tell(d, PGT_EVENT_CHECKPOINT, s->real_ns, 0, 0.4, "timed checkpoint");
	pgt_snapshot_unref(h->prev);
	h->prev = pgt_snapshot_ref(s);
}

size_t
pgt_happenings_texts(const struct pgt_happenings *h, struct pgt_query_key *ret,
		     size_t max)
{
	size_t n = 0;

	for (; n < h->n_fresh && n < max; n++)
		ret[n] = h->fresh[n].key;
	return n;
}
