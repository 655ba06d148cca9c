-- Reports whose hash tables do not fit into a small work_mem: grouping by many keys and a
-- self-join spill, NOT IN is not hashed at all.
\set kind random(1, 3)
\if :kind = 1
SELECT aid % 50000 AS bucket, count(*), avg(abalance) FROM pgbench_accounts GROUP BY 1 ORDER BY 2 DESC LIMIT 10;
\elif :kind = 2
SELECT count(*) FROM pgbench_accounts a JOIN pgbench_accounts b ON b.aid = a.aid + 1 WHERE a.abalance <> b.abalance OR a.bid = b.bid;
\else
SELECT count(*) FROM pgbench_accounts WHERE aid BETWEEN 100001 AND 100300 AND abalance NOT IN (SELECT aid FROM pgbench_accounts WHERE aid <= 8000);
\endif
