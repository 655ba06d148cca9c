-- All settings, in the order of their bytes.  What this very session has set for itself
-- is not the server's: the value without that is told.
-- columns: name,setting,unit,vartype,context,source,sourcefile,sourceline,boot_val,reset_val,
--   min_val,max_val,pending_restart
-- cadence: slow
SELECT /*pg2une*/ s.name,
       CASE WHEN s.source OPERATOR(pg_catalog.=) 'session' THEN s.reset_val
            ELSE s.setting END AS setting,
       s.unit, s.vartype, s.context, s.source, s.sourcefile,
       s.sourceline, s.boot_val, s.reset_val, s.min_val, s.max_val, s.pending_restart
  FROM pg_catalog.pg_settings s
 ORDER BY s.name COLLATE pg_catalog."C"
 LIMIT 3000
