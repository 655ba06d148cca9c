-- Texts of some statements.  The view reads its whole text file for this, so the
-- client asks seldom and keeps the answer.
-- columns: queryid,userid,dbid,toplevel,query
-- $1: query ids, $2: how many characters
-- extension: pg_stat_statements 1.8
-- cadence: demand
SELECT /*pg2une*/ s.queryid, s.userid, s.dbid, true AS toplevel,
       CASE WHEN pg_catalog.octet_length(s.query) > $2::pg_catalog.int4
            THEN pg_catalog."left"(s.query, $2::pg_catalog.int4) ELSE s.query END AS query
  FROM @ext@.pg_stat_statements(true) s
 WHERE s.queryid = ANY ($1::pg_catalog.int8[])
