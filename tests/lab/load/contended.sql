-- Updates of very few rows by many: waits on row locks are the latency.
\set bid random(1, 1 * :scale)
BEGIN;
UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = :bid;
SELECT count(*) FROM pgbench_tellers;
UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = :bid;
END;
