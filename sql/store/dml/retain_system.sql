-- Forget a node's points of one resolution before a time.
DELETE FROM system_snapshots WHERE node = $1 AND res_s = $2 AND t_ms < $3
