-- Does pg_stat_statements really answer?  Without the preload this fails as the view
-- does, and it does not read all entries to say so; it came with 1.9.
-- columns: n
-- extension: pg_stat_statements 1.9
-- cadence: demand
SELECT pg_catalog.count(*) AS n FROM @ext@.pg_stat_statements_info()
