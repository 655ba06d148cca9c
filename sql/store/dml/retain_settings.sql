-- Forget values that a setting no longer had at a time; the last one before it stays,
-- for it was the value then.
DELETE FROM settings_history
WHERE node = $1 AND t_ms < $2 AND EXISTS (
	SELECT 1 FROM settings_history later
	WHERE later.node = settings_history.node AND later.name = settings_history.name
		AND later.t_ms > settings_history.t_ms AND later.t_ms < $2)
