-- A setting of a database, a role, or a role in a database.
-- $1 database or NULL, $2 role or NULL, $3 name
SELECT d.oid IS NOT NULL OR $1::pg_catalog.text IS NULL AS database_known,
       r.oid IS NOT NULL OR $2::pg_catalog.text IS NULL AS role_known,
       CASE WHEN d.oid IS NOT NULL THEN pg_catalog.pg_has_role(d.datdba, 'USAGE') END AS database_owner,
       c.text IS NOT NULL AS present, c.text
  FROM (VALUES (1)) AS one(x)
  LEFT JOIN pg_catalog.pg_database d ON d.datname = $1::pg_catalog.text
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = $2::pg_catalog.text
  LEFT JOIN LATERAL (
       SELECT pg_catalog.substr(u, pg_catalog.strpos(u, '=') + 1) AS text
         FROM pg_catalog.pg_db_role_setting x, pg_catalog.unnest(x.setconfig) u
        WHERE x.setdatabase = COALESCE(d.oid, 0) AND x.setrole = COALESCE(r.oid, 0)
          AND pg_catalog.lower(pg_catalog.split_part(u, '=', 1))
              = pg_catalog.lower($3::pg_catalog.text)) c ON true
