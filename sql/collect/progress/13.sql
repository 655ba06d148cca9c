-- Long commands that report how far they are.
-- columns: pid,command,phase,relation,database,done,total,unit
-- privilege: pg_monitor
-- cadence: tick
SELECT /*pg2une*/ x.pid, x.command, x.phase,
       COALESCE(n.nspname || '.' || c.relname, x.relid::pg_catalog.text) AS relation,
       d.datname AS database, x.done, x.total, x.unit
  FROM (
SELECT p.pid, 'VACUUM' AS command, p.phase AS phase, p.relid AS relid,
       p.datid AS datid, CASE WHEN p.phase IN ('initializing', 'scanning heap') THEN p.heap_blks_scanned
            ELSE p.heap_blks_vacuumed END AS done, p.heap_blks_total AS total, 'blocks' AS unit
  FROM pg_catalog.pg_stat_progress_vacuum p
UNION ALL
SELECT p.pid, 'ANALYZE' AS command, p.phase AS phase, p.relid AS relid,
       p.datid AS datid, p.sample_blks_scanned AS done, p.sample_blks_total AS total, 'blocks' AS unit
  FROM pg_catalog.pg_stat_progress_analyze p
UNION ALL
SELECT p.pid, p.command AS command, p.phase AS phase, p.relid AS relid,
       p.datid AS datid, CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END AS done, CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END AS total, 'blocks' AS unit
  FROM pg_catalog.pg_stat_progress_create_index p
UNION ALL
SELECT p.pid, p.command AS command, p.phase AS phase, p.relid AS relid,
       p.datid AS datid, p.heap_blks_scanned AS done, p.heap_blks_total AS total, 'blocks' AS unit
  FROM pg_catalog.pg_stat_progress_cluster p
UNION ALL
SELECT p.pid, 'BASE BACKUP' AS command, p.phase AS phase, NULL::pg_catalog.oid AS relid,
       NULL::pg_catalog.oid AS datid, p.backup_streamed AS done, p.backup_total AS total, 'bytes' AS unit
  FROM pg_catalog.pg_stat_progress_basebackup p
       ) x
  LEFT JOIN pg_catalog.pg_database d ON d.oid = x.datid
  LEFT JOIN pg_catalog.pg_class c ON c.oid = x.relid AND d.datname = pg_catalog.current_database()
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 LIMIT 200
