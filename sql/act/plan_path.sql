-- Statements of applications name their tables without a schema.
SELECT /*pg2une*/ set_config('search_path', $1, false)
