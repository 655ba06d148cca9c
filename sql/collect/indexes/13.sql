-- The largest indexes of this database, with their use.
-- columns: oid,table_oid,schema,name,table,scans,stats_age_s,size_bytes,is_unique,is_primary,
--   is_valid,is_constraint,definition,reset_us
-- $1: how many rows at most
-- cadence: slow
WITH i AS MATERIALIZED (
    SELECT x.*, c.relname, c.relpages, c.relnamespace
      FROM pg_catalog.pg_index x
      JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
     WHERE c.relkind = 'i' AND c.relnamespace <> 11 AND c.relnamespace <> 99
       AND c.relpersistence <> 't'
     ORDER BY c.relpages DESC
     LIMIT $1::pg_catalog.int4)
SELECT /*pg2une*/ i.indexrelid AS oid, i.indrelid AS table_oid, n.nspname AS schema,
       i.relname AS name, t.relname AS table,
       pg_catalog.pg_stat_get_numscans(i.indexrelid) AS scans,
       pg_catalog.date_part('epoch', pg_catalog.now() - r.stats_reset)::pg_catalog.int8 AS stats_age_s,
       i.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
           AS size_bytes,
       i.indisunique AS is_unique, i.indisprimary AS is_primary, i.indisvalid AS is_valid,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)
           AS is_constraint,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
       (pg_catalog.date_part('epoch', r.stats_reset) * 1000000)::pg_catalog.int8 AS reset_us
  FROM i
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
  LEFT JOIN pg_catalog.pg_stat_database r ON r.datname = pg_catalog.current_database()
