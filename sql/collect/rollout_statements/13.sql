-- What each statement has cost so far, for comparing two nodes at the same moment:
-- no texts, only entries that ran.
-- columns: queryid,userid,dbid,calls,total_ms,stddev_ms
-- extension: pg_stat_statements 1.8
-- cadence: demand
SELECT /*pg2une*/ s.queryid, s.userid, s.dbid, s.calls, s.total_exec_time AS total_ms,
       s.stddev_exec_time AS stddev_ms
  FROM @ext@.pg_stat_statements(false) s
 WHERE s.queryid IS NOT NULL AND s.calls > 0
 ORDER BY s.dbid, s.userid, s.queryid, s.calls DESC
