-- Statements of $1 ms and more in the mean or once, at most $2.  Every counter is since the entry's birth.
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
       s.blk_read_time AS blk_read_ms, s.blk_write_time AS blk_write_ms, s.wal_bytes, NULL::pg_catalog.float8 AS jit_ms,
       NULL::pg_catalog.timestamptz AS stats_since, pg_catalog.left(s.query, 1000) AS query
  FROM @ext@.pg_stat_statements s
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
 WHERE s.mean_exec_time >= $1::pg_catalog.float8 OR s.max_exec_time >= $1::pg_catalog.float8
 ORDER BY s.mean_exec_time >= $1::pg_catalog.float8 DESC, s.max_exec_time DESC
 LIMIT $2::pg_catalog.int8
