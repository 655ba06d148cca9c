-- A node's optimizer runs, the newest first; bounded.
SELECT id, created_ms, updated_ms, action, status, config, baseline_metrics,
	result_metrics, improvement_pct, deployment_state, canary_workload_id, body
FROM optimization_runs WHERE node = $1 ORDER BY created_ms DESC LIMIT 1000
