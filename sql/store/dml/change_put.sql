-- Keep a changeset; a known one gets its new state.
INSERT INTO changes (id, node, created_ms, updated_ms, state, body)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET updated_ms = excluded.updated_ms,
	state = excluded.state, body = excluded.body
