-- Sessions of clients by database and user: what a pooler would keep a pool for each.
-- columns: database,username,n,idle
-- privilege: pg_read_all_stats, for the states of others
-- cadence: demand
SELECT /*pg2une*/ a.datname AS database, a.usename AS username, pg_catalog.count(*) AS n,
       pg_catalog.count(*) FILTER (WHERE a.state = 'idle') AS idle
  FROM pg_catalog.pg_stat_activity a
 WHERE a.backend_type = 'client backend' AND a.application_name NOT LIKE 'pg2une%'
 GROUP BY 1, 2
 ORDER BY 3 DESC
 LIMIT 200
