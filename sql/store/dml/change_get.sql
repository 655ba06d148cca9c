-- A node's changesets, the newest first; bounded.
SELECT id, created_ms, updated_ms, state, body
FROM changes WHERE node = $1 ORDER BY created_ms DESC LIMIT 1000
