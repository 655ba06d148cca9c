-- The statement sees names as its user's sessions do; ours see none, and run without JIT.
-- $1 the time limit.
-- Taking a snapshot here also pins READ ONLY: it cannot be switched back after that.
SELECT pg_catalog.set_config('search_path',
           (SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'search_path'), true),
       pg_catalog.set_config('jit',
           (SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'jit'), true),
       pg_catalog.set_config('statement_timeout', $1::pg_catalog.text, true)
