-- Statements of very different cost in one transaction stream: look-up, range, aggregate
-- and a small update, one of them a transaction.
\set kind random(1, 100)
\set aid random(1, 100000 * :scale)
\set delta random(-5000, 5000)
\if :kind <= 60
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
\elif :kind <= 85
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
\elif :kind <= 97
SELECT sum(abalance) FROM pgbench_accounts WHERE aid BETWEEN :aid AND :aid + 1000;
\else
SELECT bid, count(*), avg(abalance) FROM pgbench_accounts GROUP BY bid ORDER BY bid;
\endif
