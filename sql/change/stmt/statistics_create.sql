-- Extended statistics; the next ANALYZE fills them.
CREATE STATISTICS {schema}.{name} {definition} FROM {schema}.{table}
