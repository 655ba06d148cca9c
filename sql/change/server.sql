-- What this role may change, and figures that boot-breaking values are held against.
SELECT r.rolname, r.rolsuper AS superuser, r.rolcreaterole AS createrole,
       pg_catalog.has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE') AS may_reload,
       pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
           AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')
           AS sees_files,
       pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE') AS sees_settings,
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
           AND pg_catalog.has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE')
           AS sees_control,
       pg_catalog.current_setting('allow_alter_system', true) AS allow_alter_system,
       pg_catalog.current_setting('max_connections')::pg_catalog.int4 AS max_connections,
       pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4
           AS superuser_reserved,
       pg_catalog.current_setting('reserved_connections', true) AS reserved,
       pg_catalog.current_setting('max_wal_senders')::pg_catalog.int4 AS max_wal_senders,
       pg_catalog.current_setting('wal_level') AS wal_level,
       pg_catalog.current_setting('archive_mode') AS archive_mode,
       pg_catalog.current_setting('huge_pages') AS huge_pages,
       (SELECT s.setting::pg_catalog.float8 * 8192 FROM pg_catalog.pg_settings s
         WHERE s.name = 'shared_buffers') AS shared_buffers_bytes,
       CASE WHEN pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
            THEN pg_catalog.current_setting('shared_preload_libraries') END AS loaded_libraries,
       -- Patroni puts all of these on the postmaster's command line, nobody else does
       (SELECT pg_catalog.count(*) = 7 FROM pg_catalog.pg_settings s
         WHERE s.source = 'command line'
           AND s.name IN ('wal_level', 'max_wal_senders', 'max_replication_slots',
                          'wal_log_hints', 'track_commit_timestamp',
                          'max_locks_per_transaction', 'max_prepared_transactions'))
           AS looks_like_patroni,
       (SELECT pg_catalog.string_agg(m.rolname, ', ') FROM pg_catalog.pg_roles m
         WHERE m.rolname IN ('rds_superuser', 'azure_pg_admin', 'cloudsqlsuperuser',
                             'alloydbsuperuser', 'neon_superuser')) AS managed_by
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = CURRENT_USER
