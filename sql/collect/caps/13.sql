-- What this session may do, in one row.
-- columns: superuser,read_all_stats,read_all_settings,signal_backend,track_io_timing,
--   wal_stats,io_stats,control,file_settings,current_logfile,read_file,ls_logdir,
--   logging_collector,reload,alter_any,alter_allowed,hint_plan
-- cadence: demand
SELECT /*pg2une*/ r.rolsuper AS superuser,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS read_all_stats,
       pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE') AS read_all_settings,
       pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') AS signal_backend,
       pg_catalog.current_setting('track_io_timing')::pg_catalog.bool AS track_io_timing,
       pg_catalog.to_regclass('pg_catalog.pg_stat_wal') IS NOT NULL AS wal_stats,
       pg_catalog.to_regclass('pg_catalog.pg_stat_io') IS NOT NULL AS io_stats,
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS control,
       pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
           AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')
           AS file_settings,
       pg_catalog.has_function_privilege('pg_catalog.pg_current_logfile()', 'EXECUTE')
           AS current_logfile,
       pg_catalog.has_function_privilege('pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean)', 'EXECUTE')
           AND pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text,boolean)', 'EXECUTE') AS read_file,
       pg_catalog.has_function_privilege('pg_catalog.pg_ls_logdir()', 'EXECUTE') AS ls_logdir,
       pg_catalog.current_setting('logging_collector')::pg_catalog.bool AS logging_collector,
       pg_catalog.has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE') AS reload,
       r.rolsuper AS alter_any,
       true AS alter_allowed,
       pg_catalog.current_setting('pg_hint_plan.enable_hint', true) IS NOT NULL AS hint_plan
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = CURRENT_USER
