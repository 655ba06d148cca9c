-- The busiest tables of this database.  Sizes are relpages estimates: exact ones read
-- every file (4.5 s for 100,000 tables against 30 ms).
-- columns: oid,schema,name,seq_scan,idx_scan,seq_read,ins,upd,del,hot_upd,blks_fetched,
--   blks_hit,live,dead,mod_since_analyze,ins_since_vacuum,size_bytes,last_vacuum_s,
--   last_analyze_s,xid_age,n_indexes,vacuum_threshold,reset_us
-- $1: how many rows at most
-- cadence: slow
WITH t AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, c.relpages, c.reltuples, c.reltoastrelid,
           c.relfrozenxid, c.reloptions,
           pg_catalog.pg_stat_get_tuples_returned(c.oid) AS seq_read,
           pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS ins,
           pg_catalog.pg_stat_get_tuples_updated(c.oid) AS upd,
           pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS del,
           pg_catalog.pg_stat_get_blocks_fetched(c.oid) AS fetched
      FROM pg_catalog.pg_class c
     WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
       AND c.relnamespace <> 11 AND c.relnamespace <> 99
     ORDER BY pg_catalog.pg_stat_get_blocks_fetched(c.oid) DESC, c.relpages DESC
     LIMIT $1::pg_catalog.int4)
SELECT /*pg2une*/ c.oid, n.nspname AS schema, c.relname AS name,
       pg_catalog.pg_stat_get_numscans(c.oid) AS seq_scan,
       x.idx_scan,
       c.seq_read, c.ins, c.upd, c.del,
       pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) AS hot_upd,
       c.fetched AS blks_fetched,
       pg_catalog.pg_stat_get_blocks_hit(c.oid) AS blks_hit,
       pg_catalog.pg_stat_get_live_tuples(c.oid) AS live,
       pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS mod_since_analyze,
       pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) AS ins_since_vacuum,
       (c.relpages + COALESCE(o.relpages, 0))::pg_catalog.int8
           * pg_catalog.current_setting('block_size')::pg_catalog.int8 AS size_bytes,
       pg_catalog.date_part('epoch', pg_catalog.now() - GREATEST(
           pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
           pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)))::pg_catalog.int8 AS last_vacuum_s,
       pg_catalog.date_part('epoch', pg_catalog.now() - GREATEST(
           pg_catalog.pg_stat_get_last_analyze_time(c.oid),
           pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)))::pg_catalog.int8 AS last_analyze_s,
       CASE WHEN c.relfrozenxid <> '0' THEN pg_catalog.age(c.relfrozenxid) END AS xid_age,
       x.n AS n_indexes,
       CASE WHEN pg_catalog.current_setting('autovacuum_vacuum_max_threshold')::pg_catalog.float8 < 0
            THEN COALESCE((SELECT o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) o
                          WHERE o.option_name = 'autovacuum_vacuum_threshold')::pg_catalog.float8,
                pg_catalog.current_setting('autovacuum_vacuum_threshold')::pg_catalog.float8)
           + GREATEST(c.reltuples, 0) * COALESCE((SELECT o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) o
                          WHERE o.option_name = 'autovacuum_vacuum_scale_factor')::pg_catalog.float8,
                pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::pg_catalog.float8)
            ELSE LEAST(pg_catalog.current_setting('autovacuum_vacuum_max_threshold')::pg_catalog.float8,
                COALESCE((SELECT o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) o
                          WHERE o.option_name = 'autovacuum_vacuum_threshold')::pg_catalog.float8,
                pg_catalog.current_setting('autovacuum_vacuum_threshold')::pg_catalog.float8)
           + GREATEST(c.reltuples, 0) * COALESCE((SELECT o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) o
                          WHERE o.option_name = 'autovacuum_vacuum_scale_factor')::pg_catalog.float8,
                pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::pg_catalog.float8)) END AS vacuum_threshold,
       (SELECT (pg_catalog.date_part('epoch', s.stats_reset) * 1000000)::pg_catalog.int8
          FROM pg_catalog.pg_stat_database s
         WHERE s.datname = pg_catalog.current_database()) AS reset_us
  FROM t c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class o ON o.oid = c.reltoastrelid
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) AS n,
              pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) AS idx_scan
         FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid) x
