-- The role that watches: run as a superuser, in each database that is watched.
--   psql -v role=pg2une_monitor -f monitor.sql
-- It reads statistics and settings and may change nothing.  13 and later.
-- The connection limit keeps a slot for a second console and none for more.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') AS missing \gset
\if :missing
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 6;
\endif
GRANT pg_monitor TO :"role";
-- What the configuration files say, errors in them too (config show).
GRANT SELECT ON pg_catalog.pg_file_settings TO :"role";
GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO :"role";
-- `query slow-log` through the server needs two more; with them the role can read every
-- file of the data directory, so think before you remove the dashes:
-- GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean) TO :"role";
-- GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text,boolean) TO :"role";
ALTER ROLE :"role" SET default_transaction_read_only = 'on';
ALTER ROLE :"role" SET statement_timeout = '10s';
