-- Reads and writes by who, on what and why; rows that never did anything are left out.
-- columns: backend,object,context,reads,writes,extends,fsyncs,evictions,hits,read_bytes,
--   write_bytes,read_ms,write_ms,fsync_ms,reset_us
-- cadence: tick
SELECT /*pg2une*/ s.backend_type AS backend, s.object, s.context,
       s.reads, s.writes, s.extends, s.fsyncs, s.evictions, s.hits,
       s.read_bytes AS read_bytes, s.write_bytes AS write_bytes,
       s.read_time AS read_ms, s.write_time AS write_ms, s.fsync_time AS fsync_ms,
       (pg_catalog.date_part('epoch', s.stats_reset) * 1000000)::pg_catalog.int8 AS reset_us
  FROM pg_catalog.pg_stat_io s
 WHERE s.reads > 0 OR s.writes > 0 OR s.extends > 0 OR s.fsyncs > 0 OR s.hits > 0
