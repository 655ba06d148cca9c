-- Forget a node's optimizer runs that nothing has happened to since a time.
DELETE FROM optimization_runs WHERE node = $1 AND updated_ms < $2
