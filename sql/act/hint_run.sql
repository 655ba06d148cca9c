-- Put before the statement.  TIMING is what tells where the time goes, and what JIT took.
EXPLAIN /*pg2une*/ (ANALYZE, TIMING ON, FORMAT JSON)
