-- WAL senders with their lags, from the server's present position.  Not through
-- pg_stat_replication: that reads every session; here each sender is looked up.
-- columns: pid,name,client,state,sync_state,slot,sent_lag,write_lag,flush_lag,replay_lag,
--   replay_lag_ms
-- privilege: pg_monitor
-- cadence: tick
SELECT /*pg2une*/ w.pid, a.application_name AS name, pg_catalog.host(a.client_addr) AS client,
       w.state, w.sync_state, s.slot_name AS slot,
       pg_catalog.pg_wal_lsn_diff(n.lsn, w.sent_lsn) AS sent_lag,
       pg_catalog.pg_wal_lsn_diff(n.lsn, w.write_lsn) AS write_lag,
       pg_catalog.pg_wal_lsn_diff(n.lsn, w.flush_lsn) AS flush_lag,
       pg_catalog.pg_wal_lsn_diff(n.lsn, w.replay_lsn) AS replay_lag,
       pg_catalog.date_part('epoch', w.replay_lag) * 1000 AS replay_lag_ms
  FROM (SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
                    THEN pg_catalog.pg_last_wal_replay_lsn()
                    ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) n,
       pg_catalog.pg_stat_get_wal_senders() w
 CROSS JOIN LATERAL pg_catalog.pg_stat_get_activity(w.pid) a
  LEFT JOIN pg_catalog.pg_get_replication_slots() s ON s.active_pid = w.pid
 LIMIT 200
