-- The role that changes settings: run as a superuser in database "postgres", where
-- its changes are made (grants on functions and views are per database).
--   psql -v role=pg2une_apply -v settings='work_mem, max_wal_size' -f apply.sql postgres
-- Only the settings that are named; 15 and later.  Before 15 nothing less than a
-- superuser may ALTER SYSTEM: the rest is granted, so that it can plan and check.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') AS missing \gset
\if :missing
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8;
\endif
GRANT pg_read_all_settings, pg_read_all_stats TO :"role";
GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO :"role";
GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO :"role";
GRANT SELECT ON pg_catalog.pg_file_settings TO :"role";
SELECT pg_catalog.current_setting('server_version_num')::int >= 150000 AS by_parameter \gset
\if :by_parameter
GRANT ALTER SYSTEM ON PARAMETER :settings TO :"role";
\else
\echo 'before 15 ALTER SYSTEM cannot be granted: apply as a superuser'
\endif
