-- A node's points in [from, to) of one resolution, in order, as means of $5 milliseconds.
SELECT t_ms / $5 * $5, avg(tps), avg(rollbacks), avg(latency_mean), avg(latency_p50),
	avg(latency_p95), avg(latency_p99), avg(buffer_hit_ratio), avg(conn_active),
	avg(conn_idle), avg(conn_waiting), avg(blocked), avg(temp_bytes), avg(wal_bytes),
	avg(replica_lag_bytes), avg(errors)
FROM system_snapshots
WHERE node = $1 AND res_s = $2 AND t_ms >= $3 AND t_ms < $4
GROUP BY t_ms / $5
ORDER BY t_ms / $5
