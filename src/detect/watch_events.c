#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "watch_priv.h"

#define LEARN_NS   (60 * PGT_NS_PER_S) /* what is there at the start is not new */
#define NEW_SHARE  2.0                 /* % of all time from which a new query counts */
/* Busy rows are waited for all the time, for milliseconds: a queue of two counts when the
 * first has stood for two seconds, a single victim after five. */
#define PILEUP_MIN   2
#define PILEUP_NS    (2 * PGT_NS_PER_S)
#define PILEUP_ONE_NS (5 * PGT_NS_PER_S)

/* ---- memory ---------------------------------------------------------------------- */

/* True the first time. */
static bool
first_time(struct seen *s, uint64_t hash)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->hash[i] == hash)
			return false;
	s->hash[s->at] = hash;
	s->at = (s->at + 1) % SEEN_MAX;
	s->n += s->n < SEEN_MAX;
	return true;
}

static void
keep(const struct pgt_snapshot **slot, const struct pgt_snapshot *s)
{
	pgt_snapshot_unref(*slot);
	*slot = pgt_snapshot_ref(s);
}

void
watch_events_done(struct watch_events *e)
{
	pgt_snapshot_unref(e->settings);
	pgt_snapshot_unref(e->tables);
}

static void emit(struct pgt_detect *d, enum pgt_event_kind kind, int64_t real_ns,
		 double weight, int64_t queryid, const char *fmt, ...) PGT_PRINTF(6, 7);

static void
emit(struct pgt_detect *d, enum pgt_event_kind kind, int64_t real_ns, double weight,
     int64_t queryid, const char *fmt, ...)
{
	struct pgt_event ev = {
	    .kind = kind, .real_ns = real_ns, .weight = weight, .queryid = queryid};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ev.text, sizeof(ev.text), fmt, ap);
	va_end(ap);
	pgt_detect_event(d, &ev);
}

/* ---- configuration, restarts --------------------------------------------------------
 */

/* Settings are read now and then: a change happened at the reload if there was one
 * since, else some time before it was seen. */
static int
compare_settings(const struct pgt_snapshot *was, const struct pgt_snapshot *s,
		 int64_t real_ns, struct pgt_detect *d)
{
	size_t i = 0, j = 0;
	int changed = 0;

	while (i < was->n_settings && j < s->n_settings) {
		const struct pgt_setting *a = &was->settings[i], *b = &s->settings[j];
		int order = strcmp(a->name, b->name);

		i += order <= 0;
		j += order >= 0;
		if (order != 0 || !a->value || !b->value ||
		    strcmp(a->value, b->value) == 0)
			continue;
		changed++;
		emit(d, PGT_EVENT_SETTING, real_ns, 1, 0, "%s %s -> %s", b->name,
		     a->value, b->value);
	}
	return changed;
}

static void
feed_configuration(struct watch_events *e, const struct pgt_snapshot *s,
		   struct pgt_detect *d)
{
	int64_t load = s->node.conf_load_real_ns;
	bool reloaded = e->conf_load_real_ns > 0 && load > e->conf_load_real_ns;

	if (reloaded)
		emit(d, PGT_EVENT_RELOAD, load, 1, 0, "configuration reloaded");
	if (load > 0)
		e->conf_load_real_ns = load;
	if (s->n_settings == 0 ||
	    (e->settings && e->settings->section[PGT_SEC_SETTINGS].taken_ns ==
				s->section[PGT_SEC_SETTINGS].taken_ns))
		return;
	if (e->settings) {
		/* A setting shows up in the reading after the reload that brought it. */
		bool since = load >= e->settings->real_ns - PGT_NS_PER_S;

		compare_settings(e->settings, s, since ? load : e->settings->real_ns, d);
	}
	keep(&e->settings, s);
}

static void
feed_restarts(struct watch_events *e, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	int64_t start = s->node.start_real_ns;

	if (s->gap & PGT_GAP_FAILOVER)
		emit(d, PGT_EVENT_FAILOVER, s->real_ns, 1, 0, "now %s, %s, timeline %d",
		     s->node.host ? s->node.host : "?",
		     s->node.in_recovery ? "standby" : "primary", s->node.timeline);
	else if ((s->gap & PGT_GAP_RESTART) ||
		 (e->start_real_ns > 0 && start > e->start_real_ns + PGT_NS_PER_S))
		emit(d, PGT_EVENT_RESTART, start > 0 ? start : s->real_ns, 1, 0,
		     "server restarted");
	else if (s->gap & (PGT_GAP_STATS_RESET | PGT_GAP_PGSS_RESET))
		emit(d, PGT_EVENT_STATS_RESET, s->real_ns, 1, 0, "%s were reset",
		     s->gap & PGT_GAP_STATS_RESET ? "statistics"
						  : "statement statistics");
	if (start > 0)
		e->start_real_ns = start;
	if (s->rate.checkpoints_timed > 0 || s->rate.checkpoints_req > 0)
		emit(d, PGT_EVENT_CHECKPOINT, s->real_ns, 1, 0, "%s checkpoint ended",
		     s->rate.checkpoints_req > 0 ? "requested" : "timed");
}

/* ---- sessions and statements --------------------------------------------------------
 */

static bool
is_ddl(const char *query)
{
	static const char *const words[] = {"create",   "alter",       "drop",
					    "truncate", "reindex",     "cluster",
					    "refresh",  "vacuum full", "lock"};

	while (*query == ' ' || *query == '(')
		query++;
	/* What it sets is told as a setting, once it is in force. */
	if (strncasecmp(query, "alter system", 12) == 0)
		return false;
	for (size_t i = 0; i < PGT_LEN(words); i++)
		if (strncasecmp(query, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static void
feed_session(struct watch_events *e, const struct pgt_snapshot *s,
	     const struct pgt_activity *a, bool learning, struct pgt_detect *d)
{
	int64_t began = a->query_age_ns >= 0 ? s->real_ns - a->query_age_ns : s->real_ns;
	uint64_t h = watch_hash(0, &a->pid, sizeof(a->pid));

	h = watch_hash(h, &a->backend_start_us, sizeof(a->backend_start_us));
	if (a->app && *a->app && a->is_client && !a->is_ours &&
	    first_time(&e->apps, watch_hash(0, a->app, strlen(a->app))) && !learning)
		emit(d, PGT_EVENT_NEW_APPLICATION, s->real_ns, 1, 0, "%s from %s", a->app,
		     a->client && *a->client ? a->client : "a local socket");
	if (a->backend_type && strcmp(a->backend_type, "autovacuum worker") == 0 &&
	    first_time(&e->vacuums, h) && !learning)
		emit(d, PGT_EVENT_AUTOVACUUM, began, 1, 0, "%s",
		     a->query ? a->query : "autovacuum");
	if (a->is_client && !a->is_ours && a->query && is_ddl(a->query) &&
	    first_time(&e->ddl, watch_hash(h, a->query, strlen(a->query)))) {
		/* the statement's row will tell the same */
		first_time(&e->ddl_rows, watch_hash(0, a->query, strlen(a->query)));
		if (!learning)
			emit(d, PGT_EVENT_DDL, began, 1, 0, "%s", a->query);
	}
}

/* Most DDL is too short to be met in a session, but leaves a row among the statements;
 * its text comes a moment later than the row. */
static void
feed_new_query(struct watch_events *e, const struct pgt_snapshot *s,
	       const struct pgt_query *q, bool learning, struct pgt_detect *d)
{
	int64_t since = s->real_ns - s->statements_window_ns;
	uint64_t h = watch_hash(0, &q->key.queryid, sizeof(q->key.queryid));

	if (q->text && is_ddl(q->text)) {
		if (first_time(&e->ddl_rows, watch_hash(0, q->text, strlen(q->text))) &&
		    !learning)
			emit(d, PGT_EVENT_DDL, since, 1, q->key.queryid, "%s", q->text);
		return;
	}
	if (!(q->time_pct >= NEW_SHARE) || !first_time(&e->queries, h) || learning)
		return;
	emit(d, PGT_EVENT_NEW_QUERY, since, fmin(1, 0.5 + q->time_pct / 40),
	     q->key.queryid, "query %lld with %.0f %% of the time%s%s",
	     (long long)q->key.queryid, q->time_pct, q->text ? ": " : "",
	     q->text ? q->text : "");
}

static void
feed_sessions(struct watch_events *e, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	bool learning = s->mono_ns - e->first_mono_ns < LEARN_NS;

	for (size_t i = 0; i < s->n_activity; i++)
		feed_session(e, s, &s->activity[i], learning, d);
	for (size_t i = 0; i < s->n_queries; i++)
		if (s->queries[i].is_new && !s->queries[i].ours)
			feed_new_query(e, s, &s->queries[i], learning, d);
}

/* What people know it by: a table where one of the waiters queues for a row of it; the
 * number of a transaction says nothing. */
static const char *
better_object(const char *have, const struct pgt_lock *l)
{
	bool named = l->object && *l->object && !isdigit((unsigned char)*l->object);

	if (named && (!have || strcmp(have, "a row's transaction") == 0))
		return l->object;
	if (!have && l->lock_type && strcmp(l->lock_type, "transactionid") == 0)
		return "a row's transaction";
	return have;
}

/* A root of the blocking forest whose queue stands; told once. */
static void
feed_locks(struct watch_events *e, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct pgt_lock *root = &s->locks[i];
		const char *app = "", *object = NULL;
		int64_t longest = 0;
		uint64_t h;

		if (root->depth != 0)
			continue;
		for (size_t j = i + 1; j < s->n_locks && s->locks[j].depth > 0; j++) {
			if (s->locks[j].wait_ns > longest)
				longest = s->locks[j].wait_ns;
			object = better_object(object, &s->locks[j]);
		}
		h = watch_hash(0, &root->pid, sizeof(root->pid));
		if (root->activity >= 0 && (size_t)root->activity < s->n_activity) {
			const struct pgt_activity *a = &s->activity[root->activity];
			int64_t xact = a->xact_age_ns >= 0
					   ? (s->real_ns - a->xact_age_ns) / 2000000000
					   : 0;

			app = a->app ? a->app : "";
			h = watch_hash(h, &xact,
				       sizeof(xact)); /* a new matter each time */
		}
		if (longest < (root->victims < PILEUP_MIN ? PILEUP_ONE_NS : PILEUP_NS) ||
		    !first_time(&e->locks, h))
			continue;
		emit(d, PGT_EVENT_LOCK_PILEUP, s->real_ns - longest, 1, 0,
		     "pid %d %s%sblocks %d on %s", root->pid, app, *app ? " " : "",
		     root->victims, object ? object : "a lock");
	}
}

/* ---- schema -------------------------------------------------------------------------
 */

static const struct pgt_index *
missing_index(const struct pgt_snapshot *was, const struct pgt_snapshot *s,
	      uint32_t table)
{
	for (size_t i = 0; i < was->n_indexes; i++) {
		bool there = false;

		if (was->indexes[i].table_oid != table)
			continue;
		for (size_t j = 0; j < s->n_indexes && !there; j++)
			there = s->indexes[j].oid == was->indexes[i].oid;
		if (!there)
			return &was->indexes[i];
	}
	return NULL;
}

/* Tables are listed by activity, so that one may leave the list without being dropped;
 * the number of indexes of one that is in both cannot change but by DDL. */
static void
feed_schema(struct watch_events *e, const struct pgt_snapshot *s, struct pgt_detect *d)
{
	const struct pgt_snapshot *was = e->tables;

	if (s->n_tables == 0 || (was && was->section[PGT_SEC_TABLES].taken_ns ==
					    s->section[PGT_SEC_TABLES].taken_ns))
		return;
	for (size_t i = 0; was && i < s->n_tables; i++) {
		const struct pgt_table *b = &s->tables[i], *a = NULL;
		const struct pgt_index *gone;
		int by;

		for (size_t j = 0; j < was->n_tables && !a; j++)
			if (was->tables[j].oid == b->oid)
				a = &was->tables[j];
		if (!a || a->n_indexes == b->n_indexes)
			continue;
		/* It happened between the two readings: at the first, for all we know. */
		by = b->n_indexes - a->n_indexes;
		gone = by < 0 ? missing_index(was, s, b->oid) : NULL;
		if (gone)
			emit(d, PGT_EVENT_DDL, was->real_ns, 1, 0,
			     "index %s of %s.%s dropped", gone->name, b->schema, b->name);
		else
			emit(d, PGT_EVENT_DDL, was->real_ns, 1, 0,
			     by < 0 ? "an index of %s.%s dropped"
				    : "an index on %s.%s created",
			     b->schema, b->name);
	}
	keep(&e->tables, s);
}

void
watch_events_feed(struct watch_events *e, const struct pgt_snapshot *s,
		  struct pgt_detect *d)
{
	if (e->first_mono_ns == 0)
		e->first_mono_ns = s->mono_ns;
	feed_restarts(e, s, d);
	feed_configuration(e, s, d);
	feed_sessions(e, s, d);
	feed_locks(e, s, d);
	feed_schema(e, s, d);
}
