-- Foreign keys whose referencing columns no index leads with, on tables of $1 rows
-- and more: deleting from the other side then scans this one.  $2 a table, or NULL.
-- columns: schema,table,constraint,columns,references,rows,size_bytes,statement
-- cadence: demand
SELECT /*pg2une*/ n.nspname AS schema, c.relname AS table, k.conname AS constraint,
       pg_catalog.to_json(cols.names) AS columns,
       k.confrelid::pg_catalog.regclass::pg_catalog.text AS references,
       live.rows,
       c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
           AS size_bytes,
       pg_catalog.format('CREATE INDEX CONCURRENTLY ON %I.%I (%s)', n.nspname, c.relname,
           (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x), ', ')
              FROM pg_catalog.unnest(cols.names) AS x)) AS statement
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
       LATERAL (SELECT pg_catalog.array_agg(a.attname ORDER BY u.ord) AS names
                  FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(attnum, ord)
                  JOIN pg_catalog.pg_attribute a
                    ON a.attrelid = k.conrelid AND a.attnum = u.attnum) cols,
       LATERAL (SELECT GREATEST(c.reltuples::pg_catalog.int8,
                       COALESCE(pg_catalog.pg_stat_get_live_tuples(c.oid), 0)) AS rows) live
 WHERE k.contype = 'f' AND c.relkind = 'r' AND live.rows >= $1::pg_catalog.int8
   AND ($2::pg_catalog.text IS NULL OR k.conrelid = pg_catalog.to_regclass($2::pg_catalog.text)::pg_catalog.oid)
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_index i
        WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
          AND (SELECT pg_catalog.array_agg(x.attnum ORDER BY x.attnum)
                 FROM (SELECT u.attnum
                         FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[])
                              WITH ORDINALITY AS u(attnum, ord)
                        ORDER BY u.ord
                        LIMIT pg_catalog.cardinality(k.conkey)) x)
              = (SELECT pg_catalog.array_agg(y ORDER BY y) FROM pg_catalog.unnest(k.conkey) AS y))
 ORDER BY live.rows DESC, 1, 2, 3
 LIMIT 100
