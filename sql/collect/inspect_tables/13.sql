-- The most worked-on tables.  LIMIT keeps 100,000 tables affordable; sizes are
-- relpages, since asking for exact ones locks each table and reads its files.
-- columns: relid,schema,name,seq_scan,seq_tup_read,idx_scan,idx_tup_fetch,n_tup_ins,
--   n_tup_upd,n_tup_del,n_tup_hot_upd,n_live_tup,n_dead_tup,n_mod_since_analyze,
--   size_bytes,last_vacuum,last_analyze,stats_reset
-- cadence: demand
SELECT /*pg2une*/ t.relid, t.schemaname AS schema, t.relname AS name, t.seq_scan, t.seq_tup_read,
       t.idx_scan, t.idx_tup_fetch, t.n_tup_ins, t.n_tup_upd, t.n_tup_del, t.n_tup_hot_upd,
       t.n_live_tup, t.n_dead_tup, t.n_mod_since_analyze,
       c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
           AS size_bytes,
       GREATEST(t.last_vacuum, t.last_autovacuum) AS last_vacuum,
       GREATEST(t.last_analyze, t.last_autoanalyze) AS last_analyze,
       (SELECT d.stats_reset FROM pg_catalog.pg_stat_database d
         WHERE d.datname = pg_catalog.current_database()) AS stats_reset
  FROM pg_catalog.pg_stat_user_tables t
  JOIN pg_catalog.pg_class c ON c.oid = t.relid
 ORDER BY t.seq_tup_read + COALESCE(t.idx_tup_fetch, 0) + t.n_tup_ins + t.n_tup_upd
          + t.n_tup_del DESC, t.n_live_tup DESC, t.relid
 LIMIT 200
