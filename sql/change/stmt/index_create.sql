-- Without blocking writers; leaves an invalid index when it is stopped.
CREATE INDEX CONCURRENTLY {name} ON {schema}.{table} {definition}
