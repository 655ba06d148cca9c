-- State of a node in a rollout: its place in the WAL, its transactions, on a standby
-- whether replay goes on, its client sessions, and how many of these ran a statement
-- last that writes (a standby refuses it with 25006).
-- columns: in_recovery,lsn,commits,rollbacks,conflicts,delay_ms,paused,backends,
--          backends_max,writes
-- cadence: demand
SELECT /*pg2une*/ w.in_recovery,
       CASE WHEN w.in_recovery
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')
            ELSE pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')
       END AS lsn,
       d.commits, d.rollbacks, d.conflicts,
       CASE WHEN w.in_recovery
             AND pg_catalog.pg_last_wal_receive_lsn() > pg_catalog.pg_last_wal_replay_lsn()
            THEN pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
                 - pg_catalog.pg_last_xact_replay_timestamp()) * 1000
            ELSE 0
       END AS delay_ms,
       CASE WHEN w.in_recovery THEN pg_catalog.pg_is_wal_replay_paused()
            ELSE false END AS paused,
       a.backends,
       pg_catalog.current_setting('max_connections')::pg_catalog.int4 AS backends_max,
       a.writes
  FROM (SELECT pg_catalog.pg_is_in_recovery() AS in_recovery) w,
       (SELECT pg_catalog.sum(x.xact_commit)::pg_catalog.int8 AS commits,
               pg_catalog.sum(x.xact_rollback)::pg_catalog.int8 AS rollbacks,
               pg_catalog.sum(x.conflicts)::pg_catalog.int8 AS conflicts
          FROM pg_catalog.pg_stat_database x) d,
       (SELECT pg_catalog.count(*) AS backends,
               pg_catalog.count(*) FILTER (WHERE s.query OPERATOR(pg_catalog.~*)
                 '^(\s|/\*.*?\*/)*(insert|update|delete|merge|truncate|create|alter|drop|grant|revoke|reindex|vacuum|refresh)\M'
                 OR s.query OPERATOR(pg_catalog.~*)
                 '^(\s|/\*.*?\*/)*(select|with)\M.*\m(for\s+(no\s+key\s+)?update|for\s+(key\s+)?share|insert\s+into|delete\s+from)\M'
               ) AS writes
          FROM pg_catalog.pg_stat_activity s
         WHERE s.backend_type = 'client backend'
           AND s.application_name NOT LIKE 'pg2une/%') a
