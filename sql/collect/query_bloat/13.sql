-- Heap bloat estimated from the catalog: pages that the rows need at their average
-- widths (pg_stats), against pages there are (relpages).  TOAST and indexes are no bloat.
-- Rows: a 23-byte header, a null bitmap when there are nulls, padding to 8, a 4-byte
-- line pointer; pages: a 24-byte header (storage-page-layout.html).
-- columns: schema,table,rows,size_bytes,expected_bytes,bloat_bytes,bloat_ratio,fillfactor,
--   dead_rows,has_stats,last_analyze
-- privilege: SELECT on the tables, for their pg_stats
-- cadence: demand
SELECT /*pg2une*/ q.schema, q.table, q.rows, q.size_bytes,
       CASE WHEN q.has_stats THEN q.need_pages * q.bs END AS expected_bytes,
       CASE WHEN q.has_stats THEN GREATEST(q.size_bytes - q.need_pages * q.bs, 0) END AS bloat_bytes,
       CASE WHEN q.has_stats AND q.size_bytes > 0
            THEN (GREATEST(q.size_bytes - q.need_pages * q.bs, 0))::pg_catalog.float8 / q.size_bytes
       END AS bloat_ratio,
       q.fillfactor, q.dead_rows, q.has_stats, q.last_analyze
  FROM (SELECT p.*, pg_catalog.ceil(p.rows / GREATEST(pg_catalog.floor(
                   (p.bs * p.fillfactor / 100 - 24) / (4 + p.header + p.width)), 1))::pg_catalog.int8
                   AS need_pages
          FROM (SELECT n.nspname AS schema, c.relname AS table,
                       c.reltuples::pg_catalog.int8 AS rows,
                       c.relpages * b.bs AS size_bytes, b.bs,
                       COALESCE((SELECT o.option_value::pg_catalog.int4
                                   FROM pg_catalog.pg_options_to_table(c.reloptions) o
                                  WHERE o.option_name = 'fillfactor'), 100) AS fillfactor,
                       (23 + CASE WHEN st.has_nulls THEN (st.n_cols + 7) / 8 ELSE 0 END + 7) / 8 * 8
                           AS header,
                       pg_catalog.ceil(st.width / 8.0) * 8 AS width,
                       COALESCE(t.n_dead_tup, 0) AS dead_rows,
                       st.n_stats > 0 AND st.n_stats >= st.n_cols AS has_stats,
                       GREATEST(t.last_analyze, t.last_autoanalyze) AS last_analyze
                  FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_catalog.pg_stat_all_tables t ON t.relid = c.oid,
                       (SELECT pg_catalog.current_setting('block_size')::pg_catalog.int8 AS bs) b,
                       LATERAL (SELECT pg_catalog.count(*) AS n_cols,
                                       pg_catalog.count(s.attname) AS n_stats,
                                       COALESCE(pg_catalog.bool_or(s.null_frac > 0), false) AS has_nulls,
                                       COALESCE(pg_catalog.sum((1 - s.null_frac) * s.avg_width), 0) AS width
                                  FROM pg_catalog.pg_attribute a
                                  LEFT JOIN pg_catalog.pg_stats s
                                    ON s.schemaname = n.nspname AND s.tablename = c.relname
                                   AND s.attname = a.attname AND NOT s.inherited
                                 WHERE a.attrelid = c.oid AND a.attnum > 0
                                   AND NOT a.attisdropped) st
                 WHERE c.relkind IN ('r', 'm') AND c.relpages >= 10 AND c.reltuples >= 0
                   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                   AND n.nspname !~ '^pg_toast'
                   AND c.oid IN (SELECT x.oid FROM pg_catalog.pg_class x
                                  WHERE x.relkind IN ('r', 'm') ORDER BY x.relpages DESC LIMIT 1000)
               ) p) q
 ORDER BY bloat_bytes DESC NULLS LAST, q.size_bytes DESC
 LIMIT $1::pg_catalog.int8
