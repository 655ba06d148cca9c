-- Columns of the tables in $1 with the planner's statistics, where they may be seen.
-- columns: table,attnum,name,q_name,type,category,not_null,has_stats,n_distinct,null_frac,
--   correlation,avg_width,top_freq
-- privilege: SELECT on the tables, for their pg_stats
-- cadence: demand
SELECT /*pg2une*/ a.attrelid AS table, a.attnum, a.attname AS name, quote_ident(a.attname) AS q_name,
       format_type(a.atttypid, a.atttypmod) AS type, y.typcategory AS category,
       a.attnotnull AS not_null, s.attname IS NOT NULL AS has_stats,
       s.n_distinct, s.null_frac, s.correlation, s.avg_width, s.most_common_freqs[1] AS top_freq
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_stats s
    ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
   AND s.inherited = (c.relkind = 'p')
 WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
 LIMIT 50000
