-- No conversion any more: texts of a database in another encoding then arrive as
-- their bytes in place of failing the whole statement.
-- columns: client_encoding
-- cadence: demand
SELECT /*pg2une*/ pg_catalog.set_config('client_encoding', 'SQL_ASCII', false) AS client_encoding
