-- The generic plan of the prepared statement; followed by its arguments, all NULL.
EXPLAIN /*pg2une*/ (FORMAT JSON) EXECUTE pg2une_plan
