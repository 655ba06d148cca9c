-- History, version 1, PostgreSQL.  sqlite_1.sql is the same schema.
CREATE TABLE node (
	id bigserial PRIMARY KEY,
	fingerprint text NOT NULL,
	node_id text NOT NULL UNIQUE,
	name text
);
CREATE TABLE system_snapshots (
	node bigint NOT NULL, res_s bigint NOT NULL, t_ms bigint NOT NULL,
	tps double precision, rollbacks double precision, latency_mean double precision, latency_p50 double precision, latency_p95 double precision,
	latency_p99 double precision, buffer_hit_ratio double precision, conn_active double precision, conn_idle double precision,
	conn_waiting double precision, blocked double precision, temp_bytes double precision, wal_bytes double precision,
	replica_lag_bytes double precision, errors double precision,
	PRIMARY KEY (node, res_s, t_ms)
);
CREATE TABLE workload_snapshots (
	node bigint NOT NULL, res_s bigint NOT NULL, t_ms bigint NOT NULL,
	queryid bigint NOT NULL, userid bigint NOT NULL, dbid bigint NOT NULL,
	calls_delta bigint, mean_exec_time double precision, total_exec_time double precision, var_exec_time double precision,
	rows bigint, shared_blks_hit bigint, shared_blks_read bigint,
	temp_blks_written bigint,
	PRIMARY KEY (node, res_s, t_ms, queryid, userid, dbid)
);
CREATE INDEX workload_by_query ON workload_snapshots (node, queryid, t_ms);
CREATE TABLE query_text (queryid bigint PRIMARY KEY, query text NOT NULL);
CREATE TABLE optimizer_observations (
	id bigserial PRIMARY KEY, node bigint NOT NULL, t_ms bigint NOT NULL, run text,
	workload_type text, config text, score double precision, score_type text,
	baseline_metrics text, measured_metrics text, improvement_pct double precision
);
CREATE TABLE optimization_runs (
	id text PRIMARY KEY, node bigint NOT NULL, created_ms bigint NOT NULL,
	updated_ms bigint NOT NULL, action text, status text, config text,
	baseline_metrics text, result_metrics text, improvement_pct double precision,
	deployment_state text, canary_workload_id text, body text
);
CREATE TABLE alerts (
	id text PRIMARY KEY, node bigint NOT NULL, onset_ms bigint NOT NULL,
	detected_ms bigint NOT NULL, cleared_ms bigint, metric text, direction text,
	severity text, confidence double precision, magnitude double precision, state text, body text
);
CREATE INDEX alerts_by_time ON alerts (node, detected_ms);
CREATE TABLE changes (
	id text PRIMARY KEY, node bigint NOT NULL, created_ms bigint NOT NULL,
	updated_ms bigint NOT NULL, state text, body text
);
CREATE TABLE settings_history (
	node bigint NOT NULL, t_ms bigint NOT NULL, name text NOT NULL,
	value text, unit text, source text, sourcefile text,
	PRIMARY KEY (node, name, t_ms)
);
CREATE TABLE dismissals (
	node bigint NOT NULL, identity text NOT NULL, until_ms bigint,
	evidence text, state text NOT NULL, PRIMARY KEY (node, identity)
);
