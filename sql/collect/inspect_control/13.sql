-- The control file's identity and last checkpoint.
-- columns: system_identifier,pg_control_version,catalog_version_no,timeline,checkpoint_lsn,
--   redo_lsn,checkpoint_time,full_page_writes
-- privilege: EXECUTE on pg_control_system() and pg_control_checkpoint()
-- cadence: demand
SELECT /*pg2une*/ s.system_identifier::pg_catalog.text AS system_identifier, s.pg_control_version,
       s.catalog_version_no, c.timeline_id AS timeline, c.checkpoint_lsn::pg_catalog.text AS checkpoint_lsn,
       c.redo_lsn::pg_catalog.text AS redo_lsn, c.checkpoint_time, c.full_page_writes
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c
