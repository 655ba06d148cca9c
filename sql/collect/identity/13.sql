-- Who answers: allowed to every role; what needs more is NULL.
-- columns: server_version_num,server_version,addr,inet_port,port,datid,database,
--   user_name,cluster_name,datadir,in_recovery,start_epoch,backend_pid
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version_num,
       pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.host(pg_catalog.inet_server_addr()) AS addr,
       pg_catalog.inet_server_port() AS inet_port,
       pg_catalog.current_setting('port')::pg_catalog.int4 AS port,
       d.oid AS datid,
       d.datname AS database,
       CURRENT_USER AS user_name,
       pg_catalog.current_setting('cluster_name') AS cluster_name,
       CASE WHEN pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
            THEN pg_catalog.current_setting('data_directory') END AS datadir,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) AS start_epoch,
       pg_catalog.pg_backend_pid() AS backend_pid
  FROM pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()
