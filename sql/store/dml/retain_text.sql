-- Forget query texts that nothing refers to any more.
DELETE FROM query_text
WHERE queryid NOT IN (SELECT queryid FROM workload_snapshots)
