-- How many entries there are, and how many of them the role may not see.
-- columns: n_total,n_hidden,max
-- extension: pg_stat_statements 1.8
-- cadence: slow
SELECT /*pg2une*/ pg_catalog.count(*) AS n_total,
       pg_catalog.count(*) - pg_catalog.count(s.queryid) AS n_hidden,
       pg_catalog.current_setting('pg_stat_statements.max', true)::pg_catalog.int8 AS max
  FROM @ext@.pg_stat_statements(false) s
