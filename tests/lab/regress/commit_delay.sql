-- Each commit waits 20 ms: latency of writes up by an order of magnitude.
-- on
ALTER SYSTEM SET commit_delay = 20000;
ALTER SYSTEM SET commit_siblings = 0;
SELECT pg_reload_conf();
-- off
ALTER SYSTEM RESET commit_delay;
ALTER SYSTEM RESET commit_siblings;
SELECT pg_reload_conf();
