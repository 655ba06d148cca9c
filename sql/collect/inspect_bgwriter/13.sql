-- Checkpoints and background writing, cumulative.
-- columns: checkpoints_timed,checkpoints_req,checkpoint_write_ms,checkpoint_sync_ms,
--   buffers_checkpoint,buffers_clean,maxwritten_clean,buffers_backend,buffers_backend_fsync,
--   buffers_alloc,stats_reset
-- cadence: demand
SELECT /*pg2une*/ b.checkpoints_timed, b.checkpoints_req, b.checkpoint_write_time AS checkpoint_write_ms,
       b.checkpoint_sync_time AS checkpoint_sync_ms, b.buffers_checkpoint, b.buffers_clean,
       b.maxwritten_clean, b.buffers_backend, b.buffers_backend_fsync, b.buffers_alloc,
       b.stats_reset
  FROM pg_catalog.pg_stat_bgwriter b
