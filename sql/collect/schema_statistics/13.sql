-- Extended statistics that exist.
-- columns: table,name,kinds,att
-- cadence: demand
SELECT /*pg2une*/ e.stxrelid AS table, e.stxname AS name,
       array_to_string(e.stxkind, ',') AS kinds, e.stxkeys::text AS att
  FROM pg_catalog.pg_statistic_ext e
 WHERE e.stxrelid = ANY ($1::oid[])
 LIMIT 5000
