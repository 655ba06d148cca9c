-- A node's points in [from, to) of one resolution, in order.
SELECT t_ms, tps, rollbacks, latency_mean, latency_p50, latency_p95, latency_p99,
	buffer_hit_ratio, conn_active, conn_idle, conn_waiting, blocked, temp_bytes,
	wal_bytes, replica_lag_bytes, errors
FROM system_snapshots
WHERE node = $1 AND res_s = $2 AND t_ms >= $3 AND t_ms < $4
ORDER BY t_ms
