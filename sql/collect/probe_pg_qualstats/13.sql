-- Does pg_qualstats really answer?  pg_extension says yes without the preload too.
-- columns: n
-- extension: pg_qualstats
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.count(*) AS n FROM @ext@.pg_qualstats()
