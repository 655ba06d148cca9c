-- Rebuild beside the old one, then swap.
REINDEX INDEX CONCURRENTLY {schema}.{name}
