-- Is there such a table?  The name is a parameter: it never becomes SQL text.
-- columns: oid
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AS oid
