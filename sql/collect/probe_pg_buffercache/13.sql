-- Does pg_buffercache really answer?  pg_extension says yes without the preload too.
-- columns: n
-- extension: pg_buffercache
-- cadence: demand
SELECT /*pg2une*/ CASE WHEN pg_catalog.has_function_privilege('@ext@.pg_buffercache_pages()', 'EXECUTE') THEN 1 END AS n
