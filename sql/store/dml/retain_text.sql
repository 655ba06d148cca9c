DELETE FROM query_text
WHERE queryid NOT IN (SELECT queryid FROM workload_snapshots)
