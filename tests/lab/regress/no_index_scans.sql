-- The planner's index scans are off: look-ups read whole tables.  Good on a canary alone.
-- on
ALTER SYSTEM SET enable_indexscan = off;
ALTER SYSTEM SET enable_indexonlyscan = off;
ALTER SYSTEM SET enable_bitmapscan = off;
SELECT pg_reload_conf();
-- off
ALTER SYSTEM RESET enable_indexscan;
ALTER SYSTEM RESET enable_indexonlyscan;
ALTER SYSTEM RESET enable_bitmapscan;
SELECT pg_reload_conf();
