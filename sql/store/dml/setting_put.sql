-- Keep a setting's change, once.
INSERT INTO settings_history (node, t_ms, name, value, unit, source, sourcefile)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (node, name, t_ms) DO NOTHING
