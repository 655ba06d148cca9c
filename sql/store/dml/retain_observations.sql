-- Forget what the optimizer measured before a time.
DELETE FROM optimizer_observations WHERE node = $1 AND t_ms < $2
