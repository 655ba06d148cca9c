-- Indexes of the tables in $1: keys, use, and what they are needed for.
-- columns: oid,table,parent,schema,name,q_name,am,n_keys,n_atts,att,opclass,option,predicate,
--   expressions,definition,is_unique,is_primary,is_exclusion,is_constraint,fk_target,valid,ready,
--   replica_identity,building,clustered,bytes,tuples,scans,last_scan_s
-- cadence: demand
SELECT /*pg2une*/ i.indexrelid AS oid, i.indrelid AS table,
       COALESCE((SELECT h.inhparent FROM pg_catalog.pg_inherits h
                  WHERE h.inhrelid = i.indexrelid LIMIT 1), 0) AS parent,
       n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS q_name,
       m.amname AS am, i.indnkeyatts AS n_keys, i.indnatts AS n_atts,
       i.indkey::text AS att,
       (SELECT string_agg(o.opcname, ' ' ORDER BY u.ord)
          FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS u(o, ord)
          JOIN pg_catalog.pg_opclass o ON o.oid = u.o) AS opclass,
       i.indoption::text AS option,
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       pg_get_expr(i.indexprs, i.indrelid) AS expressions,
       pg_get_indexdef(i.indexrelid) AS definition,
       i.indisunique AS is_unique, i.indisprimary AS is_primary, i.indisexclusion AS is_exclusion,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k
                WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_constraint,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k
                WHERE k.conindid = i.indexrelid AND k.contype = 'f') AS fk_target,
       i.indisvalid AS valid, i.indisready AS ready, i.indisreplident AS replica_identity,
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p
                WHERE p.index_relid = i.indexrelid OR p.relid = i.indrelid) AS building,
       i.indisclustered AS clustered,
       c.relpages::int8 * current_setting('block_size')::int8 AS bytes,
       c.reltuples AS tuples, pg_stat_get_numscans(i.indexrelid) AS scans,
       NULL::float8 AS last_scan_s
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
 WHERE i.indrelid = ANY ($1::oid[])
 LIMIT 20000
