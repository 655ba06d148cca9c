-- The collector's current files, newest kind by $1 (stderr, csvlog or jsonlog).
-- columns: path,size,modified
-- privilege: EXECUTE on pg_current_logfile() and pg_stat_file()
-- cadence: demand
SELECT /*pg2une*/ f.path, s.size, s.modification AS modified
  FROM (SELECT pg_catalog.pg_current_logfile($1::pg_catalog.text) AS path) f,
       LATERAL pg_catalog.pg_stat_file(f.path, true) s
 WHERE f.path IS NOT NULL
