-- Client sessions, the busy and the old first.
-- columns: pid,username,database,application_name,client,state,wait_event_type,wait_event,
--   session_s,transaction_s,query_s,backend_xmin_age,blocked_by,query
-- privilege: pg_read_all_stats for others' sessions
-- cadence: demand
SELECT /*pg2une*/ a.pid, a.usename AS username, a.datname AS database, a.application_name,
       COALESCE(pg_catalog.host(a.client_addr), 'local') AS client,
       a.state, a.wait_event_type, a.wait_event,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.backend_start) AS session_s,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) AS transaction_s,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start) AS query_s,
       pg_catalog.age(a.backend_xmin) AS backend_xmin_age,
       CASE WHEN a.wait_event_type = 'Lock'
            THEN pg_catalog.to_json(pg_catalog.pg_blocking_pids(a.pid)) END AS blocked_by,
       pg_catalog.left(a.query, 1000) AS query
  FROM pg_catalog.pg_stat_activity a
 WHERE a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
 ORDER BY a.state = 'active' DESC NULLS LAST, a.xact_start NULLS LAST, a.pid
 LIMIT 500
