-- The whole text of one statement; %s is the schema of pg_stat_statements.
SELECT s.query, d.datname
FROM %s.pg_stat_statements(true) s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
WHERE s.queryid = $1::bigint AND s.userid = $2::oid AND s.dbid = $3::oid
LIMIT 1
