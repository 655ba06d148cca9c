/* The one list of subcommands. */
#include <string.h>

#include "cli_priv.h"

const struct pgt_cmd_ops *const pgt_cmd_table[] = {
    &pgt_cmd_inspect,
    &pgt_cmd_doctor,
    &pgt_cmd_config_show,
    &pgt_cmd_config_diff,
    &pgt_cmd_query_top,
    &pgt_cmd_query_slow_log,
    &pgt_cmd_query_analyze,
    &pgt_cmd_query_index_suggest,
    &pgt_cmd_query_locks,
    &pgt_cmd_query_bloat,
    &pgt_cmd_query_vacuum_health,
    &pgt_cmd_alerts,
    &pgt_cmd_analysis,
    &pgt_cmd_baseline,
    &pgt_cmd_baseline_diff,
    &pgt_cmd_config_apply,
    &pgt_cmd_config_tune,
    &pgt_cmd_config_rollback,
    &pgt_cmd_change_list,
    &pgt_cmd_change_history,
    &pgt_cmd_change_show,
    &pgt_cmd_change_confirm,
    &pgt_cmd_change_rollback,
    &pgt_cmd_recover,
    &pgt_cmd_advise,
    &pgt_cmd_optimize,
    &pgt_cmd_rollout_plan,
    &pgt_cmd_rollout_start,
    &pgt_cmd_rollout_status,
    &pgt_cmd_rollout_confirm,
    &pgt_cmd_rollout_hold,
    &pgt_cmd_rollout_rollback,
    &pgt_cmd_options,
    NULL,
};

const struct pgt_cmd_ops *
pgt_cmd_find(int argc, char **argv, int *ret_words)
{
	const struct pgt_cmd_ops *found = NULL;
	size_t i, len;

	for (i = 0; argc > 1 && pgt_cmd_table[i]; i++) {
		const char *name = pgt_cmd_table[i]->name, *second;

		len = strcspn(name, " ");
		second = name[len] ? name + len + 1 : NULL;
		if (strlen(argv[1]) != len || memcmp(argv[1], name, len) != 0)
			continue;
		if (second && (argc < 3 || strcmp(argv[2], second) != 0))
			continue;
		if (found && !second) /* "baseline diff" goes before "baseline" */
			continue;
		found = pgt_cmd_table[i];
		*ret_words = second ? 2 : 1;
	}
	return found;
}
