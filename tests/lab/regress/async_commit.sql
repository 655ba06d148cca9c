-- The opposite of a regression: commits no longer wait for the disk.
-- on
ALTER SYSTEM SET synchronous_commit = off;
SELECT pg_reload_conf();
-- off
ALTER SYSTEM RESET synchronous_commit;
SELECT pg_reload_conf();
