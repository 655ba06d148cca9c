-- Commits wait for a synchronous standby that does not exist: writes stop.
-- on
ALTER SYSTEM SET synchronous_standby_names = 'nosuch';
SELECT pg_reload_conf();
-- off
ALTER SYSTEM RESET synchronous_standby_names;
SELECT pg_reload_conf();
