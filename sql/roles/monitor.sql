-- The role that watches: pg2une -U pg2une_monitor.  Run as a superuser, in the database
-- postgres and in each database that is watched (the grants on pg_file_settings are per
-- database).  It may read statistics, settings and others' queries, and change nothing.
-- It has no password here: set one, or let pg_hba.conf tell who may use it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pg2une_monitor') THEN
        CREATE ROLE pg2une_monitor LOGIN CONNECTION LIMIT 6;
    END IF;
END $$;
GRANT pg_monitor TO pg2une_monitor;
GRANT SELECT ON pg_catalog.pg_file_settings TO pg2une_monitor;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO pg2une_monitor;
-- Only if `query slow-log` shall read the log through the server.  With them the role can
-- read every file of the data directory, so think before you remove the dashes:
-- GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean) TO pg2une_monitor;
-- GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text,boolean) TO pg2une_monitor;
