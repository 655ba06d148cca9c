-- Lines that void or spoil a reload.  A restart-only value that waits says the
-- same error, but is no fault; of one whose line was removed it is said without a
-- file and name (ProcessConfigFileInternal() of guc-file.l).  So is that the main
-- file cannot be opened, which is a fault.
SELECT f.sourcefile, f.sourceline, f.name, f.setting, f.error
  FROM pg_catalog.pg_file_settings f
  LEFT JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = pg_catalog.lower(f.name)
 WHERE f.error IS NOT NULL
   AND NOT (f.sourcefile IS NULL
            AND EXISTS (SELECT 1 FROM pg_catalog.pg_settings p
                         WHERE p.pending_restart AND p.context = 'postmaster'
                           AND pg_catalog.strpos(f.error, p.name) > 0))
   AND NOT (COALESCE(s.pending_restart, false) AND s.context = 'postmaster')
 ORDER BY f.seqno
 LIMIT 20
