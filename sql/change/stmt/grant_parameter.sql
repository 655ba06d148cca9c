-- Shown as a hint.
GRANT ALTER SYSTEM ON PARAMETER {name} TO {role};
