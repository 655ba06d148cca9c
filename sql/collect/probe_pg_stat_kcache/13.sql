-- Does pg_stat_kcache really answer?  pg_extension says yes without the preload too.
-- columns: n
-- extension: pg_stat_kcache
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.count(*) AS n FROM @ext@.pg_stat_kcache()
