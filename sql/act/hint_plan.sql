-- Put before the statement, which is then not executed.
EXPLAIN /*pg2une*/ (FORMAT JSON)
