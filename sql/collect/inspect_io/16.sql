-- I/O by kind of backend, object and context, cumulative; idle rows left out.
-- columns: backend_type,object,context,reads,writes,extends,hits,evictions,reuses,fsyncs,
--   read_ms,write_ms,stats_reset
-- cadence: demand
SELECT /*pg2une*/ i.backend_type, i.object, i.context, i.reads, i.writes, i.extends, i.hits, i.evictions,
       i.reuses, i.fsyncs, i.read_time AS read_ms, i.write_time AS write_ms, i.stats_reset
  FROM pg_catalog.pg_stat_io i
 WHERE COALESCE(i.reads, 0) + COALESCE(i.writes, 0) + COALESCE(i.extends, 0)
       + COALESCE(i.hits, 0) + COALESCE(i.fsyncs, 0) > 0
 ORDER BY 1, 2, 3
