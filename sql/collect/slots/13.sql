-- Replication slots and the WAL that they hold back.
-- columns: name,type,database,wal_status,plugin,active,pid,retained,xmin_age,catalog_xmin_age
-- cadence: tick
SELECT /*pg2une*/ s.slot_name AS name, s.slot_type AS type, d.datname AS database,
       s.wal_status, s.plugin, s.active, s.active_pid AS pid,
       pg_catalog.pg_wal_lsn_diff(n.lsn, s.restart_lsn) AS retained,
       pg_catalog.age(s.xmin) AS xmin_age,
       pg_catalog.age(s.catalog_xmin) AS catalog_xmin_age
  FROM (SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
                    THEN pg_catalog.pg_last_wal_replay_lsn()
                    ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) n,
       pg_catalog.pg_get_replication_slots() s
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.datoid
 LIMIT 200
