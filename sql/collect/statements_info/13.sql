-- Evictions and the last reset; the view came with pg_stat_statements 1.9.
-- columns: dealloc,reset_us,max
-- extension: pg_stat_statements 1.9
-- cadence: tick
SELECT /*pg2une*/ i.dealloc, (pg_catalog.date_part('epoch', i.stats_reset) * 1000000)::pg_catalog.int8 AS reset_us,
       pg_catalog.current_setting('pg_stat_statements.max', true)::pg_catalog.int8 AS max
  FROM @ext@.pg_stat_statements_info() i
