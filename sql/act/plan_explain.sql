-- The generic plan of the prepared statement; followed by its arguments, all NULL.
EXPLAIN (FORMAT JSON) EXECUTE pg2une_plan
