-- A node's statement counts in [from, to) of one resolution, in order.
SELECT t_ms, queryid, userid, dbid, calls_delta, mean_exec_time, total_exec_time,
	var_exec_time
FROM workload_snapshots
WHERE node = $1 AND res_s = $2 AND t_ms >= $3 AND t_ms < $4
ORDER BY t_ms
