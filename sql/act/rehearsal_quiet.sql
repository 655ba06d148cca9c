-- End the load's sessions on a copy, where there is nobody else; how many there still are.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid))
  FROM pg_catalog.pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()
