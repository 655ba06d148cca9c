-- Prepared transactions: they hold locks and the horizon without any session.
-- columns: gid,owner,database,xmin_age,age_us
-- cadence: slow
SELECT /*pg2une*/ p.gid, p.owner, p.database, pg_catalog.age(p.transaction) AS xmin_age,
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) * 1000000)::pg_catalog.int8 AS age_us
  FROM pg_catalog.pg_prepared_xacts p
 ORDER BY p.prepared
 LIMIT 100
