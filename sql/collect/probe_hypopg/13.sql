-- Does hypopg really answer?  pg_extension says yes without the preload too.
-- columns: n
-- extension: hypopg
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.count(*) AS n FROM @ext@.hypopg()
