-- What a stopped REINDEX CONCURRENTLY left; {piece} is quoted already.
DROP INDEX CONCURRENTLY IF EXISTS {piece}
