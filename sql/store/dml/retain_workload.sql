-- Forget a node's statement counts of one resolution before a time.
DELETE FROM workload_snapshots WHERE node = $1 AND res_s = $2 AND t_ms < $3
