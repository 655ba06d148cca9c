-- Senders, slots and the receiver; lags in bytes of WAL.
-- columns: kind,name,client,state,sync_state,active,sent_lag_bytes,replay_lag_bytes,
--   retained_bytes,replay_lag_s
-- privilege: pg_read_all_stats for the details
-- cadence: demand
SELECT /*pg2une*/ 'sender'::pg_catalog.text AS kind, r.application_name AS name,
       COALESCE(pg_catalog.host(r.client_addr), 'local') AS client, r.state, r.sync_state,
       true AS active,
       pg_catalog.pg_wal_lsn_diff(l.now, r.sent_lsn) AS sent_lag_bytes,
       pg_catalog.pg_wal_lsn_diff(l.now, r.replay_lsn) AS replay_lag_bytes,
       NULL::pg_catalog.numeric AS retained_bytes,
       pg_catalog.date_part('epoch', r.replay_lag) AS replay_lag_s
  FROM pg_catalog.pg_stat_replication r,
       (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn()
                    ELSE pg_catalog.pg_current_wal_lsn() END AS now) l
UNION ALL
SELECT 'slot', s.slot_name, s.plugin, s.wal_status, s.slot_type, s.active, NULL, NULL,
       pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()
           THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
           s.restart_lsn), NULL
  FROM pg_catalog.pg_replication_slots s
UNION ALL
SELECT 'receiver', w.slot_name, w.sender_host, w.status, NULL, true, NULL,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(),
           pg_catalog.pg_last_wal_replay_lsn()), NULL, NULL
  FROM pg_catalog.pg_stat_wal_receiver w
 WHERE w.pid IS NOT NULL
 ORDER BY 1, 2
