-- From 15: the parameters a tuner may set by ALTER SYSTEM without being superuser.  Numbers
-- and choices only: no command, library, path or file name, which would be a way to run
-- code as the server's user.
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN
		SELECT s.name FROM pg_settings s
		WHERE (s.vartype <> 'string' OR s.name = 'synchronous_standby_names')
		  AND s.context <> 'internal'
		  AND s.category NOT LIKE 'Developer Options%'
		  AND s.category NOT LIKE '%Authentication%'
		  AND s.name !~ '^(data_|config_|allow_|ssl|port$|zero_damaged|ignore_)'
	LOOP
		EXECUTE format('GRANT SET, ALTER SYSTEM ON PARAMETER %I TO tuner', name);
	END LOOP;
END
$$;
