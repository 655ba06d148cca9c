-- Shown as a hint.
GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO {role};
