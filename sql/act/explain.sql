-- The statement follows; it is planned, never executed.
EXPLAIN (VERBOSE, SETTINGS) 
