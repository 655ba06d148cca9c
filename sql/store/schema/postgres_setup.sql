-- Each session of the shared history: its own schema and nothing else.  One console at a
-- time makes it (the lock of postgres_lock.sql, held until the end of this message); where
-- it is there already, no right to make one is needed.
SELECT pg_catalog.pg_advisory_xact_lock(123613236883045);
DO $$
BEGIN
	IF pg_catalog.to_regnamespace('pg2une') IS NULL THEN
		CREATE SCHEMA pg2une;
	ELSIF NOT pg_catalog.has_schema_privilege('pg2une', 'USAGE') THEN
		RAISE insufficient_privilege USING MESSAGE =
			'permission denied for schema pg2une';
	END IF;
END $$;
SET search_path = pg2une
