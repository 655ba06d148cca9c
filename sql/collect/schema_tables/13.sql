-- The tables that advice is about: the busiest and largest of this database, partitions
-- with their parents.  Sizes from relpages.
-- columns: oid,parent,schema,name,q_name,kind,persistence,is_partition,children,rows,live,dead,
--   mod,ins,upd,del,hot,seq_scan,seq_read,idx_scan,bytes,toast_bytes,vacuum_s,analyze_s,
--   autovacuums,xid_age,mxid_age,options
-- $1: how many rows at most
-- cadence: demand
SELECT /*pg2une*/ c.oid, COALESCE((SELECT h.inhparent FROM pg_catalog.pg_inherits h
                 WHERE h.inhrelid = c.oid LIMIT 1), 0) AS parent,
       n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS q_name,
       c.relkind AS kind, c.relpersistence AS persistence, c.relispartition AS is_partition,
       (SELECT count(*) FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid) AS children,
       c.reltuples AS rows,
       pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_stat_get_mod_since_analyze(c.oid) AS mod,
       pg_stat_get_tuples_inserted(c.oid) AS ins, pg_stat_get_tuples_updated(c.oid) AS upd,
       pg_stat_get_tuples_deleted(c.oid) AS del, pg_stat_get_tuples_hot_updated(c.oid) AS hot,
       pg_stat_get_numscans(c.oid) AS seq_scan, pg_stat_get_tuples_returned(c.oid) AS seq_read,
       COALESCE((SELECT sum(pg_stat_get_numscans(i.indexrelid)) FROM pg_catalog.pg_index i
                  WHERE i.indrelid = c.oid), 0) AS idx_scan,
       c.relpages::int8 * current_setting('block_size')::int8 AS bytes,
       COALESCE(t.relpages, 0)::int8 * current_setting('block_size')::int8 AS toast_bytes,
       date_part('epoch', now() - GREATEST(pg_stat_get_last_vacuum_time(c.oid),
           pg_stat_get_last_autovacuum_time(c.oid))) AS vacuum_s,
       date_part('epoch', now() - GREATEST(pg_stat_get_last_analyze_time(c.oid),
           pg_stat_get_last_autoanalyze_time(c.oid))) AS analyze_s,
       pg_stat_get_autovacuum_count(c.oid) AS autovacuums,
       CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END AS xid_age,
       CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) END AS mxid_age,
       COALESCE(array_to_string(c.reloptions, ', '), '') AS options
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
 WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
   AND c.relnamespace <> 11 AND c.relnamespace <> 99 AND n.nspname <> 'information_schema'
 ORDER BY c.relkind = 'p' DESC, c.relpages DESC, pg_stat_get_blocks_fetched(c.oid) DESC
 LIMIT $1::int4
