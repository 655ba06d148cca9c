-- Ten-minute buckets out of the minutes in [$2, $3) ms, both at full buckets; those
-- that are there stay.  The variance is that within and between the minutes.
INSERT INTO workload_snapshots (node, res_s, t_ms, queryid, userid, dbid, calls_delta,
	mean_exec_time, total_exec_time, var_exec_time, rows, shared_blks_hit,
	shared_blks_read, temp_blks_written)
SELECT node, 600, t_ms / 600000 * 600000, queryid, userid, dbid, sum(calls_delta),
	sum(total_exec_time) / sum(calls_delta), sum(total_exec_time),
	sum(calls_delta * (coalesce(var_exec_time, 0) + mean_exec_time * mean_exec_time))
		/ sum(calls_delta)
		- (sum(total_exec_time) / sum(calls_delta))
		* (sum(total_exec_time) / sum(calls_delta)),
	sum(rows), sum(shared_blks_hit), sum(shared_blks_read), sum(temp_blks_written)
FROM workload_snapshots
WHERE node = $1 AND res_s = 60 AND t_ms >= $2 AND t_ms < $3 AND calls_delta > 0
GROUP BY node, t_ms / 600000, queryid, userid, dbid
ORDER BY t_ms / 600000
ON CONFLICT (node, res_s, t_ms, queryid, userid, dbid) DO NOTHING
