-- Statements of this database with their texts and what they cost since the reset.
-- columns: queryid,userid,text,calls,total_ms,mean_ms,max_ms,stddev_ms,rows,hit,read,temp_written,
--   wal_bytes,plans,plan_ms,jit_ms,jit_functions
-- extension: pg_stat_statements
-- $1: how many rows at most
-- cadence: demand
SELECT /*pg2une*/ s.queryid, s.userid, left(s.query, 8000) AS text, s.calls,
       s.total_exec_time AS total_ms, s.mean_exec_time AS mean_ms, s.max_exec_time AS max_ms,
       s.stddev_exec_time AS stddev_ms, s.rows, s.shared_blks_hit AS hit,
       s.shared_blks_read AS read, s.temp_blks_written AS temp_written, s.wal_bytes, s.plans,
       s.total_plan_time AS plan_ms, s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time AS jit_ms,
       s.jit_functions AS jit_functions
  FROM @ext@.pg_stat_statements(true) s
 WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
   AND s.queryid IS NOT NULL AND s.query NOT LIKE '%/*pg2une*/%'
 ORDER BY s.total_exec_time DESC
 LIMIT $1::int4
