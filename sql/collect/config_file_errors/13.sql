-- Lines of the configuration files that are wrong or do not apply.
-- columns: sourcefile,sourceline,name,setting,applied,error
-- privilege: SELECT on pg_file_settings and EXECUTE on pg_show_all_file_settings()
-- cadence: demand
SELECT /*pg2une*/ f.sourcefile, f.sourceline, f.name, f.setting, f.applied, f.error
  FROM pg_catalog.pg_file_settings f
 WHERE f.error IS NOT NULL
 ORDER BY f.seqno
