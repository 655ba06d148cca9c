-- Which node answers, now.  After a promotion pg_control_checkpoint() still says
-- the old timeline, so a primary is asked for the WAL file it writes.  $1: the key
SELECT (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s) AS system_identifier,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN (SELECT c.timeline_id FROM pg_catalog.pg_control_checkpoint() c)
            ELSE ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(
                      pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::pg_catalog.bit(32)::pg_catalog.int4
       END AS timeline,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       (pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) * 1000000)::pg_catalog.int8
           AS start_us,
       CASE WHEN pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
            THEN pg_catalog.current_setting('data_directory') END AS datadir,
       pg_catalog.host(pg_catalog.inet_server_addr()) AS addr,
       pg_catalog.current_setting('port')::pg_catalog.int4 AS port,
       pg_catalog.pg_backend_pid() AS pid,
       EXISTS (SELECT FROM pg_catalog.pg_locks l
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                  AND l.pid = pg_catalog.pg_backend_pid()
                  AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8
                      = $1::pg_catalog.int8) AS locked
