-- A node's changesets since a time, the newest first; bounded.
SELECT id, created_ms, updated_ms, who, what, state, baseline, result, body
FROM changes WHERE node = $1 AND created_ms >= $2 ORDER BY created_ms DESC LIMIT 1000
