-- History, version 1, SQLite.  postgres_1.sql is the same schema.
CREATE TABLE node (
	id integer PRIMARY KEY,
	fingerprint text NOT NULL,
	node_id text NOT NULL UNIQUE,
	name text
);
CREATE TABLE system_snapshots (
	node integer NOT NULL, res_s integer NOT NULL, t_ms integer NOT NULL,
	tps real, rollbacks real, latency_mean real, latency_p50 real, latency_p95 real,
	latency_p99 real, buffer_hit_ratio real, conn_active real, conn_idle real,
	conn_waiting real, blocked real, temp_bytes real, wal_bytes real,
	replica_lag_bytes real, errors real,
	PRIMARY KEY (node, res_s, t_ms)
) WITHOUT ROWID;
CREATE TABLE workload_snapshots (
	node integer NOT NULL, res_s integer NOT NULL, t_ms integer NOT NULL,
	queryid integer NOT NULL, userid integer NOT NULL, dbid integer NOT NULL,
	calls_delta integer, mean_exec_time real, total_exec_time real, var_exec_time real,
	rows integer, shared_blks_hit integer, shared_blks_read integer,
	temp_blks_written integer,
	PRIMARY KEY (node, res_s, t_ms, queryid, userid, dbid)
) WITHOUT ROWID;
CREATE INDEX workload_by_query ON workload_snapshots (node, queryid, t_ms);
CREATE TABLE query_text (queryid integer PRIMARY KEY, query text NOT NULL);
CREATE TABLE optimizer_observations (
	id integer PRIMARY KEY, node integer NOT NULL, t_ms integer NOT NULL, run text,
	workload_type text, config text, score real, score_type text,
	baseline_metrics text, measured_metrics text, improvement_pct real
);
CREATE TABLE optimization_runs (
	id text PRIMARY KEY, node integer NOT NULL, created_ms integer NOT NULL,
	updated_ms integer NOT NULL, action text, status text, config text,
	baseline_metrics text, result_metrics text, improvement_pct real,
	deployment_state text, canary_workload_id text, body text
);
CREATE TABLE alerts (
	id text PRIMARY KEY, node integer NOT NULL, onset_ms integer NOT NULL,
	detected_ms integer NOT NULL, cleared_ms integer, metric text, direction text,
	severity text, confidence real, magnitude real, state text, body text
);
CREATE INDEX alerts_by_time ON alerts (node, detected_ms);
CREATE TABLE changes (
	id text PRIMARY KEY, node integer NOT NULL, created_ms integer NOT NULL,
	updated_ms integer NOT NULL, state text, body text
);
CREATE TABLE settings_history (
	node integer NOT NULL, t_ms integer NOT NULL, name text NOT NULL,
	value text, unit text, source text, sourcefile text,
	PRIMARY KEY (node, name, t_ms)
) WITHOUT ROWID;
CREATE TABLE dismissals (
	node integer NOT NULL, identity text NOT NULL, until_ms integer,
	evidence text, state text NOT NULL, PRIMARY KEY (node, identity)
) WITHOUT ROWID;
