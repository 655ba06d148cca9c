-- Does pg_wait_sampling really answer?  pg_extension says yes without the preload too.
-- columns: n
-- extension: pg_wait_sampling
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.count(*) AS n FROM @ext@.pg_wait_sampling_get_current(NULL)
