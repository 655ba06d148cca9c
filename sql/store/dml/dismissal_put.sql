-- Remember a dismissal; a later one of the same advice replaces it.
INSERT INTO dismissals (node, identity, until_ms, evidence, state)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (node, identity) DO UPDATE SET until_ms = excluded.until_ms,
	evidence = excluded.evidence, state = excluded.state
