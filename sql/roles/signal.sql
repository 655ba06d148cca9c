-- The right to cancel and terminate sessions of others, apart from all else: run as a
-- superuser.  Never the sessions of superusers.
--   psql -v role=pg2une_monitor -f signal.sql
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') AS missing \gset
\if :missing
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 4;
\endif
GRANT pg_signal_backend TO :"role";
