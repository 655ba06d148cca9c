-- Checkpoints and background writing, cumulative; backends' own writes moved to pg_stat_io.
-- columns: checkpoints_timed,checkpoints_req,checkpoint_write_ms,checkpoint_sync_ms,
--   buffers_checkpoint,buffers_clean,maxwritten_clean,buffers_backend,buffers_backend_fsync,
--   buffers_alloc,stats_reset
-- cadence: demand
SELECT /*pg2une*/ c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_req,
       c.write_time AS checkpoint_write_ms, c.sync_time AS checkpoint_sync_ms,
       c.buffers_written AS buffers_checkpoint, b.buffers_clean, b.maxwritten_clean,
       NULL::pg_catalog.int8 AS buffers_backend, NULL::pg_catalog.int8 AS buffers_backend_fsync,
       b.buffers_alloc, GREATEST(b.stats_reset, c.stats_reset) AS stats_reset
  FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_checkpointer c
