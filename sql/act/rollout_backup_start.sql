-- The files may be copied while this session lives.
SELECT pg_catalog.pg_backup_start($1::pg_catalog.text, true)::pg_catalog.text AS lsn
