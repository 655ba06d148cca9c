-- Before 15 only a superuser may ALTER SYSTEM.  $1: the setting
SELECT r.rolsuper AS alter_system, r.rolsuper AS set_it, $1::pg_catalog.text AS name
  FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER
