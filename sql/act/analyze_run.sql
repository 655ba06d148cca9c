-- Put before the statement.
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
