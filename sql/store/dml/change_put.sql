-- Keep a changeset; a known one gets its new state.
INSERT INTO changes (id, node, created_ms, updated_ms, who, what, state, baseline, result,
	body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET updated_ms = excluded.updated_ms, what = excluded.what,
	state = excluded.state, baseline = excluded.baseline, result = excluded.result,
	body = excluded.body
