-- WAL, cumulative.
-- columns: wal_records,wal_fpi,wal_bytes,wal_buffers_full,wal_write,wal_sync,wal_write_ms,
--   wal_sync_ms,stats_reset
-- cadence: demand
SELECT /*pg2une*/ w.wal_records, w.wal_fpi, w.wal_bytes, w.wal_buffers_full, w.wal_write, w.wal_sync,
       w.wal_write_time AS wal_write_ms, w.wal_sync_time AS wal_sync_ms, w.stats_reset
  FROM pg_catalog.pg_stat_wal w
