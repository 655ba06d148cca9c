-- Keep what one statement did in one interval.
INSERT INTO workload_snapshots (node, res_s, t_ms, queryid, userid, dbid, calls_delta,
	mean_exec_time, total_exec_time, var_exec_time, rows, shared_blks_hit,
	shared_blks_read, temp_blks_written)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (node, res_s, t_ms, queryid, userid, dbid) DO NOTHING
