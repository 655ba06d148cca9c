-- Every session, busy ones first: for the activity screen, and for roles that may not
-- see the state of others (the cheaper query could not tell them apart).
-- columns: n_backends,pid,backend_start_us,datid,usename,datname,app,client,backend_type,state,
--   wait_type,wait_event,query,query_id,query_us,xact_us,state_us,xmin_age,leader_pid,
--   blockers,now_us
-- $1: how many rows at most
-- cadence: tick
SELECT /*pg2une*/ pg_catalog.count(*) OVER () AS n_backends,
       a.pid,
       (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8 AS backend_start_us,
       a.datid,
       pg_catalog.pg_get_userbyid(a.usesysid) AS usename,
       d.datname,
       a.application_name AS app,
       pg_catalog.host(a.client_addr) AS client,
       a.backend_type,
       a.state,
       a.wait_event_type AS wait_type,
       a.wait_event,
       CASE WHEN pg_catalog.octet_length(a.query) > 4096 THEN pg_catalog."left"(a.query, 1024)
            ELSE a.query END AS query,
       NULL::pg_catalog.int8 AS query_id,
       (pg_catalog.date_part('epoch', a.query_start) * 1000000)::pg_catalog.int8 AS query_us,
       (pg_catalog.date_part('epoch', a.xact_start) * 1000000)::pg_catalog.int8 AS xact_us,
       (pg_catalog.date_part('epoch', a.state_change) * 1000000)::pg_catalog.int8 AS state_us,
       pg_catalog.age(a.backend_xmin) AS xmin_age,
       a.leader_pid,
       CASE WHEN a.wait_event_type = 'Lock' THEN pg_catalog.pg_blocking_pids(a.pid) END AS blockers,
       (pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()) * 1000000)::pg_catalog.int8 AS now_us
  FROM pg_catalog.pg_stat_get_activity(NULL) a
  LEFT JOIN pg_catalog.pg_database d ON d.oid = a.datid
 ORDER BY a.state = 'idle' NULLS FIRST, a.pid
 LIMIT $1::pg_catalog.int4
