-- Statements of applications name their tables without a schema.
SELECT set_config('search_path', $1, false)
