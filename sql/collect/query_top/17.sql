-- Statements, by $1, at most $2.  Every counter is since the entry's birth.
-- columns: queryid,userid,dbid,toplevel,username,database,calls,total_exec_ms,mean_exec_ms,
--   min_exec_ms,max_exec_ms,stddev_exec_ms,rows,shared_blks_hit,shared_blks_read,
--   shared_blks_dirtied,shared_blks_written,temp_blks_read,temp_blks_written,blk_read_ms,
--   blk_write_ms,wal_bytes,jit_ms,stats_since,query
-- extension: pg_stat_statements
-- cadence: demand
SELECT /*pg2une*/ s.queryid::pg_catalog.text AS queryid, s.userid, s.dbid, s.toplevel AS toplevel,
       r.rolname AS username, d.datname AS database, s.calls,
       s.total_exec_time AS total_exec_ms, s.mean_exec_time AS mean_exec_ms,
       s.min_exec_time AS min_exec_ms, s.max_exec_time AS max_exec_ms,
       s.stddev_exec_time AS stddev_exec_ms, s.rows, s.shared_blks_hit, s.shared_blks_read,
       s.shared_blks_dirtied, s.shared_blks_written, s.temp_blks_read, s.temp_blks_written,
       s.shared_blk_read_time + s.local_blk_read_time AS blk_read_ms, s.shared_blk_write_time + s.local_blk_write_time AS blk_write_ms, s.wal_bytes, s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time + s.jit_deform_time AS jit_ms,
       s.stats_since AS stats_since, pg_catalog.left(s.query, 1000) AS query
  FROM @ext@.pg_stat_statements s
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
 WHERE s.queryid IS NOT NULL
 ORDER BY CASE $1::pg_catalog.text
              WHEN 'total_time' THEN s.total_exec_time
              WHEN 'mean_time' THEN s.mean_exec_time
              WHEN 'max_time' THEN s.max_exec_time
              WHEN 'calls' THEN s.calls::pg_catalog.float8
              WHEN 'rows' THEN s.rows::pg_catalog.float8
              WHEN 'reads' THEN s.shared_blks_read::pg_catalog.float8
              WHEN 'temp' THEN (s.temp_blks_read + s.temp_blks_written)::pg_catalog.float8
              WHEN 'wal' THEN s.wal_bytes::pg_catalog.float8
          END DESC NULLS LAST, s.queryid
 LIMIT $2::pg_catalog.int8
