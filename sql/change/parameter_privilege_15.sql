-- $1: the setting
SELECT r.rolsuper OR pg_catalog.has_parameter_privilege($1::pg_catalog.text, 'ALTER SYSTEM')
           AS alter_system,
       r.rolsuper OR pg_catalog.has_parameter_privilege($1::pg_catalog.text, 'SET') AS set_it,
       $1::pg_catalog.text AS name
  FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER
