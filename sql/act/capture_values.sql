-- Values of a column as they occur, drawn at random: {column}, {table} and {percent} are
-- put in quoted.
SELECT pg_catalog.quote_literal(v)
  FROM (SELECT {column}::pg_catalog.text AS v
          FROM {table} TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)
         WHERE {column} IS NOT NULL LIMIT 2000) s
 ORDER BY pg_catalog.md5(v) LIMIT 20
