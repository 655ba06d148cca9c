-- Every setting that this role may see.
-- columns: name,setting,unit,vartype,context,source,sourcefile,sourceline,boot_val,
--   reset_val,min_val,max_val,pending_restart,category
-- cadence: demand
SELECT /*pg2une*/ s.name, s.setting, s.unit, s.vartype, s.context, s.source, s.sourcefile, s.sourceline,
       s.boot_val, s.reset_val, s.min_val, s.max_val, s.pending_restart, s.category
  FROM pg_catalog.pg_settings s
 ORDER BY s.name
