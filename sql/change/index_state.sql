-- An index, and what a stopped REINDEX CONCURRENTLY left of it.  The table's
-- columns are those of $3 when given, else of the index's table.
-- $1 schema, $2 index, $3 table or NULL
SELECT i.oid IS NOT NULL AS present,
       i.relkind IN ('i', 'I') AS is_index,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS text,
       i.indisvalid AND i.indisready AS valid,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid) AS has_constraint,
       i.indisreplident AS replica_identity, i.relkind = 'I' AS partitioned,
       i.relispartition AS attached,
       t.oid IS NOT NULL AS table_known, t.relkind AS table_kind,
       pg_catalog.pg_has_role(t.relowner, 'USAGE') AS owner,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create,
       t.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
           AS table_bytes,
       (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, x.relname), E'\n'
                                     ORDER BY x.relname)
          FROM pg_catalog.pg_index y
          JOIN pg_catalog.pg_class x ON x.oid = y.indexrelid
         WHERE y.indrelid = t.oid AND NOT y.indisvalid
           AND x.relname ~ '_cc(new|old)[0-9]*$'
           AND pg_catalog.left(x.relname, 50) LIKE pg_catalog.replace(pg_catalog.replace(
               pg_catalog.left($2::pg_catalog.text, 40), '\', '\\'), '_', '\_') || '%') AS leftovers
  FROM (VALUES (1)) AS one(x)
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1::pg_catalog.text
  LEFT JOIN LATERAL (
       SELECT c.oid, c.relkind, c.relispartition, q.*
         FROM pg_catalog.pg_class c
         LEFT JOIN pg_catalog.pg_index q ON q.indexrelid = c.oid
        WHERE c.relnamespace = n.oid AND c.relname = $2::pg_catalog.text) i ON true
  LEFT JOIN pg_catalog.pg_class t
    ON t.oid = COALESCE((SELECT c.oid FROM pg_catalog.pg_class c
                          WHERE c.relnamespace = n.oid AND c.relname = $3::pg_catalog.text),
                        i.indrelid)
