-- A node's alerts since a time, the newest first; bounded.
SELECT id, onset_ms, detected_ms, cleared_ms, metric, direction, severity, confidence,
	magnitude, state, body
FROM alerts WHERE node = $1 AND detected_ms >= $2 ORDER BY detected_ms DESC LIMIT 1000
