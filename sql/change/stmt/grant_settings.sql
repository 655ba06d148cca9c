-- Shown as a hint.
GRANT pg_read_all_settings TO {role};
