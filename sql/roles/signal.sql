-- The role that may cancel and end other roles' sessions, superusers' excepted.  Run as a
-- superuser.  Kept apart from watching: whoever holds it can interrupt production.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pg2une_signal') THEN
        CREATE ROLE pg2une_signal LOGIN CONNECTION LIMIT 4;
    END IF;
END $$;
GRANT pg_monitor, pg_signal_backend TO pg2une_signal;
