-- The cluster's own identifier; some services revoke these functions.
-- columns: system_identifier,timeline,checkpoint_lsn
-- privilege: EXECUTE on pg_control_system() and pg_control_checkpoint()
-- cadence: demand
SELECT /*pg2une*/ s.system_identifier, c.timeline_id AS timeline, c.checkpoint_lsn
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c
