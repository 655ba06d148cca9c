-- What a copy of the whole server would take: its size, whether there are tablespaces
-- elsewhere, and who its first superuser is.
SELECT (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10) AS superuser,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_tablespace) - 2 AS tablespaces,
       (SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid))
          FROM pg_catalog.pg_database
         WHERE pg_catalog.has_database_privilege(oid, 'CONNECT')
            OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')) AS bytes
