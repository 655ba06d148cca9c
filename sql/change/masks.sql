-- Roles and databases with a value of their own, which hides the server's.  $1: the setting
SELECT d.datname AS database, r.rolname AS role, u.u AS text
  FROM pg_catalog.pg_db_role_setting x
  CROSS JOIN LATERAL pg_catalog.unnest(x.setconfig) AS u(u)
  LEFT JOIN pg_catalog.pg_database d ON d.oid = x.setdatabase
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.setrole
 WHERE pg_catalog.lower(pg_catalog.split_part(u.u, '=', 1)) = pg_catalog.lower($1::pg_catalog.text)
 ORDER BY 1, 2
 LIMIT 20
