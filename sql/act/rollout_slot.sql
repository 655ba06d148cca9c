-- Keep the WAL from now on for as long as this session lives, and no longer.
SELECT s.slot_name
  FROM pg_catalog.pg_create_physical_replication_slot($1::pg_catalog.name, true, true) s
