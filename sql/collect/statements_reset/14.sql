-- When pg_stat_statements was reset, and what it has evicted.
-- columns: stats_reset,dealloc
-- extension: pg_stat_statements
-- cadence: demand
SELECT /*pg2une*/ i.stats_reset, i.dealloc FROM @ext@.pg_stat_statements_info i
