-- What a session that writes needs beyond the usual: a name, commits that do not
-- wait for a standby, and keepalives so that the server frees our lock soon when
-- the link is cut (reference/safety.md fact 7).  $1: application_name
SELECT pg_catalog.pg_backend_pid() AS pid,
       (SELECT (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8
          FROM pg_catalog.pg_stat_activity a
         WHERE a.pid = pg_catalog.pg_backend_pid()) AS backend_start_us,
       pg_catalog.set_config('application_name', $1::pg_catalog.text, false) AS name,
       pg_catalog.set_config('synchronous_commit', 'local', false) AS sync,
       pg_catalog.set_config('tcp_keepalives_idle', '5', false) AS idle,
       pg_catalog.set_config('tcp_keepalives_interval', '1', false) AS probe_interval,
       pg_catalog.set_config('tcp_keepalives_count', '3', false) AS probe_count
