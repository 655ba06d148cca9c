/* The observer's life, section states, and the snapshot put together. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "obs_priv.h"
#include "rel_priv.h"

struct obs *
obs_new(const struct pgt_sampler_opts *opts)
{
	struct obs *o = pgt_xcalloc(1, sizeof(*o));

	o->opts = *opts;
	o->cluster_name = opts->cluster_name ? pgt_xstrdup(opts->cluster_name) : NULL;
	o->environment = opts->environment ? pgt_xstrdup(opts->environment) : NULL;
	o->opts.cluster_name = o->opts.environment = NULL;
	if (o->opts.interval_ns <= 0)
		o->opts.interval_ns = PGT_NS_PER_S;
	if (o->opts.slow_interval_ns <= 0)
		o->opts.slow_interval_ns = 60 * PGT_NS_PER_S;
	if (o->opts.statements_window_ns <= 0)
		o->opts.statements_window_ns = 10 * PGT_NS_PER_S;
	if (o->opts.max_queries == 0)
		o->opts.max_queries = 200;
	if (o->opts.max_activity == 0)
		o->opts.max_activity = 1000;
	o->waits = obs_waits_new();
	o->stmts = obs_stmts_new();
	o->tables = obs_rel_new();
	o->indexes = obs_rel_new();
	o->dbs = obs_rel_new();
	o->ios = obs_rel_new();
	o->host_prev = obs_rel_new();
	o->procs = obs_rel_new();
	obs_forget(o);
	return o;
}

void
obs_forget(struct obs *o)
{
	int i;

	o->have_cur = o->have_prev = false;
	o->n_edges = o->n_extra = 0;
	o->had_waiters = false;
	obs_stmts_forget(o->stmts);
	obs_rel_forget(o->tables);
	obs_rel_forget(o->indexes);
	obs_rel_forget(o->dbs);
	obs_rel_forget(o->ios);
	obs_rel_forget(o->host_prev);
	obs_rel_forget(o->procs);
	memset(&o->receiver, 0, sizeof(o->receiver));
	o->settings_conf_us = 0;
	for (i = 0; i < OBS_P_N; i++) {
		obs_block_unref(o->part[i].block);
		o->part[i] = (struct obs_part){0};
	}
	for (i = 0; i < PGT_SEC_N; i++)
		o->status[i].available = o->status[i].partial = false;
}

void
obs_free(struct obs *o)
{
	if (!o)
		return;
	obs_forget(o);
	obs_waits_free(o->waits);
	obs_stmts_free(o->stmts);
	obs_rel_free(o->tables);
	obs_rel_free(o->indexes);
	obs_rel_free(o->dbs);
	obs_rel_free(o->ios);
	obs_rel_free(o->host_prev);
	obs_rel_free(o->procs);
	free(o->edges);
	free(o->extra_pids);
	free(o->cluster_name);
	free(o->environment);
	free(o);
}

void
obs_begin(struct obs *o, const struct obs_tick *tick)
{
	o->tick = *tick;
	o->own_pending += tick->own_xacts;
	o->basic_fed = false;
	if (tick->reconnected && o->have_cur)
		o->gap |= PGT_GAP_PAUSE;
}

/* ---- section states ---- */

void
obs_status_ok(struct obs *o, enum pgt_section_id sec)
{
	struct obs_status *st = &o->status[sec];

	st->available = true;
	st->partial = false;
	st->taken_ns = o->tick.mono_ns;
	st->why[0] = st->fix[0] = '\0';
}

void
obs_status_why(struct obs *o, enum pgt_section_id sec, const char *why, const char *fix)
{
	pgt_safetext_copy(o->status[sec].why, sizeof(o->status[sec].why), why ? why : "");
	pgt_safetext_copy(o->status[sec].fix, sizeof(o->status[sec].fix), fix ? fix : "");
}

void
obs_status_err(struct obs *o, enum pgt_section_id sec, const struct pgt_err *err)
{
	const char *fix = "";

	o->status[sec].available = false;
	if (strcmp(err->sqlstate, "42501") == 0)
		fix = o->have_caps && o->caps.cap[PGT_CAP_MONITOR].fix[0]
			  ? o->caps.cap[PGT_CAP_MONITOR].fix
			  : "ask for membership in pg_monitor";
	else if (strcmp(err->sqlstate, "57014") == 0)
		fix = "the statement took too long and was given up; it is tried again "
		      "later";
	else if (strcmp(err->sqlstate, "40001") == 0)
		fix = "a conflict with recovery on this standby; it is tried again";
	obs_status_why(o, sec, err->msg, fix);
}

/* What the role or the server rules out from the start. */
void
obs_caps_changed(struct obs *o)
{
	const struct pgt_cap_state *st = &o->caps.cap[PGT_CAP_STATEMENTS];

	if (!st->available) {
		o->status[PGT_SEC_STATEMENTS].available = false;
		obs_status_why(o, PGT_SEC_STATEMENTS, st->why, st->fix);
	}
	st = &o->caps.cap[PGT_CAP_IO_STATS];
	if (!st->available)
		obs_status_why(o, PGT_SEC_IO, st->why, st->fix);
}

void
obs_identify(struct obs *o, const struct pgt_identity *id, const struct pgt_caps *caps)
{
	bool other = o->have_id && strcmp(o->id.node, id->node) != 0;

	if (other || (o->have_id && o->id.start_real_ns != id->start_real_ns)) {
		obs_forget(o);
		o->gap |= other ? PGT_GAP_FAILOVER : PGT_GAP_RESTART;
	}
	o->id = *id;
	o->caps = *caps;
	o->have_id = o->have_caps = true;
	o->version_num = id->server_version_num;
	obs_caps_changed(o);
}

struct obs_block *
obs_part_begin(void)
{
	return obs_block_new(OBS_BLOCK_MAX);
}

void
obs_part_set(struct obs *o, enum obs_part_id id, struct obs_block *take_block,
	     const void *rows, size_t n)
{
	obs_block_unref(o->part[id].block);
	o->part[id] = (struct obs_part){take_block, rows, rows ? n : 0};
}

/* ---- the snapshot ---- */

static void
build_sections(const struct obs *o, struct pgt_snapshot *s)
{
	struct pgt_arena *a = pgt_snapshot_arena(s);
	int i;

	for (i = 0; i < PGT_SEC_N; i++) {
		const struct obs_status *st = &o->status[i];

		s->section[i] = (struct pgt_section){
		    .available = st->available,
		    .partial = st->partial,
		    .taken_ns = st->taken_ns,
		    .why = st->why[0] ? pgt_arena_strdup(a, st->why) : NULL,
		    .fix = st->fix[0] ? pgt_arena_strdup(a, st->fix) : NULL,
		};
	}
}

static void
build_node(const struct obs *o, struct pgt_snapshot *s)
{
	struct pgt_arena *a = pgt_snapshot_arena(s);
	struct pgt_node *n = &s->node;
	const char *name = o->cluster_name;

	if (!name || !*name)
		name = o->id.cluster_name[0] ? o->id.cluster_name : o->host;
	n->name = pgt_arena_strdup(a, name);
	n->environment = pgt_arena_strdup(a, o->environment ? o->environment : "");
	n->host = pgt_arena_strdup(a, o->host);
	n->port = pgt_arena_strdup(a, o->port);
	n->user = pgt_arena_strdup(a, o->user);
	n->database = pgt_arena_strdup(a, o->database);
	n->version = pgt_arena_strdup(a, o->id.version);
	n->version_num = o->version_num;
	n->fingerprint = pgt_arena_strdup(a, o->id.fingerprint);
	n->node_id = pgt_arena_strdup(a, o->id.node);
	n->timeline = o->id.timeline;
	n->is_local = o->tick.is_local;
	n->pending_restart = o->pending_restart;
	if (o->have_cur) {
		n->in_recovery = o->cur.in_recovery;
		n->read_only = o->cur.read_only || o->opts.read_only;
		n->start_real_ns = o->cur.start_us * OBS_US_NS;
		n->conf_load_real_ns = o->cur.conf_us * OBS_US_NS;
	}
}

#define PART(field, id)                                                                  \
	do {                                                                             \
		s->field = o->part[id].rows;                                             \
		s->n_##field = o->part[id].n;                                            \
		obs_snapshot_hold(s, o->part[id].block);                                 \
	} while (0)

static void
build_cost(const struct obs *o, struct pgt_snapshot *s)
{
	s->cost = (struct pgt_cost){
	    .server_ms = o->tick.server_ms,
	    .tick_ms = o->tick.tick_ms,
	    .client_cpu_pct = o->tick.client_cpu_pct,
	    .server_cpu_pct = 100 * o->tick.server_ms /
			      ((double)o->tick.effective_interval_ns / 1e6),
	    .statements = o->tick.statements,
	    .bytes = o->tick.bytes,
	    .effective_interval_ns = o->tick.effective_interval_ns,
	    .backed_off = o->tick.backed_off,
	    .method =
		o->tick.server_is_cpu
		    ? "CPU time of our server process, by the kernel"
		    : "server clock from the first statement's start to the last one's: "
		      "an upper bound of CPU time",
	};
}

static enum pgt_workload
build_workload(struct obs *o, const struct pgt_snapshot *s)
{
	struct pgt_workload_input in = {
	    .mono_ns = s->mono_ns,
	    .tps = s->rate.tps,
	    .active = s->sessions.active < 0 ? NAN : s->sessions.active,
	    .p99_ms = s->latency.p99_ms,
	    .temp_bytes_ps = s->rate.temp_bytes,
	};

	return pgt_workload_step(&o->workload, &in);
}

static void
build_receiver(const struct obs *o, struct pgt_snapshot *s)
{
	if (!o->have_cur || !o->cur.in_recovery || !o->part[OBS_P_RECEIVER].block)
		return;
	s->receiver = o->receiver;
	s->receiver.conflicts = s->rate.conflicts;
	obs_snapshot_hold(s, o->part[OBS_P_RECEIVER].block);
}

struct pgt_snapshot *
obs_build(struct obs *o)
{
	struct pgt_snapshot *s = pgt_snapshot_new(pgt_arena_new(OBS_BLOCK_MAX));

	s->seq = ++o->seq;
	s->mono_ns = o->tick.mono_ns;
	s->real_ns = o->tick.real_ns;
	s->gap = o->gap;
	s->interval_ns = o->interval_ns;
	s->rates_held = o->held;
	if (o->basic_fed) {
		s->rate = o->rate;
	} else {
		s->interval_ns = 0;
		s->gap |= PGT_GAP_PAUSE;
	}
	if (o->status[PGT_SEC_ACTIVITY].available) {
		s->sessions = o->sessions;
		obs_build_locks(o, s);
		obs_waits_build(o->waits, o->tick.mono_ns, s);
	}
	obs_stmts_build(o, s);
	PART(activity, OBS_P_ACTIVITY);
	PART(replicas, OBS_P_REPLICAS);
	PART(slots, OBS_P_SLOTS);
	PART(io, OBS_P_IO);
	PART(progress, OBS_P_PROGRESS);
	PART(databases, OBS_P_DATABASES);
	PART(tables, OBS_P_TABLES);
	PART(indexes, OBS_P_INDEXES);
	PART(settings, OBS_P_SETTINGS);
	obs_build_horizon(o, s);
	build_receiver(o, s);
	if (o->status[PGT_SEC_HOST].available)
		s->host = o->host_now;
	build_sections(o, s);
	build_node(o, s);
	build_cost(o, s);
	s->workload = build_workload(o, s);
	o->gap = 0;
	return s;
}
