-- The server as a whole: identity, start, and counters over all databases.
-- columns: version,start_time,uptime_s,config_load_time,in_recovery,data_directory,
--   databases,connections,max_connections,xact_commit,xact_rollback,blks_read,blks_hit,
--   tup_returned,tup_fetched,tup_inserted,tup_updated,tup_deleted,temp_files,temp_bytes,
--   deadlocks,stats_reset
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.current_setting('server_version') AS version,
       pg_catalog.pg_postmaster_start_time() AS start_time,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
           - pg_catalog.pg_postmaster_start_time()) AS uptime_s,
       pg_catalog.pg_conf_load_time() AS config_load_time,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       CASE WHEN pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
            THEN pg_catalog.current_setting('data_directory') END AS data_directory,
       pg_catalog.count(*) FILTER (WHERE d.datname IS NOT NULL) AS databases,
       pg_catalog.sum(d.numbackends)::pg_catalog.int8 AS connections,
       pg_catalog.current_setting('max_connections')::pg_catalog.int8 AS max_connections,
       pg_catalog.sum(d.xact_commit)::pg_catalog.int8 AS xact_commit,
       pg_catalog.sum(d.xact_rollback)::pg_catalog.int8 AS xact_rollback,
       pg_catalog.sum(d.blks_read)::pg_catalog.int8 AS blks_read,
       pg_catalog.sum(d.blks_hit)::pg_catalog.int8 AS blks_hit,
       pg_catalog.sum(d.tup_returned)::pg_catalog.int8 AS tup_returned,
       pg_catalog.sum(d.tup_fetched)::pg_catalog.int8 AS tup_fetched,
       pg_catalog.sum(d.tup_inserted)::pg_catalog.int8 AS tup_inserted,
       pg_catalog.sum(d.tup_updated)::pg_catalog.int8 AS tup_updated,
       pg_catalog.sum(d.tup_deleted)::pg_catalog.int8 AS tup_deleted,
       pg_catalog.sum(d.temp_files)::pg_catalog.int8 AS temp_files,
       pg_catalog.sum(d.temp_bytes)::pg_catalog.int8 AS temp_bytes,
       pg_catalog.sum(d.deadlocks)::pg_catalog.int8 AS deadlocks,
       pg_catalog.max(d.stats_reset) AS stats_reset
  FROM pg_catalog.pg_stat_database d
