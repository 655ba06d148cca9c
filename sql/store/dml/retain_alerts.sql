-- Forget a node's alerts that were noticed before a time.
DELETE FROM alerts WHERE node = $1 AND detected_ms < $2
