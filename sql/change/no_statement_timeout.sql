-- For CREATE INDEX CONCURRENTLY, which may take hours.
SELECT pg_catalog.set_config('statement_timeout', '0', false) AS statement_timeout
