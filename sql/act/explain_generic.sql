-- The statement follows; $1 and the like need no value (PostgreSQL 16).
EXPLAIN (GENERIC_PLAN, VERBOSE, SETTINGS) 
