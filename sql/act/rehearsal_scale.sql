-- The scale of pgbench's own tables, if they are there.
SELECT pg_catalog.count(*) FROM public.pgbench_branches
