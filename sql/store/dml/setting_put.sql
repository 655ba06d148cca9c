-- Keep a setting's value, unless it is the one that was kept last.
INSERT INTO settings_history (node, t_ms, name, value, unit, source, sourcefile)
SELECT CAST($1 AS bigint), CAST($2 AS bigint), CAST($3 AS text), CAST($4 AS text),
	CAST($5 AS text), CAST($6 AS text), CAST($7 AS text)
WHERE NOT EXISTS (
	SELECT 1 FROM settings_history was
	WHERE was.node = CAST($1 AS bigint) AND was.name = CAST($3 AS text)
		AND was.value IS NOT DISTINCT FROM CAST($4 AS text)
		AND was.t_ms = (SELECT max(t_ms) FROM settings_history
			WHERE node = CAST($1 AS bigint) AND name = CAST($3 AS text)))
ON CONFLICT (node, name, t_ms) DO NOTHING
