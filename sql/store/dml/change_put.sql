-- Keep a changeset; a known one gets its new state.  What a rollout measured of it stays
-- when its journal, which knows nothing of that, is read again.
INSERT INTO changes (id, node, created_ms, updated_ms, who, what, state, baseline, result,
	body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET updated_ms = excluded.updated_ms, what = excluded.what,
	state = excluded.state, baseline = coalesce(excluded.baseline, changes.baseline),
	result = CASE WHEN excluded.baseline IS NULL AND changes.baseline IS NOT NULL
			AND changes.state = excluded.state
		THEN changes.result ELSE excluded.result END,
	body = excluded.body
