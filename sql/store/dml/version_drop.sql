-- Before version_put.sql: the table has one row.
DELETE FROM pg2une_schema
