-- The rollout that somebody, perhaps elsewhere, drives on this server: its driver says
-- how it stands in a comment of its own queries.
-- columns: query,age_s
-- cadence: demand
SELECT /*pg2une*/ a.query,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start) AS age_s
  FROM pg_catalog.pg_stat_activity a
 WHERE a.query LIKE '/*pg2une rollout [%'
   AND a.application_name LIKE 'pg2une/%'
   AND a.pid <> pg_catalog.pg_backend_pid()
 ORDER BY a.query_start DESC
 LIMIT 1
