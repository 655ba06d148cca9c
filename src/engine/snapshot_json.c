#include <stdio.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/snapshot_json.h"

/* Ages and intervals: nanoseconds to seconds; -1 (none) becomes null. */
static void
put_s(cJSON *o, const char *name, int64_t ns)
{
	if (ns < 0)
		pgt_json_null(o, name);
	else
		pgt_json_num(o, name, (double)ns / 1e9);
}

static void
put_gap(cJSON *o, unsigned gap)
{
	static const char *const names[] = {"first",     "stats_reset", "restart",
					    "failover",  "negative",    "pause",
					    "pgss_reset"};
	cJSON *arr = pgt_json_arr(o, "gap");

	for (size_t i = 0; i < PGT_LEN(names); i++)
		if (gap & (1u << i))
			pgt_json_str(arr, NULL, names[i]);
}

static void
put_node(cJSON *top, const struct pgt_node *n)
{
	cJSON *o = pgt_json_obj(top, "node");
	char buf[40];

	pgt_json_str(o, "name", n->name);
	pgt_json_str(o, "environment", n->environment);
	pgt_json_str(o, "host", n->host);
	pgt_json_str(o, "port", n->port);
	pgt_json_str(o, "user", n->user);
	pgt_json_str(o, "database", n->database);
	pgt_json_str(o, "version", n->version);
	pgt_json_i64(o, "version_num", n->version_num);
	pgt_json_str(o, "fingerprint", n->fingerprint);
	pgt_json_str(o, "node_id", n->node_id);
	pgt_json_bool(o, "in_recovery", n->in_recovery);
	pgt_json_bool(o, "read_only", n->read_only);
	pgt_json_i64(o, "timeline", n->timeline);
	pgt_json_str(o, "started_at",
		     n->start_real_ns > 0
			 ? pgt_clock_iso8601(n->start_real_ns, buf, sizeof(buf))
			 : NULL);
	pgt_json_bool(o, "pending_restart", n->pending_restart);
}

static void
put_rates(cJSON *top, const struct pgt_rates *r)
{
	cJSON *o = pgt_json_obj(top, "rate");
	const struct {
		const char *name;
		double value;
	} rows[] = {
	    {"tps", r->tps},
	    {"commits", r->commits},
	    {"rollbacks", r->rollbacks},
	    {"hit_ratio", r->hit_ratio},
	    {"blocks_read", r->blks_read},
	    {"blocks_hit", r->blks_hit},
	    {"temp_bytes", r->temp_bytes},
	    {"temp_files", r->temp_files},
	    {"rows_returned", r->tup_returned},
	    {"rows_fetched", r->tup_fetched},
	    {"rows_inserted", r->tup_inserted},
	    {"rows_updated", r->tup_updated},
	    {"rows_deleted", r->tup_deleted},
	    {"deadlocks_in_interval", r->deadlocks},
	    {"conflicts_in_interval", r->conflicts},
	    {"wal_bytes", r->wal_bytes},
	    {"wal_records", r->wal_records},
	    {"wal_fpi", r->wal_fpi},
	    {"checkpoints_timed_in_interval", r->checkpoints_timed},
	    {"checkpoints_requested_in_interval", r->checkpoints_req},
	    {"buffers_checkpoint", r->buffers_checkpoint},
	    {"buffers_clean", r->buffers_clean},
	    {"buffers_backend", r->buffers_backend},
	    {"buffers_alloc", r->buffers_alloc},
	    {"errors", r->errors},
	    {"block_read_ms", r->blk_read_ms},
	    {"block_write_ms", r->blk_write_ms},
	};

	for (size_t i = 0; i < PGT_LEN(rows); i++)
		pgt_json_num(o, rows[i].name, rows[i].value);
}

static void
put_latency(cJSON *top, const struct pgt_latency *l)
{
	static const char *const methods[] = {
	    [PGT_LAT_NONE] = NULL,
	    [PGT_LAT_MIXTURE] = "mixture",
	    [PGT_LAT_AGES] = "mixture+ages",
	    [PGT_LAT_SLOWLOG] = "slowlog",
	};
	cJSON *o = pgt_json_obj(top, "latency");

	pgt_json_num(o, "mean_ms", l->mean_ms);
	pgt_json_num(o, "p50_ms", l->p50_ms);
	pgt_json_num(o, "p95_ms", l->p95_ms);
	pgt_json_num(o, "p99_ms", l->p99_ms);
	pgt_json_num(o, "p99_relative_error", l->p99_err);
	pgt_json_num(o, "calls", l->calls);
	put_s(o, "window_s", l->window_ns);
	pgt_json_str(o, "method", methods[l->method]);
	pgt_json_str(o, "note", l->note);
}

static void
put_sessions(cJSON *top, const struct pgt_sessions *c)
{
	cJSON *o = pgt_json_obj(top, "sessions");

	pgt_json_i64(o, "total", c->total);
	pgt_json_i64(o, "active", c->active);
	pgt_json_i64(o, "idle", c->idle);
	pgt_json_i64(o, "idle_in_transaction", c->idle_in_tx);
	pgt_json_i64(o, "idle_in_transaction_aborted", c->idle_in_tx_aborted);
	pgt_json_i64(o, "waiting", c->waiting);
	pgt_json_i64(o, "blocked", c->blocked);
	pgt_json_i64(o, "max_connections", c->max_connections);
	put_s(o, "oldest_transaction_s", c->oldest_tx_ns);
	if (c->oldest_tx_ns >= 0)
		pgt_json_i64(o, "oldest_transaction_pid", c->oldest_tx_pid);
	put_s(o, "oldest_idle_in_transaction_s", c->oldest_idle_in_tx_ns);
}

static void
put_waits(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *arr = pgt_json_arr(top, "waits");

	for (size_t i = 0; i < s->n_waits; i++) {
		cJSON *o = pgt_json_obj(arr, NULL);

		pgt_json_str(o, "type", s->waits[i].type);
		pgt_json_str(o, "event", s->waits[i].event);
		pgt_json_num(o, "sessions", s->waits[i].sessions);
	}
}

static void
put_locks(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *arr = pgt_json_arr(top, "locks");

	for (size_t i = 0; i < s->n_locks; i++) {
		const struct pgt_lock *k = &s->locks[i];
		cJSON *o = pgt_json_obj(arr, NULL);

		pgt_json_i64(o, "pid", k->pid);
		if (k->parent >= 0)
			pgt_json_i64(o, "blocked_by", s->locks[k->parent].pid);
		else
			pgt_json_null(o, "blocked_by");
		pgt_json_i64(o, "depth", k->depth);
		pgt_json_i64(o, "victims", k->victims);
		pgt_json_bool(o, "soft", k->soft);
		pgt_json_str(o, "lock_type", k->lock_type);
		pgt_json_str(o, "mode", k->mode);
		pgt_json_str(o, "object", k->object);
		put_s(o, "wait_s", k->wait_ns);
	}
}

static void
put_queries(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *arr = pgt_json_arr(top, "queries");
	char id[24];

	for (size_t i = 0; i < s->n_queries; i++) {
		const struct pgt_query *q = &s->queries[i];
		cJSON *o = pgt_json_obj(arr, NULL);

		/* As text: most JSON readers lose digits past 2^53. */
		snprintf(id, sizeof(id), "%lld", (long long)q->key.queryid);
		pgt_json_str(o, "queryid", id);
		pgt_json_i64(o, "userid", q->key.userid);
		pgt_json_i64(o, "dbid", q->key.dbid);
		pgt_json_str(o, "user", q->user);
		pgt_json_str(o, "database", q->database);
		pgt_json_num(o, "time_pct", q->time_pct);
		pgt_json_num(o, "calls", q->calls);
		pgt_json_num(o, "calls_per_s", q->calls_ps);
		pgt_json_num(o, "total_ms", q->total_ms);
		pgt_json_num(o, "mean_ms", q->mean_ms);
		pgt_json_num(o, "p99_ms", q->p99_ms);
		pgt_json_num(o, "rows_per_call", q->rows);
		pgt_json_num(o, "hit_ratio", q->hit_ratio);
		pgt_json_num(o, "temp_blocks_written", q->temp_written);
		pgt_json_num(o, "wal_bytes", q->wal_bytes);
		pgt_json_bool(o, "ours", q->ours);
		pgt_json_str(o, "query", q->text);
	}
}

static void
put_replication(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *arr = pgt_json_arr(top, "replicas");

	for (size_t i = 0; i < s->n_replicas; i++) {
		const struct pgt_replica *r = &s->replicas[i];
		cJSON *o = pgt_json_obj(arr, NULL);

		pgt_json_str(o, "name", r->name);
		pgt_json_str(o, "client", r->client);
		pgt_json_str(o, "state", r->state);
		pgt_json_str(o, "sync_state", r->sync_state);
		pgt_json_num(o, "replay_lag_bytes", r->replay_lag_bytes);
		pgt_json_num(o, "replay_lag_ms", r->replay_lag_ms);
	}
	arr = pgt_json_arr(top, "slots");
	for (size_t i = 0; i < s->n_slots; i++) {
		cJSON *o = pgt_json_obj(arr, NULL);

		pgt_json_str(o, "name", s->slots[i].name);
		pgt_json_bool(o, "active", s->slots[i].active);
		pgt_json_num(o, "retained_bytes", s->slots[i].retained_bytes);
	}
	if (s->receiver.present) {
		cJSON *o = pgt_json_obj(top, "receiver");

		pgt_json_str(o, "status", s->receiver.status);
		pgt_json_num(o, "receive_lag_bytes", s->receiver.receive_lag_bytes);
		pgt_json_num(o, "replay_lag_bytes", s->receiver.replay_lag_bytes);
		pgt_json_bool(o, "replay_paused", s->receiver.replay_paused);
	}
}

static void
put_sections(cJSON *top, const struct pgt_snapshot *s)
{
	cJSON *o = pgt_json_obj(top, "sections");

	for (int i = 0; i < PGT_SEC_N; i++) {
		const struct pgt_section *sec = &s->section[i];
		cJSON *one = pgt_json_obj(o, pgt_section_names[i]);

		pgt_json_bool(one, "available", sec->available);
		if (sec->taken_ns > 0)
			put_s(one, "age_s", s->mono_ns - sec->taken_ns);
		if (sec->why)
			pgt_json_str(one, "why", sec->why);
		if (sec->fix)
			pgt_json_str(one, "fix", sec->fix);
	}
}

static void
put_cost(cJSON *top, const struct pgt_cost *c)
{
	cJSON *o = pgt_json_obj(top, "cost");

	pgt_json_num(o, "server_ms", c->server_ms);
	pgt_json_num(o, "tick_ms", c->tick_ms);
	pgt_json_num(o, "client_cpu_pct", c->client_cpu_pct);
	pgt_json_num(o, "server_cpu_pct", c->server_cpu_pct);
	pgt_json_i64(o, "statements", c->statements);
	pgt_json_u64(o, "bytes", c->bytes);
	put_s(o, "effective_interval_s", c->effective_interval_ns);
	pgt_json_bool(o, "backed_off", c->backed_off);
}

cJSON *
pgt_snapshot_json(const struct pgt_snapshot *s)
{
	cJSON *top = cJSON_CreateObject();
	char buf[40];

	pgt_json_u64(top, "seq", s->seq);
	pgt_json_str(top, "at", pgt_clock_iso8601(s->real_ns, buf, sizeof(buf)));
	put_s(top, "interval_s", s->interval_ns);
	put_gap(top, s->gap);
	put_node(top, &s->node);
	pgt_json_str(top, "workload", pgt_workload_names[s->workload]);
	put_rates(top, &s->rate);
	put_latency(top, &s->latency);
	put_sessions(top, &s->sessions);
	put_waits(top, s);
	put_locks(top, s);
	put_s(top, "queries_window_s", s->statements_window_ns);
	put_queries(top, s);
	put_replication(top, s);
	put_sections(top, s);
	put_cost(top, &s->cost);
	return top;
}
