-- What must lie beside the copy for it to be one: before 15.
SELECT s.labelfile, s.spcmapfile FROM pg_catalog.pg_stop_backup(false, false) s
