-- Does pgstattuple really answer?  pg_extension says yes without the preload too.
-- columns: n
-- extension: pgstattuple
-- cadence: demand
SELECT /*pg2une*/ CASE WHEN pg_catalog.has_function_privilege('@ext@.pgstattuple(regclass)', 'EXECUTE') THEN 1 END AS n
