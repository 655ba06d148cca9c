-- Active sessions by what they wait for, now; CPU for none.
-- columns: wait_event_type,wait_event,sessions
-- cadence: demand
SELECT /*pg2une*/ COALESCE(a.wait_event_type, 'CPU') AS wait_event_type,
       COALESCE(a.wait_event, '') AS wait_event, pg_catalog.count(*) AS sessions
  FROM pg_catalog.pg_stat_activity a
 WHERE a.state = 'active' AND a.pid <> pg_catalog.pg_backend_pid()
 GROUP BY 1, 2
 ORDER BY 3 DESC, 1, 2
