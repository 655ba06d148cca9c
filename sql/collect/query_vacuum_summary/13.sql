-- Autovacuum as a whole.
-- columns: autovacuum,naptime,max_workers,workers_running,cost_limit,cost_delay_ms,
--   oldest_database,oldest_xid_age,oldest_mxid_age,prepared_transactions
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.current_setting('autovacuum')::pg_catalog.bool AS autovacuum,
       pg_catalog.current_setting('autovacuum_naptime') AS naptime,
       pg_catalog.current_setting('autovacuum_max_workers')::pg_catalog.int8 AS max_workers,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
         WHERE a.backend_type = 'autovacuum worker') AS workers_running,
       CASE WHEN pg_catalog.current_setting('autovacuum_vacuum_cost_limit') = '-1'
            THEN pg_catalog.current_setting('vacuum_cost_limit')
            ELSE pg_catalog.current_setting('autovacuum_vacuum_cost_limit') END AS cost_limit,
       pg_catalog.current_setting('autovacuum_vacuum_cost_delay') AS cost_delay_ms,
       d.datname AS oldest_database, pg_catalog.age(d.datfrozenxid) AS oldest_xid_age,
       pg_catalog.mxid_age(d.datminmxid) AS oldest_mxid_age,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_xacts) AS prepared_transactions
  FROM pg_catalog.pg_database d
 ORDER BY pg_catalog.age(d.datfrozenxid) DESC
 LIMIT 1
