-- Answers true even when the files have errors and nothing is applied.
SELECT pg_catalog.pg_reload_conf() AS asked
