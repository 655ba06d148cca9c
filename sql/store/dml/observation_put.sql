-- Keep one observation of the optimizer.
INSERT INTO optimizer_observations (node, t_ms, run, workload_type, config, score,
	score_type, baseline_metrics, measured_metrics, improvement_pct)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
