-- Without blocking; leaves an invalid index when it is stopped.
DROP INDEX CONCURRENTLY {schema}.{name}
