-- The inverse of statistics_create.
DROP STATISTICS {schema}.{name}
