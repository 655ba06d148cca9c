-- As index_create.
CREATE UNIQUE INDEX CONCURRENTLY {name} ON {schema}.{table} {definition}
