-- Forget a node's changesets that nothing has happened to since a time.
DELETE FROM changes WHERE node = $1 AND updated_ms < $2
