-- Counters of the whole server, for the time since the reset and between two readings.
-- columns: at_s,reset_s,db_s,checkpoints_timed,checkpoints_req,checkpoint_write_ms,
--   checkpoint_sync_ms,buffers_checkpoint,buffers_clean,buffers_backend,buffers_alloc,
--   maxwritten_clean,temp_files,
--   temp_bytes,blks_hit,blks_read,xacts,rollbacks,deadlocks,sessions,sessions_abandoned,
--   session_ms,wal_bytes,wal_fpi,wal_records,wal_full
-- cadence: demand
SELECT /*pg2une*/ date_part('epoch', now()) AS at_s, date_part('epoch', now() - b.stats_reset) AS reset_s,
       date_part('epoch', now() - LEAST(b.stats_reset, pg_postmaster_start_time(), d.reset)) AS db_s,
       b.checkpoints_timed, b.checkpoints_req, b.checkpoint_write_time AS checkpoint_write_ms,
       b.checkpoint_sync_time AS checkpoint_sync_ms, b.buffers_checkpoint,
       b.buffers_clean, b.buffers_backend AS buffers_backend, b.buffers_alloc,
       b.maxwritten_clean,
       d.temp_files, d.temp_bytes, d.blks_hit, d.blks_read, d.xacts, d.rollbacks, d.deadlocks,
       NULL::float8 AS sessions, NULL::float8 AS sessions_abandoned, NULL::float8 AS session_ms,
       NULL::float8 AS wal_bytes, NULL::float8 AS wal_fpi, NULL::float8 AS wal_records,
       NULL::float8 AS wal_full
  FROM pg_catalog.pg_stat_bgwriter b,
       (SELECT sum(x.temp_files) AS temp_files, sum(x.temp_bytes) AS temp_bytes,
               sum(x.blks_hit) AS blks_hit, sum(x.blks_read) AS blks_read,
               sum(x.xact_commit + x.xact_rollback) AS xacts, sum(x.xact_rollback) AS rollbacks,
               min(x.stats_reset) AS reset, sum(x.deadlocks) AS deadlocks
          FROM pg_catalog.pg_stat_database x) d
