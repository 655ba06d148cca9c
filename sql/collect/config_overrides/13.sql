-- Settings of roles and databases, which win over the files.
-- columns: database,role,name,value
-- cadence: demand
SELECT /*pg2une*/ d.datname AS database, r.rolname AS role,
       pg_catalog.split_part(c.item, '=', 1) AS name,
       pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1) AS value
  FROM pg_catalog.pg_db_role_setting s
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
       pg_catalog.unnest(s.setconfig) AS c(item)
 ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3
