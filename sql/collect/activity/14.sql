-- Sessions in a transaction, background processes and WAL senders.  A session without a
-- transaction is idle and only counted: n_backends less the rows.  One pass over the
-- backends' numbers; 1.0 ms with 1,000 sessions, half of it the server's own copy of their
-- states, against 2.4 for pg_stat_get_activity() of all of them.
-- pg_blocking_pids() takes all lock partitions, so it is asked for waiters only.
-- columns: n_backends,pid,backend_start_us,datid,usename,datname,app,client,backend_type,state,
--   wait_type,wait_event,query,query_id,query_us,xact_us,state_us,xmin_age,leader_pid,
--   blockers,now_us
-- $1: how many rows at most; $2: sessions wanted although idle (they block others)
-- privilege: pg_monitor
-- cadence: tick
SELECT /*pg2une*/
       x.n_backends,
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
       a.query_id AS query_id,
       (pg_catalog.date_part('epoch', a.query_start) * 1000000)::pg_catalog.int8 AS query_us,
       (pg_catalog.date_part('epoch', a.xact_start) * 1000000)::pg_catalog.int8 AS xact_us,
       (pg_catalog.date_part('epoch', a.state_change) * 1000000)::pg_catalog.int8 AS state_us,
       pg_catalog.age(a.backend_xmin) AS xmin_age,
       a.leader_pid,
       CASE WHEN a.wait_event_type = 'Lock' THEN pg_catalog.pg_blocking_pids(a.pid) END AS blockers,
       (pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()) * 1000000)::pg_catalog.int8 AS now_us
  FROM (SELECT pg_catalog.count(*) AS n_backends,
               pg_catalog.array_agg(pg_catalog.pg_stat_get_backend_pid(b.id)) FILTER (
                   WHERE pg_catalog.pg_stat_get_backend_xact_start(b.id) IS NOT NULL
                      OR pg_catalog.pg_stat_get_backend_dbid(b.id) = 0) AS pids
          FROM (SELECT pg_catalog.pg_stat_get_backend_idset() AS id) b) x
 CROSS JOIN LATERAL (
       SELECT DISTINCT u.pid
         FROM pg_catalog.unnest(x.pids || $2::pg_catalog.int4[]
                  || ARRAY(SELECT ws.pid FROM pg_catalog.pg_stat_get_wal_senders() ws)) u(pid)) p
 CROSS JOIN LATERAL pg_catalog.pg_stat_get_activity(p.pid) a
  LEFT JOIN pg_catalog.pg_database d ON d.oid = a.datid
 LIMIT $1::pg_catalog.int4
