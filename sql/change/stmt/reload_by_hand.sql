-- Shown among instructions.
SELECT pg_reload_conf();
