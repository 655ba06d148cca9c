-- Is there such a table?  The name is a parameter: it never becomes SQL text.
-- columns: oid,q_name
-- cadence: demand
SELECT /*pg2une*/ x.oid,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS q_name
  FROM (SELECT pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AS oid) x
  LEFT JOIN pg_catalog.pg_class c ON c.oid = x.oid
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
