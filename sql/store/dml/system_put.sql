-- Keep one point of one resolution; what was kept first stays.
INSERT INTO system_snapshots (node, res_s, t_ms, tps, rollbacks, latency_mean, latency_p50,
	latency_p95, latency_p99, buffer_hit_ratio, conn_active, conn_idle, conn_waiting,
	blocked, temp_bytes, wal_bytes, replica_lag_bytes, errors)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (node, res_s, t_ms) DO NOTHING
