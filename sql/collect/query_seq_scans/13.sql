-- Tables of $1 rows and more that are mostly read by sequential scans, which read much
-- and often.  $2 a table, or NULL.
-- columns: schema,table,rows,seq_scan,seq_tup_read,rows_per_scan,idx_scan,size_bytes,
--   stats_age_s
-- cadence: demand
SELECT /*pg2une*/ t.schemaname AS schema, t.relname AS table, live.rows, t.seq_scan, t.seq_tup_read,
       t.seq_tup_read / t.seq_scan AS rows_per_scan, COALESCE(t.idx_scan, 0) AS idx_scan,
       c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
           AS size_bytes,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - COALESCE(d.stats_reset,
           pg_catalog.pg_postmaster_start_time())) AS stats_age_s
  FROM pg_catalog.pg_stat_user_tables t
  JOIN pg_catalog.pg_class c ON c.oid = t.relid
  JOIN pg_catalog.pg_stat_database d ON d.datname = pg_catalog.current_database(),
       LATERAL (SELECT GREATEST(c.reltuples::pg_catalog.int8, t.n_live_tup) AS rows) live
 WHERE live.rows >= $1::pg_catalog.int8 AND t.seq_scan >= 10
   AND t.seq_tup_read / t.seq_scan >= live.rows / 10
   AND t.seq_scan > COALESCE(t.idx_scan, 0)
   AND ($2::pg_catalog.text IS NULL OR t.relid = pg_catalog.to_regclass($2::pg_catalog.text)::pg_catalog.oid)
 ORDER BY t.seq_tup_read DESC, 1, 2
 LIMIT 50
