-- All holders and waiters of the locks that somebody waits for; asked only while
-- somebody does.  The lock table is read once.
-- columns: pid,granted,mode,locktype,datname,object,tag,wait_us,now_us
-- $1: how many rows at most
-- cadence: tick
WITH l AS MATERIALIZED (
    SELECT k.*,
           pg_catalog.concat_ws('/', k.locktype, k.database, k.relation, k.page, k.tuple,
               k.virtualxid, k.transactionid, k.classid, k.objid, k.objsubid) AS tag
      FROM pg_catalog.pg_locks k)
SELECT /*pg2une*/ l.pid, l.granted, l.mode, l.locktype, d.datname,
       CASE WHEN l.relation IS NOT NULL AND l.database = me.oid
            THEN COALESCE(n.nspname || '.' || c.relname, l.relation::pg_catalog.text)
            WHEN l.relation IS NOT NULL THEN l.relation::pg_catalog.text
            WHEN l.locktype = 'advisory'
            THEN pg_catalog.concat_ws(':', l.classid, l.objid, l.objsubid)
            WHEN l.transactionid IS NOT NULL THEN l.transactionid::pg_catalog.text
            WHEN l.virtualxid IS NOT NULL THEN l.virtualxid
            ELSE pg_catalog.concat_ws(':', l.classid, l.objid) END AS object,
       l.tag,
       (pg_catalog.date_part('epoch', l.waitstart) * 1000000)::pg_catalog.int8 AS wait_us,
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8 AS now_us
  FROM l
 CROSS JOIN (SELECT x.oid FROM pg_catalog.pg_database x
              WHERE x.datname = pg_catalog.current_database()) me
  LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database
  LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation AND l.database = me.oid
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE l.tag IN (SELECT g.tag FROM l g WHERE NOT g.granted)
 ORDER BY l.granted, l.pid
 LIMIT $1::pg_catalog.int4
