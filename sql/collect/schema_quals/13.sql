-- What predicates were seen to do, sampled: rows that were looked at and thrown away.
-- columns: table,attnum,op,occurrences,executions,filtered
-- extension: pg_qualstats
-- cadence: demand
SELECT /*pg2une*/ q.lrelid AS table, q.lattnum AS attnum, o.oprname AS op,
       pg_catalog.sum(q.occurences) AS occurrences, pg_catalog.sum(q.execution_count) AS executions,
       pg_catalog.sum(q.nbfiltered) AS filtered
  FROM @ext@.pg_qualstats() q
  JOIN pg_catalog.pg_operator o ON o.oid = q.opno
  JOIN pg_catalog.pg_database d ON d.oid = q.dbid
 WHERE d.datname = pg_catalog.current_database() AND q.eval_type = 'f'
   AND q.lrelid = ANY ($1::pg_catalog.oid[])
 GROUP BY 1, 2, 3
 LIMIT 5000
