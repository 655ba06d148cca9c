-- The first statement of every session: by set_config, because a pooler may
-- refuse startup options.  $1 statement_timeout, $2 lock_timeout,
-- $3 idle_in_transaction_session_timeout, $4 default_transaction_read_only or
-- NULL, $5 idle_session_timeout (14 and later).
-- columns: search_path,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,
--   datestyle,intervalstyle,extra_float_digits,jit,read_only,idle_session_timeout
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.set_config('search_path', '', false) AS search_path,
       pg_catalog.set_config('statement_timeout', $1::pg_catalog.text, false) AS statement_timeout,
       pg_catalog.set_config('lock_timeout', $2::pg_catalog.text, false) AS lock_timeout,
       pg_catalog.set_config('idle_in_transaction_session_timeout', $3::pg_catalog.text, false)
           AS idle_in_transaction_session_timeout,
       pg_catalog.set_config('datestyle', 'ISO', false) AS datestyle,
       pg_catalog.set_config('intervalstyle', 'postgres', false) AS intervalstyle,
       pg_catalog.set_config('extra_float_digits', '1', false) AS extra_float_digits,
       -- ours are short: where the threshold was lowered, compiling them takes seconds
       pg_catalog.set_config('jit', 'off', false) AS jit,
       CASE WHEN $4::pg_catalog.text IS NOT NULL THEN
           pg_catalog.set_config('default_transaction_read_only', $4::pg_catalog.text, false)
       END AS read_only,
       pg_catalog.set_config('idle_session_timeout', $5::pg_catalog.text, false)
           AS idle_session_timeout
