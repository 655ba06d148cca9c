-- Names of roles and databases by oid.
-- columns: kind,oid,name
-- cadence: slow
(SELECT /*pg2une*/ 'd' AS kind, d.oid, d.datname AS name FROM pg_catalog.pg_database d LIMIT 5000)
UNION ALL
(SELECT 'r', r.oid, r.rolname FROM pg_catalog.pg_roles r LIMIT 5000)
