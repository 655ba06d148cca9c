-- Ten-minute points out of the minutes in [$2, $3) ms, both at full buckets; those that
-- are there stay.  In order, so that a range of them lies together.
INSERT INTO system_snapshots (node, res_s, t_ms, tps, rollbacks, latency_mean, latency_p50,
	latency_p95, latency_p99, buffer_hit_ratio, conn_active, conn_idle, conn_waiting,
	blocked, temp_bytes, wal_bytes, replica_lag_bytes, errors)
SELECT node, 600, t_ms / 600000 * 600000, avg(tps), avg(rollbacks), avg(latency_mean),
	avg(latency_p50), avg(latency_p95), avg(latency_p99), avg(buffer_hit_ratio),
	avg(conn_active), avg(conn_idle), avg(conn_waiting), avg(blocked), avg(temp_bytes),
	avg(wal_bytes), avg(replica_lag_bytes), avg(errors)
FROM system_snapshots
WHERE node = $1 AND res_s = 60 AND t_ms >= $2 AND t_ms < $3
GROUP BY node, t_ms / 600000
ORDER BY t_ms / 600000
ON CONFLICT (node, res_s, t_ms) DO NOTHING
