-- Somebody dropped the index that the look-ups need.
-- on
ALTER TABLE pgbench_accounts DROP CONSTRAINT pgbench_accounts_pkey;
-- off
ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid);
