/* The sampler without a face, for tests and benches: each snapshot and each
 * change of the link as one line of JSON.
 *
 *   observe_driver [-n COUNT] [-i MS] [-w SECTIONBITS] [-t TRACE] [-q MAXQUERIES] [CONNINFO]
 *   observe_driver -r TRACE          replay */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/json.h"
#include "pg2une/observe/sampler.h"
#include "pg2une/observe/trace.h"
#include "pg2une/pg/conn.h"

static void
print(cJSON *top)
{
	char *text = pgt_json_print(top, false);

	puts(text);
	fflush(stdout);
	free(text);
	cJSON_Delete(top);
}

static void
put_rates(cJSON *top, const struct pgt_snapshot *s)
{
	pgt_json_bool(top, "held", s->rates_held);
	pgt_json_num(top, "tps", s->rate.tps);
	pgt_json_num(top, "commits", s->rate.commits);
	pgt_json_num(top, "rollbacks", s->rate.rollbacks);
	pgt_json_num(top, "hit_ratio", s->rate.hit_ratio);
	pgt_json_num(top, "temp_bytes", s->rate.temp_bytes);
	pgt_json_num(top, "wal_bytes", s->rate.wal_bytes);
	pgt_json_num(top, "active_time_ms", s->rate.active_time_ms);
	pgt_json_num(top, "interval_s", (double)s->interval_ns / 1e9);
	pgt_json_num(top, "mean_ms", s->latency.mean_ms);
	pgt_json_num(top, "p50", s->latency.p50_ms);
	pgt_json_num(top, "p95", s->latency.p95_ms);
	pgt_json_num(top, "p99", s->latency.p99_ms);
	pgt_json_num(top, "p50_err", s->latency.p50_err);
	pgt_json_num(top, "p95_err", s->latency.p95_err);
	pgt_json_num(top, "p99_err", s->latency.p99_err);
	pgt_json_bool(top, "lat_ages", s->latency.method == PGT_LAT_AGES);
	pgt_json_num(top, "lat_calls", s->latency.calls);
	pgt_json_num(top, "lat_window_s", (double)s->latency.window_ns / 1e9);
	pgt_json_str(top, "lat_note", s->latency.note);
	pgt_json_num(top, "real_s", (double)s->real_ns / 1e9);
}

static void
put_sessions(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *o = pgt_json_obj(top, "sessions");

	pgt_json_i64(o, "total", s->sessions.total);
	pgt_json_i64(o, "active", s->sessions.active);
	pgt_json_i64(o, "idle", s->sessions.idle);
	pgt_json_i64(o, "idle_in_tx", s->sessions.idle_in_tx);
	pgt_json_i64(o, "blocked", s->sessions.blocked);
	pgt_json_i64(o, "hidden", s->sessions.hidden);
	pgt_json_i64(o, "max_connections", s->sessions.max_connections);
}

static void
put_rows(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *a = pgt_json_arr(top, "queries"), *o;
	size_t i;

	for (i = 0; i < s->n_queries; i++) {
		const struct pgt_query *q = &s->queries[i];

		o = pgt_json_obj(a, NULL);
		pgt_json_num(o, "calls", q->calls);
		pgt_json_num(o, "total_ms", q->total_ms);
		pgt_json_num(o, "calls_ps", q->calls_ps);
		pgt_json_num(o, "mean_ms", q->mean_ms);
		pgt_json_num(o, "rows", q->rows);
		pgt_json_str(o, "text", q->text);
		pgt_json_str(o, "user", q->user);
		pgt_json_bool(o, "ours", q->ours);
		pgt_json_bool(o, "is_new", q->is_new);
	}
	a = pgt_json_arr(top, "activity");
	for (i = 0; i < s->n_activity; i++) {
		o = pgt_json_obj(a, NULL);
		pgt_json_i64(o, "pid", s->activity[i].pid);
		pgt_json_str(o, "app", s->activity[i].app);
		pgt_json_str(o, "state", s->activity[i].state);
		pgt_json_str(o, "query", s->activity[i].query);
		pgt_json_str(o, "type", s->activity[i].backend_type);
		pgt_json_num(o, "cpu_pct", s->activity[i].cpu_pct);
	}
	a = pgt_json_arr(top, "locks");
	for (i = 0; i < s->n_locks; i++) {
		o = pgt_json_obj(a, NULL);
		pgt_json_i64(o, "pid", s->locks[i].pid);
		pgt_json_i64(o, "depth", s->locks[i].depth);
		pgt_json_i64(o, "parent", s->locks[i].parent);
		pgt_json_i64(o, "victims", s->locks[i].victims);
		pgt_json_bool(o, "soft", s->locks[i].soft);
		pgt_json_str(o, "object", s->locks[i].object);
		pgt_json_i64(o, "activity", s->locks[i].activity);
	}
	a = pgt_json_arr(top, "waits");
	for (i = 0; i < s->n_waits; i++) {
		o = pgt_json_obj(a, NULL);
		pgt_json_str(o, "type", s->waits[i].type);
		pgt_json_num(o, "sessions", s->waits[i].sessions);
	}
	a = pgt_json_arr(top, "replicas");
	for (i = 0; i < s->n_replicas; i++) {
		o = pgt_json_obj(a, NULL);
		pgt_json_str(o, "state", s->replicas[i].state);
		pgt_json_num(o, "replay_lag_bytes", s->replicas[i].replay_lag_bytes);
	}
	a = pgt_json_arr(top, "tables");
	for (i = 0; i < s->n_tables; i++) {
		o = pgt_json_obj(a, NULL);
		pgt_json_str(o, "name", s->tables[i].name);
		pgt_json_num(o, "upd", s->tables[i].upd);
		pgt_json_num(o, "size", s->tables[i].size_bytes);
	}
}

static void
put_sections(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *a = pgt_json_obj(top, "sections"), *o;
	int i;

	for (i = 0; i < PGT_SEC_N; i++) {
		o = pgt_json_obj(a, pgt_section_names[i]);
		pgt_json_bool(o, "available", s->section[i].available);
		pgt_json_bool(o, "partial", s->section[i].partial);
		pgt_json_str(o, "why", s->section[i].why);
		pgt_json_str(o, "fix", s->section[i].fix);
	}
}

static void
put_snapshot(const struct pgt_snapshot *s)
{
	cJSON *top = cJSON_CreateObject(), *o;

	pgt_json_u64(top, "seq", s->seq);
	pgt_json_i64(top, "gap", s->gap);
	put_rates(top, s);
	put_sessions(top, s);
	put_rows(top, s);
	put_sections(top, s);
	o = pgt_json_obj(top, "node");
	pgt_json_str(o, "version", s->node.version);
	pgt_json_bool(o, "in_recovery", s->node.in_recovery);
	pgt_json_str(o, "name", s->node.name);
	o = pgt_json_obj(top, "receiver");
	pgt_json_bool(o, "present", s->receiver.present);
	pgt_json_num(o, "replay_lag_bytes", s->receiver.replay_lag_bytes);
	o = pgt_json_obj(top, "cost");
	pgt_json_num(o, "server_ms", s->cost.server_ms);
	pgt_json_num(o, "tick_ms", s->cost.tick_ms);
	pgt_json_num(o, "client_cpu_pct", s->cost.client_cpu_pct);
	pgt_json_i64(o, "statements", s->cost.statements);
	pgt_json_i64(o, "bytes", (int64_t)s->cost.bytes);
	pgt_json_str(o, "method", s->cost.method);
	pgt_json_num(o, "effective_s", (double)s->cost.effective_interval_ns / 1e9);
	pgt_json_i64(top, "n_settings", (int64_t)s->n_settings);
	pgt_json_i64(top, "n_databases", (int64_t)s->n_databases);
	pgt_json_i64(top, "n_indexes", (int64_t)s->n_indexes);
	pgt_json_i64(top, "n_io", (int64_t)s->n_io);
	pgt_json_num(top, "exec_ms", s->statements_exec_ms);
	pgt_json_num(top, "window_s", (double)s->statements_window_ns / 1e9);
	pgt_json_i64(top, "statements_total", s->statements_total);
	pgt_json_num(top, "mem_total", s->host.mem_total);
	pgt_json_str(top, "workload", pgt_workload_names[s->workload]);
	print(top);
}

static void
put_link(const struct pgt_link_state *l)
{
	static const char *const names[] = {"connecting", "up", "lost", "denied"};
	cJSON *top = cJSON_CreateObject();

	pgt_json_str(top, "link", names[l->link]);
	pgt_json_str(top, "error", l->error.msg);
	pgt_json_str(top, "sqlstate", l->error.sqlstate);
	print(top);
}

static int
replay(const char *path, const struct pgt_sampler_opts *opts)
{
	struct pgt_replay *r = pgt_replay_new(opts);
	const struct pgt_snapshot *s;
	struct pgt_err err;
	int rc = pgt_replay_open(r, path, &err);

	while (rc >= 0 && (rc = pgt_replay_next(r, &s, &err)) > 0) {
		put_snapshot(s);
		pgt_snapshot_unref(s);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", err.msg);
	pgt_replay_free(r);
	return rc < 0;
}

static void
wait_for(const struct pgt_sampler *s)
{
	struct pollfd p = {.fd = pgt_sampler_fd(s), .events = pgt_sampler_events(s)};
	int64_t left = pgt_sampler_wakeup_ns(s), now = pgt_clock_mono_ns();
	int ms = 1000;

	if (left < INT64_MAX)
		ms = left <= now ? 0 : left - now > PGT_NS_PER_S ? 1000
								 : (int)((left - now) / 1000000) + 1;
	poll(&p, 1, ms);
}

static void
live(struct pgt_sampler *s, int n)
{
	const struct pgt_snapshot *snap;
	int link = -1;

	while (n > 0) {
		snap = pgt_sampler_step(s);
		if ((int)pgt_sampler_link(s)->link != link) {
			link = (int)pgt_sampler_link(s)->link;
			put_link(pgt_sampler_link(s));
		}
		if (snap) {
			put_snapshot(snap);
			pgt_snapshot_unref(snap);
			n--;
		} else {
			wait_for(s);
		}
	}
}

int
main(int argc, char **argv)
{
	struct pgt_sampler_opts opts = {.interval_ns = PGT_NS_PER_S};
	struct pgt_connargs args = {0};
	struct pgt_trace *trace = NULL;
	struct pgt_connspec *spec;
	struct pgt_sampler *s;
	const char *record = NULL, *played = NULL;
	struct pgt_err err;
	unsigned want = 0;
	int c, n = 1 << 30, rc = 0;

	while ((c = getopt(argc, argv, "n:i:w:t:r:q:")) != -1) {
		if (c == 'n')
			n = (int)strtol(optarg, NULL, 10);
		else if (c == 'i')
			opts.interval_ns = strtol(optarg, NULL, 10) * PGT_NS_PER_MS;
		else if (c == 'w')
			want = (unsigned)strtoul(optarg, NULL, 0);
		else if (c == 'q')
			opts.max_queries = strtoul(optarg, NULL, 10);
		else if (c == 't')
			record = optarg;
		else if (c == 'r')
			played = optarg;
		else
			return 2;
	}
	if (played)
		return replay(played, &opts);
	args.dbname = argv[optind];
	if (pgt_connspec_new(&args, &spec, &err) < 0 ||
	    (record && pgt_trace_new(record, 0, &trace, &err) < 0)) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	s = pgt_sampler_new(spec, &opts);
	pgt_sampler_record(s, trace);
	pgt_sampler_want(s, want);
	live(s, n);
	pgt_sampler_free(s);
	if (pgt_trace_close(trace, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		rc = 1;
	}
	pgt_connspec_free(spec);
	return rc;
}
