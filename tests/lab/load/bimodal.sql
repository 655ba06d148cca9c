-- Nine of ten transactions find one row, the tenth counts 20,000: two humps in the
-- distribution of latencies, with the 95th percentile in the second.
\set kind random(1, 10)
\set aid random(1, 100000 * :scale)
\if :kind = 10
SELECT count(*), max(length(filler)) FROM pgbench_accounts WHERE aid BETWEEN :aid AND :aid + 20000;
\else
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
\endif
