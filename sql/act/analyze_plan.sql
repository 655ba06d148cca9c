-- Put before the statement, which is then not executed.
EXPLAIN (FORMAT JSON)
