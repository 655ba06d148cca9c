-- Keep an alert; a known one keeps its onset and gets its new state.
INSERT INTO alerts (id, node, onset_ms, detected_ms, cleared_ms, metric, direction,
	severity, confidence, magnitude, state, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET cleared_ms = excluded.cleared_ms,
	severity = excluded.severity, confidence = excluded.confidence,
	magnitude = excluded.magnitude, state = excluded.state, body = excluded.body
