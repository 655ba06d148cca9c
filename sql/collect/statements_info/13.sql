-- Evictions and the last reset; the view came with pg_stat_statements 1.9.
-- columns: dealloc,reset_us
-- extension: pg_stat_statements 1.9
-- cadence: tick
SELECT /*pg2une*/ i.dealloc, (pg_catalog.date_part('epoch', i.stats_reset) * 1000000)::pg_catalog.int8 AS reset_us
  FROM @ext@.pg_stat_statements_info() i
