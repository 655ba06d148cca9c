-- Keep an optimizer run; a known one gets its new state.
INSERT INTO optimization_runs (id, node, created_ms, updated_ms, action, status, config,
	baseline_metrics, result_metrics, improvement_pct, deployment_state,
	canary_workload_id, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (id) DO UPDATE SET updated_ms = excluded.updated_ms,
	status = excluded.status, config = excluded.config,
	baseline_metrics = excluded.baseline_metrics,
	result_metrics = excluded.result_metrics,
	improvement_pct = excluded.improvement_pct,
	deployment_state = excluded.deployment_state,
	canary_workload_id = excluded.canary_workload_id, body = excluded.body
