-- End one session, named by pid and backend_start (microseconds
-- since the epoch), so that a pid that was reused is never hit.
SELECT pg_catalog.pg_terminate_backend(pid)
FROM pg_catalog.pg_stat_activity
WHERE pid = $1::int
  AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2::bigint
