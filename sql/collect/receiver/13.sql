-- A standby's side: what it received and replayed, by WAL positions.  The clock of
-- the last replayed transaction stands still on an idle primary, so it counts only
-- while something received is not yet replayed.
-- columns: status,sender_host,sender_port,slot,receive_lag,replay_lag,delay_ms,paused
-- privilege: pg_monitor
-- cadence: tick
SELECT /*pg2une*/ r.status, r.sender_host, r.sender_port, r.slot_name AS slot,
       pg_catalog.pg_wal_lsn_diff(r.latest_end_lsn, r.flushed_lsn) AS receive_lag,
       pg_catalog.pg_wal_lsn_diff(p.received, p.replayed) AS replay_lag,
       CASE WHEN p.received > p.replayed THEN
           pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000
       END AS delay_ms,
       p.paused
  FROM (SELECT pg_catalog.pg_last_wal_receive_lsn() AS received,
               pg_catalog.pg_last_wal_replay_lsn() AS replayed,
               CASE WHEN pg_catalog.pg_is_in_recovery()
                    THEN pg_catalog.pg_is_wal_replay_paused() END AS paused) p
  LEFT JOIN pg_catalog.pg_stat_get_wal_receiver() r ON r.pid IS NOT NULL
