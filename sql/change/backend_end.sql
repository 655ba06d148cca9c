-- Only the very backend that we know.  $1 pid, $2 backend start in microseconds
SELECT pg_catalog.pg_terminate_backend(a.pid) AS ended
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = $1::pg_catalog.int4
   AND (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8
       = $2::pg_catalog.int8
