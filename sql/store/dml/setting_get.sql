-- A node's settings as they were seen to change.
SELECT t_ms, name, value, unit, source, sourcefile
FROM settings_history WHERE node = $1 ORDER BY name, t_ms
