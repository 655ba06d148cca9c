-- Who holds the lock in this database.  $1: the key
SELECT l.pid,
       (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8 AS backend_start_us,
       a.usename, a.application_name, pg_catalog.host(a.client_addr) AS client
  FROM pg_catalog.pg_locks l
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                      WHERE d.datname = pg_catalog.current_database())
   AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 = $1::pg_catalog.int8
 LIMIT 1
