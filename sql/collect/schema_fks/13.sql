-- Foreign keys, and constraints that were never validated.
-- columns: table,ref,name,ref_name,att,ref_att,on_delete,validated
-- cadence: demand
SELECT /*pg2une*/ k.conrelid AS table, k.confrelid AS ref, k.conname AS name,
       format('%I.%I', n.nspname, c.relname) AS ref_name,
       array_to_string(k.conkey, ' ') AS att, array_to_string(k.confkey, ' ') AS ref_att,
       k.confdeltype AS on_delete, k.convalidated AS validated
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conrelid = ANY ($1::oid[])
 LIMIT 10000
