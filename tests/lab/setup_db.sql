-- In each database where a tuner may work: see what the files say, and reload.
CREATE EXTENSION pg_stat_statements;
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO tuner;
GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO tuner;
GRANT SELECT ON pg_file_settings TO tuner;
