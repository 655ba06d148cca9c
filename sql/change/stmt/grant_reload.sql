-- Shown as a hint.
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {role};
