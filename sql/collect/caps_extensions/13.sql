-- Extensions that we can use, installed in this database or installable.
-- columns: name,version,schema,available
-- cadence: demand
SELECT /*pg2une*/ n.name, e.extversion AS version, pg_catalog.quote_ident(s.nspname) AS schema,
       EXISTS (SELECT FROM pg_catalog.pg_available_extensions a WHERE a.name = n.name) AS available
  FROM pg_catalog.unnest('{pg_stat_statements,hypopg,pg_qualstats,pg_hint_plan,pgstattuple,pg_buffercache,pg_stat_kcache,pg_wait_sampling,vector}'::pg_catalog.name[]) AS n(name)
  LEFT JOIN pg_catalog.pg_extension e ON e.extname = n.name
  LEFT JOIN pg_catalog.pg_namespace s ON s.oid = e.extnamespace
