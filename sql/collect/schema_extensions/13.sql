-- Installed extensions and the version that the files would give.
-- columns: name,version,available,q_schema
-- cadence: demand
SELECT /*pg2une*/ e.extname AS name, e.extversion AS version, a.default_version AS available,
       quote_ident(n.nspname) AS q_schema
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname
 ORDER BY 1
 LIMIT 200
