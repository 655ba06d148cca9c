-- What must lie beside the copy for it to be one.
SELECT s.labelfile, s.spcmapfile FROM pg_catalog.pg_backup_stop(false) s
