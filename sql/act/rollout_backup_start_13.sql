-- The files may be copied while this session lives: before 15, non-exclusive.
SELECT pg_catalog.pg_start_backup($1::pg_catalog.text, true, false)::pg_catalog.text AS lsn
