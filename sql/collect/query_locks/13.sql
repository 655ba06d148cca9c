-- Who blocks whom, as trees: pg_blocking_pids() knows queues and lock groups, a
-- self-join of pg_locks would have two waiters block each other.
-- columns: root,depth,pid,blocked_by,path,username,database,application_name,state,
--   wait_event_type,wait_event,locktype,mode,object,wait_s,transaction_s,query
-- privilege: pg_read_all_stats for others' queries
-- cadence: demand
WITH RECURSIVE /*pg2une*/ waiting AS MATERIALIZED (
    SELECT a.pid, pg_catalog.pg_blocking_pids(a.pid) AS blockers
      FROM pg_catalog.pg_stat_activity a
     WHERE a.wait_event_type = 'Lock'),
edge AS (
    SELECT DISTINCT w.pid, b.pid AS blocker
      FROM waiting w, pg_catalog.unnest(w.blockers) AS b(pid)),
tree AS (
    SELECT e.blocker AS root, 0 AS depth, e.blocker AS pid, ARRAY[e.blocker] AS path
      FROM (SELECT DISTINCT blocker FROM edge
             WHERE blocker NOT IN (SELECT pid FROM edge)) e
     UNION ALL
    SELECT t.root, t.depth + 1, e.pid, t.path || e.pid
      FROM tree t JOIN edge e ON e.blocker = t.pid
     WHERE e.pid <> ALL (t.path) AND t.depth < 20)
SELECT t.root, t.depth, t.pid, pg_catalog.to_json(w.blockers) AS blocked_by,
       pg_catalog.to_json(t.path) AS path,
       a.usename AS username, a.datname AS database, a.application_name, a.state,
       a.wait_event_type, a.wait_event, l.locktype, l.mode,
       COALESCE(l.relation::pg_catalog.regclass::pg_catalog.text,
                l.transactionid::pg_catalog.text) AS object,
       CASE WHEN w.pid IS NOT NULL THEN pg_catalog.date_part('epoch',
           pg_catalog.clock_timestamp() - COALESCE(NULL::pg_catalog.timestamptz, a.state_change)) END AS wait_s,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) AS transaction_s,
       pg_catalog.left(a.query, 1000) AS query
  FROM (SELECT DISTINCT ON (root, pid) * FROM tree ORDER BY root, pid, depth) t
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = t.pid
  LEFT JOIN waiting w ON w.pid = t.pid
  LEFT JOIN LATERAL (SELECT k.* FROM pg_catalog.pg_locks k
                      WHERE k.pid = t.pid AND NOT k.granted LIMIT 1) l ON true
 ORDER BY t.root, t.path
 LIMIT 500
