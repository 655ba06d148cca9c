-- Few and long: grouping by many keys, a sort, a self-join; with a small work_mem all spill.
\set kind random(1, 3)
\if :kind = 1
SELECT aid % 50000 AS bucket, count(*), avg(abalance) FROM pgbench_accounts GROUP BY 1 ORDER BY 2 DESC LIMIT 10;
\elif :kind = 2
SELECT aid, filler FROM pgbench_accounts ORDER BY md5(aid::text) OFFSET 99990 LIMIT 10;
\else
SELECT count(*) FROM pgbench_accounts a JOIN pgbench_accounts b ON b.aid = a.aid + 1 WHERE a.abalance <> b.abalance OR a.bid = b.bid;
\endif
