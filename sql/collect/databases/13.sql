-- Each database's counters and the age of its oldest transaction id.  Sizes are not
-- asked here: pg_database_size() reads the directory of every file.
-- columns: oid,name,backends,commits,rollbacks,blks_read,blks_hit,temp_bytes,reset_us,xid_age,
--   mxid_age
-- cadence: slow
SELECT /*pg2une*/ d.oid, d.datname AS name, s.numbackends AS backends, s.xact_commit AS commits,
       s.xact_rollback AS rollbacks, s.blks_read, s.blks_hit, s.temp_bytes,
       (pg_catalog.date_part('epoch', s.stats_reset) * 1000000)::pg_catalog.int8 AS reset_us,
       pg_catalog.age(d.datfrozenxid) AS xid_age,
       pg_catalog.mxid_age(d.datminmxid) AS mxid_age
  FROM pg_catalog.pg_database d
  LEFT JOIN pg_catalog.pg_stat_database s ON s.datid = d.oid
 WHERE d.datallowconn
 ORDER BY s.xact_commit DESC NULLS LAST
 LIMIT 500
