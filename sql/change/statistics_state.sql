-- $1 schema, $2 statistics object, $3 table
SELECT e.oid IS NOT NULL AS present, pg_catalog.pg_get_statisticsobjdef(e.oid) AS text,
       t.oid IS NOT NULL AS table_known,
       pg_catalog.pg_has_role(t.relowner, 'USAGE') AS owner,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create
  FROM (VALUES (1)) AS one(x)
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1::pg_catalog.text
  LEFT JOIN pg_catalog.pg_statistic_ext e
    ON e.stxnamespace = n.oid AND e.stxname = $2::pg_catalog.text
  LEFT JOIN pg_catalog.pg_class t
    ON t.relnamespace = n.oid AND t.relname = $3::pg_catalog.text
