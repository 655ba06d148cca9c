-- $3 bytes of file $1 from offset $2, as bytes: the log may hold any encoding.
-- columns: data
-- privilege: EXECUTE on pg_read_binary_file()
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.encode(pg_catalog.pg_read_binary_file($1::pg_catalog.text,
       $2::pg_catalog.int8, $3::pg_catalog.int8, true), 'base64') AS data
