-- WAL, cumulative; writes and syncs moved to pg_stat_io (object wal).
-- columns: wal_records,wal_fpi,wal_bytes,wal_buffers_full,wal_write,wal_sync,wal_write_ms,
--   wal_sync_ms,stats_reset
-- cadence: demand
SELECT /*pg2une*/ w.wal_records, w.wal_fpi, w.wal_bytes, w.wal_buffers_full, NULL::pg_catalog.int8 AS wal_write,
       NULL::pg_catalog.int8 AS wal_sync, NULL::pg_catalog.float8 AS wal_write_ms,
       NULL::pg_catalog.float8 AS wal_sync_ms, w.stats_reset
  FROM pg_catalog.pg_stat_wal w
