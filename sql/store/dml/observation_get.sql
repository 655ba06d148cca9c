-- A node's optimizer observations, the newest first; bounded.
SELECT t_ms, run, workload_type, config, score, score_type, baseline_metrics,
	measured_metrics, improvement_pct
FROM optimizer_observations WHERE node = $1 ORDER BY t_ms DESC LIMIT 500
