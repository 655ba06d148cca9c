-- What autovacuum has before it: each table's dead rows against its own threshold
-- (storage parameters first), and its age against the freeze limit.
-- columns: schema,table,live_rows,dead_rows,threshold,due_ratio,mod_since_analyze,
--   last_vacuum,last_autovacuum,last_analyze,last_autoanalyze,vacuum_count,
--   autovacuum_count,xid_age,freeze_max_age,freeze_ratio,autovacuum_enabled
-- cadence: demand
SELECT /*pg2une*/ q.schema, q.table, q.live_rows, q.dead_rows, q.threshold,
       q.dead_rows / GREATEST(q.threshold, 1) AS due_ratio, q.mod_since_analyze,
       q.last_vacuum, q.last_autovacuum, q.last_analyze, q.last_autoanalyze,
       q.vacuum_count, q.autovacuum_count, q.xid_age, q.freeze_max_age,
       q.xid_age::pg_catalog.float8 / q.freeze_max_age AS freeze_ratio, q.autovacuum_enabled
  FROM (SELECT t.schemaname AS schema, t.relname AS table, t.n_live_tup AS live_rows,
               t.n_dead_tup AS dead_rows,
               (COALESCE(o.base, pg_catalog.current_setting('autovacuum_vacuum_threshold')::pg_catalog.float8)
                + COALESCE(o.scale, pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::pg_catalog.float8)
                  * GREATEST(c.reltuples, 0)) AS threshold,
               t.n_mod_since_analyze AS mod_since_analyze, t.last_vacuum, t.last_autovacuum,
               t.last_analyze, t.last_autoanalyze, t.vacuum_count, t.autovacuum_count,
               pg_catalog.age(c.relfrozenxid) AS xid_age,
               LEAST(pg_catalog.current_setting('autovacuum_freeze_max_age')::pg_catalog.int8,
                     COALESCE(o.freeze, 2000000000)) AS freeze_max_age,
               COALESCE(o.enabled, true)
                   AND pg_catalog.current_setting('autovacuum')::pg_catalog.bool AS autovacuum_enabled
          FROM pg_catalog.pg_stat_user_tables t
          JOIN pg_catalog.pg_class c ON c.oid = t.relid,
               LATERAL (SELECT pg_catalog.max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_vacuum_threshold')::pg_catalog.float8 AS base,
                               pg_catalog.max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_vacuum_scale_factor')::pg_catalog.float8 AS scale,
                               pg_catalog.max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_vacuum_max_threshold')::pg_catalog.float8 AS cap,
                               pg_catalog.max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_freeze_max_age')::pg_catalog.int8 AS freeze,
                               pg_catalog.max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_enabled')::pg_catalog.bool AS enabled
                          FROM pg_catalog.pg_options_to_table(c.reloptions) x) o
         WHERE c.relkind IN ('r', 'm')) q
 ORDER BY GREATEST(q.dead_rows / GREATEST(q.threshold, 1),
                   q.xid_age::pg_catalog.float8 / q.freeze_max_age) DESC, q.dead_rows DESC, 1, 2
 LIMIT $1::pg_catalog.int8
