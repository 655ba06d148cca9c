-- Each database's counters, cumulative.
-- columns: datid,name,backends,xact_commit,xact_rollback,blks_read,blks_hit,tup_returned,
--   tup_fetched,tup_inserted,tup_updated,tup_deleted,conflicts,temp_files,temp_bytes,
--   deadlocks,xid_age,stats_reset
-- cadence: demand
SELECT /*pg2une*/ s.datid, s.datname AS name, s.numbackends AS backends, s.xact_commit, s.xact_rollback,
       s.blks_read, s.blks_hit, s.tup_returned, s.tup_fetched, s.tup_inserted, s.tup_updated,
       s.tup_deleted, s.conflicts, s.temp_files, s.temp_bytes, s.deadlocks,
       pg_catalog.age(d.datfrozenxid) AS xid_age, s.stats_reset
  FROM pg_catalog.pg_stat_database s
  JOIN pg_catalog.pg_database d ON d.oid = s.datid
 ORDER BY s.datname
