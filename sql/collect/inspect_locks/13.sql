-- Heavyweight locks, counted.
-- columns: locktype,mode,granted,locks
-- cadence: demand
SELECT /*pg2une*/ l.locktype, l.mode, l.granted, pg_catalog.count(*) AS locks
  FROM pg_catalog.pg_locks l
 WHERE l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
 GROUP BY 1, 2, 3
 ORDER BY 3, 4 DESC, 1, 2
