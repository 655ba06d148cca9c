-- Alerts that nobody watches any more; a console that still does writes its own again.
UPDATE alerts SET state = 'left open' WHERE node = $1 AND cleared_ms IS NULL
