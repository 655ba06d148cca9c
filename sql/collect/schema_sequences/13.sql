-- Sequences by how much of their range, or of their column's type, is used.
-- columns: q_name,type,used,owner
-- cadence: demand
SELECT /*pg2une*/ format('%I.%I', s.schemaname, s.sequencename) AS q_name,
       COALESCE(o.type, s.data_type::text) AS type,
       s.last_value::float8 / LEAST(s.max_value, CASE COALESCE(o.type, s.data_type::text)
           WHEN 'smallint' THEN 32767 WHEN 'integer' THEN 2147483647 ELSE s.max_value END) AS used,
       o.owner
  FROM pg_catalog.pg_sequences s
  LEFT JOIN LATERAL (
       SELECT format('%I.%I.%I', tn.nspname, t.relname, a.attname) AS owner,
              format_type(a.atttypid, NULL) AS type
         FROM pg_catalog.pg_class q
         JOIN pg_catalog.pg_namespace qn ON qn.oid = q.relnamespace
         JOIN pg_catalog.pg_depend d ON d.objid = q.oid AND d.deptype IN ('a', 'i')
          AND d.classid = 1259 AND d.refclassid = 1259 AND d.refobjsubid > 0
         JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
         JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
         JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE qn.nspname = s.schemaname AND q.relname = s.sequencename
        LIMIT 1) o ON true
 WHERE s.increment_by > 0 AND NOT s.cycle AND s.last_value > s.max_value / 4
    OR s.increment_by > 0 AND NOT s.cycle AND s.last_value > 16000
 ORDER BY 3 DESC
 LIMIT 50
